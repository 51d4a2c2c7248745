"""What the command line hands on, and what it says when something went wrong."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from bids_ari.cli import main
from bids_ari.cli.run import _conclude_failure
from bids_ari.errors import ExitCode, InputError
from bids_ari.simulate.__main__ import main as simulate
from bids_ari.workflows.execution import Outcome


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Arguments of the functions that a run calls, in place of a run."""
    seen: dict[str, Any] = {}

    def stop(bids_dir: Path, **options: Any) -> None:
        seen.update(options, bids_dir=bids_dir)
        msg = "far enough"
        raise InputError(msg)

    monkeypatch.setattr("bids_ari.inputs.collect", stop)
    return seen


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        (["--input-stat", "z"], "input_stat", "z"),
        (["--participant-label", "sub-01", "2"], "participant_label", ("01", "2")),
        (["--session-label", "pre"], "session_label", ("pre",)),
        (["-t", "faces", "houses"], "task_id", ("faces", "houses")),
        (["--space", "MNI"], "space", ("MNI",)),
        (["--contrast", "a", "b"], "contrast", ("a", "b")),
        (["--bids-filter-file", "{tmp}/filters.json"], "filters", {"run": "1"}),
        (["--bids-database-dir", "{tmp}/db"], "database_dir", Path("{tmp}/db")),
        (["--bids-database-dir", "{tmp}/db", "--dry-run"], "database_dir", None),
    ],
)
def test_what_was_asked_for_is_what_is_looked_for(
    arguments: list[str],
    name: str,
    value: Any,
    called: dict[str, Any],
    small_group: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "filters.json").write_text('{"run": "1"}')
    filled = [argument.replace("{tmp}", str(tmp_path)) for argument in arguments]
    if isinstance(value, Path):
        value = Path(str(value).replace("{tmp}", str(tmp_path)))
    out, work = str(tmp_path / "out"), str(tmp_path / "work")
    assert main([str(small_group), out, "group", "-w", work, *filled]) == ExitCode.DATA
    assert called[name] == value


