"""The variance map beside an effect map."""

import re
from pathlib import Path, PurePosixPath

from bids_ari.errors import InputError
from bids_ari.inputs.dataset import not_fetched
from bids_ari.inputs.records import StatMap

STATS_WITH_VARIANCE = ("effect", "beta")


def variance_path(path: Path, stat: str) -> Path:
    """
    Name the variance map of a map.

    Parameters
    ----------
    path : Path
        Of the map.
    stat : str
        What its name says it is.

    Returns
    -------
    Path
        In the same folder, whether it is there or not.

    Examples
    --------
    >>> variance_path(Path("sub-1_contrast-a_stat-effect_statmap.nii"), "effect").name
    'sub-1_contrast-a_stat-variance_statmap.nii'
    """
    name = re.sub(rf"(?<![^_])stat-{re.escape(stat)}(?=_)", "stat-variance", path.name)
    return path.with_name(name)


def variance_of(one: StatMap) -> StatMap | None:
    """
    Find the variance map of a map.

    Parameters
    ----------
    one : StatMap
        An effect map, as a rule.

    Returns
    -------
    variance : StatMap, or None
        None if there is none, or if it is not the variance of such a map.

    Raises
    ------
    InputError
        If the file is a link to content that is not there.
    """
    stat = one.entities.get("stat", "")
    if stat not in STATS_WITH_VARIANCE:
        return None
    path = variance_path(one.path, stat)
    before, _, relative = one.uri.rpartition(":")
    inside = PurePosixPath(relative)
    if not path.exists():
        if path.is_symlink():
            root = one.path.parents[len(inside.parts) - 1]
            raise InputError(not_fetched(path, root))
        return None
    entities = {**one.entities, "stat": "variance"}
    return StatMap(path, one.subject, entities, f"{before}:{inside.with_name(path.name)}")
