"""Maps from files, and pictures ready to be embedded, with words that say what they show."""

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bids_ari import figures

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Picture:
    """An image to embed: its bytes as a URI, what it shows in words, what stands below it."""

    uri: str
    alt: str
    caption: str
    width: int
    height: int
    note: str = ""
    panel: figures.Panel | None = field(default=None, compare=False, repr=False)
    """Its pixels, for papers."""


def picture(panel: figures.Panel, alt: str, caption: str | None = None, note: str = "") -> Picture:
    """Embed a panel; it is captioned by its name if nothing else is given."""
    return Picture(
        uri="data:image/webp;base64," + base64.b64encode(panel.data).decode(),
        alt=alt,
        caption=panel.name if caption is None else caption,
        width=panel.width,
        height=panel.height,
        note=note,
        panel=panel,
    )


def volume_of(path: "Path") -> figures.Volume:
    """Read a map to be drawn."""
    from bids_ari.images import read_map  # slow to import

    values, grid = read_map(path)
    return figures.Volume(values, grid.affine)
