import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse

from bids_ari.stats import (
    LOCAL_TESTS,
    METHODS,
    ClosedTesting,
    Evidence,
    LocalTest,
    claim_p_values,
    fewest_discoveries,
    min_true_discoveries,
    min_true_discoveries_at,
    min_true_discoveries_by_region,
)
from tests.stats.resampled import evidence_for


def some_family(seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """P-values with signal and ties, and overlapping regions, of which one is empty."""
    rng = np.random.default_rng(seed)
    n_features, n_regions = rng.integers(1, 60), rng.integers(1, 8)
    p_values = rng.uniform(size=n_features) ** rng.integers(1, 8)
    if seed % 2:
        p_values = np.round(p_values, 2)
    regions = rng.uniform(size=(n_regions, n_features)) < rng.uniform(size=(n_regions, 1))
    regions[0] = False
    return p_values, regions


@given(seed=st.integers(0, 10_000))
def test_regions_that_overlap_have_the_bounds_of_their_sets(seed: int) -> None:
    p_values, regions = some_family(seed)
    for method in METHODS:
        evidence = evidence_for(method, p_values, np.random.default_rng(seed), 19)
        critical_vector = METHODS[method](evidence, 0.1)
        size, found = min_true_discoveries_by_region(p_values, regions, critical_vector)
        assert size.tolist() == regions.sum(axis=1).tolist()
        expected = [min_true_discoveries(p_values[region], critical_vector) for region in regions]
        assert found.tolist() == expected


def test_sparse_regions_are_those_that_they_store() -> None:
    p_values, critical_vector = np.array([0.001, 0.002, 0.5]), np.array([0.01, 0.02, 0.03])
    # feature 1 is listed twice in the first region, and listed as absent from the second
    coordinates = (np.array([0, 0, 0, 1, 1]), np.array([0, 1, 1, 1, 2]))
    regions = sparse.coo_array((np.array([1, 1, 1, 0, 1]), coordinates), shape=(2, 3)).tocsr()
    size, found = min_true_discoveries_by_region(p_values, regions, critical_vector)
    assert size.tolist() == [2, 1]
    assert found.tolist() == [2, 0]


@given(seed=st.integers(0, 10_000))
def test_more_alpha_never_finds_less_in_a_region(seed: int) -> None:
    p_values, regions = some_family(seed)
    alphas = (0.01, 0.05, 0.1, 0.2, 0.5)
    found = min_true_discoveries_at(alphas, regions, ClosedTesting(p_values))
    assert found.shape == (5, len(regions))
    for alpha, at_alpha in zip(alphas, found, strict=True):
        critical_vector = METHODS["ari"](Evidence(p_values), alpha)
        _, expected = min_true_discoveries_by_region(p_values, regions, critical_vector)
        assert at_alpha.tolist() == expected.tolist()
    assert np.all(np.diff(found, axis=0) >= 0)


@given(seed=st.integers(0, 10_000), tdp=st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9, 1.0]))
@pytest.mark.parametrize("local_test", LOCAL_TESTS)
def test_a_claim_can_be_made_from_its_p_value_on(
    local_test: LocalTest, seed: int, tdp: float
) -> None:
    p_values, regions = some_family(seed)
    regions = regions[1:]
    closed = ClosedTesting(p_values, local_test)
    claims = claim_p_values(tdp, regions, closed)
    for region, level in zip(regions, claims, strict=True):
        for alpha, made in ((level * (1 - 1e-9), False), (level * (1 + 1e-9), True)):
            if region.any() and 0 < alpha < 1:
                found = min_true_discoveries(p_values[region], closed.critical_vector(alpha))
                assert (found / region.sum() >= tdp) == made


def test_claims_about_nothing() -> None:
    closed = ClosedTesting(np.array([0.001, 0.02, 0.6]))
    regions = np.array([[True, True, True], [False, False, False]])
    assert claim_p_values(0.0, regions, closed).tolist() == [0.0, 0.0]
    assert claim_p_values(0.5, regions, closed)[1] == 1.0
    with pytest.raises(ValueError, match=r"TDP is 1\.5, expected a number between 0 and 1"):
        claim_p_values(1.5, regions, closed)


@example(size=3, tdp=float(np.nextafter(1 / 3, 1)))  # 3 times this is 1 in doubles
@given(size=st.integers(1, 60), tdp=st.floats(0, 1))
def test_the_fewest_discoveries_are_the_first_that_reach_a_tdp(size: int, tdp: float) -> None:
    expected = next(n for n in range(size + 1) if n / size >= tdp)
    assert fewest_discoveries(np.array([size]), tdp).tolist() == [expected]


def test_a_proportion_is_compared_as_it_is_written() -> None:
    size = np.arange(1, 2_000)
    for percent in range(1, 101):
        expected = -(-size * percent // 100)  # whole numbers do not round
        np.testing.assert_array_equal(fewest_discoveries(size, percent / 100), expected)
