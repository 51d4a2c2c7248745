"""What was written is found again, and what is missing or broken is named."""

import json
from pathlib import Path

import pytest

from bids_ari.errors import ExitCode, InputError
from bids_ari.report import find
from tests.report.conftest import Writer


def test_every_analysis_is_found_with_its_thresholds_in_order(
    tmp_path: Path, write_dataset: Writer
) -> None:
    first = write_dataset(contrast="faces", thresholds=(5, 3.1))
    second = write_dataset(contrast="houses", n_maps=15)
    results = find(tmp_path)
    assert [result.stem for result in results] == [first, second]
    faces, houses = results
    assert [threshold.value for threshold in faces.thresholds] == [3.1, 5.0]
    assert [threshold.desc for threshold in faces.thresholds] == ["z3p1", "z5"]
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
    clusters = find(tmp_path)[0].thresholds[0].clusters
    assert [cluster.number for cluster in clusters] == list(range(1, len(clusters) + 1))
    assert {cluster.sign for cluster in clusters} == {"positive", "negative"}
    largest = clusters[0]
    assert largest.peak.position == (-50.0, -38.0, 48.0)
    assert largest.volume == pytest.approx(64 * largest.voxels)
    assert len(largest.more_peaks) == 2
    assert largest.peak.stat > largest.more_peaks[0].stat > largest.more_peaks[1].stat
    found = find(tmp_path)[0].thresholds[0].found
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
    with pytest.raises(InputError, match=r"desc-\*_clusters.tsv: found none"):
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
