"""
What was asked to be drawn behind the maps, kept in the output dataset.

It is kept as a small picture of the template, so that reports can be written again from the dataset
alone, wherever it is by then; the record of each run names it.
"""

import hashlib
import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np

from bids_ari import figures
from bids_ari.errors import InputError
from bids_ari.files import whole, write_json
from bids_ari.images import read_map
from bids_ari.inputs import Template
from bids_ari.report.raw import json_object
from bids_ari.report.reading import BACKGROUND, RUN, stems
from bids_ari.report.records import Background

_BRIGHTEST = 99.8  # percentile: single voxels are brighter
_FAINTEST = 0.03  # of the brightest; darker voxels are not drawn
_WHITE = 255


def set_background(template: Template | None, output_dir: Path, names: Sequence[str]) -> None:
    """
    Have a template drawn behind the maps of some analyses, from now on.

    Parameters
    ----------
    template : Template or None
        None for what is drawn unasked.
    output_dir : path
        The dataset, where a small copy is kept.
    names : sequence of str
        What the names of the files of these analyses begin with.

    Raises
    ------
    InputError
        If the template or a record cannot be read or written.
    """
    background = _keep(template, output_dir) if template else None
    used = set()
    for stem in sorted({*stems(output_dir), *names}):
        path = output_dir / "logs" / f"{stem}{RUN}"
        record = json_object(path, optional=True)
        if stem in names and record.get(BACKGROUND) != background:
            record = {key: value for key, value in record.items() if key != BACKGROUND}
            write_json(record | ({BACKGROUND: background} if background else {}), path)
            record[BACKGROUND] = background
        if kept := record.get(BACKGROUND):
            used.add((output_dir / str(kept.get("Image"))).name)
    for image in (output_dir / "logs").glob("background-*.nii.gz"):
        if image.name not in used:
            image.unlink()


def _keep(template: Template, output_dir: Path) -> dict[str, Any]:
    """Put a template into an output dataset, and return what records say of it."""
    small = _shrink(template)
    image = nb.Nifti1Image(small.values, small.affine)
    stream = io.BytesIO()
    image.to_stream(stream)
    label = "".join(one for one in template.name.partition(".")[0] if one.isalnum())
    digest = hashlib.sha256(stream.getvalue()).hexdigest()[:8]
    path = Path("logs") / f"background-{label}-{digest}.nii.gz"
    with whole(output_dir / path) as partial:
        image.to_filename(partial)
    return {
        "Name": template.name,
        "Space": template.space,
        "Source": template.image.name if template.space else str(template.image),
        "Image": path.as_posix(),
    }


def load(background: Background) -> figures.Volume:
    """
    Read a template that was kept.

    Parameters
    ----------
    background : Background
        Of a result.

    Returns
    -------
    Volume
        0 outside, at most 1.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if not background.image.is_file():
        msg = (
            f"{background.image} is missing, which is to be drawn behind the maps: give --template "
            "again, or --template default"
        )
        raise InputError(msg)
    return _load(background.image, background.image.stat().st_mtime_ns)


@lru_cache(maxsize=2)  # all analyses of a run have the same
def _load(path: Path, _: int) -> figures.Volume:
    values, grid = read_map(path)
    return figures.Volume(values / np.float32(_WHITE), grid.affine)


def _shrink(template: Template) -> figures.Volume:
    """Put a template on a grid of 1 mm along the axes, from black to white, without its margins."""
    values, grid = read_map(template.image)
    values = np.nan_to_num(values.astype(np.float32), posinf=0, neginf=0).clip(min=0)
    if template.mask:
        inside, _ = read_map(template.mask, grid)
        values = values * (inside > 0)
    if not values.any():
        msg = f"{template.image} has no voxel above 0 to be drawn behind the maps"
        raise InputError(msg)
    values = (values / np.percentile(values[values > 0], _BRIGHTEST)).clip(max=1)
    values[values < _FAINTEST] = 0
    volume = figures.Volume(values, grid.affine)
    return figures.on_millimetres(volume, _WHITE)
