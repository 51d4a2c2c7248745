"""
The loops that numpy cannot do, compiled.

Importing this module imports numba, so import it where it is needed. The tests hold every kernel
against its definition, evaluated in plain Python.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """
    Compile a function at its first call, and keep the result on disk where that is possible.

    Numbers are divided as numpy does: a check for 0 would keep loops from running on vectors.
    """
    try:
        return cast("Kernel", numba.njit(cache=True, error_model="numpy")(function))
    except RuntimeError:  # neither beside this file nor in the home directory can files be written
        return cast("Kernel", numba.njit(error_model="numpy")(function))


@compiled
def hull_minima(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    For each number of largest p-values, the least of ``p / rank`` among them.

    Parameters
    ----------
    p_values : (n_features,) array
        Ascending.

    Returns
    -------
    (n_features,) array
        The least of ``p_(m-i+j) / j`` over ``j = 1 ... i``, for ``i = 1 ... m``.

    Notes
    -----
    The minimum over ``t = m - i + j`` is where a line from ``(m - i, 0)`` touches the lower convex
    hull of the points ``(t, p_(t))``. It moves left as ``i`` grows: one pass for all.
    """
    m = p_values.size
    hull = np.empty(m + 1, np.int64)  # ranks of the vertices; rank 0 is the point (0, 0)
    hull[0] = 0
    n = 1
    for t in range(1, m + 1):
        while n >= 2:
            a, b = hull[n - 2], hull[n - 1]
            p_a = 0.0 if a == 0 else p_values[a - 1]
            if (b - a) * (p_values[t - 1] - p_a) > (t - a) * (p_values[b - 1] - p_a):
                break
            n -= 1
        hull[n] = t
        n += 1

    least = np.empty(m)
    k = n - 1
    for i in range(1, m + 1):
        offset = m - i
        while k > 1 and hull[k - 1] > offset:
            before, here = hull[k - 1], hull[k]
            p_before, p_here = p_values[before - 1], p_values[here - 1]
            if p_before * (here - offset) > p_here * (before - offset):
                break
            k -= 1
        least[i - 1] = p_values[hull[k] - 1] / (hull[k] - offset)
    return least


@compiled
def grow(
    order: NDArray[np.int32],
    sign: NDArray[np.int8],
    indptr: NDArray[np.int32],
    indices: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """
    Build the forest of all connected sets of features above a threshold.

    Parameters
    ----------
    order : (n_features,) array
        Features from the highest to the lowest.
    sign : (n_features,) array
        Features of unlike sign are no neighbours.
    indptr, indices : array
        Neighbours of each feature, as in a CSR array.

    Returns
    -------
    feature, parent, size : (n_features,) array
        See :class:`bids_ari.stats.Forest`.
    """
    # The node of a feature is all that is connected to it among higher features. A tree knows its
    # newest node, which becomes a child of the next. Everything is stored by feature, not by rank,
    # as neighbours are close in memory.
    n = order.size
    parent, size = np.full(n, -1, np.int32), np.ones(n, np.int32)
    leader, newest = np.full(n, -1, np.int32), np.empty(n, np.int32)
    for v in order:
        tree = v
        leader[v], newest[v] = v, v
        for e in range(indptr[v], indptr[v + 1]):
            w = indices[e]
            other = leader[w]
            if other < 0 or other == tree or sign[w] != sign[v]:
                continue
            while leader[other] != other:
                leader[other] = leader[leader[other]]
                other = leader[other]
            if other == tree:
                continue
            child = newest[other]
            parent[child] = v
            if size[v] < size[child]:
                leader[tree] = other
                tree = other
            else:
                leader[other] = tree
            size[v] += size[child]
            newest[tree] = v

    # Post-order, the largest child first: a node stands right after everything below it.
    largest = np.full(n, -1, np.int32)
    for v in order:
        p = parent[v]
        if p >= 0 and (largest[p] < 0 or size[v] > size[largest[p]]):
            largest[p] = v
    start, room = np.empty(n, np.int32), np.empty(n, np.int32)
    feature_at, parent_at = np.empty(n, np.int32), np.empty(n, np.int32)
    size_at = np.empty(n, np.int32)
    taken = 0
    for v in order[::-1]:
        p = parent[v]
        if p < 0:
            start[v] = taken
            taken += size[v]
        elif largest[p] == v:
            start[v] = start[p]
        else:
            start[v] = room[p]
            room[p] += size[v]
        room[v] = start[v]
        if largest[v] >= 0:
            room[v] += size[largest[v]]
        at = start[v] + size[v] - 1
        feature_at[at], size_at[at] = v, size[v]
        parent_at[at] = -1 if p < 0 else start[p] + size[p] - 1
    return feature_at, parent_at, size_at


@compiled
def bound_nodes(
    parent: NDArray[np.int32],
    size: NDArray[np.int32],
    category: NDArray[np.int32],
    n_categories: int,
) -> NDArray[np.int32]:
    """
    Bound the true discoveries of every node of a forest.

    Parameters
    ----------
    parent, size : (n_nodes,) array
        See :class:`bids_ari.stats.Forest`.
    category : (n_nodes,) array
        Number, from 1, of the first threshold that the p-value of the node's own feature does not
        exceed.
    n_categories : int
        Number of the last threshold that matters.

    Returns
    -------
    (n_nodes,) array

    Notes
    -----
    The bound of a growing set counts the features that find no place: a feature of category c takes
    the last free place of 2 ... c [1]_. A path from a leaf up through largest children is one run
    over a slice, and all such runs together cost O(n log n).

    References
    ----------
    .. [1] Goeman et al. (2019), Biometrika 106(4), 841-856, doi:10.1093/biomet/asz041
    """
    n = size.size
    n_discoveries = np.zeros(n, np.int32)
    place = np.empty(n_categories + 1, np.int32)
    for head in range(n):
        start = head - size[head] + 1
        p = parent[head]
        if p >= 0 and p - size[p] + 1 == start:
            continue  # the largest child: on the path of its parent
        last = min(n_categories, size[head])
        for c in range(last + 1):
            place[c] = c
        found = 0
        for node in range(start, head + 1):
            c = category[node]
            if c <= last:
                while place[c] != c:
                    place[c] = place[place[c]]
                    c = place[c]
                if c == 1:
                    found += 1
                else:
                    place[c] = c - 1
            if node - size[node] + 1 == start:
                n_discoveries[node] = found
    return n_discoveries


@compiled
def look_up(
    parent: NDArray[np.int32], is_cluster: NDArray[np.bool_], tdp: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """
    Find what stands above every node of a forest.

    Parameters
    ----------
    parent : (n_nodes,) array
        See :class:`bids_ari.stats.Forest`.
    is_cluster : (n_nodes,) array
        Which nodes are clusters.
    tdp : (n_nodes,) array
        TDP of each node.

    Returns
    -------
    above : (n_nodes,) array
        The smallest cluster that properly holds each node; -1 for none.
    best_above : (n_nodes,) array
        The largest TDP of all clusters that do; -1 for none.
    """
    n = parent.size
    above, best_above = np.full(n, -1, np.int32), np.full(n, -1.0)
    for node in range(n - 1, -1, -1):
        p = parent[node]
        if p >= 0:
            above[node] = p if is_cluster[p] else above[p]
            best_above[node] = max(best_above[p], tdp[p]) if is_cluster[p] else best_above[p]
    return above, best_above
