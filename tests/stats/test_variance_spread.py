from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from bids_ari.stats import mixed_effects, variance_spread

Array = NDArray[np.float32]


def in_blocks(effects: Array, variances: Array, size: int) -> Iterator[tuple[Array, Array]]:
    for start in range(0, len(effects), size):
        yield effects[start : start + size], variances[start : start + size]


@pytest.mark.parametrize("size", [1, 5, 13])
@pytest.mark.parametrize("scale", [1.0, 1e-20])
def test_it_is_the_median_of_standard_deviations_of_logarithms(
    size: int, scale: float, rng: np.random.Generator
) -> None:
    # more features than are handled at a time, each with a spread of its own
    sds = rng.uniform(0.2, 2, size=17_000)
    variances = (scale * np.exp(rng.normal(size=(13, sds.size)) * sds)).astype(np.float32)
    effects = rng.normal(size=variances.shape).astype(np.float32)
    expected = np.median(np.log(variances.astype(np.float64)).std(axis=0, ddof=1))
    found = variance_spread(in_blocks(effects, variances, size))
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.filterwarnings("error")
def test_maps_count_where_they_enter_the_model(rng: np.random.Generator) -> None:
    variances = np.exp(rng.normal(size=(12, 60))).astype(np.float32)
    effects = rng.normal(size=variances.shape).astype(np.float32)
    out = rng.uniform(size=variances.shape) < 0.4
    variances[out] = rng.choice([0.0, -1.0, np.nan, np.inf], size=int(out.sum()))
    effects[0, :20] = np.nan
    out[0, :20] = True
    out[1:, 7], effects[1:, 7] = True, np.nan  # one map or none: no spread there
    logs = np.log(np.where(out, 1, variances).astype(np.float64))
    of_features = [
        logs[~out[:, feature], feature].std(ddof=1)
        for feature in range(60)
        if np.count_nonzero(~out[:, feature]) > 1
    ]
    estimates = mixed_effects(lambda: in_blocks(effects, variances, 5), np.ones((12, 1)))
    assert estimates.n_maps.tolist() == np.count_nonzero(~out, axis=0).tolist()
    assert len(of_features) < 60
    found = variance_spread(in_blocks(effects, variances, 5))
    assert found == pytest.approx(np.median(of_features), rel=1e-12)


def test_a_single_map_has_no_spread() -> None:
    assert np.isnan(variance_spread([(np.ones((1, 9)), np.ones((1, 9)))]))


def test_no_maps_are_refused() -> None:
    with pytest.raises(ValueError, match="there are no maps to compare"):
        variance_spread([])
