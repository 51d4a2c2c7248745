"""Label images: what is a label, and where labels are on the grid of the maps."""

from itertools import product
from pathlib import Path
from typing import NamedTuple

import nibabel as nb
import numpy as np
from numpy.typing import NDArray

from bids_ari.errors import InputError
from bids_ari.images.masks import resample_nearest
from bids_ari.images.nifti import Grid
from bids_ari.images.smoothing import bounding_box

LARGEST_LABEL = 2**53
"""Up to which every whole number is one in double precision."""


class PlacedLabels(NamedTuple):
    """Voxels with labels, on the grid of the maps."""

    code: NDArray[np.integer]
    """(n,) label of each, numbered from 1."""
    place: NDArray[np.int64]
    """(n,) flat index (C order) of each in the grid, -1 outside of the field of view."""
    resampled: bool


def number_labels(
    data: NDArray[np.number], path: Path
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """
    List the labels of an image, and number them.

    Parameters
    ----------
    data : (x, y, z) array
        Whole numbers of any type; 0 and NaN are background. Some atlases have negative labels.
    path : path
        The file, for messages.

    Returns
    -------
    labels : (n_labels,) array
        In ascending order.
    codes : (x, y, z) array of int32
        From 1 for the first label; 0 for background.

    Raises
    ------
    InputError
        If a value is no label.
    """
    flat = _checked_labels(data, path).ravel(order="F")  # as it is in memory
    where = np.flatnonzero(flat)
    labels, number = np.unique(flat[where], return_inverse=True)
    codes = np.zeros(flat.size, dtype=np.int32)
    codes[where] = number + 1
    return labels.astype(np.int64), codes.reshape(data.shape, order="F")


def place_labels(codes: NDArray[np.int32], found: Grid, grid: Grid) -> PlacedLabels:
    """
    Put labels on the grid of the maps, continued beyond the field of view as far as needed.

    Parameters
    ----------
    codes : (x, y, z) array of int32
        Labels, 0 for background.
    found, grid : Grid
        Of the labels and of the maps.

    Returns
    -------
    PlacedLabels
        Where the grids differ, by nearest neighbours.
    """
    resampled = not found.matches(grid)
    first = np.zeros(3, dtype=np.int64)
    box = bounding_box(codes) if resampled else None
    if box is not None:
        lower = np.array([part.start for part in box])
        corners = [(part.start - 0.5, part.stop - 0.5) for part in box]
        in_grid = nb.affines.apply_affine(
            np.linalg.inv(grid.affine) @ found.affine, np.array(list(product(*corners)))
        )
        first = np.floor(in_grid.min(axis=0)).astype(np.int64)
        shape = np.ceil(in_grid.max(axis=0)).astype(np.int64) - first + 1
        part = Grid(codes[box].shape, _moved(found.affine, lower), found.xform_code)
        around = Grid(tuple(shape.tolist()), _moved(grid.affine, first), grid.xform_code)
        codes = resample_nearest(codes[box], part, around)
    voxels = np.stack(np.nonzero(codes))
    code = codes[tuple(voxels)]
    voxels += first[:, None]
    in_view = np.all((voxels >= 0) & (voxels < np.array(grid.shape)[:, None]), axis=0)
    place = np.full(code.size, -1, dtype=np.int64)
    place[in_view] = np.ravel_multi_index(tuple(voxels[:, in_view]), grid.shape)
    return PlacedLabels(code, place, resampled)


def _checked_labels(data: NDArray[np.number], path: Path) -> NDArray[np.number]:
    """Refuse what is no label; NaN becomes 0."""
    if data.dtype.kind == "f":
        data = np.where(np.isnan(data), 0, data)
        if not np.array_equal(data, np.rint(data)):
            msg = (
                f"{path} holds values that are not whole numbers, expected a label for each voxel: "
                f"is it a probabilistic atlas?"
            )
            raise InputError(msg)
    least, largest = data.min(initial=0), data.max(initial=0)
    if max(-least, largest) > LARGEST_LABEL:
        msg = f"{path} holds values from {least:g} to {largest:g}, expected labels"
        raise InputError(msg)
    return data


def _moved(affine: NDArray[np.float64], voxel: NDArray[np.integer]) -> NDArray[np.float64]:
    """Make an affine count from some voxel."""
    return np.asarray(
        nb.affines.from_matvec(affine[:3, :3], nb.affines.apply_affine(affine, voxel))
    )
