"""Blocks of maps: read once, combined, smoothed, masked, kept as arrays."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bids_ari.errors import InputError
from bids_ari.images.nifti import Grid
from bids_ari.images.recipes import Made, Recipe, make_map
from bids_ari.images.smoothing import Smoother, bounding_box

_BLOCK_BYTES = 2**29
"""Of the maps that one block may hold in memory."""


class Block(NamedTuple):
    """Some of the maps of an analysis, smoothed, at the voxels that may be analysed."""

    values: NDArray[np.float32]
    """(n_maps, n_kept) smoothed values."""
    kept: NDArray[np.int64]
    """(n_kept,) flat index (C order) of each column in the grid, ascending."""
    has_value: NDArray[np.bool_]
    """(n_maps, n_kept) where the map itself, before smoothing, is finite and not 0."""
    anywhere: NDArray[np.bool_]
    """(n_voxels,) whether any of the maps has a value, for every voxel of the grid or mask."""
    n_values: NDArray[np.int64]
    """(n_maps,) how many voxels of the grid or mask have a value."""
    variances: NDArray[np.float32] | None = None
    """(n_maps, n_kept) variances of the values, NaN where there is no value; None if they were
    not asked for."""


def maps_per_block(grid: Grid, *, at_most: int = 16, volumes_per_map: int = 1) -> int:
    """
    Choose how many maps to hold in memory at once.

    Parameters
    ----------
    grid : Grid
        Of the maps.
    at_most : int
        As many as are worth it: more save nothing.
    volumes_per_map : int
        2 if variances are kept.

    Returns
    -------
    int
        Fewer where maps are very large.
    """
    bytes_per_map = volumes_per_map * 4 * int(np.prod(grid.shape))
    return max(1, min(at_most, _BLOCK_BYTES // bytes_per_map))


def smooth_block(
    rows: Sequence[Path | Recipe],
    grid: Grid,
    *,
    fwhm: float = 0.0,
    mask: NDArray[np.bool_] | None = None,
    max_missing: int = 0,
    keep_variances: bool = False,
) -> Block:
    """
    Read maps, each file once, smooth them, and keep the voxels that may be analysed.

    Parameters
    ----------
    rows : sequence of path or Recipe, length n_maps
        NIfTI volumes, or several that make one map.
    grid : Grid
        The grid they must be on.
    fwhm : float
        Full width at half maximum of the Gaussian kernel in mm; 0 for none.
    mask : (x, y, z) array of bool, optional
        The voxels to keep. Without it, those with a value in all but ``max_missing`` maps.
    max_missing : int
        In how many maps of the whole analysis a voxel may lack a value.
    keep_variances : bool
        Whether the variances of the values are wanted, too.

    Returns
    -------
    Block

    Raises
    ------
    InputError
        If a map cannot be read, is on another grid, or has no value at all.
    ValueError
        If variances are wanted of smoothed maps, or of rows that have none.

    Notes
    -----
    Missing values count as 0 in the smoothing, as in nilearn. Files are combined before smoothing,
    and smoothing comes before masking.
    """
    recipes = [one if isinstance(one, Recipe) else Recipe((one,), (1.0,)) for one in rows]
    if keep_variances and fwhm:
        msg = f"the variance of smoothed maps is not known (kernel of {fwhm:g} mm)"
        raise ValueError(msg)
    if keep_variances and not all(one.variances for one in recipes):
        lacking = next(one for one in recipes if not one.variances)
        msg = f"{lacking} has no variance map"
        raise ValueError(msg)
    smoother = Smoother.on_grid(grid, fwhm) if fwhm else None
    made = (
        one if keep_variances else Made(one.values, None)
        for one in (make_map(recipe, grid) for recipe in recipes)
    )
    if mask is not None:
        return _smooth_in_mask(made, recipes, smoother, mask)
    return _smooth_where_covered(made, recipes, smoother, max_missing)


def _smooth_in_mask(
    made: Iterable[Made],
    recipes: Sequence[Recipe],
    smoother: Smoother | None,
    mask: NDArray[np.bool_],
) -> Block:
    values, has_value, variances = _take(made, len(recipes), mask, smoother)
    n_values = has_value.sum(axis=1)
    if not n_values.all():
        recipe = recipes[int(np.argmin(n_values))]
        msg = f"{recipe} has no value in the mask: all are 0 or not finite"
        raise InputError(msg)
    anywhere = np.any(has_value, axis=0)
    return Block(values, np.flatnonzero(mask), has_value, anywhere, n_values, variances)


def _smooth_where_covered(
    made: Iterable[Made],
    recipes: Sequence[Recipe],
    smoother: Smoother | None,
    max_missing: int,
) -> Block:
    # which voxels to keep is known only when all maps of the block have been read
    maps = list(made)
    n_missing = np.zeros(maps[0].values.shape, dtype=np.uint16, order="F")
    for one in maps:
        n_missing += one.values == 0
    covered = n_missing <= max_missing
    if not covered.any():
        names = ", ".join(str(recipe) for recipe in recipes[:3])
        more = " ..." * (len(recipes) > 3)
        msg = f"no voxel has a value in enough of these maps: {names}{more}"
        raise InputError(msg)
    values, has_value, variances = _take(
        maps, len(maps), covered, smoother, complete=max_missing == 0
    )
    n_values = np.array([np.count_nonzero(one.values) for one in maps])
    anywhere = (n_missing < len(maps)).ravel()
    return Block(values, np.flatnonzero(covered), has_value, anywhere, n_values, variances)


def _take(
    maps: Iterable[Made],
    n_maps: int,
    mask: NDArray[np.bool_],
    smoother: Smoother | None,
    *,
    complete: bool = False,
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32] | None]:
    """
    Smooth volumes and take the voxels of a mask, in C order of the grid.

    ``complete`` says that all volumes have values at all of these, which spares a look.
    """
    box = bounding_box(mask)
    if box is None:
        msg = "the mask is empty"
        raise ValueError(msg)
    # volumes have their first axis fastest in memory
    voxels = np.nonzero(mask)
    index = np.ravel_multi_index(voxels, mask.shape, order="F")
    corner = [part.start for part in box]
    in_box = np.ravel_multi_index(
        [axis - start for axis, start in zip(voxels, corner, strict=True)],
        [part.stop - part.start for part in box],
        order="F",
    )
    values = np.empty((n_maps, index.size), dtype=np.float32)
    has_value = np.empty((n_maps, index.size), dtype=bool)
    variances: NDArray[np.float32] | None = None
    for row, (volume, variance) in enumerate(maps):
        if smoother is None or not complete:
            raw = volume.ravel(order="F").take(index)
        has_value[row] = True if complete else raw != 0
        values[row] = (
            smoother.smooth(volume, box).ravel(order="F").take(in_box) if smoother else raw
        )
        if variance is not None:
            if variances is None:
                variances = np.empty((n_maps, index.size), dtype=np.float32)
            variances[row] = variance.ravel(order="F").take(index)
    return values, has_value, variances
