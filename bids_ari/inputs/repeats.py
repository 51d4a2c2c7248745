"""What becomes of several maps of one subject: combined, subtracted, or rows of their own."""

from collections.abc import Sequence
from dataclasses import dataclass

from bids_ari.errors import ExitCode, InputError, did_you_mean
from bids_ari.inputs.filters import admits, listed
from bids_ari.inputs.naming import BY_KEY, ENTITIES, names_in_role
from bids_ari.inputs.records import StatMap
from bids_ari.inputs.variances import STATS_WITH_VARIANCE

REPEATS = names_in_role("repeat")
COMPARABLE = (*REPEATS, "task", "contrast")
"""Entities by which maps of a subject can be compared."""
_MODEL = "the group model"
"""Which names ``within``."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """What to do with several maps of a subject; by default, they are refused."""

    combine: tuple[str, ...] = ()
    """Entities over which maps are averaged, before anything else."""
    difference: tuple[str, str, str] | None = None
    """Entity, label to subtract from, label to subtract."""
    within: tuple[str, ...] = ()
    """Entities by which rows of one subject differ."""
    variances: bool = False
    """Whether every map must come with its variance map."""

    @property
    def apart(self) -> tuple[str, ...]:
        """Entities that maps of an analysis must name, and need not share."""
        return (*self.within, *(self.difference or ())[:1])

    @property
    def needed(self) -> tuple[tuple[str, str], ...]:
        """Entities and labels that every subject must have."""
        if self.difference is None:
            return ()
        name, plus, minus = self.difference
        return (name, plus), (name, minus)

    def wants(self, one: StatMap) -> bool:
        """Tell whether a map can take part."""
        if any(name not in one.entities for name in self.apart):
            return False
        needed = self.needed
        return not needed or any(is_of(one, name, label) for name, label in needed)


def is_of(one: StatMap, name: str, label: str) -> bool:
    """Tell whether a map has a label; numbers may have leading zeros."""
    return admits(name, [label], one.entities.get(name))


def check(
    combine: Sequence[str],
    difference: tuple[str, str, str] | None,
    within: Sequence[str],
    *,
    variances: bool,
    input_stat: str,
) -> Repeats:
    """
    Check what the user asks for, and write entities by their long names.

    Parameters
    ----------
    combine : sequence of str
        Entities, by long name or by the key of file names.
    difference : tuple of str, optional
        Entity and two of its labels.
    within : sequence of str
        Entities, likewise.
    variances : bool
        Whether variance maps are needed.
    input_stat : str
        Which maps are analysed.

    Returns
    -------
    Repeats

    Raises
    ------
    InputError
        If an entity is not known or cannot be treated so, or is to be treated in two ways.
    """
    subtracted = (difference[0],) if difference else ()
    names = {
        "--combine": tuple(dict.fromkeys(_entity("--combine", one, REPEATS) for one in combine)),
        "--difference": tuple(_entity("--difference", one, COMPARABLE) for one in subtracted),
        _MODEL: tuple(dict.fromkeys(_entity(_MODEL, one, COMPARABLE) for one in within)),
    }
    first_use: dict[str, str] = {}
    for option, several in names.items():
        for name in several:
            if name in first_use:
                msg = f"{first_use[name]} and {option} both name {name}: choose one"
                raise InputError(msg, ExitCode.USAGE)
            first_use[name] = option
    if variances and input_stat not in STATS_WITH_VARIANCE:
        msg = (
            f"variance maps are of effects, but --input-stat is {input_stat}, expected "
            f"{' or '.join(STATS_WITH_VARIANCE)}"
        )
        raise InputError(msg, ExitCode.USAGE)
    return Repeats(
        names["--combine"],
        _difference(names["--difference"][0], *difference[1:]) if difference else None,
        names[_MODEL],
        variances,
    )


def _entity(option: str, given: str, allowed: Sequence[str]) -> str:
    name = given if given in ENTITIES else BY_KEY.get(given, given)
    if name not in allowed:
        near = did_you_mean(given, allowed)
        msg = f"{option} names {given}{near}, expected one of {', '.join(allowed)}"
        raise InputError(msg, ExitCode.USAGE)
    return name


def _difference(name: str, plus: str, minus: str) -> tuple[str, str, str]:
    plus, minus = (one.removeprefix(f"{ENTITIES[name].key}-") for one in (plus, minus))
    for label in (plus, minus):
        if not label or (ENTITIES[name].dtype == "int" and not label.isdecimal()):
            what = "number" if ENTITIES[name].dtype == "int" else "label"
            msg = f"--difference of {name} has {label!r}, expected a {what}"
            raise InputError(msg, ExitCode.USAGE)
    if admits(name, [plus], minus):
        msg = f"--difference {name}={plus}-{minus} is of a map and itself"
        raise InputError(msg, ExitCode.USAGE)
    return name, plus, minus


def refuse_absent(maps: Sequence[StatMap], repeats: Repeats) -> None:
    """Raise an error if no map names an entity to treat, or a label to subtract."""
    for name in (*repeats.combine, *repeats.apart):
        if not any(name in one.entities for one in maps):
            msg = f"no map names a {name}{_use(name, repeats)}; there: {there(maps) or 'none'}"
            raise InputError(msg, ExitCode.NOTHING_SELECTED)
    for name, label in repeats.needed:
        if not any(is_of(one, name, label) for one in maps):
            near = did_you_mean(label, sorted({one.entities.get(name, "") for one in maps} - {""}))
            msg = f"there is no map of {name} {label}{near}; there: {there(maps)}"
            raise InputError(msg, ExitCode.NOTHING_SELECTED)


def _use(name: str, repeats: Repeats) -> str:
    if name in repeats.combine:
        return f", so that there is nothing to combine with --combine {name}"
    if name in repeats.within:
        return ", by which rows of the design should differ"
    return ", so that there is nothing to subtract"


def there(maps: Sequence[StatMap]) -> str:
    """List the labels by which maps may be compared."""
    found = {
        name: sorted({one.entities[name] for one in maps if name in one.entities})
        for name in COMPARABLE
    }
    return "; ".join(f"{name} {listed(values)}" for name, values in found.items() if values)
