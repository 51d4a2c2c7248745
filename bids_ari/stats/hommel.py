"""The Hommel value, from which All-Resolutions Inference derives every one of its bounds."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

LocalTest = Literal["simes", "hommel"]
LOCAL_TESTS: tuple[LocalTest, ...] = get_args(LocalTest)
"""Tests of a set of hypotheses: Simes', and Hommel's for p-values of any dependence."""


def set_weights(n_features: int, local_test: LocalTest = "simes") -> NDArray[np.float64]:
    r"""
    Price that a local test puts on the size of a set.

    A set of :math:`s` hypotheses with sorted p-values :math:`p_{(j)}` is rejected when
    :math:`w_s\,p_{(j)} \le j\,\alpha` for some :math:`j`.

    Parameters
    ----------
    n_features : int
        Size of the largest set.
    local_test : {'simes', 'hommel'}
        :math:`w_s = s` (Simes, valid under positive dependence) or
        :math:`w_s = s\,(1 + 1/2 + \dots + 1/s)` (Hommel, valid under any).

    Returns
    -------
    (n_features + 1,) array
        For sizes 0, 1, ..., n_features; never decreasing.

    Raises
    ------
    ValueError
        If the local test is unknown.

    References
    ----------
    .. [1] Hommel (1983), Biometrical Journal 25(5), 423-430, doi:10.1002/bimj.19830250502

    Examples
    --------
    >>> set_weights(3, "hommel")
    array([0. , 1. , 3. , 5.5])
    """
    if local_test not in LOCAL_TESTS:
        msg = f"local test is {local_test!r}, expected one of {', '.join(LOCAL_TESTS)}"
        raise ValueError(msg)
    weights = np.arange(n_features + 1, dtype=np.float64)
    if local_test == "hommel":
        weights[1:] *= np.cumsum(1 / weights[1:])
    return weights


def hommel_value(
    p_values: NDArray[np.floating], alpha: float, local_test: LocalTest = "simes"
) -> int:
    r"""
    Size of the largest set of hypotheses that the local test does not reject.

    Parameters
    ----------
    p_values : (n_features,) array
        One p-value per feature of the search volume, in any order.
    alpha : float
        Familywise error rate, in (0, 1).
    local_test : {'simes', 'hommel'}
        See :func:`set_weights`.

    Returns
    -------
    h : int
        Between 0 (every feature is a discovery) and ``n_features`` (none is).

    Raises
    ------
    ValueError
        If a p-value is not between 0 and 1, alpha not inside (0, 1), or the local test unknown.

    Notes
    -----
    The set of :math:`s` hypotheses hardest to reject holds the :math:`s` largest p-values, hence

    .. math:: h = \max \{s : w_s\,p_{(m-s+j)} > j\,\alpha \text{ for all } j = 1 \dots s\}

    For Simes' test the slopes from :math:`(m, \alpha)` to the points :math:`(i, p_{(i)})` give it
    at once [2]_, up to rounding and ties. For Hommel's, sets of size :math:`s` are tested as
    Simes' test does at the smaller level :math:`\alpha s / w_s`, which grows as sets shrink.
    Stepping down from :math:`m` to what the level of that size allows ends at :math:`h` in a few
    steps. In both cases the definition itself has the last word.

    References
    ----------
    .. [1] Goeman et al. (2019), Biometrika 106(4), 841-856, doi:10.1093/biomet/asz041
    .. [2] Meijer, Krebs & Goeman (2019), Biometrical Journal 61(1), 73-82,
       doi:10.1002/bimj.201700316

    Examples
    --------
    >>> hommel_value(np.array([0.001, 0.2, 0.9]), alpha=0.05)
    2
    """
    check_alpha(alpha)
    check_p_values(p_values)
    small = np.sort(p_values[p_values <= alpha].astype(np.float64))
    return largest_unrejected(small, alpha, set_weights(p_values.size, local_test))


def largest_unrejected(
    small: NDArray[np.float64], alpha: float, weights: NDArray[np.float64]
) -> int:
    """
    Find the Hommel value from what decides it.

    Parameters
    ----------
    small : (n_small,) array
        The p-values that are at most alpha, ascending: larger ones are above every threshold.
    alpha : float
        Familywise error rate.
    weights : (n_features + 1,) array
        See :func:`set_weights`.

    Returns
    -------
    int
    """
    n_features = weights.size - 1
    margin = 1 + 16 * n_features * np.finfo(np.float64).eps  # more than rounding can take away

    def allowed(level: float) -> float:
        # at least the Hommel value of Simes' test at this level
        if small.size == n_features and small[-1] * margin <= level:
            return 0.0
        below = small[: np.searchsorted(small, level)]
        rank = np.arange(1, below.size + 1)
        slopes = level * (n_features - rank) / (level - below)
        # the largest p-value allows all sets or none; rounding may put it below the level
        return float(np.min(slopes[: n_features - 1], initial=n_features)) * margin

    def survives(size: int) -> bool:
        candidates = small[n_features - size :]
        return bool(np.all(weights[size] * candidates > alpha * np.arange(1, candidates.size + 1)))

    if small.size == n_features and weights[-1] == n_features:  # Simes: largest p-value <= alpha
        return 0
    h = n_features
    while h > 0:
        at_most = int(allowed(alpha / (weights[h] / h)))
        if at_most >= h and survives(h):
            break
        h = min(h - 1, at_most)
    return h


def hommel_thresholds(weight: float, n_features: int, alpha: float) -> NDArray[np.float64]:
    r"""
    Give the critical vector that belongs to a Hommel value.

    Parameters
    ----------
    weight : float
        Weight :math:`w_h` of a set as large as the Hommel value (see :func:`set_weights`).
    n_features : int
        Size of the search volume.
    alpha : float
        Familywise error rate.

    Returns
    -------
    (n_features,) array
        For each :math:`k` the largest number :math:`t` with :math:`w_h t \le k \alpha`; infinite
        if :math:`h = 0`.

    Examples
    --------
    >>> hommel_thresholds(4.0, 3, 0.5)
    array([0.125, 0.25 , 0.375])
    """
    if weight == 0:  # every hypothesis is rejected: all features of any set are discoveries
        return np.full(n_features, np.inf)

    # Division rounds. Step to the last number that fulfils the inequality, so that comparing a
    # p-value with its threshold is the same as evaluating the definition, ties included.
    level = np.arange(1, n_features + 1, dtype=np.float64) * alpha
    threshold = level / weight
    bits = threshold.view(np.int64)  # the next double is the next integer, as all are positive
    while np.any(high := weight * threshold > level):
        bits -= high
    while np.any(low := weight * (bits + 1).view(np.float64) <= level):
        bits += low
    return threshold


def check_alpha(alpha: float) -> None:
    """Refuse what is no error rate."""
    if not 0 < alpha < 1:
        msg = f"alpha is {alpha}, expected a number between 0 and 1"
        raise ValueError(msg)


def check_p_values(p_values: NDArray[np.floating]) -> None:
    """Refuse what are no probabilities."""
    if not np.all((p_values >= 0) & (p_values <= 1)):  # false for NaN as well
        msg = "p-values are not all between 0 and 1"
        raise ValueError(msg)
