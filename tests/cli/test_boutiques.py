"""Platforms call the program as the parser takes it: the descriptor, and what Boutiques makes of it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bids_ari.cli import boutiques, build_parser, main, parse
from bids_ari.errors import ExitCode

ROOT = Path(__file__).parents[2]
FILE = ROOT / "boutiques" / "bids_ari.json"

Bosh = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def bosh(tmp_path: Path) -> Bosh:
    """Run Boutiques; it finds the program under its name, and keeps records at the test's home."""
    program = tmp_path / "bin" / "bids-ari"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bids_ari "$@"\n')
    program.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    environment = os.environ | {
        "HOME": str(home),
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        bosh = Path(sys.executable).with_name("bosh")
        return subprocess.run(
            [sys.executable, str(bosh), *arguments],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def write_invocation(directory: Path, **values: Any) -> str:
    path = directory / "invocation.json"
    path.write_text(json.dumps(values))
    return str(path)


def test_the_file_is_what_the_parser_says() -> None:
    stored = json.loads(FILE.read_text(encoding="utf-8"))
    made = boutiques.describe(build_parser())
    for one in (stored, made):  # another version makes no other command line
        del one["tool-version"], one["container-image"]["image"]
    assert stored == made, "run: bids-ari --bids-exec-spec > boutiques/bids_ari.json"


def test_the_program_prints_its_descriptor(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--bids-exec-spec"])
    assert json.loads(capsys.readouterr().out) == boutiques.describe(build_parser())


def test_every_argument_is_described_once() -> None:
    descriptor = boutiques.describe(build_parser())
    known = {action.dest for action in build_parser()._actions} - {"bids_exec_spec"}
    inputs = [one["id"] for one in descriptor["inputs"]]
    members = [member for group in descriptor["groups"] for member in group["members"]]
    assert len(inputs) == len(known)
    assert sorted(inputs) == sorted(members)
    assert descriptor["command-line"].split()[1:] == [f"[{one.upper()}]" for one in inputs]


def test_the_descriptor_is_the_same_on_machines_with_other_cpus(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = boutiques.describe(build_parser())
    monkeypatch.setattr("bids_ari.cli.values.available_cpus", lambda: 77)
    assert boutiques.describe(build_parser()) == here


def test_every_exit_code_is_explained() -> None:
    codes = {one["code"] for one in boutiques.describe(build_parser())["error-codes"]}
    assert codes == {int(code) for code in ExitCode if code} | {130, 143}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("InputDataset", {"type": "File", "optional": False}),
        ("OutputLocation", {"type": "String", "optional": False}),
        ("SubjectLabel", {"type": "String", "list": True, "command-line-flag": "--participant-label"}),
        ("derivatives", {"type": "File", "list": True, "command-line-flag": "--derivatives"}),
        ("mask", {"type": "File", "disables-inputs": ["mask_coverage"]}),
        ("roi", {"type": "File", "list": True}),
        ("dry_run", {"type": "Flag", "command-line-flag": "--dry-run"}),
        ("verbose", {"type": "Flag"}),
        ("connectivity", {"type": "Number", "integer": True, "value-choices": [6, 18, 26]}),
        ("nprocs", {"type": "Number", "integer": True, "minimum": 1}),
        ("min_distance", {"type": "Number", "minimum": 0}),
        ("n_permutations", {"type": "Number", "integer": True, "minimum": 20}),
        ("random_seed", {"type": "Number", "integer": True, "minimum": 0}),
        (
            "alpha",
            {"type": "Number", "minimum": 0, "maximum": 1, "exclusive-minimum": True,
             "exclusive-maximum": True},
        ),
        ("tdp_threshold", {"type": "Number", "list": True, "exclusive-minimum": True,
                           "exclusive-maximum": False}),
    ],
)  # fmt: skip
def test_inputs_have_the_types_that_the_parser_takes(name: str, expected: dict[str, Any]) -> None:
    inputs = {one["id"]: one for one in boutiques.describe(build_parser())["inputs"]}
    assert expected.items() <= inputs[name].items()


def test_options_that_disable_others_are_refused_beside_them(tmp_path: Path) -> None:
    inputs = {one["id"]: one for one in boutiques.describe(build_parser())["inputs"]}
    values = {
        "model": "{file}", "formula": "1", "mask": "{file}", "covariates": "age", "group_by": "sex",
        "group_contrast": "age", "mask_coverage": "0.5",
    }  # fmt: skip
    file = tmp_path / "file"
    file.touch()

    def given(name: str) -> list[str]:
        flag = [inputs[name]["command-line-flag"]]
        return flag if name not in values else [*flag, values[name].format(file=file)]

    pairs = [
        (name, other) for name, one in inputs.items() for other in one.get("disables-inputs", ())
    ]
    assert pairs
    for one, other in pairs:
        parse(["in", "out", "group", *given(one)])
        with pytest.raises(SystemExit, match=str(int(ExitCode.USAGE))):
            parse(["in", "out", "group", *given(one), *given(other)])


def test_boutiques_finds_the_descriptor_valid(bosh: Bosh) -> None:
    done = bosh("validate", str(FILE))
    assert (done.returncode, done.stdout.strip()) == (0, "OK"), done.stdout + done.stderr


def test_an_invocation_becomes_the_command_that_a_user_would_type(
    bosh: Bosh, tmp_path: Path
) -> None:
    invocation = write_invocation(
        tmp_path,
        InputDataset="data/first level",
        OutputLocation="out",
        AnalysisLevel="group",
        SubjectLabel=["01", "02"],
        formula="1 + age * C(group)",
        group_contrast=["age", "effect=group[patient] - group[control]"],
        cluster_threshold=["3.1", "auto"],
        inference="simes",
        tdp_threshold=[0.5, 0.9],
        connectivity=26,
        n_permutations=200,
        no_centering=True,
        verbose=False,
    )
    done = bosh("exec", "simulate", "-i", invocation, str(FILE))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "bids-ari 'data/first level' out group --participant-label 01 02 "
        "--formula '1 + age * C(group)' "
        "--group-contrast age 'effect=group[patient] - group[control]' --no-centering "
        "--inference simes --cluster-threshold 3.1 auto --tdp-threshold 0.5 0.9 --connectivity 26 "
        "--n-permutations 200"
    ) in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    "values",
    [
        {"AnalysisLevel": "participant"},
        {"alpha": 1},
        {"nprocs": 1.5},
        {"dry_run": True, "reports_only": True},
    ],
)
def test_what_the_parser_would_refuse_boutiques_refuses(
    values: dict[str, Any], bosh: Bosh, tmp_path: Path
) -> None:
    usual = {"InputDataset": "data", "OutputLocation": "out", "AnalysisLevel": "group"}
    done = bosh("exec", "simulate", "-i", write_invocation(tmp_path, **usual | values), str(FILE))
    assert done.returncode != 0
    assert "bids-ari data" not in done.stdout


