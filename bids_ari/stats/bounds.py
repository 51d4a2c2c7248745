"""Lower bounds on the number of true discoveries, for any set of features."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Concentration(NamedTuple):
    """The features that all bounds come from."""

    size: int
    """How many features have the smallest p-values; 0 if there are no discoveries."""
    p_value: float
    """The largest of these p-values; 0 if there are none."""
    n_thresholds: int
    """How many thresholds of the critical vector matter: the bound of any set comes from these."""


def min_true_discoveries(
    p_values: NDArray[np.floating], critical_vector: NDArray[np.floating]
) -> int:
    """
    Bound from below how many of the features in a set are active.

    The bound holds for every set at once, so the set may be chosen after seeing the data.

    Parameters
    ----------
    p_values : (n_set,) array
        P-values of the features in the set, in any order.
    critical_vector : (n_critical,) array
        Non-decreasing thresholds that jointly control the familywise error rate
        (see :mod:`bids_ari.stats.methods`).

    Returns
    -------
    n_discoveries : int
        Between 0 and ``n_set``.

    References
    ----------
    .. [1] Goeman & Solari (2011), Statistical Science 26(4), 584-597, doi:10.1214/11-STS356

    Examples
    --------
    >>> min_true_discoveries(np.array([0.001, 0.02, 0.6]), np.array([0.01, 0.03, 0.05]))
    1
    """
    k_max = min(p_values.size, critical_vector.size)
    n_below = np.searchsorted(np.sort(p_values), critical_vector[:k_max], side="right")
    return int(np.max(n_below - np.arange(k_max), initial=0))


def min_true_discoveries_by_label(
    p_values: NDArray[np.floating],
    labels: NDArray[np.integer],
    critical_vector: NDArray[np.floating],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """
    Bound the true discoveries of every labelled set of features, all in one pass.

    Parameters
    ----------
    p_values, labels : (n_features,) array
        P-value and label (a cluster, a parcel) of each feature; label 0 is background.
    critical_vector : (n_critical,) array
        See :func:`min_true_discoveries`.

    Returns
    -------
    label, size, n_discoveries : (n_labels,) array of int
        The labels present, ascending; how many features each has; how many of these are active
        at least. Divide as integers or doubles: in single precision 7/10 is less than 0.7.

    Examples
    --------
    >>> p_values, labels = np.array([0.001, 0.02, 0.6, 0.02]), np.array([4, 4, 4, 7])
    >>> min_true_discoveries_by_label(p_values, labels, np.array([0.01, 0.03, 0.05]))
    (array([4, 7]), array([3, 1]), array([1, 0]))
    """
    label, position, size = np.unique(labels[labels != 0], return_inverse=True, return_counts=True)
    found = bound_sets(p_values[labels != 0], position, size, critical_vector)
    return label.astype(np.int64), size, found


def concentration_set(
    p_values: NDArray[np.floating], critical_vector: NDArray[np.floating]
) -> Concentration:
    """
    Find the smallest set of features that all bounds come from.

    The bound of any set is that of its part in here, so that its largest p-value makes a
    cluster-forming threshold that the data choose.

    Parameters
    ----------
    p_values : (n_features,) array
        P-values of all features.
    critical_vector : (n_critical,) array
        See :func:`min_true_discoveries`.

    Returns
    -------
    Concentration

    References
    ----------
    .. [1] Goeman et al. (2019), Biometrika 106(4), 841-856, doi:10.1093/biomet/asz041

    Examples
    --------
    >>> concentration_set(np.array([0.001, 0.02, 0.6]), np.array([0.01, 0.03, 0.05]))
    Concentration(size=1, p_value=0.001, n_thresholds=1)
    """
    k_max = min(p_values.size, critical_vector.size)
    largest = np.max(critical_vector[:k_max], initial=-np.inf)
    p_values = np.sort(p_values[p_values <= largest])
    k_max = min(k_max, p_values.size)  # fewer than k features below t_k prove nothing
    n_below = np.searchsorted(p_values, critical_vector[:k_max], side="right")
    proved = n_below - np.arange(k_max)
    if np.max(proved, initial=0) <= 0:
        return Concentration(0, 0.0, 0)
    first = int(np.argmax(proved))  # of the thresholds that prove the most
    size = int(n_below[first])
    return Concentration(size, float(p_values[size - 1]), first + 1)


def effective(
    critical_vector: NDArray[np.floating], p_values: NDArray[np.floating]
) -> NDArray[np.float64]:
    """
    Cut a critical vector to the thresholds that can matter.

    Parameters
    ----------
    critical_vector : (n_critical,) array
        See :func:`min_true_discoveries`.
    p_values : (n_features,) array
        P-values of all features.

    Returns
    -------
    (n_effective,) array
        Its beginning, with which every set of these features has the same bound.

    Examples
    --------
    >>> effective(np.array([0.01, 0.03, 0.05]), np.array([0.001, 0.02, 0.6]))
    array([0.01])
    """
    n_thresholds = concentration_set(p_values, critical_vector).n_thresholds
    return np.array(critical_vector[:n_thresholds], dtype=np.float64)


def bound_sets(
    p_values: NDArray[np.floating],
    position: NDArray[np.integer],
    size: NDArray[np.integer],
    critical_vector: NDArray[np.floating],
) -> NDArray[np.int64]:
    """
    Bound the true discoveries of sets, of which a feature may be in several.

    Parameters
    ----------
    p_values : (n_members,) array
        P-value of each feature of each set.
    position : (n_members,) array of int
        Which set it is in.
    size : (n_sets,) array of int
        How many features each set has.
    critical_vector : (n_critical,) array
        See :func:`min_true_discoveries`.

    Returns
    -------
    (n_sets,) array of int
    """
    n_discoveries = np.zeros(size.size, dtype=np.int64)
    # category: the first k whose threshold the p-value does not exceed; within a set, the j-th
    # smallest category c proves j + 1 - c discoveries
    k_max = min(critical_vector.size, int(np.max(size, initial=0)))  # more prove nothing
    counts = p_values <= critical_vector[k_max - 1] if k_max else np.zeros(0, dtype=np.intp)
    position = position[counts]
    category = np.searchsorted(critical_vector[:k_max], p_values[counts], side="left") + 1
    order = np.lexsort((category, position))
    category, position = category[order], position[order]
    present, start = np.unique(position, return_index=True)
    if present.size:
        rank = np.arange(1, position.size + 1) - start[np.searchsorted(present, position)]
        n_discoveries[present] = np.maximum.reduceat(rank + 1 - category, start).clip(min=0)
    return n_discoveries
