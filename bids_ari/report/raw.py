"""Files of an output dataset as text and JSON; what is missing or broken is named."""

import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bids_ari.errors import ExitCode, InputError


def rows(path: Path, *, optional: bool = False) -> list[dict[str, str]]:
    """Read a table, a dictionary per line."""
    if optional and not path.exists():
        return []
    must_exist(path)
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True)
            if reader.fieldnames is None:
                msg = f"{path} is empty, expected a table"
                raise InputError(msg)
            found = []
            for row in reader:
                if None in row or None in row.values():
                    msg = (
                        f"{path}, line {reader.line_num}: there are not as many cells as columns "
                        f"({len(reader.fieldnames)}), is it cut off?"
                    )
                    raise InputError(msg)
                found.append(row)
            return found
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{path} is not a table in UTF-8: {error}"
        raise InputError(msg) from error


def json_object(path: Path, *, optional: bool = False) -> dict[str, Any]:
    """Read a JSON file that holds an object."""
    if optional and not path.exists():
        return {}
    must_exist(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # of the encoding too
        msg = f"{path} is not JSON: {error}"
        raise InputError(msg) from error
    if not isinstance(content, dict):
        msg = f"{path} holds a {type(content).__name__}, expected an object"
        raise InputError(msg)
    return content


def must_exist(path: Path) -> None:
    """Refuse to go on without a file."""
    if not path.is_file():
        msg = f"{path} is missing, so that no report can be made of its analysis"
        raise InputError(msg, ExitCode.NO_INPUT)


def require(path: Path, sidecar: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    """Refuse to go on without what a sidecar should say."""
    missing = [key for key in keys if key not in sidecar]
    if missing:
        msg = f"{path} lacks {', '.join(missing)}"
        raise InputError(msg)


@contextmanager
def naming(path: Path, row: Mapping[str, str]) -> Iterator[None]:
    """Say in which file and line a value could not be understood."""
    try:
        yield
    except KeyError as error:
        msg = f"{path} lacks the column {error}, found {', '.join(row)}"
        raise InputError(msg) from error
    except (ArithmeticError, TypeError, ValueError) as error:
        values = " ".join(str(value) for value in row.values())
        msg = f"{path} has a line that is not understood: {values} ({error})"
        raise InputError(msg) from error
