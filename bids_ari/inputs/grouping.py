"""From single maps to analyses: what belongs together, what must not, and who is left out."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from bids_ari.errors import InputError
from bids_ari.inputs.filters import admits
from bids_ari.inputs.naming import ENTITIES, names_in_role
from bids_ari.inputs.records import Analysis, Inclusion, StatMap

SHARED, REPEATS, LEVELS = (names_in_role(role) for role in ("shared", "repeat", "level"))
Key = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Universe:
    """Who might take part, and what is known of them."""

    subjects: frozenset[str]
    listed: frozenset[str] | None
    """Those in a participants.tsv; None if there is none."""
    names_of: Callable[[str], Sequence[dict[str, str]]]
    """Of a subject, the entities of all first-level maps on disk."""


def shared_by(one: StatMap) -> Key:
    """Collect the entities by which maps are put together."""
    return frozenset((name, one.entities[name]) for name in SHARED if name in one.entities)


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
    maps: Sequence[StatMap], universe: Universe, query: Mapping[str, Sequence[Any]]
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

    Returns
    -------
    analyses : tuple of Analysis
        Sorted by their entities.

    Raises
    ------
    InputError
        If a subject has several maps in one analysis, or some maps of what would be one analysis
        name an entity that the others do not.
    """
    groups: dict[Key, list[StatMap]] = {}
    for one in sorted(maps, key=lambda one: (one.subject, one.uri)):
        groups.setdefault(shared_by(one), []).append(one)
    refuse_partial(groups)
    analyses = []
    for key, members in groups.items():
        refuse_several(members)
        entities = dict(key)
        for name in REPEATS:
            values = {one.entities.get(name) for one in members}
            if len(values) == 1 and (value := values.pop()) is not None:
                entities[name] = value
        entities = {name: entities[name] for name in ENTITIES if name in entities}
        analyses.append(
            Analysis(entities, tuple(members), inclusion(entities, members, universe, query))
        )
    return tuple(
        sorted(
            analyses,
            key=lambda one: (
                one.entities["contrast"],
                [one.entities.get(name, "") for name in ENTITIES],
            ),
        )
    )


def refuse_partial(groups: Mapping[Key, Sequence[StatMap]]) -> None:
    """
    Raise an error if two groups would be one, did the maps of the first tell as much.

    Groups that have a subject in common are variants of the same maps, and stay apart.
    """
    by_contrast: dict[str, list[Key]] = {}
    for key in groups:
        by_contrast.setdefault(dict(key)["contrast"], []).append(key)
    for keys in by_contrast.values():
        for one, other in combinations(sorted(keys, key=len), 2):
            if not one < other:
                continue
            few, many = groups[one], groups[other]
            if {map_.subject for map_ in few} & {map_.subject for map_ in many}:
                continue
            extra = dict(other - one)
            names = " and ".join(name for name in ENTITIES if name in extra)
            msg = (
                f"{len(many)} maps of contrast {dict(one)['contrast']} name a {names}, "
                f"{len(few)} of other subjects do not: {many[0].path} against {few[0].path}; name "
                f"them alike, or choose with --bids-filter-file, for example "
                f"{_filter({name: extra[name] for name in ENTITIES if name in extra})}"
            )
            raise InputError(msg)


def refuse_several(members: Sequence[StatMap]) -> None:
    """Raise an error if a subject has several maps, and say how to choose."""
    of: dict[str, list[StatMap]] = {}
    for one in members:
        of.setdefault(one.subject, []).append(one)
    several = {subject: maps for subject, maps in of.items() if len(maps) > 1}
    if not several:
        return
    subject, maps = next(iter(several.items()))
    ways = []
    for name in (*REPEATS, *LEVELS, "extension"):
        values = sorted({one.entities.get(name, "") for one in maps} - {""})
        if len({one.entities.get(name) for one in maps}) == 1:
            continue
        if name == "session":
            ways.append(f"--session-label {values[0]}")
        else:
            ways.append(f"--bids-filter-file with {_filter({name: values[0]})}")
    if len({one.uri.split(":")[1] for one in maps}) > 1:
        ways.append("one dataset in --derivatives")
    others = f" (and {len(several) - 1} more subjects)" if len(several) > 1 else ""
    how = f"choose by {', or '.join(ways)}" if ways else "no entity tells them apart: remove one"
    msg = (
        f"sub-{subject}{others} has {len(maps)} maps of contrast {maps[0].entities['contrast']} "
        f"where an analysis takes one: {', '.join(str(one.path) for one in maps[:4])}"
        f"{', ...' if len(maps) > 4 else ''}; {how}"
    )
    raise InputError(msg)


def _filter(values: Mapping[str, str]) -> str:
    """Write filters as they stand in a filter file."""
    return "{" + ", ".join(f'"{name}": "{value}"' for name, value in values.items()) + "}"


def inclusion(
    entities: Mapping[str, str],
    members: Collection[StatMap],
    universe: Universe,
    query: Mapping[str, Sequence[Any]],
) -> tuple[Inclusion, ...]:
    """Tell of every subject whether it is in an analysis, and why not."""
    maps = {one.subject: one for one in members}
    lines = []
    for subject in sorted(universe.subjects):
        if subject in maps:
            # sessions that differ between subjects may be meant, or before and after mixed up
            remarks = [
                f"{name} {maps[subject].entities[name]}"
                for name in REPEATS
                if name in maps[subject].entities and name not in entities
            ]
            if universe.listed is not None and subject not in universe.listed:
                remarks.append("not in participants.tsv")
            lines.append(Inclusion(subject, True, ", ".join(remarks), maps[subject].uri))
        else:
            names = [{"subject": subject, **one} for one in universe.names_of(subject)]
            reason = why_out(entities, names, query)
            lines.append(Inclusion(subject, False, reason, ""))
    return tuple(lines)


def why_out(
    entities: Mapping[str, str],
    names: Sequence[dict[str, str]],
    query: Mapping[str, Sequence[Any]],
) -> str:
    """
    Find the first thing that no map of a subject has.

    Parameters
    ----------
    entities : mapping of str to str
        Of the analysis.
    names : sequence of dict
        Entities of the first-level maps of the subject, the subject among them.
    query : mapping of str to sequence
        What was asked for beyond these.

    Returns
    -------
    reason : str
        For example "no map of contrast win".
    """
    if not names:
        return "no first-level map"
    left = [one for one in names if one["contrast"] == entities["contrast"]]
    if not left:
        return f"no map of contrast {entities['contrast']}"
    wanted = {**query, **{name: (value,) for name, value in entities.items()}}
    for name in ("stat", *(name for name in ENTITIES if name in wanted and name != "stat")):
        still = [one for one in left if admits(name, wanted[name], one.get(name))]
        if not still:
            if name == "stat":
                what = f"no {entities_of(wanted[name])} map of contrast {entities['contrast']}"
            elif name in entities:
                what = f"no map of contrast {entities['contrast']} with {name} {entities[name]}"
            else:
                what = f"left out by the filter of {name}"
            return what
        left = still
    level = next((one[name] for one in left for name in LEVELS if name in one), "")
    return f"only maps of a lower level{f' ({level})' if level else ''}"


def entities_of(allowed: Sequence[Any]) -> str:
    """Join the labels of a query."""
    return " or ".join(str(one) for one in allowed)
