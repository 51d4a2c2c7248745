import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bids_ari.errors import ExitCode, InputError
from bids_ari.inputs import find_atlas, parse_atlas

ASK = """
import json, socket, sys
import requests
from bids_ari.errors import InputError
from bids_ari.inputs import find_atlas

def no_network(*args, **kwargs):
    raise OSError("the network was asked for")

socket.socket.connect = socket.getaddrinfo = no_network
server = sys.argv[1]

class Answer:
    def __init__(self, status_code, body, length):
        self.status_code, self.body, self.headers = status_code, body, {"content-length": length}

    def iter_content(self, size):
        yield self.body
        if server == "stops":
            raise requests.exceptions.ConnectionError("reset")

ANSWERS = {
    "whole": Answer(200, b"image", 5),
    "short": Answer(200, b"ima", 5),
    "stops": Answer(200, b"ima", 5),
    "forbids": Answer(403, b"", 0),
}
if server in ANSWERS:
    requests.get = lambda *args, **kwargs: ANSWERS[server]
told = []
for spec, space, voxel_size in json.load(sys.stdin):
    try:
        atlas = find_atlas(spec, space=space, voxel_size=voxel_size)
        told.append((atlas.name, atlas.image.name, atlas.names and atlas.names.name))
    except InputError as error:
        told.append((int(error.exit_code), str(error)))
json.dump(told, sys.stdout)
"""
"""Questions to a process of its own: TemplateFlow reads its settings when it is imported."""

MNI = "tpl-MNI/tpl-MNI"
FILES = (
    f"{MNI}_atlas-Lobes_dseg.tsv",
    f"{MNI}_res-01_atlas-Lobes_dseg.nii.gz",
    f"{MNI}_res-02_atlas-Lobes_dseg.nii.gz",
    f"{MNI}_atlas-Parcels_dseg.tsv",
    f"{MNI}_atlas-Parcels_desc-20p_dseg.tsv",
    f"{MNI}_res-01_atlas-Parcels_desc-20p_dseg.nii.gz",
    f"{MNI}_res-01_atlas-Parcels_desc-100p_dseg.nii.gz",
    f"{MNI}_res-01_atlas-Parcels_dseg.nii.gz",
    f"{MNI}_res-01_atlas-Parcels_stat-confidence_dseg.nii.gz",
    f"{MNI}_res-01_atlas-Dictionary_desc-64_probseg.nii.gz",
    f"{MNI}_res-02_seg-aseg_dseg.nii.gz",
    f"{MNI}_res-02_desc-brain_mask.nii.gz",
    "tpl-Rat/tpl-Rat_res-1_atlas-Old_dseg.nii.gz",
    "tpl-Rat/tpl-Rat_res-2_atlas-Old_dseg.nii.gz",
    "tpl-Infant/cohort-1/tpl-Infant_cohort-1_atlas-Lobes_dseg.nii.gz",
    "tpl-Infant/cohort-2/tpl-Infant_cohort-2_atlas-Lobes_dseg.nii.gz",
    "tpl-Bare/tpl-Bare_T1w.nii.gz",
)
EMPTY = (f"{MNI}_res-01_atlas-Absent_dseg.nii.gz", f"{MNI}_atlas-Absent_dseg.tsv")


def make_home(home: Path) -> Path:
    for name in (*FILES, *EMPTY):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("" if name in EMPTY else "content")
    res = {"01": {"zooms": [1.0, 1.0, 1.0]}, "02": {"zooms": [2.0, 2.0, 2.0]}}
    (home / "tpl-MNI" / "template_description.json").write_text(json.dumps({"res": res}))
    return home


