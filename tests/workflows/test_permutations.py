"""Bounds from permutations, through the graph."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
import pandas as pd
import pytest
from nipype.pipeline.engine.utils import load_resultfile
from numpy.typing import NDArray
from scipy import stats

from bids_ari.errors import InputError
from bids_ari.interfaces import DrawPermutations
from bids_ari.interfaces.calibration import load_calibration
from bids_ari.interfaces.permutations import load_plan
from bids_ari.stats import RESAMPLED, calibrate, min_true_discoveries
from bids_ari.workflows import init_ari_wf
from bids_ari.workflows.permutations import init_permutation_wf
from tests.conftest import AFFINE

SHAPE = (9, 10, 11)
N_MAPS = 19
"""A block of maps and a part of one."""
N_PERMUTATIONS = 60
ALPHA = 0.1
Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def mask() -> NDArray[np.bool_]:
    inside = np.zeros(SHAPE, bool)
    inside[1:8, 2:9, 1:10] = True
    return inside


@pytest.fixture(scope="module")
def data(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(n_maps, n_features) with an effect in some."""
    rng = np.random.default_rng(3)
    effect = np.zeros(SHAPE)
    effect[2:5, 3:6, 2:6], effect[5:7, 6:8, 6:9] = 1.2, -0.9
    return (effect[mask] + rng.normal(size=(N_MAPS, mask.sum()))).astype(np.float32)


def write(folder: Path, data: NDArray[np.float32], mask: NDArray[np.bool_]) -> list[str]:
    folder.mkdir()
    volume = np.zeros(SHAPE, np.float32)
    for number, row in enumerate(data):
        volume[mask] = row
        nb.Nifti1Image(volume, AFFINE).to_filename(folder / f"sub-{number:02d}.nii.gz")
    nb.Nifti1Image(mask.astype(np.uint8), AFFINE).to_filename(folder / "mask.nii.gz")
    return [str(path) for path in sorted(folder.glob("sub-*"))]


@pytest.fixture(scope="module")
def maps(
    tmp_path_factory: pytest.TempPathFactory, data: NDArray[np.float32], mask: NDArray[np.bool_]
) -> list[str]:
    return write(tmp_path_factory.mktemp("group") / "maps", data, mask)


def run(
    folder: Path,
    maps: list[str],
    *,
    design: Array | None = None,
    contrast: Sequence[Any] = (1.0,),
    blocks: Sequence[str] = (),
    **options: Any,
) -> Path:
    workflow = init_ari_wf(
        **{
            "alpha": ALPHA,
            "n_permutations": N_PERMUTATIONS,
            "cluster_thresholds": [2.0],
            **options,
        }
    )
    workflow.base_dir = workflow.config["execution"]["crashdump_dir"] = str(folder)
    inputs = workflow.inputs.inputnode
    inputs.maps, inputs.mask = maps, str(Path(maps[0]).with_name("mask.nii.gz"))
    inputs.design = [[1.0]] * len(maps) if design is None else design.tolist()
    inputs.contrast, inputs.blocks = list(contrast), list(blocks)
    workflow.run(plugin="Linear")
    return folder / str(workflow.name)


def results(done: Path, node: str) -> Any:
    name = node.rpartition("/")[2]
    return load_resultfile(done / node / f"result_{name}.pklz").outputs


def in_mask(path: Path, mask: NDArray[np.bool_]) -> Array:
    return np.asarray(nb.Nifti1Image.from_filename(path).get_fdata())[mask]


def clusters(done: Path) -> pd.DataFrame:
    folder = done / "inference_wf" / "clusters" / "mapflow" / "_clusters0"
    return pd.read_csv(folder / "cluster_table.tsv", sep="\t")


def test_thresholds_are_those_of_plain_numpy(
    maps: list[str], data: NDArray[np.float32], tmp_path: Path
) -> None:
    done = run(tmp_path, maps, method="simes", shift=2)
    permutation_wf = done / "inference_wf" / "permutation_wf"
    plan = load_plan(permutation_wf / "draw" / "transformations.npz")
    assert plan.transformations.table.shape == (N_PERMUTATIONS, N_MAPS)
    assert (plan.transformations.table[0] == 1).all()
    n_features = data.shape[1]
    rank = np.arange(1, n_features + 1)
    pivots = []
    for signs in plan.transformations.table:
        p = np.sort(stats.ttest_1samp(signs[:, None] * data.astype(np.float64), 0).pvalue)
        pivots.append(np.min(p[2:] * (n_features - 2) / (rank[2:] - 2)))
    level = sorted(pivots)[int(ALPHA * N_PERMUTATIONS)]
    expected = level * (rank - 2) / (n_features - 2)
    vector = load_calibration(permutation_wf / "calibrate" / "calibration.npz").critical_vector
    np.testing.assert_allclose(vector[2:], expected[2:], rtol=2e-9)
    assert (vector[:2] < 0).all()
    told = results(done, "inference_wf/ari").results["Permutations"]
    assert told["Templates"] == [
        {"Name": "simes2", "Alpha": ALPHA, "Level": pytest.approx(level, rel=1e-9), "Steps": 0}
    ]
    assert (told["Kind"], told["Number"], told["Seed"]) == ("sign flips", N_PERMUTATIONS, 0)


