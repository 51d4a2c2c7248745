"""Models in short: covariates and groups to a formula; what to test if nothing is asked for."""

from collections.abc import Sequence
from itertools import combinations

from bids_ari.design.formula import Formula
from bids_ari.design.records import INTERCEPT, label
from bids_ari.design.syntax import quoted


def formula_of(covariates: Sequence[str] = (), group_by: str = "") -> str:
    """
    Write the formula of a group comparison with covariates.

    Parameters
    ----------
    covariates : sequence of str
        Columns: numbers, or text for categories.
    group_by : str
        Column of the groups, each of which gets a mean.

    Returns
    -------
    formula : str

    Examples
    --------
    >>> formula_of(["age", "handedness score"])
    '1 + age + `handedness score`'
    >>> formula_of(["age"], "group")
    '0 + C(group) + age'
    """
    first = f"0 + C({quoted(group_by)})" if group_by else "1"
    others = [quoted(one) for one in dict.fromkeys(covariates) if one != group_by]
    return " + ".join([first, *others])


def default_contrasts(
    formula: Formula, group_by: str = "", untested: Sequence[str] = ()
) -> list[str]:
    """
    Choose contrasts: for one sample the mean, for groups their means and differences.

    Of a model without groups: the mean, the slope of each numeric column, the difference of a
    category of two levels, an F contrast of one of more. With groups: the mean of each, each
    difference once (the level that comes later minus the earlier one), for more than two an F
    contrast of all of them, and the covariates as before.

    Parameters
    ----------
    formula : Formula
        What is in the model.
    group_by : str
        Column of the groups.
    untested : sequence of str
        Categories that are in the model only, such as the subjects of a paired design.

    Returns
    -------
    contrasts : list of str
        ``NAME=EXPRESSION``.
    """
    chosen = []
    for name, order in formula.categories.items():
        if name != group_by:
            continue
        chosen += [f"{_called(name, level)}={_mean(name, level)}" for level in order]
        chosen += [_difference(name, one, other) for one, other in combinations(order, 2)]
        if len(order) > 2:
            chosen.append(_any(name, order))
    numbers = [{name for one in term for name in one.columns} for term in formula.terms]
    numbers = [{name for name in term if name in formula.numeric} for term in numbers]
    if not group_by and (formula.intercept or set() in numbers):
        chosen.append(f"{INTERCEPT}=mean")
    # where others are at their mean, a product of numbers has no slope
    chosen += [f"{label(name)}={quoted(name)}" for name in formula.centrable if {name} in numbers]
    for name, order in formula.categories.items():
        tested = any(
            name in one.columns
            for term, others in zip(formula.terms, numbers, strict=True)
            for one in term
            if not others
        )
        if tested and name != group_by and name not in untested:
            chosen.append(_difference(name, *order) if len(order) == 2 else _any(name, order))
    return chosen


def _mean(name: str, level: str) -> str:
    return f"{quoted(name)}[{level}]"


def _called(name: str, level: str) -> str:
    """Name a level, after its column if it is a number."""
    return label(level if level[:1].isalpha() else f"{name} {level}")


def _difference(name: str, one: str, other: str) -> str:
    called = f"{_called(name, other)} vs {_called(name, one)}"
    return f"{label(called)}={_mean(name, other)} - {_mean(name, one)}"


def _any(name: str, order: Sequence[str]) -> str:
    rows = [f"{_mean(name, one)} - {_mean(name, order[0])}" for one in order[1:]]
    return f"{label(name)}={', '.join(rows)}"
