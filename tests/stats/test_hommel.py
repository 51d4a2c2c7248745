from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from bids_ari.stats import (
    LOCAL_TESTS,
    METHODS,
    Evidence,
    LocalTest,
    hommel_value,
    min_true_discoveries,
)
from tests.stats import oracles

ALPHA = 0.0625
"""A power of two, like the p-values below: their ties with thresholds are exact."""

p_value_arrays = arrays(
    np.float64,
    st.integers(1, 7),
    elements=st.one_of(
        st.integers(0, 128).map(lambda n: n / 128),
        st.integers(0, 16).map(lambda n: n / 1024),
        st.floats(0, 1),
    ),
)


@example(p_values=np.array([0.0]))
@example(p_values=np.array([1.0]))
@example(p_values=np.array([0.0, 0.0, 0.0, 1.0]))
@example(p_values=np.array([8, 8, 128]) / 128)
@example(p_values=np.array([6, 6, 6, 6, 8, 8, 8]) / 128)
@given(p_values=p_value_arrays)
@pytest.mark.parametrize("local_test", LOCAL_TESTS)
def test_the_hommel_value_is_its_definition(
    local_test: LocalTest, p_values: NDArray[np.float64]
) -> None:
    expected = oracles.hommel_value(p_values, ALPHA, local_test)
    assert hommel_value(p_values, ALPHA, local_test) == expected


@given(seed=st.integers(0, 10_000), n_features=st.integers(1, 300), power=st.integers(1, 9))
@pytest.mark.parametrize("local_test", LOCAL_TESTS)
def test_the_hommel_value_of_many_features_is_its_definition(
    local_test: LocalTest, seed: int, n_features: int, power: int
) -> None:
    p_values = np.random.default_rng(seed).uniform(size=n_features) ** power
    if seed % 2:
        p_values = np.round(p_values, 3)
    for alpha in (0.05, 0.3):
        expected = oracles.hommel_value(p_values, alpha, local_test)
        assert hommel_value(p_values, alpha, local_test) == expected


@example(p_values=np.array([8, 10, 128]) / 128)
@example(p_values=np.array([1, 2, 3, 4]) / 64)  # every p-value equals its threshold
@example(p_values=np.array([0.0, 1e-300, 0.9]))
@given(p_values=p_value_arrays)
@pytest.mark.parametrize(("method", "local_test"), [("ari", "simes"), ("hommel", "hommel")])
def test_bounds_equal_closed_testing_on_every_subset(
    method: str, local_test: str, p_values: NDArray[np.float64]
) -> None:
    critical_vector = METHODS[method](Evidence(p_values), ALPHA)
    closed = oracles.ClosedTesting(p_values, ALPHA, local_test)
    for size in range(1, p_values.size + 1):
        for subset in combinations(range(p_values.size), size):
            found = min_true_discoveries(p_values[list(subset)], critical_vector)
            assert found == closed.discoveries(subset)


def test_the_worked_example_of_goeman_and_solari() -> None:
    # two small p-values among four: the pair is rejected, the rest is not
    assert hommel_value(np.array([0.001, 0.01, 0.3, 0.8]), 0.05) == 2


def test_saturated_p_values_do_not_shift_the_value_by_rounding() -> None:
    # 1000 features of which two have p = 0: (alpha / (alpha / 998)) is 997.99... in doubles
    p_values = np.concatenate([np.zeros(2), np.full(998, 0.9)])
    assert hommel_value(p_values, 0.05) == 998


def test_more_alpha_never_finds_less(rng: np.random.Generator) -> None:
    p_values = np.concatenate([rng.uniform(0, 1e-4, 30), rng.uniform(size=470)])
    values = [hommel_value(p_values, alpha) for alpha in (0.001, 0.01, 0.05, 0.2, 0.5, 0.9)]
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1]


def test_the_order_of_the_features_does_not_matter(rng: np.random.Generator) -> None:
    p_values = rng.uniform(size=200) ** 3
    shuffled = rng.permutation(p_values)
    assert hommel_value(p_values, 0.05) == hommel_value(shuffled, 0.05)


def test_the_robust_test_finds_less_and_needs_no_search_through_all_sizes(
    rng: np.random.Generator,
) -> None:
    p_values = np.concatenate([rng.uniform(0, 1e-5, 3_000), rng.uniform(size=97_000)])
    assert 97_000 < hommel_value(p_values, 0.05) < hommel_value(p_values, 0.05, "hommel") < 100_000


def test_the_robust_test_may_reject_a_smaller_set_than_one_it_does_not() -> None:
    # the pair is rejected, as 3 * 0.04 <= 2 * 0.0625, but with a third as large it is not
    p_values = np.array([5, 5, 5]) / 128
    assert oracles.rejects(list(p_values[:2]), ALPHA, "hommel")
    assert not oracles.rejects(list(p_values), ALPHA, "hommel")
    assert hommel_value(p_values, ALPHA, "hommel") == 3


def test_a_local_test_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match="local test is 'fisher', expected one of simes, hommel"):
        hommel_value(np.array([0.1]), 0.05, "fisher")  # type: ignore[arg-type]


@pytest.mark.parametrize("alpha", [0.0, 1.0, 1.5, -0.1])
def test_alpha_is_a_probability(alpha: float) -> None:
    with pytest.raises(ValueError, match="expected a number between 0 and 1"):
        hommel_value(np.array([0.1]), alpha)


@pytest.mark.parametrize("bad", [np.nan, -0.1, 1.1])
def test_p_values_are_probabilities(bad: float) -> None:
    with pytest.raises(ValueError, match="p-values are not all between 0 and 1"):
        hommel_value(np.array([0.1, bad]), 0.05)
