"""Atlases from TemplateFlow."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bids_ari.errors import ExitCode, InputError, did_you_mean
from bids_ari.inputs.filters import listed
from bids_ari.inputs.segmentations import (
    Entities,
    called,
    entities_of,
    table_that_applies,
)
from bids_ari.inputs.template_client import LONG, fetch, must_know, plain, templateflow, zooms

ABSENT = "none"
"""Value of an entity that the name must not have."""


class _Candidate(NamedTuple):
    path: Path
    entities: Entities


def fetch_atlas(
    name: str, wanted: Mapping[str, str], *, space: str, voxel_size: float, names: bool = True
) -> tuple[Path, Path | None]:
    """
    Find an atlas of a template, and download it if it is not there yet.

    Parameters
    ----------
    name : str
        Value of its entity ``atlas``, or of ``seg`` or ``desc`` where there is no atlas.
    wanted : mapping of str to str
        By the key of file names; ``'none'`` for an entity that must be absent.
    space : str
        Of the maps: the template, unless ``wanted`` has one (``tpl``).
    voxel_size : float
        Of the maps, in mm: the nearest resolution is taken unless ``wanted`` has one (``res``).
    names : bool
        Whether the table of names is wanted too.

    Returns
    -------
    image : path
        Label image.
    table : path or None
        Names of its regions, if TemplateFlow has them.

    Raises
    ------
    InputError
        If there is no such atlas, several match, or it is not there and cannot be downloaded.
    """
    wanted = dict(wanted)
    template, _, cohort = space.partition("+")  # MNIInfant+2
    template = wanted.pop("tpl", "") or template
    if not template:
        msg = (
            f"atlas {name}: the maps do not say in which space they are, give the template: "
            f"{name}:template=MNI152NLin2009cAsym"
        )
        raise InputError(msg, ExitCode.USAGE)
    if cohort and template == space.partition("+")[0]:
        wanted.setdefault("cohort", cohort)
    api = templateflow()
    root = Path(api.TF_LAYOUT.root)
    chosen = _choose(
        _images(api, template, root),
        name,
        wanted,
        f"template {template} in {root}",
        zooms(root / f"tpl-{template}"),
        voxel_size,
    )
    tables = api.ls(template, suffix="dseg", extension=".tsv") if names else []
    table = table_that_applies(chosen.path, tables)
    for path in (chosen.path, table):
        if path:
            fetch(api, template, path, root)
    return chosen.path, table


def _images(api: Any, template: str, root: Path) -> list[_Candidate]:
    """List the label images of a template by what they go by."""
    must_know(api, template, root, "give the one of the maps with template=")
    paths = sorted(api.ls(template, suffix="dseg", extension=[".nii.gz", ".nii"]))
    images = [_Candidate(path, entities_of(path)) for path in paths]
    # statistics of labels, such as the confidence, are no labels
    return [one for one in images if called(one.entities) and "stat" not in one.entities]


def _choose(
    images: Sequence[_Candidate],
    name: str,
    wanted: Mapping[str, str],
    where: str,
    zooms: Mapping[str, float],
    voxel_size: float,
) -> _Candidate:
    """Choose the one image that is meant, and of its resolutions the nearest."""
    named = [one for one in images if called(one.entities) == name]
    if not named:
        known = sorted({called(one.entities) for one in images})
        msg = (
            f"there is no atlas {name} of {where}{did_you_mean(name, known)}; "
            f"it has {listed(known) or 'none'}"
        )
        raise InputError(msg, ExitCode.NO_INPUT)
    left = [one for one in named if _matches(one.entities, wanted)]
    if not left:
        asked = ", ".join(f"{LONG[key]}={value}" for key, value in wanted.items())
        msg = f"atlas {name} of {where} does not come with {asked}; it has {_differences(named)}"
        raise InputError(msg, ExitCode.NO_INPUT)
    kinds = {tuple((k, v) for k, v in one.entities.items() if k != "res") for one in left}
    if len(kinds) > 1:
        told = _differences(left, without=("res",))
        msg = f"{len(kinds)} images match atlas {name} of {where}, say which: {told}"
        raise InputError(msg, ExitCode.USAGE)
    if len(left) == 1:
        return left[0]
    sizes = [zooms.get(plain(one.entities.get("res", "")), 0.0) for one in left]
    if not all(sizes):
        msg = (
            f"atlas {name} of {where} has several resolutions whose voxel sizes are not told, "
            f"say which: {_differences(left)}"
        )
        raise InputError(msg, ExitCode.USAGE)
    # of two equally near the finer
    return left[min(range(len(left)), key=lambda i: (abs(sizes[i] - voxel_size), sizes[i]))]


def _matches(entities: Entities, wanted: Mapping[str, str]) -> bool:
    return all(plain(entities.get(key, ABSENT)) == plain(value) for key, value in wanted.items())


def _differences(images: Sequence[_Candidate], without: Sequence[str] = ()) -> str:
    """Tell images apart: ``desc=th0, th25 or th50``."""
    keys = dict.fromkeys(key for one in images for key in one.entities)
    told = []
    for key in keys:
        values = sorted({one.entities.get(key, ABSENT) for one in images}, key=_natural)
        if key in LONG and key not in without and len(values) > 1:
            told.append(f"{LONG[key]}={listed(values[:-1])} or {values[-1]}")
    return "; ".join(told) or listed([one.path.name for one in images])


def _natural(value: str) -> list[str | int]:
    """Sort ``100Parcels`` before ``1000Parcels``."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", value)]
