"""What the scripts of the explorer answer is what Python answers, for every cluster and any set."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.stats import norm

from bids_ari.cli import main
from bids_ari.report.explorer.gathering import Explored, gather
from bids_ari.report.explorer.packing import steps_below
from bids_ari.report.reading import find
from bids_ari.stats import Alternative, bound_forest, find_peaks, min_true_discoveries
from tests.conftest import SHAPE
from tests.real_data import DATA, need
from tests.report.explorer.conftest import OBLIQUE, Ask, explored_from, question

GOALS = [1, 50, 300, 333, 500, 700, 701, 900, 950, 1000]


def thresholds_of(explored: Explored) -> list[int]:
    """Return thresholds in thousandths: those that values lie on, just above, and between."""
    heights = np.unique(np.abs(explored.z_values))[::7]
    steps = np.rint(1000 * heights).astype(int)
    return sorted({int(one) for step in steps for one in (step - 1, step, step + 1) if one > 0})


def sets_of(explored: Explored, rng: np.random.Generator) -> list[list[int]]:
    n = explored.z_values.size
    order = np.argsort(explored.p_values)
    sets = [rng.choice(n, size, replace=False) for size in (1, 2, 5, 40, n // 2)]
    return [one.tolist() for one in (*sets, order[: n // 10], order[::-1][: n // 3], np.arange(n))]


def spheres_of(explored: Explored, rng: np.random.Generator) -> list[dict[str, Any]]:
    shape = explored.domain.grid.shape
    return [
        {"centre": [int(rng.integers(n)) for n in shape], "radius": radius}
        for radius in (0, 2, 4.5, 9)
    ]


def check_clusters(explored: Explored, asked: dict[str, Any], answer: dict[str, Any]) -> None:
    forest = explored.bounded.forest
    assert answer["size"] == forest.size.tolist()
    assert answer["found"] == explored.bounded.n_discoveries.tolist()
    assert answer["parent"] == forest.parent.tolist()
    assert answer["height"][: forest.size.size] == steps_below(forest.height).tolist()
    for threshold, nodes, peaks in zip(
        asked["thresholds"], answer["above"], answer["peaks"], strict=True
    ):
        expected = forest.above_height(threshold / 1000)
        assert nodes == expected.tolist()
        assert peaks == first_peaks(explored, expected)
    for goal, nodes in zip(asked["goals"], answer["reaching"], strict=True):
        assert nodes == explored.bounded.with_tdp(goal / 1000).tolist()
    for members, bound in zip(asked["sets"], answer["sets"], strict=True):
        assert bound == min_true_discoveries(explored.p_values[members], explored.critical_vector)
    for sphere, members in zip(asked["spheres"], answer["spheres"], strict=True):
        centres = explored.domain.coordinates(np.arange(explored.domain.n_features))
        affine = explored.domain.grid.affine
        middle = affine[:3, :3] @ sphere["centre"] + affine[:3, 3]
        away = np.linalg.norm(centres - middle, axis=1)
        assert members == np.flatnonzero(away <= sphere["radius"] + 1e-6).tolist()


def first_peaks(explored: Explored, nodes: NDArray[np.intp]) -> list[int]:
    """Find the highest voxel of each cluster as the tables do."""
    clusters = explored.bounded.forest.clusters(nodes)
    inside = np.flatnonzero(clusters.labels)
    peaks = find_peaks(
        explored.z_values,
        clusters.labels,
        explored.domain.adjacency(inside, explored.connectivity),
        explored.domain.coordinates(inside),
        n_peaks=1,
    )
    return [peak.feature for peak in peaks]


def check_every_node(explored: Explored, answer: dict[str, Any]) -> None:
    bounded = explored.bounded
    forest = bounded.forest
    assert answer["bound"] == bounded.n_discoveries.tolist()
    assert answer["tied"] == (~forest.is_cluster).astype(int).tolist()
    proper = np.flatnonzero(forest.is_cluster).tolist()
    assert answer["split"] == [bounded.split(k).tolist() for k in proper]
    merged = [bounded.merge(k) for k in proper]
    assert answer["merge"] == [-1 if one is None else one for one in merged]
    assert answer["paths"] == [forest.path(i).tolist() for i in range(forest.n_features)]
    assert answer["gradient"] == bounded.tdp_map().tolist()


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_answers_on_small_volumes_with_ties_are_those_of_python(
    ask: Ask, alternative: Alternative
) -> None:
    asked, cases = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        z = gaussian_filter(rng.normal(size=SHAPE), seed % 3 / 2)
        z *= (1.5 + seed % 4) / z.std()
        # ties, values on thresholds, and zeros; plateaus in the last ones
        z = np.round(z / (step := [0.25, 0.001, 0.0004, 1.0][seed % 4])) * step
        mask = rng.uniform(size=SHAPE) < 0.8
        explored = explored_from(
            z,
            OBLIQUE,
            mask=mask,
            alternative=alternative,
            connectivity=(6, 18, 26)[seed % 3],
            method=("ari", "hommel")[seed % 2],
        )
        cases.append(explored)
        asked.append(
            question(
                "forest",
                explored,
                thresholds=thresholds_of(explored),
                goals=GOALS,
                sets=sets_of(explored, rng),
                spheres=spheres_of(explored, rng),
                every=True,
            )
        )
    assert any(case.bounded.n_discoveries.max(initial=0) > 20 for case in cases)
    assert any(not case.bounded.forest.is_cluster.all() for case in cases)
    for case, one, answer in zip(cases, asked, ask(asked), strict=True):
        check_clusters(case, one, answer)
        check_every_node(case, answer)


def test_where_all_is_active_every_voxel_of_any_set_counts(ask: Ask) -> None:
    explored = explored_from(np.full(SHAPE, 9.0), OBLIQUE)
    whole = list(range(explored.z_values.size))
    [answer] = ask(
        [
            question(
                "forest",
                explored,
                thresholds=[8999, 9000],
                goals=[1000],
                sets=[whole, [5]],
                spheres=[],
                every=True,
            )
        ]
    )
    assert answer["sets"] == [len(whole), 1]
    assert answer["reaching"] == [[len(whole) - 1]]
    assert [len(one) for one in answer["above"]] == [1, 0]


def test_every_cluster_of_the_motor_map_is_that_of_python(
    ask: Ask, rng: np.random.Generator
) -> None:
    from nilearn.datasets import load_sample_motor_activation_image
    from nilearn.image import load_img

    img = load_img(load_sample_motor_activation_image())
    z = np.nan_to_num(np.asarray(img.dataobj, dtype=np.float64))
    explored = explored_from(z, img.affine, mask=z != 0)
    asked = question(
        "forest",
        explored,
        thresholds=[1500, 2300, 3100, 4000, 5005, 7940, 7941],
        goals=GOALS,
        sets=sets_of(explored, rng),
        spheres=spheres_of(explored, rng),
        every=False,
    )
    [answer] = ask([asked])
    assert explored.bounded.n_discoveries.max() > 1000
    check_clusters(explored, asked, answer)


@pytest.mark.real_data
def test_every_cluster_of_a_real_study_is_that_of_python(
    ask: Ask, rng: np.random.Generator, tmp_path: Path
) -> None:
    dataset = need(DATA / "emotionreg")
    mask = (
        dataset / "sourcedata/canlab_reference/space-MNI152Lin_desc-canlabGreyMatter_mask.nii.gz"
    )
    out = tmp_path / "out"
    options = ["--nprocs", "1", "--mask", str(mask), "--cluster-threshold", "3"]
    assert main([str(dataset), str(out), "group", "-w", str(tmp_path / "work"), *options]) == 0
    [result] = find(out)
    explored = gather(result)  # as the report does
    asked = question(
        "forest",
        explored,
        thresholds=[500, 2300, 3000, 3100, 4000, 5000],
        goals=GOALS,
        sets=sets_of(explored, rng),
        spheres=spheres_of(explored, rng),
        every=False,
    )
    [answer] = ask([asked])
    assert explored.z_values.size > 30_000
    assert explored.bounded.n_discoveries.max() > 500
    check_clusters(explored, asked, answer)


@pytest.mark.slow
def test_every_cluster_of_a_map_of_2_mm_is_that_of_python_and_small(
    ask: Ask, rng: np.random.Generator
) -> None:
    from nilearn.datasets import load_mni152_brain_mask

    mask_img = load_mni152_brain_mask(resolution=2)
    mask = np.asarray(mask_img.dataobj) > 0
    z = gaussian_filter(rng.normal(size=mask.shape), 2.5)
    z /= z[mask].std()
    at = np.argwhere(mask)
    for sign in (1, -1, 1):
        away = np.linalg.norm(np.indices(mask.shape).T - rng.choice(at), axis=-1).T
        z += sign * 6 * np.exp(-((away / 9) ** 2))
    z = z.astype(np.float32).astype(np.float64)
    explored = explored_from(z, mask_img.affine, mask=mask)
    asked = question(
        "forest",
        explored,
        thresholds=[500, 2300, 3100, 4000],
        goals=GOALS,
        sets=sets_of(explored, rng),
        spheres=spheres_of(explored, rng),
        every=False,
    )
    assert explored.z_values.size > 200_000
    assert len(asked["packed"]["text"]) * 235_375 / explored.z_values.size < 900_000
    [answer] = ask([asked])
    check_clusters(explored, asked, answer)


def test_the_last_threshold_that_a_value_exceeds_is_exact() -> None:
    steps = np.arange(0, 10_000)
    on = steps / 1000
    assert np.array_equal(steps_below(np.nextafter(on, np.inf)), steps)
    assert np.array_equal(steps_below(on)[1:], steps[1:] - 1)
    p_values = norm.sf(on)  # what a strict comparison keeps at a threshold, the steps keep
    for threshold in (3100, 4007, 5000):
        kept = steps_below(on) >= threshold
        assert np.array_equal(kept, on > threshold / 1000)
        assert p_values[kept].max() < norm.sf(threshold / 1000)


def test_a_p_value_on_a_threshold_counts_from_that_threshold_on(
    ask: Ask, rng: np.random.Generator
) -> None:
    explored = explored_from(rng.normal(size=SHAPE), OBLIQUE)
    critical_vector = np.arange(1, 61) / 1024
    p_values = rng.integers(1, 160, explored.p_values.size) / 1024
    explored = dataclasses.replace(
        explored,
        p_values=p_values,
        critical_vector=critical_vector,
        bounded=bound_forest(explored.bounded.forest, p_values, critical_vector),
    )
    sets = sets_of(explored, rng)
    asked = question(
        "forest", explored, thresholds=[500], goals=GOALS, sets=sets, spheres=[], every=True
    )
    [answer] = ask([asked])
    assert max(answer["sets"]) > 50
    check_clusters(explored, asked, answer)
    check_every_node(explored, answer)


@pytest.mark.parametrize(
    "critical_vector",
    [
        np.concatenate([np.full(27, -1.0), np.arange(1, 434) / 2048]),
        np.concatenate([[-1.0], np.repeat([2, 30, 31], [1, 12, 3]) / 1024]),
        np.array([0.004, 0.05, 0.05, 0.05, 0.2, np.inf, np.inf]),
        np.repeat([-1.0, 0.125], [3, 497]),
        np.full(9, -1.0),
        np.zeros(0),
    ],
    ids=["shifted", "short with ties", "infinite", "flat", "nothing passes", "none"],
)
def test_any_thresholds_that_do_not_decrease_give_the_bounds_of_python(
    ask: Ask, rng: np.random.Generator, critical_vector: NDArray[np.float64]
) -> None:
    z = gaussian_filter(rng.normal(size=SHAPE), 1.0)
    explored = explored_from(3 * z / z.std(), OBLIQUE)
    # many of them on thresholds, and equal to each other
    p_values = np.round(explored.p_values * 1024) / 1024
    explored = dataclasses.replace(
        explored,
        p_values=p_values,
        critical_vector=critical_vector,
        bounded=bound_forest(explored.bounded.forest, p_values, critical_vector),
    )
    sets = [*sets_of(explored, rng), np.argsort(p_values)[:28].tolist()]
    asked = question(
        "forest", explored, thresholds=[500, 1900], goals=GOALS, sets=sets, spheres=[], every=True
    )
    [answer] = ask([asked])
    assert (max(answer["sets"]) > 0) == bool(critical_vector.max(initial=-1) > 0)
    check_clusters(explored, asked, answer)
    check_every_node(explored, answer)


def test_the_peak_is_the_highest_voxel_where_thousandths_do_not_tell(
    ask: Ask, rng: np.random.Generator
) -> None:
    z = np.full(SHAPE, 2.0)
    peaks = z[::2, ::2, ::2]
    peaks[:] = 5.0001 + rng.integers(1, 8, peaks.shape) / 10_000
    explored = explored_from(z, OBLIQUE, connectivity=6)
    asked = question(
        "forest",
        explored,
        thresholds=[1500, 2000, 5000],
        goals=[],
        sets=[],
        spheres=[],
        every=False,
    )
    [answer] = ask([asked])
    assert [len(nodes) for nodes in answer["above"]] == [1, peaks.size, peaks.size]
    check_clusters(explored, asked, answer)
