"""Several templates at once, each with a part of alpha: the highest of their thresholds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.calibration import Calibrated
from bids_ari.stats.ties import BELOW_ALL


def highest(critical_vectors: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    r"""
    Combine critical vectors: at each rank the highest threshold.

    Parameters
    ----------
    critical_vectors : sequence of (n_critical,) arrays
        At least one. A shorter one goes on with its last threshold.

    Returns
    -------
    (n_critical,) array
        As long as the longest.

    Notes
    -----
    Some inactive p-value passes the highest of several thresholds if and only if it passes one of
    them, so that the joint error is the union of their joint errors. If these have probabilities of
    at most :math:`\alpha / J` each, that of the union of :math:`J` is at most :math:`\alpha`,
    whatever their dependence.

    Examples
    --------
    >>> highest([np.array([-1.0, 0.02, 0.03]), np.array([0.01, 0.025])])
    array([0.01 , 0.025, 0.03 ])
    """
    size = max(one.size for one in critical_vectors)
    padded = [np.pad(one, (0, size - one.size), "edge") for one in critical_vectors if one.size]
    return np.max(padded, axis=0) if padded else np.zeros(0)


def supplier(
    p_values: NDArray[np.floating], calibrated: Sequence[Calibrated]
) -> Calibrated | None:
    """
    Tell which of several templates gave the bound of a set.

    Parameters
    ----------
    p_values : (n_set,) array
        P-values of the features in the set.
    calibrated : sequence of Calibrated
        Those that the critical vector is the :func:`highest` of.

    Returns
    -------
    Calibrated or None
        The first that has the threshold which proves the most; None if nothing is proved.

    Examples
    --------
    >>> from bids_ari.stats.templates import Simes
    >>> line = Calibrated(Simes(), 0.05, np.array([0.01, 0.03, 0.05]))
    >>> late = Calibrated(Simes(1), 0.08, np.array([-1.0, 0.04, 0.08]))
    >>> supplier(np.array([0.001, 0.2]), [line, late]).template.name
    'simes'
    >>> supplier(np.array([0.03, 0.035, 0.06, 0.07]), [line, late]).template.name
    'simes1'
    """
    critical_vector = highest([one.critical_vector for one in calibrated])[: p_values.size]
    n_below = np.searchsorted(np.sort(p_values), critical_vector, side="right")
    proved = n_below - np.arange(critical_vector.size)
    if np.max(proved, initial=0) <= 0:
        return None
    rank = int(np.argmax(proved))
    return max(calibrated, key=lambda one: _at(one.critical_vector, rank))


def _at(critical_vector: NDArray[np.float64], rank: int) -> float:
    if critical_vector.size == 0:
        return BELOW_ALL
    return float(critical_vector[min(rank, critical_vector.size - 1)])
