"""
Exact sorted p-values of the ranks that matter, from scores in single precision.

Sorting moves no number by more than its error: if each score is known to within an error, so is
the k-th largest. So the p-value of each rank has a lower and an upper bound, ranks are left out
whose thresholds cannot decide, and few features can have the others.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.templates import Template

Ranks = NDArray[np.int64]
ERROR = 2.0**-23
"""Of a score between -1 and 1: four times what rounding it to single precision adds."""
_EACH, _STEP = 32, 1.1
"""Coarse ranks: all of the first, and then in steps."""
_PIECES, _ENOUGH = 8, 64
"""A stretch of ranks is cut into so many pieces, until so few ranks are left."""


class SortedScores:
    """Scores of all features under one transformation: larger ones have smaller p-values."""

    def __init__(
        self,
        scores: NDArray[np.float32],
        p_of_score: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    ) -> None:
        self._scores = scores
        self._ordered = np.sort(scores)
        self._p_of_score = p_of_score
        self._coarse: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    def candidates(self, template: Template, n_features: int) -> Ranks:
        """
        Find ranks of which one decides the pivot: the least level of all.

        Parameters
        ----------
        template : Template
            Its levels must not decrease with p, and not increase with the rank.
        n_features : int
            Of the whole volume, as the template has to know.

        Returns
        -------
        (n_candidates,) array of int
            Empty if the template has no thresholds.
        """
        k_max = min(template.k_max(n_features), self._scores.size)
        if not k_max:
            return np.empty(0, np.int64)
        first, last = _stretches(k_max)
        if k_max not in self._coarse:  # the same for many templates
            self._coarse[k_max] = self._p_bounds(first, last)
        low, high = self._coarse[k_max]
        while True:
            # of all ranks of a stretch, the first has the lowest p-value, the last the highest
            # threshold
            at_least = template.levels(low, last, n_features)
            at_most = template.levels(high, last, n_features)
            best = np.argmin(at_most)
            keep = at_least < at_most[best]
            keep[best] = True  # of levels that are steps, several can be the least
            first, last = first[keep], last[keep]
            size = last - first + 1
            if size.max() == 1 or size.sum() <= _ENOUGH:
                return np.concatenate(
                    [np.arange(a, b + 1) for a, b in zip(first, last, strict=True)]
                )
            first, last = _cut(first, last)
            low, high = self._p_bounds(first, last)

    def p_values(
        self, ranks: Ranks, exact: Callable[[NDArray[np.intp]], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """
        Compute the exact p-values of some ranks.

        Parameters
        ----------
        ranks : (n_ranks,) array of int
            Ascending, from 1.
        exact : function
            From features to their exact p-values.

        Returns
        -------
        (n_ranks,) array
        """
        from bids_ari.stats import _resampling_kernels  # numba takes a while

        if not ranks.size:
            return np.empty(0)
        ends = np.flatnonzero(np.diff(ranks) > 1)
        first = ranks[np.concatenate([[0], ends + 1])]
        last = ranks[np.concatenate([ends, [ranks.size - 1]])]
        # windows of scores: whoever is at these ranks, or could be for all that is known
        low, high = self._outward(last, -2 * ERROR), self._outward(first, 2 * ERROR)
        apart = np.concatenate([[True], low[:-1] > high[1:]])
        starts = np.flatnonzero(apart)
        low, high = low[np.append(starts[1:], low.size) - 1], high[starts]
        feature, n_in_window = _resampling_kernels.within(self._scores, low, high)
        p_values = np.sort(exact(feature))
        n_above = self._ordered.size - np.searchsorted(self._ordered, high, side="right")
        n_left_out = n_above - (np.cumsum(n_in_window) - n_in_window)  # above each window
        window = np.repeat(np.cumsum(apart) - 1, last - first + 1)
        return np.asarray(p_values[ranks - 1 - n_left_out[window]])

    def _p_bounds(
        self, first: Ranks, last: Ranks
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return (
            self._p_of_score(self._score(first) + ERROR),
            self._p_of_score(self._score(last) - ERROR),
        )

    def _score(self, ranks: Ranks) -> NDArray[np.float64]:
        return self._ordered[self._ordered.size - ranks].astype(np.float64)

    def _outward(self, ranks: Ranks, by: float) -> NDArray[np.float32]:
        """Scores of ranks, moved and rounded away from them."""
        moved = (self._score(ranks) + by).astype(np.float32)
        return np.nextafter(moved, np.float32(np.copysign(np.inf, by)))


@lru_cache(maxsize=32)
def _stretches(k_max: int) -> tuple[Ranks, Ranks]:
    """First and last ranks of stretches from 1 to a last rank."""
    n_steps = max(0, int(np.log(k_max / _EACH) / np.log(_STEP)))
    steps = np.round(_EACH * _STEP ** np.arange(1, n_steps + 1)).astype(np.int64)
    last = np.unique(np.concatenate([np.arange(1, _EACH + 1), steps, [k_max]]))
    last = last[last <= k_max]
    return np.concatenate([[0], last[:-1]]) + 1, last


def _cut(first: Ranks, last: Ranks) -> tuple[Ranks, Ranks]:
    """Cut each stretch into pieces of about the same length."""
    part = np.arange(_PIECES + 1)
    ends = first[:, None] + (last - first + 1)[:, None] * part // _PIECES
    starts, stops = ends[:, :-1].ravel(), ends[:, 1:].ravel()
    some = stops > starts
    return starts[some], stops[some] - 1
