"""What to say when nothing is found: what was asked for, where, and what there is."""

from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from typing import Any

from bids_ari.errors import ExitCode, InputError, did_you_mean
from bids_ari.inputs.filters import MANY, admits, in_words, listed
from bids_ari.inputs.scan import LOGGER, Scan

OPTIONS = {
    "contrast": "--contrast",
    "task": "--task-id",
    "session": "--session-label",
    "space": "--space",
    "stat": "--input-stat",
}


def refuse_unknown_subjects(
    asked: Sequence[str], scans: Sequence[Scan], in_table: frozenset[str]
) -> None:
    """Raise an error if a subject asked for has neither a folder nor a line in the table."""
    known = sorted(in_table.union(*(one.folders for one in scans)))
    missing = [label for label in asked if label not in set(known)]
    if missing:
        told = "; ".join(f"{label}{did_you_mean(label, known)}" for label in missing[:MANY])
        more = f" and {len(missing) - MANY} more" if len(missing) > MANY else ""
        msg = (
            f"{len(missing)} of {len(asked)} subjects asked for are not in {_places(scans)}: "
            f"{told}{more}; there: {listed(known) or 'none'}"
        )
        raise InputError(msg, ExitCode.NOTHING_SELECTED)


def refuse_no_maps(scans: Sequence[Scan], asked: Sequence[str]) -> None:
    """Raise an error if no dataset has any first-level map; warn of each that has none."""
    for one in scans:
        if not one.held:
            LOGGER.warning("there is no first-level map in %s", one.root)
    if any(one.held.keys() & set(asked) if asked else one.held for one in scans):
        return
    n_other = sum(one.n_other for one in scans)
    if n_other:
        msg = (
            f"{_places(scans)} has statistical maps on surfaces or in CIFTI only ({n_other} files)"
            f": these are not supported yet, expected .nii or .nii.gz"
        )
        raise InputError(msg, ExitCode.NO_INPUT)
    whose = f" of sub-{listed(asked)}" if asked else ""
    msg = (
        f"no first-level map{whose} in {_places(scans)}: expected names like "
        f"sub-01_task-faces_contrast-win_stat-effect_statmap.nii.gz"
    )
    inside = sorted(
        path.parent
        for one in scans
        for path in one.root.glob("derivatives/*/dataset_description.json")
    )
    if inside:
        msg += f"; if they are in a derivative, name it: --derivatives {inside[0]}"
    raise InputError(msg, ExitCode.NO_INPUT)


def option_of(entity: str, in_file: Collection[str]) -> str:
    """Tell which option restricts an entity, if not a filter file does."""
    usual = "--bids-filter-file"
    return usual if entity in in_file else OPTIONS.get(entity, usual)


def refuse_unknown_labels(
    scans: Sequence[Scan], query: Mapping[str, Sequence[Any]], in_file: Collection[str] = ()
) -> None:
    """Raise an error for a misspelt label, even if others of its list are found."""
    for name, allowed in query.items():
        known = _subjects(scans) if name == "subject" else _values(scans, name)
        if not known and name not in OPTIONS:
            continue  # nothing is left then, which is said with all that was asked for
        for label in allowed:
            if isinstance(label, Enum) or any(admits(name, [label], one) for one in known):
                continue
            if not known:
                flavours = " and ".join(sorted({one.flavour.name for one in scans if one.names}))
                what = f"{name} of the filters" if name in in_file else OPTIONS[name]
                why = f"no map there names a {name} (layout of {flavours}), leave {what} out"
            else:
                why = f"there is no {name} {label}{did_you_mean(str(label), known)}"
                why += "" if name in OPTIONS else f", only {name} {listed(known)}"
            if name == "space" and any(one.space for one in scans):
                why += ", dataset_description.json tells the space of its maps"
            raise _nothing(scans, query, why)


def refuse_nothing(
    scans: Sequence[Scan], query: Mapping[str, Sequence[Any]], asked: Sequence[str]
) -> None:
    """Raise an error that names the first restriction under which nothing is left."""
    left = [
        entities
        for one in scans
        for names in (map(one.names_of, asked) if asked else (one.names,))
        for entities in names
    ]
    passed: dict[str, Sequence[Any]] = {}
    for name, allowed in query.items():
        if name == "subject":
            continue
        still = [one for one in left if admits(name, allowed, one.get(name))]
        if not still:
            values = sorted({one[name] for one in left if name in one})
            there = f"only {name} {listed(values)}" if values else f"and no {name} at all"
            among = f"with {in_words(passed)} " if passed else ""
            raise _nothing(
                scans, query, f"{among}there is no {in_words({name: allowed})}, {there}"
            )
        left = still
        passed[name] = allowed
    raise _nothing(scans, query, "no single subject has one")


def _nothing(scans: Sequence[Scan], query: Mapping[str, Sequence[Any]], why: str) -> InputError:
    there = "; ".join(
        f"{name} {listed(values)}" for name in OPTIONS if (values := _values(scans, name))
    )
    msg = f"no map in {_places(scans)} matches {in_words(query)}: {why}; there: {there}"
    return InputError(msg, ExitCode.NOTHING_SELECTED)


def _values(scans: Sequence[Scan], entity: str) -> list[str]:
    return sorted({one[entity] for scan in scans for one in scan.names if entity in one})


def _subjects(scans: Sequence[Scan]) -> list[str]:
    return sorted({label for one in scans for label in one.folders})


def _places(scans: Sequence[Scan]) -> str:
    return " and ".join(str(one.root) for one in scans)