def ask(home: Path, queries: list[tuple[str, str, float]], server: str = "offline") -> list[Any]:
    done = subprocess.run(
        [sys.executable, "-c", ASK, server],
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
    return [tuple(one) for one in json.loads(done.stdout)]


FOUND = {
    ("Lobes", "MNI", 1.9): ("Lobes", "res-02_atlas-Lobes", "atlas-Lobes"),
    ("Lobes", "MNI", 1.2): ("Lobes", "res-01_atlas-Lobes", "atlas-Lobes"),
    ("Lobes", "MNI", 1.5): ("Lobes", "res-01_atlas-Lobes", "atlas-Lobes"),
    ("Lobes:res=1", "MNI", 4.0): ("Lobes", "res-01_atlas-Lobes", "atlas-Lobes"),
    ("Lobes:template=MNI", "T1w", 4.0): ("Lobes", "res-02_atlas-Lobes", "atlas-Lobes"),
    ("Lobes:tpl=MNI,resolution=02", "", 1.0): ("Lobes", "res-02_atlas-Lobes", "atlas-Lobes"),
    ("Parcels:desc=20p", "MNI", 2.0): (
        "Parcels 20p",
        "res-01_atlas-Parcels_desc-20p",
        "atlas-Parcels_desc-20p",
    ),
    ("Parcels:desc=100p", "MNI", 2.0): (
        "Parcels 100p",
        "res-01_atlas-Parcels_desc-100p",
        "atlas-Parcels",
    ),
    ("Parcels:desc=none", "MNI", 2.0): ("Parcels", "res-01_atlas-Parcels", "atlas-Parcels"),
    ("aseg", "MNI", 2.0): ("aseg", "res-02_seg-aseg", None),
}
REFUSED = {
    ("Parcels", "MNI", 2.0): (
        ExitCode.USAGE,
        (
            "3 images match atlas Parcels of template MNI in {home}, say which: "
            "desc=20p, 100p or none"
        ),
    ),
    ("Parcels:desc=30p", "MNI", 2.0): (
        ExitCode.NO_INPUT,
        (
            "atlas Parcels of template MNI in {home} does not come with desc=30p; it has "
            "desc=20p, 100p or none"
        ),
    ),
    ("lobe", "MNI", 2.0): (
        ExitCode.NO_INPUT,
        (
            "there is no atlas lobe of template MNI in {home}, did you mean Lobes?; it has Absent, "
            "Lobes, Parcels, aseg"
        ),
    ),
    ("Dictionary", "MNI", 2.0): (
        ExitCode.NO_INPUT,
        (
            "there is no atlas Dictionary of template MNI in {home}; it has Absent, Lobes, Parcels, "
            "aseg"
        ),
    ),
    ("Lobes", "Bare", 2.0): (
        ExitCode.NO_INPUT,
        "there is no atlas Lobes of template Bare in {home}; it has none",
    ),
    ("Lobes", "native", 2.0): (
        ExitCode.NO_INPUT,
        (
            "there is no template native in {home}; it has Bare, Infant, MNI, Rat; give the one of "
            "the maps with template="
        ),
    ),
    ("Lobes", "", 2.0): (
        ExitCode.USAGE,
        (
            "atlas Lobes: the maps do not say in which space they are, give the template: "
            "Lobes:template=MNI152NLin2009cAsym"
        ),
    ),
    ("Old", "Rat", 2.0): (
        ExitCode.USAGE,
        (
            "atlas Old of template Rat in {home} has several resolutions whose voxel sizes are not "
            "told, say which: resolution=1 or 2"
        ),
    ),
    ("Lobes", "Infant", 2.0): (
        ExitCode.USAGE,
        "2 images match atlas Lobes of template Infant in {home}, say which: cohort=1 or 2",
    ),
}
PREFETCH = (
    "fetch it where there is a network: python -c "
    "\"from templateflow import api; api.get('MNI', atlas='Absent', suffix='dseg')\", "
    "and set TEMPLATEFLOW_HOME to that folder"
)
ABSENT = ("Absent", "MNI", 2.0)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("templateflow"))


@pytest.fixture(scope="module")
def answers(home: Path) -> dict[tuple[str, str, float], Any]:
    queries = [*FOUND, *REFUSED, ("Lobes", "Infant+2", 2.0), ABSENT]
    return dict(zip(queries, ask(home, queries), strict=True))


@pytest.mark.parametrize("query", FOUND, ids=str)
def test_templateflow_is_asked_for_the_atlas_in_the_space_of_the_maps(
    query: tuple[str, str, float], answers: dict[tuple[str, str, float], Any]
) -> None:
    name, image, names = FOUND[query]
    table = f"tpl-MNI_{names}_dseg.tsv" if names else None
    assert answers[query] == (name, f"tpl-MNI_{image}_dseg.nii.gz", table)


@pytest.mark.parametrize("query", REFUSED, ids=str)
def test_what_templateflow_has_not_is_refused_with_what_it_has(
    query: tuple[str, str, float], answers: dict[tuple[str, str, float], Any], home: Path
) -> None:
    code, message = REFUSED[query]
    assert answers[query] == (code, message.format(home=home))


def test_the_cohort_may_come_with_the_space(
    answers: dict[tuple[str, str, float], Any],
) -> None:
    image = "tpl-Infant_cohort-2_atlas-Lobes_dseg.nii.gz"
    assert answers["Lobes", "Infant+2", 2.0] == ("Lobes", image, None)


def test_a_table_of_ones_own_goes_before_that_of_templateflow(home: Path, tmp_path: Path) -> None:
    touch(tmp_path / "mine.csv")
    spec = f"Lobes:res=2,names={tmp_path / 'mine.csv'}"
    image = "tpl-MNI_res-02_atlas-Lobes_dseg.nii.gz"
    assert ask(home, [(spec, "MNI", 2.0)]) == [("Lobes", image, "mine.csv")]