@pytest.mark.parametrize("step_down", [False, True])
@pytest.mark.parametrize("method", RESAMPLED)
def test_all_files_of_an_inference_agree(
    method: str, step_down: bool, maps: list[str], mask: NDArray[np.bool_], tmp_path: Path
) -> None:
    done = run(tmp_path, maps, method=method, step_down=step_down)
    p = in_mask(done / "model_wf" / "model" / "contrast0" / "p.nii.gz", mask)
    vector = np.load(done / "inference_wf" / "ari" / "critical_vector.npy")
    assert (np.diff(vector) >= 0).all()
    whole = results(done, "inference_wf/ari").results
    assert whole["Discoveries"] == min_true_discoveries(p, vector) > 0
    shown = pd.read_csv(done / "inference_wf" / "ari" / "critical_vector.tsv", sep="\t")
    assert shown["rank"].tolist() == [*range(1, len(shown) + 1)]
    effective = shown["p_threshold"].fillna(-1).to_numpy()
    np.testing.assert_array_equal(effective, vector[: len(shown)])
    assert min_true_discoveries(p, effective) == whole["Discoveries"]
    table = clusters(done)
    labels = in_mask(
        done / "inference_wf" / "clusters" / "mapflow" / "_clusters0" / "label.nii.gz", mask
    )
    found = [min_true_discoveries(p[labels == one], vector) for one in table["cluster"]]
    assert table["discoveries"].tolist() == found
    # a claim holds at the error rate if and only if the bound says so
    assert ((table["p_any"] <= ALPHA) == (table["discoveries"] > 0)).all()
    assert ((table["p_half"] <= ALPHA) == (table["tdp"] >= 0.5)).all()
    assert (table["p_any"] >= 1 / N_PERMUTATIONS).all()
    assert table["ari_discoveries"].notna().all()
    assert whole["WithoutPermutations"]["Discoveries"] >= table["ari_discoveries"].sum()


def test_no_result_depends_on_how_permutations_are_split(maps: list[str], tmp_path: Path) -> None:
    done = run(tmp_path / "whole", maps, method="learned")
    model = done / "model_wf"
    inputs = {
        "values_files": [str(one) for one in sorted(model.glob("smooth/mapflow/*/block.npy"))],
        "coverage_files": [
            str(one) for one in sorted(model.glob("smooth/mapflow/*/block_coverage.npz"))
        ],
        "mask": str(model / "mask" / "mask.nii.gz"),
        "p_map": str(model / "model" / "contrast0" / "p.nii.gz"),
        "design": [[1.0]] * N_MAPS,
        "contrast": [[1.0]],
        "test": "t",
    }
    written = []
    for job_size in (7, 60, 500):
        workflow = init_permutation_wf(
            method="learned", alpha=ALPHA, n_permutations=N_PERMUTATIONS, job_size=job_size
        )
        folder = tmp_path / str(job_size)
        workflow.base_dir = workflow.config["execution"]["crashdump_dir"] = str(folder)
        workflow.inputs.inputnode.trait_set(**inputs)
        workflow.run(plugin="Linear")
        jobs = folder.glob("permutation_wf/permute/mapflow/*")
        assert len([*jobs]) == {7: 18, 60: 2, 500: 2}[job_size]  # some calibrate, others teach
        calibration = load_calibration(folder / "permutation_wf/calibrate/calibration.npz")
        table = folder / "permutation_wf/calibrate/permutations.tsv"
        vector = calibration.critical_vector.tobytes()
        written.append((vector, calibration.pivots.tobytes(), table.read_bytes()))
    assert written[0] == written[1] == written[2]


def test_learning_and_calibrating_have_no_permutation_in_common(
    maps: list[str], tmp_path: Path
) -> None:
    done = run(tmp_path, maps, method="learned")
    permutation_wf = done / "inference_wf" / "permutation_wf"
    plan = load_plan(permutation_wf / "draw" / "transformations.npz")
    signs = [one.tobytes() for one in plan.transformations.table]
    assert (plan.n_learning, plan.n_calibrating) == (N_PERMUTATIONS, N_PERMUTATIONS)
    assert not {*signs[:N_PERMUTATIONS]} & {*signs[N_PERMUTATIONS:]}
    calibration = load_calibration(permutation_wf / "calibrate" / "calibration.npz")
    assert calibration.pivots.shape == (1, N_PERMUTATIONS)


