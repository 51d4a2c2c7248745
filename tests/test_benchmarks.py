"""What the simulation of coverage counts as an error, and that it counts all of them."""

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from benchmarks import coverage
from bids_ari.images import VolumeDomain
from bids_ari.images.nifti import Grid
from bids_ari.stats import grow_forest, min_true_discoveries
from tests.conftest import AFFINE, SHAPE


class Group(NamedTuple):
    """P-values of a small volume, the truth, and sets to bound."""

    p_values: NDArray[np.float64]
    active: NDArray[np.bool_]
    sets: coverage.Sets


@pytest.fixture
def group(rng: np.random.Generator) -> Group:
    """Half of the voxels are active, with p-values below 0.5; the others have larger ones."""
    domain = VolumeDomain(Grid(SHAPE, AFFINE, 4), np.flatnonzero(rng.uniform(size=SHAPE) < 0.7))
    n_features = domain.n_features
    active = rng.uniform(size=n_features) < 0.5
    p_values = np.where(active, rng.uniform(0, 0.4, n_features), rng.uniform(0.5, 1, n_features))
    values = (1 - p_values) * rng.choice([-1.0, 1.0], n_features)
    forest = grow_forest(
        values, np.sign(values).astype(np.int8), domain.adjacency(np.arange(n_features), 26)
    )
    return Group(
        p_values,
        active,
        coverage.Sets(
            forest,
            coverage.choose_sets(p_values, active, rng),
            coverage.parcellate(domain, rng),
            coverage.choose_balls(domain, rng),
        ),
    )


def judge(group: Group, critical_vector: NDArray[np.float64]) -> coverage.Outcome:
    return coverage.judge(group.p_values, group.active, group.sets, critical_vector)


def test_true_bounds_are_no_errors(group: Group) -> None:
    outcome = judge(group, np.full(group.p_values.size, 0.45))  # all active ones, nothing else
    n_active = np.count_nonzero(group.active)
    assert outcome.found == outcome.active == n_active
    assert not any(outcome.wrong.values())
    assert outcome.agrees


def test_bounds_that_are_too_high_are_errors_of_every_kind(group: Group) -> None:
    outcome = judge(group, np.full(group.p_values.size, 1.0))
    assert all(outcome.wrong.values())
    assert outcome.agrees


@pytest.mark.parametrize(
    ("alone", "wrong"),
    [
        ("nowhere", {"joint"}),
        ("node", {"nodes", "any", "joint"}),
        ("set", {"sets", "any", "joint"}),
        ("parcel", {"regions", "any", "joint"}),
        ("ball", {"regions", "any", "joint"}),
    ],
)
def test_one_bound_that_is_too_high_by_one_is_an_error_of_its_kind(
    alone: str, wrong: set[str]
) -> None:
    # the first voxel is inactive and all its sets have the bound 1, which is true with the second
    p_values = np.array([0.01, 0.9, 0.9])
    active = np.array([False, True, True])

    def members(kind: str) -> NDArray[np.bool_]:
        return np.array([True, alone != kind, False])

    values = np.array([3.0, 2.0, 1.0]) if alone == "node" else np.array([2.0, 3.0, 1.0])
    row = np.eye(3, k=1)
    sets = coverage.Sets(
        grow_forest(values, np.ones(3, np.int8), sparse.csr_array(row + row.T)),
        sparse.csr_array(members("set")[None]),
        np.where(members("parcel"), 1, 2),
        sparse.csr_array(members("ball")[None]),
    )
    outcome = coverage.judge(p_values, active, sets, np.full(3, 0.05))
    assert {kind for kind in coverage.KINDS if outcome.wrong[kind]} == wrong


@pytest.mark.parametrize(
    ("slope", "kinds"), [(0.5, set()), (2.0, {"sets"}), (5.0, {"nodes", "sets", "regions"})]
)
def test_errors_are_those_found_set_by_set(
    group: Group, rng: np.random.Generator, slope: float, kinds: set[str]
) -> None:
    active, n_features = group.active, group.active.size
    p_values = rng.uniform(size=n_features) ** np.where(active, 3, 1)
    critical_vector = slope * np.arange(1, n_features + 1) / n_features  # from too low to too high
    sets = group.sets._replace(chosen=coverage.choose_sets(p_values, active, rng))
    parcels = sets.parcels == np.unique(sets.parcels)[:, None]
    members: dict[str, list[NDArray[np.integer]]] = {
        "nodes": [sets.forest.members(node) for node in range(n_features)],
        "sets": np.split(sets.chosen.indices, sets.chosen.indptr[1:-1]),
        "regions": [np.flatnonzero(row) for row in (*parcels, *sets.balls.toarray())],
    }
    expected = {
        kind: any(
            min_true_discoveries(p_values[some], critical_vector) > np.count_nonzero(active[some])
            for some in of_kind
        )
        for kind, of_kind in members.items()
    }
    outcome = coverage.judge(p_values, active, sets, critical_vector)
    assert {kind for kind, found in expected.items() if found} == kinds
    assert {kind: outcome.wrong[kind] for kind in expected} == expected
    assert outcome.agrees


def test_the_truth_is_where_the_expected_maps_are_not_zero() -> None:
    domain = coverage.ellipsoid()
    for effects, (n_balls, alternative) in coverage.EFFECTS.items():
        rng = np.random.default_rng(3)
        cell = coverage.Cell(2.0, 10, effects)
        maps, active = coverage.simulate(domain, cell, rng)
        silent = coverage.Cell(2.0, 10, "none, two-sided")
        noise, nothing = coverage.simulate(domain, silent, np.random.default_rng(3))
        effect = (maps - noise).mean(axis=0)
        found = np.abs(effect) > 1e-3 if alternative == "two-sided" else effect > 1e-3
        np.testing.assert_array_equal(active, found)
        assert (effect > 1e-3).any() == (effect < -1e-3).any() == (n_balls > 0)
        assert not nothing.any()
        assert noise.std() == pytest.approx(1, abs=0.05)


def test_a_group_depends_on_its_seed_only() -> None:
    domain, cell = coverage.ellipsoid(), coverage.CELLS[-1]
    first, again, other = (
        coverage.run_group(domain, cell, np.random.default_rng([0, seed])) for seed in (1, 1, 2)
    )
    assert first == again
    assert first["ari"].found != other["ari"].found


@pytest.mark.parametrize(
    ("n_wrong", "agrees", "kept"),
    [(5, True, True), (10, True, True), (11, True, False), (0, False, False)],
)
def test_the_promise_is_broken_where_the_interval_lies_above_alpha(
    n_wrong: int, agrees: bool, kept: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    results = [
        (
            coverage.CELLS[0],
            coverage.Outcome(dict.fromkeys(coverage.KINDS, number < n_wrong), 0, 0, agrees),
        )
        for number in range(100)
    ]
    assert coverage.report("ari", results) == kept
    assert f"joint   {n_wrong} of 100 groups" in capsys.readouterr().out


def test_intervals_are_those_of_clopper_and_pearson() -> None:
    low, high = coverage.interval(0, 20)
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 20))  # nothing found: solve (1 - p)^20 = 0.025
