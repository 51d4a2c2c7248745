import json
from pathlib import Path
from typing import Any

import pytest
from bids.layout import Query

from bids_ari.errors import InputError, did_you_mean
from bids_ari.inputs import load_filters
from bids_ari.inputs.filters import admits, in_words, listed


def write(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "filters.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("content", "filters"),
    [
        ({}, {}),
        ({"contrast": "win"}, {"contrast": "win"}),
        ({"statmap": {"contrast": "win"}}, {"contrast": "win"}),
        ({"run": None, "session": "*"}, {"run": Query.NONE, "session": Query.ANY}),
        ({"run": [1, None], "res": "2"}, {"run": [1, Query.NONE], "resolution": "2"}),
    ],
)
def test_a_filter_file_is_read(tmp_path: Path, content: object, filters: dict[str, Any]) -> None:
    assert load_filters(write(tmp_path, content)) == filters


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"is not valid JSON: Expecting property name"),
        ([], r"holds a list, expected an object of entities"),
        ({"statmap": "win"}, r"holds a str, expected an object of entities"),
        ({"contrats": "win"}, r": there is no entity contrats, did you mean contrast\?"),
        ({"statmap": {"xyz": 1}}, r": there is no entity xyz$"),
        ({"statmap": {}, "bold": {}}, r": there is no entity statmap"),
        ({"res": "2", "resolution": "2"}, r"names the entity resolution twice"),
        ({"run": True}, r": run is true, expected a label, null, or a list of them"),
        ({"run": [[1]]}, r": run is \[1\], expected a label"),
        ({"run": "first"}, r': run is "first", expected a number'),
        ({"run": []}, r": run is an empty list, which nothing matches"),
    ],
)
def test_a_broken_filter_file_is_named(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(InputError, match=rf"filters.json ?{message}"):
        load_filters(write(tmp_path, content))


def test_a_missing_filter_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"filters.json cannot be read: No such file"):
        load_filters(tmp_path / "filters.json")


@pytest.mark.parametrize(
    ("entity", "allowed", "value", "expected"),
    [
        ("contrast", ["win"], "win", True),
        ("contrast", ["win"], "Win", False),
        ("contrast", ["win"], None, False),
        ("run", [1], "01", True),
        ("run", ["2"], "02", True),
        ("session", ["1"], "01", False),
        ("run", [Query.NONE], None, True),
        ("run", [Query.NONE], "1", False),
        ("run", [Query.ANY], "1", True),
        ("run", [Query.ANY], None, False),
        ("run", [Query.NONE, 1], "1", True),
    ],
)
def test_what_an_entity_may_be(
    entity: str, allowed: list[Any], value: str | None, expected: bool
) -> None:
    assert admits(entity, allowed, value) is expected


def test_a_query_reads_like_a_name() -> None:
    query = {"contrast": ["win", "lose"], "run": [Query.NONE], "session": [Query.ANY]}
    assert in_words(query) == "contrast-win|lose run-none ses-any"


@pytest.mark.parametrize(
    ("label", "known", "told"),
    [
        ("1", ["001", "002"], ", did you mean 001?"),
        ("win_vs_lose", ["winVsLose", "loss"], ", did you mean winVsLose?"),
        ("facesVsShape", ["facesVsShapes", "faceVsShapes"], "facesVsShapes or faceVsShapes?"),
        ("xyz", ["winVsLose"], ""),
    ],
)
def test_near_misses(label: str, known: list[str], told: str) -> None:
    assert did_you_mean(label, known).endswith(told)
    assert bool(told) == bool(did_you_mean(label, known))


def test_long_lists_are_cut() -> None:
    assert listed([f"{i:02d}" for i in range(23)]).endswith(", 18, 19 and 3 more")
    assert listed(["a", "b"]) == "a, b"
