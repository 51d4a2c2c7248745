"""What was written is found again, and what is missing or broken is named."""

import json
from decimal import Decimal
from pathlib import Path

import nibabel as nb
import numpy as np
import pytest

from bids_ari.errors import ExitCode, InputError
from bids_ari.report import find, headline
from tests.report.brute_force import quarters
from tests.report.conftest import Writer


def test_every_analysis_is_found_with_its_thresholds_in_order(
    tmp_path: Path, write_dataset: Writer
) -> None:
    first = write_dataset(contrast="faces", thresholds=(5, 3.1))
    second = write_dataset(contrast="houses", n_maps=15)
    results = find(tmp_path)
    assert [result.stem for result in results] == [first, second]
    faces, houses = results
    assert [threshold.value for threshold in faces.heights] == [3.1, 5.0]
    assert [threshold.label for threshold in faces.heights] == ["z3p1", "z5"]
    assert faces.entities == {
        "task": "faces",
        "space": "MNI152NLin2009cAsym",
        "model": "oneSample",
        "contrast": "faces",
    }
    assert (faces.n_maps, houses.n_maps) == (20, 15)
    assert (len(houses.participants), len(houses.design)) == (15, 15)
    assert faces.n_features == 29_398
    assert set(faces.maps) == {"effect", "t", "z", "p"}  # no variance was written
    assert all(path.name.startswith(f"{first}_") for path in faces.files)


def test_clusters_carry_their_peaks(tmp_path: Path, write_dataset: Writer) -> None:
    write_dataset()
    clusters = find(tmp_path)[0].heights[0].clusters
    assert [cluster.number for cluster in clusters] == list(range(1, len(clusters) + 1))
    assert {cluster.sign for cluster in clusters} == {"positive", "negative"}
    largest = clusters[0]
    assert largest.peak.position == (-50.0, -38.0, 48.0)
    assert largest.volume == pytest.approx(64 * largest.voxels)
    assert len(largest.more_peaks) == 2
    assert largest.peak.stat > largest.more_peaks[0].stat > largest.more_peaks[1].stat
    found = find(tmp_path)[0].heights[0].found
    assert all(cluster.discoveries > 0 for cluster in found)
    assert 0 < len(found) < len(clusters)


def test_an_analysis_whose_name_begins_like_another_stays_apart(
    tmp_path: Path, write_dataset: Writer
) -> None:
    stem = write_dataset(contrast="faces")
    for path in sorted((tmp_path / "group").iterdir()):
        path.rename(path.with_name(path.name.replace("_contrast-faces", "")))
    write_dataset(contrast="faces")
    short, long = sorted(find(tmp_path), key=lambda result: len(result.stem))
    assert long.stem == stem
    assert short.stem == stem.removesuffix("_contrast-faces")
    assert not set(short.files) & set(long.files)


def test_an_empty_folder_holds_no_result(tmp_path: Path) -> None:
    assert find(tmp_path) == []


@pytest.mark.parametrize(
    "ending",
    [
        "_desc-analysis_mask.nii.gz",
        "_stat-z_statmap.json",
        "_desc-analysis_mask.json",
        "_stat-tdp_desc-z3p1_statmap.nii.gz",
        "_stat-tdp_desc-z3p1_statmap.json",
        "_desc-z3p1_dseg.nii.gz",
    ],
)
def test_a_missing_file_is_named(tmp_path: Path, write_dataset: Writer, ending: str) -> None:
    stem = write_dataset()
    (tmp_path / "group" / f"{stem}{ending}").unlink()
    with pytest.raises(InputError, match=rf"{ending} is missing") as caught:
        find(tmp_path)
    assert caught.value.exit_code == ExitCode.NO_INPUT


def test_an_analysis_without_any_cluster_table_is_named(
    tmp_path: Path, write_dataset: Writer
) -> None:
    stem = write_dataset()
    (tmp_path / "group" / f"{stem}_desc-z3p1_clusters.tsv").unlink()
    with pytest.raises(InputError, match=r"desc-z\*_clusters.tsv: found none"):
        find(tmp_path)


def test_a_table_that_makes_no_sense_is_named_with_its_line(
    tmp_path: Path, write_dataset: Writer
) -> None:
    stem = write_dataset()
    table = tmp_path / "group" / f"{stem}_desc-z3p1_clusters.tsv"
    table.write_text(table.read_text().replace("1\tpositive\t", "1\tpositive\tmany", 1))
    with pytest.raises(InputError, match=r"_clusters.tsv has a line .*: 1 positive many"):
        find(tmp_path)
    table.write_text("cluster\tsign\n1\tpositive\n")
    with pytest.raises(InputError, match=r"lacks the column 'voxels', found cluster, sign"):
        find(tmp_path)


def test_a_sidecar_that_lacks_a_key_is_named(tmp_path: Path, write_dataset: Writer) -> None:
    stem = write_dataset()
    sidecar = tmp_path / "group" / f"{stem}_stat-tdp_desc-z3p1_statmap.json"
    content = json.loads(sidecar.read_text())
    del content["HommelValue"]
    sidecar.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"statmap.json lacks HommelValue"):
        find(tmp_path)
    sidecar.write_text("{")
    with pytest.raises(InputError, match=r"statmap.json is not JSON"):
        find(tmp_path)
    sidecar.write_text("[]")
    with pytest.raises(InputError, match=r"statmap.json holds a list, expected an object"):
        find(tmp_path)


