"""From the maps of a subject to the rows of a design."""

import logging
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from bids_ari.errors import ExitCode, InputError
from bids_ari.inputs.ambiguity import refuse_several
from bids_ari.inputs.filters import listed
from bids_ari.inputs.naming import names_in_role
from bids_ari.inputs.records import Row, StatMap
from bids_ari.inputs.repeats import REPEATS, Repeats, is_of
from bids_ari.inputs.rules import PLURALS, label_of, order, rule_of, varies
from bids_ari.inputs.variances import variance_of, variance_path

LOGGER = logging.getLogger("bids_ari")
LEVELS = names_in_role("level")


class Rows(NamedTuple):
    """Rows of one analysis, and what is to be said of the subjects."""

    rows: tuple[Row, ...]
    remarks: dict[str, list[str]]
    """What is odd about subjects with a row."""
    lacking: dict[str, str]
    """Why subjects who have maps have no row."""
    combined: frozenset[str]
    """Entities over which the maps of any row were combined."""


class _Draft(NamedTuple):
    """A row of which is known which maps go in, but not yet with what weights."""

    entities: dict[str, str]
    sides: tuple[tuple[StatMap, ...], ...]
    """Maps to combine; of a difference, those of either side."""

    @property
    def maps(self) -> tuple[StatMap, ...]:
        return tuple(chain(*self.sides))


def rows_of(members: Sequence[StatMap], repeats: Repeats, title: str) -> Rows:
    """
    Make the rows of one analysis.

    Parameters
    ----------
    members : sequence of StatMap
        Maps that share what maps of an analysis must.
    repeats : Repeats
        What to do with several maps of a subject.
    title : str
        What to call the analysis in the log.

    Returns
    -------
    Rows
        Sorted by subject, then by entities.

    Raises
    ------
    InputError
        If a subject has more maps than there is a way to treat, or a variance map that is needed
        is not there.
    """
    of_subject: dict[str, list[StatMap]] = {}
    for one in sorted(members, key=lambda one: (one.subject, one.uri)):
        of_subject.setdefault(one.subject, []).append(one)
    drafts: dict[str, list[_Draft]] = {}
    remarks: dict[str, list[str]] = {}
    lacking: dict[str, str] = {}
    for subject, maps in of_subject.items():
        made, notes = _drafts_of(maps, repeats)
        if made:
            drafts[subject], remarks[subject] = made, notes
        else:
            lacking[subject] = ", ".join(dict.fromkeys(notes))
    ambiguous = {
        subject: first
        for subject, made in drafts.items()
        if (first := next(filter(None, (_ambiguous(one, repeats) for one in made)), ()))
    }
    if ambiguous:
        refuse_several(ambiguous, repeats.combine)
    _note_levels(drafts, remarks, repeats)
    rows = _with_weights(drafts, repeats, title)
    combined = frozenset(
        name
        for name in repeats.combine
        for draft in chain(*drafts.values())
        for side in draft.sides
        if varies(side, name)
    )
    if combined:
        _tell_of_numbers(drafts, combined, title)
    return Rows(rows, remarks, lacking, combined)


def _drafts_of(maps: Sequence[StatMap], repeats: Repeats) -> tuple[list[_Draft], list[str]]:
    """Sort the maps of a subject into rows, and note what the subject lacks for others."""
    cells: dict[tuple[str, ...], list[StatMap]] = {}
    for one in maps:
        cells.setdefault(tuple(label_of(one, name) for name in repeats.within), []).append(one)
    made, notes = [], []
    for labels in sorted(cells, key=lambda labels: order(repeats.within, labels)):
        entities = dict(zip(repeats.within, labels, strict=True))
        cell = sorted(
            cells[labels],
            key=lambda one: order(
                repeats.combine, [label_of(one, name) for name in repeats.combine]
            ),
        )
        sides = [
            tuple(one for one in cell if is_of(one, name, label)) for name, label in repeats.needed
        ] or [tuple(cell)]
        absent = [
            f"no map of {name} {label}"
            for (name, label), side in zip(repeats.needed, sides, strict=False)
            if not side
        ]
        if absent:
            where = " ".join(f"{name} {label}" for name, label in entities.items())
            notes.append(f"{where}: {absent[0]}" if where else absent[0])
        else:
            made.append(_Draft(entities, tuple(sides)))
    return made, notes


