"""What to say when there is no telling what belongs together."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from bids_ari.errors import InputError
from bids_ari.inputs.naming import ENTITIES, names_in_role
from bids_ari.inputs.records import StatMap

REPEATS, LEVELS = (names_in_role(role) for role in ("repeat", "level"))
Key = frozenset[tuple[str, str]]


def refuse_partial(groups: Mapping[Key, Sequence[StatMap]]) -> None:
    """
    Raise an error if two groups would be one, did the maps of the first tell as much.

    Groups that have a subject in common are variants of the same maps, and stay apart.
    """
    by_contrast: dict[str, list[Key]] = {}
    for key in groups:
        by_contrast.setdefault(dict(key).get("contrast", ""), []).append(key)
    for contrast, keys in by_contrast.items():
        for one, other in combinations(sorted(keys, key=len), 2):
            if not one < other:
                continue
            few, many = groups[one], groups[other]
            if {map_.subject for map_ in few} & {map_.subject for map_ in many}:
                continue
            extra = dict(other - one)
            names = " and ".join(name for name in ENTITIES if name in extra)
            msg = (
                f"{len(many)} map{'s' * (len(many) != 1)}"
                f"{f' of contrast {contrast}' if contrast else ''} with a {names} and {len(few)} "
                f"of other subjects without: {many[0].path} against {few[0].path}; name "
                f"them alike, or choose with --bids-filter-file, for example "
                f"{_filter({name: extra[name] for name in ENTITIES if name in extra})}"
            )
            raise InputError(msg)


def refuse_several(of: Mapping[str, Sequence[StatMap]], combined: Sequence[str] = ()) -> None:
    """
    Raise an error that says how to choose, or what else to do with several maps of a subject.

    Parameters
    ----------
    of : mapping of str to sequence of StatMap
        Maps of subjects who have several for one row.
    combined : sequence of str
        Entities over which they would be combined anyway.
    """
    subject, maps = next(iter(of.items()))
    ways = []
    varying: dict[str, list[str]] = {}
    for name in (*REPEATS, *LEVELS, "extension"):
        values = sorted({one.entities.get(name, "") for one in maps} - {""})
        if len({one.entities.get(name) for one in maps}) == 1:
            continue
        varying[name] = values
        if name == "session":
            ways.append(f"--session-label {values[0]}")
        else:
            ways.append(f"--bids-filter-file with {_filter({name: values[0]})}")
    if len({one.uri.split(":")[1] for one in maps}) > 1:
        ways.append("one dataset in --derivatives")
    others = f" (and {len(of) - 1} more subjects)" if len(of) > 1 else ""
    how = f"choose by {', or '.join(ways)}" if ways else "no entity tells them apart: remove one"
    contrasts = " and ".join(dict.fromkeys(one.entities["contrast"] for one in maps))
    msg = (
        f"sub-{subject}{others} has {len(maps)} maps of contrast {contrasts} "
        f"where an analysis takes one: {', '.join(str(one.path) for one in maps[:4])}"
        f"{', ...' if len(maps) > 4 else ''}; {how}{_or_together(maps, varying, combined)}"
    )
    raise InputError(msg)


def _or_together(
    maps: Sequence[StatMap], varying: Mapping[str, Sequence[str]], combined: Sequence[str]
) -> str:
    """Offer to combine or to subtract, where this is possible."""
    repeats = [name for name in REPEATS if name in varying]
    told = {tuple(one.entities.get(name) for name in repeats) for one in maps}
    if len(told) < len(maps) or any(name not in one.entities for name in repeats for one in maps):
        return ""
    names = [name for name in REPEATS if name in repeats or name in combined]
    ways = [f"average them with --combine {' '.join(names)}"]
    for name in repeats:
        if name not in combined and len(varying[name]) > 1:
            first, second = varying[name][:2]
            rest = [other for other in names if other != name]
            more = f" --combine {' '.join(rest)}" if rest else ""
            ways.append(f"subtract with --difference {name}={second}-{first}{more}")
    return f"; or {', or '.join(ways)}"


def _filter(values: Mapping[str, str]) -> str:
    """Write filters as they stand in a filter file."""
    return "{" + ", ".join(f'"{name}": "{value}"' for name, value in values.items()) + "}"
