"""
The loops of resampling, compiled. Importing this module imports numba.

All sums run over maps one by one, so that they do not depend on how features are cut into blocks.
"""

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats._kernels import compiled

_BINS = 65_536


@compiled
def remove(data: NDArray[np.float64], basis: NDArray[np.float64]) -> None:
    """
    Replace data by their residuals.

    Parameters
    ----------
    data : (n_features, n_maps) array
        Overwritten.
    basis : (n_maps, n_columns) array
        Orthonormal columns of the model.
    """
    n_maps, n_columns = basis.shape
    for f in range(data.shape[0]):
        for c in range(n_columns):
            product = 0.0
            for j in range(n_maps):
                product += basis[j, c] * data[f, j]
            for j in range(n_maps):
                data[f, j] -= product * basis[j, c]


@compiled
def sums_of_squares(data: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Sum the squares of each row.

    Parameters
    ----------
    data : (n_features, n_maps) array
        Any numbers.

    Returns
    -------
    (n_features,) array
    """
    sums = np.zeros(data.shape[0])
    for f in range(data.shape[0]):
        for j in range(data.shape[1]):
            sums[f] += data[f, j] * data[f, j]
    return sums


@compiled
def scores(
    products: NDArray[np.float64], n_tested: int, direction: int, least_rss: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """
    Turn products of data and transformed regressors into partial correlations.

    Parameters
    ----------
    products : (n_transformations, n_columns, n_features) array
        Of data of length 1 with orthonormal columns: first those tested, then nuisance.
    n_tested : int
        How many columns are tested.
    direction : int
        1 for the correlation, -1 for its negative, 0 for its size.
    least_rss : (n_features,) array
        Smaller residual sums of squares are for :func:`refit`.

    Returns
    -------
    scores : (n_transformations, n_features) array
        nan where they are left to :func:`refit`.
    n_left : (n_transformations,) array of int
        How many these are.
    """
    # one thing after the other and without branches, so that the loops run on vectors
    n_transformations, n_columns, n_features = products.shape
    found = np.empty((n_transformations, n_features), np.float32)
    n_left = np.zeros(n_transformations, np.int64)
    tested, rest = np.empty(n_features), np.empty(n_features)
    for b in range(n_transformations):
        tested[:], rest[:] = 0.0, 1.0
        for c in range(n_tested):
            for f in range(n_features):
                tested[f] += products[b, c, f] * products[b, c, f]
        for c in range(n_tested, n_columns):
            for f in range(n_features):
                rest[f] -= products[b, c, f] * products[b, c, f]
        if n_columns == 1 and not direction:
            for f in range(n_features):
                found[b, f] = abs(products[b, 0, f])
        elif direction:
            for f in range(n_features):
                found[b, f] = direction * products[b, 0, f] / np.sqrt(rest[f])
        else:
            for f in range(n_features):
                found[b, f] = np.sqrt(tested[f] / rest[f])
        left = 0
        for f in range(n_features):
            is_left = rest[f] - tested[f] <= least_rss[f]
            found[b, f] = np.nan if is_left else found[b, f]
            left += is_left
        n_left[b] = left
    return found, n_left


@compiled
def refit(
    residuals: NDArray[np.float64],
    chosen: NDArray[np.intp],
    source: NDArray[np.int32],
    sign: NDArray[np.float64],
    basis: NDArray[np.float64],
    n_tested: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Fit the whole model to the transformed residuals of some features.

    Parameters
    ----------
    residuals : (n_features, n_maps) array
        Data without nuisance.
    chosen : (n_chosen,) array
        Which features to fit.
    source, sign : (n_maps,) array
        The transformation.
    basis : (n_maps, n_columns) array
        Orthonormal columns of the model, those tested last.
    n_tested : int
        How many are tested.

    Returns
    -------
    tested : (n_chosen, n_tested) array
        Products with the columns tested.
    rss : (n_chosen,) array
        Residual sum of squares.
    """
    n_maps, n_columns = basis.shape
    tested, rss = np.empty((chosen.size, n_tested)), np.empty(chosen.size)
    data = np.empty(n_maps)
    for i in range(chosen.size):
        for j in range(n_maps):
            data[j] = sign[j] * residuals[chosen[i], source[j]]
        for c in range(n_columns):
            product = 0.0
            for j in range(n_maps):
                product += basis[j, c] * data[j]
            for j in range(n_maps):
                data[j] -= product * basis[j, c]
            if c >= n_columns - n_tested:
                tested[i, c - n_columns + n_tested] = product
        total = 0.0
        for j in range(n_maps):
            total += data[j] * data[j]
        rss[i] = total
    return tested, rss


@compiled
def within(
    scores_: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """
    Find the features whose scores are in windows.

    Parameters
    ----------
    scores_ : (n_features,) array
        Between -1 and 1.
    low, high : (n_windows,) array
        Bounds of windows, which belong to them: from the highest window to the lowest, disjoint.

    Returns
    -------
    feature : (n_found,) array of int
        Ascending.
    n_in_window : (n_windows,) array of int
        How many of them are in each window.
    """
    # most features are in a bin of scores that no window meets
    meets = np.zeros(_BINS + 1, np.bool_)
    one, half = np.float32(1), np.float32(_BINS / 2)
    for w in range(low.size):
        first = int((max(low[w], -one) + one) * half)
        last = int((min(high[w], one) + one) * half)
        for b in range(first, last + 1):
            meets[b] = True
    feature, n_in_window = np.empty(scores_.size, np.intp), np.zeros(low.size, np.intp)
    n_close = 0
    for f in range(scores_.size):
        if meets[np.uint32((scores_[f] + one) * half)]:
            feature[n_close] = f
            n_close += 1
    n_found = 0
    for f in feature[:n_close]:
        score = scores_[f]
        left, right = 0, low.size  # the first window that does not lie above the score
        while left < right:
            middle = (left + right) // 2
            if low[middle] > score:
                left = middle + 1
            else:
                right = middle
        if left < low.size and score <= high[left]:
            feature[n_found] = f
            n_found += 1
            n_in_window[left] += 1
    return feature[:n_found].copy(), n_in_window
