"""Which voxels are analysed, and why."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import nibabel as nb
import numpy as np
from numpy.typing import NDArray

from bids_ari.errors import InputError
from bids_ari.images.block_files import columns_of, load_coverage
from bids_ari.images.nifti import EXTENSION, Grid, read_map, write_volume

MissingVoxels = Literal["zero", "drop"]


class AnalysisMask(NamedTuple):
    """The voxels of an analysis."""

    features: NDArray[np.int64]
    """(n_features,) flat index (C order) in the grid, ascending."""
    n_lost: int
    """Voxels that could have been analysed and are not, for want of values in some maps."""
    missing: NDArray[np.int64]
    """(n_maps,) voxels of the analysis that lack a value in each map."""
    n_values: NDArray[np.int64]
    """(n_maps,) voxels of the grid, or of the given mask, that have a value in each map."""
    rule: str
    """Where the mask came from, in words."""
    missing_rule: str
    """What was done about missing values, in words."""


def load_mask(path: Path, grid: Grid) -> tuple[NDArray[np.bool_], bool]:
    """
    Read a mask onto the grid of the maps.

    Parameters
    ----------
    path : path
        NIfTI volume; what is above 0 is inside.
    grid : Grid
        Of the maps.

    Returns
    -------
    mask : (x, y, z) array of bool
        On the grid.
    resampled : bool
        Whether the file is on another grid, so that nearest neighbours were taken.

    Raises
    ------
    InputError
        If it cannot be read or covers no voxel of the grid.
    """
    data, found = read_map(path)
    inside = data > 0  # False for NaN
    resampled = not found.matches(grid)
    if resampled:
        inside = resample_nearest(inside.astype(np.int32), found, grid) > 0
    refuse_outside(path, grid, is_there=bool(inside.any()))
    return inside, resampled


def refuse_outside(path: Path, grid: Grid, *, is_there: bool) -> None:
    """
    Raise an error if nothing of an image is on the grid of the maps.

    Parameters
    ----------
    path : path
        Mask or region of interest.
    grid : Grid
        Of the maps.
    is_there : bool
        Whether it has a voxel above 0 there.

    Raises
    ------
    InputError
        If it has none.
    """
    if not is_there:
        msg = f"{path} has no voxel above 0 on the grid of the maps ({grid})"
        raise InputError(msg)


def put_mask_on_grid(path: Path, grid: Grid, out_stem: Path) -> tuple[Path, bool]:
    """
    Write a mask as it is on the grid of the maps.

    Parameters
    ----------
    path : path
        See :func:`load_mask`.
    grid : Grid
        Of the maps.
    out_stem : path
        Name without extension.

    Returns
    -------
    out_file : path
        With the extension of its kind.
    resampled : bool
        Whether the file is on another grid, so that nearest neighbours were taken.
    """
    inside, resampled = load_mask(path, grid)
    out_file = out_stem.with_name(f"{out_stem.name}{EXTENSION}")
    return write_volume(inside.astype(np.uint8), grid, out_file), resampled


def analysis_mask(
    coverage_files: Sequence[Path],
    *,
    mask_name: str = "",
    mask_coverage: float = 1.0,
    missing_voxels: MissingVoxels = "zero",
    weighted: bool = False,
) -> AnalysisMask:
    """
    Decide which voxels are analysed, from what the blocks of maps have.

    Parameters
    ----------
    coverage_files : sequence of path
        From :func:`bids_ari.images.block_files.save_block`, in the order of the maps.
    mask_name : str
        Name of the mask that the blocks were read in; empty if there was none.
    mask_coverage : float
        Without a mask: in which share of the maps a voxel must have a value, in (0, 1].
    missing_voxels : {'zero', 'drop'}
        With a mask: what to do with its voxels that lack a value in some map. ``'zero'`` keeps
        them all, the missing values counting as 0; ``'drop'`` takes such voxels out.
    weighted : bool
        Whether the model weighs maps by their variances, so that missing values do not enter it.

    Returns
    -------
    AnalysisMask

    Raises
    ------
    InputError
        If no voxel is left.
    """
    # one file at a time: memory does not grow with the number of maps
    of_map: list[NDArray[np.int64]] = []
    everywhere = anywhere = None
    for path in coverage_files:
        block = load_coverage(path)
        of_map.append(block.n_values)
        # a voxel that one of the blocks did not keep lacks values in too many of its maps
        everywhere = block.kept if everywhere is None else _common(everywhere, block.kept)
        anywhere = block.anywhere if anywhere is None else anywhere | block.anywhere
    if everywhere is None or anywhere is None:
        msg = "there is no block of maps"
        raise ValueError(msg)
    n_maps = sum(map(len, of_map))
    if mask_name and missing_voxels == "zero":
        least, rule = 0, f"all voxels of {mask_name}"
        missing_rule = "missing values count as 0 before smoothing"
    elif mask_name:
        least, rule = n_maps, f"voxels of {mask_name} with a value in all {n_maps} maps"
        missing_rule = "voxels with missing values are left out"
    else:
        least = n_maps - allowed_missing(n_maps, mask_coverage)
        share = "all" if least == n_maps else f"at least {least} of"
        rule = f"voxels with a finite value other than 0 in {share} {n_maps} maps"
        missing_rule = "voxels with too many missing values are left out, others count as 0"
    if weighted and not (mask_name and missing_voxels == "drop"):
        kept_out = "" if mask_name else "voxels with too many missing values are left out; "
        missing_rule = f"{kept_out}a map does not enter the model where it has no value"
    # without a mask, the blocks themselves kept nothing but complete voxels
    complete = not mask_name and least == n_maps
    features = everywhere if complete else everywhere[_count(coverage_files, everywhere) >= least]
    if features.size == 0:
        msg = f"no voxel is left to analyse: there are no {rule}"
        raise InputError(msg)
    missing = np.zeros(n_maps, np.int64) if complete else _missing(coverage_files, features)
    candidates = everywhere.size if mask_name else int(np.count_nonzero(anywhere))
    return AnalysisMask(
        features,
        candidates - features.size,
        missing,
        np.concatenate(of_map),
        rule,
        missing_rule,
    )


def allowed_missing(n_maps: int, mask_coverage: float) -> int:
    """
    In how many maps a voxel of the analysis may lack a value.

    Parameters
    ----------
    n_maps : int
        Number of maps.
    mask_coverage : float
        Share of the maps in which it must have one, in (0, 1].

    Returns
    -------
    int

    Examples
    --------
    >>> allowed_missing(20, 1.0), allowed_missing(20, 0.9), allowed_missing(10, 0.7)
    (0, 2, 3)
    """
    needed = np.ceil(round(mask_coverage * n_maps, 6))  # 0.7 * 10 is 7.000000000000001
    return n_maps - max(int(needed), 1)


def _count(coverage_files: Sequence[Path], features: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the maps that have a value at each voxel."""
    n_maps = np.zeros(features.size, dtype=np.int64)
    for path in coverage_files:
        block = load_coverage(path)
        n_maps += block.has_value[:, columns_of(features, block.kept)].sum(axis=0)
    return n_maps


