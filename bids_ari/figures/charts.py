"""Line drawings, as SVG whose text has the colour of the page."""

import io
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bids_ari.figures.colors import LINES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_INK = "#010203"  # stands for the text colour of the page until the SVG is written


def design_matrix(
    values: NDArray[np.floating], names: Sequence[str], weights: Sequence[float]
) -> str:
    """
    Draw a design matrix and below it the contrast.

    Parameters
    ----------
    values : (n_maps, n_regressors) array
        Each column is scaled to its largest absolute value.
    names : sequence of str
        Regressors.
    weights : sequence of float
        Contrast, one weight per regressor.

    Returns
    -------
    svg : str
        An ``svg`` element whose text has the colour of the page.
    """
    n_maps, n_regressors = values.shape
    last = _shorten(names[-1])  # stands out to the right
    figure = _figure(0.9 + 0.07 * len(last) + 0.75 * n_regressors, min(3.4, 1.3 + 0.06 * n_maps))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_position(_inset(figure, left=0.8, right=0.1 + 0.07 * len(last), top=0.5, bottom=0.42))
    scale = np.max(np.abs(values), axis=0, keepdims=True)
    axes.imshow(
        values / np.where(scale > 0, scale, 1),
        cmap="Blues",
        vmin=-1.6,
        vmax=1.3,
        aspect="auto",
        interpolation="nearest",
    )
    axes.set_xticks(
        range(n_regressors), [_shorten(name) for name in names], rotation=20, ha="left"
    )
    axes.xaxis.tick_top()
    axes.set_ylabel("map")
    axes.set_yticks(sorted({0, n_maps - 1}), [str(i + 1) for i in sorted({0, n_maps - 1})])
    axes.set_xticks(np.arange(0.5, n_regressors - 1), minor=True)
    axes.grid(which="minor", axis="x", color="white", linewidth=2)
    axes.tick_params(length=0, which="both")
    for column, weight in enumerate(weights):
        axes.annotate(
            f"{weight:+g}".replace("-", "\N{MINUS SIGN}") if weight else "0",
            (column, 0),
            (0, -14),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            weight="bold",
        )
    axes.annotate(
        "contrast",
        (0, 0),
        (-6, -14),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
    )
    return _svg(figure, "design")


def histogram(z: NDArray[np.floating], marks: Sequence[float] = ()) -> str:
    """
    Draw the distribution of z values against the standard normal.

    Parameters
    ----------
    z : (n_features,) array
        Finite values.
    marks : sequence of float
        z values to be marked by a line.

    Returns
    -------
    svg : str
        An ``svg`` element whose text has the colour of the page.
    """
    from scipy.stats import norm

    edge = float(np.ceil(2 * max(4.0, np.max(np.abs(z), initial=0)))) / 2
    edges = np.linspace(-edge, edge, 81)
    figure = _figure(5.2, 2.5)
    axes = figure.add_axes(_inset(figure, left=0.1, right=0.1, top=0.1, bottom=0.45))
    density, _ = np.histogram(z, edges, density=True)
    axes.stairs(density, edges, fill=True, color="#6f9fc8")
    axes.plot(edges, norm.pdf(edges), color=_INK, linewidth=1.2)
    for mark in marks:
        axes.axvline(mark, color=LINES, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_xlim(-edge, edge)
    axes.set_ylim(bottom=0)
    axes.set_yticks([])
    axes.set_xlabel("z")
    for spine in ("left", "top", "right"):
        axes.spines[spine].set_visible(False)
    return _svg(figure, "histogram")


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height))


def _inset(
    figure: "Figure", *, left: float, right: float, top: float, bottom: float
) -> tuple[float, float, float, float]:
    """Turn margins in inches into the place of the axes."""
    width, height = figure.get_size_inches()
    return left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height


def _shorten(name: str, length: int = 16) -> str:
    return name if len(name) <= length else f"{name[: length - 1]}…"


def _texts(figure: "Figure") -> Iterator[Any]:
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if isinstance(text, Text):
            yield text


def _svg(figure: "Figure", name: str) -> str:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    for text in _texts(figure):
        text.set_color(_INK)
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
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    used = set(re.findall(r"#([\w-]+)", svg))
    return re.sub(r' id="([^"]+)"', lambda match: match[0] if match[1] in used else "", svg)
