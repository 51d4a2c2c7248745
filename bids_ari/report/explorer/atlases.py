"""The atlases of a result, as the labels of the voxels that were analysed."""

import csv

import numpy as np

from bids_ari.errors import InputError
from bids_ari.images import VolumeDomain
from bids_ari.outputs import atlas_label
from bids_ari.report.explorer.packing import Parcellation
from bids_ari.report.results import Result


def parcellations_of(result: Result, domain: VolumeDomain) -> list[Parcellation]:
    """
    Read the atlases whose regions were bounded.

    Parameters
    ----------
    result : Result
        One analysis.
    domain : VolumeDomain
        Its voxels.

    Returns
    -------
    list of Parcellation
        Those whose label maps are on disk: regions of interest, which may overlap, have none.

    Raises
    ------
    InputError
        If a map cannot be read, or has a label without a name.
    """
    found = []
    for atlas in dict.fromkeys(region.atlas for region in result.regions):
        stem = result.mask.with_name(f"{result.stem}_desc-{atlas_label(atlas)}_dseg")
        image, table = stem.with_name(f"{stem.name}.nii.gz"), stem.with_name(f"{stem.name}.tsv")
        if not (image.exists() and table.exists()):
            continue
        with table.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
        index = np.array([int(row["index"]) for row in rows], dtype=np.int64)
        labels = domain.values(image).astype(np.int64)
        if unknown := set(np.unique(labels).tolist()) - {0, *index.tolist()}:
            msg = f"{image} has label {min(unknown)}, which {table.name} does not name"
            raise InputError(msg)
        order = np.argsort(index)
        place = np.where(
            labels != 0,
            order[np.searchsorted(index[order], labels).clip(max=index.size - 1)] + 1,
            0,
        )
        found.append(Parcellation(atlas, tuple(row["name"] for row in rows), place))
    return found
