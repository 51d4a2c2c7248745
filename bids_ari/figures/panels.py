"""Pictures of pixels, as WebP with a transparent surround."""

import io
from dataclasses import dataclass
from typing import Any

_EFFORT = 2  # of 6; 4 takes twice as long for pictures that are 5 % smaller


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: its bytes, its size in pixels, and what it is called."""

    name: str
    data: bytes
    width: int
    height: int


def webp(picture: Any, name: str) -> Panel:
    """Encode a picture."""
    buffer = io.BytesIO()
    picture.save(buffer, format="WEBP", quality=82, method=_EFFORT)
    return Panel(name, buffer.getvalue(), picture.width, picture.height)


def smaller(panel: Panel, factor: float) -> Panel:
    """Scale a picture down for an overview."""
    from PIL import Image

    size = round(panel.width * factor), round(panel.height * factor)
    picture = Image.open(io.BytesIO(panel.data)).resize(size, Image.Resampling.LANCZOS)
    return webp(picture, panel.name)
