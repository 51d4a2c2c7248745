"""A report that fails costs neither the results nor the other reports, and says why."""

import json
import shutil
from pathlib import Path

import nibabel as nb
import numpy as np
import pytest

from bids_ari import report
from bids_ari.cli import main
from bids_ari.errors import ExitCode, InputError
from tests.report.conftest import write_analysis
from tests.report.html import Page

BROKEN = {
    "empty": b"",
    "not text": b"\xff\xfe\x00\x01" * 40,
    "other columns": b"nothing\tof\tuse\nis\tin\there\n",
}
TABLES = (
    "regions.tsv",
    "desc-z3p1_clusters.tsv",
    "desc-z3p1_peaks.tsv",
    "desc-z3p1_overlaps.tsv",
    "sensitivity.tsv",
    "inclusion.tsv",
    "outliers.tsv",
)
SIDECARS = (
    "stat-z_statmap.json",
    "stat-tdp_desc-z3p1_statmap.json",
    "desc-analysis_mask.json",
    "regions.json",
    "run.json",
)
MAPS = (
    "stat-z_statmap.nii.gz",
    "desc-analysis_mask.nii.gz",
    "stat-tdp_desc-z3p1_statmap.nii.gz",
    "desc-z3p1_dseg.nii.gz",
    "stat-tdp_desc-gradient_statmap.nii.gz",
)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, brain: nb.Nifti1Image) -> Path:
    """Two analyses; copy to change."""
    root = tmp_path_factory.mktemp("good") / "out"
    root.mkdir()
    front = (np.asarray(brain.dataobj) > 0) & (np.indices(brain.shape)[1] > 30)
    regions = [("parcels", "front", front, int(front.sum()))]
    outliers = [("sub-01", 0.1, 1.0, 0.4, 0.002)]
    write_analysis(root, brain, space="T1w", regions=regions, outliers=outliers)
    write_analysis(root, brain, space="T1w", contrast="rest")
    return root


@pytest.fixture
def dataset(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "out"))


def file_of(dataset: Path, ending: str) -> Path:
    [path] = dataset.glob(f"*/*_contrast-facesVsShapes_{ending}")
    return path


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("ending", [*TABLES, *SIDECARS])
def test_a_file_that_is_no_table_and_no_json_is_named(
    ending: str, how: str, dataset: Path
) -> None:
    path = file_of(dataset, ending)
    path.write_bytes(BROKEN[how])
    failures: dict[str, Exception] = {}
    found = report.find(dataset, failures)
    assert [result.contrast for result in found] == ["rest"]
    [(stem, error)] = failures.items()
    assert "facesVsShapes" in stem
    assert isinstance(error, InputError)
    assert str(path) in str(error)
    assert "\n" not in report.reason(error)


@pytest.mark.parametrize("ending", ["regions.tsv", "desc-z3p1_clusters.tsv"])
def test_a_table_that_ends_in_the_middle_of_a_line_is_named(ending: str, dataset: Path) -> None:
    path = file_of(dataset, ending)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], lines[-1].rsplit("\t", 9)[0]]))
    with pytest.raises(InputError, match=r"not as many cells as columns") as caught:
        report.find(dataset)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("ending", MAPS)
def test_a_map_that_is_cut_off_costs_one_report_and_is_named(ending: str, dataset: Path) -> None:
    path = file_of(dataset, ending)
    path.write_bytes(path.read_bytes()[:200])
    failures: dict[str, Exception] = {}
    pages = report.write(dataset, failures)
    assert [page.name.split("contrast-")[-1] for page in pages] == ["rest.html", "index.html"]
    [error] = failures.values()
    assert str(path) in report.reason(error)


def test_the_index_says_which_report_is_missing_and_why(dataset: Path) -> None:
    report.write(dataset)
    old = next(dataset.glob("*facesVsShapes.html"))
    before = old.read_bytes()
    path = file_of(dataset, "regions.tsv")
    path.write_bytes(b"")
    report.write(dataset, {})
    index = Page(dataset / "index.html")
    assert f"{path} is empty, expected a table" in index.text
    assert "The page that is there is of an earlier run" in index.text
    assert old.read_bytes() == before
    assert old.name in {link["href"] for link in index.all("a")}
    assert "1 analysis" in index.text


def test_reports_only_writes_the_others_and_ends_with_an_error(
    dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file_of(dataset, "regions.tsv")
    path.write_bytes(path.read_bytes().replace(b"voxels", b"pixels"))
    code = main(["gone", str(dataset), "group", "--reports-only"])
    assert code == ExitCode.DATA
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("bids-ari: error: no report of task-faces_space-T1w_model-oneSample_")
    assert f"whose results are in {dataset / 'group'}: {path} lacks the column 'voxels'" in last
    assert next(dataset.glob("*rest.html")).exists()
    assert (dataset / "logs" / "CITATION.md").exists()


def test_when_no_analysis_can_be_read_the_exit_code_says_so(
    dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (dataset / "group").glob("*_desc-analysis_mask.nii.gz"):
        path.unlink()
    assert main(["gone", str(dataset), "group", "--reports-only"]) == ExitCode.NO_INPUT
    lines = [one for one in capsys.readouterr().err.splitlines() if "error" in one]
    assert len(lines) == 2
    assert all("mask.nii.gz is missing, so that no report can be made" in one for one in lines)


def test_a_defect_of_the_report_is_a_line_and_no_traceback(
    dataset: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        msg = "two\nlines"
        raise ZeroDivisionError(msg)

    monkeypatch.setattr("bids_ari.figures.histogram", fail)
    assert main(["gone", str(dataset), "group", "--reports-only"]) == ExitCode.FAILURE
    said = capsys.readouterr().err
    assert said.splitlines()[-1].endswith("ZeroDivisionError: two lines")
    assert "Traceback" not in said


def test_results_stay_when_their_report_fails(
    small_group: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("bids_ari.figures.glass_brain", fail)
    out = tmp_path / "out"
    arguments = [str(small_group), str(out), "group", "-w", str(tmp_path / "work")]
    assert main([*arguments, "--nprocs", "1"]) == ExitCode.FAILURE
    last = capsys.readouterr().err.splitlines()[-1]
    stem = "space-MNI152NLin2009aSym_model-oneSample_contrast-facesVsShapes"
    assert last.startswith(
        f"bids-ari: error: no report of {stem}, whose results are in {out}/group"
    )
    assert last.endswith("MemoryError: ")
    assert (out / "group" / f"{stem}_desc-z3p1_clusters.tsv").exists()
    assert (out / "dataset_description.json").exists()
    assert json.loads((out / "logs" / f"{stem}_run.json").read_text())["Versions"]
    monkeypatch.undo()
    assert main([*arguments[:3], "--reports-only"]) == ExitCode.OK
    assert (out / f"{stem}.html").exists()
