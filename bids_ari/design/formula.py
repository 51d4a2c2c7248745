"""Formulas: which columns of a table they use, and as what."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bids_ari.design.syntax import Factor, parse_formula
from bids_ari.design.table import MapTable, rows_with_values
from bids_ari.errors import InputError


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that is understood, and how it uses the columns of a table."""

    terms: tuple[tuple[Factor, ...], ...]
    """Without the intercept."""
    intercept: bool
    numeric: tuple[str, ...]
    """Columns read as numbers."""
    centrable: tuple[str, ...]
    """Those of them that no function sees."""
    categories: dict[str, tuple[str, ...]] = field(hash=False)
    """Columns read as categories, and their order."""

    @property
    def variables(self) -> tuple[str, ...]:
        """All columns."""
        return tuple(sorted({*self.numeric, *self.categories}))

    @property
    def text(self) -> str:
        """The formula with the order of categories spelled out where it is not the usual one."""
        terms = [":".join(self._spelled(one) for one in term) for term in self.terms]
        return " + ".join([str(int(self.intercept)), *terms])

    def _spelled(self, factor: Factor) -> str:
        if factor.kind != "category":
            return factor.text
        (column,) = factor.columns
        order = self.categories[column]
        if "levels=" in factor.text or list(order) == sorted(order):
            return factor.text
        inside = factor.text[2:-1] if factor.text.startswith("C(") else factor.text
        return f"C({inside}, levels={list(order)!r})"


def read_formula(text: str, table: MapTable) -> Formula:
    """
    Tell how a formula uses the columns of a table.

    A column is a category in ``C()``, or if it holds text, or is an entity of the maps.

    Parameters
    ----------
    text : str
        Formula.
    table : MapTable
        What is known of each map; all that is used must be known.

    Returns
    -------
    Formula

    Raises
    ------
    InputError
        If a column is not there, is used in two ways, or is the same for all maps.
    """
    parsed = parse_formula(text)
    factors = [one for term in parsed for one in term]
    in_c = {name for one in factors if one.kind == "category" for name in one.columns}
    in_function = {name for one in factors if one.kind == "function" for name in one.columns}
    bare = {name for one in factors if one.kind == "column" for name in one.columns}
    numeric = []
    for name in dict.fromkeys(name for one in factors for name in one.columns):
        cells = table.cells(name)
        if name == "Intercept":
            msg = f"column {name} of {table.source} has the name of a regressor: rename it"
            raise InputError(msg)
        numbers = name not in in_c and table.is_numeric(name)
        if len(cells) > 1 and len({float(cell or 0) if numbers else cell for cell in cells}) == 1:
            msg = (
                f"column {name} of {table.source} is {cells[0]} for all {len(cells)} maps, "
                f"so that it explains nothing; leave it out"
            )
            raise InputError(msg)
        if name in in_c:
            if name in in_function or (name in bare and table.is_numeric(name)):
                msg = f"the formula {text!r} uses {name} both as a number and as a category"
                raise InputError(msg)
        elif numbers:
            numeric.append(name)
        elif name in in_function:
            msg = (
                f"the formula {text!r} takes a function of column {name} of {table.source}, "
                f"which holds text"
            )
            raise InputError(msg)
    categories = {
        name: table.order(name) for one in factors for name in one.columns if name not in numeric
    }
    terms = tuple(
        tuple(
            Factor(one.text, "category", one.columns)
            if one.kind == "column" and one.columns[0] in categories
            else one
            for one in term
        )
        for term in parsed
        if term
    )
    return Formula(
        terms,
        () in parsed,
        tuple(numeric),
        tuple(name for name in numeric if name not in in_function),
        categories,
    )


def complete_rows(
    table: MapTable, formula: str, missing: str = "error"
) -> tuple[tuple[int, ...], dict[int, str]]:
    """
    Find the maps of which all that a formula uses is known.

    Parameters
    ----------
    table : MapTable
        What is known of each map.
    formula : str
        For example ``1 + age``.
    missing : {'error', 'drop'}
        What to do if something is not known.

    Returns
    -------
    rows : tuple of int
        That can take part.
    left_out : dict of int to str
        The others, and why: "n/a in age".

    Raises
    ------
    InputError
        If something is not known of some maps and ``missing`` is ``error``; if nobody is left.

    Examples
    --------
    >>> table = MapTable("participants.tsv", ("01", "02"), {"age": ("30", "n/a")})
    >>> complete_rows(table, "1 + age", missing="drop")
    ((0,), {1: 'n/a in age'})
    """
    return rows_with_values(table, columns_of(parse_formula(formula)), missing)


def columns_of(terms: Sequence[Sequence[Factor]]) -> tuple[str, ...]:
    """List the columns that terms use, in their order."""
    return tuple(dict.fromkeys(name for term in terms for one in term for name in one.columns))
