"""Who is in an analysis, who is left out, and why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bids_ari.inputs.filters import admits
from bids_ari.inputs.naming import ENTITIES, names_in_role
from bids_ari.inputs.records import Inclusion, Row
from bids_ari.inputs.repeats import REPEATS, Repeats
from bids_ari.inputs.rows import Rows
from bids_ari.inputs.rules import label_of

LEVELS = names_in_role("level")


@dataclass(frozen=True, slots=True)
class Universe:
    """Who might take part, and what is known of them."""

    subjects: frozenset[str]
    listed: frozenset[str] | None
    """Those in a participants.tsv; None if there is none."""
    names_of: Callable[[str], Sequence[dict[str, str]]]
    """Of a subject, the entities of all first-level maps on disk."""


def inclusion(
    shared: Mapping[str, str],
    found: Rows,
    universe: Universe,
    query: Mapping[str, Sequence[Any]],
    repeats: Repeats,
) -> tuple[Inclusion, ...]:
    """
    Tell of every subject whether it is in an analysis, and why not.

    Parameters
    ----------
    shared : mapping of str to str
        Entities that all maps of the analysis have in common.
    found : Rows
        Of the analysis.
    universe : Universe
        Who gets a line.
    query : mapping of str to sequence
        What was asked for.
    repeats : Repeats
        What was done with several maps of a subject.

    Returns
    -------
    tuple of Inclusion
        Sorted by subject.
    """
    rows_of: dict[str, list[Row]] = {}
    for row in found.rows:
        rows_of.setdefault(row.subject, []).append(row)
    lines = []
    for subject in sorted(universe.subjects):
        if subject in rows_of:
            rows = rows_of[subject]
            remarks = [
                *dict.fromkeys(row.rule for row in rows if row.rule),
                *found.remarks[subject],
                *_differing(rows, shared, repeats),
            ]
            if universe.listed is not None and subject not in universe.listed:
                remarks.append("not in participants.tsv")
            source = ", ".join(one.uri for row in rows for one in row.maps)
            lines.append(Inclusion(subject, True, ", ".join(remarks), source))
        else:
            names = [{"subject": subject, **one} for one in universe.names_of(subject)]
            reason = found.lacking.get(subject) or why_out(shared, names, query, repeats)
            lines.append(Inclusion(subject, False, reason, ""))
    return tuple(lines)


def _differing(rows: Sequence[Row], shared: Mapping[str, str], repeats: Repeats) -> list[str]:
    """List what is not the same in all subjects, and was not treated: it may be a mix-up."""
    maps = [one for row in rows for one in row.maps]
    remarks = []
    for name in REPEATS:
        if name in shared or name in repeats.apart:
            continue
        labels = list(dict.fromkeys(label_of(one, name) for one in maps if name in one.entities))
        if name in repeats.combine:
            if len(labels) == 1:
                remarks.append(f"{name} {labels[0]} only")
        elif labels:
            as_named = dict.fromkeys(one.entities[name] for one in maps if name in one.entities)
            remarks.append(f"{name} {', '.join(as_named)}")
    return remarks


def why_out(
    shared: Mapping[str, str],
    names: Sequence[dict[str, str]],
    query: Mapping[str, Sequence[Any]],
    repeats: Repeats | None = None,
) -> str:
    """
    Find the first thing that no map of a subject has.

    Parameters
    ----------
    shared : mapping of str to str
        Entities that all maps of the analysis have in common.
    names : sequence of dict
        Entities of the first-level maps of the subject, the subject among them.
    query : mapping of str to sequence
        What was asked for beyond these.
    repeats : Repeats, optional
        What several maps of a subject must name.

    Returns
    -------
    reason : str
        For example "no map of contrast win".
    """
    if not names:
        return "no first-level map"
    left = list(names)
    of_contrast = ""
    if "contrast" in shared:
        of_contrast = f" of contrast {shared['contrast']}"
        left = [one for one in names if one["contrast"] == shared["contrast"]]
        if not left:
            return f"no map{of_contrast}"
    wanted = {**query, **{name: (value,) for name, value in shared.items()}}
    for name in ("stat", *(name for name in ENTITIES if name in wanted and name != "stat")):
        still = [one for one in left if admits(name, wanted[name], one.get(name))]
        if not still:
            if name == "stat":
                what = f"no {entities_of(wanted[name])} map{of_contrast}"
            elif name in shared:
                what = f"no map{of_contrast} with {name} {shared[name]}"
            else:
                what = f"left out by the filter of {name}"
            return what
        left = still
    for name, label in repeats.needed if repeats else ():
        if not any(admits(name, [label], one.get(name)) for one in left):
            return f"no map of {name} {label}"
    for name in repeats.apart if repeats else ():
        left = [one for one in left if name in one]
        if not left:
            return f"no map that names a {name}"
    level = next((one[name] for one in left for name in LEVELS if name in one), "")
    return f"only maps of a lower level{f' ({level})' if level else ''}"


def entities_of(allowed: Sequence[Any]) -> str:
    """Join the labels of a query."""
    return " or ".join(str(one) for one in allowed)
