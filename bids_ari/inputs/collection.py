"""From folders and options to the list of analyses."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bids_ari.errors import ExitCode, InputError, did_you_mean
from bids_ari.inputs.counts import tell_counts
from bids_ari.inputs.dataset import describe, not_fetched
from bids_ari.inputs.filters import admits, in_words
from bids_ari.inputs.grouping import group, highest_level
from bids_ari.inputs.inclusion import Universe
from bids_ari.inputs.naming import ENTITIES
from bids_ari.inputs.participants import participants
from bids_ari.inputs.records import Analysis, StatMap
from bids_ari.inputs.refusals import (
    OPTIONS,
    refuse_no_maps,
    refuse_nothing,
    refuse_unknown_labels,
    refuse_unknown_subjects,
)
from bids_ari.inputs.repeats import Repeats, check, refuse_absent
from bids_ari.inputs.scan import Scan, scan

LOGGER = logging.getLogger("bids_ari")
RAW = "raw"
FIRST_LEVEL = "firstlevel"
"""What BIDS URIs call the dataset of first-level maps when it has not been given a name."""
STATS = ("effect", "beta", "z", "t")


def datasets(bids_dir: Path, derivatives: Mapping[str, Path]) -> dict[str, Path]:
    """
    Name the datasets of a run, as BIDS URIs and ``DatasetLinks`` do.

    Parameters
    ----------
    bids_dir : Path
        Raw dataset, or that of the first-level maps if there are no derivatives.
    derivatives : mapping of str to Path
        Name to folder.

    Returns
    -------
    roots : dict of str to Path
        Absolute. ``bids_dir`` is ``raw`` next to derivatives, and ``firstlevel`` alone.

    Raises
    ------
    InputError
        If a name cannot stand in a BIDS URI, or a folder has two names.
    """
    if not derivatives:
        return {FIRST_LEVEL: Path(os.path.abspath(bids_dir))}  # noqa: PTH100 - keeps links
    roots = {RAW: Path(os.path.abspath(bids_dir))}  # noqa: PTH100
    for name, path in derivatives.items():
        root = Path(os.path.abspath(path))  # noqa: PTH100
        if name in {RAW, ""} or name.startswith(".") or set(name) & set(":/\\ "):
            msg = (
                f"--derivatives {name}={path}: expected a name without : / \\ and without a dot "
                f"in front, and not {RAW}"
            )
            raise InputError(msg, ExitCode.USAGE)
        twin = next((one for one, other in roots.items() if other == root and one != RAW), "")
        if twin:
            msg = f"--derivatives names {path} twice, {twin} and {name}"
            raise InputError(msg, ExitCode.USAGE)
        roots[name] = root
    return roots


def collect(
    bids_dir: Path,
    *,
    derivatives: Mapping[str, Path] | None = None,
    input_stat: str = "effect",
    participant_label: Sequence[str] = (),
    session_label: Sequence[str] = (),
    task_id: Sequence[str] = (),
    space: Sequence[str] = (),
    contrast: Sequence[str] = (),
    filters: Mapping[str, Any] | None = None,
    database_dir: Path | None = None,
    combine: Sequence[str] = (),
    difference: tuple[str, str, str] | None = None,
    within: Sequence[str] = (),
    variances: bool = False,
    listed: Sequence[str] | None = None,
) -> tuple[Analysis, ...]:
    """
    Find first-level maps and group them into analyses.

    Parameters
    ----------
    bids_dir : Path
        Raw dataset, of which only ``participants.tsv`` is read, or, without derivatives, the
        dataset of first-level maps.
    derivatives : mapping of str to Path, optional
        Datasets of first-level maps, by name.
    input_stat : str
        Which maps: ``effect``, ``beta``, ``z`` or ``t``.
    participant_label, session_label, task_id, space, contrast : sequence of str
        Labels to restrict to, with or without ``sub-``, ``ses-`` and so on; empty for all.
    filters : mapping of str to object, optional
        More restrictions, as :func:`load_filters` returns them.
    database_dir : Path, optional
        Folder for the index of PyBIDS, which is made if it is not there or not of these files.
    combine : sequence of str
        Entities (``session``, ``run``, ``echo``) over which the maps of a subject are averaged,
        before anything else: by inverse variance if all of them have variance maps beside them,
        with equal weights if not. What is averaged, and how, is said in ``Row.rule``.
    difference : tuple of str, optional
        Entity, label and label, such as ``("session", "post", "pre")``: of each subject, the map
        of the first label minus that of the second. Subjects who lack one are out.
    within : sequence of str
        Entities by which rows of one subject differ, as the design has a column for them.
    variances : bool
        Whether every map must come with its variance map.
    listed : sequence of str, optional
        Who should take part, instead of those in ``participants.tsv``.

    Returns
    -------
    analyses : tuple of Analysis
        One for each contrast, task, space and so on, sorted. In the inclusion table of each stand
        the subjects asked for, else those of ``participants.tsv`` and all that have maps. Several
        maps of a subject are refused unless they are asked for.

    Raises
    ------
    InputError
        If there is nothing to analyse, or no telling what belongs together. Exit codes: ``DATA``
        if files are broken or ambiguous, ``NO_INPUT`` if there are no first-level maps,
        ``NOTHING_SELECTED`` if none of them was asked for, or there is nothing to combine or to
        subtract, ``USAGE`` if an entity is not one that can be treated so.
    ValueError
        If an argument is none of its choices.
    """
    if input_stat not in STATS:
        msg = f"input_stat is {input_stat!r}, expected one of {', '.join(STATS)}"
        raise ValueError(msg)
    repeats = check(combine, difference, within, variances=variances, input_stat=input_stat)
    query = _query(
        filters or {},
        contrast=contrast,
        task=task_id,
        session=session_label,
        space=space,
        stat=(input_stat,),
    )
    asked = tuple(dict.fromkeys(label.removeprefix("sub-") for label in participant_label))
    roots = datasets(bids_dir, derivatives or {})
    for root in roots.values():
        describe(root)

    def keep(entities: dict[str, str]) -> bool:
        return all(
            name == "subject" or admits(name, allowed, entities.get(name))
            for name, allowed in query.items()
        )

    scans = [
        scan(name, root, keep=keep, subjects=asked, everything=database_dir is not None)
        for name, root in roots.items()
        if name != RAW
    ]
    in_table = [labels for root in roots.values() if (labels := participants(root)) is not None]
    known_listed = frozenset[str]().union(*in_table) if in_table else None
    if listed is not None:
        known_listed = frozenset(listed)
    refuse_unknown_subjects(asked, scans, known_listed or frozenset())
    refuse_no_maps(scans, asked)
    in_file = frozenset(filters or {})
    refuse_unknown_labels(scans, query, in_file)
    tell_counts(scans, query, asked, in_file)
    maps = _select(scans, query, asked, repeats, database_dir)
    if not maps:
        refuse_nothing(scans, query, asked)
    missing = sorted(one.uri for one in maps if not one.path.exists())
    if missing:
        _, dataset, relative = missing[0].split(":", 2)
        more = f" (and {len(missing) - 1} more files)" if len(missing) > 1 else ""
        raise InputError(not_fetched(roots[dataset] / relative, roots[dataset], more))
    held = frozenset[str]().union(*(one.held for one in scans))
    subjects = frozenset(asked) or held | (known_listed or frozenset())

    def names_of(subject: str) -> list[dict[str, str]]:
        return [entities for one in scans for entities in one.names_of(subject)]

    return group(maps, Universe(subjects, known_listed, names_of), query, repeats)


def _query(filters: Mapping[str, Any], **options: Sequence[str]) -> dict[str, list[Any]]:
    """Join options and filters into the values that each entity may have."""
    query: dict[str, list[Any]] = {}
    for name, labels in options.items():
        if labels:
            query[name] = [label.removeprefix(f"{ENTITIES[name].key}-") for label in labels]
    for name, value in filters.items():
        if name not in ENTITIES:
            msg = f"filters name {name!r}{did_you_mean(name, [*ENTITIES])}"
            raise ValueError(msg)
        allowed = list(value) if isinstance(value, list | tuple) else [value]
        if name in query and query[name] != allowed:
            msg = (
                f"the filters ask for {in_words({name: allowed})} and "
                f"{OPTIONS[name]} for {in_words({name: query[name]})}: choose one"
            )
            raise InputError(msg, ExitCode.USAGE)
        query[name] = allowed
    return query


def _select(
    scans: Sequence[Scan],
    query: Mapping[str, Sequence[Any]],
    asked: Sequence[str],
    repeats: Repeats,
    database_dir: Path | None,
) -> list[StatMap]:
    from bids_ari.inputs.index import matching  # imports PyBIDS: half a second

    matched = [
        [
            StatMap(
                one.root / relative,
                subject,
                dict(one.names[index]),
                f"bids:{one.dataset}:{relative}",
            )
            for relative, subject, index in matching(one, query, database_dir)
            if not asked or subject in asked
        ]
        for one in scans
    ]
    everything = [one for found in matched for one in found]
    if everything:
        refuse_absent(everything, repeats)
    maps: list[StatMap] = []
    for one, found in zip(scans, matched, strict=True):
        wanted = [each for each in found if repeats.wants(each)]
        highest = _highest(wanted, repeats) if one.flavour.levels else wanted
        if len(highest) < len(wanted):
            LOGGER.info(
                "left aside, as there are maps that sum them up: maps of runs or sessions (%d)",
                len(wanted) - len(highest),
            )
        maps += highest
    return maps


def _highest(maps: Sequence[StatMap], repeats: Repeats) -> list[StatMap]:
    if not repeats.combine:
        return highest_level(maps)
    # those who have a single run may have no maps of runs: theirs sum up nothing of others
    of_subject: dict[str, list[StatMap]] = {}
    for one in maps:
        of_subject.setdefault(one.subject, []).append(one)
    return [one for own in of_subject.values() for one in highest_level(own)]
