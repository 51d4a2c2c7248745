"""
The bounds of all supra-threshold clusters of a map at once, and what they answer.

All are computed ahead, so that a question such as "which are the largest clusters with a TDP of at
least 0.7?" is a look at an array. As the bounds hold for all sets together, so do the answers to any
number of questions.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.bounds import concentration_set
from bids_ari.stats.forest import Forest


@dataclass(frozen=True, eq=False)
class BoundedForest:
    """A forest with the bound of every cluster, under one critical vector."""

    forest: Forest
    n_discoveries: NDArray[np.int32]
    """(n_nodes,) how many features of each node are active, at least."""

    @cached_property
    def tdp(self) -> NDArray[np.float64]:
        """(n_nodes,) proportion of active features in each node, at least."""
        return self.n_discoveries / self.forest.size

    @cached_property
    def _lookup(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        from bids_ari.stats._kernels import look_up

        return look_up(self.forest.parent, self.forest.is_cluster, self.tdp)

    @cached_property
    def _n_branches(self) -> NDArray[np.intp]:
        """(n_nodes,) how many of the next smaller clusters of each cluster have discoveries."""
        above, _ = self._lookup
        branches = self.forest.is_cluster & (self.n_discoveries > 0) & (above >= 0)
        return np.bincount(above[branches], minlength=above.size)

    def with_tdp(self, tdp: float, within: int | None = None) -> NDArray[np.intp]:
        """
        Find all maximal clusters with at least some TDP.

        Parameters
        ----------
        tdp : float
            Proportion of active features, compared in double precision: 7 of 10 have 0.7.
        within : int, optional
            Look inside of this node only.

        Returns
        -------
        (n_clusters,) array of int
            Nodes that reach the TDP while no cluster that holds them (and is within) does, in the
            order of :meth:`Forest.largest_first`.

        References
        ----------
        .. [1] Chen, Goeman, Krebs, Meijer & Weeda (2022), arXiv, doi:10.48550/arXiv.2206.13587
        """
        reaches = self.forest.is_cluster & (self.tdp >= tdp)
        if within is None:
            _, best_above = self._lookup
            return self.forest.largest_first(np.flatnonzero(reaches & (best_above < tdp)))
        start = within - int(self.forest.size[within]) + 1
        found = []
        candidates = np.flatnonzero(reaches[start : within + 1]) + start
        while candidates.size:  # from the right, as whatever holds a node is to the right of it
            node = int(candidates[-1])
            found.append(node)
            candidates = candidates[candidates <= node - self.forest.size[node]]
        return self.forest.largest_first(np.array(found, dtype=np.intp))

    def tdp_map(self) -> NDArray[np.float64]:
        """
        Find, for every feature, the largest TDP of any supra-threshold cluster that holds it.

        Returns
        -------
        (n_features,) array
            0 for features that take no part.
        """
        _, best_above = self._lookup
        best = np.zeros(self.forest.n_features)
        best[self.forest.feature] = np.where(
            self.forest.is_cluster, np.maximum(self.tdp, best_above), best_above
        )
        return best

    def split(self, node: int) -> NDArray[np.intp]:
        """
        Raise the threshold until a cluster falls apart in several with discoveries.

        Parameters
        ----------
        node : int
            A cluster.

        Returns
        -------
        (n_clusters,) array of int
            The first two or more disjoint clusters with a bound above 0 that appear, in the order
            of :meth:`Forest.largest_first`; none if the cluster has one peak with discoveries.
        """
        above, _ = self._lookup
        start = node - int(self.forest.size[node]) + 1
        # a fork with discoveries is below every other in post-order that it holds
        forks = np.flatnonzero(self._n_branches[start : node + 1] > 1) + start
        if forks.size == 0:
            return forks
        parts = (above[start:node] == forks[-1]) & self.forest.is_cluster[start:node]
        return self.forest.largest_first(
            np.flatnonzero(parts & (self.n_discoveries[start:node] > 0)) + start
        )

    def merge(self, node: int) -> int | None:
        """
        Lower the threshold until a cluster meets another one with discoveries.

        Parameters
        ----------
        node : int
            A cluster.

        Returns
        -------
        int or None
            The cluster that holds both; None if the cluster meets no other.
        """
        holders = self.forest.holders(node)
        others = self._n_branches[holders[1:]] - (self.n_discoveries[holders[:-1]] > 0)
        meets = np.flatnonzero(others > 0)
        return int(holders[meets[0] + 1]) if meets.size else None


def bound_forest(
    forest: Forest, p_values: NDArray[np.floating], critical_vector: NDArray[np.floating]
) -> BoundedForest:
    """
    Bound the true discoveries of every cluster of a forest.

    Parameters
    ----------
    forest : Forest
        Clusters of one map, or of the positive and negative parts of it.
    p_values : (n_features,) array
        P-values of all features of the map.
    critical_vector : (n_critical,) array
        Of any method: non-decreasing thresholds that jointly control the familywise error rate.

    Returns
    -------
    BoundedForest

    Examples
    --------
    >>> from scipy import sparse
    >>> from bids_ari.stats import grow_forest
    >>> values = np.array([2.0, 1.0, 3.0])
    >>> row = np.eye(3, k=1)
    >>> forest = grow_forest(values, np.ones(3, np.int8), sparse.csr_array(row + row.T))
    >>> p_values, critical_vector = np.array([0.02, 0.2, 0.001]), np.array([0.01, 0.02, 0.03])
    >>> bounded = bound_forest(forest, p_values, critical_vector)
    >>> bounded.n_discoveries.tolist(), bounded.tdp_map().round(2).tolist()
    ([1, 0, 1], [0.33, 0.33, 1.0])
    """
    from bids_ari.stats._kernels import bound_nodes

    last = concentration_set(p_values, critical_vector).n_thresholds
    p_of_node = p_values[forest.feature]
    category = np.full(p_of_node.size, last + 1, dtype=np.int32)
    if last:
        small = np.flatnonzero(p_of_node <= critical_vector[last - 1])
        category[small] = np.searchsorted(critical_vector[:last], p_of_node[small]) + 1
    return BoundedForest(forest, bound_nodes(forest.parent, forest.size, category, last))