def _ambiguous(draft: _Draft, repeats: Repeats) -> tuple[StatMap, ...]:
    """Find maps of a row that differ in more, or in less, than what they are combined over."""
    if any(varies(draft.maps, name) for name in LEVELS):
        return draft.maps
    for side in draft.sides:
        told = [
            frozenset((name, label) for name in repeats.combine if (label := label_of(one, name)))
            for one in side
        ]
        others = any(varies(side, name) for name in REPEATS if name not in repeats.combine)
        # a map that names no run, beside those of runs, may be their summary
        may_sum_up = any(one < other for one in told for other in told)
        if len(set(told)) < len(side) or others or may_sum_up:
            return side
    return ()


def _note_levels(
    drafts: dict[str, list[_Draft]], remarks: dict[str, list[str]], repeats: Repeats
) -> None:
    """Note which labels a subject has, where others have more."""
    for name in repeats.within:
        labels_of = {
            subject: list(dict.fromkeys(one.entities[name] for one in made))
            for subject, made in drafts.items()
        }
        everything = set(chain(*labels_of.values()))
        for subject, labels in labels_of.items():
            if set(labels) != everything:
                remarks[subject].append(f"{name} {', '.join(labels)} only")


def _with_weights(
    drafts: dict[str, list[_Draft]], repeats: Repeats, title: str
) -> tuple[Row, ...]:
    """Decide how the maps of each row are weighted, and look for their variance maps."""
    rows: list[Row] = []
    unweighted: list[str] = []
    missing: list[StatMap] = []
    for subject, made in drafts.items():
        several = any(len(side) > 1 for draft in made for side in draft.sides)
        found = {
            one.uri: variance_of(one) if several or repeats.variances else None
            for draft in made
            for one in draft.maps
        }
        if repeats.variances:
            missing += [one for draft in made for one in draft.maps if found[one.uri] is None]
        # of one subject, all rows or none: they are compared
        known = [one for one in found.values() if one is not None]
        weighted = len(known) == len(found)
        if several and not weighted:
            unweighted.append(subject)
        for draft in made:
            use = weighted and (repeats.variances or any(len(side) > 1 for side in draft.sides))
            variances = [found[one.uri] for one in draft.maps] if use else []
            signs = (1.0, -1.0)[: len(draft.sides)]
            rows.append(
                Row(
                    subject,
                    draft.entities,
                    draft.maps,
                    tuple(
                        sign / len(side)
                        for sign, side in zip(signs, draft.sides, strict=True)
                        for _ in side
                    ),
                    tuple(one for one in variances if one is not None),
                    rule_of(draft.sides, repeats, weighted=use),
                )
            )
    if missing:
        _refuse_without_variance(missing)
    if unweighted:
        LOGGER.warning(
            "%s: maps of %d of %d subjects are averaged with equal weights, as they have no "
            "variance maps (stat-variance): %s",
            title,
            len(unweighted),
            len(drafts),
            listed([f"sub-{subject}" for subject in unweighted]),
        )
    return tuple(rows)


def _refuse_without_variance(missing: Sequence[StatMap]) -> None:
    first = missing[0]
    path = variance_path(first.path, first.entities["stat"])
    more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
    msg = f"{path}{more} does not exist, expected the variance map of {first.path.name}"
    raise InputError(msg, ExitCode.NO_INPUT)


def _tell_of_numbers(
    drafts: dict[str, list[_Draft]], combined: frozenset[str], title: str
) -> None:
    """Say who has other numbers of maps to combine than most."""
    numbers = {
        subject: [len(side) for draft in made for side in draft.sides]
        for subject, made in drafts.items()
    }
    usual = Counter(chain(*numbers.values())).most_common(1)[0][0]
    odd = {who: of for who, of in numbers.items() if set(of) != {usual}}
    if not odd:
        return
    name = next(iter(combined)) if len(combined) == 1 else "map"
    several = PLURALS.get(name, "maps")
    told = [
        f"sub-{who}: {', '.join(f'{n} {name if n == 1 else several}' for n in dict.fromkeys(of))}"
        for who, of in odd.items()
    ]
    LOGGER.warning(
        "%s: not all subjects have as many %s to combine: %s, others %d",
        title,
        several,
        listed(told),
        usual,
    )
