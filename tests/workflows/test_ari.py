import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel as nb
import numpy as np
import pandas as pd
import pytest
from nilearn.glm.second_level import SecondLevelModel
from nipype.pipeline.engine.nodes import NodeExecutionError
from nipype.pipeline.engine.utils import load_resultfile
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.distance import pdist

from bids_ari.stats import (
    CLOSED_TESTING,
    METHODS,
    Evidence,
    concentration_set,
    min_true_discoveries,
)
from bids_ari.workflows import init_ari_wf
from tests.conftest import AFFINE

SHAPE = (17, 18, 19)
N_MAPS = 37
"""Two whole blocks of maps and a part of one."""


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], NDArray[np.bool_]]:
    rng = np.random.default_rng(7)
    mask = np.zeros(SHAPE, bool)
    mask[2:15, 3:16, 2:17] = True
    effect = np.zeros(SHAPE)
    effect[4:9, 5:10, 4:9], effect[10:13, 10:14, 10:14] = 1.5, -1.2
    folder = tmp_path_factory.mktemp("maps")
    paths = []
    for number in range(N_MAPS):
        data = (5 + effect + rng.normal(size=SHAPE)) * mask - 5 * mask
        path = folder / f"sub-{number:02d}.nii.gz"
        nb.Nifti1Image(data.astype(np.float32), AFFINE).to_filename(path)
        paths.append(str(path))
    nb.Nifti1Image(mask.astype(np.uint8), AFFINE).to_filename(folder / "mask.nii.gz")
    return paths, mask


def run(
    tmp_path: Path,
    group: tuple[list[str], Any],
    *,
    masked: bool,
    design: NDArray[np.float64] | None = None,
    contrast: Sequence[float] = (1.0,),
    atlases: Sequence[tuple[str, str, str]] = (),
    rois: Sequence[str] = (),
    **options: Any,
) -> Path:
    workflow = init_ari_wf(**options)
    workflow.base_dir = workflow.config["execution"]["crashdump_dir"] = str(tmp_path)
    inputs = workflow.inputs.inputnode
    inputs.maps = group[0]
    inputs.design = [[1.0]] * N_MAPS if design is None else design.tolist()
    inputs.contrast = list(contrast)
    inputs.atlases, inputs.rois = list(atlases), list(rois)
    if masked:
        inputs.mask = str(Path(group[0][0]).with_name("mask.nii.gz"))
    workflow.run(plugin="Linear")
    return tmp_path / str(workflow.name)


def values(path: Path) -> NDArray[np.float64]:
    return np.asarray(nb.Nifti1Image.from_filename(path).get_fdata())


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("fwhm", [0.0, 6.0])
def test_z_is_that_of_nilearn_at_every_voxel(
    masked: bool, fwhm: float, group: tuple[list[str], NDArray[np.bool_]], tmp_path: Path
) -> None:
    paths, mask = group
    done = run(tmp_path, group, masked=masked, smoothing_fwhm=fwhm)
    model = SecondLevelModel(
        mask_img=nb.Nifti1Image(mask.astype(np.uint8), AFFINE), smoothing_fwhm=fwhm or None
    ).fit(paths, design_matrix=pd.DataFrame({"intercept": np.ones(N_MAPS)}))
    expected = model.compute_contrast(output_type="all")
    assert (
        values(done / "model_wf" / "mask" / "mask.nii.gz").astype(bool).tolist() == mask.tolist()
    )
    found = values(done / "model_wf" / "model" / "contrast0" / "z.nii.gz")
    np.testing.assert_allclose(found, expected["z_score"].get_fdata(), rtol=0, atol=2e-6)
    for name, output in (("effect", "effect_size"), ("variance", "effect_variance")):
        np.testing.assert_allclose(
            values(done / "model_wf" / "model" / "contrast0" / f"{name}.nii.gz"),
            expected[output].get_fdata(),
            atol=1e-6,
        )


