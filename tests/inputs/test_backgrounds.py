"""What is drawn behind the maps: found by name in TemplateFlow, or as a file."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bids_ari.errors import ExitCode, InputError
from bids_ari.inputs import find_template

WriteImage = Callable[[str, NDArray[np.floating]], Path]

ASK = """
import json, socket, sys
from bids_ari.errors import InputError
from bids_ari.inputs import find_template

def no_network(*args, **kwargs):
    raise OSError("the network was asked for")

socket.socket.connect = socket.getaddrinfo = no_network
told = []
for spec, spaces in json.load(sys.stdin):
    try:
        found = find_template(spec, spaces)
        told.append((found.space, found.image.name, found.mask and found.mask.name))
    except InputError as error:
        told.append((int(error.exit_code), str(error)))
json.dump(told, sys.stdout)
"""
"""Questions to a process of its own: TemplateFlow reads its settings when it is imported."""

FILES = (
    "tpl-MNI/tpl-MNI_res-01_T1w.nii.gz",
    "tpl-MNI/tpl-MNI_res-01_desc-brain_T1w.nii.gz",
    "tpl-MNI/tpl-MNI_res-02_desc-brain_T1w.nii.gz",
    "tpl-MNI/tpl-MNI_res-01_desc-skull_T1w.nii.gz",
    "tpl-Head/tpl-Head_res-1_T1w.nii.gz",
    "tpl-Head/tpl-Head_res-2_T1w.nii.gz",
    "tpl-Head/tpl-Head_res-1_desc-brain_mask.nii.gz",
    "tpl-Head/tpl-Head_res-2_desc-brain_mask.nii.gz",
    "tpl-Bare/tpl-Bare_T1w.nii.gz",
    "tpl-Functional/tpl-Functional_res-1_bold.nii.gz",
    "tpl-Infant/cohort-1/tpl-Infant_cohort-1_res-1_T1w.nii.gz",
    "tpl-Infant/cohort-2/tpl-Infant_cohort-2_res-1_T1w.nii.gz",
    "tpl-Infant/cohort-2/tpl-Infant_cohort-2_res-1_desc-brain_mask.nii.gz",
)
EMPTY = "tpl-Absent/tpl-Absent_res-01_desc-brain_T1w.nii.gz"
SIZES = {
    "MNI": {"01": 0.5, "02": 1.2},
    "Head": {"1": 1.0, "2": 2.0},
}
FOUND = {
    ("MNI", ()): ("MNI", "tpl-MNI_res-02_desc-brain_T1w.nii.gz", None),
    ("Head", ("MNI",)): (
        "Head",
        "tpl-Head_res-1_T1w.nii.gz",
        "tpl-Head_res-1_desc-brain_mask.nii.gz",
    ),
    ("Bare", ()): ("Bare", "tpl-Bare_T1w.nii.gz", None),
    ("Infant+1", ("Infant+2",)): ("Infant+1", "tpl-Infant_cohort-1_res-1_T1w.nii.gz", None),
    ("Infant", ("Infant+2", "MNI", "Infant+2")): (
        "Infant+2",
        "tpl-Infant_cohort-2_res-1_T1w.nii.gz",
        "tpl-Infant_cohort-2_res-1_desc-brain_mask.nii.gz",
    ),
}
REFUSED = {
    ("Infant", ()): (
        ExitCode.USAGE,
        "template Infant in {home} has the cohorts 1, 2: say which, as Infant+1",
    ),
    ("Infant", ("Infant+1", "Infant+2")): (
        ExitCode.USAGE,
        "template Infant in {home} has the cohorts 1, 2: say which, as Infant+1",
    ),
    ("Infant+7", ()): (
        ExitCode.NO_INPUT,
        "template Infant in {home} has no cohort 7; it has 1, 2",
    ),
    ("MNI+2", ()): (ExitCode.NO_INPUT, "template MNI in {home} has no cohort 2; it has none"),
    ("Functional", ()): (
        ExitCode.NO_INPUT,
        "template Functional in {home} has no T1-weighted image to draw behind the maps: give a file",
    ),
    ("MIN", ()): (
        ExitCode.NO_INPUT,
        (
            "there is no template MIN in {home}, did you mean MNI?; it has Absent, Bare, Functional, "
            "Head, Infant, MNI; a file can be given too"
        ),
    ),
    ("Absent", ()): (
        ExitCode.NO_INPUT,
        (
            "tpl-Absent_res-01_desc-brain_T1w.nii.gz is not in {home} and cannot be downloaded "
            '(ConnectionError); fetch it where there is a network: python -c "from templateflow '
            "import api; api.get('Absent', desc='brain', suffix='T1w')\", and set TEMPLATEFLOW_HOME "
            "to that folder"
        ),
    ),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("templateflow")
    for name in (*FILES, EMPTY):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("" if name == EMPTY else "content")
    for name, sizes in SIZES.items():
        res = {key: {"zooms": [size] * 3} for key, size in sizes.items()}
        (home / f"tpl-{name}" / "template_description.json").write_text(json.dumps({"res": res}))
    return home


@pytest.fixture(scope="module")
def answers(home: Path) -> dict[Any, Any]:
    queries = [*FOUND, *REFUSED]
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        input=json.dumps(queries),
        env={
            **os.environ,
            "TEMPLATEFLOW_HOME": str(home),
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(queries, map(tuple, json.loads(done.stdout)), strict=True))


@pytest.mark.parametrize("query", FOUND, ids=str)
def test_the_brain_of_a_template_is_taken_nearest_to_a_millimetre(
    query: tuple[str, tuple[str, ...]], answers: dict[Any, Any]
) -> None:
    assert answers[query] == FOUND[query]


@pytest.mark.parametrize("query", REFUSED, ids=str)
def test_what_cannot_be_drawn_is_refused_with_what_there_is(
    query: tuple[str, tuple[str, ...]], answers: dict[Any, Any], home: Path
) -> None:
    code, message = REFUSED[query]
    assert answers[query] == (code, message.format(home=home))


def test_a_file_is_taken_as_it_is(write_image: WriteImage, rng: np.random.Generator) -> None:
    path = write_image("my brain.nii.gz", rng.random((7, 8, 9)))
    found = find_template(str(path), ["MNI152NLin2009cAsym"])
    assert found is not None
    assert (found.name, found.space) == ("my brain.nii.gz", "")
    assert (found.image, found.mask) == (path, None)


def test_the_default_needs_nothing() -> None:
    assert find_template("default", []) is None


@pytest.mark.parametrize(
    ("text", "message", "code"),
    [
        ("no.nii.gz", r"no.nii.gz does not exist", ExitCode.NO_INPUT),
        ("some/where", r"some/where does not exist", ExitCode.NO_INPUT),
        ("two words", r"template 'two words': expected NAME or NAME\+COHORT", ExitCode.USAGE),
        ("MNI+", r"template 'MNI\+': expected NAME or NAME\+COHORT", ExitCode.USAGE),
    ],
)
def test_what_is_neither_file_nor_template_is_an_error(
    text: str, message: str, code: ExitCode
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        find_template(text, [])
    assert caught.value.exit_code == code


def test_an_image_that_cannot_be_drawn_is_named(write_image: WriteImage, tmp_path: Path) -> None:
    empty = write_image("empty.nii.gz", np.zeros((7, 8, 9)))
    with pytest.raises(InputError, match=r"empty.nii.gz has no voxel above 0, expected an image"):
        find_template(str(empty), [])
    series = write_image("series.nii.gz", np.ones((7, 8, 9, 2)))
    with pytest.raises(InputError, match=r"series.nii.gz"):
        find_template(str(series), [])
    text = tmp_path / "text.nii.gz"
    text.write_text("no image")
    with pytest.raises(InputError, match=r"text.nii.gz"):
        find_template(str(text), [])
    other = tmp_path / "brain.mgz"
    other.touch()
    with pytest.raises(InputError, match=r"brain.mgz is no volume, expected an image in .nii"):
        find_template(str(other), [])
