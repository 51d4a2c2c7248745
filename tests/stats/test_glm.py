import numpy as np
import pytest
import statsmodels.api as sm
from nilearn.glm.contrasts import compute_contrast
from nilearn.glm.first_level import run_glm
from numpy.typing import NDArray
from scipy import stats

from bids_ari.stats import contrast_maps, f_maps, f_z_and_p_values, fit, merge, rotate


def in_blocks(
    effects: NDArray[np.floating], design: NDArray[np.floating], sizes: list[int]
) -> list[tuple[NDArray[np.floating], NDArray[np.floating]]]:
    stops = np.cumsum(sizes)
    assert stops[-1] == len(effects)
    return [
        (effects[stop - size : stop], design[stop - size : stop])
        for size, stop in zip(sizes, stops, strict=True)
    ]


def test_one_sample_is_the_t_test(rng: np.random.Generator) -> None:
    effects = rng.normal(0.3, 1, size=(13, 40))
    maps = contrast_maps(fit(in_blocks(effects, np.ones((13, 1)), [5, 5, 3])), np.ones(1))
    expected = stats.ttest_1samp(effects, 0)
    np.testing.assert_allclose(maps.t, expected.statistic, rtol=1e-12)
    np.testing.assert_allclose(maps.effect, effects.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(maps.variance, effects.var(axis=0, ddof=1) / 13, rtol=1e-12)
    assert maps.dof == 12


@pytest.mark.parametrize("sizes", [[20], [1] * 20, [2, 16, 2], [3, 17]])
def test_blocks_give_what_all_maps_at_once_give(
    sizes: list[int], rng: np.random.Generator
) -> None:
    design = np.column_stack([np.ones(20), rng.normal(size=20), np.arange(20) % 2])
    effects, contrast = rng.normal(size=(20, 30)), np.array([0.0, 1.0, -0.5])
    maps = contrast_maps(fit(in_blocks(effects, design, sizes)), contrast)

    beta, *_ = np.linalg.lstsq(design, effects, rcond=None)
    rss = ((effects - design @ beta) ** 2).sum(axis=0)
    variance = contrast @ np.linalg.inv(design.T @ design) @ contrast * rss / 17
    np.testing.assert_allclose(maps.effect, contrast @ beta, rtol=1e-10)
    np.testing.assert_allclose(maps.variance, variance, rtol=1e-10)
    np.testing.assert_allclose(maps.t, contrast @ beta / np.sqrt(variance), rtol=1e-10)


def test_merging_is_associative(rng: np.random.Generator) -> None:
    design = np.column_stack([np.ones(12), rng.normal(size=12)])
    parts = [rotate(*block) for block in in_blocks(rng.normal(size=(12, 5)), design, [4, 4, 4])]
    left = merge(merge(parts[0], parts[1]), parts[2])
    right = merge(parts[0], merge(parts[1], parts[2]))
    contrast = np.array([0.0, 1.0])
    np.testing.assert_allclose(
        contrast_maps(left, contrast).t, contrast_maps(right, contrast).t, rtol=1e-12
    )


@pytest.mark.parametrize("mean", [0.0, 1e2, 1e4, 1e6])
def test_the_variance_stays_right_when_the_mean_is_large(
    mean: float, rng: np.random.Generator
) -> None:
    effects = (rng.normal(size=(200, 50)) + mean).astype(np.float32)
    maps = contrast_maps(fit(in_blocks(effects, np.ones((200, 1)), [16] * 12 + [8])), np.ones(1))
    exact = effects.astype(np.longdouble)
    residual = exact - exact.mean(axis=0)
    expected = np.asarray((residual**2).sum(axis=0) / 199 / 200, dtype=np.float64)
    # what rounding a mean of that size costs; sums of raw squares would cost its square, 1e-3
    rounding = 1e-14 + 4 * np.finfo(float).eps * mean
    np.testing.assert_allclose(maps.variance, expected, rtol=rounding)


@pytest.mark.parametrize("n_regressors", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 3, 16, 100])
def test_constant_data_prove_nothing_however_they_are_cut(
    size: int, n_regressors: int, rng: np.random.Generator
) -> None:
    for n_maps in range(n_regressors + 1, 41):
        design = np.column_stack([np.ones(n_maps), rng.normal(size=(n_maps, 2))])[:, :n_regressors]
        constants = (rng.normal(size=400) * 10.0 ** rng.integers(-5, 6, size=400)).astype("f4")
        effects = np.tile(constants, (n_maps, 1))
        sizes = [size] * (n_maps // size) + [n_maps % size] * (n_maps % size > 0)
        maps = contrast_maps(fit(in_blocks(effects, design, sizes)), np.eye(n_regressors)[0])
        assert maps.n_without_variance == 400, n_maps
        assert not maps.t.any()


@pytest.mark.parametrize("constant", [0.0, 3.7, -1e5])
def test_data_that_do_not_vary_prove_nothing(constant: float, rng: np.random.Generator) -> None:
    effects = rng.normal(size=(10, 3))
    effects[:, 1] = constant
    maps = contrast_maps(fit(in_blocks(effects, np.ones((10, 1)), [4, 6])), np.ones(1))
    assert maps.t[1] == 0
    assert maps.variance[1] == 0
    assert maps.effect[1] == pytest.approx(constant)
    assert maps.n_without_variance == 1


def test_a_little_variance_is_no_rounding(rng: np.random.Generator) -> None:
    effects = 1.0 + 1e-9 * rng.normal(size=(10, 4))
    maps = contrast_maps(rotate(effects, np.ones((10, 1))), np.ones(1))
    assert maps.n_without_variance == 0
    assert np.all(maps.t > 1e7)


def test_too_few_maps_are_refused() -> None:
    with pytest.raises(ValueError, match="2 maps cannot fit 2 regressors"):
        contrast_maps(rotate(np.ones((2, 3)), np.eye(2)), np.array([1.0, 0.0]))


def test_collinear_regressors_are_refused() -> None:
    with pytest.raises(ValueError, match="the 2 regressors of the design are collinear"):
        contrast_maps(rotate(np.ones((5, 3)), np.ones((5, 2))), np.array([1.0, 0.0]))


@pytest.mark.parametrize("contrast", [[0.0, 0.0], [1.0]])
def test_a_contrast_that_tests_nothing_is_refused(
    contrast: list[float], rng: np.random.Generator
) -> None:
    design = np.column_stack([np.ones(5), rng.normal(size=5)])
    with pytest.raises(ValueError, match="is no test of 2 regressors"):
        contrast_maps(rotate(rng.normal(size=(5, 3)), design), np.array(contrast))


def test_no_maps_are_refused() -> None:
    with pytest.raises(ValueError, match="there are no maps to fit"):
        fit([])


def test_f_is_that_of_statsmodels_and_nilearn(rng: np.random.Generator) -> None:
    design = np.column_stack([np.ones(20), rng.normal(50, 9, size=20), np.arange(20) % 2])
    effects = rng.normal(size=(20, 30)) + 0.03 * design[:, 1:2]
    contrast = np.array([[0.0, 1.0, 0.0], [0.0, 2.0, -1.0]])
    maps = f_maps(fit(in_blocks(effects, design, [3, 17])), contrast)
    expected = [sm.OLS(y, design).fit().f_test(contrast).fvalue for y in effects.T]
    np.testing.assert_allclose(maps.f, expected, rtol=1e-9)
    labels, results = run_glm(effects, design, noise_model="ols")
    peer = compute_contrast(labels, results, contrast, stat_type="F")
    np.testing.assert_allclose(maps.f, peer.stat(), rtol=1e-9)
    _, p = f_z_and_p_values(maps.f, maps.dof, maps.dof_residual)
    np.testing.assert_allclose(p, peer.p_value(), rtol=1e-8)
    assert (maps.dof, maps.dof_residual, maps.n_without_variance) == (2, 17, 0)


def test_f_of_one_row_is_t_squared(rng: np.random.Generator) -> None:
    design = np.column_stack([np.ones(12), rng.normal(size=12)])
    rotated = fit(in_blocks(rng.normal(size=(12, 9)), design, [5, 7]))
    contrast = np.array([0.5, -1.0])
    t = contrast_maps(rotated, contrast).t
    np.testing.assert_allclose(f_maps(rotated, contrast[None]).f, t**2, rtol=1e-12)


def test_f_depends_on_the_space_of_its_rows_only(rng: np.random.Generator) -> None:
    design = np.column_stack([np.ones(12), rng.normal(size=(12, 2))])
    rotated = rotate(rng.normal(size=(12, 9)), design)
    contrast = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, -1.0]])
    mixed = np.array([[3.0, 1.0], [-1.0, 5.0]]) @ contrast
    np.testing.assert_allclose(f_maps(rotated, mixed).f, f_maps(rotated, contrast).f, rtol=1e-10)