def test_what_was_asked_for_is_how_it_is_run(
    small_group: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def stop(*_: Any, **options: Any) -> Outcome:
        seen.update(options, threads=os.environ["OMP_NUM_THREADS"])
        return Outcome()

    monkeypatch.setattr("bids_ari.workflows.execution.execute", stop)
    plugin_file = tmp_path / "plugin.yml"
    plugin_file.touch()
    options = "--nprocs 3 --mem 5G --omp-nthreads 2 --stop-on-first-crash --resource-monitor -vv"
    arguments = [str(small_group), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    main([*arguments, *options.split(), "--use-plugin", str(plugin_file)])
    assert seen == {
        "labels": seen["labels"],
        "nprocs": 3,
        "memory_gb": 5.0,
        "plugin_file": plugin_file,
        "stop_on_first_crash": True,
        "resource_monitor": True,
        "verbose": 2,
        "threads": "2",
    }


def test_the_log_names_the_contrast_of_a_model_that_has_several(
    small_group: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(small_group), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    options = ["--covariates", "age", "--cluster-threshold", "9"]
    assert main([*arguments, *options]) == 0
    log = capsys.readouterr().err
    assert re.search(r"/10\] facesVsShapes: group model fitted", log)
    for contrast in ("intercept", "age"):
        assert re.search(rf"/10\] facesVsShapes, {contrast}: inference for the whole mask", log)
        assert re.search(rf"/10\] facesVsShapes, {contrast}: clusters at the thresholds", log)


def test_models_of_one_name_that_differ_are_both_kept(tmp_path: Path) -> None:
    folder = tmp_path / "firstlevel"
    assert (
        simulate([str(folder), "--subjects", "12", "--voxel-size", "8", "--contrasts", "a", "b"])
        == 0
    )
    path = folder / "participants.tsv"
    head, *lines = path.read_text().splitlines()
    where = head.split("\t").index("group")
    for number, line in enumerate(lines[:3]):
        cells = line.split("\t")
        cells[where] = "other"
        lines[number] = "\t".join(cells)
        for image in folder.rglob(f"{cells[0]}_*contrast-b_*"):
            image.unlink()
    path.write_text("\n".join([head, *lines]) + "\n")
    out, work = str(tmp_path / "out"), str(tmp_path / "work")
    assert (
        main(
            [
                str(folder),
                out,
                "group",
                "-w",
                work,
                "--group-by",
                "group",
                "--cluster-threshold",
                "9",
            ]
        )
        == 0
    )
    found = {
        "other" in one.read_text()
        for one in (tmp_path / "out" / "logs").glob("*contrast-b*_smdl.json")
    }
    assert found == {False}
    with_other = list((tmp_path / "out" / "logs").glob("*contrast-a*_smdl.json"))
    assert with_other
    assert all("other" in one.read_text() for one in with_other)
    for page in (tmp_path / "out").glob("*_model-*.html"):
        assert f"logs/{page.stem}_smdl.json" in page.read_text()


def test_the_methods_text_tells_of_the_mask_beforehand(small_group: Path, tmp_path: Path) -> None:
    mask = next(small_group.rglob("*_mask.nii.gz"))
    arguments = [str(small_group), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    assert main([*arguments, "--boilerplate-only", "--mask", str(mask)]) == 0
    assert mask.name in (tmp_path / "out" / "logs" / "CITATION.md").read_text()


def test_only_analyses_that_are_finished_count(
    small_group: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("bids_ari.workflows.execution.execute", lambda *_, **__: Outcome())
    out, work = str(tmp_path / "out"), str(tmp_path / "work")
    assert main([str(small_group), out, "group", "-w", work]) == ExitCode.FAILURE
    assert "ended before all of its nodes had run" in capsys.readouterr().err.splitlines()[-1]
    assert not list((tmp_path / "out").iterdir())


def test_a_defect_is_said_beside_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crash_file = tmp_path / "crash-1.txt"
    outcome = Outcome(
        input_errors=["a.nii is cut off"],
        defect="MemoryError",
        crash_files=[crash_file],
    )
    assert _conclude_failure(outcome, n_done=1, n_analyses=3) == ExitCode.FAILURE
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "bids-ari: error: a.nii is cut off (1 of 3 analyses are done)",
        f"bids-ari: error: MemoryError (1 of 3 analyses are done); details in {crash_file}",
    ]


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"Name": "raw", "BIDSVersion": "1.10.0"}, "is another dataset: choose a directory of it"),
        ({"GeneratedBy": [{"Name": "fMRIPrep"}]}, "is another dataset of fMRIPrep"),
        ([], "dataset_description.json is no readable description"),
        (
            {"GeneratedBy": [{"Name": "bids-ari"}], "DatasetLinks": {"firstlevel": "file:///old"}},
            "holds results of file:///old, which they call firstlevel",
        ),
    ],
)
def test_what_others_wrote_is_not_overwritten(
    description: Any,
    message: str,
    small_group: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "out" / "dataset_description.json"
    path.parent.mkdir()
    path.write_text(json.dumps(description))
    before = path.read_bytes()
    code = main([str(small_group), str(path.parent), "group", "-w", str(tmp_path / "work")])
    assert code in (ExitCode.USAGE, ExitCode.DATA)
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_output_around_the_input_is_refused(
    small_group: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([str(small_group), str(small_group.parent), "group", "-w", str(tmp_path)])
    assert code == ExitCode.USAGE
    assert "is around the input" in capsys.readouterr().err.splitlines()[-1]


def test_the_methods_text_of_results_is_not_replaced(
    small_group: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out" / "group").mkdir(parents=True)
    arguments = [str(small_group), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    assert main([*arguments, "--boilerplate-only"]) == ExitCode.USAGE
    assert "holds results, with the methods text" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("kind", ["dataset", "root"])
def test_a_work_directory_is_one_of_its_own(
    kind: str, small_group: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dataset_description.json").touch()
    work = tmp_path if kind == "dataset" else Path(tmp_path.anchor)
    assert (
        main([str(small_group), str(tmp_path / "o"), "group", "-w", str(work)]) == ExitCode.USAGE
    )
    assert "is not one of its own: choose another with -w" in capsys.readouterr().err


def test_a_derivative_is_no_output(
    small_group: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "dataset_description.json").write_text('{"Name": "raw", "BIDSVersion": "1.10.0"}')
    arguments = [
        str(raw),
        str(small_group),
        "group",
        "-d",
        str(small_group),
        "-w",
        str(tmp_path / "w"),
    ]
    assert main(arguments) == ExitCode.USAGE
    assert "is the input" in capsys.readouterr().err.splitlines()[-1]


def test_an_output_that_cannot_be_written_is_said_also_for_the_methods_text(
    small_group: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    out = str(tmp_path / "file" / "out")
    code = main([str(small_group), out, "group", "-w", str(tmp_path / "w"), "--boilerplate-only"])
    assert code == ExitCode.CANNOT_CREATE
    assert "cannot be written to: Not a directory" in capsys.readouterr().err.splitlines()[-1]
