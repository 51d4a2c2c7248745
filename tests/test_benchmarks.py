"""What the simulations count as an error, that they count all of them, and what they tabulate."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, sparse, stats

from benchmarks import coverage, permutation_power, permutation_validity
from bids_ari.images import VolumeDomain
from bids_ari.images.nifti import Grid
from bids_ari.stats import (
    METHODS,
    Evidence,
    Learned,
    NullPivots,
    Simes,
    draw_transformations,
    grow_forest,
    min_true_discoveries,
    nuisance_residuals,
    resample,
)
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


@pytest.mark.parametrize("design", permutation_validity.DESIGNS)
def test_the_simulation_calibrates_on_the_pivots_that_the_package_finds(design: str) -> None:
    cell = permutation_validity.Cell(design, "skewed", 10, signal=True)
    maps, exchange, _ = permutation_validity.simulate(cell, np.random.default_rng(4))
    drawn = draw_transformations(exchange, permutation_validity.N_TRANSFORMATIONS, seed=5)
    found = permutation_validity.Statistics(maps, exchange, drawn)
    templates = {
        one.name: one for _, some in permutation_validity.METHOD_OF.values() for one in some
    }.values()
    sample = resample(nuisance_residuals(maps, exchange), exchange, drawn, [*templates])
    np.testing.assert_allclose(found.smallest(1000), sample.smallest, rtol=1e-4)
    for template in templates:
        expected = np.sort(sample.pivots[template.name])[: permutation_validity.N_NEEDED + 1]
        pivots = np.sort(found.pivots(template))
        np.testing.assert_allclose(pivots[: expected.size], expected, rtol=1e-4)


def test_pivots_of_some_voxels_are_those_of_their_maps() -> None:
    cell = permutation_validity.Cell("one sample", "Gaussian", 10, signal=True)
    maps, exchange, _ = permutation_validity.simulate(cell, np.random.default_rng(4))
    drawn = draw_transformations(exchange, permutation_validity.N_TRANSFORMATIONS, seed=5)
    some = np.arange(maps.shape[1]) % 3 > 0
    found = permutation_validity.Statistics(maps, exchange, drawn).pivots(Simes(), some)
    sample = resample(
        nuisance_residuals(maps, exchange), exchange, drawn, [Simes()], features=some
    )
    expected = np.sort(sample.pivots["simes"])[: permutation_validity.N_NEEDED + 1]
    np.testing.assert_allclose(np.sort(found)[: expected.size], expected, rtol=1e-4)


@pytest.mark.parametrize("design", permutation_validity.DESIGNS)
def test_effects_are_in_active_voxels_and_in_what_is_tested(
    design: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = permutation_validity.Cell(design, "Gaussian", 10, signal=True)
    monkeypatch.setattr(
        permutation_validity, "draw_errors", lambda *_: np.zeros((10, 8 * 11 * 12))
    )
    maps, exchange, active = permutation_validity.simulate(cell, np.random.default_rng(2))
    np.testing.assert_array_equal(np.abs(maps).max(axis=0) > 0, active)
    assert 0 < active.sum() < active.size / 3
    effect = exchange.tested[:, 0] @ maps[:, active] / np.sqrt(10)
    low, high = permutation_validity.EFFECT
    assert np.all((np.abs(effect) >= low - 1e-9) & (np.abs(effect) <= high + 1e-9))
    np.testing.assert_allclose(exchange.nuisance.T @ maps, 0, atol=1e-9)


@pytest.mark.parametrize(
    ("errors", "skewness", "beyond"),
    [("Gaussian", 0.0, 0.3173), ("heavy-tailed", 0.0, 0.1817), ("skewed", 2.0, 0.1353)],
)
def test_errors_are_smooth_and_have_the_distribution_of_their_kind(
    errors: str, skewness: float, beyond: float
) -> None:
    cell = permutation_validity.Cell("one sample", errors, 400, signal=False)
    maps = permutation_validity.draw_errors(cell, np.random.default_rng(1))
    assert maps.mean() == pytest.approx(0, abs=0.05)
    assert np.mean(np.abs(maps) > 1) == pytest.approx(beyond, abs=0.02)
    if errors != "heavy-tailed":  # which has no third moment
        assert stats.skew(maps, axis=None) == pytest.approx(skewness, abs=0.4)
    volume = maps.reshape(400, *permutation_validity.SHAPE)
    for axis in (1, 2, 3):
        assert np.mean(volume * np.roll(volume, 1, axis)) > 0.5


def test_a_group_is_an_error_where_inactive_voxels_pass_any_threshold() -> None:
    critical_vector = np.array([0.01, 0.03])
    passes = permutation_validity.passes
    assert passes(np.array([0.9, 0.01, 0.5]), critical_vector)
    assert passes(np.array([0.9, 0.02, 0.03]), critical_vector)
    assert not passes(np.array([0.9, 0.02, 0.031]), critical_vector)
    assert not passes(np.array([0.011]), critical_vector)


def test_errors_of_a_group_depend_on_its_seed_only_and_happen_where_nothing_is_promised() -> None:
    cell = permutation_validity.Cell("one sample", "skewed", 20, signal=False)
    position = permutation_validity.CELLS.index(cell)
    counts = permutation_validity.run_groups(3, (position, 0, 12))
    parts = [permutation_validity.run_groups(3, (position, *span)) for span in ((0, 5), (5, 12))]
    assert counts == parts[0] + parts[1]
    assert set(counts) <= set(permutation_validity.ROWS)
    assert counts["simes"] > 4  # of 12: 0.6 would be expected
    for row in permutation_validity.STEPPED:  # without effects, there is nothing to step down from
        assert counts[row] == counts[f"{row}, step-down"]


def test_the_calibration_breaks_its_promise_only_where_there_is_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = permutation_validity.ROWS
    errors = {cell: Counter(dict.fromkeys(rows, 50)) for cell in permutation_validity.CELLS}
    for cell, counts in errors.items():
        counts["ari"] = 300
        if cell.promise != "exact":
            counts["simes"] = 300
        if cell.signal:
            counts["learned"] = 300
    assert permutation_validity.report(errors, 1000)
    odd = permutation_validity.Cell("two samples", "skewed", 10, signal=True)
    errors[odd]["beta, step-down"] = 90
    errors[odd]["beta"] = 65  # above alpha by itself, but not as one of so many
    assert not permutation_validity.report(errors, 1000)
    printed = capsys.readouterr().out
    assert printed.count("above alpha") == 1
    assert "above alpha: beta, step-down in two samples, skewed, 10 maps, effects" in printed
    assert "| two samples | skewed | 10 | exact | 0.300 | 0.050 | 0.050 | 0.065 |" in printed


@pytest.fixture
def small_volume(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the groups of the comparison of methods small."""
    ball = permutation_power.Ball
    effects = {"few and strong": [ball(6, 2)] * 2, "broad and weak": [ball(12, 0.9)] * 2}
    monkeypatch.setattr(permutation_power, "HALF_AXES", (21.0, 27.0, 24.0))
    monkeypatch.setattr(permutation_power, "EFFECTS", effects)
    monkeypatch.setattr(permutation_power, "N_FLIPS", 60)


