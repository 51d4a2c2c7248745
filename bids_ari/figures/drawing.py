"""Drawings: as SVG whose text has the colour of the page, and as files for papers."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bids_ari.figures.colors import LINES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#010203"  # stands for the text colour of the page until the SVG is written
PIXELS_PER_INCH = 300
"""Of pictures for papers."""
_COMPRESSION = 4  # a tenth larger than usual, in half the time
_PAPER = '<rect width="100%" height="100%" fill="#ffffff"/>'


def blank(width: float, height: float) -> "Figure":
    """Make an empty figure of a size in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height))


def inset(
    figure: "Figure", *, left: float, right: float, top: float, bottom: float
) -> tuple[float, float, float, float]:
    """Turn margins in inches into the place of the axes."""
    width, height = figure.get_size_inches()
    return left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height


def shorten(name: str, length: int = 16) -> str:
    """Cut a name that is too long."""
    return name if len(name) <= length else f"{name[: length - 1]}…"


def _texts(figure: "Figure") -> Iterator[Any]:
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if isinstance(text, Text):
            yield text


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure that is drawn once, for each format that it is wanted in."""

    figure: "Figure"
    """Unknown to pyplot: it is freed with its last reference."""
    name: str
    """Drawings on one page need different ones."""

    @cached_property
    def _svg(self) -> str:
        import matplotlib as mpl
        from matplotlib.backends.backend_svg import FigureCanvasSVG

        buffer = io.StringIO()
        # the salt keeps the identifiers of two drawings on one page apart, and the bytes the same
        with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": self.name}):
            canvas: Any = FigureCanvasSVG(self.figure)
            canvas.print_svg(buffer, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
        return buffer.getvalue()

    @property
    def inline(self) -> str:
        """An ``svg`` element for a page, whose text has the colour of the page."""
        svg = self._svg
        svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
        svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
        used = set(re.findall(r"#([\w-]+)", svg))
        return re.sub(r' id="([^"]+)"', lambda match: match[0] if match[1] in used else "", svg)

    @property
    def svg(self) -> str:
        """A file: black on white, text as text."""
        return self._svg.replace(INK, "#000000").replace("</defs>", f"</defs>\n {_PAPER}", 1)

    @property
    def png(self) -> bytes:
        """A file: black on white, 300 pixels for each inch."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from PIL import Image

        figure = self.figure
        figure.set_dpi(PIXELS_PER_INCH)
        canvas: Any = FigureCanvasAgg(figure)
        canvas.draw()
        painted = Image.fromarray(np.asarray(canvas.buffer_rgba()))
        paper = Image.new("RGB", painted.size, "white")
        paper.paste(painted, mask=painted.getchannel("A"))
        buffer = io.BytesIO()
        paper.save(
            buffer, "PNG", dpi=(PIXELS_PER_INCH, PIXELS_PER_INCH), compress_level=_COMPRESSION
        )
        return buffer.getvalue()


def drawing(figure: "Figure", name: str) -> Drawing:
    """Finish a figure: its text has one colour, and it is transparent between the lines."""
    for text in _texts(figure):
        text.set_color(INK)
        text.set_parse_math(False)  # a regressor named "$" is a name, not a formula
    figure.patch.set_alpha(0)
    for axes in figure.axes:
        axes.patch.set_alpha(0)
        axes.tick_params(color=LINES)
        for spine in axes.spines.values():
            spine.set_edgecolor(LINES)
    return Drawing(figure, name)
