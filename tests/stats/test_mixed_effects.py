import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from bids_ari.stats import (
    Estimates,
    contrast_maps,
    estimated_contrast,
    estimated_f_contrast,
    fixed_effects,
    mixed_effects,
    rotate,
)

Array = NDArray[np.float64]


def group(
    rng: np.random.Generator, *, tau: float, n_maps: int = 13, n_features: int = 9
) -> tuple[Array, ...]:
    variances = np.exp(rng.normal(0, 1, size=(n_maps, n_features)))
    design = np.column_stack(
        [np.ones(n_maps), rng.normal(60, 8, size=n_maps), np.arange(n_maps) % 2]
    )
    noise = np.sqrt(variances + tau**2) * rng.normal(size=variances.shape)
    return 0.02 * design[:, 1:2] + noise, variances, design


def fitted(effects: Array, variances: Array, design: Array, size: int = 5) -> Estimates:
    starts = range(0, len(effects), size)
    return mixed_effects(
        lambda: ((effects[i : i + size], variances[i : i + size]) for i in starts), design
    )


@pytest.fixture(scope="module")
def pymare() -> Any:
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        import pymare  # leaves a file open

        return pymare


@pytest.mark.parametrize("tau", [0.0, 0.5, 3.0])
def test_estimates_are_those_of_pymare(tau: float, pymare: Any, rng: np.random.Generator) -> None:
    effects, variances, design = group(rng, tau=tau, n_features=40)
    estimates = fitted(effects, variances, design)
    peer = pymare.estimators.DerSimonianLaird(small_sample_correction="knapp-hartung-conservative")
    expected = peer.fit(effects, variances, design).params_
    np.testing.assert_allclose(estimates.tau2, expected["tau2"], rtol=1e-8, atol=1e-12)
    assert np.any(estimates.tau2 > 0)
    contrast, several = np.array([0.0, 1.0, -0.5]), np.array([[0.0, 1.0, 0.0], [0.0, 1.0, -1.0]])
    covariance = np.moveaxis(expected["inv_cov"], -1, 0)
    maps = estimated_contrast(estimates, contrast, "less")
    np.testing.assert_allclose(maps.effect, contrast @ expected["fe_params"], rtol=1e-8)
    np.testing.assert_allclose(maps.variance, covariance @ contrast @ contrast, rtol=1e-7)
    np.testing.assert_allclose(maps.t, maps.effect / np.sqrt(maps.variance), rtol=1e-12)
    np.testing.assert_allclose(maps.p, stats.t.cdf(maps.t, 10), rtol=1e-10)
    maps_f = estimated_f_contrast(estimates, several)
    rows = (several @ expected["fe_params"]).T[..., None]
    inverse = np.linalg.inv(several @ covariance @ several.T)
    wald = (rows.transpose(0, 2, 1) @ inverse @ rows).ravel()
    np.testing.assert_allclose(maps_f.f, wald / 2, rtol=1e-7)
    np.testing.assert_allclose(maps_f.p, stats.f.sf(maps_f.f, 2, 10), rtol=1e-10)


def test_one_sample_is_that_of_statsmodels(rng: np.random.Generator) -> None:
    effects, variances, _ = group(rng, tau=3.0, n_features=30)
    estimates = fitted(effects, variances, np.ones((13, 1)))
    maps = estimated_contrast(estimates, np.ones(1))
    for feature in range(30):
        expected = combine_effects(effects[:, feature], variances[:, feature], method_re="dl")
        assert estimates.tau2[feature] == pytest.approx(expected.tau2, rel=1e-8)
        assert maps.effect[feature] == pytest.approx(expected.mean_effect_re, rel=1e-8)
        model_variance = expected.sd_eff_w_re**2
        adjusted = expected.sd_eff_w_re_hksj**2
        assert maps.variance[feature] == pytest.approx(max(model_variance, adjusted), rel=1e-8)


def test_equal_variances_give_the_t_test_of_the_effects(rng: np.random.Generator) -> None:
    effects = rng.normal(0, 3, size=(12, 8))
    design = np.column_stack([np.ones(12), rng.normal(size=12)])
    estimates = fitted(effects, np.full(effects.shape, 0.5), design)
    expected = contrast_maps(rotate(effects, design), np.array([0.0, 1.0]))
    maps = estimated_contrast(estimates, np.array([0.0, 1.0]))
    assert np.all(estimates.tau2 > 0)
    np.testing.assert_allclose(maps.t, expected.t, rtol=1e-10)
    np.testing.assert_allclose(maps.dof, 10.0)


def test_where_maps_agree_estimates_are_those_of_fixed_effects(rng: np.random.Generator) -> None:
    effects, variances, design = group(rng, tau=0)
    effects = 0.5 * effects  # vary less than their variances say
    mixed, fixed = (
        fitted(effects, variances, design),
        fixed_effects([(effects, variances)], design),
    )
    contrast = np.array([0.0, 1.0, 0.0])
    found, expected = estimated_contrast(mixed, contrast), estimated_contrast(fixed, contrast)
    assert not mixed.tau2.any()
    np.testing.assert_allclose(found.effect, expected.effect, rtol=1e-10)
    np.testing.assert_allclose(found.variance, expected.variance, rtol=1e-10)
    assert np.all(found.p > expected.p)


