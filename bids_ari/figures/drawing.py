"""Line drawings, as SVG whose text has the colour of the page."""

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bids_ari.figures.colors import LINES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#010203"  # stands for the text colour of the page until the SVG is written


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


def to_svg(figure: "Figure", name: str) -> str:
    """Write an ``svg`` element; drawings on one page need different names."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    for text in _texts(figure):
        text.set_color(INK)
        text.set_parse_math(False)  # a regressor named "$" is a name, not a formula
    figure.patch.set_alpha(0)
    for axes in figure.axes:
        axes.patch.set_alpha(0)
        axes.tick_params(color=LINES)
        for spine in axes.spines.values():
            spine.set_edgecolor(LINES)
    buffer = io.StringIO()
    # the salt keeps the identifiers of two drawings on one page apart, and the bytes the same
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(buffer, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    used = set(re.findall(r"#([\w-]+)", svg))
    return re.sub(r' id="([^"]+)"', lambda match: match[0] if match[1] in used else "", svg)
