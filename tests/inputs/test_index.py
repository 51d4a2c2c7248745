import json
import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from bids_ari.errors import ExitCode, InputError
from bids_ari.inputs import collect, index
from bids_ari.inputs.scan import Scan

WriteDataset = Callable[..., Path]
Names = Callable[..., list[str]]
OLD = "using the index in"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    caplog.set_level(logging.INFO, logger="bids_ari")

    def take() -> str:
        text = caplog.text
        caplog.clear()
        return text

    return take


def test_a_database_answers_another_query(
    write_dataset: WriteDataset, generic_names: Names, tmp_path: Path, log: Callable[[], str]
) -> None:
    root = write_dataset(generic_names())
    collect(root, contrast=["win"], participant_label=["02"], database_dir=tmp_path / "db")
    assert "indexing all 18 first-level maps into" in log()
    analyses = collect(root, input_stat="t", database_dir=tmp_path / "db")
    assert analyses == collect(root, input_stat="t")
    assert len(analyses) == 2
    assert OLD in log()
    assert {path.name for path in (tmp_path / "db" / "firstlevel").iterdir()} == {
        "fingerprint.json",
        "layout_index.sqlite",
    }


def test_pybids_itself_can_open_the_database(
    write_dataset: WriteDataset, generic_names: Names, tmp_path: Path
) -> None:
    from bids.layout import BIDSLayout

    names = [name.replace("_space", "_run-02_space") for name in generic_names()]
    root = write_dataset(names)
    collect(root, database_dir=tmp_path / "db")
    layout = BIDSLayout(root, validate=False, database_path=tmp_path / "db" / "firstlevel")
    files = layout.get(contrast="win", stat="t", run=2, suffix="statmap", extension=".nii.gz")
    assert {one.entities["run"] for one in files} == {2}
    assert [one.entities["subject"] for one in files] == ["01", "02", "03"]


@pytest.mark.parametrize("change", ["more", "fewer", "longer", "newer", "renamed"])
def test_other_files_are_noticed(
    write_dataset: WriteDataset,
    generic_names: Names,
    tmp_path: Path,
    log: Callable[[], str],
    change: str,
) -> None:
    names = generic_names(contrasts=["win"])
    root = write_dataset(names)
    collect(root, database_dir=tmp_path / "db")
    log()
    last = root / generic_names(["03"], ["win"], ["effect"])[0]
    if change == "more":
        write_dataset(generic_names(["04"], ["win"]))
    elif change == "fewer":
        last.unlink()
    elif change == "longer":
        status = last.stat()
        last.write_text("longer")
        os.utime(last, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif change == "newer":
        os.utime(last, ns=(0, 0))
    else:
        last.rename(last.with_name(last.name.replace("win", "lose")))
    analyses = collect(root, contrast=["win"], database_dir=tmp_path / "db")
    assert "the one there was made with other maps" in log()
    n_maps = {"more": 4, "fewer": 2, "longer": 3, "newer": 3, "renamed": 2}[change]
    assert [len(one.maps) for one in analyses] == [n_maps]
    collect(root, contrast=["win"], database_dir=tmp_path / "db")
    assert OLD in log()


def test_another_dataset_is_noticed(
    write_dataset: WriteDataset, generic_names: Names, tmp_path: Path, log: Callable[[], str]
) -> None:
    one, other = (write_dataset(generic_names(), at=name) for name in ("one", "other"))
    collect(one, database_dir=tmp_path / "db")
    log()
    (lose, _) = collect(other, database_dir=tmp_path / "db")
    assert f"the one there is of {one}" in log()
    assert lose.maps[0].path.is_relative_to(other)


def test_another_configuration_is_noticed(
    write_dataset: WriteDataset,
    generic_names: Names,
    tmp_path: Path,
    log: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = write_dataset(generic_names())
    collect(root, database_dir=tmp_path / "db")
    log()
    monkeypatch.setattr(index, "CONFIG", {**index.CONFIG, "default_path_patterns": []})
    monkeypatch.setattr(index, "version", lambda _: "0.0")
    collect(root, database_dir=tmp_path / "db")
    assert "the one there was made with other configuration and pybids" in log()


def test_another_space_of_the_dataset_is_noticed(
    write_dataset: WriteDataset, tmp_path: Path, log: Callable[[], str]
) -> None:
    name = "node-s/sub-{}/sub-{}_contrast-c_stat-effect_statmap.nii.gz"
    for space in ("A", "B"):
        description = {"PipelineDescription": {"Name": "FitLins", "Parameters": {"space": space}}}
        root = write_dataset([name.format(i, i) for i in "12"], description=description)
        (one,) = collect(root, space=[space], database_dir=tmp_path / "db")
        assert one.entities["space"] == space
    assert "the one there was made with other configuration" in log()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("no fingerprint", "has no readable fingerprint"),
        ("half a fingerprint", "has no readable fingerprint"),
        ("a list", "has no readable fingerprint"),
        ("half a database", "has another size than when it was made"),
        ("no database", "there is none yet"),
    ],
)
def test_half_a_database_is_made_anew(
    write_dataset: WriteDataset,
    generic_names: Names,
    tmp_path: Path,
    log: Callable[[], str],
    damage: str,
    reason: str,
) -> None:
    root = write_dataset(generic_names())
    expected = collect(root, database_dir=tmp_path / "db")
    log()
    database = tmp_path / "db" / "firstlevel" / "layout_index.sqlite"
    fingerprint = database.with_name("fingerprint.json")
    if damage == "no fingerprint":
        fingerprint.unlink()
    elif damage == "half a fingerprint":
        fingerprint.write_text(fingerprint.read_text()[:20])
    elif damage == "a list":
        fingerprint.write_text("[]")
    elif damage == "half a database":
        database.write_bytes(database.read_bytes()[:5000])
    else:
        database.unlink()
    assert collect(root, database_dir=tmp_path / "db") == expected
    assert reason in log()


