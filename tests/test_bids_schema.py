"""The extended schema accepts group maps as they should be, and not as they should not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
import pytest

from tests.bids_schema import errors_of, extended_schema, validate

TASK, SPACE = "task-faces", "space-MNI152NLin2009cAsym"
STEM = f"{TASK}_{SPACE}_model-oneSample_contrast-facesVsShapes"
MAP = f"{STEM}_stat-tdp_desc-z3p1_statmap"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Write a small dataset by hand, with every kind of file."""
    root = tmp_path / "derivatives"
    (root / "group").mkdir(parents=True)
    (root / "figures").mkdir()
    (root / "logs").mkdir()
    description = {
        "Name": "Group analysis",
        "BIDSVersion": "1.11.1",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "bids_ari"}],
    }
    (root / "dataset_description.json").write_text(json.dumps(description))
    (root / "README.md").write_text("A group analysis written by hand. " * 10)
    (root / ".bidsignore").write_text("*.html\ngroup\nfigures\n")
    (root / "index.html").write_text("<title>Report</title>")
    (root / "logs" / "CITATION.md").write_text("Cite")
    meta: dict[str, Any] = {"Description": "Values.", "SkullStripped": True}
    for name, kind in (
        (f"{STEM}_stat-z_statmap", np.float32),
        (MAP, np.float32),
        (f"{STEM}_desc-analysis_mask", np.uint8),
        (f"{STEM}_desc-z3p1_dseg", np.int32),
    ):
        img = nb.Nifti1Image(np.ones((7, 8, 9), kind), np.diag([3, 3, 3, 1]))
        img.header.set_xyzt_units("mm", "sec")
        img.to_filename(root / "group" / f"{name}.nii.gz")
        (root / "group" / f"{name}.json").write_text(json.dumps({**meta, "Type": "Brain"}))
    for name, header in (
        (f"{STEM}_design", "participant_id\tintercept"),
        (f"{STEM}_desc-z3p1_clusters", "cluster\tsign"),
        (f"{STEM}_desc-z3p1_peaks", "cluster\tpeak"),
    ):
        (root / "group" / f"{name}.tsv").write_text(f"{header}\nn/a\tn/a\n")
        columns = {column: {"Description": "A column."} for column in header.split("\t")}
        (root / "group" / f"{name}.json").write_text(json.dumps(columns))
    for name in (MAP, f"{STEM}_desc-analysis_mask", f"{STEM}_design"):
        (root / "figures" / f"{name}.png").write_bytes(b"picture")
        (root / "figures" / f"{name}.svg").write_text("<svg/>")
        (root / "figures" / f"{name}.json").write_text('{"Description": "What it shows."}')
    (root / "group" / f"{STEM}_desc-z3p1_dseg.tsv").write_text("index\tname\n1\tcluster1\n")
    return root


def test_a_good_tree_is_valid(dataset: Path, tmp_path: Path) -> None:
    result = validate(dataset, tmp_path)
    assert errors_of(result) == []
    assert result.returncode == 0, result.stderr


def rename(old: str, new: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        for path in (root / "group").glob(f"{old}.*"):
            path.rename(path.with_name(path.name.replace(old, new)))

    return change


def rename_figure(root: Path) -> None:
    path = root / "figures" / f"{MAP}.png"
    path.rename(path.with_name(path.name.replace("statmap", "picture")))


def forget_skull_stripping(root: Path) -> None:
    (root / "group" / f"{MAP}.json").write_text('{"Description": "Values."}')


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(
            rename(MAP, MAP.replace(f"{TASK}_{SPACE}", f"{SPACE}_{TASK}")),
            "FILENAME_MISMATCH",
            id="space before task",
        ),
        pytest.param(
            rename(MAP, f"{STEM}_desc-z3p1_stat-tdp_statmap"),
            "FILENAME_MISMATCH",
            id="desc before stat",
        ),
        pytest.param(
            rename(MAP, MAP.replace("_model-oneSample", "")),
            "MISSING_REQUIRED_ENTITY",
            id="no model",
        ),
        pytest.param(rename(MAP, f"{STEM}_stat-tdp_tdpmap"), "NOT_INCLUDED", id="unknown suffix"),
        pytest.param(
            rename(MAP, MAP.replace(SPACE, f"{SPACE}_recording-ecg")),
            "ALL_FILENAME_RULES_HAVE_ISSUES",
            id="entity of other data",
        ),
        pytest.param(rename_figure, "NOT_INCLUDED", id="unknown figure"),
        pytest.param(forget_skull_stripping, "SIDECAR_KEY_REQUIRED", id="no SkullStripped"),
    ],
)
def test_a_bad_name_or_sidecar_is_an_error(
    dataset: Path, tmp_path: Path, change: Callable[[Path], None], code: str
) -> None:
    change(dataset)
    result = validate(dataset, tmp_path)
    assert result.returncode == 16
    assert {found for found, _ in errors_of(result)} == {code}
    assert all(place.startswith(("/group/", "/figures/")) for _, place in errors_of(result))


def test_group_is_the_only_folder_of_maps(dataset: Path, tmp_path: Path) -> None:
    (dataset / "group").rename(dataset / "level2")
    result = validate(dataset, tmp_path)
    assert errors_of(result) == [("NOT_INCLUDED", "/level2/")]


def test_the_dataset_stays_as_it_is(dataset: Path, tmp_path: Path) -> None:
    validate(dataset, tmp_path)
    assert (dataset / ".bidsignore").read_text() == "*.html\ngroup\nfigures\n"


def test_new_entities_stand_between_density_and_description() -> None:
    order = extended_schema()["rules"]["entities"]
    found = [order.index(n) for n in ("density", "feature", "model", "contrast", "stat", "label")]
    assert found == list(range(found[0], found[0] + 6))
    assert order[-1] == "description"
