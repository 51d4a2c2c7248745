"""The files at the root of a dataset: its description and its participants."""

import csv
import json
from pathlib import Path
from typing import Any

from bids_ari.errors import ExitCode, InputError


def describe(root: Path) -> dict[str, Any]:
    """
    Read ``dataset_description.json``.

    Parameters
    ----------
    root : Path
        Folder of the dataset.

    Returns
    -------
    description : dict
        Empty if there is no such file.

    Raises
    ------
    InputError
        If there is no such folder, or the file is not what BIDS says.
    """
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        msg = f"{root} {what}, expected a dataset"
        raise InputError(msg, ExitCode.NO_INPUT)
    path = root / "dataset_description.json"
    try:
        description = json.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        if path.is_symlink():
            raise InputError(not_fetched(path, root)) from None
        return {}
    except ValueError as error:  # of the encoding, too
        msg = f"{path} is not valid JSON: {error}"
        raise InputError(msg) from error
    if not isinstance(description, dict):
        msg = f"{path} holds a {type(description).__name__}, expected an object"
        raise InputError(msg)
    generators = description.get("GeneratedBy", [])
    if not isinstance(generators, list) or not all(isinstance(one, dict) for one in generators):
        msg = f"{path}: GeneratedBy is {json.dumps(generators)}, expected a list of objects"
        raise InputError(msg)
    return description


def not_fetched(path: Path, root: Path, more: str = "") -> str:
    """Say that a file is a link to content that is elsewhere; ``more`` is put behind its name."""
    return (
        f"{path}{more} is a link to {path.readlink()}, which is not there; if the dataset is "
        f"under DataLad, fetch its content with: datalad get -d {root} {path.relative_to(root)}"
    )


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
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    except FileNotFoundError:
        if path.is_symlink():
            raise InputError(not_fetched(path, root)) from None
        return None
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise InputError(msg) from error
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{path} is not a table in UTF-8: {error}"
        raise InputError(msg) from error
    header = rows[0] if rows else []
    if "participant_id" not in header:
        msg = f"{path} has the columns {', '.join(header) or '(none)'}, expected participant_id"
        raise InputError(msg)
    column = header.index("participant_id")
    labels: set[str] = set()
    for number, row in enumerate(rows[1:], start=2):
        if not any(row):
            continue  # an empty line at the end
        if len(row) != len(header):
            msg = f"{path} has {len(row)} fields in line {number}, expected {len(header)}"
            raise InputError(msg)
        label = row[column].strip().removeprefix("sub-")
        if not label or label in labels:
            what = f"{row[column]} twice" if label else "no participant_id"
            msg = f"{path} has {what}, in line {number}"
            raise InputError(msg)
        labels.add(label)
    return frozenset(labels)
