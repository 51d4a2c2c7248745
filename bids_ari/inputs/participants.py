"""The table of participants, and what it and the names of maps tell of each map."""

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bids_ari.design import MapTable
from bids_ari.errors import ExitCode, InputError
from bids_ari.inputs.dataset import not_fetched
from bids_ari.inputs.naming import names_in_role
from bids_ari.inputs.records import StatMap

_OF_MAPS = ("subject", *names_in_role("repeat"), *names_in_role("shared"))
"""Entities that can be variables of a model."""


@dataclass(frozen=True, slots=True)
class Participants:
    """A table with one row per participant, all cells text."""

    path: Path
    labels: tuple[str, ...]
    """Without ``sub-``, in the order of the table."""
    columns: Mapping[str, tuple[str, ...]] = field(hash=False)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """What the sidecar says of categories, in its order."""


def participants(root: Path) -> frozenset[str] | None:
    """
    Read the labels in ``participants.tsv``.

    Parameters
    ----------
    root : Path
        Folder of the dataset.

    Returns
    -------
    labels : frozenset of str, or None
        Without ``sub-``; None if there is no such file.

    Raises
    ------
    InputError
        If the file is not a table with one row per ``participant_id``.
    """
    path = root / "participants.tsv"
    if not path.exists() and not path.is_symlink():
        return None
    rows = _rows(path)
    return frozenset(_labels(path, rows, rows[0][1].index("participant_id")))


def find_participants(roots: Sequence[Path], chosen: Path | None = None) -> Participants | None:
    """
    Read the table that was chosen, else that of the first dataset which has one.

    Parameters
    ----------
    roots : sequence of Path
        Datasets: raw, then derivatives.
    chosen : Path, optional
        Table to read instead.

    Returns
    -------
    Participants or None
        None if there is no table.

    Raises
    ------
    InputError
        If the table that was chosen is not there, or a table is not as it should be.
    """
    if chosen is not None:
        return read_participants(chosen)
    for root in roots:
        path = root / "participants.tsv"
        if path.exists() or path.is_symlink():
            return read_participants(path)
    return None


def read_participants(path: Path) -> Participants:
    """
    Read a table of participants, and the order of categories from the JSON file beside it.

    Parameters
    ----------
    path : Path
        Tab-separated, with a column ``participant_id``.

    Returns
    -------
    Participants

    Raises
    ------
    InputError
        If it is not such a table, or has a participant or a column twice.
    """
    rows = _rows(path)
    header = rows[0][1]
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        msg = f"{path} has {header.count(twice[0])} columns called {twice[0] or '(nothing)'}"
        raise InputError(msg)
    if "" in header:
        msg = f"{path} has no name for column {header.index('') + 1}"
        raise InputError(msg)
    at = header.index("participant_id")
    labels = _labels(path, rows, at)
    if not labels:
        msg = f"{path} has no row below its header"
        raise InputError(msg)
    columns = {
        name: tuple(row[column] for _, row in rows[1:])
        for column, name in enumerate(header)
        if column != at
    }
    return Participants(path, labels, columns, _levels(path.with_suffix(".json")))


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Read lines that are not empty, with their numbers; cells without spaces around them."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
            lines = [[cell.strip() for cell in row] for row in reader]
    except FileNotFoundError:
        if path.is_symlink():
            raise InputError(not_fetched(path, path.parent)) from None
        msg = f"{path} does not exist, expected a table of participants"
        raise InputError(msg, ExitCode.NO_INPUT) from None
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise InputError(msg) from error
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{path} is not a table in UTF-8: {error}"
        raise InputError(msg) from error
    header = lines[0] if lines else []
    if "participant_id" not in header:
        for separator, called in ((",", "commas"), (";", "semicolons")):
            if len(header) == 1 and separator in header[0]:
                msg = f"{path} is separated by {called}, expected tabs"
                raise InputError(msg)
        msg = f"{path} has the columns {', '.join(header) or '(none)'}, expected participant_id"
        raise InputError(msg)
    rows = [(number, row) for number, row in enumerate(lines, start=1) if any(row)]
    for number, row in rows:
        if len(row) != len(header):
            msg = f"{path} has {len(row)} fields in line {number}, expected {len(header)}"
            raise InputError(msg)
    return rows


def _labels(path: Path, rows: Sequence[tuple[int, list[str]]], at: int) -> tuple[str, ...]:
    labels: dict[str, None] = {}
    for number, row in rows[1:]:
        label = row[at].removeprefix("sub-")
        if not label or label in labels:
            what = f"{row[at]} twice" if label else "no participant_id"
            msg = f"{path} has {what}, in line {number}"
            raise InputError(msg)
        labels[label] = None
    return tuple(labels)


def _levels(path: Path) -> dict[str, tuple[str, ...]]:
    try:
        content: Any = json.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        if path.is_symlink():
            raise InputError(not_fetched(path, path.parent)) from None
        return {}
    except (OSError, ValueError) as error:
        msg = f"{path} is not valid JSON: {error}"
        raise InputError(msg) from error
    if not isinstance(content, dict):
        msg = f"{path} holds a {type(content).__name__}, expected an object"
        raise InputError(msg)
    found = {
        name: entry["Levels"]
        for name, entry in content.items()
        if isinstance(entry, dict) and "Levels" in entry
    }
    for name, levels in found.items():
        if not isinstance(levels, dict | list):
            msg = f"{path}: Levels of {name} is {json.dumps(levels)}, expected an object"
            raise InputError(msg)
    return {name: tuple(str(one) for one in levels) for name, levels in found.items()}


def table_of(maps: Sequence[StatMap], known: Participants | None) -> MapTable:
    """
    Put together what is known of each map.

    Parameters
    ----------
    maps : sequence of StatMap
        One row each.
    known : Participants, optional
        The table of participants.

    Returns
    -------
    MapTable
        Columns of the table, and the entities that the maps have, among them ``subject``.
    """
    entities = {
        name: tuple(
            one.subject if name == "subject" else one.entities.get(name, "n/a") for one in maps
        )
        for name in _OF_MAPS
    }
    entities = {name: cells for name, cells in entities.items() if set(cells) != {"n/a"}}
    subjects = tuple(one.subject for one in maps)
    if known is None:
        source = "the dataset, which has no participants.tsv,"
        return MapTable(source, subjects, entities, frozenset(entities))
    row_of = {label: row for row, label in enumerate(known.labels)}
    bare = {_bare(label): label for label in known.labels}
    columns: dict[str, tuple[str | None, ...]] = {
        name: tuple(cells[row_of[one]] if one in row_of else None for one in subjects)
        for name, cells in known.columns.items()
    }
    return MapTable(
        str(known.path),
        subjects,
        {**columns, **entities},
        frozenset(entities),
        known.levels,
        frozenset(columns.keys() & entities.keys()),
        {
            one: bare[_bare(one)]
            for one in subjects
            if one not in row_of and _bare(one) in bare and bare[_bare(one)] not in subjects
        },
    )


def _bare(label: str) -> str:
    """Leave out what spreadsheets do to labels: leading zeros, capitals."""
    return label.lstrip("0").casefold()
