import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from bids_ari.stats import (
    ALTERNATIVES,
    METHODS,
    Evidence,
    bound_forest,
    find_peaks,
    grow_forest,
    label_clusters,
    supra_threshold,
)
from tests.stats import oracles
from tests.stats.cases import Case, largest, lattice, sets_of, some_case

seeds = st.integers(0, 100_000)


@given(seed=seeds)
def test_a_forest_has_every_cluster_and_its_bound(seed: int) -> None:
    case = some_case(seed)
    bounded = case.bounded()
    found = sets_of(bounded, np.flatnonzero(bounded.forest.is_cluster))
    assert found == case.expected()
    assert len(found) == bounded.forest.is_cluster.sum()
    heights = oracles.supra_threshold_clusters(case.values, case.beyond, case.neighbours)
    for node in np.flatnonzero(bounded.forest.is_cluster).tolist():
        members = bounded.forest.members(node)
        assert bounded.forest.height[node] == heights[frozenset(members.tolist())]
        assert set(case.beyond[members]) == {bounded.forest.sign[node]}


@given(seed=seeds)
def test_every_node_is_a_slice_with_its_largest_child_first(seed: int) -> None:
    forest = some_case(seed).bounded().forest
    nodes = np.arange(forest.size.size)
    first = nodes - forest.size + 1
    for node in nodes:
        children = nodes[forest.parent == node]
        assert forest.size[node] == 1 + forest.size[children].sum()
        if children.size:
            assert np.all((first[node] <= first[children]) & (children < node))
            head = children[first[children] == first[node]]
            assert forest.size[head] == forest.size[children].max()


@given(seed=seeds, tdp=st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 0.7, 0.9, 1.0]))
def test_the_largest_clusters_with_a_tdp_are_all_found(seed: int, tdp: float) -> None:
    case = some_case(seed)
    bounded, expected = case.bounded(), case.expected()
    reach = {cluster for cluster, bound in expected.items() if bound / len(cluster) >= tdp}
    assert set(sets_of(bounded, bounded.with_tdp(tdp))) == largest(reach)
    for node in np.flatnonzero(bounded.forest.is_cluster).tolist():
        whole = frozenset(bounded.forest.members(node).tolist())
        inside = {cluster for cluster in reach if cluster <= whole}
        assert set(sets_of(bounded, bounded.with_tdp(tdp, within=node))) == largest(inside)


@given(seed=seeds)
def test_the_tdp_map_is_the_largest_tdp_of_any_cluster_that_holds_a_feature(seed: int) -> None:
    case = some_case(seed)
    expected = np.zeros(case.values.size)
    for cluster, bound in case.expected().items():
        members = list(cluster)
        expected[members] = np.maximum(expected[members], bound / len(cluster))
    bounded = case.bounded()
    np.testing.assert_array_equal(bounded.tdp_map(), expected)
    for tdp in (0.3, 0.5, 1.0):
        labels = bounded.forest.clusters(bounded.with_tdp(tdp)).labels
        np.testing.assert_array_equal(labels > 0, expected >= tdp)


@given(seed=seeds)
def test_a_cluster_splits_where_two_parts_with_discoveries_come_apart(seed: int) -> None:
    case = some_case(seed)
    heights = oracles.supra_threshold_clusters(case.values, case.beyond, case.neighbours)
    bounds, bounded = case.expected(), case.bounded()
    for node in np.flatnonzero(bounded.forest.is_cluster).tolist():
        whole = frozenset(bounded.forest.members(node).tolist())
        active = {cluster for cluster in bounds if cluster < whole and bounds[cluster] > 0}
        expected: set[frozenset[int]] = set()
        for threshold in sorted({heights[cluster] for cluster in active}):
            parts = largest({cluster for cluster in active if heights[cluster] >= threshold})
            if len(parts) > 1:
                expected = parts
                break
        assert set(sets_of(bounded, bounded.split(node))) == expected


