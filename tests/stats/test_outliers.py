from collections.abc import Callable, Iterable

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import stats

from bids_ari.stats import outlier_measures

Array = NDArray[np.floating]


def reader(
    effects: Array, design: Array, size: int = 4
) -> Callable[[], Iterable[tuple[Array, Array]]]:
    starts = range(0, len(effects), size)
    return lambda: ((effects[i : i + size], design[i : i + size]) for i in starts)


def test_mean_and_spread_are_those_of_each_map(rng: np.random.Generator) -> None:
    effects = rng.normal(3, 2, size=(9, 50))
    found = outlier_measures(reader(effects, np.ones((9, 1))))
    np.testing.assert_allclose(found.mean, effects.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found.spread, effects.std(axis=1), rtol=1e-12)


def test_correlation_is_with_the_mean_of_the_others(rng: np.random.Generator) -> None:
    effects = rng.normal(size=60) + rng.normal(size=(9, 60))
    found = outlier_measures(reader(effects, np.ones((9, 1)))).correlation
    for row in range(9):
        others = np.delete(effects, row, axis=0).mean(axis=0)
        assert found[row] == pytest.approx(stats.pearsonr(effects[row], others).statistic)


def test_shares_count_the_deleted_residuals_of_statsmodels(rng: np.random.Generator) -> None:
    design = np.column_stack([np.ones(11), rng.normal(50, 9, size=11)])
    effects = rng.standard_t(2, size=(11, 80))
    found = outlier_measures(reader(effects, design)).share_far
    far = stats.t.isf(stats.norm.sf(3), 8)
    deleted = np.array(
        [sm.OLS(y, design).fit().get_influence().resid_studentized_external for y in effects.T]
    )
    expected = np.mean(np.abs(deleted) > far, axis=0)
    assert len(np.unique(expected)) > 3
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("n_maps", [5, 20, 60])
def test_by_chance_the_share_is_that_of_three_standard_deviations(
    n_maps: int, rng: np.random.Generator
) -> None:
    effects = rng.normal(size=(n_maps, 40_000))
    share = outlier_measures(reader(effects, np.ones((n_maps, 1)))).share_far
    assert share.mean() == pytest.approx(2 * stats.norm.sf(3), rel=0.1)


def test_an_outlier_does_not_hide_itself_in_a_small_group(rng: np.random.Generator) -> None:
    signal = rng.normal(size=300)
    effects = signal + 0.5 * rng.normal(size=(6, 300))
    effects[2] = 40 - 3 * signal
    found = outlier_measures(reader(effects, np.ones((6, 1))))
    assert found.share_far[2] == 1
    assert found.share_far[[0, 1, 3, 4, 5]].max() < 0.01
    assert np.argmin(found.correlation) == 2
    assert found.correlation[2] < 0


def test_order_and_size_of_blocks_do_not_matter(rng: np.random.Generator) -> None:
    design = np.column_stack([np.ones(11), rng.normal(size=11)])
    effects = rng.standard_t(2, size=(11, 90)).astype(np.float32)
    expected = outlier_measures(reader(effects, design, 11))
    order = rng.permutation(11)
    for size in (1, 3, 5):
        found = outlier_measures(reader(effects[order], design[order], size))
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other[order], rtol=1e-6)


def test_features_that_do_not_vary_are_left_out(rng: np.random.Generator) -> None:
    effects = rng.normal(size=(8, 20))
    effects[3, :10] = 30
    expected = outlier_measures(reader(effects, np.ones((8, 1)))).share_far
    padded = np.concatenate([effects, np.full((8, 20), 3.7)], axis=1)
    found = outlier_measures(reader(padded, np.ones((8, 1)))).share_far
    np.testing.assert_allclose(found, expected)
    assert found[3] >= 0.5


def test_a_map_that_deviates_from_constants_is_far_everywhere() -> None:
    effects = np.full((7, 9), 3.7)
    effects[5] = np.linspace(4, 5, 9)
    share = outlier_measures(reader(effects, np.ones((7, 1)))).share_far
    assert share.tolist() == [0, 0, 0, 0, 0, 1, 0]


def test_what_cannot_be_told_is_nan(rng: np.random.Generator) -> None:
    effects = rng.normal(size=(7, 30))
    effects[1] = 3.7
    alone = np.column_stack([np.ones(7), np.arange(7) == 4])
    found = outlier_measures(reader(effects, alone))
    assert np.flatnonzero(np.isnan(found.correlation)).tolist() == [1]
    assert np.flatnonzero(np.isnan(found.share_far)).tolist() == [4]
    two = outlier_measures(reader(effects[2:4], np.ones((2, 1))))
    assert np.isnan(two.share_far).all()
    assert np.isfinite(two.correlation).all()
    constant = outlier_measures(reader(np.ones((5, 30)), np.ones((5, 1))))
    assert np.isnan(constant.share_far).all()
    assert np.isnan(constant.correlation).all()


def test_a_model_that_cannot_be_fitted_is_refused(rng: np.random.Generator) -> None:
    effects = rng.normal(size=(3, 7))
    with pytest.raises(ValueError, match="3 maps cannot fit 3 regressors"):
        outlier_measures(reader(effects, np.eye(3)))
    with pytest.raises(ValueError, match="the 2 regressors of the design are collinear"):
        outlier_measures(reader(effects, np.ones((3, 2))))
    with pytest.raises(ValueError, match="there are no maps to compare"):
        outlier_measures(list)
