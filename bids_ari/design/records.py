"""A group model: which regressors explain the maps, and which combinations are tested."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bids_ari.errors import InputError

INTERCEPT = "intercept"
MEANS = ("1", INTERCEPT, "mean")
"""What the mean over all maps is called in expressions, and by the first two in Stats Models."""
_LONGEST, _DIGITS = 64, 6
"""Of a label, as file names end at 255 letters; and of the digest that stands for what is cut."""
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "ł": "l", "Ł": "L"})


@dataclass(frozen=True, slots=True)
class Contrast:
    """A combination of the regressors that is tested: one row for t, one or more for F."""

    name: str
    """Label in file names, alphanumeric."""
    expression: str
    """What was asked for, for people to read."""
    weights: NDArray[np.float64] = field(hash=False)
    """(n_rows, n_regressors) array."""
    test: Literal["t", "F"] = "t"


@dataclass(frozen=True, slots=True)
class SecondLevel:
    """A design of full column rank and the contrasts of its regressors."""

    name: str
    """Label of the model in file names, alphanumeric."""
    regressors: tuple[str, ...]
    matrix: NDArray[np.float64] = field(hash=False)
    """(n_maps, n_regressors) one row for each map."""
    contrasts: tuple[Contrast, ...]
    formula: str = ""
    """What makes the matrix of the variables; empty if these are its columns."""
    columns: tuple[str, ...] = ()
    """Names of the regressors in a BIDS Stats Model, which are those of the formula."""
    variables: tuple[str, ...] = ()
    """Columns of the table that the model uses, sorted."""
    centred: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Variables from which their mean over the maps was taken, and that mean."""
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """Variables that are categories, and their levels."""

    @property
    def dof(self) -> int:
        """Residual degrees of freedom."""
        n_maps, n_regressors = self.matrix.shape
        return int(n_maps - n_regressors)


@dataclass(frozen=True, slots=True)
class GroupModel:
    """A model of some of the maps, and why the others are not in it."""

    model: SecondLevel
    rows: tuple[int, ...]
    """Which rows of the table of maps the rows of the matrix are."""
    left_out: Mapping[int, str] = field(default_factory=dict, hash=False)
    """Row of the table of maps to a reason, such as "n/a in age"."""


def label(text: str) -> str:
    """
    Make a label for file names: camelCase, letters and digits of ASCII only.

    Accents are left out; of other letters, code points remain, so that no two become one. A long
    label is cut and ends in a digest of the whole.

    Parameters
    ----------
    text : str
        For people, such as an expression.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If nothing is left.

    Examples
    --------
    >>> label("win_vs lose"), label("age - bmi"), label("two-sample")
    ('winVsLose', 'ageVsBmi', 'twoSample')
    >>> label("Größe"), label("年齢")
    ('Grosse', 'u5e74u9f62')
    """
    spelled = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    plain = "".join(
        f"u{ord(one):x}" if one.isalnum() and not one.isascii() else one
        for one in spelled
        if not unicodedata.combining(one)
    )
    words = re.findall(r"[0-9A-Za-z]+", re.sub(r"(?<=\S)\s+-\s+(?=\S)", " Vs ", plain))
    if not words:
        msg = f"{text!r} has no letter or digit to make a name of in files: rename it"
        raise InputError(msg)
    first, *others = map(str, words)
    whole = first + "".join(word[0].upper() + word[1:] for word in others)
    if len(whole) <= _LONGEST:
        return whole
    return whole[: _LONGEST - _DIGITS] + hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def output_contrast(first_level: str, group: Contrast) -> str:
    """
    Name the result of a group contrast of the maps of a first-level contrast.

    Parameters
    ----------
    first_level : str
        Label of the first-level contrast.
    group : Contrast
        Of the group model.

    Returns
    -------
    str
        The mean of a contrast has the name of the contrast.

    Examples
    --------
    >>> output_contrast("win", Contrast("age", "age", np.eye(2)[1:]))
    'winAge'
    >>> output_contrast("win", Contrast("intercept", "mean", np.eye(2)[:1]))
    'win'
    """
    return first_level + ending(group.name)


def ending(name: str) -> str:
    """Write the name of a group contrast as it stands behind another; empty for the mean."""
    return "" if name in MEANS else name[0].upper() + name[1:]