@pytest.mark.parametrize("method", CLOSED_TESTING)
def test_all_files_of_an_inference_agree(
    method: str, group: tuple[list[str], NDArray[np.bool_]], tmp_path: Path
) -> None:
    done = run(
        tmp_path, group, masked=True, cluster_thresholds=[3.0, 5.0, "auto"],
        tdp_thresholds=[0.7, 0.4], connectivity=6, method=method,
    )  # fmt: skip
    mask = group[1]
    z, p = (
        values(done / "model_wf" / "model" / "contrast0" / f"{name}.nii.gz")[mask] for name in "zp"
    )
    critical_vector = METHODS[method](Evidence(p), 0.05)
    chosen_by = [
        one.get("ClusterThresholdChosenBy")
        for one in load_resultfile(
            done / "inference_wf" / "clusters" / "result_clusters.pklz"
        ).outputs.results
    ]
    assert chosen_by == ["user", "user", "data", None, None]
    gradient = values(done / "inference_wf" / "forest" / "gradient.nii.gz")[mask]
    concentration = concentration_set(p, critical_vector)
    for number, of_threshold in enumerate(
        (
            np.abs(z) > 3,
            np.abs(z) > 5,
            p <= concentration.p_value,
            gradient >= 0.7,
            gradient >= 0.4,
        )
    ):
        folder = done / "inference_wf" / "clusters" / "mapflow" / f"_clusters{number}"
        table = pd.read_csv(folder / "cluster_table.tsv", sep="\t")
        labels = values(folder / "label.nii.gz")[mask]
        tdp = values(folder / "tdp.nii.gz")[mask]
        np.testing.assert_array_equal(labels > 0, of_threshold)
        assert set(table["sign"]) == {"positive", "negative"}
        assert (np.diff(table["voxels"]) <= 0).all()
        for row in (SimpleNamespace(**one) for one in json.loads(table.to_json(orient="records"))):
            inside = labels == row.cluster
            assert row.voxels == inside.sum()
            assert row.volume_mm3 == 8 * row.voxels
            assert row.discoveries == min_true_discoveries(p[inside], critical_vector)
            assert row.tdp == pytest.approx(row.discoveries / row.voxels, abs=1e-6)
            assert (tdp[inside] == row.discoveries / row.voxels).all()
            assert row.threshold == pytest.approx(np.abs(z[inside]).min(), abs=1e-6)
            assert (row.p_any <= 0.05) == (row.discoveries > 0)
            assert (row.p_half <= 0.05) == (row.discoveries >= row.voxels / 2)
            assert abs(row.peak_stat) == pytest.approx(np.abs(z[inside]).max(), abs=1e-6)
            assert np.all(np.sign(z[inside]) == np.sign(row.peak_stat))
            i, j, k = (round(v / 2) for v in (row.x, row.y, row.z))
            assert values(done / "model_wf" / "model" / "contrast0" / "z.nii.gz")[
                i, j, k
            ] == pytest.approx(row.peak_stat, abs=1e-6)
        assert (tdp[labels == 0] == 0).all()


@pytest.mark.parametrize("tdp", [0.4, 0.7, 1.0])
def test_clusters_of_a_tdp_have_it_and_cannot_be_enlarged(
    tdp: float, group: tuple[list[str], NDArray[np.bool_]], tmp_path: Path
) -> None:
    done = run(tmp_path, group, masked=True, cluster_thresholds=[1.0], tdp_thresholds=[tdp])
    folder = done / "inference_wf" / "clusters" / "mapflow" / "_clusters1"
    table = pd.read_csv(folder / "cluster_table.tsv", sep="\t")
    assert len(table) > 1
    z, p = (values(done / "model_wf" / "model" / "contrast0" / f"{name}.nii.gz") for name in "zp")
    labels = values(folder / "label.nii.gz")
    critical_vector = METHODS["ari"](Evidence(p[group[1]]), 0.05)
    neighbours = ndimage.generate_binary_structure(3, 2)  # 18
    for number in table["cluster"]:
        inside = labels == number
        sign = np.sign(z[inside][0])
        lower = ndimage.maximum(sign * z, ndimage.binary_dilation(inside, neighbours) & ~inside)
        larger, _ = ndimage.label((sign * z >= lower) & group[1], neighbours)
        larger = larger == larger[inside][0]
        assert larger.sum() > inside.sum()
        found = [min_true_discoveries(p[one], critical_vector) for one in (inside, larger)]
        assert found[0] / inside.sum() >= tdp > found[1] / larger.sum()


