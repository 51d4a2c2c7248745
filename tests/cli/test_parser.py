import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from bids_ari.cli import build_parser, parse
from bids_ari.errors import ExitCode
from bids_ari.images import CONNECTIVITIES
from bids_ari.options import Options
from bids_ari.stats import ALTERNATIVES, LOCAL_TESTS, METHODS

POSITIONAL = ["in", "out", "group"]


def test_the_parser_and_the_options_have_the_same_names_and_defaults() -> None:
    actions = {
        action.dest: action
        for action in build_parser()._actions
        if action.dest not in ("help", "version", "bids_exec_spec")
    }
    assert set(actions) == {field.name for field in fields(Options)}
    options = parse(POSITIONAL)
    for field in fields(Options):
        if field.name not in ("bids_dir", "output_dir"):
            assert getattr(options, field.name) == field.default, field.name


def test_choices_are_those_of_the_statistics() -> None:
    actions = {action.dest: action for action in build_parser()._actions}
    assert tuple(actions["alternative"].choices or ()) == ALTERNATIVES
    assert tuple(actions["local_test"].choices or ()) == LOCAL_TESTS
    methods = [one for one in METHODS if one != "hommel"]  # that is ari with another local test
    assert [*(actions["inference"].choices or ())] == methods
    assert tuple(actions["connectivity"].choices or ()) == CONNECTIVITIES


def test_every_option_says_what_it_does() -> None:
    for action in build_parser()._actions:
        assert action.help, action.dest


@pytest.mark.parametrize("option", ["--help", "--version", "--bids-exec-spec"])
def test_what_ends_the_program_answers_at_once(option: str) -> None:
    code = (
        "import sys\n"
        "from bids_ari.cli import main\n"
        f"sys.argv = ['bids-ari', {option!r}]\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "slow = {'numpy', 'pandas', 'nipype', 'bids', 'nibabel', 'nilearn', 'matplotlib'}\n"
        "sys.exit(str(slow & set(sys.modules)) if slow & set(sys.modules) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "bids-ari" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["in", "out"], ExitCode.USAGE, "required: analysis_level"),
        (["in", "out", "participant"], ExitCode.UNKNOWN_LEVEL, "invalid choice: 'participant'"),
        ([*POSITIONAL, "--alpha", "1.5"], ExitCode.USAGE, "argument --alpha: 1.5 is not above 0 and below 1"),
        ([*POSITIONAL, "--alpha", "0"], ExitCode.USAGE, "0 is not above 0 and below 1"),
        ([*POSITIONAL, "--alpha", "nan"], ExitCode.USAGE, "nan is not above 0 and below 1"),
        ([*POSITIONAL, "--alpha", "x"], ExitCode.USAGE, "invalid number value: 'x'"),
        ([*POSITIONAL, "--smoothing-fwhm", "-1"], ExitCode.USAGE, "-1 is not at least 0 and at most 100"),
        ([*POSITIONAL, "--cluster-threshold", "inf"], ExitCode.USAGE, "inf is not at least 0"),
        ([*POSITIONAL, "--cluster-threshold", "car"], ExitCode.USAGE, "'car' is neither a number nor 'auto'"),
        ([*POSITIONAL, "--tdp-threshold", "0"], ExitCode.USAGE, "0 is not above 0 and at most 1"),
        ([*POSITIONAL, "--tdp-threshold", "0.5", "1.1"], ExitCode.USAGE, "1.1 is not above 0 and at most 1"),
        ([*POSITIONAL, "--tdp-threshold", "1e-300"], ExitCode.USAGE, "1e-300 has too many digits for names of files"),
        ([*POSITIONAL, "--cluster-threshold", "3.1", "1e300"], ExitCode.USAGE, "1e300 has too many digits"),
        ([*POSITIONAL, "--local-test", "bonferroni"], ExitCode.USAGE, "invalid choice: 'bonferroni'"),
        ([*POSITIONAL, "--min-distance", "-8"], ExitCode.USAGE, "argument --min-distance"),
        ([*POSITIONAL, "--roi", "none.nii.gz"], ExitCode.USAGE, "none.nii.gz is not a file"),
        ([*POSITIONAL, "--connectivity", "8"], ExitCode.USAGE, "invalid choice: 8"),
        ([*POSITIONAL, "--mask", "none.nii"], ExitCode.USAGE, "none.nii is not a file"),
        ([*POSITIONAL, "--mem", "much"], ExitCode.USAGE, "much is not a size of at least 100 MB"),
        ([*POSITIONAL, "--mem", "1"], ExitCode.USAGE, "1 is not a size of at least 100 MB"),
        ([*POSITIONAL, "--dry-run", "--reports-only"], ExitCode.USAGE, "choose one"),
        ([*POSITIONAL, "--missing-voxels", "drop"], ExitCode.USAGE, "goes with --mask"),
        ([*POSITIONAL, "--participant-label", "./no.txt"], ExitCode.USAGE, "./no.txt is not a file"),
        ([*POSITIONAL, "--smoothing-fwhm", "500"], ExitCode.USAGE, "500 is not at least 0 and at most 100"),
        ([*POSITIONAL, "--nprocs", "0"], ExitCode.USAGE, "0 is not between 1 and"),
        ([*POSITIONAL, "--nprocs", "99999"], ExitCode.USAGE, "99999 is not between 1 and"),
        ([*POSITIONAL, "-d", "nowhere"], ExitCode.USAGE, "nowhere is not a directory"),
        ([*POSITIONAL, "-d", "a=.", "a=.."], ExitCode.USAGE, "names are not unique: a, a"),
        ([*POSITIONAL, "--shift", "9"], ExitCode.USAGE, "argument --shift: goes with permutations"),
        ([*POSITIONAL, "--step-down"], ExitCode.USAGE, "argument --step-down: goes with permutations"),
        ([*POSITIONAL, "--inference", "beta", "--shift", "9"], ExitCode.USAGE, "--shift: is of simes and aorc, not of --inference beta"),
        ([*POSITIONAL, "--inference", "simes", "--shift", "-1"], ExitCode.USAGE, "-1 is not a whole number from 0"),
        ([*POSITIONAL, "--inference", "simes", "--n-permutations", "9"], ExitCode.USAGE, "9 is not a whole number from 20"),
        ([*POSITIONAL, "--inference", "simes", "--n-permutations", "many"], ExitCode.USAGE, "invalid whole number value: 'many'"),
        ([*POSITIONAL, "--inference", "simes", "--alpha", "0.01", "--n-permutations", "99"], ExitCode.USAGE, "99 are too few for --alpha 0.01: at least 100"),
        ([*POSITIONAL, "--inference", "simes", "--local-test", "hommel"], ExitCode.USAGE, "--local-test: is of --inference ari, not of simes"),
        ([*POSITIONAL, "--inference", "auto", "--estimator", "mixed"], ExitCode.USAGE, "auto goes with --estimator ols"),
        ([*POSITIONAL, "--inference", "auto", "--input-stat", "t"], ExitCode.USAGE, "auto takes effects: t maps"),
        ([*POSITIONAL, "--unknown"], ExitCode.USAGE, "unrecognized arguments: --unknown"),
    ],
)  # fmt: skip
def test_wrong_arguments_end_with_a_line_and_a_code(
    arguments: list[str], code: ExitCode, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match=str(int(code))):
        parse(arguments)
    assert message in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "gigabytes"), [("8G", 8), ("8000M", 8), ("8000", 8), ("1T", 1000), ("500000K", 0.5)]
)
def test_memory_is_read_as_fmriprep_reads_it(text: str, gigabytes: float) -> None:
    assert parse([*POSITIONAL, "--mem", text]).mem_gb == pytest.approx(gigabytes)