def test_f_of_data_that_do_not_vary_is_0(rng: np.random.Generator) -> None:
    effects = rng.normal(size=(10, 3)).astype(np.float32)
    effects[:, 1] = 3.7
    design = np.column_stack([np.ones(10), rng.normal(size=10)])
    maps = f_maps(fit(in_blocks(effects, design, [4, 6])), np.eye(2))
    assert maps.f[1] == 0
    assert maps.n_without_variance == 1
    assert np.all(maps.f[[0, 2]] > 0)


@pytest.mark.parametrize(
    ("contrast", "what"),
    [
        ([[1.0, 0.0], [2.0, 0.0]], r"\[\[1.0, 0.0\], \[2.0, 0.0\]\] has 2 rows but rank 1"),
        ([[1.0, 0.0], [0.0, 0.0]], "has 2 rows but rank 1: a row repeats what others say"),
        ([[0.0, 0.0]], r"the F contrast \[\[0.0, 0.0\]\] is no test of 2 regressors"),
        ([[1.0, 0.0, 0.0]], "is no test of 2 regressors"),
        ([1.0, 0.0], r"the F contrast \[1.0, 0.0\] is no test of 2 regressors"),
    ],
)
def test_f_contrasts_that_test_nothing_or_repeat_themselves_are_refused(
    contrast: list[list[float]], what: str, rng: np.random.Generator
) -> None:
    design = np.column_stack([np.ones(5), rng.normal(size=5)])
    with pytest.raises(ValueError, match=what):
        f_maps(rotate(rng.normal(size=(5, 3)), design), np.array(contrast))


def test_f_needs_degrees_of_freedom_too() -> None:
    with pytest.raises(ValueError, match="2 maps cannot fit 2 regressors"):
        f_maps(rotate(np.ones((2, 3)), np.eye(2)), np.eye(2))
