import nibabel as nb
import numpy as np
import pytest
import statsmodels.api as sm
from nilearn.glm import compute_fixed_effects
from numpy.typing import NDArray

from bids_ari.stats import (
    ALTERNATIVES,
    estimated_contrast,
    estimated_f_contrast,
    fixed_effects,
    mixed_effects,
    p_value,
)

Array = NDArray[np.float64]


def group(rng: np.random.Generator, n_maps: int = 13, n_features: int = 8) -> tuple[Array, ...]:
    """Effects, variances that differ a lot, and a design with a covariate that is not centred."""
    variances = np.exp(rng.normal(0, 1.5, size=(n_maps, n_features)))
    design = np.column_stack(
        [np.ones(n_maps), rng.normal(60, 8, size=n_maps), np.arange(n_maps) % 2]
    )
    effects = 0.02 * design[:, 1:2] + np.sqrt(variances) * rng.normal(size=variances.shape)
    return effects, variances, design


def in_blocks(effects: Array, variances: Array, size: int) -> list[tuple[Array, Array]]:
    starts = range(0, len(effects), size)
    return [(effects[i : i + size], variances[i : i + size]) for i in starts]


def test_estimates_are_those_of_statsmodels(rng: np.random.Generator) -> None:
    effects, variances, design = group(rng)
    contrast = np.array([0.0, 1.0, -0.5])
    several = np.array([[0.0, 1.0, 0.0], [0.0, 1.0, -1.0]])
    estimates = fixed_effects(in_blocks(effects, variances, 5), design)
    maps = estimated_contrast(estimates, contrast, "greater")
    f_maps = estimated_f_contrast(estimates, several)
    for feature in range(effects.shape[1]):
        known = sm.WLS(effects[:, feature], design, weights=1 / variances[:, feature]).fit(
            cov_type="fixed scale"
        )
        expected = known.t_test(contrast, use_t=False)
        assert maps.effect[feature] == pytest.approx(expected.effect.item(), rel=1e-10)
        assert maps.variance[feature] == pytest.approx(expected.sd.item() ** 2, rel=1e-10)
        assert maps.z[feature] == pytest.approx(expected.tvalue.item(), rel=1e-9)
        two_sided = expected.pvalue.item()
        one_sided = two_sided / 2 if maps.z[feature] > 0 else 1 - two_sided / 2
        assert maps.p[feature] == pytest.approx(one_sided, rel=1e-9)
        wald = known.wald_test(several, use_f=False, scalar=True)
        assert 2 * f_maps.f[feature] == pytest.approx(wald.statistic, rel=1e-9)
        assert f_maps.p[feature] == pytest.approx(wald.pvalue, rel=1e-9)
    assert maps.n_untestable == f_maps.n_untestable == 0
    assert maps.dof == f_maps.dof_residual == np.inf


def test_one_sample_is_that_of_nilearn(rng: np.random.Generator) -> None:
    shape = (5, 7, 8, 9)
    effects, variances = rng.normal(1, 1, size=shape), rng.uniform(0.5, 3, size=shape)

    def image(data: Array) -> nb.Nifti1Image:
        return nb.Nifti1Image(data, np.eye(4))

    expected = compute_fixed_effects(
        [image(data) for data in effects],
        [image(data) for data in variances],
        image(np.ones(shape[1:])),
        precision_weighted=True,
    )
    blocks = in_blocks(effects.reshape(5, -1), variances.reshape(5, -1), 2)
    maps = estimated_contrast(fixed_effects(blocks, np.ones((5, 1))), np.ones(1))
    for found, img in zip((maps.effect, maps.variance, maps.t), expected, strict=False):
        np.testing.assert_allclose(found, np.asarray(img.dataobj).ravel(), rtol=1e-9)


