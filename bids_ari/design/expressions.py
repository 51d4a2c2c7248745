"""
Contrasts in words: ``group[patient] - group[control]``, ``age``, ``0.5*a[x] + 0.5*a[y]``.

A level in brackets stands for the mean that the model predicts there (the marginal mean: numeric
columns at their mean, other categories averaged over their levels), so that it does not matter
how the formula codes the category. A numeric column stands for its slope. A colon joins:
``age:group[patient]`` is the slope among patients, ``group[a]:sex[f]`` the mean of a cell.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bids_ari.design.matrix import Coded
from bids_ari.design.records import INTERCEPT, MEANS, Contrast, label
from bids_ari.errors import InputError

_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?(\s*/\s*\d+\.?\d*)?")
_NAME = r"(?:`[^`]+`|[^\W\d][\w.]*)"
_ATOM = rf"(?:C\({_NAME}\)|{_NAME})(?:\[[^\]]*\])?"
_TERM = re.compile(rf"{_ATOM}(?::{_ATOM})*")
_PARTS = re.compile(rf"(?:C\((?P<in_c>{_NAME})\)|(?P<name>{_NAME}))(?:\[(?P<level>[^\]]*)\])?")


def parse_contrast(text: str) -> tuple[str, str]:
    """
    Split the name from the expression.

    Parameters
    ----------
    text : str
        ``NAME=EXPRESSION``, or an expression, of which a name is made.

    Returns
    -------
    name : str
        Label, alphanumeric.
    expression : str

    Raises
    ------
    InputError
        If either is empty, or the name is that of the mean and the expression is not.

    Examples
    --------
    >>> parse_contrast("patients=group[patient] - group[control]")
    ('patients', 'group[patient] - group[control]')
    >>> parse_contrast("age - bmi")
    ('ageVsBmi', 'age - bmi')
    """
    name, equals, expression = text.partition("=")
    if not equals or not re.fullmatch(r"\s*[\w. -]+\s*", name):
        name = text = expression = _spaced(text.strip()).strip()
    expression = _spaced(expression.strip()).strip()
    try:
        name = INTERCEPT if expression in MEANS and name is text else label(name)
    except InputError:
        expression = ""
    if not expression:
        msg = f"contrast {text!r} is not NAME=EXPRESSION"
        raise InputError(msg)
    if expression in MEANS:
        return name, expression
    if name in MEANS:
        msg = f"contrast {text!r} is called {name}, which is the mean of all maps; rename it"
        raise InputError(msg)
    return name, expression


def _spaced(text: str) -> str:
    """Write sums in one way, as names of files and methods texts are made of them."""
    parts = re.split(r"(\[[^\]]*\]|`[^`]*`)", text)  # levels and quoted names stay as they are
    for at in range(0, len(parts), 2):
        # a sign between terms, not the first of all, nor that of an exponent
        after = r"(?:(?<=[\w)]))(?<![\d.][eE])" if at == 0 else r"(?:^|(?<=[\w)]))(?<![\d.][eE])"
        parts[at] = re.sub(rf"{after}\s*([+-])\s*", r" \1 ", parts[at])
    return "".join(parts)


def contrast_of(text: str, coded: Coded) -> Contrast:
    """
    Weigh the regressors as an expression says.

    Parameters
    ----------
    text : str
        ``NAME=EXPRESSION``; commas separate the rows of an F contrast.
    coded : Coded
        The model.

    Returns
    -------
    Contrast

    Raises
    ------
    InputError
        If the expression is not understood, or names what is not in the model.
    """
    name, expression = parse_contrast(text)
    rows = [_weigh(row, expression, coded) for row in _rows(expression)]
    return Contrast(name, expression, np.array(rows), "F" if len(rows) > 1 else "t")


def _rows(expression: str) -> list[str]:
    """Split at commas that are not in brackets or in quoted names."""
    kept = re.sub(r"`[^`]*`", lambda name: name[0].replace(",", "\0"), expression)
    return [row.replace("\0", ",") for row in re.split(r",(?![^\[]*\])(?![^(]*\))", kept)]


def _weigh(row: str, expression: str, coded: Coded) -> NDArray[np.float64]:
    weights = np.zeros(len(coded.regressors))
    at, rest = 0, row.rstrip()
    first = True
    while at < len(rest) or first:
        sign = re.compile(r"\s*([+-]?)\s*").match(rest, at)
        assert sign is not None  # noqa: S101 - it matches the empty text
        if (not first and not sign[1]) or sign.end() == len(rest):
            _refuse(expression, rest[at:].strip() or "nothing")
        at = sign.end()
        factor, is_number = -1.0 if sign[1] == "-" else 1.0, False
        number = _NUMBER.match(rest, at)
        if number:
            value, _, divisor = number[0].partition("/")
            if divisor and not float(divisor):
                _refuse(expression, number[0])
            at = number.end()
            times = re.compile(r"\s*\*\s*").match(rest, at)
            is_number = times is None
            if is_number and number[0] != "1":
                _refuse(expression, number[0])
            factor *= float(value) / float(divisor or 1)
            if not np.isfinite(factor):
                _refuse(expression, number[0])
            at = times.end() if times else at
        if is_number:
            weights += factor * coded.predict({})
        else:
            found = _longest(rest, at, coded.regressors + coded.columns)
            if not found:
                _refuse(expression, rest[at:] or "nothing")
            weights += factor * _meaning(found, expression, coded)
            at += len(found)
        first = False
    return weights


def _longest(text: str, at: int, regressors: Sequence[str]) -> str:
    """Find the longest name of a regressor, or else of anything, that the text goes on with."""
    term = _TERM.match(text, at)
    fitting = [one for one in regressors if text.startswith(one, at)]
    return max([*fitting, term[0] if term else ""], key=len)


def _meaning(term: str, expression: str, coded: Coded) -> NDArray[np.float64]:
    formula = coded.formula
    if term in MEANS:
        return coded.predict({})
    levels: dict[str, str | float] = {}
    slopes: list[str] = []
    parts = list(_PARTS.finditer(term)) if _TERM.fullmatch(term) else []
    for part in parts:
        name = (part["in_c"] or part["name"]).strip("`")
        level = part["level"]
        if level is None:
            slopes.append(name)
        elif name in formula.categories and (level in formula.categories[name]):
            levels[name] = level
        elif name in formula.categories and term not in coded.columns:
            there = ", ".join(formula.categories[name])
            msg = f"contrast {expression!r} has {term}, but the levels of {name} are {there}"
            raise InputError(msg)
        else:
            slopes.append(part[0])
    if parts and not slopes:
        return coded.predict(levels)
    if len(slopes) == 1 and slopes[0] in formula.centrable:
        start = coded.reference[slopes[0]]
        ends = [coded.predict({**levels, slopes[0]: start + step}) for step in (1.0, 0.0)]
        return ends[0] - ends[1]
    for names in (coded.regressors, coded.columns):
        if term in names:
            weights = np.zeros(len(names))
            weights[names.index(term)] = 1
            return weights
    known = [
        *MEANS[1:],
        *(f"{name}[{level}]" for name, order in formula.categories.items() for level in order[:9]),
        *formula.centrable,
        *(one for one in coded.regressors if one not in {INTERCEPT, *formula.centrable}),
    ]
    msg = f"contrast {expression!r} names {term}, which the model has not; it has {_some(known)}"
    raise InputError(msg)


def _some(names: Sequence[str], most: int = 24) -> str:
    return f"{', '.join(names[:most])}{', ...' if len(names) > most else ''}"


def _refuse(expression: str, rest: str) -> None:
    msg = (
        f"contrast {expression!r} is not understood at {rest!r}: expected sums like "
        f"group[patient] - group[control] or 0.5*age + 0.5*bmi"
    )
    raise InputError(msg)
