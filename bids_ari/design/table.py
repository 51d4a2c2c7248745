"""What is known of each map: columns of text, read as numbers or categories when they are used."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bids_ari.errors import InputError, did_you_mean

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_MISSING = ("", "n/a", "na", "nan", "null", "#n/a")
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_MANY, _MANY_COLUMNS = 5, 20


@dataclass(frozen=True, slots=True)
class MapTable:
    """One row for each map."""

    source: str
    """File that is named when something is wrong with a column."""
    subjects: tuple[str, ...]
    """Whose maps they are, without ``sub-``."""
    columns: Mapping[str, tuple[str | None, ...]] = field(hash=False)
    """Text; None where the table has no row for the subject."""
    labels: frozenset[str] = frozenset()
    """Columns that are entities of the maps: categories, whatever they look like."""
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """Order of categories that the dataset tells, the reference first."""
    ambiguous: frozenset[str] = frozenset()
    """Names that both the table and the maps have."""
    alike: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Subjects without a row, and a label of the table that may be theirs."""

    def select(self, rows: Sequence[int]) -> "MapTable":
        """Take some of the rows."""
        return MapTable(
            self.source,
            tuple(self.subjects[row] for row in rows),
            {name: tuple(cells[row] for row in rows) for name, cells in self.columns.items()},
            self.labels,
            self.levels,
            self.ambiguous,
            self.alike,
        )

    def listed(self) -> str:
        """List the columns, cut short where there are many."""
        names = sorted(self.columns)
        more = f" and {len(names) - _MANY_COLUMNS} more" if len(names) > _MANY_COLUMNS else ""
        return f"{', '.join(names[:_MANY_COLUMNS]) or 'none'}{more}"

    def cells(self, name: str) -> tuple[str | None, ...]:
        """Find a column, or raise an error that tells which there are."""
        if name in self.ambiguous:
            msg = (
                f"{name} is both a column of {self.source} and an entity of the maps: "
                f"rename the column"
            )
            raise InputError(msg)
        if name == "participant_id" and "subject" in self.columns:
            msg = f"{name} of {self.source} is called subject here"
            raise InputError(msg)
        if name not in self.columns:
            near = did_you_mean(name, [*self.columns])
            msg = f"{self.source} has no column {name}{near}; there: {self.listed()}"
            raise InputError(msg)
        return self.columns[name]

    def is_numeric(self, name: str) -> bool:
        """
        Tell numbers from categories.

        Raises
        ------
        InputError
            If there are both, as a typing error in one cell makes a category of each number.
        """
        if name in self.labels:
            return False
        cells = [
            (subject, cell)
            for subject, cell in zip(self.subjects, self.cells(name), strict=True)
            if cell is not None and not why_missing(cell)
        ]
        odd = [(subject, cell) for subject, cell in cells if not NUMBER.fullmatch(cell)]
        if odd and any(_DECIMAL_COMMA.fullmatch(cell) for _, cell in cells):
            subject, cell = next(one for one in cells if _DECIMAL_COMMA.fullmatch(one[1]))
            msg = (
                f"{self.source} has {cell!r} in column {name} for sub-{subject}: "
                f"expected a decimal point"
            )
            raise InputError(msg)
        if odd and len(odd) < len(cells):
            subject, cell = odd[0]
            msg = (
                f"{self.source} has numbers in column {name}, but {cell!r} for sub-{subject}; "
                f"if they are categories, write C({name}) in a --formula"
            )
            raise InputError(msg)
        return bool(cells) and not odd

    def order(self, name: str) -> tuple[str, ...]:
        """Put the categories of a column in order: as told, else by number, else by alphabet."""
        present = {cell for cell in self.cells(name) if cell is not None}
        told = [one for one in self.levels.get(name, ()) if one in present]
        rest = present - set(told)
        if all(NUMBER.fullmatch(one) for one in rest):
            return (*told, *sorted(rest, key=lambda one: (float(one), one)))
        return (*told, *sorted(rest))


def why_missing(cell: str | None) -> str:
    """
    Say why a cell holds no value, empty if it holds one.

    Examples
    --------
    >>> why_missing("N/A"), why_missing("-inf"), why_missing("0")
    ('n/a', 'inf', '')
    >>> why_missing("1e999")
    'inf'
    """
    if cell is None:
        return "no row"
    if cell.lower() in _MISSING:
        return "n/a"
    too_large = NUMBER.fullmatch(cell) and abs(float(cell)) == float("inf")
    return "inf" if too_large or _INFINITE.fullmatch(cell) else ""


def rows_with_values(
    table: MapTable, used: Collection[str], missing: str
) -> tuple[tuple[int, ...], dict[int, str]]:
    """
    Find the maps of which everything that is used is known.

    Parameters
    ----------
    table : MapTable
        What is known of each map.
    used : collection of str
        Columns.
    missing : str
        ``error`` or ``drop``.

    Returns
    -------
    rows : tuple of int
        That can take part.
    left_out : dict of int to str
        The others, and why.

    Raises
    ------
    InputError
        If there are others and ``missing`` is ``error``, or if nobody is left.
    ValueError
        If ``missing`` is neither.
    """
    if missing not in ("error", "drop"):
        msg = f"missing is {missing!r}, expected error or drop"
        raise ValueError(msg)
    left_out: dict[int, str] = {}
    at: dict[str, str] = {}
    unlisted = f"not in {Path(table.source).name}"
    for name in used:
        for row, cell in enumerate(table.cells(name)):
            if row not in left_out and (why := why_missing(cell)):
                left_out[row] = unlisted if cell is None else f"{why} in {name}"
                at[left_out[row]] = name
    if left_out and missing == "error":
        reason = next(iter(left_out.values()))
        whose = list(
            dict.fromkeys(
                f"sub-{table.subjects[row]}" for row, why in left_out.items() if why == reason
            )
        )
        more = f" and {len(whose) - _MANY} more" if len(whose) > _MANY else ""
        what = "has no row for" if reason == unlisted else f"has {reason} for"
        n_others = len(left_out) - sum(why == reason for why in left_out.values())
        others = f"; {n_others} other maps lack a value, too" if n_others else ""
        if reason == unlisted and (called := table.alike.get(whose[0].removeprefix("sub-"))):
            others += f"; it has {called}, perhaps for {whose[0]}"
        where = "the dataset of maps" if at[reason] in table.labels else table.source
        msg = (
            f"{where} {what} {len(whose)} subject{'s' * (len(whose) != 1)} "
            f"({', '.join(whose[:_MANY])}{more}), who would take part{others}; "
            f"complete it, or leave them out with --missing drop"
        )
        raise InputError(msg)
    rows = tuple(row for row in range(len(table.subjects)) if row not in left_out)
    if left_out and not rows:
        msg = f"{table.source} has no subject with a value in all of {', '.join(used)}"
        raise InputError(msg)
    return rows, left_out