def test_equal_variances_give_the_ordinary_mean(rng: np.random.Generator) -> None:
    effects = rng.normal(size=(9, 7))
    blocks = in_blocks(effects, np.full(effects.shape, 0.25), 4)
    maps = estimated_contrast(fixed_effects(blocks, np.ones((9, 1))), np.ones(1))
    np.testing.assert_allclose(maps.effect, effects.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(maps.z, 6 * effects.mean(axis=0), rtol=1e-12)


def test_order_and_size_of_blocks_do_not_matter(rng: np.random.Generator) -> None:
    effects, variances, design = group(rng)
    contrast = np.array([0.0, 1.0, 0.0])
    expected = estimated_contrast(fixed_effects([(effects, variances)], design), contrast)
    order = rng.permutation(len(effects))
    for size in (1, 2, 6, 13):
        blocks = in_blocks(effects[order], variances[order], size)
        maps = estimated_contrast(fixed_effects(blocks, design[order]), contrast)
        np.testing.assert_allclose(maps.effect, expected.effect, rtol=1e-10)
        np.testing.assert_allclose(maps.z, expected.z, rtol=1e-10)


def test_f_of_one_row_is_t_squared(rng: np.random.Generator) -> None:
    effects, variances, design = group(rng)
    estimates = fixed_effects([(effects, variances)], design)
    contrast = np.array([0.3, 1.0, -1.0])
    t = estimated_contrast(estimates, contrast).t
    np.testing.assert_allclose(estimated_f_contrast(estimates, contrast[None]).f, t**2, rtol=1e-10)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf, 1e-200])
def test_a_map_without_a_usable_variance_does_not_enter_there(
    bad: float, rng: np.random.Generator
) -> None:
    effects, variances, design = group(rng)
    variances[4, 2] = bad
    estimates = fixed_effects(in_blocks(effects, variances, 3), design)
    others = np.arange(13) != 4
    expected = fixed_effects([(effects[others], variances[others])], design[others])
    contrast = np.array([0.0, 1.0, 0.0])
    found = estimated_contrast(estimates, contrast)
    assert found.z[2] == pytest.approx(estimated_contrast(expected, contrast).z[2], rel=1e-10)
    assert estimates.n_maps.tolist() == [13, 13, 12, 13, 13, 13, 13, 13]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_map_without_a_value_does_not_enter_there(bad: float, rng: np.random.Generator) -> None:
    effects, variances, design = group(rng)
    effects[:2, 3] = bad  # in the first block, which gives the first guess
    estimates = fixed_effects(in_blocks(effects, variances, 2), design)
    expected = fixed_effects([(effects[2:], variances[2:])], design[2:])
    contrast = np.array([0.0, 1.0, 0.0])
    found = estimated_contrast(estimates, contrast)
    assert found.z[3] == pytest.approx(estimated_contrast(expected, contrast).z[3], rel=1e-10)
    assert estimates.n_maps[3] == 11


def test_where_maps_do_not_determine_the_model_nothing_is_found(
    rng: np.random.Generator,
) -> None:
    effects, variances, design = group(rng)
    variances[design[:, 2] == 1, 0] = 0  # the regressor of these maps is constant in the others
    variances[2:, 1] = np.nan
    variances[:, 2] = 0
    estimates = fixed_effects(in_blocks(effects, variances, 5), design)
    maps = estimated_contrast(estimates, np.array([0.0, 1.0, 0.0]), "greater")
    assert maps.n_untestable == 3
    assert estimates.testable.tolist() == [False] * 3 + [True] * 5
    for zeros in (maps.effect, maps.variance, maps.t, maps.z):
        assert zeros[:3].tolist() == [0, 0, 0]
        assert zeros[3:].all()
    assert maps.p[:3].tolist() == [1, 1, 1]
    several = estimated_f_contrast(estimates, np.eye(3))
    assert several.f[:3].tolist() == [0, 0, 0]
    assert several.p[:3].tolist() == [1, 1, 1]
    assert several.n_untestable == 3


def test_one_map_for_each_regressor_is_enough() -> None:
    estimates = fixed_effects([(np.array([[3.0], [5.0]]), np.ones((2, 1)))], np.eye(2))
    maps = estimated_contrast(estimates, np.array([-1.0, 1.0]))
    assert maps.z[0] == pytest.approx(2 / np.sqrt(2))


