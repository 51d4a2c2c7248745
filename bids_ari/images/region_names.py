"""Names of the regions of an atlas, from the tables that come with atlases."""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bids_ari.errors import ExitCode, InputError
from bids_ari.images.labels import LARGEST_LABEL

_INDEX_COLUMNS = ("index", "value", "id", "number", "roi", "label")
_NAME_COLUMNS = ("name", "label", "region", "structure", "abbreviation")
"""In the order in which they are taken: ``label`` is a number only if nothing else is."""
_DELIMITERS = {".tsv": "\t,;", ".csv": ",;\t"}
_LOOKUP_LINE = re.compile(r"\s*(\d+)\s+(\S+)(?:\s+\d+){0,4}\s*")
_MANY = 12


class RegionNames(NamedTuple):
    """What a table calls the values of a label image."""

    names: dict[int, str]
    """Empty text where the table has no name."""
    lookup: bool
    """Whether the table is a lookup table, which names values that an image may not have."""


def load_region_names(path: Path) -> RegionNames:
    """
    Read the names of regions.

    Parameters
    ----------
    path : path
        A table with a header, in UTF-8: columns ``index`` and ``name`` as BIDS has them, or
        ``value``, ``id``, ``number``, ``roi``, ``label`` for the index and ``label``, ``region``,
        ``structure``, ``abbreviation`` for the name, in any case; separated by tab, comma or
        semicolon. Or a lookup table as FreeSurfer writes it: index, name, red, green, blue, alpha.

    Returns
    -------
    RegionNames

    Raises
    ------
    InputError
        If it cannot be read, has no such columns, or names an index twice.
    """
    text = _read(path)
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    matches = [_LOOKUP_LINE.fullmatch(line) for line in lines]
    lookup = bool(lines) and all(matches)
    entries = (
        ((int(match[1]), match[2]) for match in matches if match)
        if lookup
        else _rows(text.splitlines(), path)
    )
    names: dict[int, str] = {}
    for index, name in entries:
        if index in names:
            msg = f"{path} has two names for index {index}: {names[index]!r} and {name!r}"
            raise InputError(msg)
        names[index] = name
    if not names:
        msg = f"{path} names no region, expected a line for each"
        raise InputError(msg)
    return RegionNames(names, lookup)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        msg = f"{path} does not exist, expected a table with the names of regions"
        raise InputError(msg, ExitCode.NO_INPUT) from error
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise InputError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path} is not text in UTF-8, expected a table with the names of regions"
        raise InputError(msg) from error


def _rows(lines: Sequence[str], path: Path) -> Iterator[tuple[int, str]]:
    """Index and name of each line of a table with a header."""
    header = lines[0] if lines else ""
    delimiters = _DELIMITERS.get(path.suffix.lower(), "\t;,")
    headers = {one: _cells(header, one) for one in delimiters}
    usable = [(one, at) for one in delimiters if (at := _columns(headers[one]))]
    if not usable:
        found = max(headers.values(), key=len)
        listed = ", ".join(repr(column) for column in found[:_MANY]) + (
            " ..." if len(found) > _MANY else ""
        )
        msg = (
            f"{path} has the columns {listed or 'none'}, expected one of "
            f"{', '.join(_INDEX_COLUMNS)} and another of {', '.join(_NAME_COLUMNS)}"
        )
        raise InputError(msg)
    delimiter, (index_column, name_column) = usable[0]
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    next(reader)
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) <= max(index_column, name_column):
                msg = f"{path}, line {reader.line_num}: there are {len(row)} cells, expected more"
                raise InputError(msg)
            index = _whole_number(row[index_column])
            if index is None:
                msg = (
                    f"{path}, line {reader.line_num}: the index is {row[index_column]!r}, "
                    f"expected a whole number"
                )
                raise InputError(msg)
            name = " ".join(row[name_column].split())
            yield index, "" if name.lower() == "n/a" else name
    except csv.Error as error:
        msg = f"{path}, line {reader.line_num}: {error}"
        raise InputError(msg) from error


def _cells(header: str, delimiter: str) -> list[str]:
    return [cell.strip().strip('"').casefold() for cell in header.split(delimiter)]


def _columns(header: Sequence[str]) -> tuple[int, int] | None:
    """Where index and name are; None if either is missing."""
    index = next((one for one in _INDEX_COLUMNS if one in header), None)
    name = next((one for one in _NAME_COLUMNS if one in header and one != index), None)
    return (header.index(index), header.index(name)) if index and name else None


def _whole_number(text: str) -> int | None:
    """Read a label: as text first, as floating point numbers lose digits of large ones."""
    try:
        number = int(text)
    except ValueError:
        try:
            rounded = float(text)
        except ValueError:
            return None
        if not rounded.is_integer():
            return None
        number = int(rounded)
    return number if abs(number) <= LARGEST_LABEL else None