LISTS = {
    **{name: (name,) for name in permutation_power.SINGLE},
    "simes + simes27": ("simes", "simes27"),
}


@pytest.mark.usefixtures("small_volume")
def test_what_is_found_are_the_bounds_of_the_package() -> None:
    cell = permutation_power.Cell("broad and weak", 20)
    found, true = permutation_power.run_group(LISTS, (cell, [1, 2]))

    mask, rng = permutation_power.volume(), np.random.default_rng([1, 2])
    maps, active = permutation_power.simulate(mask, cell, rng)
    templates, pivots = permutation_power.calibrate_all(maps, int(rng.integers(2**32)))
    test = stats.ttest_1samp(maps.astype(np.float64), 0)
    p_values, t = np.asarray(test.pvalue), np.asarray(test.statistic)
    beyond = np.zeros(mask.shape)
    beyond[mask] = np.where(p_values < 2 * stats.norm.sf(3.1), np.sign(t), 0)
    clusters = []
    for sign in (1, -1):
        labels, n = ndimage.label(beyond == sign, np.ones((3, 3, 3)))
        clusters += [labels[mask] == label for label in range(1, n + 1)]
    clusters.sort(key=lambda one: -np.count_nonzero(one))
    assert true == tuple(active[one].mean() for one in clusters[:3])
    assert len(true) > 1
    learned = templates["learned"]
    assert isinstance(learned, Learned)
    assert not np.isclose(learned.quantiles, p_values.min(), rtol=1e-6).any()
    for name, method, members in (
        ("simes", "simes", ("simes",)),
        ("beta", "beta", ("beta",)),
        ("learned", "learned", ("learned",)),
        ("simes + simes27", "auto", ("simes", "simes27")),
    ):
        null = NullPivots(tuple(templates[one] for one in members), pivots)
        critical_vector = METHODS[method](Evidence(p_values, null), 0.05)
        expected = [
            min_true_discoveries(p_values[one], critical_vector) / np.count_nonzero(one)
            for one in clusters[:3]
        ]
        assert found[name].tdp == pytest.approx(expected)
        whole = min_true_discoveries(p_values, critical_vector)
        assert found[name].share == pytest.approx(whole / np.count_nonzero(active))
    assert set(found["simes + simes27"].suppliers) <= {"simes", "simes27"}
    assert found["simes27"].tdp[0] > found["ari"].tdp[0] > 0