@pytest.mark.parametrize("method", CLOSED_TESTING)
def test_regions_have_the_bound_of_their_voxels(
    method: str, group: tuple[list[str], NDArray[np.bool_]], tmp_path: Path
) -> None:
    atlas = np.zeros(SHAPE, np.int16)
    atlas[:8], atlas[8:, :9], atlas[8:, 9:] = 4, 2, 9
    roi = np.zeros(SHAPE, np.uint8)
    roi[4:12, 6:12, 5:12] = 1  # overlaps all three
    tmp_path.mkdir(exist_ok=True)
    nb.Nifti1Image(atlas, AFFINE).to_filename(tmp_path / "a_dseg.nii.gz")
    nb.Nifti1Image(roi, AFFINE).to_filename(tmp_path / "ball_mask.nii.gz")
    names = tmp_path / "names.tsv"
    names.write_text("index\tname\n2\tright front\n9\tright back\n4\tleft\n")
    done = run(
        tmp_path / "run", group, masked=True, cluster_thresholds=[3.0], method=method,
        atlases=[("thirds", str(tmp_path / "a_dseg.nii.gz"), str(names))],
        rois=[str(tmp_path / "ball_mask.nii.gz")],
    )  # fmt: skip
    mask = group[1]
    z, p = (values(done / "model_wf" / "model" / "contrast0" / f"{name}.nii.gz") for name in "zp")
    critical_vector = METHODS[method](Evidence(p[mask]), 0.05)
    results = load_resultfile(done / "inference_wf" / "bounds" / "result_bounds.pklz").outputs
    assert results.results["Alpha"] == 0.05
    assert results.results["ResampledToNearestNeighbour"] == []
    table = pd.read_csv(done / "inference_wf" / "bounds" / "regions.tsv", sep="\t")
    sets = {
        "left": atlas == 4,
        "right front": atlas == 2,
        "right back": atlas == 9,
        "ball": roi > 0,
    }
    assert sorted(table["region"]) == sorted(sets)
    for row in (SimpleNamespace(**one) for one in json.loads(table.to_json(orient="records"))):
        whole = sets[row.region]
        assert row.coverage == pytest.approx((whole & mask).sum() / whole.sum(), abs=1e-6)
        for prefix, part in (
            ("", whole & mask),
            ("positive_", whole & mask & (z > 0)),
            ("negative_", whole & mask & (z < 0)),
        ):
            n = min_true_discoveries(p[part], critical_vector)
            assert getattr(row, f"{prefix}voxels") == part.sum()
            assert getattr(row, f"{prefix}discoveries") == n
            assert getattr(row, f"{prefix}tdp") == pytest.approx(n / part.sum(), abs=1e-6)
        assert (row.p_any <= 0.05) == (row.discoveries > 0)
    assert table["discoveries"].max() > 0

    folder = done / "inference_wf" / "clusters" / "mapflow" / "_clusters0"
    labels = values(folder / "label.nii.gz")
    overlaps = pd.read_csv(folder / "overlap_table.tsv", sep="\t")
    pairs = {
        (number, name)
        for number in np.unique(labels[labels > 0]).astype(int)
        for name, whole in sets.items()
        if (whole & (labels == number)).any()
    }
    assert set(zip(overlaps["cluster"], overlaps["region"], strict=True)) == pairs
    for row in (SimpleNamespace(**one) for one in json.loads(overlaps.to_json(orient="records"))):
        both = sets[row.region] & (labels == row.cluster)
        assert row.voxels == both.sum()
        assert row.discoveries == min_true_discoveries(p[both], critical_vector)
        assert row.share_of_cluster == pytest.approx(
            both.sum() / (labels == row.cluster).sum(), abs=1e-6
        )
        assert row.share_of_region == pytest.approx(
            both.sum() / (sets[row.region] & mask).sum(), abs=1e-6
        )
    peaks = pd.read_csv(folder / "cluster_table.tsv", sep="\t")
    assert peaks["regions"].str.contains("thirds: left").any()


