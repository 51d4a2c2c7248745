import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bids_ari.stats import (
    METHODS,
    Evidence,
    concentration_set,
    min_true_discoveries,
    min_true_discoveries_by_label,
)
from tests.stats.resampled import evidence_for
from tests.stats.test_hommel import p_value_arrays


@given(seed=st.integers(0, 10_000), n_features=st.integers(1, 60), n_labels=st.integers(1, 8))
def test_labels_have_the_bounds_of_their_sets(seed: int, n_features: int, n_labels: int) -> None:
    rng = np.random.default_rng(seed)
    p_values = rng.uniform(size=n_features) ** rng.integers(1, 8)
    labels = rng.integers(0, n_labels + 1, size=n_features) * 3
    critical_vector = METHODS["ari"](Evidence(p_values), 0.1)
    label, size, found = min_true_discoveries_by_label(p_values, labels, critical_vector)
    assert label.tolist() == sorted(set(labels.tolist()) - {0})
    for one, n, discoveries in zip(label, size, found, strict=True):
        members = p_values[labels == one]
        assert n == members.size
        assert discoveries == min_true_discoveries(members, critical_vector)


def test_without_labels_there_are_no_bounds() -> None:
    label, size, found = min_true_discoveries_by_label(
        np.array([0.1, 0.2]), np.array([0, 0]), np.array([0.05, 0.1])
    )
    assert label.size == size.size == found.size == 0


def test_a_critical_vector_shorter_than_the_set_is_enough() -> None:
    p_values = np.array([0.001, 0.002, 0.003, 0.5])
    assert min_true_discoveries(p_values, np.array([0.01])) == 3
    _, _, found = min_true_discoveries_by_label(p_values, np.ones(4, dtype=int), np.array([0.01]))
    assert found.tolist() == [3]


def test_a_p_value_equal_to_the_last_threshold_counts() -> None:
    p_values, critical_vector = np.array([0.02, 0.02]), np.array([0.01, 0.02])
    assert min_true_discoveries(p_values, critical_vector) == 1
    _, _, found = min_true_discoveries_by_label(p_values, np.ones(2, dtype=int), critical_vector)
    assert found.tolist() == [1]
    assert concentration_set(p_values, critical_vector) == (2, 0.02, 2)


def test_parts_never_add_up_to_more_than_the_whole(rng: np.random.Generator) -> None:
    p_values = np.append(rng.uniform(0, 2e-3, 40), rng.uniform(size=160))
    critical_vector = METHODS["ari"](Evidence(p_values), 0.05)
    parts = rng.integers(1, 5, size=200)
    _, _, found = min_true_discoveries_by_label(p_values, parts, critical_vector)
    assert 0 < found.sum() <= min_true_discoveries(p_values, critical_vector)


@pytest.mark.parametrize("threshold", [1e-4, 1e-3, 1e-2])
def test_bounds_are_true_where_the_truth_is_known(
    threshold: float, rng: np.random.Generator
) -> None:
    n_runs, wrong = 200, 0
    for _ in range(n_runs):
        active = rng.uniform(size=100) < 0.3
        p_values = np.where(active, rng.uniform(size=100) ** 6, rng.uniform(size=100))
        chosen = p_values < threshold
        critical_vector = METHODS["ari"](Evidence(p_values), 0.1)
        wrong += min_true_discoveries(p_values[chosen], critical_vector) > active[chosen].sum()
    assert wrong / n_runs <= 0.1 + 5 * np.sqrt(0.1 * 0.9 / n_runs)


@given(p_values=p_value_arrays, seed=st.integers(0, 100))
def test_the_concentration_set_holds_all_discoveries_and_no_smaller_one_does(
    p_values: NDArray[np.float64], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    any_vector = np.sort(rng.uniform(-0.05, 0.5, size=rng.integers(1, 9)))
    vectors = [METHODS[name](evidence_for(name, p_values, rng, 19), 0.0625) for name in METHODS]
    for critical_vector in (*vectors, any_vector):
        size, p_value, n_thresholds = concentration_set(p_values, critical_vector)
        ordered = np.sort(p_values)
        found = [
            min_true_discoveries(ordered[:n], critical_vector) for n in range(p_values.size + 1)
        ]
        assert size == found.index(found[-1])
        if size:
            inside = p_values <= p_value
            assert inside.sum() == size
            for _ in range(5):
                some = rng.uniform(size=p_values.size) < 0.5
                whole = min_true_discoveries(p_values[some], critical_vector)
                assert whole == min_true_discoveries(p_values[some & inside], critical_vector)
                assert whole == min_true_discoveries(
                    p_values[some], critical_vector[:n_thresholds]
                )