def _missing(coverage_files: Sequence[Path], features: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the voxels that lack a value in each map."""
    missing = []
    for path in coverage_files:
        block = load_coverage(path)
        missing.append((~block.has_value[:, columns_of(features, block.kept)]).sum(axis=1))
    return np.concatenate(missing)


def _common(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    if np.array_equal(first, second):  # as a rule, and much faster
        return first
    return np.intersect1d(first, second, assume_unique=True)


def resample_nearest(labels: NDArray[np.integer], found: Grid, grid: Grid) -> NDArray[np.int32]:
    """
    Put labels on another grid: each voxel gets that of the voxel its centre is in.

    Parameters
    ----------
    labels : (x, y, z) array of int
        Below 2**31.
    found, grid : Grid
        Where they are, and where they are wanted.

    Returns
    -------
    (x, y, z) array of int32
        On ``grid``; 0 outside of the volume.
    """
    from nilearn.image import resample_img  # slow to import, and seldom needed

    # scipy ends a volume at the centres of its outermost voxels: with a margin, these count whole
    start = found.affine[:3, 3] - found.affine[:3, :3].sum(axis=1)
    resampled = resample_img(
        nb.Nifti1Image(
            np.pad(labels.astype(np.int32), 1), nb.affines.from_matvec(found.affine[:3, :3], start)
        ),
        target_affine=grid.affine,
        target_shape=grid.shape,
        interpolation="nearest",
        force_resample=True,
        copy_header=True,
    )
    return np.asarray(resampled.dataobj, dtype=np.int32)
