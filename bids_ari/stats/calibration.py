r"""
Calibration of templates: the level that random transformations of the data allow.

The *pivot* of a transformation is the largest level at which none of its p-values is below its
threshold: :math:`\lambda_b = \min_k t_k^{-1}(p^b_{(k)})`. Where no feature is active, the data as
they are have a pivot as likely to be small as any other. So thresholds at a level that at most a
share :math:`\alpha` of all pivots are below are passed with probability at most :math:`\alpha`.
Active features only make pivots smaller.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.hommel import check_alpha
from bids_ari.stats.templates import Template
from bids_ari.stats.ties import just_below

_ROUNDING = 8 * np.finfo(np.float64).eps


class Calibrated(NamedTuple):
    """A template at its level."""

    template: Template
    level: float
    critical_vector: NDArray[np.float64]
    """(k_max,) what p-values *at or below* have passed; -1 where there is no threshold."""
    n_steps: int = 0
    """How often the level was calibrated anew without features that are active for sure."""


def pivots_from(
    smallest: NDArray[np.floating],
    template: Template,
    n_features: int,
    n_set: int | None = None,
) -> NDArray[np.float64]:
    r"""
    Find the pivots of transformations from their smallest p-values.

    Parameters
    ----------
    smallest : (n_transformations, n_smallest) array
        The smallest p-values of each, ascending.
    template : Template
        With at most so many thresholds.
    n_features : int
        Size of the search volume.
    n_set : int, optional
        How many features the p-values are of, if not of all.

    Returns
    -------
    (n_transformations,) array
        For each the largest level at which all :math:`p_{(k)} \ge t_k`.

    Raises
    ------
    ValueError
        If p-values are missing for some threshold.

    Examples
    --------
    >>> from bids_ari.stats import Simes
    >>> pivots_from(np.array([[0.01, 0.3], [0.2, 0.25]]), Simes(), 2)
    array([0.02, 0.25])
    """
    n_ranks = min(template.k_max(n_features), n_features if n_set is None else n_set)
    if smallest.shape[1] < n_ranks:
        msg = (
            f"{smallest.shape[1]} p-values of each transformation, expected {n_ranks}: "
            f"{template.name} has as many thresholds"
        )
        raise ValueError(msg)
    levels = template.levels(
        np.asarray(smallest[:, :n_ranks], np.float64), np.arange(1, n_ranks + 1), n_features
    )
    return np.asarray(np.min(levels, axis=1, initial=np.inf))


def calibrate(pivots: NDArray[np.floating], alpha: float) -> float:
    r"""
    Choose the level of a template.

    Parameters
    ----------
    pivots : (n_transformations,) array
        Of the data as they are, first, and of transformations of them.
    alpha : float
        Familywise error rate, in (0, 1).

    Returns
    -------
    float
        The largest level that at most a share of alpha of the pivots are below. P-values pass
        thresholds at this level where they are strictly below.

    Raises
    ------
    ValueError
        If there are no pivots, one is not a number, or alpha is not inside (0, 1).

    Notes
    -----
    This is the :math:`(\lfloor \alpha B \rfloor + 1)`-th smallest of :math:`B`. With that number
    and :math:`p \le t` the error would be :math:`(\lfloor \alpha B \rfloor + 1) / B`.

    References
    ----------
    .. [1] Hemerik & Goeman (2018), TEST 27(4), 811-825, doi:10.1007/s11749-017-0571-1

    Examples
    --------
    >>> calibrate(np.array([0.3, 0.1, 0.4, 0.2]), 0.25)
    0.2
    """
    check_alpha(alpha)
    if pivots.size == 0 or np.any(np.isnan(pivots)):
        msg = f"{pivots.size} pivots, of which {np.isnan(pivots).sum()} are not numbers"
        raise ValueError(msg)
    # 0.29 * 100 is a little less than 29
    n_below = min(math.floor(alpha * pivots.size * (1 + _ROUNDING)), pivots.size - 1)
    return float(np.partition(pivots, n_below)[n_below])


def single_step(
    template: Template, pivots: NDArray[np.floating], alpha: float, n_features: int
) -> Calibrated:
    """
    Calibrate a template on all features.

    Parameters
    ----------
    template : Template
        Chosen before seeing the data.
    pivots : (n_transformations,) array
        See :func:`calibrate`.
    alpha : float
        Familywise error rate, in (0, 1).
    n_features : int
        Size of the search volume.

    Returns
    -------
    Calibrated
    """
    level = calibrate(pivots, alpha)
    return Calibrated(template, level, just_below(template.thresholds(level, n_features)))


def step_down(
    template: Template,
    p_values: NDArray[np.floating],
    pivots_of: Callable[[NDArray[np.bool_]], NDArray[np.floating]],
    alpha: float,
    max_steps: int = 10,
) -> Calibrated:
    """
    Calibrate a template on the features that may be inactive.

    Those that pass the first threshold are active, if the thresholds hold at all. Without them,
    pivots are larger, and so are thresholds.

    Parameters
    ----------
    template : Template
        Chosen before seeing the data. One without a first threshold (a shift) gains nothing.
    p_values : (n_features,) array
        Of the data as they are.
    pivots_of : callable
        Takes a mask (n_features,) of features and gives (n_transformations,) pivots over these,
        always of the same transformations. Ranks count within the mask, and the size of the search
        volume stays.
    alpha : float
        Familywise error rate, in (0, 1).
    max_steps : int
        Stop after so many steps.

    Returns
    -------
    Calibrated

    References
    ----------
    .. [1] Blanchard, Neuvial & Roquain (2020), Annals of Statistics 48(3), 1281-1303,
       doi:10.1214/19-AOS1847
    """
    left = np.ones(p_values.size, dtype=np.bool_)
    now = single_step(template, pivots_of(left), alpha, p_values.size)
    for _ in range(max_steps):
        still = p_values > now.critical_vector[0] if now.critical_vector.size else left
        if not still.any() or np.array_equal(still, left):
            break
        left = still
        # fewer features cannot have smaller pivots, unless these round otherwise
        level = max(calibrate(pivots_of(left), alpha), now.level)
        thresholds = just_below(template.thresholds(level, p_values.size))
        now = Calibrated(template, level, thresholds, now.n_steps + 1)
    return now
