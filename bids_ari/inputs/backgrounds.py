"""The template that is drawn behind the maps: by its name in TemplateFlow, or a file."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bids_ari.errors import ExitCode, InputError
from bids_ari.images import read_map
from bids_ari.inputs.atlases import refuse_no_file
from bids_ari.inputs.filters import listed
from bids_ari.inputs.segmentations import entities_of
from bids_ari.inputs.template_client import fetch, must_know, plain, templateflow, zooms

USUAL = "default"
"""Says that nothing else is wanted than what is drawn unasked."""
_EXTENSIONS = (".nii", ".nii.gz")
_NEEDED = 1.0  # mm: pictures show no more
_TOLD_BY = {"tpl", "cohort", "res", "desc"}


@dataclass(frozen=True, slots=True)
class Template:
    """What is drawn behind maps, on disk."""

    name: str
    """As TemplateFlow has it, or the name of the file."""
    space: str
    """With its cohort, as in the names of maps; empty for a file, of which no space is known."""
    image: Path
    """T1-weighted."""
    mask: Path | None
    """Of the brain; None if the image holds nothing else."""


def find_template(spec: str, spaces: Sequence[str]) -> Template | None:
    """
    Find what is to be drawn behind the maps; TemplateFlow downloads what is not there yet.

    Parameters
    ----------
    spec : str
        ``NAME`` or ``NAME+COHORT`` of a template, or a file: what exists, contains a separator of
        folders, or ends in ``.nii`` or ``.nii.gz``. ``default`` is for what is drawn unasked.
    spaces : sequence of str
        Of the maps; where a template has cohorts, that of the maps is taken.

    Returns
    -------
    Template or None
        Of the resolutions that nearest to 1 mm; None for the default.

    Raises
    ------
    InputError
        If the file cannot be drawn, or if TemplateFlow does not have the template, has several
        cohorts of it, or cannot download it.
    """
    if spec == USUAL:
        return None
    path = Path(spec)
    if spec.lower().endswith(_EXTENSIONS) or "/" in spec or os.sep in spec or path.is_file():
        return _file(path)
    name, plus, cohort = spec.partition("+")
    if not name.isalnum() or (plus and not cohort.isalnum()):
        msg = f"template {spec!r}: expected NAME or NAME+COHORT as TemplateFlow has it, or a file"
        raise InputError(msg, ExitCode.USAGE)
    of_maps = {one.partition("+")[2] for one in spaces if one.startswith(f"{name}+")}
    if not cohort and len(of_maps) == 1:
        (cohort,) = of_maps
    return _of_templateflow(name, cohort)


def _file(path: Path) -> Template:
    refuse_no_file(path)
    if not path.name.lower().endswith(_EXTENSIONS):
        msg = f"{path} is no volume, expected an image in .nii or .nii.gz to draw behind the maps"
        raise InputError(msg)
    values, _ = read_map(path)
    if not np.any(values > 0):
        msg = f"{path} has no voxel above 0, expected an image to draw behind the maps"
        raise InputError(msg)
    return Template(path.name, "", path.absolute(), None)


def _of_templateflow(name: str, cohort: str) -> Template:
    api = templateflow()
    root = Path(api.TF_LAYOUT.root)
    must_know(api, name, root, "a file can be given too")
    images = _images(api, name, "T1w")
    where = f"template {name} in {root}"
    if not images:
        msg = f"{where} has no T1-weighted image to draw behind the maps: give a file"
        raise InputError(msg, ExitCode.NO_INPUT)
    cohorts = sorted({entities_of(one).get("cohort", "") for one in images})
    if not cohort and len(cohorts) > 1:
        msg = f"{where} has the cohorts {listed(cohorts)}: say which, as {name}+{cohorts[0]}"
        raise InputError(msg, ExitCode.USAGE)
    if cohort and cohort not in cohorts:
        msg = f"{where} has no cohort {cohort}; it has {listed(list(filter(None, cohorts))) or 'none'}"
        raise InputError(msg, ExitCode.NO_INPUT)
    images = [
        one for one in images if entities_of(one).get("cohort", "") == (cohort or cohorts[0])
    ]
    brains = [one for one in images if "desc" in entities_of(one)]
    image = _nearest(brains or images, zooms(root / f"tpl-{name}"))
    mask = None if brains else _mask_for(image, _images(api, name, "mask"))
    for path in filter(None, (image, mask)):
        fetch(api, name, path, root)
    return Template(name, f"{name}+{cohort}" if cohort else name, image, mask)


def _images(api: Any, name: str, suffix: str) -> list[Path]:
    """List the images of a kind, whole or of the brain alone."""
    found: list[Path] = sorted(api.ls(name, suffix=suffix, extension=[".nii.gz", ".nii"]))
    return [
        one
        for one in found
        if entities_of(one).keys() <= _TOLD_BY and entities_of(one).get("desc") in {None, "brain"}
    ]


def _nearest(images: Sequence[Path], sizes: dict[str, float]) -> Path:
    """Choose a resolution: of two equally near, or where sizes are not told, the first."""

    def away(image: Path) -> float:
        size = sizes.get(plain(entities_of(image).get("res", "")))
        return float("inf") if size is None else abs(size - _NEEDED)

    return min(images, key=away)


def _mask_for(image: Path, masks: Sequence[Path]) -> Path | None:
    """Find the mask of the brain that goes with an image; None if there is none."""
    wanted = {**entities_of(image), "desc": "brain"}
    return next((one for one in masks if entities_of(one) == wanted), None)
