"""Charts of z values and of how maps compare."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bids_ari.figures.colors import LINES
from bids_ari.figures.drawing import INK, Drawing, blank, drawing, inset

_DOT = "#6f9fc8"
_MARKED = "#d1495b"  # readable on white and on black
_MOST_LABELS = 6


def histogram(z: NDArray[np.floating], marks: Sequence[float] = ()) -> Drawing:
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
    Drawing
    """
    edge = float(np.ceil(2 * max(4.0, np.max(np.abs(z), initial=0)))) / 2
    edges = np.linspace(-edge, edge, 81)
    figure = blank(5.2, 2.5)
    axes = figure.add_axes(inset(figure, left=0.1, right=0.1, top=0.1, bottom=0.45))
    density, _ = np.histogram(z, edges, density=True)
    axes.stairs(density, edges, fill=True, color="#6f9fc8")
    axes.plot(edges, np.exp(-(edges**2) / 2) / np.sqrt(2 * np.pi), color=INK, linewidth=1.2)
    for mark in marks:
        axes.axvline(mark, color=LINES, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_xlim(-edge, edge)
    axes.set_ylim(bottom=0)
    axes.set_yticks([])
    axes.set_xlabel("z")
    for spine in ("left", "top", "right"):
        axes.spines[spine].set_visible(False)
    return drawing(figure, "histogram")


def comparison(
    labels: Sequence[str],
    measures: Sequence[tuple[str, NDArray[np.floating], NDArray[np.bool_], float, bool]],
) -> Drawing:
    """
    Draw how maps compare, one measure below the other.

    Parameters
    ----------
    labels : sequence of str
        One per map.
    measures : sequence of tuple
        Of each measure its name, the values of all maps (nan where there is none), which of them
        stand out, what is usual (a line) and whether the scale is logarithmic.

    Returns
    -------
    Drawing
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator  # slow to import

    n_maps, n_rows = len(labels), len(measures)
    figure = blank(9.6, 0.25 + 1.2 * n_rows)
    left, bottom, width, whole = inset(figure, left=0.95, right=0.15, top=0.12, bottom=0.42)
    axes = None
    for number, (name, values, marked, usual, logarithmic) in enumerate(measures):
        height = whole / n_rows
        place = (left, bottom + (n_rows - 1 - number) * height, width, 0.84 * height)
        axes = figure.add_axes(place)
        at = np.arange(1, n_maps + 1)
        known = np.isfinite(values)
        if logarithmic:
            known &= values > 0
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=5))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        else:
            axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.axhline(usual, color=LINES, linewidth=0.8, linestyle=(0, (4, 3)))
        size = float(np.clip(2400 / max(n_maps, 1), 6, 26))
        for chosen, colour in ((known & ~marked, _DOT), (known & marked, _MARKED)):
            axes.scatter(at[chosen], values[chosen], s=size, color=colour, linewidths=0)
        order = np.flatnonzero(known & marked)
        order = order[np.argsort(-np.abs(values[order] - usual))][:_MOST_LABELS]
        for one in map(int, order):
            turned = one > 0.85 * n_maps
            axes.annotate(
                labels[one].removeprefix("sub-"),
                (at[one], values[one]),
                (-6 if turned else 6, 0),
                textcoords="offset points",
                ha="right" if turned else "left",
                va="center",
                fontsize=9,
            )
        axes.set_xlim(0, n_maps + 1)
        axes.margins(y=0.16)
        axes.set_ylabel(name, fontsize=9)
        axes.yaxis.set_label_coords(-0.065, 0.5)
        axes.tick_params(length=0, labelsize=8, labelbottom=number == n_rows - 1)
        axes.minorticks_off()
        axes.set_xticks(_ticks(n_maps))
        for spine in ("top", "right"):
            axes.spines[spine].set_visible(False)
    if axes is not None:
        axes.set_xlabel("map, in the order of the design", fontsize=9)
    return drawing(figure, "comparison")


def _ticks(n_maps: int) -> list[int]:
    """Choose a few maps to number, the first and the last among them."""
    step = max(1, round(n_maps / 10))
    between = [n for n in range(step, n_maps, step) if 1 < n <= n_maps - 0.6 * step]
    return sorted({1, *between, n_maps})
