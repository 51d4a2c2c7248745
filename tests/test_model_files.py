"""Models as files: that of a run gives its results again; what would go wrong silently is said."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
import pytest

from bids_ari.cli import main
from bids_ari.errors import ExitCode
from bids_ari.simulate.dataset import Simulation, write_dataset

SUBJECTS = tuple(f"{number:02d}" for number in range(1, 13))
AGES = (28.7, 31.3, 35.9, 28.5, 46.6, 34.7, 46.5, 50.2, 42.3, 30.4, 32.5, 26.9)
SITES = "abc"
ROWS = tuple(
    f"sub-{label}\t{age}\t{'patient' if at % 2 else 'control'}\t{SITES[at % 3]}\n"
    for at, (label, age) in enumerate(zip(SUBJECTS, AGES, strict=True))
)
HEADER = "participant_id\tage\tgroup\tsite\n"
Run = Callable[..., Path]
Dry = Callable[..., str]


@pytest.fixture(scope="module")
def firstlevel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two contrasts of twelve simulated subjects, of three sites."""
    root = tmp_path_factory.mktemp("models") / "firstlevel"
    simulation = Simulation(
        subjects=12, voxel_size=8.0, seed=3, contrasts=("facesVsShapes", "houses")
    )
    write_dataset(root, simulation)
    (root / "participants.tsv").write_text(HEADER + "".join(ROWS))
    return root


