"""Pictures of pixels, as WebP with a transparent surround."""

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

_EFFORT = 2  # of 6; 4 takes twice as long for pictures that are 5 % smaller


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: its bytes, its size in pixels, and what it is called."""

    name: str
    data: bytes
    width: int
    height: int
    pixels: NDArray[np.uint8] = field(compare=False, repr=False)
    """(height, width, 4) the picture before it lost anything."""


def webp(picture: Any, name: str) -> Panel:
    """Encode a picture."""
    buffer = io.BytesIO()
    picture.save(buffer, format="WEBP", quality=82, method=_EFFORT)
    pixels = np.asarray(picture.convert("RGBA"))
    return Panel(name, buffer.getvalue(), picture.width, picture.height, pixels)


def smaller(panel: Panel, factor: float) -> Panel:
    """Scale a picture down for an overview."""
    from PIL import Image

    size = round(panel.width * factor), round(panel.height * factor)
    picture = Image.fromarray(panel.pixels).resize(size, Image.Resampling.LANCZOS)
    return webp(picture, panel.name)
