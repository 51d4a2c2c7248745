"""How group models are fitted, by the name that the user chooses: all give maps of one kind."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats import (
    Estimates,
    contrast_maps,
    estimated_contrast,
    estimated_f_contrast,
    f_maps,
    f_z_and_p_values,
    fit,
    fixed_effects,
    mixed_effects,
    variance_spread,
    z_and_sided_p_values,
)

LOGGER = logging.getLogger("bids_ari")
ReadBlocks = Callable[[str], Iterable[NDArray[np.floating]]]
"""Gives ``"values"`` or ``"variances"``, (n_block, n_features) arrays in the order of the design."""


MUCH_SPREAD = 1.0
"""Of the logarithms of the variances: mixed effects rejects too often above."""


class GroupMaps(NamedTuple):
    """What a test of a group model gives at each feature, whichever test and estimator."""

    stat: NDArray[np.float64]
    """(n_features,) Student t, z, or F."""
    z: NDArray[np.float64]
    p_values: dict[str, NDArray[np.float64]]
    """(n_features,) under each alternative; F has the upper tail only."""
    dof: tuple[float, ...]
    """Of t, or of numerator and denominator of F; the largest, where features differ."""
    results: dict[str, Any]
    """For sidecars."""
    intent: str
    """Code of NIfTI for the statistic."""
    effect: NDArray[np.float64] | None = None
    variance: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class Fitted:
    """A group model that contrasts can be tested in."""

    test: Callable[[NDArray[np.float64], str], GroupMaps]
    """Takes the rows of a contrast, and ``"t"`` or ``"F"``."""
    tau2: NDArray[np.float64] | None = field(default=None)
    """(n_features,) variance between maps, if it was estimated."""


def least_squares(read_blocks: ReadBlocks, design: NDArray[np.float64]) -> Fitted:
    """Fit by ordinary least squares; see :func:`bids_ari.stats.fit`."""

    def blocks() -> Iterator[tuple[NDArray[np.floating], NDArray[np.float64]]]:
        start = 0
        for values in read_blocks("values"):
            yield values, design[start : start + len(values)]
            start += len(values)

    rotated = fit(blocks())

    def test(weights: NDArray[np.float64], kind: str) -> GroupMaps:
        if kind == "F":
            f = f_maps(rotated, weights)
            z, p = f_z_and_p_values(f.f, f.dof, f.dof_residual)
            results = {"FeaturesWithoutVariance": f.n_without_variance}
            dof = (float(f.dof), float(f.dof_residual))
            return GroupMaps(f.f, z, {"greater": p}, dof, results, "f test")
        t = contrast_maps(rotated, weights[0])
        z, p_values = z_and_sided_p_values(t.t, t.dof)
        sided: dict[str, NDArray[np.float64]] = dict(p_values.items())
        results = {"FeaturesWithoutVariance": t.n_without_variance}
        return GroupMaps(t.t, z, sided, (float(t.dof),), results, "t test", t.effect, t.variance)

    return Fitted(test)


def _weighted(
    estimates: Estimates, spread: float, tau2: NDArray[np.float64] | None = None
) -> Fitted:
    def results_with(n_untestable: int) -> dict[str, Any]:
        results: dict[str, Any] = {"UntestableFeatures": n_untestable}
        if np.isfinite(spread):  # there is none where no feature has two maps
            results["VarianceSpread"] = round(spread, 4)
        return results

    def test(weights: NDArray[np.float64], kind: str) -> GroupMaps:
        if kind == "F":
            f = estimated_f_contrast(estimates, weights)
            dof = (float(f.dof), float(np.max(f.dof_residual)))
            results = results_with(f.n_untestable)
            return GroupMaps(f.f, f.z, {"greater": f.p}, dof, results, "f test")
        t = estimated_contrast(estimates, weights[0])
        return GroupMaps(
            t.t,
            t.z,
            dict(t.sided_p.items()),
            (float(np.max(t.dof)),),
            results_with(t.n_untestable),
            "t test",
            t.effect,
            t.variance,
        )

    return Fitted(test, tau2)


def fixed(read_blocks: ReadBlocks, design: NDArray[np.float64]) -> Fitted:
    """Weigh maps by their variances; see :func:`bids_ari.stats.fixed_effects`."""
    estimates = fixed_effects(_pairs(read_blocks), design)
    return _weighted(estimates, variance_spread(_pairs(read_blocks)))


def mixed(read_blocks: ReadBlocks, design: NDArray[np.float64]) -> Fitted:
    """Estimate a variance between maps as well; see :func:`bids_ari.stats.mixed_effects`."""
    estimates = mixed_effects(lambda: _pairs(read_blocks), design)
    spread = variance_spread(_pairs(read_blocks))
    if spread > MUCH_SPREAD:
        LOGGER.warning(
            "the variances of the maps differ a lot (at a typical voxel, their logarithm has a "
            "standard deviation of %.1f): mixed effects then finds too much; ordinary least "
            "squares does not",
            spread,
        )
    return _weighted(estimates, spread, estimates.tau2)


def _pairs(
    read_blocks: ReadBlocks,
) -> Iterable[tuple[NDArray[np.floating], NDArray[np.floating]]]:
    return zip(read_blocks("values"), read_blocks("variances"), strict=True)


ESTIMATORS: dict[str, Callable[[ReadBlocks, NDArray[np.float64]], Fitted]] = {
    "ols": least_squares,
    "fixed": fixed,
    "mixed": mixed,
}
"""Estimators by the name that the user chooses them by."""
