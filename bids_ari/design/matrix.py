"""From a formula and a table to numbers: the design matrix, and the model at any point."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_ari.design.formula import Formula
from bids_ari.design.records import INTERCEPT
from bids_ari.design.syntax import Factor
from bids_ari.design.table import MapTable
from bids_ari.errors import InputError

_CODED = re.compile(r"(?P<column>`[^`]*`|[^\W\d]\w*)\[(T\.)?(?P<level>[^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Coded:
    """A formula with its numbers."""

    formula: Formula
    spec: Any
    """Of formulaic: makes rows for other values, coded alike."""
    columns: tuple[str, ...]
    """What formulaic calls the regressors."""
    regressors: tuple[str, ...]
    """What we call them."""
    matrix: NDArray[np.float64] = field(hash=False)
    centred: Mapping[str, float] = field(hash=False)
    reference: Mapping[str, float] = field(hash=False)
    """Where the numeric columns are held."""

    def predict(self, at: Mapping[str, str | float]) -> NDArray[np.float64]:
        """
        Weigh the regressors as the model does at a point.

        Parameters
        ----------
        at : mapping of str to str or float
            Column to level or number. Other categories are averaged over their levels, each alike,
            other numbers held at their mean, or at 0 if they were not centred.

        Returns
        -------
        weights : (n_regressors,) array
        """
        import pandas as pd  # half a second

        weights = np.zeros(len(self.columns))
        done: dict[tuple[str, ...], NDArray[np.float64]] = {}
        for term, where in self._terms():
            free = tuple(
                sorted(
                    {
                        name
                        for one in term
                        for name in one.columns
                        if name in self.formula.categories and name not in at
                    }
                )
            )
            if free not in done:
                # a term needs the levels of its own categories only: no grid of all of them
                grid = list(product(*(self.formula.categories[name] for name in free)))
                point = {
                    **{name: order[0] for name, order in self.formula.categories.items()},
                    **self.reference,
                    **at,
                }
                data = pd.DataFrame({name: [value] * len(grid) for name, value in point.items()})
                for name, values in zip(free, zip(*grid, strict=True), strict=True):
                    data[name] = values
                rows = self.spec.get_model_matrix(
                    data if len(data.columns) else pd.DataFrame(index=range(1)), context={}
                )
                done[free] = np.asarray(rows, dtype=np.float64).mean(axis=0)
            weights[where] = done[free][where]
        return weights

    def _terms(self) -> Iterator[tuple[tuple[Factor, ...], list[int]]]:
        terms = self.formula.terms
        if self.formula.intercept:
            terms = ((), *terms)
        for term, where in zip(terms, self.spec.term_indices.values(), strict=True):
            yield term, list(where)


def tidy(column: str) -> str:
    """
    Rename a regressor of formulaic as it would be called after ``Factor`` of a BIDS Stats Model.

    Examples
    --------
    >>> tidy("Intercept"), tidy("C(group)[T.patient]"), tidy("C(sex, levels=['m', 'f'])[T.f]:age")
    ('intercept', 'group.patient', 'sex.f:age')
    """
    if column == "Intercept":
        return INTERCEPT
    bare = re.sub(r"\bC\((`[^`]*`|[^\W\d]\w*)(?:, levels=\[[^\]]*\])?\)(?=\[)", r"\1", column)
    return _CODED.sub(lambda match: f"{match['column'].strip('`')}.{match['level']}", bare)


def tidied(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Rename regressors, unless two would then have one name."""
    names = tuple(tidy(one) for one in columns)
    return names if len(set(names)) == len(names) else columns


def values_of(table: MapTable, name: str) -> NDArray[np.float64]:
    """Read a column of numbers; nothing may be missing."""
    return np.array([float(cell or "nan") for cell in table.cells(name)])


def mean_of(table: MapTable, name: str) -> float:
    """Take the mean of a column of numbers as transformations of Stats Models do, to the bit."""
    import pandas as pd

    return float(pd.Series(values_of(table, name)).mean())


def code(formula: Formula, table: MapTable, *, center: bool) -> Coded:
    """
    Make the design matrix.

    Parameters
    ----------
    formula : Formula
        As read with the same table.
    table : MapTable
        What is known of each map.
    center : bool
        Whether to take the mean from numeric columns that no function sees, before they are
        multiplied with each other.

    Returns
    -------
    Coded

    Raises
    ------
    InputError
        If formulaic cannot make it.
    """
    import formulaic
    import pandas as pd

    data = pd.DataFrame(index=range(len(table.subjects)))
    centred: dict[str, float] = {}
    reference: dict[str, float] = {}
    for name in formula.variables:
        if name in formula.categories:
            data[name] = list(table.cells(name))
            continue
        data[name] = values_of(table, name)
        mean = mean_of(table, name)
        if name not in formula.centrable:
            reference[name] = mean
        else:
            reference[name] = 0.0
            if center:
                centred[name] = mean
                data[name] -= mean
    try:
        with np.errstate(all="ignore"):
            made = formulaic.model_matrix(formula.text, data, context={}, na_action="ignore")
    except Exception as error:  # of any function in the formula
        reason = str(error).strip().split("\n")[0]
        msg = f"the formula {formula.text!r} cannot be evaluated: {reason}"
        raise InputError(msg) from error
    columns = tuple(str(one) for one in made.columns)
    return Coded(
        formula,
        made.model_spec,
        columns,
        tidied(columns),
        np.asarray(made, dtype=np.float64),
        centred,
        reference,
    )
