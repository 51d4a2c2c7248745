from collections.abc import Callable
from pathlib import Path

import pytest

from bids_ari.errors import ExitCode, InputError
from bids_ari.inputs.dataset import describe
from bids_ari.inputs.participants import participants


def test_a_missing_folder_is_no_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere does not exist, expected a dataset") as caught:
        describe(tmp_path / "nowhere")
    assert caught.value.exit_code == ExitCode.NO_INPUT


def test_a_file_is_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file is not a folder, expected a dataset") as caught:
        describe(tmp_path / "file")
    assert caught.value.exit_code == ExitCode.NO_INPUT


def test_a_dataset_without_description_is_described_by_nothing(tmp_path: Path) -> None:
    assert describe(tmp_path) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"Name": ', r"dataset_description.json is not valid JSON: Expecting value"),
        (b"\xff\xfe{", r"dataset_description.json is not valid JSON: .*codec can't decode"),
        (b"[]", r"dataset_description.json holds a list, expected an object"),
        (b'{"GeneratedBy": {}}', r"GeneratedBy is {}, expected a list of objects"),
        (b'{"GeneratedBy": ["me"]}', r'GeneratedBy is \["me"\], expected a list of objects'),
    ],
)
def test_a_broken_description_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "dataset_description.json").write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        describe(tmp_path)
    assert caught.value.exit_code == ExitCode.DATA
    assert str(tmp_path) in str(caught.value)


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "dataset_description.json").write_bytes(b'\xef\xbb\xbf{"Name": "x"}')
    (tmp_path / "participants.tsv").write_bytes(b"\xef\xbb\xbfparticipant_id\r\nsub-01\r\n\r\n")
    assert describe(tmp_path) == {"Name": "x"}
    assert participants(tmp_path) == frozenset({"01"})


@pytest.mark.parametrize("name", ["dataset_description.json", "participants.tsv"])
def test_content_that_was_not_fetched_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to(".git/annex/objects/MD5E-s8--0")
    read: Callable[[Path], object] = describe if name.endswith(".json") else participants
    with pytest.raises(InputError, match=rf"{name} is a link to .*: datalad get -d .* {name}"):
        read(tmp_path)


def test_no_table_is_not_an_empty_table(tmp_path: Path) -> None:
    assert participants(tmp_path) is None
    (tmp_path / "participants.tsv").write_text("participant_id\n")
    assert participants(tmp_path) == frozenset()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"has the columns \(none\), expected participant_id"),
        (b"id\tage\nsub-01\t3\n", r"has the columns id, age, expected participant_id"),
        (b"participant_id\tage\nsub-01\n", r"has 1 fields in line 2, expected 2"),
        (b"participant_id\nsub-01\n01\n", r"has 01 twice, in line 3"),
        (b"age\tparticipant_id\n3\t\n", r"has no participant_id, in line 2"),
        (b"participant_id\nsub-\xe9\n", r"is not a table in UTF-8: .*codec can't decode"),
    ],
)
def test_a_broken_table_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "participants.tsv").write_bytes(content)
    with pytest.raises(InputError, match=rf"participants.tsv {message}") as caught:
        participants(tmp_path)
    assert caught.value.exit_code == ExitCode.DATA


def test_a_quotation_mark_is_a_character(tmp_path: Path) -> None:
    (tmp_path / "participants.tsv").write_text('participant_id\tnote\nsub-01\t"left\nsub-02\t"\n')
    assert participants(tmp_path) == frozenset({"01", "02"})


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "participants.tsv").mkdir()
    with pytest.raises(InputError, match=r"participants.tsv cannot be read: Is a directory"):
        participants(tmp_path)