def test_order_and_size_of_blocks_do_not_matter(rng: np.random.Generator) -> None:
    effects, variances, design = group(rng, tau=1)
    contrast = np.array([0.0, 1.0, 0.0])
    expected = estimated_contrast(fitted(effects, variances, design, 13), contrast)
    order = rng.permutation(13)
    for size in (1, 2, 6):
        estimates = fitted(effects[order], variances[order], design[order], size)
        np.testing.assert_allclose(
            estimated_contrast(estimates, contrast).t, expected.t, rtol=1e-9
        )


def test_a_large_mean_does_not_drown_the_variance_between_maps(rng: np.random.Generator) -> None:
    effects, variances, design = group(rng, tau=1)
    near = fitted(effects, variances, design)
    far = fitted(effects + 1e6, variances, design)
    # what adding a million costs the effects themselves is 1e-10; squares would cost 1e-4
    np.testing.assert_allclose(far.tau2, near.tau2, rtol=1e-7, atol=1e-8)


def test_f_of_one_row_is_t_squared(rng: np.random.Generator) -> None:
    effects, variances, design = group(rng, tau=1)
    estimates = fitted(effects, variances, design)
    contrast = np.array([0.3, 1.0, -1.0])
    t = estimated_contrast(estimates, contrast)
    f = estimated_f_contrast(estimates, contrast[None])
    np.testing.assert_allclose(f.f, t.t**2, rtol=1e-9)
    np.testing.assert_allclose(f.p, t.p, rtol=1e-9)


def test_maps_enter_where_they_have_a_value_and_a_variance(rng: np.random.Generator) -> None:
    effects, variances, design = group(rng, tau=1)
    effects[4, 2], variances[5, 2], variances[6, 2] = np.nan, 0, np.inf
    there = ~np.isin(np.arange(13), [4, 5, 6])
    estimates = fitted(effects, variances, design)
    expected = fitted(effects[there][:, 2:3], variances[there][:, 2:3], design[there])
    assert estimates.tau2[2] == pytest.approx(expected.tau2[0], rel=1e-9)
    assert estimates.n_maps[2] == 10
    assert isinstance(estimates.dof, np.ndarray)
    assert estimates.dof.tolist() == [10, 10, 7] + [10] * 6
    contrast = np.array([0.0, 1.0, 0.0])
    found, alone = (estimated_contrast(fit, contrast) for fit in (estimates, expected))
    assert found.z[2] == pytest.approx(alone.z[0], rel=1e-9)
    assert found.p[2] == pytest.approx(alone.p[0], rel=1e-9)


def test_where_too_few_maps_enter_nothing_is_found(rng: np.random.Generator) -> None:
    effects, variances, design = group(rng, tau=1)
    variances[3:, 0] = 0  # as many maps as regressors
    variances[design[:, 2] == 1, 1] = 0  # a regressor is constant
    effects[:, 2] = np.nan
    estimates = fitted(effects, variances, design)
    maps = estimated_contrast(estimates, np.array([0.0, 1.0, 0.0]), "less")
    assert maps.n_untestable == 3
    for zeros in (maps.effect, maps.variance, maps.t, maps.z, estimates.tau2):
        assert zeros[:3].tolist() == [0, 0, 0]
    assert maps.p[:3].tolist() == [1, 1, 1]
    assert np.all(maps.p[3:] < 1)
    several = estimated_f_contrast(estimates, np.eye(3))
    assert several.p[:3].tolist() == [1, 1, 1]
    assert np.all(several.p[3:] < 1)


def test_maps_without_any_difference_are_as_sure_as_their_variances() -> None:
    effects = np.full((5, 1), 3.7)
    estimates = fitted(effects, np.full((5, 1), 2.0), np.ones((5, 1)))
    maps = estimated_contrast(estimates, np.ones(1))
    assert maps.variance[0] == pytest.approx(0.4)
    assert estimates.tau2[0] == 0


@pytest.mark.parametrize("tau2", [0.0, 0.5, 5.0])
@pytest.mark.parametrize(("spread", "most", "most_far"), [(0.5, 0.053, 2e-3), (1, 0.06, 3e-3)])
def test_ten_maps_keep_the_error_rate(
    spread: float, most: float, most_far: float, tau2: float, rng: np.random.Generator
) -> None:
    shape = (10, 40_000)
    variances = np.exp(rng.normal(0, spread, size=shape))
    effects = np.sqrt(variances + tau2) * rng.normal(size=shape)
    estimates = fitted(effects, variances, np.ones((10, 1)))
    p = estimated_contrast(estimates, np.ones(1)).p
    assert np.mean(p < 0.05) < most
    assert np.mean(p < 0.001) < most_far


def test_a_design_that_cannot_be_fitted_is_refused(rng: np.random.Generator) -> None:
    effects = rng.normal(size=(4, 7))
    with pytest.raises(ValueError, match="4 maps cannot fit 4 regressors: no degrees of freedom"):
        fitted(effects, effects**2, rng.normal(size=(4, 4)))
    with pytest.raises(ValueError, match="the 2 regressors of the design are collinear"):
        fitted(effects, effects**2, np.ones((4, 2)))
    with pytest.raises(ValueError, match="there are 4 maps, expected one for each of 6 rows"):
        fitted(effects, effects**2, np.ones((6, 1)))