def test_opposite_maps_give_mirrored_results(
    maps: list[str], data: NDArray[np.float32], mask: NDArray[np.bool_], tmp_path: Path
) -> None:
    opposite = write(tmp_path / "maps", -data, mask)
    one = clusters(run(tmp_path / "one", maps, method="auto"))
    other = clusters(run(tmp_path / "other", opposite, method="auto"))
    assert {*one["sign"]} == {"positive", "negative"}
    mirrored = other.replace({"sign": {"positive": "negative", "negative": "positive"}})
    mirrored["peak_stat"] *= -1
    pd.testing.assert_frame_equal(one, mirrored)


def test_one_sided_bounds_of_one_side_are_those_of_the_other_side_mirrored(
    maps: list[str], data: NDArray[np.float32], mask: NDArray[np.bool_], tmp_path: Path
) -> None:
    opposite = write(tmp_path / "maps", -data, mask)
    greater = clusters(run(tmp_path / "one", maps, method="simes", alternative="greater"))
    less = clusters(run(tmp_path / "other", opposite, method="simes", alternative="less"))
    assert greater["discoveries"].sum() > 0
    assert greater["discoveries"].tolist() == less["discoveries"].tolist()


@pytest.mark.parametrize("test", ["t", "F"])
def test_groups_are_permuted_within_blocks(
    test: str, maps: list[str], data: NDArray[np.float32], tmp_path: Path
) -> None:
    groups = np.arange(N_MAPS) % 3
    design = (groups[:, None] == np.arange(3)).astype(float)
    contrast: list[Any] = [1.0, -1.0, 0.0]
    if test == "F":
        contrast = [contrast, [0.0, 1.0, -1.0]]
    blocks = ["north" if number < 10 else "south" for number in range(N_MAPS)]
    done = run(
        tmp_path, maps, design=design, contrast=contrast, blocks=blocks, test=test, method="simes"
    )
    permutation_wf = done / "inference_wf" / "permutation_wf"
    plan = load_plan(permutation_wf / "draw" / "transformations.npz")
    assert plan.transformations.kind == "permutations"
    for order in plan.transformations.table:
        assert sorted(order[:10]) == [*range(10)]
    told = results(done, "inference_wf/ari").results["Permutations"]
    assert told["Blocks"] == 2
    assert told["Exact"] == (test == "F")  # beside the difference, t leaves the third group
    # what a plain fit to permuted maps gives, where the nuisance is the mean alone
    if test == "F":
        calibration = load_calibration(permutation_wf / "calibrate" / "calibration.npz")
        for number in (0, 7, 59):
            order = plan.transformations.table[number]
            p = stats.f_oneway(*(data[order][groups == one] for one in range(3))).pvalue
            pivot = np.min(np.sort(p) * p.size / np.arange(1, p.size + 1))
            assert calibration.pivots[0, number] == pytest.approx(pivot, rel=1e-5)


def test_the_level_is_that_of_the_pivots(maps: list[str], tmp_path: Path) -> None:
    done = run(tmp_path, maps, method="beta")
    calibration = load_calibration(
        done / "inference_wf" / "permutation_wf" / "calibrate" / "calibration.npz"
    )
    told = results(done, "inference_wf/ari").results["Permutations"]
    assert told["Templates"][0]["Level"] == calibrate(calibration.pivots[0], ALPHA)


def test_the_envelope_is_that_of_the_permutations(
    maps: list[str], data: NDArray[np.float32], tmp_path: Path
) -> None:
    done = run(tmp_path, maps, method="simes")
    permutation_wf = done / "inference_wf" / "permutation_wf"
    table = pd.read_csv(permutation_wf / "calibrate" / "permutations.tsv", sep="\t")
    assert table["rank"].iloc[[0, -1]].tolist() == [1, data.shape[1]]
    plan = load_plan(permutation_wf / "draw" / "transformations.npz")
    p = np.array(
        [
            np.sort(stats.ttest_1samp(signs[:, None] * data.astype(np.float64), 0).pvalue)
            for signs in plan.transformations.table
        ]
    )[:, table["rank"] - 1]
    np.testing.assert_allclose(table["observed"], p[0], rtol=1e-4)
    for name, share in (("low", 0.05), ("median", 0.5), ("high", 0.95)):
        expected = np.quantile(p, share, axis=0)
        np.testing.assert_allclose(table[f"permuted_{name}"], expected, rtol=1e-4)


@pytest.mark.parametrize("estimator", ["fixed", "mixed"])
def test_maps_that_weigh_differently_are_not_permuted(estimator: str) -> None:
    with pytest.raises(ValueError, match=f"estimator must be 'ols', not '{estimator}'"):
        init_ari_wf(method="beta", estimator=estimator)


def test_too_few_maps_to_permute_are_refused_by_the_node(tmp_path: Path) -> None:
    draw = DrawPermutations(design=[[1.0]] * 4, contrast=[[1.0]], method="simes")
    with pytest.raises(InputError, match=r"too few for alpha 0\.05, which needs at least 20"):
        draw.run(cwd=str(tmp_path))