@pytest.fixture
def run(firstlevel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    # pages read what is on disk, so that they are the same where that is
    monkeypatch.setattr("bids_ari.report.write", lambda *_, **__: [])

    def run(name: str, *options: str) -> Path:
        places = [str(firstlevel), str(tmp_path / name), "group", "-w", str(tmp_path / "w" / name)]
        more = ["--nprocs", "1", "--cluster-threshold", "2.3"]
        assert main([*places, *more, *options]) == ExitCode.OK
        return tmp_path / name

    return run


@pytest.fixture
def dry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Dry:
    def dry(root: Path, *options: str, code: int = 0) -> str:
        places = [str(root), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
        assert main([*places, "--dry-run", *options]) == code
        told = capsys.readouterr()
        return told.err.splitlines()[-1] if code else told.out

    return dry


def write_model(folder: Path, *nodes: dict[str, Any], **others: Any) -> str:
    path = folder / "model-test_smdl.json"
    content = {"Name": "test", "BIDSModelVersion": "1.0.0", "Nodes": nodes, **others}
    path.write_text(json.dumps(content))
    return str(path)


def node(name: str, *columns: Any, **changed: Any) -> dict[str, Any]:
    return {
        "Level": "Dataset",
        "Name": name,
        "GroupBy": ["contrast"],
        "Model": {"Type": "glm", "X": [*columns]},
        "DummyContrasts": {"Test": "t"},
        **changed,
    }


def results(output_dir: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (output_dir / "group").iterdir()}


@pytest.mark.parametrize(
    "options",
    [
        (
            "--covariates", "age", "site",
            "--group-contrast", "age", "site=site[b] - site[a], site[c] - site[a]", "old=mean + 9*age",
        ),
        (
            "--formula", "C(group) * age",
            "--group-contrast", "slopes=age:group[patient] - age:group[control]", "group[control]",
        ),
    ],
    ids=["columns", "formula"],
)  # fmt: skip
def test_the_model_that_a_run_writes_gives_its_results_to_the_byte(
    options: tuple[str, ...], run: Run
) -> None:
    first = run("first", "--contrast", "facesVsShapes", *options)
    model, *_ = sorted((first / "logs").glob("*_smdl.json"))
    second = run("second", "--contrast", "facesVsShapes", "--model", str(model))
    expected, found = results(first), results(second)
    assert len(found) > 60
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []
    again = second / "logs" / model.name
    assert again.read_bytes() == model.read_bytes()


def test_nodes_groups_and_filters_of_a_model_are_those_of_options(
    run: Run, tmp_path: Path
) -> None:
    subjects = {
        "Level": "Subject", "Name": "subjects", "GroupBy": ["subject", "contrast"],
        "Model": {"Type": "meta", "X": [1]}, "DummyContrasts": {"Test": "t"},
    }  # fmt: skip
    edges = [
        {"Source": "subjects", "Destination": name, "Filter": {"contrast": [contrast]}}
        for name, contrast in (("per-group", "facesVsShapes"), ("by-age", "houses"))
    ]
    scale = {"Name": "Scale", "Input": ["age"], "Demean": True, "Rescale": False}
    steps = {"Transformer": "pybids-transforms-v1", "Instructions": [scale]}
    model = write_model(
        tmp_path,
        subjects,
        node("per-group", 1, GroupBy=["contrast", "group"]),
        node("by-age", 1, "age", Transformations=steps),
        Edges=edges,
    )
    found = results(run("model", "--model", model))
    effects = {name for name in found if name.endswith("_stat-effect_statmap.nii.gz")}
    stem = "space-MNI152NLin2009aSym_model-"
    assert effects == {
        f"{stem}{name}_stat-effect_statmap.nii.gz"
        for name in (
            "perGroupPatient_contrast-facesVsShapes",
            "perGroupControl_contrast-facesVsShapes",
            "byAge_contrast-houses",
            "byAge_contrast-housesAge",
        )
    }
    ages = results(run("ages", "--contrast", "houses", "--covariates", "age"))
    patients = results(
        run("patients", "--contrast", "facesVsShapes", "--participant-label", *SUBJECTS[1::2])
    )
    for stat in ("effect", "variance", "t", "p", "tdp_desc-gradient"):
        end = f"_stat-{stat}_statmap.nii.gz"
        for ours, theirs, others in (
            ("byAge_contrast-housesAge", "age_contrast-housesAge", ages),
            (
                "perGroupPatient_contrast-facesVsShapes",
                "oneSample_contrast-facesVsShapes",
                patients,
            ),
        ):
            assert found[f"{stem}{ours}{end}"] == others[f"{stem}{theirs}{end}"], (ours, stat)


def copied(firstlevel: Path, folder: Path, table: str) -> Path:
    root = Path(shutil.copytree(firstlevel, folder / "firstlevel"))
    (root / "participants.tsv").write_text(table)
    return root


def test_a_subject_that_the_table_lacks_is_not_dropped_silently(
    dry: Dry, firstlevel: Path, tmp_path: Path
) -> None:
    root = copied(firstlevel, tmp_path, HEADER + "".join(ROWS[:-1]))
    model = ("--contrast", "houses", "--model", write_model(tmp_path, node("m", 1, "age")))
    message = dry(root, *model, code=ExitCode.DATA)
    assert "participants.tsv has no row for 1 subject (sub-12)" in message
    printed = dry(root, *model, "--missing", "drop")
    assert "sub-12\tno\tnot in participants.tsv\t" in printed
    assert "# design: m, 11 rows, 2 columns" in printed


def test_a_missing_value_is_not_taken_for_0(dry: Dry, firstlevel: Path, tmp_path: Path) -> None:
    root = copied(firstlevel, tmp_path, (HEADER + "".join(ROWS)).replace("\t35.9\t", "\tn/a\t"))
    model = ("--contrast", "houses", "--model", write_model(tmp_path, node("m", 1, "age")))
    assert "has n/a in age for 1 subject (sub-03)" in dry(root, *model, code=ExitCode.DATA)
    printed = dry(root, *model, "--missing", "drop")
    assert "sub-03\tno\tn/a in age\t" in printed
    assert [line for line in printed.splitlines() if line.startswith("sub-02\t1\t")] == [
        "sub-02\t1\t31.3"
    ]
    assert "\nsub-03\t1\t" not in printed


def test_rows_are_those_of_the_maps_whatever_the_order_of_the_table(
    dry: Dry, firstlevel: Path, tmp_path: Path
) -> None:
    root = copied(firstlevel, tmp_path, HEADER + "".join(ROWS[::-1]))
    printed = dry(
        root, "--contrast", "houses", "--model", write_model(tmp_path, node("m", 1, "age"))
    )
    for label, age in zip(SUBJECTS, AGES, strict=True):
        assert f"\nsub-{label}\t1\t{age}\n" in printed


def test_text_is_not_taken_into_a_design(dry: Dry, firstlevel: Path, tmp_path: Path) -> None:
    model = write_model(tmp_path, node("m", 1, "group"))
    message = dry(firstlevel, "--contrast", "houses", "--model", model, code=ExitCode.DATA)
    assert "node m: X has group, which holds text: expected Factor among the tr" in message


def test_contrasts_of_a_design_are_numbers(dry: Dry, firstlevel: Path) -> None:
    printed = dry(firstlevel, "--formula", "contrast + C(subject)")
    assert "# design: contrastSubject, 24 rows, 13 columns, rank 13" in printed
    after = printed.partition("# design")[2].partition("# contrasts")[0]
    rows = [line.split("\t") for line in after.splitlines()[2:] if line]
    design = {row[0]: {float(cell) for cell in row[1:]} for row in rows}
    assert len(design) == 24
    assert set().union(*design.values()) == {0.0, 1.0}


def test_contrasts_in_x_that_are_analysed_apart_are_refused(
    dry: Dry, firstlevel: Path, tmp_path: Path
) -> None:
    model = write_model(tmp_path, node("m", "facesVsShapes", "houses", GroupBy=[]))
    message = dry(firstlevel, "--model", model, code=ExitCode.DATA)
    assert "node m: the design cannot be made: X specification includes variable(s)" in message


def test_contrasts_are_not_pooled_silently(dry: Dry, firstlevel: Path, tmp_path: Path) -> None:
    model = write_model(tmp_path, node("m", 1, GroupBy=[]))
    message = dry(firstlevel, "--model", model, code=ExitCode.DATA)
    assert "node m: GroupBy is [], which pools all first-level contrasts in one design" in message


def test_a_subset_is_a_study_of_its_own(dry: Dry, firstlevel: Path) -> None:
    subset = ("02", "04", "05")
    options = ("--contrast", "houses", "--covariates", "age")
    printed = dry(firstlevel, *options, "--participant-label", *subset)
    mean = np.mean([AGES[SUBJECTS.index(label)] for label in subset])
    assert (
        f"# design: age, 3 rows, 2 columns, rank 2, 1 degrees of freedom; centred: age less {mean:.6g}\n"
        in printed
    )
    assert printed.count("\tyes\t") == 3
    assert "sub-01" not in printed


def test_counts_before_and_after_each_filter_are_told(
    firstlevel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "filters.json").write_text('{"space": "MNI152NLin2009aSym", "run": null}')
    filters = ("--bids-filter-file", str(tmp_path / "filters.json"))
    subset = ("--participant-label", "01", "02", "03", "--contrast", "houses")
    places = [str(firstlevel), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    assert main([*places, "--dry-run", *subset, *filters]) == ExitCode.OK
    told = capsys.readouterr().err
    assert (
        "INFO    12 first-level maps of 3 subjects of --participant-label; "
        "6 after --contrast (contrast-houses); 3 after --input-stat (stat-effect); "
        "3 after --bids-filter-file (space-MNI152NLin2009aSym); 3 after --bids-filter-file (run-none)"
    ) in told
    assert "contrast houses: subjects: 3 in, 0 out" in told


@pytest.mark.parametrize("entity", ["space", "res", "task", "acq"])
def test_what_differs_in_space_or_task_is_an_analysis_of_its_own(
    entity: str, dry: Dry, tmp_path: Path
) -> None:
    for label in SUBJECTS[:3]:
        for value, size in (("1", 2.0), ("2", 3.0)):
            name = f"sub-{label}_{entity}-{value}_contrast-win_stat-effect_statmap.nii.gz"
            path = tmp_path / "maps" / f"sub-{label}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            img = nb.Nifti1Image(np.ones((7, 8, 9), np.float32), np.diag([size, size, size, 1]))
            img.to_filename(path)
    printed = dry(tmp_path / "maps")
    for value, size in (("1", 2), ("2", 3)):
        title = f"# {entity}-{value}_model-oneSample_contrast-win\n# 7 x 8 x 9 voxels of {size} x"
        assert title in printed


def test_sizes_of_voxels_that_no_name_tells_apart_are_refused(dry: Dry, tmp_path: Path) -> None:
    for label, size in (("01", 2.0), ("02", 2.0), ("03", 3.0)):
        name = f"sub-{label}_contrast-win_stat-effect_statmap.nii.gz"
        path = tmp_path / "maps" / f"sub-{label}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        img = nb.Nifti1Image(np.ones((7, 8, 9), np.float32), np.diag([size, size, size, 1]))
        img.to_filename(path)
    message = dry(tmp_path / "maps", code=ExitCode.DATA)
    assert (
        "sub-03_contrast-win_stat-effect_statmap.nii.gz is not on the grid of the oth" in message
    )


def test_spaces_of_some_are_refused_with_the_filter_that_parts_them(
    dry: Dry, tmp_path: Path
) -> None:
    for label, end in (("01", ""), ("02", ""), ("03", "_space-MNI"), ("04", "_space-MNI")):
        name = f"sub-{label}{end}_contrast-win_stat-effect_statmap.nii.gz"
        path = tmp_path / "maps" / f"sub-{label}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nb.Nifti1Image(np.ones((7, 8, 9), np.float32), np.eye(4)).to_filename(path)
    message = dry(tmp_path / "maps", code=ExitCode.DATA)
    offered = message.rpartition("for example ")[2]
    (tmp_path / "filters.json").write_text(offered)
    printed = dry(tmp_path / "maps", "--bids-filter-file", str(tmp_path / "filters.json"))
    assert printed.count("\tyes\t") == 2
    assert "sub-03\tyes\t" in printed
