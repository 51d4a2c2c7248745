"""Pictures of brains put side by side with words and legends, for papers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bids_ari.figures.drawing import INK, PIXELS_PER_INCH, Drawing, blank
from bids_ari.figures.panels import Panel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GAP = 8  # pixels between two pictures
_LINE = 0.125  # inch
_MARGIN = 0.06
_BAR = (0.75, 0.08)  # width and height of a legend in inches
_LETTER = 0.062  # width of a letter, about
_SIZE = 7  # points


@dataclass(frozen=True, slots=True)
class Legend:
    """A strip of colours and what its ends mean."""

    low: str
    colors: tuple[str, ...]
    high: str
    hollow: bool = False
    """Whether it is an empty field, of the colour of its rim."""


def sheet(
    panels: Sequence[Panel],
    words: Sequence[Sequence[str]],
    legends: Sequence[Legend],
    name: str,
    *,
    sides: bool = False,
) -> Drawing:
    """
    Put pictures in a row, a pixel of theirs to each of 300 pixels in an inch.

    Parameters
    ----------
    panels : sequence of Panel
        From left to right; bottoms are aligned.
    words : sequence of sequence of str
        Lines below each picture.
    legends : sequence of Legend
        Below all.
    name : str
        Of the drawing.
    sides : bool
        Whether left is left in the first and the last picture, and has to be marked.

    Returns
    -------
    Drawing
        Its pictures are pixels in the SVG too, never interpolated.
    """
    strip = _strip(panels)
    n_lines = max((len(lines) for lines in words), default=0)
    below = _LINE * n_lines + (2 * _LINE if legends else 0.0) + _MARGIN
    height, width = (length / PIXELS_PER_INCH for length in strip.shape[:2])
    figure = blank(max(width, _width_of(legends)) + 2 * _MARGIN, height + below + _MARGIN)
    whole = float(figure.get_figheight())
    axes = figure.add_axes(
        (_MARGIN / figure.get_figwidth(), below / whole, width / figure.get_figwidth(), height / whole)
    )  # fmt: skip
    axes.imshow(strip, interpolation="none", aspect="auto")
    axes.set_axis_off()
    left = 0
    for panel, lines in zip(panels, words, strict=True):
        for number, line in enumerate(lines):
            middle = _MARGIN + (left + panel.width / 2) / PIXELS_PER_INCH
            _write(figure, middle, below - _LINE * (number + 0.8), line, "center")
        left += panel.width + _GAP
    if sides:
        _write(figure, _MARGIN, whole - 0.5 * _LINE, "L")
        _write(figure, _MARGIN + width, whole - 0.5 * _LINE, "R", "right")
    at = _MARGIN
    for legend in legends:
        at = _draw_legend(figure, legend, at)
    figure.patch.set_alpha(0)
    return Drawing(figure, name)


def _strip(panels: Sequence[Panel]) -> NDArray[np.uint8]:
    """Paste pictures on white paper, (height, width, 4)."""
    height = max(panel.height for panel in panels)
    width = sum(panel.width + _GAP for panel in panels) - _GAP
    strip = np.full((height, width, 4), 255, dtype=np.uint8)
    left = 0
    for panel in panels:
        where = np.s_[height - panel.height :, left : left + panel.width]
        alpha = panel.pixels[..., 3:] / np.float32(255)
        strip[where][..., :3] = np.rint(alpha * panel.pixels[..., :3] + (1 - alpha) * 255)
        left += panel.width + _GAP
    return strip


def _write(figure: "Figure", x: float, y: float, text: str, align: str = "left") -> None:
    """Write at a place in inches from the lower left corner."""
    wide, high = figure.get_size_inches()
    figure.text(x / wide, y / high, text, fontsize=_SIZE, ha=align, va="center", color=INK)


def _draw_legend(figure: "Figure", legend: Legend, left: float) -> float:
    """Draw a legend from a place in inches on, and return where the next one begins."""
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Rectangle

    wide, high = figure.get_size_inches()
    middle = 0.75 * _LINE
    if legend.low:
        _write(figure, left, middle, legend.low)
        left += _LETTER * (len(legend.low) + 1)
    length = _BAR[1] if legend.hollow else _BAR[0]
    corner = (left / wide, (middle - _BAR[1] / 2) / high)
    size = (length / wide, _BAR[1] / high)
    if legend.hollow:
        color = legend.colors[0]
        figure.add_artist(
            Rectangle(corner, *size, facecolor="none", edgecolor=color, transform=figure.transFigure)
        )  # fmt: skip
    else:
        bar = figure.add_axes((*corner, *size))
        bar.imshow(
            [[to_rgba(color) for color in legend.colors]], aspect="auto", interpolation="bilinear"
        )
        bar.set_axis_off()
    left += length + _LETTER
    _write(figure, left, middle, legend.high)
    return left + _LETTER * (len(legend.high) + 2)


def _width_of(legends: Sequence[Legend]) -> float:
    letters = sum(len(legend.low) + len(legend.high) + 4 for legend in legends)
    return letters * _LETTER + _BAR[0] * len(legends)