def test_an_indexing_that_is_cut_short_leaves_nothing_to_trust(
    write_dataset: WriteDataset,
    generic_names: Names,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = write_dataset(generic_names(["01"]))
    collect(root, database_dir=tmp_path / "db")
    write_dataset(generic_names(["02"]))
    folder = tmp_path / "db" / "firstlevel"
    before = json.loads((folder / "fingerprint.json").read_text())

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(index, "_filler", lambda _: interrupt)
        with pytest.raises(KeyboardInterrupt):
            collect(root, database_dir=tmp_path / "db")
    assert json.loads((folder / "fingerprint.json").read_text()) == before
    assert sorted(path.name for path in folder.iterdir()) == [
        "fingerprint.json",
        "layout_index.sqlite",
    ]
    with sqlite3.connect(folder / "layout_index.sqlite") as connection:
        assert connection.execute("select count(*) from files").fetchone() == (6,)


def test_a_new_database_never_stands_beside_an_old_fingerprint(
    write_dataset: WriteDataset,
    generic_names: Names,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    log: Callable[[], str],
) -> None:
    root = write_dataset(generic_names(["01"]))
    collect(root, database_dir=tmp_path / "db")
    write_dataset(generic_names(["02"]))
    replace = Path.replace

    def interrupt(source: Path, target: Path) -> Path:
        if source.name == "fingerprint.json":
            raise KeyboardInterrupt
        return replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            collect(root, database_dir=tmp_path / "db")
    assert not (tmp_path / "db" / "firstlevel" / "fingerprint.json").exists()
    log()
    lose, _ = collect(root, database_dir=tmp_path / "db")
    assert [one.subject for one in lose.maps] == ["01", "02"]
    assert "has no readable fingerprint" in log()


def test_a_database_that_cannot_be_written(
    write_dataset: WriteDataset, generic_names: Names, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file.* cannot hold a database: Not a dir") as caught:
        collect(write_dataset(generic_names()), database_dir=tmp_path / "file")
    assert caught.value.exit_code == ExitCode.CANNOT_CREATE


def test_more_maps_than_are_entered_at_once(
    write_dataset: WriteDataset,
    generic_names: Names,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(index, "AT_ONCE", 4)
    root = write_dataset(generic_names([f"{i:02d}" for i in range(11)], ["win"]))
    for database_dir in (None, tmp_path / "db"):
        (one,) = collect(root, database_dir=database_dir)
        assert len(one.maps) == 11


def test_without_a_database_only_what_is_asked_for_is_entered(
    write_dataset: WriteDataset, generic_names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered = []
    filler = index._filler

    def spy(scan: Scan) -> object:
        entered.extend(scan.maps)
        return filler(scan)

    monkeypatch.setattr(index, "_filler", spy)
    root = write_dataset(generic_names())
    collect(root, contrast=["win"], participant_label=["01", "03"])
    assert [one.relative.split("/")[0] for one in sorted(entered)] == ["sub-01", "sub-03"]
