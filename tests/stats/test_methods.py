import numpy as np
import pytest

from bids_ari.stats import METHODS, Evidence, hommel_value, min_true_discoveries


@pytest.mark.parametrize("method", METHODS)
def test_a_critical_vector_never_decreases(method: str, rng: np.random.Generator) -> None:
    critical_vector = METHODS[method](Evidence(rng.uniform(size=300) ** 2), 0.05)
    assert critical_vector.size == 300
    assert np.all(np.diff(critical_vector) >= 0)


@pytest.mark.parametrize("method", METHODS)
def test_noise_gives_discoveries_in_at_most_a_share_of_alpha(
    method: str, rng: np.random.Generator
) -> None:
    alpha, n_runs = 0.2, 400
    false = 0
    for _ in range(n_runs):
        p_values = rng.uniform(size=50)
        false += min_true_discoveries(p_values, METHODS[method](Evidence(p_values), alpha)) > 0
    # five standard errors of the binomial, so that only a wrong method fails
    assert false / n_runs <= alpha + 5 * np.sqrt(alpha * (1 - alpha) / n_runs)
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
