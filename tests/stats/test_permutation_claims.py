"""A claim holds at an error rate if and only if the bound at that error rate says so."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bids_ari.stats import (
    ANY,
    METHODS,
    RESAMPLED,
    Evidence,
    PermutationClaims,
    claim_p_values,
    fewest_discoveries,
    min_true_discoveries_by_region,
)
from tests.stats.resampled import evidence_for

N = 40
ALPHAS = np.arange(1, N) / N
"""Where the level of one template changes; several share the error rate."""


def claims_of(evidence: Evidence) -> PermutationClaims:
    assert evidence.null is not None
    templates = evidence.null.templates
    pivots = tuple(np.asarray(evidence.null.pivots[one.name]) for one in templates)
    return PermutationClaims(evidence.p_values, templates, pivots)


def family(seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    n_features, n_regions = rng.integers(2, 50), rng.integers(1, 6)
    p_values = rng.uniform(size=n_features) ** rng.integers(1, 9)
    regions = rng.uniform(size=(n_regions, n_features)) < rng.uniform(size=(n_regions, 1))
    return p_values, regions


@pytest.mark.parametrize("method", RESAMPLED)
@given(seed=st.integers(0, 10_000), tdp=st.sampled_from([0.0, ANY, 0.3, 0.5, 1.0]))
def test_the_adjusted_p_value_is_the_least_error_rate_of_the_bound(
    method: str, seed: int, tdp: float
) -> None:
    p_values, regions = family(seed)
    evidence = evidence_for(method, p_values, np.random.default_rng(seed), N)
    claims = claims_of(evidence)
    adjusted = claim_p_values(tdp, regions, claims)
    needed = fewest_discoveries(regions.sum(axis=1), tdp)
    n_templates = len(claims.templates)
    for alpha in ALPHAS[ALPHAS * n_templates < 1] * n_templates:
        _, found = min_true_discoveries_by_region(
            p_values, regions, METHODS[method](evidence, alpha)
        )
        # without features, even the claim that there is no active one
        held = (found >= needed) & (regions.any(axis=1) | (tdp == 0))
        np.testing.assert_array_equal(adjusted <= alpha * (1 + 1e-9), held)


def test_no_claim_is_surer_than_one_of_all_permutations() -> None:
    p_values = np.array([1e-12, 1e-11, 0.3, 0.7])
    evidence = evidence_for("simes", p_values, np.random.default_rng(0), N)
    adjusted = claim_p_values(ANY, np.ones((1, 4), bool), claims_of(evidence))
    assert adjusted.tolist() == [1 / N]


def test_what_stepping_down_adds_holds_at_its_own_error_rate_only() -> None:
    rng = np.random.default_rng(1)
    p_values = np.array([0.001, 0.04, 0.06, 0.5, 0.9])
    evidence = evidence_for("simes", p_values, rng, N)
    single = claims_of(evidence)
    stepped = PermutationClaims(
        p_values, single.templates, single.pivots, 0.1, (single.pivots[0] * 3,)
    )
    regions = np.eye(5, dtype=bool)
    before, after = (claim_p_values(ANY, regions, one) for one in (single, stepped))
    assert (after <= before).all()
    assert (after < before).any()
    assert after[after < before].min() >= 0.1