def test_z_goes_on_where_p_is_zero() -> None:
    effects = np.full((4, 1), 40.0)
    maps = estimated_contrast(
        fixed_effects([(effects, np.ones((4, 1)))], np.ones((4, 1))), np.ones(1)
    )
    assert maps.z[0] == pytest.approx(80, rel=1e-12)
    assert maps.p[0] == 0


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_units_do_not_matter(scale: float, rng: np.random.Generator) -> None:
    effects, variances, design = group(rng)
    contrast = np.array([0.0, 1.0, 0.0])
    expected = estimated_contrast(fixed_effects([(effects, variances)], design), contrast).z
    blocks = [(effects * scale, variances * scale**2)]
    z = estimated_contrast(fixed_effects(blocks, design), contrast).z
    np.testing.assert_allclose(z, expected, rtol=1e-10)


def test_a_design_that_cannot_be_fitted_is_refused(rng: np.random.Generator) -> None:
    effects = rng.normal(size=(4, 7))
    with pytest.raises(ValueError, match="4 maps cannot fit 5 regressors"):
        fixed_effects([(effects, effects**2)], rng.normal(size=(4, 5)))
    with pytest.raises(ValueError, match="the 2 regressors of the design are collinear"):
        fixed_effects([(effects, effects**2)], np.ones((4, 2)))


@pytest.mark.parametrize("n_rows", [3, 5])
def test_maps_that_do_not_fit_the_design_are_refused(
    n_rows: int, rng: np.random.Generator
) -> None:
    block = rng.normal(size=(2, 7)), np.ones((2, 7))
    with pytest.raises(ValueError, match=f"4 maps, expected one for each of {n_rows} rows"):
        fixed_effects([block, block], np.ones((n_rows, 1)))


def test_blocks_that_do_not_fit_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match=r"effects have shape \(2, 7\), their variances \(2, 8\)"):
        fixed_effects([(np.ones((2, 7)), np.ones((2, 8)))], np.ones((2, 1)))
    blocks = [(np.ones((2, 7)), np.ones((2, 7))), (np.ones((2, 8)), np.ones((2, 8)))]
    with pytest.raises(ValueError, match="a block has 8 features, those before have 7"):
        fixed_effects(blocks, np.ones((4, 1)))
    with pytest.raises(ValueError, match="there are 0 maps, expected one for each of 4 rows"):
        fixed_effects([], np.ones((4, 1)))


def test_contrasts_that_test_nothing_are_refused(rng: np.random.Generator) -> None:
    effects, variances, design = group(rng)
    estimates = fixed_effects([(effects, variances)], design)
    with pytest.raises(ValueError, match=r"the contrast \[1.0\] is no test of 3 regressors"):
        estimated_contrast(estimates, np.ones(1))
    with pytest.raises(ValueError, match="has 2 rows but rank 1: a row repeats what others say"):
        estimated_f_contrast(estimates, np.ones((2, 3)))


def test_p_values_under_every_alternative_are_those_of_each_alone(
    rng: np.random.Generator,
) -> None:
    effects, variances = rng.normal(size=(7, 99)), rng.uniform(0.5, 2, size=(7, 99))
    variances[1:, 5] = np.nan  # nothing to test there
    for estimates in (
        fixed_effects([(effects, variances)], np.ones((7, 1))),
        mixed_effects(lambda: [(effects, variances)], np.ones((7, 1))),
    ):
        found = estimated_contrast(estimates, np.ones(1))
        for alternative in ALTERNATIVES:
            alone = estimated_contrast(estimates, np.ones(1), alternative)
            np.testing.assert_array_equal(found.sided_p[alternative], alone.p)
            np.testing.assert_array_equal(found.z, alone.z)
            t, dof = found.t, np.maximum(found.dof, 1)
            expected = np.where(estimates.testable, p_value(t, dof, alternative), 1)
            np.testing.assert_array_equal(alone.p, expected)


def test_an_unknown_alternative_is_refused() -> None:
    estimates = fixed_effects([(np.ones((3, 2)), np.ones((3, 2)))], np.ones((3, 1)))
    with pytest.raises(ValueError, match="alternative is 'more', expected one of two-sided"):
        estimated_contrast(estimates, np.ones(1), "more")  # type: ignore[arg-type]
