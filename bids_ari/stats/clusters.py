"""Clusters of a map above a threshold, and the peaks in them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from bids_ari.stats.bounds import concentration_set
from bids_ari.stats.student import Alternative


class Clusters(NamedTuple):
    """The clusters of one map at one threshold, largest first."""

    labels: NDArray[np.int32]
    """(n_features,) 1 for the largest cluster, 2 for the next, ...; 0 outside of all."""
    size: NDArray[np.int64]
    """(n_clusters,) number of features."""
    sign: NDArray[np.int64]
    """(n_clusters,) 1 where the values are positive, -1 where they are negative."""


class Peak(NamedTuple):
    """A local maximum of the size of the values in a cluster."""

    cluster: int
    """Label of the cluster."""
    peak: int
    """1 for the highest of the cluster, 2 for the next, ..."""
    feature: int
    """Index of the feature."""


def supra_threshold(
    values: NDArray[np.floating], threshold: float, alternative: Alternative
) -> NDArray[np.int8]:
    """
    Tell where a map is beyond a threshold.

    Parameters
    ----------
    values : (n_features,) array
        Signed statistics.
    threshold : float
        Cluster-forming threshold, not negative; the values must exceed it strictly.
    alternative : {'two-sided', 'greater', 'less'}
        Look at both signs, positive values only, negative values only.

    Returns
    -------
    (n_features,) array of int8
        1 above the threshold, -1 below its negative, 0 elsewhere.

    Examples
    --------
    >>> supra_threshold(np.array([-4.0, 1.0, 4.0]), 3.1, "two-sided")
    array([-1,  0,  1], dtype=int8)
    """
    beyond = np.zeros(values.size, dtype=np.int8)
    if alternative != "less":
        beyond[values > threshold] = 1
    if alternative != "greater":
        beyond[values < -threshold] = -1
    return beyond


def concentration_threshold(
    values: NDArray[np.floating],
    beyond: NDArray[np.int8],
    p_values: NDArray[np.floating],
    critical_vector: NDArray[np.floating],
) -> float:
    """
    Find the cluster-forming threshold that the data choose.

    At a lower one, clusters grow by features that add no discovery to any set; at a higher one,
    some that matter are in no cluster.

    Parameters
    ----------
    values : (n_features,) array
        Signed statistics.
    beyond : (n_features,) array of int8
        Which features take part in clusters at threshold 0; see :func:`supra_threshold`.
    p_values : (n_features,) array
        Of all features.
    critical_vector : (n_critical,) array
        See :func:`bids_ari.stats.min_true_discoveries`.

    Returns
    -------
    float
        The next number, in the precision of the values, below the smallest of them, by size, in
        the concentration set (see :func:`bids_ari.stats.concentration_set`); the largest of all
        where that set is empty, so that there are no clusters.

    Examples
    --------
    >>> z_values, p_values = np.array([3.5, -2.5, 0.3]), np.array([0.001, 0.02, 0.6])
    >>> critical_vector = np.array([0.02, 0.03, 0.05])
    >>> beyond = supra_threshold(z_values, 0, "two-sided")
    >>> round(concentration_threshold(z_values, beyond, p_values, critical_vector), 6)
    2.5
    """
    concentration = concentration_set(p_values, critical_vector)
    height = np.abs(values)
    inside = (p_values <= concentration.p_value) & (beyond != 0)
    if concentration.size == 0 or not inside.any():
        return float(np.max(height[beyond != 0], initial=0))
    return max(float(np.nextafter(height[inside].min(), 0)), 0.0)


def label_clusters(
    values: NDArray[np.floating], beyond: NDArray[np.int8], adjacency: sparse.csr_array
) -> Clusters:
    """
    Label the connected sets of supra-threshold features; signs never share a cluster.

    Parameters
    ----------
    values : (n_features,) array
        Signed statistics.
    beyond : (n_features,) array of int8
        See :func:`supra_threshold`.
    adjacency : (n_beyond, n_beyond) sparse array
        Which of the features where ``beyond`` is not 0 are neighbours, in their order.

    Returns
    -------
    Clusters
        Ordered by size, then by the height of the peak, then by position, so that the same map
        always gets the same labels.
    """
    inside = np.flatnonzero(beyond)
    sign, height = beyond[inside], np.abs(values[inside])
    edges = adjacency.tocoo()
    same_sign = sign[edges.row] == sign[edges.col]
    graph = sparse.coo_array(
        (edges.data[same_sign], (edges.row[same_sign], edges.col[same_sign])), shape=edges.shape
    )
    n_clusters, component = connected_components(graph, directed=False)
    size = np.bincount(component, minlength=n_clusters)
    peak = np.zeros(n_clusters)
    np.maximum.at(peak, component, height)
    first = np.full(n_clusters, inside.size)
    np.minimum.at(first, component, np.arange(inside.size))

    order = np.lexsort((first, -peak, -size))
    rank = np.empty(n_clusters, dtype=np.int32)
    rank[order] = np.arange(1, n_clusters + 1)
    labels = np.zeros(values.size, dtype=np.int32)
    labels[inside] = rank[component]
    return Clusters(labels, size[order], sign[first[order]].astype(np.int64))


def find_peaks(
    values: NDArray[np.floating],
    labels: NDArray[np.int32],
    adjacency: sparse.csr_array,
    coordinates: NDArray[np.floating],
    *,
    distance: float = 8.0,
    n_peaks: int = 4,
) -> list[Peak]:
    """
    Find the highest local maxima of each cluster.

    Parameters
    ----------
    values : (n_features,) array
        Signed statistics; their size counts.
    labels : (n_features,) array of int
        Cluster of each feature, 0 for none.
    adjacency : (n_labelled, n_labelled) sparse array
        Which of the features with a label are neighbours, in their order.
    coordinates : (n_labelled, 3) array
        Where these features are, in mm.
    distance : float
        Least distance of two peaks of a cluster, in mm.
    n_peaks : int
        How many at most, for each cluster.

    Returns
    -------
    list of Peak
        Cluster by cluster, highest first; among equally high ones the first feature.
    """
    inside = np.flatnonzero(labels)
    height, cluster = np.abs(values[inside]), labels[inside]
    edges = adjacency.tocoo()
    higher = (height[edges.col] > height[edges.row]) & (cluster[edges.col] == cluster[edges.row])
    is_peak = np.ones(inside.size, dtype=bool)
    is_peak[edges.row[higher]] = False

    candidates = np.flatnonzero(is_peak)
    candidates = candidates[np.lexsort((candidates, -height[candidates], cluster[candidates]))]
    kept: dict[int, list[int]] = {}
    for candidate in candidates:
        of_cluster = kept.setdefault(int(cluster[candidate]), [])
        if len(of_cluster) < n_peaks:
            away = np.linalg.norm(coordinates[of_cluster] - coordinates[candidate], axis=1)
            if np.all(away >= distance):
                of_cluster.append(int(candidate))
    return [
        Peak(label, number, int(inside[position]))
        for label, of_cluster in kept.items()
        for number, position in enumerate(of_cluster, start=1)
    ]