@pytest.mark.slow
def test_boutiques_runs_the_program_and_finds_what_it_wrote(
    bosh: Bosh, small_group: Path, tmp_path: Path
) -> None:
    # as platforms make inputs available: links in the directory of the task
    (tmp_path / "first level").symlink_to(small_group)
    for image, link in (
        ("*_desc-regions_dseg.nii.gz", "atlas"),
        ("*_desc-brain_mask.nii.gz", "mask"),
    ):
        (found,) = small_group.rglob(image)
        (tmp_path / f"{link}.nii.gz").symlink_to(found)
    invocation = write_invocation(
        tmp_path,
        InputDataset="first level",
        OutputLocation="out",
        AnalysisLevel="group",
        cluster_threshold=["3.1", "auto"],
        atlas=["atlas.nii.gz"],
        roi=["mask.nii.gz"],
        mask="mask.nii.gz",
        nprocs=1,
    )
    done = bosh("exec", "launch", "--no-container", str(FILE), invocation)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stdout.partition("Missing files")[2].strip()
    assert (tmp_path / "out" / "index.html").is_file()
    assert list((tmp_path / "out" / "group").glob("*_desc-z3p1_clusters.tsv"))
    assert list((tmp_path / "home").rglob("*.json"))  # its records, and nowhere else
