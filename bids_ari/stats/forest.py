"""
All supra-threshold clusters of a map at once.

The connected sets of features above a threshold, for all thresholds, are nested: they are a forest,
and a map of n features has at most n of them.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bids_ari.stats.clusters import Clusters


@dataclass(frozen=True, eq=False)
class Forest:
    """
    The supra-threshold clusters of a map as nodes of a forest, in post-order.

    A node stands right after all that it holds, its largest child first among them: the features of
    node ``i`` are ``feature[i - size[i] + 1 : i + 1]``. There is a node for each feature. Where
    features have the same height, only the last node with it is a cluster (:attr:`is_cluster`).
    """

    n_features: int
    """How many features the map has; those that take no part are in no node."""
    feature: NDArray[np.int32]
    """(n_nodes,) the lowest feature of each node: the one it adds to its children."""
    parent: NDArray[np.int32]
    """(n_nodes,) the node that holds each node, -1 for none."""
    size: NDArray[np.int32]
    """(n_nodes,) number of features."""
    height: NDArray[np.float64]
    """(n_nodes,) size of the value of the lowest feature, at and above which a cluster is whole."""
    sign: NDArray[np.int8]
    """(n_nodes,) 1 where the values are positive, -1 where they are negative."""

    @cached_property
    def is_cluster(self) -> NDArray[np.bool_]:
        """(n_nodes,) false where the parent has the same height: no threshold is in between."""
        return (self.parent < 0) | np.not_equal(self.height, self.height[self.parent])

    def members(self, node: int) -> NDArray[np.int32]:
        """
        Features of a node.

        Parameters
        ----------
        node : int
            Index of a node.

        Returns
        -------
        (n,) array of int
            Indices of features, in no particular order.
        """
        return self.feature[node - self.size[node] + 1 : node + 1]

    def above_height(self, threshold: float) -> NDArray[np.intp]:
        """
        Find the clusters at a cluster-forming threshold.

        Parameters
        ----------
        threshold : float
            The size of values must exceed it strictly.

        Returns
        -------
        (n_clusters,) array of int
            Nodes, in the order of :meth:`largest_first`.
        """
        beyond = self.height > threshold
        return self.largest_first(
            np.flatnonzero(beyond & ((self.parent < 0) | ~beyond[self.parent]))
        )

    def path(self, feature: int) -> NDArray[np.intp]:
        """
        Find all clusters that hold a feature.

        Parameters
        ----------
        feature : int
            Index of a feature.

        Returns
        -------
        (n_clusters,) array of int
            Nodes from the smallest to the largest; none if the feature takes no part.
        """
        node = np.flatnonzero(self.feature == feature)
        return self.holders(int(node[0])) if node.size else node

    def holders(self, node: int) -> NDArray[np.intp]:
        """
        Find all clusters that hold a node.

        Parameters
        ----------
        node : int
            Index of a node.

        Returns
        -------
        (n_clusters,) array of int
            Nodes from the smallest to the largest, the node itself first if it is a cluster.
        """
        nodes = np.arange(node, self.size.size)
        holds = (nodes - self.size[node:] < node) & self.is_cluster[node:]
        return nodes[holds]

    def largest_first(self, nodes: NDArray[np.intp]) -> NDArray[np.intp]:
        """
        Order disjoint nodes by size, then by the height of the peak, then by position.

        Parameters
        ----------
        nodes : (n,) array of int
            Nodes none of which holds another.

        Returns
        -------
        (n,) array of int
            The same for the same map, in whichever order its clusters were found.
        """
        if nodes.size == 0:
            return nodes
        at, start = self._slices(nodes)
        peak = np.maximum.reduceat(self.height[at], start)
        first = np.minimum.reduceat(self.feature[at], start)
        return nodes[np.lexsort((first, -peak, -self.size[nodes]))]

    def clusters(self, nodes: NDArray[np.intp]) -> Clusters:
        """
        Make the label map of some clusters.

        Parameters
        ----------
        nodes : (n_clusters,) array of int
            Nodes none of which holds another; the first gets label 1.

        Returns
        -------
        Clusters
            As :func:`bids_ari.stats.label_clusters` for the nodes :meth:`above_height`.
        """
        labels = np.zeros(self.n_features, dtype=np.int32)
        self.paint(labels, nodes, np.arange(1, nodes.size + 1))
        sign = self.sign[nodes].astype(np.int64)
        return Clusters(labels, self.size[nodes].astype(np.int64), sign)

    def paint(self, features: NDArray[Any], nodes: NDArray[np.intp], values: NDArray[Any]) -> None:
        """
        Write one value for each node to all of its features.

        Parameters
        ----------
        features : (n_features,) array
            What to write to; features of no node keep what they have.
        nodes, values : (n,) array
            Nodes, and what to write; the last counts where one holds another.
        """
        at, _ = self._slices(nodes)
        features[self.feature[at]] = np.repeat(values, self.size[nodes])

    def _slices(self, nodes: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Places of the members of some nodes, one after the other, and where each starts."""
        size = self.size[nodes].astype(np.intp)
        start = np.cumsum(size) - size
        return np.arange(size.sum()) + np.repeat(nodes + 1 - size - start, size), start


def grow_forest(
    values: NDArray[np.floating], beyond: NDArray[np.int8], adjacency: sparse.csr_array
) -> Forest:
    """
    Find all supra-threshold clusters of a map; signs never share a cluster.

    Parameters
    ----------
    values : (n_features,) array
        Signed statistics. Their size orders the features; infinite ones are ties.
    beyond : (n_features,) array of int8
        Which features take part, 1 for positive and -1 for negative ones (see
        :func:`bids_ari.stats.supra_threshold`). At threshold 0 the forest has every cluster;
        a higher one leaves out the large ones, and saves time.
    adjacency : (n_beyond, n_beyond) sparse array
        Which of the features where ``beyond`` is not 0 are neighbours, in their order; symmetric.

    Returns
    -------
    Forest

    Raises
    ------
    ValueError
        If the adjacency is of other features, or values are missing.

    Examples
    --------
    >>> values = np.array([2.0, 1.0, 3.0, 0.0, -4.0])  # in a row
    >>> row = np.eye(4, k=1)
    >>> beyond = np.sign(values).astype(np.int8)
    >>> forest = grow_forest(values, beyond, sparse.csr_array(row + row.T))
    >>> forest.size.tolist(), forest.parent.tolist(), forest.height.tolist()
    ([1, 1, 3, 1], [2, 2, -1, -1], [3.0, 2.0, 1.0, 4.0])
    """
    # numba takes 0.3 s to import, and not every analysis comes here
    from bids_ari.stats._kernels import grow

    inside = np.flatnonzero(beyond)
    if adjacency.shape != (inside.size, inside.size):
        msg = f"adjacency is of shape {adjacency.shape}, but {inside.size} features take part"
        raise ValueError(msg)
    sign = beyond[inside]
    height = (values[inside] * sign).astype(np.float64)
    if np.isnan(height).any():
        msg = f"{np.count_nonzero(np.isnan(height))} values are missing (NaN)"
        raise ValueError(msg)

    order = np.argsort(-height, kind="stable").astype(np.int32)
    place, parent, size = grow(
        order,
        sign,
        adjacency.indptr.astype(np.int32, copy=False),
        adjacency.indices.astype(np.int32, copy=False),
    )
    feature = inside[place].astype(np.int32)
    return Forest(values.size, feature, parent, size, height[place], sign[place])
