import numpy as np
import pytest

from bids_ari.stats import METHODS, RESAMPLED, Evidence, hommel_value, min_true_discoveries
from tests.stats.resampled import evidence_for


@pytest.mark.parametrize("method", METHODS)
def test_a_critical_vector_never_decreases(method: str, rng: np.random.Generator) -> None:
    evidence = evidence_for(method, rng.uniform(size=300) ** 2, rng)
    critical_vector = METHODS[method](evidence, 0.05)
    assert critical_vector.size == (299 if method == "aorc" else 300)
    assert np.all(np.diff(critical_vector) >= 0)


@pytest.mark.parametrize("method", METHODS)
def test_noise_gives_discoveries_in_at_most_a_share_of_alpha(
    method: str, rng: np.random.Generator
) -> None:
    alpha, n_runs = 0.2, 400
    false = 0
    for _ in range(n_runs):
        evidence = evidence_for(method, rng.uniform(size=50), rng)
        found = min_true_discoveries(evidence.p_values, METHODS[method](evidence, alpha))
        false += found > 0
    # five standard errors of the binomial, so that only a wrong method fails
    assert false / n_runs <= alpha + 5 * np.sqrt(alpha * (1 - alpha) / n_runs)
    if method in RESAMPLED and method != "auto":  # the level is alpha, and not less
        assert false / n_runs >= alpha - 5 * np.sqrt(alpha * (1 - alpha) / n_runs)
    assert false > 0


def test_the_thresholds_of_ari_are_the_last_numbers_within_the_definition(
    rng: np.random.Generator,
) -> None:
    p_values, alpha = np.append(rng.uniform(0, 1e-3, 40), rng.uniform(size=60)), 0.05
    h = hommel_value(p_values, alpha)
    threshold = METHODS["ari"](Evidence(p_values), alpha)
    level = np.arange(1, 101) * alpha
    assert np.all(h * threshold <= level)
    assert np.all(h * np.nextafter(threshold, np.inf) > level)


def test_everything_is_a_discovery_when_every_p_value_is_small() -> None:
    p_values = np.array([0.001, 0.02, 0.04])
    critical_vector = METHODS["ari"](Evidence(p_values), 0.05)
    assert min_true_discoveries(p_values, critical_vector) == 3
