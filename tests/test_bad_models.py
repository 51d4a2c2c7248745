"""What people do wrong with group models: one line that names it, and nothing written."""

import itertools
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
import pytest

from bids_ari.cli import main
from bids_ari.errors import ExitCode

SUBJECTS = tuple(f"{number:02d}" for number in range(1, 11))
AGES = (23, 31, 45, 28, 52, 37, 41, 60, 33, 26)
HEADER = ("participant_id", "age", "months", "group", "sex", "site", "one", "visits")
ROWS = tuple(
    (
        f"sub-{label}", str(age), str(12 * age), ("control", "patient")[at % 2],
        ("m", "f", "f")[at % 3], "abc"[at % 3], "x", "7",
    )
    for at, (label, age) in enumerate(zip(SUBJECTS, AGES, strict=True))
)  # fmt: skip
NAMES = {
    "plain": "sub-{sub}/sub-{sub}_contrast-faces_stat-{stat}_statmap.nii.gz",
    "sessions": "sub-{sub}/ses-{one}/sub-{sub}_ses-{one}_contrast-faces_stat-{stat}_statmap.nii.gz",
    "runs": "sub-{sub}/sub-{sub}_run-{one}_contrast-faces_stat-{stat}_statmap.nii.gz",
}
LABELS = {"plain": ("",), "sessions": ("pre", "post"), "runs": ("1", "2")}
TABLE = r"maps/participants\.tsv"
Spoil = Callable[[Path], object]
Run = Callable[..., tuple[int, str]]
Dry = Callable[..., str]


def folder_for_table(maps: Path) -> None:
    (maps / "participants.tsv").unlink()
    (maps / "participants.tsv").mkdir()


def without(pattern: str) -> Spoil:
    def remove(maps: Path) -> None:
        for path in maps.glob(pattern):
            path.unlink()

    return remove


def tsv(rows: Any = ROWS, header: tuple[str, ...] = HEADER) -> str:
    return "".join("\t".join(line) + "\n" for line in (header, *rows))


def with_cell(column: str, value: str, row: int = 2) -> str:
    at = HEADER.index(column)
    rows = [list(one) for one in ROWS]
    rows[row][at] = value
    return tsv(rows)


def with_column(name: str, *values: str) -> str:
    cells = itertools.cycle(values)
    return tsv([(*row, next(cells)) for row in ROWS], (*HEADER, name))


