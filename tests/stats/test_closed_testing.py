import numpy as np
import pytest
from hypothesis import example, given
from numpy.typing import NDArray

from bids_ari.stats import (
    LOCAL_TESTS,
    METHODS,
    ClosedTesting,
    Evidence,
    LocalTest,
    hommel_value,
    set_weights,
)
from tests.stats import oracles
from tests.stats.test_hommel import ALPHA, p_value_arrays

LEVELS = (0.25, 0.125, ALPHA, 0.05, 0.01, 2**-10)


@example(p_values=np.array([0.0]))
@example(p_values=np.array([1.0]))
@example(p_values=np.array([8, 8, 8]) / 128)
@example(p_values=np.array([5, 5, 5]) / 128)
@given(p_values=p_value_arrays)
@pytest.mark.parametrize("local_test", LOCAL_TESTS)
def test_every_level_has_the_hommel_value_of_its_own(
    local_test: LocalTest, p_values: NDArray[np.float64]
) -> None:
    closed = ClosedTesting(p_values, local_test)
    for alpha in LEVELS:
        assert closed.hommel_value(alpha) == oracles.hommel_value(p_values, alpha, local_test)


@example(p_values=np.array([8, 8, 128]) / 128)
@given(p_values=p_value_arrays)
def test_the_hommel_value_falls_at_the_jump_points_ties_included(
    p_values: NDArray[np.float64],
) -> None:
    jumps = ClosedTesting(p_values).jump_points
    expected = [
        size * min(p / rank for rank, p in enumerate(np.sort(p_values)[-size:], start=1))
        for size in range(1, p_values.size + 1)
    ]
    np.testing.assert_allclose(jumps, expected, rtol=4e-16, atol=0)
    for alpha in (0.25, 0.125, ALPHA, 2**-10):  # powers of two, as ties with them are exact
        assert np.count_nonzero(jumps > alpha) == hommel_value(p_values, alpha)


@pytest.mark.parametrize("local_test", LOCAL_TESTS)
def test_jump_points_and_single_levels_agree_on_many_features(
    local_test: LocalTest, rng: np.random.Generator
) -> None:
    p_values = np.concatenate([rng.uniform(0, 1e-4, 300), rng.uniform(size=4_700)])
    closed = ClosedTesting(p_values, local_test)
    assert np.all(np.diff(closed.jump_points) <= 0)
    for alpha in np.append(rng.uniform(size=200), [1e-9, 0.001, 0.999]):
        h = hommel_value(p_values, alpha, local_test)
        assert h == closed.hommel_value(alpha) == np.count_nonzero(closed.jump_points > alpha)


@given(p_values=p_value_arrays)
@pytest.mark.parametrize("local_test", LOCAL_TESTS)
def test_a_feature_is_rejected_at_its_adjusted_p_value_and_not_before(
    local_test: LocalTest, p_values: NDArray[np.float64]
) -> None:
    adjusted = ClosedTesting(p_values, local_test).adjusted(p_values)
    assert np.all((adjusted >= p_values) & (adjusted <= 1))
    weights = set_weights(p_values.size, local_test)
    for level in set(adjusted.tolist()):
        if 1e-300 < level < 1:
            for alpha, at_least in ((level * (1 - 1e-12), False), (level * (1 + 1e-12), True)):
                if alpha < 1:
                    h = oracles.hommel_value(p_values, alpha, local_test)
                    rejected = weights[h] * p_values <= alpha
                    assert np.all(rejected[adjusted == level] == at_least)


def test_adjusted_p_values_are_those_of_hommel_by_definition() -> None:
    # the smallest alpha at which every set that holds the feature is rejected
    p_values = np.array([0.01, 0.02, 0.022, 0.7])
    np.testing.assert_allclose(
        ClosedTesting(p_values).adjusted(p_values), [0.03, 0.04, 0.044, 0.7], rtol=1e-12
    )


def test_no_level_is_above_one() -> None:
    p_values = np.ones(3)
    closed = ClosedTesting(p_values, "hommel")
    assert closed.jump_points.tolist() == closed.adjusted(p_values).tolist() == [1.0] * 3


def test_a_p_value_of_zero_stays_zero_also_below_those_of_the_family() -> None:
    closed = ClosedTesting(np.array([0.01, 0.5]))
    assert closed.adjusted(np.array([0.0, 0.001])).tolist() == [0.0, 0.002]


def test_the_shape_of_what_is_adjusted_is_kept(rng: np.random.Generator) -> None:
    p_values = rng.uniform(size=(3, 4))
    closed = ClosedTesting(p_values.ravel())
    np.testing.assert_array_equal(
        closed.adjusted(p_values).ravel(), closed.adjusted(p_values.ravel())
    )


@pytest.mark.parametrize(("method", "local_test"), [("ari", "simes"), ("hommel", "hommel")])
def test_critical_vectors_are_those_of_the_methods(
    method: str, local_test: LocalTest, rng: np.random.Generator
) -> None:
    p_values = rng.uniform(size=200) ** 4
    closed = ClosedTesting(p_values, local_test)
    for alpha in LEVELS:
        np.testing.assert_array_equal(
            closed.critical_vector(alpha), METHODS[method](Evidence(p_values), alpha)
        )


def test_p_values_and_levels_are_checked() -> None:
    with pytest.raises(ValueError, match="p-values are not all between 0 and 1"):
        ClosedTesting(np.array([0.5, np.nan]))
    with pytest.raises(ValueError, match="local test is 'fisher'"):
        ClosedTesting(np.array([0.5]), "fisher")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected a number between 0 and 1"):
        ClosedTesting(np.array([0.5])).hommel_value(0.0)
