"""Small maps with ties, and what is true of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

from bids_ari.stats import (
    ALTERNATIVES,
    METHODS,
    BoundedForest,
    bound_forest,
    grow_forest,
    min_true_discoveries,
    supra_threshold,
)
from tests.stats import oracles
from tests.stats.resampled import evidence_for


class Case(NamedTuple):
    """A map with ties, its neighbours, and thresholds."""

    values: NDArray[np.float64]
    beyond: NDArray[np.int8]
    neighbours: NDArray[np.bool_]
    """(n_features, n_features), of all features."""
    p_values: NDArray[np.float64]
    critical_vector: NDArray[np.float64]

    def adjacency(self) -> sparse.csr_array:
        inside = np.flatnonzero(self.beyond)
        return sparse.csr_array(self.neighbours[np.ix_(inside, inside)])

    def bounded(self) -> BoundedForest:
        forest = grow_forest(self.values, self.beyond, self.adjacency())
        return bound_forest(forest, self.p_values, self.critical_vector)

    def expected(self) -> dict[frozenset[int], int]:
        """Bound of every cluster, one by one."""
        clusters = oracles.supra_threshold_clusters(self.values, self.beyond, self.neighbours)
        return {
            cluster: min_true_discoveries(self.p_values[list(cluster)], self.critical_vector)
            for cluster in clusters
        }


def lattice(shape: tuple[int, ...], connectivity: int) -> NDArray[np.bool_]:
    """Neighbours of the voxels of a small volume."""
    voxels = np.stack(np.unravel_index(np.arange(np.prod(shape)), shape), axis=1)
    apart = np.abs(voxels[:, None] - voxels)
    n_axes = {6: 1, 18: 2, 26: 3}[connectivity]
    return np.asarray((apart.max(axis=2) == 1) & (apart.sum(axis=2) <= n_axes))


def some_case(seed: int) -> Case:
    rng = np.random.default_rng(seed)
    if seed % 3:
        n_features = int(rng.integers(1, 40))
        neighbours = rng.uniform(size=(n_features, n_features)) < rng.uniform(0, 4 / n_features)
        neighbours |= neighbours.T
    else:
        neighbours = lattice((2, 3, 5), int(rng.choice([6, 18, 26])))
        n_features = len(neighbours)
    values = rng.normal(rng.uniform(0, 2), 2, size=n_features)
    if rng.integers(2):
        values = np.round(values * 2) / 2
    values[rng.uniform(size=n_features) < 0.05] = np.inf
    beyond = supra_threshold(values, 0.0, ALTERNATIVES[seed % 3])
    p_values = 2 * special.ndtr(-np.abs(values))
    if rng.integers(3):
        alpha = rng.choice([0.05, 0.2, 0.5])
        method = str(rng.choice(list(METHODS)))
        critical_vector = METHODS[method](evidence_for(method, p_values, rng, 39), alpha)
    else:  # any non-decreasing thresholds, also fewer than features, and none that can be reached
        critical_vector = np.sort(rng.uniform(-0.1, rng.uniform(0, 1), size=rng.integers(1, 40)))
        critical_vector[: rng.integers(0, 9)].fill(critical_vector[0])  # as with a shift
        if rng.integers(9) == 0:
            critical_vector[-rng.integers(1, 9) :] = np.inf
    return Case(values, beyond, neighbours, p_values, critical_vector)


def sets_of(bounded: BoundedForest, nodes: NDArray[np.intp]) -> dict[frozenset[int], int]:
    forest = bounded.forest
    return {
        frozenset(forest.members(node).tolist()): int(bounded.n_discoveries[node])
        for node in nodes
    }


def largest(clusters: set[frozenset[int]]) -> set[frozenset[int]]:
    return {one for one in clusters if not any(one < other for other in clusters)}