def test_labels_come_with_or_without_prefix_or_from_a_file(tmp_path: Path) -> None:
    listed = tmp_path / "subjects.txt"
    listed.write_text("sub-03\n04\n\nsub-01\n")
    options = parse([*POSITIONAL, "--participant-label", "sub-01", "02", str(listed)])
    assert options.participant_label == ("01", "02", "03", "04")


def test_a_threshold_given_twice_is_one() -> None:
    options = parse([*POSITIONAL, "--cluster-threshold", "4", "3.1", "4.0"])
    assert options.cluster_threshold == (4.0, 3.1)


def test_both_levels_are_the_same() -> None:
    assert parse(["in", "out", "dataset"]).analysis_level == "dataset"


def test_names_of_derivatives_are_those_of_their_directories(tmp_path: Path) -> None:
    directory = tmp_path / "fitlins-0.11"
    directory.mkdir()
    options = parse([*POSITIONAL, "-d", str(directory), f"other={tmp_path}"])
    assert options.derivatives == (("fitlins011", directory), ("other", tmp_path))


def test_permutations_are_what_was_asked_or_the_default() -> None:
    given = ["--inference", "simes", "--shift", "27", "--n-permutations", "200", "--step-down"]
    options = parse([*POSITIONAL, *given, "--permutation-blocks", "site"])
    assert (options.method, options.shift, options.n_permutations) == ("simes", 27, 200)
    assert (options.step_down, options.permutation_blocks, options.random_seed) == (
        True,
        "site",
        0,
    )
    options = parse([*POSITIONAL, "--inference", "learned"])
    assert (options.method, options.shift, options.n_permutations) == ("learned", 0, 1000)
    assert parse([*POSITIONAL, "--local-test", "hommel"]).method == "hommel"
    assert parse(POSITIONAL).method == "ari"