def test_clusters_by_height_and_by_tdp_are_told_apart(
    tmp_path: Path, write_dataset: Writer
) -> None:
    write_dataset(thresholds=(4, 2.5), auto=True, tdp_thresholds=(0.9, 0.5))
    result = find(tmp_path)[0]
    assert [cut.label for cut in result.heights] == ["z2p5", "z4", "zauto"]
    assert [cut.by_data for cut in result.heights] == [False, False, True]
    assert [(cut.label, cut.value) for cut in result.tdp_cuts] == [
        ("tdp0p5", 0.5),
        ("tdp0p9", 0.9),
    ]
    assert result.cuts == (*result.heights, *result.tdp_cuts)
    for cut in result.tdp_cuts:
        assert len(cut.clusters) >= 2
        assert all(one.discoveries >= cut.value * one.voxels for one in cut.clusters)
    largest = result.tdp_cuts[0].clusters[0]
    assert largest.born is not None
    assert 1.5 < largest.born < largest.peak.stat
    assert largest.p_any is not None
    assert largest.p_half is not None
    assert Decimal(0) < largest.p_any <= largest.p_half < 1
    assert result.leftover == ()
    assert result.gradient is not None
    assert sum(one.used for one in result.sensitivity) == 1
    assert len(result.sensitivity) == 6


def test_regions_come_with_what_was_analysed_of_them(
    tmp_path: Path, write_dataset: Writer, brain: nb.Nifti1Image
) -> None:
    mask = np.asarray(brain.dataobj) > 0
    half = quarters(mask)
    atlas, name, members, n = half[0]
    half[0] = (atlas, name, members, 4 * n)
    nothing = np.zeros(mask.shape, bool)
    write_dataset(
        regions=[*half, ("small.nii.gz", "small", nothing, 0)],
        resampled=["quarters.nii"],
        rois=["small.nii.gz"],
    )
    result = find(tmp_path)[0]
    assert [region.name for region in result.regions] == [one[1] for one in half] + ["small"]
    first, *_, last = result.regions
    assert first.coverage == 0.25
    assert first.whole.voxels == n
    assert first.positive is not None
    assert first.negative is not None
    assert first.whole.voxels == first.positive.voxels + first.negative.voxels
    assert first.whole.discoveries >= first.positive.discoveries > 0
    assert (last.whole.voxels, last.coverage, last.p_any) == (0, None, None)
    assert result.resampled == ("quarters.nii",)
    assert result.rois == {"small.nii.gz"}
    overlaps = result.heights[0].overlaps
    assert {one.region for one in overlaps} <= {one[1] for one in half}
    assert sum(one.voxels for one in overlaps) == sum(
        cluster.voxels for cluster in result.heights[0].clusters
    )


def test_regions_of_an_earlier_run_are_not_read(
    tmp_path: Path, write_dataset: Writer, brain: nb.Nifti1Image
) -> None:
    write_dataset(regions=quarters(np.asarray(brain.dataobj) > 0))
    assert find(tmp_path)[0].regions
    write_dataset()
    result = find(tmp_path)[0]
    assert result.regions_left
    assert result.regions == ()
    assert result.heights[0].overlaps == ()


def test_what_an_older_version_has_written_can_be_read(
    tmp_path: Path, write_dataset: Writer
) -> None:
    write_dataset(older=True)
    result = find(tmp_path)[0]
    assert not [*result.tdp_cuts, *result.regions, *result.sensitivity]
    assert result.gradient is None
    assert not result.regions_left
    cluster = result.heights[0].clusters[0]
    assert (cluster.p_any, cluster.born, cluster.peak.regions) == (None, None, "")
    assert result.local_test == "simes"
    assert "reach" not in headline(result)


@pytest.mark.parametrize(
    ("table", "old", "new", "message"),
    [
        ("desc-z3p1_clusters", "", "", "p_any is 7, expected a number between 0 and 1"),
        (
            "regions",
            "quarters.nii\t1",
            "quarters.nii\tn/a\t1",
            r"regions.tsv, line 2: there are not",
        ),
        (
            "sensitivity",
            "two-sided\tsimes\t",
            "two-sided\tsimes\tx",
            r"sensitivity.tsv has a line",
        ),
        ("desc-z3p1_overlaps", "\tdiscoveries", "\tfound", r"lacks the column 'discoveries'"),
    ],
    ids=["p-value", "regions", "sensitivity", "overlaps"],
)
def test_a_broken_table_is_named(
    tmp_path: Path,
    write_dataset: Writer,
    brain: nb.Nifti1Image,
    table: str,
    old: str,
    new: str,
    message: str,
) -> None:
    stem = write_dataset(regions=quarters(np.asarray(brain.dataobj) > 0))
    path = tmp_path / "group" / f"{stem}_{table}.tsv"
    text = path.read_text()
    if table.endswith("clusters"):
        head, first, *rest = text.splitlines(keepends=True)
        cells = first.split("\t")
        cells[head.split("\t").index("p_any")] = "7"
        path.write_text("".join([head, "\t".join(cells), *rest]))
    else:
        assert old in text
        path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        find(tmp_path)
