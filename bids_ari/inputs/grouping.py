"""From single maps to analyses: what belongs together."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from bids_ari.errors import ExitCode, InputError
from bids_ari.inputs.ambiguity import Key, refuse_partial
from bids_ari.inputs.inclusion import Universe, inclusion
from bids_ari.inputs.naming import ENTITIES, names_in_role
from bids_ari.inputs.records import Analysis, StatMap
from bids_ari.inputs.repeats import REPEATS, Repeats, is_of, there
from bids_ari.inputs.rows import rows_of
from bids_ari.inputs.rules import PLURALS

LOGGER = logging.getLogger("bids_ari")
SHARED = names_in_role("shared")


def shared_by(one: StatMap, apart: Sequence[str] = ()) -> Key:
    """Collect the entities by which maps are put together."""
    return frozenset(
        (name, one.entities[name]) for name in SHARED if name in one.entities and name not in apart
    )


def _n_repeats(one: StatMap) -> int:
    return sum(name in one.entities for name in REPEATS)


def highest_level(maps: Sequence[StatMap]) -> list[StatMap]:
    """
    Leave out maps of runs and sessions where there are maps that sum them up.

    Parameters
    ----------
    maps : sequence of StatMap
        Of one dataset.

    Returns
    -------
    maps : list of StatMap
        A map is left out if others have fewer of session, run and echo, and share what they share
        with it, be they of the same subject or not: one analysis has one level.
    """
    fewest: dict[Key, int] = {}
    for one in maps:
        key = shared_by(one)
        fewest[key] = min(_n_repeats(one), fewest.get(key, len(REPEATS)))
    # a map of a run may tell its task where that of the subject does not
    reached = {key: min(n for other, n in fewest.items() if other <= key) for key in fewest}
    return [one for one in maps if _n_repeats(one) == reached[shared_by(one)]]


def group(
    maps: Sequence[StatMap],
    universe: Universe,
    query: Mapping[str, Sequence[Any]],
    repeats: Repeats | None = None,
) -> tuple[Analysis, ...]:
    """
    Put maps together that differ in nothing but the subject, the session, the run and the echo.

    Parameters
    ----------
    maps : sequence of StatMap
        All that were asked for.
    universe : Universe
        Who gets a line in the inclusion table.
    query : mapping of str to sequence
        What was asked for, to tell why a subject is out.
    repeats : Repeats, optional
        What to do with several maps of a subject; without it, they are refused.

    Returns
    -------
    analyses : tuple of Analysis
        Sorted by their entities.

    Raises
    ------
    InputError
        If a subject has more maps in one analysis than there is a way to treat, there is nothing
        to combine or to subtract, or some maps of what would be one analysis name an entity that
        the others do not.
    """
    repeats = repeats or Repeats()
    groups: dict[Key, list[StatMap]] = {}
    for one in sorted(maps, key=lambda one: (one.subject, one.uri)):
        groups.setdefault(shared_by(one, repeats.apart), []).append(one)
    refuse_partial(groups)
    analyses = []
    combined: set[str] = set()
    without: list[str] = []
    for key, members in groups.items():
        title = " ".join(f"{name} {dict(key)[name]}" for name in ENTITIES if name in dict(key))
        found = rows_of(members, repeats, title)
        combined |= found.combined
        if not found.rows:
            without.append(title)
            continue
        shared = dict(key)
        in_rows = [one for row in found.rows for one in row.maps]
        for name in REPEATS:
            values = {one.entities.get(name) for one in in_rows}
            if name not in repeats.apart and len(values) == 1 and (value := values.pop()):
                shared[name] = value
        shared = {name: shared[name] for name in ENTITIES if name in shared}
        named = {**shared, "contrast": _contrast(shared, in_rows, repeats)}
        analyses.append(
            Analysis(
                {name: named[name] for name in ENTITIES if name in named},
                found.rows,
                inclusion(shared, found, universe, query, repeats),
            )
        )
    if maps and not analyses:
        _refuse_no_pair(maps, repeats)
    for title in without:
        LOGGER.warning("%s is left out: no subject has %s", title, _pair(repeats))
    for name in repeats.combine:
        if name not in combined:
            _refuse_nothing_combined(name, maps)
    return tuple(
        sorted(
            analyses,
            key=lambda one: (
                one.entities["contrast"],
                [one.entities.get(name, "") for name in ENTITIES],
            ),
        )
    )


def _contrast(shared: Mapping[str, str], maps: Sequence[StatMap], repeats: Repeats) -> str:
    """Name the contrast of an analysis, alphanumeric as the labels are."""
    name = shared.get("contrast") or _joined(sorted({one.entities["contrast"] for one in maps}))
    if repeats.difference is None:
        return name
    entity, plus, minus = repeats.difference
    if entity == "contrast":
        return _joined([plus, "minus", minus])
    # a bare number says nothing
    sides = [entity + label if label[0].isdecimal() else label for label in (plus, minus)]
    return _joined([name, sides[0], "minus", sides[1]])


def _joined(words: Sequence[str]) -> str:
    return words[0] + "".join(word[0].upper() + word[1:] for word in words[1:])


def _pair(repeats: Repeats) -> str:
    return " and ".join(f"{name} {label}" for name, label in repeats.needed)


def _refuse_no_pair(maps: Sequence[StatMap], repeats: Repeats) -> None:
    """Raise an error if no subject has both sides of a difference."""
    examples = [
        next((str(one.path) for one in maps if is_of(one, name, label)), "none")
        for name, label in repeats.needed
    ]
    msg = (
        f"there is nothing to subtract: no subject has {_pair(repeats)} that agree in all else: "
        f"{' against '.join(examples)}; there: {there(maps)}"
    )
    raise InputError(msg, ExitCode.NOTHING_SELECTED)


def _refuse_nothing_combined(name: str, maps: Sequence[StatMap]) -> None:
    """Raise an error if no two maps were combined over an entity."""
    msg = (
        f"there is nothing to combine with --combine {name}: no subject has several "
        f"{PLURALS[name]} of one map; there: {there(maps)}"
    )
    if not any(name in one.entities for one in maps):
        msg += (
            f"; maps of {PLURALS[name]} are left aside where others sum them up: to have them, "
            f'use --bids-filter-file with {{"{name}": "*"}}'
        )
    raise InputError(msg, ExitCode.NOTHING_SELECTED)
