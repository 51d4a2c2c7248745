"""What people do wrong: one line that names it, the right exit code, and nothing written."""

import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nb
import numpy as np
import pytest

from bids_ari.cli import main
from bids_ari.errors import ExitCode

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def firstlevel(small_group: Path, tmp_path: Path) -> Path:
    """A group in the manner of FitLins, to spoil."""
    return Path(shutil.copytree(small_group, tmp_path / "firstlevel"))


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(bids_dir: Path, *options: str, output_dir: Path | None = None) -> tuple[int, str]:
        capsys.readouterr()
        arguments = [str(bids_dir), str(output_dir or tmp_path / "out"), "group", "--nprocs", "1"]
        try:
            code = main([*arguments, "-w", str(tmp_path / "work"), *options])
        except SystemExit as end:
            code = int(str(end.code))
        lines = capsys.readouterr().err.splitlines()
        errors = [line for line in lines if line.startswith("bids-ari: error: ")]
        assert len(errors) == 1, lines
        assert not any("done: open" in line for line in lines)
        written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
        assert written == []
        return code, errors[0].removeprefix("bids-ari: error: ")

    return run


def effect_map(firstlevel: Path, subject: str) -> Path:
    folder = firstlevel / "node-subjectLevel" / f"sub-{subject}"
    return folder / f"sub-{subject}_contrast-facesVsShapes_stat-effect_statmap.nii.gz"


def test_no_maps(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, message = run(tmp_path / "empty")
    assert code == ExitCode.NO_INPUT
    assert "empty" in message
    assert "no first-level" in message


def test_a_misspelt_contrast(run: Run, firstlevel: Path) -> None:
    code, message = run(firstlevel, "--contrast", "faceVsShapes")
    assert code == ExitCode.NOTHING_SELECTED
    assert "faceVsShapes" in message
    assert "did you mean facesVsShapes" in message


def test_a_subject_that_is_not_there(run: Run, firstlevel: Path) -> None:
    code, message = run(firstlevel, "--participant-label", "01", "1")
    assert code == ExitCode.NOTHING_SELECTED
    assert "1 of 2 subjects asked for are not in" in message
    assert ": 1, did you mean 01" in message


def test_a_map_on_another_grid(run: Run, firstlevel: Path) -> None:
    path = effect_map(firstlevel, "03")
    nb.Nifti1Image(np.ones((7, 8, 9), np.float32), np.diag([3, 3, 3, 1])).to_filename(path)
    code, message = run(firstlevel)
    assert code == ExitCode.DATA
    assert f"{path} is not on the grid of the other maps: 7 x 8 x 9 voxels of 3 x 3" in message
    assert "expected" in message.split("3 x 3 mm")[1]


def test_a_map_cut_in_half(run: Run, firstlevel: Path) -> None:
    path = effect_map(firstlevel, "03")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    code, message = run(firstlevel)
    assert code == ExitCode.DATA
    assert f"{path} is not a whole NIfTI image" in message


@pytest.mark.parametrize("nprocs", ["1", "2"])
def test_a_map_of_all_nan(nprocs: str, run: Run, firstlevel: Path, tmp_path: Path) -> None:
    path = effect_map(firstlevel, "03")
    img = nb.Nifti1Image.from_filename(path)
    nb.Nifti1Image(np.full(img.shape, np.nan, np.float32), img.affine).to_filename(path)
    code, message = run(firstlevel, "--nprocs", nprocs)
    assert code == ExitCode.DATA
    assert message == f"{path} has no value: all voxels are 0 or not finite"
    assert not list((tmp_path / "work").glob("crash-*"))


def test_two_runs_of_one_subject(run: Run, firstlevel: Path) -> None:
    for path in sorted(firstlevel.glob("node-*/sub-*/*_stat-effect_statmap.nii.gz")):
        runs = (1, 2) if "sub-03" in path.name else (1,)
        for number in runs:
            shutil.copy(path, path.with_name(path.name.replace("_con", f"_run-{number}_con")))
        path.unlink()
    code, message = run(firstlevel)
    assert code == ExitCode.DATA
    for text in ("sub-03", "run-1", "run-2", "--bids-filter-file"):
        assert text in message
    assert "sub-04" not in message


def test_an_output_directory_that_cannot_be_written(
    run: Run, firstlevel: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    code, message = run(firstlevel, output_dir=tmp_path / "file" / "out")
    assert code == ExitCode.CANNOT_CREATE
    assert message == f"{tmp_path / 'file' / 'out'} cannot be written to: Not a directory"


def test_output_equal_to_input(run: Run, firstlevel: Path) -> None:
    before = sorted(firstlevel.rglob("*"))
    code, message = run(firstlevel, output_dir=firstlevel / ".." / "firstlevel")
    assert code == ExitCode.USAGE
    assert "choose another, such as" in message
    assert sorted(firstlevel.rglob("*")) == before


def test_work_inside_the_input(run: Run, firstlevel: Path) -> None:
    code, message = run(firstlevel, "-w", str(firstlevel / "work"))
    assert code == ExitCode.USAGE
    assert "is inside the input" in message


def test_alpha_out_of_range(run: Run, firstlevel: Path) -> None:
    code, message = run(firstlevel, "--alpha", "1.5")
    assert code == ExitCode.USAGE
    assert message == "argument --alpha: 1.5 is not above 0 and below 1"


def test_a_space_that_fitlins_never_named(run: Run, firstlevel: Path) -> None:
    code, message = run(firstlevel, "--space", "MNI152NLin6Asym")
    assert code == ExitCode.NOTHING_SELECTED
    assert "MNI152NLin6Asym" in message
    assert "MNI152NLin2009aSym" in message


def test_one_subject_only(run: Run, firstlevel: Path) -> None:
    code, message = run(firstlevel, "--participant-label", "01")
    assert code == ExitCode.DATA
    assert "sub-01" in message
    assert "1 map cannot fit a model of 1 regressor (intercept): expected 2 maps" in message


def test_a_mask_beside_the_brain(run: Run, firstlevel: Path, tmp_path: Path) -> None:
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = 500
    mask = tmp_path / "mask.nii.gz"
    nb.Nifti1Image(np.ones((7, 8, 9), np.uint8), affine).to_filename(mask)
    code, message = run(firstlevel, "--mask", str(mask))
    assert code == ExitCode.DATA
    assert f"{mask} has no voxel above 0 on the grid of the maps" in message


def test_a_shift_over_the_whole_mask(run: Run, firstlevel: Path) -> None:
    code, message = run(firstlevel, "--inference", "simes", "--shift", "9999999")
    assert code == 65
    assert message.startswith("the shift is 9999999 voxels and the mask has ")
    assert message.endswith(", expected fewer: thresholds begin after so many")


def test_content_that_was_not_fetched(run: Run, firstlevel: Path) -> None:
    path = effect_map(firstlevel, "03")
    path.unlink()
    path.symlink_to("../../.git/annex/objects/xx/yy/MD5E-s1--00.nii.gz")
    code, message = run(firstlevel)
    assert code in (ExitCode.DATA, ExitCode.NO_INPUT)
    assert path.name in message
    assert "datalad get" in message


def test_no_results_to_report(run: Run, firstlevel: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    code, message = run(firstlevel, "--reports-only")
    assert code == ExitCode.NO_INPUT
    assert "holds no results to report" in message
