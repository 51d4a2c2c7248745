"""The pictures of one result, ready to be embedded, each with words that say what it shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_ari import figures
from bids_ari.report.backdrop import Backdrop
from bids_ari.report.embedding import Picture, picture, volume_of
from bids_ari.report.findings import condition
from bids_ari.report.outliers import EXPECTED_FAR, reasons
from bids_ari.report.results import Result
from bids_ari.report.slices import Row, Scale, heights_of, not_drawn, rows_of
from bids_ari.report.words import beyond, number_of

TO_LOOK_AT = 2.3  # drawn where the data choose no threshold, as there is no discovery
_OTHER_SCALES = 5.0  # ratio of spreads that asks for a logarithmic axis
_LOWEST_OF_F = -6.0  # where F is 0, its z has no lower end


@dataclass(frozen=True, eq=False, slots=True)
class Pictures:
    """Everything drawn for one result; ``background`` tells what the slices lie on."""

    glass: tuple[Picture, ...]
    thumbnail: tuple[Picture, ...]
    rows: tuple[Row, ...]
    mask: tuple[Picture, ...]
    design: figures.Drawing | None
    histogram: figures.Drawing
    comparison: figures.Drawing | None
    """How maps compare with each other; None where it is not known."""
    envelope: figures.Drawing | None
    """P-values under permutations; None where there are none."""
    background: str
    has_brain: bool
    """Whether there is more behind the maps than the shape of the mask."""
    not_drawn: str
    condition: str
    """Where the z map is drawn."""
    threshold: float
    largest: float
    negative: tuple[str, ...]
    positive: tuple[str, ...]
    tdp: tuple[str, ...]


def draw(result: Result, behind: Backdrop) -> Pictures:
    """
    Draw the maps, the mask and the model of a result.

    Parameters
    ----------
    result : Result
        One analysis.
    behind : Backdrop
        What slices lie on.

    Returns
    -------
    pictures : Pictures
    """
    z = volume_of(result.maps["z"])
    mask = volume_of(result.mask)
    lowest = result.heights[0]
    no_choice = lowest.by_data and not lowest.clusters
    threshold = TO_LOOK_AT if no_choice else lowest.value
    inside = z.values[mask.values > 0]
    inside = inside[np.isfinite(inside)].astype(np.float64)
    if result.test == "F":
        inside = np.maximum(inside, _LOWEST_OF_F)
    drawn = inside if result.test == "F" else np.abs(inside)
    largest = max(float(np.max(drawn, initial=0)), threshold + 0.5)
    slicer = figures.Slicer(mask, behind.brain)
    heights = heights_of(result, mask)
    negative, positive = figures.z_gradient(threshold, largest)
    shown = _one_sided(z, result.alternative)
    glass = (
        figures.glass_brain(shown, threshold=threshold, largest=largest) if behind.in_mni else []
    )
    small = [figures.smaller(panel, 0.55) for panel in glass] or [
        slicer.z(shown, at, threshold=threshold, largest=largest) for at in heights[1::2]
    ]
    return Pictures(
        glass=tuple(
            picture(panel, f"glass brain {panel.name}: {_signs(result)}") for panel in glass
        ),
        thumbnail=tuple(
            picture(panel, f"z map, {panel.name}" if not glass else f"glass brain {panel.name}")
            for panel in small
        ),
        rows=tuple(rows_of(result, slicer, shown, heights, Scale(threshold, largest))),
        mask=tuple(
            picture(panel, f"mask of the analysis at {panel.name}")
            for panel in slicer.mask_outline()
        ),
        design=_design(result),
        histogram=figures.histogram(inside, _marks(threshold, result.alternative)),
        comparison=_comparison(result),
        envelope=_envelope(result),
        background=behind.words,
        has_brain=behind.brain is not None,
        not_drawn=not_drawn(result),
        condition=(
            beyond(threshold, result.alternative)
            if no_choice
            else condition(lowest, result.alternative)
        ),
        threshold=threshold,
        largest=largest,
        negative=tuple(negative) if result.alternative != "greater" else (),
        positive=tuple(positive) if result.alternative != "less" else (),
        tdp=tuple(figures.tdp_gradient()),
    )


def _one_sided(z: figures.Volume, alternative: str) -> figures.Volume:
    """Leave out the values of the sign that was not tested."""
    if alternative == "two-sided":
        return z
    keep = z.values > 0 if alternative == "greater" else z.values < 0
    return figures.Volume(np.where(keep, z.values, 0), z.affine)


def _marks(threshold: float, alternative: str) -> tuple[float, ...]:
    sides = {"two-sided": (-threshold, threshold), "greater": (threshold,), "less": (-threshold,)}
    return sides[alternative]


def _design(result: Result) -> figures.Drawing | None:
    names, weights = result.regressors, result.weights
    try:
        values = np.array([[float(row[name]) for name in names] for row in result.design])
    except (KeyError, TypeError, ValueError):
        return None
    if not values.size or not weights or any(len(row) != len(names) for row in weights):
        return None
    return figures.design_matrix(values, names, weights)


def _comparison(result: Result) -> figures.Drawing | None:
    maps = result.outliers
    if not maps:
        return None
    marked = reasons(maps)

    def of(name: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        return (
            np.array([getattr(one, name) for one in maps]),
            np.array([name in names for names in marked]),
        )

    far, far_marked = of("share_far")
    spread, spread_marked = of("spread")
    other_scales = bool(spread.min() > 0 and spread.max() > _OTHER_SCALES * spread.min())
    correlation, mean = of("correlation"), of("mean")
    return figures.comparison(
        [one.row for one in maps],
        [
            ("far, %", 100 * far, far_marked, 100 * EXPECTED_FAR, False),
            ("correlation", *correlation, 0, False),
            ("mean", *mean, 0, False),
            ("spread", spread, spread_marked, float(np.median(spread)), other_scales),
        ],
    )


def _envelope(result: Result) -> figures.Drawing | None:
    of = result.permutations
    if of is None:
        return None
    rows = of.ordered
    curves = figures.Curves(
        ranks=np.array([one.rank for one in rows]),
        observed=np.array([one.observed for one in rows]),
        low=np.array([one.low for one in rows]),
        median=np.array([one.median for one in rows]),
        high=np.array([one.high for one in rows]),
        thresholds=np.array([np.nan if one.threshold is None else one.threshold for one in rows]),
        ari=np.array([one.ari_threshold for one in rows]),
    )
    return figures.envelope(curves, of.kind)


def _signs(result: Result) -> str:
    clusters = result.heights[0].clusters
    if result.test == "F" and clusters:
        return (
            f"{number_of(len(clusters), 'cluster')} with {condition(result.heights[0], 'greater')}"
        )
    n_positive = sum(cluster.sign == "positive" for cluster in clusters)
    n_negative = len(clusters) - n_positive
    where = condition(result.heights[0], result.alternative)
    if not clusters:
        return f"no voxel with {where}"
    parts = [
        number_of(n, f"{sign} cluster")
        for n, sign in ((n_positive, "positive"), (n_negative, "negative"))
        if n
    ]
    return f"{' and '.join(parts)} with {where}"
