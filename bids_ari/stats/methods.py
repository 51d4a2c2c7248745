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

from bids_ari.stats.hommel import LocalTest, hommel_thresholds, hommel_value, set_weights


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
    h = hommel_value(evidence.p_values, alpha)
    return hommel_thresholds(float(h), evidence.p_values.size, alpha)


def robust_ari(evidence: Evidence, alpha: float) -> NDArray[np.float64]:
    r"""
    Return the critical vector of All-Resolutions Inference with Hommel's local test.

    It assumes nothing of how the p-values depend on each other, and finds less for it.

    Parameters
    ----------
    evidence : Evidence
        Observed p-values of the ``n_features`` in the search volume.
    alpha : float
        Familywise error rate, in (0, 1).

    Returns
    -------
    (n_features,) array
        For each :math:`k` the largest number :math:`t` with
        :math:`h (1 + 1/2 + \dots + 1/h)\,t \le k \alpha`, where :math:`h` is the Hommel value of
        this test; infinite if :math:`h = 0`.

    References
    ----------
    .. [1] Hommel (1983), Biometrical Journal 25(5), 423-430, doi:10.1002/bimj.19830250502
    """
    n_features = evidence.p_values.size
    h = hommel_value(evidence.p_values, alpha, "hommel")
    return hommel_thresholds(float(set_weights(n_features, "hommel")[h]), n_features, alpha)


METHODS: dict[str, Callable[[Evidence, float], NDArray[np.float64]]] = {
    "ari": ari,
    "hommel": robust_ari,
}
"""Inference methods by the name that the user chooses them by."""

CLOSED_TESTING: dict[str, LocalTest] = {"ari": "simes", "hommel": "hommel"}
"""Methods that are closed testing, with their local test: these know the Hommel value at any alpha
(:class:`bids_ari.stats.ClosedTesting`), and so the confidence of each claim."""
METHOD_OF: dict[str, str] = {local_test: method for method, local_test in CLOSED_TESTING.items()}
"""The method of each local test."""
