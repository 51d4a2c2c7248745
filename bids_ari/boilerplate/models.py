"""A group model as the methods text knows it, and what its contrasts are in words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_MEANS = ("", "1", "intercept", "mean")
_NAME = r"`[^`]+`|[^\W\d]\w*"
_LEVEL = rf"(?:C\()?(?P<{{0}}>{_NAME})\)?\[(?P<{{1}}>[^\]]*)\]"
_ONE_LEVEL = re.compile(_LEVEL.format("name", "level"))
_TWO_LEVELS = re.compile(rf"{_LEVEL.format('name', 'level')} - {_LEVEL.format('other', 'less')}")
_SLOPE = re.compile(rf"(?P<slope>{_NAME})(?::{_LEVEL.format('name', 'level')})?")
_BETWEEN_ROWS = re.compile(r",(?![^\[]*\])(?=(?:[^`]*`[^`]*`)*[^`]*$)")


@dataclass(frozen=True, slots=True)
class GroupModel:
    """A group model; what is not known before a run is None."""

    name: str = "oneSample"
    regressors: tuple[str, ...] = ("intercept",)
    formula: str = ""
    """Empty if the regressors say it all."""
    estimator: str = "ols"
    """``ols``, ``fixed`` or ``mixed``."""
    contrasts: tuple[tuple[str, str], ...] = (("mean", "t"),)
    """What is tested: expressions for people, and ``t`` or ``F``."""
    f_dof: int | None = None
    """Degrees of freedom of the numerator of F, if there is one F contrast."""
    dof: int | None = None
    """Residual degrees of freedom."""
    n_maps: int | None = None
    """Rows of the design."""
    n_participants: int | None = None
    means_taken: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Variables that were centred, and their mean."""
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """Variables that are categories."""
    rules: tuple[str, ...] = ()
    """How several maps of a participant became one."""

    @property
    def tests(self) -> tuple[str, ...]:
        """Kinds of tests, ``t`` before ``F``."""
        kinds = {test for _, test in self.contrasts}
        return tuple(test for test in ("t", "F") if test in kinds)

    @property
    def only_mean(self) -> bool:
        """Whether the mean is all that there is."""
        return self.regressors == ("intercept",)


def rows_of(expression: str) -> list[str]:
    """
    Split what is tested together.

    Examples
    --------
    >>> rows_of("group[patient] - group[control], age"), rows_of("site[Ulm, old]")
    (['group[patient] - group[control]', 'age'], ['site[Ulm, old]'])
    """
    return [row.strip() for row in _BETWEEN_ROWS.split(expression)]


def in_words(expression: str, test: str = "t", levels: Sequence[str] = ()) -> str:
    """
    Say in words what a contrast tests; what has no common name stays as it is.

    Parameters
    ----------
    expression : str
        As it was asked for.
    test : {"t", "F"}
        F tests all rows of the expression together.
    levels : sequence of str
        Variables that are categories, so that they have no slope.

    Returns
    -------
    text : str

    Examples
    --------
    >>> in_words("age"), in_words("group[patient] - group[control]"), in_words("mean")
    ('slope of age', 'group patient minus control', 'mean')
    >>> in_words("group[b] - group[a], age:group[b]", "F")
    'any of group b minus a and slope of age in group b'
    """
    rows = [
        _row_in_words(row, levels)
        for row in (rows_of(expression) if test == "F" else [expression])
    ]
    if len(rows) == 1:
        return rows[0]
    return f"any of {', '.join(rows[:-1])} and {rows[-1]}"


def _row_in_words(row: str, levels: Sequence[str]) -> str:
    if row.strip() in _MEANS:
        return "mean"
    if found := _TWO_LEVELS.fullmatch(row):
        name, other = _bare(found["name"]), _bare(found["other"])
        less = found["less"] if name == other else f"{other} {found['less']}"
        return f"{name} {found['level']} minus {less}"
    if found := _ONE_LEVEL.fullmatch(row):
        return f"mean of {_bare(found['name'])} {found['level']}"
    found = _SLOPE.fullmatch(row)
    if found and _bare(found["slope"]) not in levels:
        where = f" in {_bare(found['name'])} {found['level']}" if found["name"] else ""
        return f"slope of {_bare(found['slope'])}{where}"
    return row


def _bare(name: str) -> str:
    return name.strip("`")