def test_offline_a_line_says_what_to_fetch_beforehand(
    answers: dict[tuple[str, str, float], Any], home: Path
) -> None:
    name = "tpl-MNI_res-01_atlas-Absent_dseg.nii.gz"
    message = f"{name} is not in {home} and cannot be downloaded (ConnectionError); {PREFETCH}"
    assert answers[ABSENT] == (ExitCode.NO_INPUT, message)
    assert (home / "tpl-MNI" / name).read_bytes() == b""


@pytest.mark.parametrize(
    ("server", "why"),
    [
        ("short", "ERROR, something went wrong"),
        ("stops", "ConnectionError"),
        ("forbids", "status code 403"),
    ],
)
def test_nothing_is_left_of_a_download_that_failed(server: str, why: str, tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    [(code, message)] = ask(home, [ABSENT], server)
    assert code == ExitCode.NO_INPUT
    assert why in message
    assert message.endswith(PREFETCH)
    assert all((home / name).read_bytes() == b"" for name in EMPTY)


def test_an_atlas_that_is_not_there_is_downloaded_with_its_names(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    # an error page of the server, which earlier versions saved as the file
    (home / EMPTY[0]).write_text("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>")
    assert ask(home, [ABSENT], "whole") == [
        ("Absent", "tpl-MNI_res-01_atlas-Absent_dseg.nii.gz", "tpl-MNI_atlas-Absent_dseg.tsv")
    ]
    assert [(home / name).read_bytes() for name in EMPTY] == [b"image", b"image"]


def test_a_new_folder_of_templateflow_needs_no_network_to_know_its_atlases(
    tmp_path: Path,
) -> None:
    home = tmp_path / "new"
    [(code, message)] = ask(home, [("HOCPA", "MNI152NLin2009cAsym", 2.0)])
    assert code == ExitCode.USAGE
    assert "say which: desc=th0, th25 or th50" in message


def test_a_folder_of_templateflow_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    [(code, message)] = ask(tmp_path / "file" / "home", [ABSENT])
    assert code == ExitCode.NO_INPUT
    assert message.startswith("the folder of TemplateFlow cannot be used: ")
    assert "set TEMPLATEFLOW_HOME to one that can be written to" in message


def test_the_import_of_templateflow_waits_until_it_is_asked() -> None:
    code = (
        "import sys; from bids_ari.inputs import parse_atlas; parse_atlas('HOCPA:desc=th0'); "
        "sys.exit('templateflow' in sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


@pytest.mark.parametrize(
    ("text", "name", "entities", "names"),
    [
        ("HOCPA", "HOCPA", {}, None),
        ("HOCPA:desc=th0,resolution=2", "HOCPA", {"desc": "th0", "res": "2"}, None),
        ("A:template=MNI, seg=7n", "A", {"tpl": "MNI", "seg": "7n"}, None),
        ("A:description=x,names=d/t.tsv", "A", {"desc": "x"}, Path("d/t.tsv")),
        ("A:names=d/t.tsv", "A", {}, Path("d/t.tsv")),
    ],
)
def test_a_name_is_read_with_its_entities(
    text: str, name: str, entities: dict[str, str], names: Path | None
) -> None:
    spec = parse_atlas(text)
    assert (spec.name, spec.image) == (name, None)
    assert (spec.entities, spec.names) == (entities, names)


@pytest.mark.parametrize(
    ("text", "image", "names"),
    [
        ("a.nii.gz", "a.nii.gz", None),
        ("./HOCPA", "HOCPA", None),
        ("d/a=b:c.nii", "d/a=b:c.nii", None),
        ("a.nii:names=b:c.csv", "a.nii", "b:c.csv"),
    ],
)
def test_what_looks_like_a_file_is_one(text: str, image: str, names: str | None) -> None:
    spec = parse_atlas(text)
    assert (spec.name, spec.image) == ("", Path(image))
    assert spec.names == (Path(names) if names else None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"atlas '': expected a label image, or NAME\[:key=value,...\]"),
        ("HOCPA:", r"atlas 'HOCPA:': expected a label image, or NAME"),
        ("Harvard Oxford", r"atlas 'Harvard Oxford': expected a label image, or NAME"),
        ("HOCPA:dsec=th0", r"atlas HOCPA:dsec=th0: there is no key 'dsec', did you mean desc\?"),
        ("HOCPA:desc", r"atlas HOCPA:desc: desc has no value, expected key=value"),
        ("HOCPA:res=1,resolution=2", r"resolution=2: resolution is there twice"),
        ("a.nii.gz:desc=x", r"atlas a.nii.gz:desc=x: a file can be followed by :names=TABLE only"),
        ("a.nii.gz:names=", r"atlas a.nii.gz:names=: there is no file after names="),
    ],
)
def test_what_is_no_atlas_is_a_usage_error(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse_atlas(text)
    assert caught.value.exit_code == ExitCode.USAGE


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def find(image: Path | str) -> tuple[str, str | None]:
    atlas = find_atlas(str(image), space="", voxel_size=2.0)
    return atlas.name, atlas.names.name if atlas.names else None


@pytest.mark.parametrize("extension", ["tsv", "csv", "txt"])
def test_the_table_of_the_same_name_is_taken_first(extension: str, tmp_path: Path) -> None:
    image = tmp_path / "lobes_dseg.nii.gz"
    touch(image, tmp_path / f"lobes_dseg.{extension}", tmp_path / "dseg.tsv")
    assert find(image) == ("lobes_dseg", f"lobes_dseg.{extension}")


def test_a_table_applies_by_inheritance(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "a" / "b" / "c"
    image = folder / "atlas-A_space-MNI_res-2_desc-20p_dseg.nii.gz"
    others = "atlas-A_desc-30p_dseg.tsv", "atlas-A_desc-20p_probseg.tsv", "seg-B_dseg.tsv"
    touch(image, *(folder / name for name in others), tmp_path / "dseg.tsv")
    assert find(image) == ("A 20p", None)
    assert caplog.messages == [
        (
            f"there is no table of names for {image}: its regions are called by number; names= tells "
            f"one"
        )
    ]
    for table in (
        tmp_path / "a" / "atlas-A_dseg.tsv",
        tmp_path / "a" / "b" / "dseg.tsv",
        folder / "atlas-A_dseg.tsv",
        folder / "atlas-A_desc-20p_dseg.tsv",
    ):
        touch(table)
        assert find_atlas(str(image), space="", voxel_size=2.0).names == table
    touch(folder / "atlas-A_res-2_dseg.tsv")
    with pytest.raises(InputError, match=r"has 2 tables of names, .*: say which with names="):
        find(image)
    assert find(f"{image}:names={tmp_path / 'dseg.tsv'}") == ("A 20p", "dseg.tsv")


def test_a_table_of_another_atlas_in_the_folder_is_not_taken(tmp_path: Path) -> None:
    image = tmp_path / "yeo_dseg.nii.gz"
    touch(image, tmp_path / "aal_dseg.tsv", tmp_path / "dseg.tsv")
    assert find(str(image)) == ("yeo_dseg", None)
    touch(tmp_path / "yeo_dseg.tsv")
    assert find(str(image)) == ("yeo_dseg", "yeo_dseg.tsv")


def test_an_atlas_of_another_space_is_said_aloud(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    image = tmp_path / "tpl-MNI152NLin6Asym_atlas-A_dseg.nii.gz"
    touch(image)
    find_atlas(str(image), space="MNI152NLin6Asym", voxel_size=2)
    assert "is in space" not in caplog.text
    find_atlas(str(image), space="MNI152NLin2009cAsym", voxel_size=2)
    assert "is in space MNI152NLin6Asym, the maps are in MNI152NLin2009cAsym" in caplog.text


def test_an_image_without_suffix_takes_no_table_by_inheritance(tmp_path: Path) -> None:
    touch(tmp_path / "lobes.nii", tmp_path / "dseg.tsv")
    assert find(tmp_path / "lobes.nii") == ("lobes", None)


def test_a_relative_name_is_a_file_if_it_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path / "HOCPA")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"HOCPA is no volume, expected a label image in .nii"):
        find("HOCPA")


def test_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    link, image = tmp_path / "link.nii.gz", tmp_path / "a.nii"
    link.symlink_to(tmp_path / "annex")
    touch(image)
    for text, message in (
        (str(tmp_path / "no.nii"), r"no.nii does not exist"),
        (str(link), r"link.nii.gz is a link to content that is not there: fetch it first"),
        (f"{tmp_path}/", r"is a folder, expected a file"),
        (f"{image}:names={tmp_path / 'no.tsv'}", r"no.tsv does not exist"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            find(text)
        assert caught.value.exit_code == ExitCode.NO_INPUT


@pytest.mark.parametrize("name", ["lobes_dseg.nii.gz", "atlas-A_res-2_desc-20p_dseg.nii", "x.nii"])
def test_a_file_is_called_the_same_before_it_is_found(name: str, tmp_path: Path) -> None:
    image = tmp_path / name
    touch(image)
    table = tmp_path / "names.tsv"
    touch(table)
    for text in (str(image), f"{image}:names={table}"):
        assert parse_atlas(text).called == find_atlas(text, space="", voxel_size=2.0).name


def test_an_atlas_of_a_template_is_called_by_what_is_asked_of_it() -> None:
    assert parse_atlas("HOCPA:desc=th25,res=2").called == "HOCPA th25"
    assert parse_atlas("HOCPA:desc=none").called == "HOCPA"