@given(seed=seeds)
def test_a_cluster_merges_where_it_meets_another_with_discoveries(seed: int) -> None:
    case = some_case(seed)
    heights = oracles.supra_threshold_clusters(case.values, case.beyond, case.neighbours)
    bounds, bounded = case.expected(), case.bounded()
    for node in np.flatnonzero(bounded.forest.is_cluster).tolist():
        own = frozenset(bounded.forest.members(node).tolist())
        expected = None
        for whole in sorted((one for one in bounds if own < one), key=len):
            parts = {one for one in bounds if one < whole and heights[one] > heights[whole]}
            if any(bounds[part] > 0 and not part & own for part in largest(parts)):
                expected = whole
                break
        found = bounded.merge(int(node))
        assert (found is None) == (expected is None)
        if found is not None:
            assert frozenset(bounded.forest.members(found).tolist()) == expected


@given(seed=seeds, threshold=st.sampled_from([0.0, 0.5, 1.0, 2.3, np.inf]))
def test_clusters_at_a_height_are_those_of_the_map(seed: int, threshold: float) -> None:
    case = some_case(seed)
    forest = case.bounded().forest
    beyond = supra_threshold(case.values, threshold, ALTERNATIVES[seed % 3])
    inside = np.flatnonzero(beyond)
    adjacency = sparse.csr_array(case.neighbours[np.ix_(inside, inside)])
    expected = label_clusters(case.values, beyond, adjacency)
    for ours, theirs in zip(
        forest.clusters(forest.above_height(threshold)), expected, strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


@given(seed=seeds)
def test_the_path_of_a_feature_has_all_clusters_that_hold_it(seed: int) -> None:
    case = some_case(seed)
    bounded = case.bounded()
    for feature in range(case.values.size):
        path = bounded.forest.path(feature)
        assert np.all(np.diff(bounded.forest.size[path]) > 0)
        expected = {cluster for cluster in case.expected() if feature in cluster}
        assert set(sets_of(bounded, path)) == expected


@given(seed=seeds)
def test_the_order_of_the_features_does_not_matter(seed: int) -> None:
    case = some_case(seed)
    order = np.random.default_rng(seed).permutation(case.values.size)
    shuffled = Case(
        case.values[order],
        case.beyond[order],
        case.neighbours[np.ix_(order, order)],
        case.p_values[order],
        case.critical_vector,
    )
    ours, theirs = case.bounded(), shuffled.bounded()
    clusters = sets_of(theirs, np.flatnonzero(theirs.forest.is_cluster))
    back = {frozenset(order[list(cluster)].tolist()): n for cluster, n in clusters.items()}
    assert back == sets_of(ours, np.flatnonzero(ours.forest.is_cluster))
    np.testing.assert_array_equal(theirs.tdp_map(), ours.tdp_map()[order])


@given(seed=seeds)
def test_a_map_and_its_negative_have_the_same_clusters(seed: int) -> None:
    case = some_case(seed)
    turned = case._replace(values=-case.values, beyond=-case.beyond)
    ours, theirs = case.bounded(), turned.bounded()
    for name in ("feature", "parent", "size", "height"):
        np.testing.assert_array_equal(getattr(ours.forest, name), getattr(theirs.forest, name))
    np.testing.assert_array_equal(ours.forest.sign, -theirs.forest.sign)
    np.testing.assert_array_equal(ours.n_discoveries, theirs.n_discoveries)


@given(seed=seeds)
def test_parts_never_have_more_discoveries_than_the_whole(seed: int) -> None:
    bounded = some_case(seed).bounded()
    forest = bounded.forest
    inner = forest.parent >= 0
    of_children = np.bincount(
        forest.parent[inner], weights=bounded.n_discoveries[inner], minlength=forest.size.size
    )
    assert np.all(of_children <= bounded.n_discoveries)
    assert np.all((bounded.tdp >= 0) & (bounded.tdp <= 1))


@pytest.mark.parametrize("p_value", [0.0, 0.001])
@pytest.mark.parametrize("value", [4.0, np.inf])
def test_everything_is_active_when_every_p_value_is_small(p_value: float, value: float) -> None:
    values = np.full(6, value)
    p_values = np.full(6, p_value)
    case = Case(
        values,
        np.ones(6, np.int8),
        lattice((1, 2, 3), 6),
        p_values,
        METHODS["ari"](Evidence(p_values), 0.05),
    )
    bounded = case.bounded()
    assert bounded.tdp_map().tolist() == [1.0] * 6
    assert bounded.forest.is_cluster.sum() == 1  # one value, one cluster
    assert bounded.with_tdp(1.0).size == 1


def test_nothing_found_is_a_result() -> None:
    values = np.array([-1.0, -2.0, 0.0])
    beyond = supra_threshold(values, 0.0, "greater")
    forest = grow_forest(values, beyond, sparse.csr_array((0, 0), dtype=bool))
    bounded = bound_forest(forest, np.array([0.8, 0.9, 0.5]), np.array([0.01, 0.02, 0.03]))
    assert bounded.tdp_map().tolist() == [0.0, 0.0, 0.0]
    assert bounded.with_tdp(0.5).size == forest.above_height(1.0).size == forest.path(0).size == 0
    assert forest.clusters(bounded.with_tdp(0.5)).labels.tolist() == [0, 0, 0]


def test_seven_of_ten_have_a_tdp_of_seven_tenths() -> None:
    # in single precision 7/10 is less than 0.7
    values = np.append(np.full(7, 5.0), np.full(3, 1.0))
    p_values = np.append(np.full(7, 1e-9), np.full(3, 0.5))
    case = Case(
        values, np.ones(10, np.int8), lattice((1, 1, 10), 6), p_values, np.array([1e-6, 2e-6])
    )
    bounded = case.bounded()
    nodes = bounded.with_tdp(0.7)
    assert sets_of(bounded, nodes) == {frozenset(range(10)): 7}


def test_values_of_clusters_are_painted_on_their_features() -> None:
    values = np.array([3.0, 1.0, 2.0, 0.0])
    case = Case(
        values, np.sign(values).astype(np.int8), lattice((1, 1, 4), 6), np.ones(4), np.ones(1)
    )
    forest = case.bounded().forest
    painted = np.full(4, -1.0)
    forest.paint(painted, forest.above_height(0.5), np.array([0.25]))
    assert painted.tolist() == [0.25, 0.25, 0.25, -1.0]
    forest.paint(painted, forest.above_height(1.5), np.array([0.5, 0.75]))  # peak of 3, then of 2
    assert painted.tolist() == [0.5, 0.25, 0.75, -1.0]


def test_clusters_of_the_forest_have_peaks() -> None:
    case = some_case(30)
    forest = case.bounded().forest
    labels = forest.clusters(forest.above_height(0.5)).labels
    inside = np.flatnonzero(labels)
    adjacency = sparse.csr_array(case.neighbours[np.ix_(inside, inside)])
    peaks = find_peaks(case.values, labels, adjacency, np.zeros((inside.size, 3)), n_peaks=1)
    assert [peak.cluster for peak in peaks] == list(range(1, labels.max() + 1))


def test_what_does_not_fit_is_refused() -> None:
    values, beyond = np.array([1.0, 2.0]), np.ones(2, np.int8)
    with pytest.raises(ValueError, match=r"adjacency is of shape \(3, 3\), but 2 features"):
        grow_forest(values, beyond, sparse.csr_array((3, 3), dtype=bool))
    with pytest.raises(ValueError, match=r"1 values are missing \(NaN\)"):
        grow_forest(np.array([1.0, np.nan]), beyond, sparse.csr_array((2, 2), dtype=bool))


def test_a_p_value_equal_to_the_last_threshold_counts() -> None:
    case = Case(
        np.array([3.0, 2.0]),
        np.ones(2, np.int8),
        lattice((1, 1, 2), 6),
        np.array([0.02, 0.02]),
        np.array([0.01, 0.02]),
    )
    assert case.bounded().n_discoveries.tolist() == [0, 1]


def test_equal_values_keep_the_order_of_their_features(rng: np.random.Generator) -> None:
    values = rng.integers(1, 4, size=1_000).astype(float)
    alone = sparse.csr_array((1_000, 1_000), dtype=bool)
    forest = grow_forest(values, np.ones(1_000, np.int8), alone)
    from_the_lowest = np.lexsort((-np.arange(1_000), values))
    np.testing.assert_array_equal(forest.feature, from_the_lowest)