@pytest.fixture(scope="session")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten subjects with a map each, with one of each session, with one of each run."""
    root = tmp_path_factory.mktemp("trees")
    rng = np.random.default_rng(8)
    for kind, name in NAMES.items():
        for sub, one, stat in itertools.product(SUBJECTS, LABELS[kind], ("effect", "variance")):
            path = root / kind / name.format(sub=sub, one=one, stat=stat)
            path.parent.mkdir(parents=True, exist_ok=True)
            values = rng.uniform(0.5, 2, (7, 8, 9)).astype(np.float32)
            nb.Nifti1Image(values, np.diag([2.0, 2, 2, 1])).to_filename(path)
        description = {"Name": "maps", "BIDSVersion": "1.10.0"}
        (root / kind / "dataset_description.json").write_text(json.dumps(description))
        (root / kind / "participants.tsv").write_text(tsv())
    return root


@pytest.fixture
def command(trees: Path, tmp_path: Path) -> Callable[..., list[str]]:
    def command(
        *options: str,
        kind: str = "plain",
        table: str | bytes | None = None,
        spoil: Spoil | None = None,
        model: Any = None,
        filters: str | None = None,
    ) -> list[str]:
        maps = Path(shutil.copytree(trees / kind, tmp_path / "maps"))
        if table is not None:
            content = table if isinstance(table, bytes) else table.encode()
            (maps / "participants.tsv").write_bytes(content)
        if spoil is not None:
            spoil(maps)
        more = []
        if model is not None:
            text = model if isinstance(model, str) else json.dumps(model)
            (tmp_path / "model-test_smdl.json").write_text(text)
            more += ["--model", str(tmp_path / "model-test_smdl.json")]
        if filters is not None:
            (tmp_path / "filters.json").write_text(filters)
            more += ["--bids-filter-file", str(tmp_path / "filters.json")]
        given = [one.replace("HERE", str(tmp_path)) for one in options]
        places = [str(maps), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
        return [*places, "--nprocs", "1", *more, *given]

    return command


@pytest.fixture
def run(
    command: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Run:
    def run(*options: str, **what: Any) -> tuple[int, str]:
        try:
            code = main(command(*options, **what))
        except SystemExit as end:
            code = int(str(end.code))
        lines = capsys.readouterr().err.splitlines()
        errors = [line for line in lines if line.startswith("bids-ari: error: ")]
        assert errors == lines[-1:], lines
        assert not any("Traceback" in line or "Warning:" in line for line in lines)
        assert not (tmp_path / "out").exists()
        assert not (tmp_path / "work").exists()
        return code, errors[0].removeprefix("bids-ari: error: ")

    return run


@pytest.fixture
def dry(command: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]) -> Dry:
    def dry(*options: str, **what: Any) -> str:
        assert main([*command(*options, **what), "--dry-run"]) == 0
        return capsys.readouterr().out

    return dry


AGE = ("--covariates", "age")
OF_TABLES: dict[str, tuple[str | bytes, int, str]] = {
    "empty": ("", 65, rf"{TABLE} has the columns \(none\), expected participant_id"),
    "blank line": ("\n", 65, r"has the columns \(none\), expected participant_id"),
    "header only": (tsv(()), 65, rf"{TABLE} has no row below its header"),
    "commas": (tsv().replace("\t", ","), 65, rf"{TABLE} is separated by commas, expected tabs"),
    "semicolons": (tsv().replace("\t", ";"), 65, r"is separated by semicolons, expected tabs"),
    "two spaces": (tsv().replace("\t", "  "), 65, r"columns participant_id  age .*, expected part"),
    "decimal comma": (
        tsv().replace("\t31\t", "\t31,5\t"),
        65,
        rf"{TABLE} has '31,5' in column age for sub-02: expected a decimal point",
    ),
    "quotes": (tsv().replace("\t31\t", '\t"31"\t'), 65, r"numbers in column age, but '\"31\"' for"),
    "ragged": (tsv().replace("03\t45", "03"), 65, rf"{TABLE} has 7 fields in line 4, expected 8"),
    "a tab too many": (tsv().replace("\n", "\t\n"), 65, rf"{TABLE} has no name for column 9"),
    "a column twice": (
        tsv(ROWS, (*HEADER[:2], "age", *HEADER[3:])), 65, rf"{TABLE} has 2 columns called age",
    ),
    "no participant_id": (
        tsv(ROWS, ("subject", *HEADER[1:])),
        65,
        rf"{TABLE} has the columns subject, age, .*, expected participant_id",
    ),
    "a participant twice": (tsv((*ROWS, ROWS[2])), 65, rf"{TABLE} has sub-03 twice, in line 12"),
    "leading zeros lost": (
        tsv().replace("sub-0", ""),
        65,
        rf"{TABLE} has no row for 9 subjects \(sub-01, .*; it has 1, perhaps for sub-01; complete",
    ),
    "Latin-1": (
        tsv().replace("control", "contrôle").encode("latin-1"), 65, rf"{TABLE} is not a table in UTF-8",
    ),
    "UTF-16": (tsv().encode("utf-16"), 65, rf"{TABLE} is not a table in UTF-8"),
    "a spreadsheet": (b"PK\x03\x04\x14\x00\xff\xfe", 65, rf"{TABLE} is not a table in UTF-8"),
    "a participant without a row": (
        tsv(ROWS[:-1]),
        65,
        rf"{TABLE} has no row for 1 subject \(sub-10\), who would take part; complete it, or leave",
    ),
    "others": (
        tsv([("sub-x" + row[0][4:], *row[1:]) for row in ROWS]),
        65,
        r"has no row for 10 subjects \(sub-01, sub-02, sub-03, sub-04, sub-05 and 5 more\)",
    ),
    "n/a": (
        with_cell("age", "n/a"),
        65,
        rf"{TABLE} has n/a in age for 1 subject \(sub-03\), who would take part; complete it, or l",
    ),
    "nothing": (with_cell("age", ""), 65, r"has n/a in age for 1 subject \(sub-03\)"),
    "nan": (with_cell("age", "nan"), 65, r"has n/a in age for 1 subject \(sub-03\)"),
    "inf": (with_cell("age", "-inf"), 65, r"has inf in age for 1 subject \(sub-03\)"),
    "too large": (with_cell("age", "1e400"), 65, r"has inf in age for 1 subject \(sub-03\)"),
    "a unit": (
        with_cell("age", "45 years"),
        65,
        rf"{TABLE} has numbers in column age, but '45 years' for sub-03; if they are categories",
    ),
    "hexadecimal": (with_cell("age", "0x2d"), 65, r"numbers in column age, but '0x2d' for sub-03"),
    "all the same": (
        tsv([(row[0], "30", *row[2:]) for row in ROWS]),
        65,
        rf"column age of {'.*' + TABLE} is 30 for all 10 maps, so that it explains nothing",
    ),
    "the same number": (
        tsv([(row[0], ("7", "7.0")[at % 2], *row[2:]) for at, row in enumerate(ROWS)]),
        65,
        r"column age of .* is 7 for all 10 maps, so that it explains nothing; leave it out",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OF_TABLES)
def test_a_table_that_cannot_be_used(case: str, run: Run) -> None:
    table, expected_code, expected = OF_TABLES[case]
    code, message = run(*AGE, table=table)
    assert code == expected_code
    assert re.search(expected, message), message


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (tsv([(row[0], "n/a", *row[2:]) for row in ROWS]), r"has no subject with a value in .* age"),
        (tsv([("sub-x", *ROWS[0][1:])]), r"participants.tsv has no subject with a value in .* age"),
        (tsv(ROWS[:1]), r"1 map cannot fit a model of 2 regressors \(intercept, age\): expected 3"),
        (tsv(ROWS[:2]), r"2 maps cannot fit a model of 2 regressors \(intercept, age\): expected 3"),
    ],
)  # fmt: skip
def test_dropping_leaves_too_few(table: str, message: str, run: Run) -> None:
    code, told = run(*AGE, "--missing", "drop", table=table)
    assert code == ExitCode.DATA
    assert re.search(message, told), told


OF_FILES: dict[str, tuple[Spoil, tuple[str, ...], int, str]] = {
    "a folder": (
        folder_for_table,
        AGE, 65, rf"{TABLE} cannot be read: Is a directory",
    ),
    "no table": (
        lambda maps: (maps / "participants.tsv").unlink(),
        AGE, 66, r"no participants.tsv in .*/maps, expected one with age, or .* --participants",
    ),
    "no table of groups": (
        lambda maps: (maps / "participants.tsv").unlink(),
        ("--group-by", "group"), 66, r"no participants.tsv in .*/maps, expected one with group",
    ),
    "no table for a formula": (
        lambda maps: (maps / "participants.tsv").unlink(),
        ("--formula", "age"), 65, r"dataset, which has no participants.tsv, has no column age",
    ),
    "a chosen table that is not there": (
        lambda _: None,
        (*AGE, "--participants", "HERE/no.tsv"), 64, r"--participants: .*/no.tsv is not a file",
    ),
    "a chosen folder": (
        lambda _: None, (*AGE, "--participants", "HERE"), 64, r"--participants: .* is not a file",
    ),
    "a broken sidecar": (
        lambda maps: (maps / "participants.json").write_text("{"),
        AGE, 65, r"maps/participants.json is not valid JSON: Expecting",
    ),
    "a sidecar that is a list": (
        lambda maps: (maps / "participants.json").write_text("[]"),
        AGE, 65, r"maps/participants.json holds a list, expected an object",
    ),
    "levels that are text": (
        lambda maps: (maps / "participants.json").write_text('{"group": {"Levels": "a"}}'),
        AGE, 65, r'participants.json: Levels of group is "a", expected an object',
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OF_FILES)
def test_files_that_cannot_be_used(case: str, run: Run) -> None:
    spoil, options, expected_code, expected = OF_FILES[case]
    code, message = run(*options, spoil=spoil)
    assert code == expected_code
    assert re.search(expected, message), message


GROUP = ("--group-by", "group")
CONTRAST = (*AGE, "--group-contrast")
OF_OPTIONS: list[tuple[tuple[str, ...], int, str]] = [
    # columns
    (("--covariates", "aeg"), 65, rf"{TABLE} has no column aeg, did you mean age\?; there: age, co"),
    (("--covariates", "Age"), 65, r"has no column Age, did you mean age\?"),
    (("--covariates", "participant_id"), 65, r"participant_id of .*participants.tsv is called subject here"),
    (("--covariates", "one"), 65, r"column one of .* is x for all 10 maps, so that it explains no"),
    (("--covariates", ""), 64, r"argument --covariates: is empty"),
    (("--covariates", "subject"), 65, r"10 maps cannot fit a model of 10 regressors"),
    (("--covariates", "age", "months"), 65, r"collinear: months is a combination of age; leave"),
    (("--group-by", "groups"), 65, rf"{TABLE} has no column groups, did you mean group\?"),
    (("--group-by", "one"), 65, r"column one of .* is x for all 10 maps, so that it expl"),
    (("--group-by", ""), 64, r"argument --group-by: is empty"),
    ((*AGE, "sex", "--participant-label", "01", "02", "03"), 65, r"\(sub-01, sub-02, sub-03\): 3 m"),
    # contrasts
    ((*CONTRAST, "agee"), 65, r"contrast 'agee' names agee, which the model has not; it has inter"),
    (("--group-contrast", "age"), 65, r"names age, which the model has not; it has intercept, mean"),
    ((*CONTRAST, "x=age -"), 65, r"contrast 'age -' is not understood at '-': expected sums like"),
    ((*CONTRAST, "age ** 2"), 65, r"contrast 'age \*\* 2' is not understood at '\*\* 2'"),
    ((*CONTRAST, "x="), 65, r"contrast 'x=' is not NAME=EXPRESSION"),
    ((*CONTRAST, ""), 65, r"contrast '' is not NAME=EXPRESSION"),
    ((*CONTRAST, "x=1/0*age"), 65, r"contrast '1/0\*age' is not understood at '1/0'"),
    ((*CONTRAST, "x=1e400*age"), 65, r"contrast '1e400\*age' is not understood at '1e400'"),
    ((*CONTRAST, "x=age", "x=mean"), 65, r"contrasts x \(age\) and x \(mean\) would have one name"),
    ((*CONTRAST, "x_y=age", "xY=mean"), 65, r"contrasts xY \(age\) and xY \(mean\) would have one"),
    ((*CONTRAST, "f=age, 2*age"), 65, r"f \(age, 2\*age\) tests the same twice: a row is a comb"),
    ((*CONTRAST, "z=0*age"), 65, r"contrast z \(0\*age\) has no weight other than 0"),
    ((*CONTRAST, "age - age"), 65, r"contrast ageVsAge \(age - age\) has no weight other than 0"),
    (
        (*GROUP, "--group-contrast", "group[patients] - group[control]"),
        65, r"has group\[patients\], but the levels of group are control, patient",
    ),
    ((*GROUP, "--group-contrast", "patient - control"), 65, r"names patient, .* group\[control\]"),
    # formulas
    (("--formula", "age", *AGE), 64, r"--formula: is the whole model, without --covariates or"),
    (("--formula", "age", *GROUP), 64, r"--formula: is the whole model, without --covariates or"),
    (("--formula", ""), 64, r"argument --formula: is empty"),
    (("--formula", " "), 64, r"argument --formula: is empty"),
    (("--formula", "0"), 65, r"the model has no regressor, expected the mean \(1\), a column or a"),
    (("--formula", "age +"), 65, r"the formula 'age \+' is not understood: "),
    (("--formula", "1 + (age"), 65, r"the formula '1 \+ \(age' is not understood: "),
    (("--formula", "y ~ age"), 65, r"'y ~ age' has several parts, expected the right-hand side"),
    (("--formula", "foo(age)"), 65, r"'foo\(age\)' has foo, which it may not; it may have columns"),
    (("--formula", "__import__('os')"), 65, r"has __import__, which it may not; it may have columns"),
    (("--formula", "np.loadtxt('x')"), 65, r"has np.loadtxt, which it may not; it may have columns"),
    (("--formula", "np.log(age - 23)"), 65, r"has no value for regressor np.log\(age - 23\) in row 1"),
    (("--formula", "log(group)"), 65, r"takes a function of column group of .*, which holds text"),
    (("--formula", "C(age) + age"), 65, r"uses age both as a number and as a category"),
    (("--formula", "poly(age, 20)"), 65, r"10 maps cannot fit a model of 21 regressors"),
    (("--formula", "session"), 18, r"no map names a session, by which rows of the design should"),
    # Stats Models, estimators, labels
    (("--model", "HERE/no.json"), 64, r"argument --model: .*/no.json is not a file"),
    (("--estimator", "fixed", "--smoothing-fwhm", "5"), 64, r"fixed goes without --smoothing-fwhm"),
    (("--estimator", "fixed", "--input-stat", "z"), 64, r"takes effects and their variances, not z"),
    (("--estimator", "some"), 64, r"--estimator: invalid choice: 'some' \(choose from 'ols', 'fix"),
    (("--input-stat", "z"), 18, r"there is no stat z; there: contrast faces; stat effect, variance"),
    (("--participant-label", "01", "99"), 18, r"1 of 2 subjects asked for are not in .*/maps: 99"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "code", "message"), OF_OPTIONS, ids=[" ".join(one[0]) for one in OF_OPTIONS]
)
def test_options_that_cannot_be(
    options: tuple[str, ...], code: int, message: str, run: Run
) -> None:
    found, told = run(*options)
    assert found == code
    assert re.search(message, told), told


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (with_column("contrast", "1", "2", "3"), ("--covariates", "contrast"), "contrast is both a co"),
        (with_column("class", "a", "b"), ("--group-by", "class"), "column class .* rename the column"),
        (with_column("C", "a", "b"), ("--group-by", "C"), "column C beside functions, one of which is"),
        (with_column("a`b", "a", "b"), ("--group-by", "a`b"), "column a`b has a ` in its name"),
        (with_column("Intercept", "1", "2"), ("--covariates", "Intercept"), "Intercept .* rename it"),
        (with_column("mean", "1", "2"), ("--covariates", "mean"), "called mean, which is the mean of"),
        (with_column("%", "1", "2"), ("--covariates", "%"), "'%' has no letter or digit to make a na"),
        (with_column("g", "a-b", "a_b"), ("--group-by", "g"), r"aB \(g\[a-b\]\) and aB \(g\[a_b\]\)"),
        (with_column("g", "e4+", "e4-"), ("--group-by", "g"), r"e4 \(g\[e4\+\]\) and e4 \(g\[e4-\]\)"),
    ],
)  # fmt: skip
def test_names_that_mean_two_things(
    table: str, options: tuple[str, ...], message: str, run: Run
) -> None:
    code, told = run(*options, table=table)
    assert code == ExitCode.DATA
    assert re.search(message, told), told


FIXED = ("--estimator", "fixed")
OF_REPEATS: list[tuple[str, tuple[str, ...], int, str]] = [
    ("plain", ("--difference", "session=post-pre"), 18, "no map names a session, so that there is no"),
    ("sessions", ("--difference", "session=a-b"), 18, "there is no map of session a; there: session po"),
    ("sessions", ("--difference", "session=Post-pre"), 18, r"no map of session Post, did you mean post"),
    ("sessions", ("--difference", "session=pre-pre"), 64, "pre-pre is not ENTITY=A-B, such as"),
    ("sessions", ("--difference", "post-pre"), 64, "post-pre is not ENTITY=A-B, such as session=post-pr"),
    ("sessions", ("--difference", "season=a-b"), 64, r"names season, did you mean session\?, expected o"),
    ("runs", ("--difference", "run=01-1"), 64, "--difference run=01-1 is of a map and itself"),
    ("runs", ("--difference", "run=a-b"), 64, "--difference of run has 'a', expected a number"),
    ("plain", ("--combine", "run"), 18, "no map names a run, so that there is nothing to combine with"),
    ("plain", ("--combine", "foo"), 64, "--combine names foo, expected one of session, run, echo"),
    ("runs", ("--combine", "session"), 18, "no map names a session, so that there is nothing to combi"),
    ("runs", (), 65, r"sub-01 \(and 9 more subjects\) has 2 maps .* average them with --combine run, or sub"),
    ("sessions", (), 65, r"choose by --session-label post; or average them with --combine session, or"),
    ("sessions", ("--formula", "session"), 65, r"several rows, one for each session, .* add C\(subject"),
    ("sessions", ("--formula", "session*group + C(subject)"), 65, "regressors are collinear: subject"),
    ("sessions", ("--formula", "session + C(subject)", "--combine", "session"), 64, "and the group mod"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "options", "code", "message"),
    OF_REPEATS,
    ids=[" ".join((one[0], *one[1])) for one in OF_REPEATS],
)
def test_several_maps_of_a_subject_that_cannot_be_treated_so(
    kind: str, options: tuple[str, ...], code: int, message: str, run: Run
) -> None:
    found, told = run(*options, kind=kind)
    assert found == code
    assert re.search(message, told), told


@pytest.mark.parametrize(
    ("kind", "options", "spoil", "code", "message"),
    [
        ("plain", FIXED, without("**/*variance*"), 66, r"variance_statmap.nii.gz \(and 9 more\) does not"),
        ("plain", FIXED, without("sub-03/*variance*"), 66, r"sub-03_.*-variance_.*, expected the v"),
        (
            "sessions", ("--difference", "session=post-pre"), without("sub-*[02-9]/ses-pre/*"), 65,
            r"facesPostMinusPre \(sub-01\): 1 map cannot fit a model of 1 regressor",
        ),
        ("sessions", ("--difference", "session=post-pre"), without("**/ses-pre/*effect*"), 18, "no map of"),
        (
            "plain", (),
            lambda maps: (maps / "sub-10/sub-10_contrast-faces_stat-effect_statmap.nii.gz").rename(
                maps / "sub-10/sub-10_space-MNI_contrast-faces_stat-effect_statmap.nii.gz"
            ),
            65, "1 map of contrast faces with a space and 9 of other subjects without: .* choose with",
        ),
    ],
)  # fmt: skip
def test_maps_that_are_not_there(
    kind: str, options: tuple[str, ...], spoil: Spoil, code: int, message: str, run: Run
) -> None:
    found, told = run(*options, kind=kind, spoil=spoil)
    assert found == code
    assert re.search(message, told), told


@pytest.mark.parametrize(
    ("kind", "filters", "code", "message"),
    [
        ("plain", '{"contrats": "faces"}', 65, "filters.json: there is no entity contrats, did you mean co"),
        ("plain", '{"bold": {"session": "x"}}', 65, "filters.json: there is no entity bold"),
        ("plain", "{", 65, "filters.json is not valid JSON"),
        ("plain", "[]", 65, "filters.json holds a list, expected an object of entities"),
        ("plain", '{"contrast": []}', 65, "contrast is an empty list, which nothing matches"),
        ("plain", '{"contrast": "face"}', 18, r"there is no contrast face, did you mean faces\?"),
        ("plain", '{"subject": ["01", "99"]}', 18, "there is no subject 99, .* only subject 01, 02, 03"),
        ("plain", '{"session": "pre"}', 18, "no map there names a session .*leave session of the filters"),
        ("runs", '{"run": [1, 3]}', 18, "there is no run 3, only run 1, 2"),
        ("runs", '{"run": "x"}', 65, 'filters.json: run is "x", expected a number'),
        ("plain", '{"sub": ["sub-01"]}', 65, r"\(sub-01\): 1 map cannot fit a model of 1 regressor"),
    ],
)  # fmt: skip
def test_filters_that_ask_for_what_is_not_there(
    kind: str, filters: str, code: int, message: str, run: Run
) -> None:
    found, told = run(kind=kind, filters=filters)
    assert found == code
    assert re.search(message, told), told


def node(**changed: Any) -> dict[str, Any]:
    """Write a node that works; None takes a key away."""
    whole = {
        "Level": "Dataset",
        "Name": "people",
        "GroupBy": ["contrast"],
        "Model": {"Type": "glm", "X": [1, "age"]},
        "DummyContrasts": {"Test": "t"},
        **changed,
    }
    return {key: value for key, value in whole.items() if value is not None}


def smdl(*nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Name": "m", "BIDSModelVersion": "1.0.0", "Nodes": [*nodes] or [node()], **more}


def of_columns(*columns: Any, **more: Any) -> dict[str, Any]:
    return smdl(node(Model={"Type": "glm", "X": [*columns], **more}))


def weighing(conditions: list[Any], weights: Any, test: str = "t") -> dict[str, Any]:
    one = {"Name": "one", "ConditionList": conditions, "Weights": weights, "Test": test}
    return smdl(node(DummyContrasts=None, Contrasts=[one]))


def transformed(instruction: dict[str, Any], *columns: Any) -> dict[str, Any]:
    steps = {"Transformer": "pybids-transforms-v1", "Instructions": [instruction]}
    return smdl(node(Model={"Type": "glm", "X": [*columns]}, Transformations=steps))


def after(subjects: dict[str, Any]) -> dict[str, Any]:
    first = node(Level="Subject", Name="first", Model={"Type": "meta", "X": [1]})
    edge = {"Source": "first", "Destination": "people", "Filter": subjects}
    return smdl(first, node(), Edges=[edge])


FACTOR = {"Name": "Factor", "Input": ["group"]}
OF_MODELS: dict[str, tuple[Any, int, str]] = {
    "not JSON": ("{", 65, "model-test_smdl.json is not valid JSON: "),
    "a list": ("[]", 65, "is not a BIDS Stats Model: the file: input should be a valid dictionary"),
    "a key that is none": (smdl(node(Foo=1)), 65, "Nodes.0.Foo is not a key of BIDS Stats Models"),
    "a level that is none": (smdl(node(Level="Group")), 65, "Nodes.0.Level: input should be 'Run', "),
    "no node for the group": (smdl(node(Level="Subject")), 65, "has no node of level Dataset, but pe"),
    "two nodes of one name": (smdl(node(), node()), 65, "has two nodes called people"),
    "a node of nodes": (smdl(node(), node(Name="b")), 65, "node b takes the results of node people"),
    "an edge from nowhere": (
        smdl(Edges=[{"Source": "a", "Destination": "people"}]), 65, "an edge of node a; nodes: ",
    ),
    "all contrasts in one": (smdl(node(GroupBy=[])), 65, r"GroupBy is \[\], which pools all first-le"),
    "groups of what is not there": (
        smdl(node(GroupBy=["contrast", "groupp"])), 65, rf"{TABLE} has no column groupp, did you mean gro",
    ),
    "no type": (of_columns(1, Type="foo"), 65, "Nodes.0.Model.Type: input should be 'glm' or 'meta'"),
    "meta": (of_columns(1, Type="meta"), 65, "node people is of type meta, expected glm"),
    "nothing to test": (smdl(node(DummyContrasts=None)), 65, "has neither Contrasts nor DummyContra"),
    "nothing but to pass on": (
        smdl(node(DummyContrasts={"Test": "pass"})), 65, "DummyContrasts have Test pass, expected t or",
    ),
    "no such column": (
        of_columns(1, "aeg"), 65, rf"variable\(s\) \['aeg'\], .*; columns of .*{TABLE}: age, contrast",
    ),
    "no columns": (of_columns(), 65, "X is empty, expected 1 for the mean, or columns"),
    "no column like that": (of_columns(1, "a*", "z*"), 65, r"X has z\*, which no column is called like"),
    "text": (of_columns(1, "group"), 65, "X has group, which holds text: expected Factor among the"),
    "a constant": (of_columns(1, "visits"), 65, "collinear: visits is a combination of intercept"),
    "the same twice": (of_columns(1, "age", "months"), 65, "collinear: months is a combination of age"),
    "a level that is not there": (
        transformed(FACTOR, 1, "group.patients"), 65, r"variable\(s\) \['group.patients'\], but these",
    ),
    "all levels and the mean": (
        transformed(FACTOR, 1, "group.*"), 65, "group.patient is a combination of intercept, group.con",
    ),
    "no such transformation": (transformed({"Name": "Foo", "Input": ["age"]}, 1), 65, "'Foo' found"),
    "a transformation of nothing": (
        transformed({"Name": "Scale"}, 1, "age"), 65, "the transformation Scale has no Input",
    ),
    "a condition that is none": (
        weighing(["aeg"], [1]), 65, "contrast one has aeg, but the design has intercept, age",
    ),
    "a weight too many": (weighing(["age"], [1, 2]), 65, r"a weight for each of 1 conditions, found t"),
    "weights of text": (weighing(["age"], ["x"]), 65, r'contrast one: expected .* found t and \["x"\]'),
    "weights of 0": (weighing(["age"], [0]), 65, "contrast one has no weight other than 0"),
    "rows that depend": (
        weighing([1, "age"], [[1, 1], [2, 2]], "F"), 65, "tests the same twice: a row is a combination",
    ),
    "rows of a t test": (weighing([1, "age"], [[1, 0], [0, 1]]), 65, "one has 2 rows, expected 1 for a"),
    "a function that is none": (
        of_columns("age", Formula="1 + foo(age)"), 65, "smdl.json: node people: .* has foo, which it m",
    ),
    "a formula that runs things": (
        of_columns("age", Formula="__import__('os')"), 65, "node people: .* has __import__, which it ma",
    ),
    "a formula of what is not there": (
        of_columns("age", Formula="1 + bmi"), 65, rf"`bmi` is not present .*; columns of .*{TABLE}: age",
    ),
    "input of nobody": (smdl(Input={"subject": ["99"]}), 18, "Input asks for subject 99"),
    "input of what is no entity": (smdl(Input={"foo": ["1"]}), 65, "Input names foo, which is no ent"),
    "a filter of what is not there": (
        after({"contrast": ["face"]}), 18, r"edge to people asks for contrast face, did you mean faces",
    ),
    "a filter of what is no entity": (after({"foo": ["a"]}), 65, "edge to people names foo, which is n"),
}  # fmt: skip


@pytest.mark.parametrize("case", OF_MODELS)
def test_models_that_cannot_be_used(case: str, run: Run) -> None:
    model, code, message = OF_MODELS[case]
    found, told = run(model=model)
    assert found == code
    assert "model-test_smdl.json" in told
    assert re.search(message, told), told


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (with_cell("age", "n/a"), rf"{TABLE} has n/a in age for 1 subject \(sub-03\), who would"),
        (tsv(ROWS[:-1]), rf"{TABLE} has no row for 1 subject \(sub-10\), who would take part"),
    ],
)
def test_a_model_of_what_is_not_known(table: str, message: str, run: Run) -> None:
    code, told = run(model=smdl(), table=table)
    assert code == ExitCode.DATA
    assert re.search(f"model-test_smdl.json: node people: .*{message}", told), told


def test_a_model_beside_options_that_say_the_same(run: Run) -> None:
    code, told = run(*AGE, model=smdl())
    assert code == ExitCode.USAGE
    assert told == "argument --model: says the same as --covariates: choose"


@pytest.mark.parametrize(
    "table",
    [
        tsv().replace("\n", "\r\n"),
        tsv().replace("\n", "\r"),
        tsv() + "\n\n",
        b"\xef\xbb\xbf" + tsv().encode(),
        tsv().replace("\t", " \t "),
        tsv().replace("sub-", ""),
        tsv(ROWS[::-1]),
        tsv((*ROWS, ("sub-11", "n/a", "n/a", "other", "f", "a", "x", "7"))),
        with_cell("months", "n/a"),
        with_cell("age", "45.0"),
        with_cell("age", "4.5e1"),
    ],
    ids=[
        "CRLF", "CR", "empty lines", "BOM", "spaces", "no sub-", "another order", "others too",
        "n/a in another column", "45.0", "4.5e1",
    ],
)  # fmt: skip
def test_odd_tables_that_say_the_same_make_the_same_design(
    table: str | bytes, command: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = command("--covariates", "age", "sex", *GROUP, "--dry-run")
    designs = []
    for content in (tsv(), table):
        written = content if isinstance(content, bytes) else content.encode()
        (Path(arguments[0]) / "participants.tsv").write_bytes(written)
        assert main(arguments) == ExitCode.OK
        designs.append(capsys.readouterr().out.partition("# design")[2])
    assert "centred: age less 37.6" in designs[0]
    assert designs[0] == designs[1]


@pytest.mark.parametrize(
    ("name", "values", "called"),
    [
        ("age at scan", ("1", "2", "5"), "ageAtScan"),
        ("age-at-scan", ("1", "2", "5"), "ageAtScan"),
        ("Größe", ("1", "2", "5"), "Grosse"),
        ("年齢", ("1", "2", "5"), "u5e74u9f62"),
        ("a,b", ("1", "2", "5"), "aB"),
        ("a[b]", ("1", "2", "5"), "aB"),
        ("x*", ("1", "2", "5"), "x"),
        ("C", ("1", "2", "5"), "C"),
        ("0", ("1", "2", "5"), "0"),
        ("<b>", ("1", "2", "5"), "b"),
        ("Gruppe", ("Müller", "Ångström"), "AngstromVsMuller"),
        ("g", ("患者", "対照"), "u60a3u8005VsU5bfeu7167"),
        ("g", ("a,b", "c d"), "cDVsAB"),
        ("g", ("T.a", "a"), "aVsTA"),
        ("g", ("{a}", "b'"), "gAVsB"),
        ("very " * 60, ("1", "2", "5"), "veryVery"),
    ],
)
def test_odd_names_of_columns_and_levels(
    name: str, values: tuple[str, ...], called: str, dry: Dry
) -> None:
    told = dry("--covariates", name.strip(), table=with_column(name.strip(), *values))
    tested = told.partition("# contrasts, each a family of its own\n")[2].strip().splitlines()
    assert len(tested) == 3  # the names of the columns, the mean, what was asked for
    assert tested[2].startswith(called)
    titles = told.splitlines()[0].removeprefix("# ").split(", ")
    assert len(titles) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,200}", one) for one in titles)


def test_a_group_of_one_is_a_group_and_said(
    command: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    table = tsv(
        [(*row[:3], "patient" if at else "control", *row[4:]) for at, row in enumerate(ROWS)]
    )
    assert main([*command(*GROUP, table=table), "--dry-run"]) == ExitCode.OK
    told = capsys.readouterr()
    assert "group: the model fits 1 of 10 maps exactly" in told.err
    assert "regressor for each alone: sub-01" in told.err
    assert "8 degrees of freedom" in told.out


def test_a_raw_dataset_without_a_table(
    trees: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maps = Path(shutil.copytree(trees / "plain", tmp_path / "maps"))
    (maps / "participants.tsv").unlink()
    (tmp_path / "raw").mkdir()
    places = [str(tmp_path / "raw"), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    assert main([*places, "-d", str(maps), *AGE]) == ExitCode.NO_INPUT
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"bids-ari: error: there is no participants.tsv in {tmp_path / 'raw'} or {maps}, expected "
        f"one with age, or another table with --participants"
    )
    assert not (tmp_path / "out").exists()
