"""How much each map differs from the others."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bids_ari.stats.glm import Rotated, merge, rotate, varying
from bids_ari.stats.refusals import residual_dof

Blocks = Iterable[tuple[NDArray[np.floating], NDArray[np.floating]]]
"""(n_block, n_features) maps and their (n_block, n_regressors) rows of the design."""

_FAR = 3.0
"""Standard deviations: what a feature must deviate by to count."""
_FREE = 1e-10
"""The model follows a map whatever it is if its leverage is nearer to 1 than this."""
_CONSTANT = 1e-10
"""Of a spread against the mean: what rounding leaves of maps that do not vary."""


class OutlierMeasures(NamedTuple):
    """What tells a map that is unlike the others; nan where it cannot be told."""

    mean: NDArray[np.float64]
    """(n_maps,) mean over the features, in the units of the maps."""
    spread: NDArray[np.float64]
    """(n_maps,) standard deviation over the features, in the units of the maps."""
    correlation: NDArray[np.float64]
    """(n_maps,) correlation over the features with the mean of all other maps."""
    share_far: NDArray[np.float64]
    """(n_maps,) share of the features where the map is far from what the others predict."""


def outlier_measures(read_blocks: Callable[[], Blocks]) -> OutlierMeasures:
    """
    Compare each map with the others, holding one block at a time.

    Parameters
    ----------
    read_blocks : callable
        Gives what :func:`fit` takes: (effects, design), block by block. Called twice, must give
        the same.

    Returns
    -------
    OutlierMeasures
        In the order of the maps.

    Raises
    ------
    ValueError
        If the model leaves no degrees of freedom, or its regressors are collinear.

    Notes
    -----
    A map is compared with a model of all *other* maps, or it would hide itself: residuals e of
    a model that knows the map are bounded. With the leverage h of the map, s^2 the residual sum of
    squares and d the residual degrees of freedom of the model of all maps, that deviation is::

        t = e / sqrt((1 - h) (s^2 - e^2 / (1 - h)) / (d - 1))

    (externally studentised residual, Student's t with d - 1 degrees of freedom [1]_). A feature
    is far if its t of either sign has a smaller tail probability than 3 standard deviations of a normal variable,
    which 0.27 % have by chance in groups of any size. Features that do not vary are left out. The
    share is nan if d is 1, or if the model follows the map whatever it is (h = 1).

    References
    ----------
    .. [1] Cook, Weisberg (1982), Residuals and Influence in Regression, section 2.2.1

    Examples
    --------
    >>> maps = np.array([[1.0, 2.0, 3.0], [1.1, 2.1, 2.9], [0.9, 2.2, 3.1], [3.0, 2.0, 0.0]])
    >>> outlier_measures(lambda: [(maps, np.ones((4, 1)))]).correlation.round(2)
    array([ 0.73,  0.86,  0.82, -0.97])
    """
    model, total = _fit_and_sum(read_blocks())
    dof = residual_dof(model.n_maps, model.r)
    parts = [_compare(effects, design, model, total, dof) for effects, design in read_blocks()]
    return OutlierMeasures(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _fit_and_sum(blocks: Blocks) -> tuple[Rotated, NDArray[np.float64]]:
    model: Rotated | None = None
    total = np.zeros(1)
    for effects, design in blocks:
        part = rotate(effects, design)
        model = merge(model, part) if model else part
        total = total + effects.sum(axis=0, dtype=np.float64)
        del effects, part  # or they would be held while the next block is made
    if model is None:
        msg = "there are no maps to compare"
        raise ValueError(msg)
    return model, total


def _compare(
    effects: NDArray[np.floating],
    design: NDArray[np.floating],
    model: Rotated,
    total: NDArray[np.float64],
    dof: int,
) -> OutlierMeasures:
    predictors = np.linalg.solve(model.r.T, design.T.astype(np.float64)).T
    left = 1 - np.einsum("mr,mr->m", predictors, predictors)  # 1 - leverage
    can_tell = (left > _FREE) & (dof > 1)
    varies = varying(model)
    n_far = np.zeros(len(effects))
    mean, spread, correlation = (np.full(len(effects), np.nan) for _ in range(3))
    # the tail of t on both sides that a normal variable has beyond 3
    far = -special.stdtrit(dof - 1, special.ndtr(-_FAR))
    for row, values in enumerate(effects):
        data = values.astype(np.float64)
        others = total - data  # their sum correlates as their mean does
        mean[row], spread[row] = data.mean(), data.std()
        of_others = others.mean(), others.std()
        if _varies(mean[row], spread[row]) and _varies(*of_others):
            product = (data - mean[row]) @ (others - of_others[0]) / data.size
            correlation[row] = product / (spread[row] * of_others[1])
        if can_tell[row]:
            scaled = (data - predictors[row] @ model.z) ** 2 / left[row]
            rest = np.maximum(model.rss - scaled, 0) / (dof - 1)
            n_far[row] = np.count_nonzero(varies & (scaled > far**2 * rest))
    n_varying = np.count_nonzero(varies)
    share = np.full(len(effects), np.nan)
    np.divide(n_far, n_varying, out=share, where=can_tell & (n_varying > 0))
    return OutlierMeasures(mean, spread, correlation, share)


def _varies(mean: float, spread: float) -> bool:
    return spread > _CONSTANT * abs(mean)
