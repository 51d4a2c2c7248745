r"""
Inference methods.

A method turns the evidence at every feature into one *critical vector*: non-decreasing thresholds
:math:`t_1 \le t_2 \le \dots` such that, with probability at least :math:`1 - \alpha`, fewer than
:math:`k` inactive features have a p-value at or below :math:`t_k`, for all :math:`k` at once.
:mod:`bids_ari.stats.bounds` turns a critical vector into bounds, and does not care which method
it came from.

To add a method, write a function with the signature below and register it in ``METHODS``; the
tests that every method must pass will find it there.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.hommel import hommel_value


class Evidence(NamedTuple):
    """What the data say, before choosing how to infer from it."""

    p_values: NDArray[np.floating]
    """(n_features,) observed p-values, in double precision."""


def ari(evidence: Evidence, alpha: float) -> NDArray[np.float64]:
    r"""
    Return the critical vector of All-Resolutions Inference.

    Parameters
    ----------
    evidence : Evidence
        Observed p-values of the ``n_features`` in the search volume.
    alpha : float
        Familywise error rate, in (0, 1).

    Returns
    -------
    (n_features,) array
        For each :math:`k` the largest number :math:`t` with :math:`h t \le k \alpha`, where
        :math:`h` is the Hommel value; infinite if :math:`h = 0`.

    References
    ----------
    .. [1] Rosenblatt et al. (2018), NeuroImage 181, 786-796,
       doi:10.1016/j.neuroimage.2018.07.060
    """
    rank = np.arange(1, evidence.p_values.size + 1)
    h = hommel_value(evidence.p_values, alpha)
    if h == 0:  # every hypothesis is rejected: all features of any set are discoveries
        return np.full(rank.size, np.inf)

    # Division rounds. Step to the last number that fulfils the inequality, so that comparing a
    # p-value with its threshold is the same as evaluating the definition, ties included.
    level = rank * alpha
    threshold = level / h
    while np.any(high := h * threshold > level):
        threshold[high] = np.nextafter(threshold[high], 0.0)
    while np.any(low := h * np.nextafter(threshold, np.inf) <= level):
        threshold[low] = np.nextafter(threshold[low], np.inf)
    return threshold


METHODS: dict[str, Callable[[Evidence, float], NDArray[np.float64]]] = {"ari": ari}
"""Inference methods by the name that the user chooses them by."""
