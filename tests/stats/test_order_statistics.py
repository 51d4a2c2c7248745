"""Exact order statistics from scores that are known to within an error only."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bids_ari.stats import Template
from bids_ari.stats.order_statistics import ERROR, SortedScores
from tests.stats.test_resampling import TEMPLATES

N = 700


def p_of_score(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.clip((1 - scores) / 2, 0, 1) ** 3)


def crowd(seed: int) -> tuple[NDArray[np.float64], SortedScores]:
    """Scores closer to each other than their error, some of them equal, and what is known."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(-1, 1, size=rng.choice([3, 20, 200]))
    scores = rng.choice(centres, size=N) + rng.choice([0, 1e-9, 1e-7, 1e-6]) * rng.normal(size=N)
    scores[: N // 7] = scores[N // 2]
    scores[-3:] = 1, -1, 0
    scores = scores.clip(-1, 1)
    error = rng.uniform(-1, 1, size=N) * (ERROR - 2.0**-24)
    known = (scores + error).clip(-1, 1).astype(np.float32)
    return scores, SortedScores(known, p_of_score)


def exact(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sort(p_of_score(scores))


@pytest.mark.parametrize("seed", range(60))
def test_p_values_of_ranks_are_those_of_sorting_exact_ones(seed: int) -> None:
    scores, in_order = crowd(seed)
    rng = np.random.default_rng([1, seed])
    for n_ranks in (1, 2, 30, 400, N):
        ranks = np.sort(rng.choice(N, size=n_ranks, replace=False)) + 1
        found = in_order.p_values(ranks, lambda which: p_of_score(scores[which]))
        np.testing.assert_array_equal(found, exact(scores)[ranks - 1])


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
@pytest.mark.parametrize("seed", range(60))
def test_one_of_the_candidates_has_the_least_level(seed: int, template: Template) -> None:
    scores, in_order = crowd(seed)
    n_features = N + 50 * (seed % 3)
    ranks = np.arange(1, min(N, template.k_max(n_features)) + 1)
    levels = template.levels(exact(scores)[ranks - 1], ranks, n_features)
    candidates = in_order.candidates(template, n_features)
    assert np.all(np.diff(candidates) > 0)
    assert levels[candidates - 1].min() == levels.min()


def test_levels_that_are_nearly_equal_are_told_apart() -> None:
    rng = np.random.default_rng(5)
    template = TEMPLATES[0]
    which_is_least = set()
    for _ in range(3000):
        second = rng.uniform(0, 0.1)
        first = 1 - (1 - second) * (0.5 + rng.uniform(-2e-7, 2e-7)) ** (
            1 / 3
        )  # p of half the size
        scores = np.array([first, second])
        known = scores + rng.uniform(-1, 1, size=2) * (ERROR - 2.0**-24)
        candidates = SortedScores(known.astype(np.float32), p_of_score).candidates(template, 2)
        levels = template.levels(exact(scores), np.array([1, 2]), 2)
        assert np.argmin(levels) + 1 in candidates
        which_is_least.add(int(np.argmin(levels)))
    assert which_is_least == {0, 1}


def test_few_features_are_looked_at_again() -> None:
    scores = np.random.default_rng(0).normal(scale=0.15, size=50_000).clip(-1, 1)
    in_order = SortedScores(scores.astype(np.float32), p_of_score)
    looked: list[int] = []

    def count(which: NDArray[np.intp]) -> NDArray[np.float64]:
        looked.append(which.size)
        return p_of_score(scores[which])

    ranks = np.union1d(in_order.candidates(TEMPLATES[0], scores.size), np.arange(1, 101))
    found = in_order.p_values(ranks, count)
    np.testing.assert_array_equal(found, exact(scores)[ranks - 1])
    assert looked[0] < 400


def test_no_ranks_have_no_p_values() -> None:
    _, in_order = crowd(0)
    assert in_order.p_values(np.empty(0, np.int64), lambda which: np.ones(which.size)).size == 0
