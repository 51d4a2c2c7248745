"""Chart of p-values in order, as observed and under permutations."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bids_ari.figures.drawing import INK, Drawing, blank, drawing, inset

_BAND = "#6f9fc8"
_USED = "#d55e00"  # told from blue by who is colour-blind, readable on white and on black
_ARI = "#8a6fc0"
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SMALLEST = 1e-300
_ROOM = 3.0  # below the smallest value, as a factor


class Curves(NamedTuple):
    """Values at some ranks of the p-values in order; nan where there is none."""

    ranks: NDArray[np.integer]
    observed: NDArray[np.floating]
    low: NDArray[np.floating]
    """Of the band that permutations lie in."""
    median: NDArray[np.floating]
    high: NDArray[np.floating]
    thresholds: NDArray[np.floating]
    """That bounds derive from."""
    ari: NDArray[np.floating]
    """Those by All-Resolutions Inference."""


def envelope(curves: Curves, kind: str) -> Drawing:
    """
    Draw p-values in order against their rank, both on logarithmic scales.

    Parameters
    ----------
    curves : Curves
        What is drawn.
    kind : str
        ``sign flips`` or ``permutations``.

    Returns
    -------
    Drawing
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator  # slow to import

    floor = _lowest(curves)
    figure = blank(5.2, 4.6)
    axes = figure.add_axes(inset(figure, left=0.7, right=0.15, top=0.75, bottom=0.5))
    axes.set_xscale("log")
    axes.set_yscale("log")
    ranks = curves.ranks

    def shown(values: NDArray[np.floating]) -> NDArray[np.floating]:
        return np.where(values < floor, floor, values)

    band = axes.fill_between(ranks, shown(curves.low), shown(curves.high), color=_BAND, alpha=0.45)
    band.set(linewidth=0, label=f"90 % of {kind}")
    axes.plot(
        ranks, shown(curves.median), color=_BAND, linewidth=1.2, linestyle=(0, (5, 2)),
        label=f"median of {kind}",
    )  # fmt: skip
    axes.plot(ranks, shown(curves.observed), color=INK, linewidth=2.0, label="observed")
    every = max(1, len(ranks) // 14)
    axes.plot(
        ranks, shown(curves.thresholds), color=_USED, linewidth=1.4, marker="^", markersize=4.5,
        markevery=every, label="thresholds used",
    )  # fmt: skip
    axes.plot(
        ranks, shown(curves.ari), color=_ARI, linewidth=1.4, linestyle=(0, (1, 1.5)), marker="s",
        markersize=3.5, markevery=(every // 2, every), label="thresholds of ARI",
    )  # fmt: skip
    axes.set_xlim(1, max(float(ranks[-1]), 10))
    axes.set_ylim(floor, 1.3)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_major_locator(LogLocator(numticks=8))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _power(value)))
    axes.set_xlabel("rank of the p-value, from the smallest")
    axes.set_ylabel("p-value")
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.12, 1.0), ncols=2, frameon=False, handlelength=2.8,
        columnspacing=1.2, borderaxespad=0.2,
    )  # fmt: skip
    for spine in ("top", "right"):
        axes.spines[spine].set_visible(False)
    return drawing(figure, "envelope")


def _power(value: float) -> str:
    """Write a power of ten without the markup that drawings take for text."""
    exponent = round(np.log10(value))
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}" if exponent else "1"


def _lowest(curves: Curves) -> float:
    """Find where the axis of p begins: below all that are not 0, but for thresholds far below."""
    values = np.concatenate([curves.observed, curves.low, curves.ari])
    positive = values[values > _SMALLEST]
    return float(positive.min(initial=0.1)) / _ROOM
