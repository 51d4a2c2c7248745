from pathlib import Path

import numpy as np
import pytest

from bids_ari.images import CONNECTIVITIES, Grid, VolumeDomain, load_domain, read_map
from tests.conftest import SHAPE

OBLIQUE = np.array([[-2.0, 0, 0.5, 10], [0, 3, 0, -20], [0.5, 0, 4, 5], [0, 0, 0, 1]])


@pytest.fixture
def domain(rng: np.random.Generator) -> VolumeDomain:
    return VolumeDomain(Grid(SHAPE, OBLIQUE, 4), np.flatnonzero(rng.uniform(size=SHAPE) < 0.4))


@pytest.mark.parametrize("connectivity", CONNECTIVITIES)
def test_neighbours_are_those_that_touch(connectivity: int, domain: VolumeDomain) -> None:
    some = np.arange(domain.n_features)[::2]
    found = domain.adjacency(some, connectivity).toarray()
    voxels = np.array(np.unravel_index(domain.features[some], SHAPE)).T
    step = np.abs(voxels[:, None] - voxels[None])
    n_axes = (step > 0).sum(axis=2)
    allowed = {6: 1, 18: 2, 26: 3}[connectivity]
    expected = (step.max(axis=2) == 1) & (n_axes <= allowed)
    np.testing.assert_array_equal(found, expected)


def test_other_connectivities_are_refused(domain: VolumeDomain) -> None:
    with pytest.raises(ValueError, match="connectivity is 8, expected one of 6, 18, 26"):
        domain.adjacency(np.arange(3), 8)


def test_places_and_sizes_follow_the_affine(domain: VolumeDomain) -> None:
    voxel = np.array(np.unravel_index(domain.features[[5]], SHAPE)).ravel()
    expected = OBLIQUE[:3, :3] @ voxel + OBLIQUE[:3, 3]
    np.testing.assert_allclose(domain.coordinates(np.array([5]))[0], expected)
    assert domain.feature_size == pytest.approx(abs(np.linalg.det(OBLIQUE)))


def test_values_come_back_from_disk(
    domain: VolumeDomain, tmp_path: Path, rng: np.random.Generator
) -> None:
    values = rng.uniform(size=domain.n_features) * 1e-300  # single precision would lose them
    path = domain.write(values, tmp_path / "p")
    np.testing.assert_array_equal(domain.values(path), values)
    volume, _ = read_map(path)
    assert np.count_nonzero(volume) == domain.n_features


def test_a_domain_is_read_from_its_mask(domain: VolumeDomain, tmp_path: Path) -> None:
    path = domain.write(np.ones(domain.n_features, np.uint8), tmp_path / "mask")
    np.testing.assert_array_equal(load_domain(path).features, domain.features)
