"""When p-values and thresholds that were computed in different ways are taken to be equal."""

import numpy as np
from numpy.typing import NDArray

MARGIN = 1e-9
"""
Relative distance from thresholds within which a p-value is taken to be equal to them.

A pivot comes from one of the p-values that thresholds are compared with, by another order of
operations: the largest difference seen is about 1e-12, and those far out lose more.
"""
BELOW_ALL = -1.0
"""A threshold that no p-value passes."""


def just_below(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Turn thresholds that p-values must be below into those that they may be equal to.

    Parameters
    ----------
    thresholds : (n_critical,) array
        Non-decreasing, not negative.

    Returns
    -------
    (n_critical,) array
        Lower by a relative 1e-9, so that p-values that differ from a threshold by
        rounding are not below it; -1 instead of 0, which no p-value is below.

    Examples
    --------
    >>> just_below(np.array([0.0, 0.01, np.inf]))
    array([-1.  ,  0.01,   inf])
    """
    lower = np.minimum(thresholds * (1 - MARGIN), np.nextafter(thresholds, -1))
    lower[np.isinf(thresholds)] = np.inf
    return np.where(thresholds > 0, lower, BELOW_ALL)
