from pathlib import Path

import pytest

from bids_ari.design import group_model
from bids_ari.errors import ExitCode, InputError
from bids_ari.inputs import StatMap, find_participants, read_participants, table_of


def write(folder: Path, content: str | bytes, name: str = "participants.tsv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def a_map(subject: str, **entities: str) -> StatMap:
    found = {"contrast": "win", **entities}
    return StatMap(Path(f"sub-{subject}.nii.gz"), subject, found, f"bids::sub-{subject}.nii.gz")


def test_cells_are_text_without_what_editors_add(tmp_path: Path) -> None:
    content = "\ufeffparticipant_id\t age \r\nsub-01\t 30 \r\n 002\t007\r\n\r\n"
    known = read_participants(write(tmp_path, content))
    assert known.labels == ("01", "002")
    assert known.columns == {"age": ("30", "007")}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"has the columns \(none\), expected participant_id"),
        ("participant_id,age\nsub-01,3\n", r"is separated by commas, expected tabs"),
        ("participant_id;age\nsub-01;3\n", r"is separated by semicolons, expected tabs"),
        ("participant_id\tage\n", r"has no row below its header"),
        ("participant_id\tage\nsub-01\t3\t4\n", r"has 3 fields in line 2, expected 2"),
        ("participant_id\tage\nsub-01\t3\n\nsub-02\n", r"has 1 fields in line 4, expected 2"),
        ("participant_id\tage\tage\nsub-01\t3\t4\n", r"has 2 columns called age"),
        ("participant_id\t\nsub-01\t3\n", r"has no name for column 2"),
        ("participant_id\nsub-01\nsub-02\n01\n", r"has 01 twice, in line 4"),
        (b"participant_id\tn\nsub-01\tJos\xe9\n", r"is not a table in UTF-8: .*can't decode"),
    ],
)
def test_a_table_that_is_none_is_refused(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    with pytest.raises(InputError, match=rf"participants.tsv {message}") as caught:
        read_participants(write(tmp_path, content))
    assert caught.value.exit_code == ExitCode.DATA


def test_a_table_that_was_chosen_must_be_there(tmp_path: Path) -> None:
    write(tmp_path, "participant_id\nsub-01\n")
    chosen = tmp_path / "others.tsv"
    with pytest.raises(InputError, match=r"others.tsv does not exist, expected a table") as caught:
        find_participants([tmp_path], chosen)
    assert caught.value.exit_code == ExitCode.NO_INPUT


def test_the_first_dataset_with_a_table_tells(tmp_path: Path) -> None:
    for name in ("raw", "one", "two"):
        (tmp_path / name).mkdir()
    roots = [tmp_path / name for name in ("raw", "one", "two")]
    assert find_participants(roots) is None
    for root in roots[1:]:
        write(root, f"participant_id\twhere\nsub-01\t{root.name}\n")
    found = find_participants(roots)
    assert found is not None
    assert found.columns["where"] == ("one",)
    chosen = find_participants(roots, tmp_path / "two" / "participants.tsv")
    assert chosen is not None
    assert chosen.columns["where"] == ("two",)


@pytest.mark.parametrize("levels", ['{"p": "patient", "c": "control"}', '["p", "c"]'])
def test_the_sidecar_orders_categories(tmp_path: Path, levels: str) -> None:
    path = write(tmp_path, "participant_id\tgroup\nsub-01\tc\nsub-02\tp\nsub-03\tc\nsub-04\tp\n")
    write(tmp_path, f'{{"group": {{"Levels": {levels}}}, "age": {{}}}}', "participants.json")
    table = table_of([a_map(one) for one in ("01", "02", "03", "04")], read_participants(path))
    assert table.order("group") == ("p", "c")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not valid JSON"),
        ("[]", "holds a list, expected an object"),
        ('{"group": {"Levels": 3}}', "Levels of group is 3, expected an object"),
    ],
)
def test_a_broken_sidecar_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = write(tmp_path, "participant_id\nsub-01\n")
    write(tmp_path, content, "participants.json")
    with pytest.raises(InputError, match=rf"participants.json:? {message}"):
        read_participants(path)


def test_maps_get_the_row_of_their_subject(tmp_path: Path) -> None:
    path = write(tmp_path, "participant_id\tage\nsub-9\t1\nsub-02\t40\nsub-01\t30\n")
    maps = [
        a_map("01", session="2"),
        a_map("01", session="1"),
        a_map("02", session="1"),
        a_map("3"),
    ]
    table = table_of(maps, read_participants(path))
    assert table.subjects == ("01", "01", "02", "3")
    assert table.columns == {
        "age": ("30", "30", "40", None),
        "subject": ("01", "01", "02", "3"),
        "session": ("2", "1", "1", "n/a"),
        "contrast": ("win",) * 4,
    }
    assert table.labels == {"subject", "session", "contrast"}


def test_a_subject_without_a_row_can_be_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, "participant_id\tage\n01\t1\n02\t5\n03\tN/A\n04\t9\n06\t3\n")
    table = table_of([a_map(f"0{one}") for one in range(1, 6)], read_participants(path))
    made = group_model(table, "1 + age", missing="drop")
    assert made.rows == (0, 1, 3)
    assert made.left_out == {2: "n/a in age", 4: "not in participants.tsv"}
    assert made.model.matrix[:, 1].tolist() == [-4, 0, 4]
    with pytest.raises(
        InputError, match=r"tsv has n/a in age for 1 subject \(sub-03\).*; 1 other maps lack"
    ):
        group_model(table, "1 + age")


def test_maps_without_a_table_have_their_entities() -> None:
    maps = [a_map(str(one // 2), session=str(one % 2)) for one in range(8)]
    made = group_model(
        table_of(maps, None), "1 + session + C(subject)", ["session[1] - session[0]"]
    )
    assert made.model.regressors == (
        "intercept",
        "session.1",
        "subject.1",
        "subject.2",
        "subject.3",
    )
    assert made.model.dof == 3
    assert made.model.contrasts[0].weights.tolist() == [[0, 1, 0, 0, 0]]
    with pytest.raises(
        InputError,
        match=r"the dataset, which has no participants.tsv, has no column age; there: contrast",
    ):
        group_model(table_of(maps, None), "1 + age")


def test_maps_that_lack_an_entity_are_told_from_rows_that_lack_a_value(tmp_path: Path) -> None:
    path = write(tmp_path, "participant_id\n01\n02\n03\n")
    maps = [a_map("01", session="1"), a_map("02", session="2"), a_map("03")]
    message = r"the dataset of maps has n/a in session for 1 subject \(sub-03\)"
    with pytest.raises(InputError, match=message):
        group_model(table_of(maps, read_participants(path)), "1 + session")


def test_a_sidecar_that_was_not_fetched_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "participant_id\nsub-01\n")
    (tmp_path / "participants.json").symlink_to(".git/annex/objects/MD5E-s8--0")
    with pytest.raises(InputError, match=r"participants.json is a link to .*: datalad get"):
        read_participants(path)


def test_a_name_of_two_things_is_refused_where_it_is_used(tmp_path: Path) -> None:
    path = write(tmp_path, "participant_id\tsession\tage\n01\t3\t1\n02\t5\t2\n03\t1\t6\n")
    table = table_of([a_map(f"0{n}", session=str(n)) for n in (1, 2, 3)], read_participants(path))
    assert group_model(table, "1 + age").model.dof == 1
    with pytest.raises(InputError, match=r"session is both a column of .* and an entity"):
        group_model(table, "1 + session")