@pytest.mark.usefixtures("small_volume")
def test_effects_of_a_comparison_are_where_they_are_active() -> None:
    mask = permutation_power.volume()
    cell = permutation_power.Cell("few and strong", 400)
    maps, active = permutation_power.simulate(mask, cell, np.random.default_rng(3))
    effect = maps.mean(axis=0)
    assert 0 < active.sum() < 2 * 4.2 * 2**3 * 1.5
    assert np.abs(effect[active]).min() > 0.8
    assert np.abs(effect[~active]).max() < 0.3
    assert effect[active].min() < 0 < effect[active].max()


def found_in(tdp: list[float], share: float, source: str = "simes") -> permutation_power.Found:
    return permutation_power.Found(tuple(tdp), share, (source,) * len(tdp))


def test_methods_are_compared_by_means_over_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permutation_power, "SINGLE", ("simes", "simes27"))
    results: permutation_power.Results = {
        cell: [
            (
                {
                    "simes": found_in([0.4, 0.2], 0.1),
                    "simes27": found_in([0.8, 0.1], 0.3),
                    "both": found_in([0.7, 0.2], 0.2, "simes27"),
                },
                (1.0, 0.9),
            ),
            (
                {
                    "simes": found_in([0.6], 0.3),
                    "simes27": found_in([0.6], 0.5),
                    "both": found_in([0.5], 0.4),
                },
                (0.8,),
            ),
        ]
        for cell in permutation_power.CELLS
    }
    methods = ["simes", "simes27", "both"]
    table = permutation_power.tabulate(methods, results).splitlines()
    assert table[2].startswith("| simes | 0.400, 0.200 | 0.400, 0.200 |")
    assert table[-1].startswith("| true | 0.900, 1 |")
    # of the largest cluster, the second and the volume, the best have 0.7, 0.2 and 0.4
    compared = permutation_power.compare(dict.fromkeys(methods, ()), results).splitlines()[2:]
    assert compared == [
        "| simes27 | 0.0333 | 0.1000 |",
        "| both | 0.0667 | 0.1000 |",
        "| simes | 0.1333 | 0.2000 |",
    ]
    suppliers = permutation_power.count_suppliers(results, "both").splitlines()[2:]
    assert [line[:24] for line in suppliers] == [
        "| simes | 1 of 3 | 1 of ",
        "| simes27 | 2 of 3 | 2 o",
    ]
    permutation_power.draw(results, methods, tmp_path / "bounds.svg")
    drawing = (tmp_path / "bounds.svg").read_text()
    for text in (*methods, "largest cluster", "broad and weak, 40 maps"):
        assert f">{text}</text>" in drawing
