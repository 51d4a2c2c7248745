import numpy as np
import pytest
from scipy import ndimage

from bids_ari.images import Grid, VolumeDomain
from bids_ari.stats import Clusters, find_peaks, label_clusters, supra_threshold

SHAPE = (7, 8, 9)
DOMAIN = VolumeDomain(Grid(SHAPE, np.diag([2.0, 3.0, 4.0, 1.0]), 4), np.arange(7 * 8 * 9))


def clusters_of(
    volume: np.ndarray, threshold: float, alternative: str, connectivity: int
) -> Clusters:
    beyond = supra_threshold(volume.ravel(), threshold, alternative)  # type: ignore[arg-type]
    adjacency = DOMAIN.adjacency(np.flatnonzero(beyond), connectivity)
    return label_clusters(volume.ravel(), beyond, adjacency)


@pytest.mark.parametrize(("connectivity", "rank"), [(6, 1), (18, 2), (26, 3)])
def test_clusters_are_those_of_scipy(
    connectivity: int, rank: int, rng: np.random.Generator
) -> None:
    volume = rng.normal(size=SHAPE)
    found = clusters_of(volume, 0.8, "greater", connectivity)
    expected, n_expected = ndimage.label(volume > 0.8, ndimage.generate_binary_structure(3, rank))
    assert found.size.size == n_expected > 3
    pairs = set(zip(found.labels.tolist(), expected.ravel().tolist(), strict=True))
    assert len(pairs) == n_expected + 1  # one to one, background included


def test_labels_go_by_size(rng: np.random.Generator) -> None:
    found = clusters_of(rng.normal(size=SHAPE), 0.8, "two-sided", 6)
    assert np.bincount(found.labels)[1:].tolist() == found.size.tolist()
    assert found.size.tolist() == sorted(found.size, reverse=True)


def test_equal_sizes_go_by_the_height_of_the_peak() -> None:
    volume = np.zeros(SHAPE)
    volume[0, 0, 0], volume[3, 3, 3], volume[6, 7, 8] = 4, -6, 5
    found = clusters_of(volume, 3, "two-sided", 26)
    assert [found.labels.reshape(SHAPE)[i] for i in ((3, 3, 3), (6, 7, 8), (0, 0, 0))] == [1, 2, 3]
    assert found.sign.tolist() == [-1, 1, 1]


def test_equal_clusters_go_by_their_place() -> None:
    volume = np.zeros(SHAPE)
    volume[5, 1, 1], volume[2, 3, 4] = 4, 4
    labels = clusters_of(volume, 3, "two-sided", 26).labels.reshape(SHAPE)
    assert (labels[2, 3, 4], labels[5, 1, 1]) == (1, 2)


def test_a_plateau_has_one_peak_where_it_begins() -> None:
    volume = np.zeros(SHAPE)
    volume[3, 3, 3:6] = 5
    beyond = supra_threshold(volume.ravel(), 3, "greater")
    inside = np.flatnonzero(beyond)
    adjacency = DOMAIN.adjacency(inside, 6)
    labels = label_clusters(volume.ravel(), beyond, adjacency).labels
    (peak,) = find_peaks(
        volume.ravel(), labels, adjacency, DOMAIN.coordinates(inside), distance=20
    )
    assert peak.feature == np.ravel_multi_index((3, 3, 3), SHAPE)


def test_signs_never_share_a_cluster() -> None:
    volume = np.zeros(SHAPE)
    volume[2, 2, 2:4], volume[2, 2, 4:7] = 5, -5
    both = clusters_of(volume, 3, "two-sided", 26)
    assert both.size.tolist() == [3, 2]
    assert both.sign.tolist() == [-1, 1]
    assert clusters_of(volume, 3, "greater", 26).size.tolist() == [2]
    assert clusters_of(volume, 3, "less", 26).size.tolist() == [3]


def test_a_value_equal_to_the_threshold_is_outside() -> None:
    volume = np.zeros(SHAPE)
    volume[1, 1, 1], volume[1, 1, 2] = 3.0, 3.5
    for sign in (1, -1):
        assert clusters_of(sign * volume, 3.0, "two-sided", 6).size.tolist() == [1]


def test_nothing_beyond_the_threshold_gives_no_cluster() -> None:
    found = clusters_of(np.zeros(SHAPE), 3, "two-sided", 18)
    assert found.size.size == 0
    assert not found.labels.any()


def test_the_edge_of_the_volume_is_no_bridge() -> None:
    volume = np.zeros(SHAPE)
    volume[3, 3, 8], volume[3, 4, 0] = 5, 5  # next to each other in memory only
    assert clusters_of(volume, 3, "greater", 26).size.tolist() == [1, 1]


def test_peaks_are_local_maxima_apart_from_each_other() -> None:
    volume = np.zeros(SHAPE)
    volume[1:6, 4, 4] = [-9, -5, -6, -5, -8]  # 2 mm apart: the middle one is too near to both
    volume[0, 0, 0] = 4
    beyond = supra_threshold(volume.ravel(), 3, "two-sided")
    inside = np.flatnonzero(beyond)
    adjacency = DOMAIN.adjacency(inside, 6)
    labels = label_clusters(volume.ravel(), beyond, adjacency).labels
    peaks = find_peaks(volume.ravel(), labels, adjacency, DOMAIN.coordinates(inside))
    where = [
        (p.cluster, p.peak, tuple(int(i) for i in np.unravel_index(p.feature, SHAPE)))
        for p in peaks
    ]
    assert where == [(1, 1, (1, 4, 4)), (1, 2, (5, 4, 4)), (2, 1, (0, 0, 0))]
    near = find_peaks(
        volume.ravel(), labels, adjacency, DOMAIN.coordinates(inside), distance=4, n_peaks=9
    )
    assert [p.peak for p in near] == [1, 2, 3, 1]