def test_peaks_are_local_maxima_among_the_neighbours_of_the_clusters(
    group: tuple[list[str], NDArray[np.bool_]], tmp_path: Path
) -> None:
    atlas = np.zeros(SHAPE, np.int16)
    atlas[::2] = 1
    atlas[1::2] = 2
    nb.Nifti1Image(atlas, AFFINE).to_filename(tmp_path / "stripes_dseg.nii.gz")
    n_peaks = {}
    for connectivity, min_distance in ((6, 0.0), (26, 0.0), (6, 12.0)):
        done = run(
            tmp_path / f"{connectivity}_{min_distance}", group, masked=True,
            cluster_thresholds=[1.5], connectivity=connectivity, min_distance=min_distance,
            atlases=[("stripes", str(tmp_path / "stripes_dseg.nii.gz"), "")],
        )  # fmt: skip
        z = np.abs(values(done / "model_wf" / "model" / "contrast0" / "z.nii.gz"))
        folder = done / "inference_wf" / "clusters" / "mapflow" / "_clusters0"
        labels = values(folder / "label.nii.gz").astype(int)
        peaks = pd.read_csv(folder / "peak_table.tsv", sep="\t")
        steps = ndimage.generate_binary_structure(3, {6: 1, 26: 3}[connectivity])
        for row in (SimpleNamespace(**one) for one in json.loads(peaks.to_json(orient="records"))):
            at = tuple(round(v / 2) for v in (row.x, row.y, row.z))
            around = np.zeros(SHAPE, bool)
            around[at] = True
            around = ndimage.binary_dilation(around, steps) & (labels == row.cluster)
            assert z[at] == z[around].max()
            share = (atlas[around] == atlas[at]).mean()
            assert f"region {atlas[at]} {100 * share:.0f} %" in row.regions
        n_peaks[connectivity, min_distance] = len(peaks)
        if min_distance:
            for _, of_cluster in peaks.groupby("cluster"):
                apart = pdist(of_cluster[["x", "y", "z"]].to_numpy())
                assert (apart >= min_distance).all()
    assert n_peaks[26, 0.0] < n_peaks[6, 0.0] > n_peaks[6, 12.0]


def test_ties_and_voxels_of_no_sign_are_counted_as_such(
    group: tuple[list[str], NDArray[np.bool_]], tmp_path: Path
) -> None:
    paths = []
    for path in group[0]:
        data = values(Path(path)).astype(np.float32)
        data[5, 5, 5:8] = 3  # does not vary: no sign, and the same p-value
        data[6, 6, 6] = data[6, 6, 7]  # a pair
        paths.append(str(tmp_path / Path(path).name))
        nb.Nifti1Image(data, AFFINE).to_filename(paths[-1])
    nb.Nifti1Image(group[1].astype(np.uint8), AFFINE).to_filename(tmp_path / "mask.nii.gz")
    roi = np.zeros(SHAPE, np.uint8)
    roi[5, 5, 4:9] = 1
    nb.Nifti1Image(roi, AFFINE).to_filename(tmp_path / "roi.nii.gz")
    done = run(
        tmp_path / "run", (paths, group[1]), masked=True, rois=[str(tmp_path / "roi.nii.gz")]
    )
    results = load_resultfile(done / "inference_wf" / "ari" / "result_ari.pklz").outputs.results
    assert results["TiedFeatures"] == 2  # p-values of 1 are no news
    table = pd.read_csv(done / "inference_wf" / "bounds" / "regions.tsv", sep="\t").iloc[0]
    z = values(done / "model_wf" / "model" / "contrast0" / "z.nii.gz")[roi > 0]
    assert table["voxels"] == 5
    assert table["positive_voxels"] == (z > 0).sum()
    assert table["negative_voxels"] == (z < 0).sum()
    assert table["positive_voxels"] + table["negative_voxels"] == 2


def test_the_whole_mask_is_told_under_other_assumptions_too(
    group: tuple[list[str], NDArray[np.bool_]], tmp_path: Path
) -> None:
    found = {}
    for alternative in ("two-sided", "greater", "less"):
        done = run(tmp_path / alternative, group, masked=True, alternative=alternative)
        table = pd.read_csv(done / "inference_wf" / "sensitivity" / "sensitivity.tsv", sep="\t")
        (used,) = table[table["used"] == "yes"].to_dict("records")
        assert (used["alternative"], used["local_test"]) == (alternative, "simes")
        results = load_resultfile(
            done / "inference_wf" / "ari" / "result_ari.pklz"
        ).outputs.results
        assert used["discoveries"] == results["Discoveries"] > 0
        assert used["hommel_value"] == results["HommelValue"]
        found[alternative] = table.drop(columns="used").to_dict()
    assert found["two-sided"] == found["greater"] == found["less"]
    robust = table[table["local_test"] == "hommel"]["discoveries"].to_numpy()
    simes = table[table["local_test"] == "simes"]["discoveries"].to_numpy()
    assert (robust <= simes).all()
    assert (robust < simes).any()


