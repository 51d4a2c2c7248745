"""Definitions, evaluated by enumeration: slow, and beyond doubt."""

from collections.abc import Sequence
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray


def rejects(p_values: Sequence[float], alpha: float, local_test: str = "simes") -> bool:
    """Local test of the intersection of some hypotheses."""
    price = float(len(p_values))
    if local_test == "hommel":
        price *= sum(1 / rank for rank in range(1, len(p_values) + 1))
    return any(price * p <= rank * alpha for rank, p in enumerate(sorted(p_values), start=1))


class ClosedTesting:
    """Closed testing over all subsets of a few hypotheses."""

    def __init__(
        self, p_values: NDArray[np.floating], alpha: float, local_test: str = "simes"
    ) -> None:
        indices = range(p_values.size)
        self._subsets = [
            frozenset(chosen)
            for size in range(1, p_values.size + 1)
            for chosen in combinations(indices, size)
        ]
        self._local = {
            subset: rejects([p_values[i] for i in subset], alpha, local_test)
            for subset in self._subsets
        }
        self.rejects = cache(self._rejects)

    def _rejects(self, subset: frozenset[int]) -> bool:
        return all(self._local[larger] for larger in self._subsets if larger >= subset)

    def discoveries(self, subset: Sequence[int]) -> int:
        """Size of the subset, less that of the largest part of it that may be inactive."""
        for size in range(len(subset), 0, -1):
            if any(not self.rejects(frozenset(part)) for part in combinations(subset, size)):
                return len(subset) - size
        return len(subset)


def hommel_value(p_values: NDArray[np.floating], alpha: float, local_test: str = "simes") -> int:
    """Size of the largest set that the local test does not reject."""
    ordered = sorted(p_values, reverse=True)
    sizes = range(1, len(ordered) + 1)
    unrejected = (size for size in sizes if not rejects(ordered[:size], alpha, local_test))
    return max(unrejected, default=0)


def supra_threshold_clusters(
    values: NDArray[np.floating], beyond: NDArray[np.int8], neighbours: NDArray[np.bool_]
) -> dict[frozenset[int], float]:
    """All clusters of one sign at all thresholds, and the size of the smallest value in each."""
    clusters: dict[frozenset[int], float] = {}
    for sign in (1, -1):
        height = {int(i): float(values[i] * sign) for i in np.flatnonzero(beyond == sign)}
        for threshold in set(height.values()):
            left = {i for i, value in height.items() if value >= threshold}
            while left:
                front = {left.pop()}
                cluster = set(front)
                while front:
                    front = {j for i in front for j in left if neighbours[i, j]}
                    left -= front
                    cluster |= front
                clusters[frozenset(cluster)] = min(height[i] for i in cluster)
    return clusters
