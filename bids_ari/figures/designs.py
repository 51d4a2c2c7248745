"""The design matrix, and below it the contrast."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bids_ari.figures.drawing import Drawing, blank, drawing, inset, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FEW = 8  # regressors whose weights can be written below them
_MOST_NAMES = 20


def design_matrix(
    values: NDArray[np.floating], names: Sequence[str], weights: Sequence[Sequence[float]]
) -> Drawing:
    """
    Draw a design matrix and below it the contrast.

    Few columns have their names above and their weights below. Of more, weights are drawn as
    fields, darker for larger ones, and negative ones red; beyond twenty, columns are thin and
    have no names.

    Parameters
    ----------
    values : (n_maps, n_regressors) array
        Each column is scaled to its largest absolute value.
    names : sequence of str
        Regressors.
    weights : sequence of sequence of float
        Rows of the contrast, each with one weight per regressor.

    Returns
    -------
    Drawing
    """
    n_maps, n_columns = values.shape
    few, named = n_columns <= _FEW, n_columns <= _MOST_NAMES
    shown = [shorten(name) for name in names] if named else []
    longest = max(map(len, shown), default=0)
    column = min(0.75, 5.2 / n_columns)
    right = 0.1 + 0.07 * len(shown[-1]) if few else 0.15  # the last name stands out
    top = 0.2 + (0.036 if few else 0.085) * longest
    body = float(np.clip(0.8 + 0.06 * n_maps, 1.0, 2.6))
    strip = 0.2 * len(weights)
    figure = blank(0.8 + right + column * n_columns, top + body + strip + 0.3)
    height = float(figure.get_figheight())
    axes = figure.add_axes(
        inset(figure, left=0.8, right=right, top=top, bottom=height - top - body)
    )
    scale = np.max(np.abs(values), axis=0, keepdims=True)
    axes.imshow(
        values / np.where(scale > 0, scale, 1),
        cmap="Blues",
        vmin=-1.6,
        vmax=1.3,
        aspect="auto",
        interpolation="nearest",
    )
    axes.xaxis.tick_top()
    axes.set_xticks(
        range(len(shown)), shown, rotation=20 if few else 90, ha="left" if few else "center"
    )
    if not named:
        axes.set_title(f"{n_columns} regressors", fontsize=10)
    axes.set_ylabel("map")
    axes.set_yticks(sorted({0, n_maps - 1}), [str(i + 1) for i in sorted({0, n_maps - 1})])
    _separate(axes, n_columns)
    if few:
        _write_weights(axes, weights)
    else:
        below = figure.add_axes(
            inset(figure, left=0.8, right=right, top=top + body + 0.1, bottom=0.2)
        )
        _draw_weights(below, np.array(weights, dtype=np.float64))
    return drawing(figure, "design")


def _separate(axes: "Axes", n_columns: int) -> None:
    if n_columns <= _MOST_NAMES:
        axes.set_xticks(np.arange(0.5, n_columns - 1), minor=True)
        axes.grid(which="minor", axis="x", color="white", linewidth=2 if n_columns <= _FEW else 1)
    axes.tick_params(length=0, which="both")


def _write_weights(axes: "Axes", weights: Sequence[Sequence[float]]) -> None:
    for line, row in enumerate(weights):
        down = -14 - 14.4 * line
        for column, weight in enumerate(row):
            axes.annotate(
                f"{weight:+.3g}".replace("-", "\N{MINUS SIGN}") if weight else "0",
                (column, 0),
                (0, down),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="center",
                weight="bold",
            )
        axes.annotate(
            "contrast" if len(weights) == 1 else f"row {line + 1}",
            (0, 0),
            (-6, down),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
        )


def _draw_weights(axes: "Axes", weights: NDArray[np.float64]) -> None:
    largest = max(float(np.max(np.abs(weights), initial=0)), 1e-12)
    options: dict[str, Any] = {"aspect": "auto", "interpolation": "nearest"}
    axes.imshow(weights, cmap="RdBu", vmin=-largest, vmax=largest, **options)
    n_rows = len(weights)
    one = ["contrast"] if n_rows == 1 else [f"row {line + 1}" for line in range(n_rows)]
    axes.set_yticks(range(n_rows), one if n_rows <= _MOST_NAMES else [""] * n_rows)
    axes.set_xticks([])
    axes.tick_params(length=0)
    _separate(axes, weights.shape[1])