@pytest.mark.parametrize("alternative", ["greater", "less"])
def test_one_sided_tests_look_at_one_side(
    alternative: str, group: tuple[list[str], NDArray[np.bool_]], tmp_path: Path
) -> None:
    done = run(tmp_path, group, masked=True, alternative=alternative)
    folder = done / "inference_wf" / "clusters" / "mapflow" / "_clusters0"
    table = pd.read_csv(folder / "cluster_table.tsv", sep="\t")
    assert set(table["sign"]) == {"positive" if alternative == "greater" else "negative"}
    z, p = (
        values(done / "model_wf" / "model" / "contrast0" / f"{name}.nii.gz")[group[1]]
        for name in "zp"
    )
    falls = p[np.argsort(z if alternative == "greater" else -z)]
    assert np.all(np.diff(falls) <= 1e-6)  # z was rounded to single precision


def test_rows_of_the_design_stay_with_their_maps(
    group: tuple[list[str], NDArray[np.bool_]], tmp_path: Path
) -> None:
    age = np.random.default_rng(5).normal(size=N_MAPS)
    design = np.column_stack([np.ones(N_MAPS), age])
    done = run(tmp_path, group, masked=True, design=design, contrast=[0.0, 1.0])
    data = np.stack([values(Path(path))[group[1]] for path in group[0]])
    beta, rss, *_ = np.linalg.lstsq(design, data, rcond=None)
    variance = np.linalg.inv(design.T @ design)[1, 1] * rss / (N_MAPS - 2)
    t = values(done / "model_wf" / "model" / "contrast0" / "stat.nii.gz")[group[1]]
    np.testing.assert_allclose(t, beta[1] / np.sqrt(variance), atol=1e-5)


def test_a_design_with_other_rows_than_maps_is_refused(
    group: tuple[list[str], NDArray[np.bool_]], tmp_path: Path
) -> None:
    with pytest.raises(
        NodeExecutionError, match=r"the design has 39 rows, expected one for each of 37"
    ):
        run(tmp_path, group, masked=True, design=np.ones((N_MAPS + 2, 1)))


def test_voxels_without_variance_are_counted(
    group: tuple[list[str], NDArray[np.bool_]], tmp_path: Path
) -> None:
    paths = []
    for path in group[0]:
        data = values(Path(path)).astype(np.float32)
        data[5, 5, 5:8] = 3
        paths.append(str(tmp_path / Path(path).name))
        nb.Nifti1Image(data, AFFINE).to_filename(paths[-1])
    done = run(tmp_path, (paths, group[1]), masked=False)
    results = load_resultfile(done / "model_wf" / "model" / "result_model.pklz").outputs.results
    assert results == [{"FeaturesWithoutVariance": 3}]
    assert (
        values(done / "model_wf" / "model" / "contrast0" / "stat.nii.gz")[5, 5, 5:8] == 0
    ).all()


def test_the_robust_method_claims_less_and_tells_its_own_hommel_value(
    group: tuple[list[str], NDArray[np.bool_]], tmp_path: Path
) -> None:
    found = {}
    for method in CLOSED_TESTING:
        done = run(tmp_path / method, group, masked=True, method=method)
        p_values = values(done / "model_wf" / "model" / "contrast0" / "p.nii.gz")[group[1]]
        results = load_resultfile(
            done / "inference_wf" / "ari" / "result_ari.pklz"
        ).outputs.results
        assert results["Discoveries"] == p_values.size - results["HommelValue"]
        found[method] = results["Discoveries"]
    assert 0 < found["hommel"] < found["ari"]


def test_a_second_run_computes_nothing_again(
    group: tuple[list[str], NDArray[np.bool_]], tmp_path: Path
) -> None:
    done = run(tmp_path, group, masked=True, smoothing_fwhm=4.0)
    computed = {path: path.stat().st_mtime_ns for path in done.rglob("*.n*") if path.is_file()}
    run(tmp_path, group, masked=True, smoothing_fwhm=4.0)
    assert computed == {path: path.stat().st_mtime_ns for path in computed}
    run(tmp_path, group, masked=True, smoothing_fwhm=4.0, alpha=0.01)
    again = {path.name for path, when in computed.items() if path.stat().st_mtime_ns != when}
    assert "critical_vector.npy" in again
    assert not again & {"z.nii.gz", "block.npy"}  # what does not depend on alpha stays
