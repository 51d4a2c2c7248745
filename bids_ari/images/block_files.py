"""Blocks of maps on disk, where the next step picks the voxels of the analysis from them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bids_ari.images.blocks import Block


class Coverage(NamedTuple):
    """What a block tells of its voxels; see :class:`Block`."""

    kept: NDArray[np.int64]
    has_value: NDArray[np.bool_]
    anywhere: NDArray[np.bool_]
    n_values: NDArray[np.int64]


def save_block(block: Block, out_file: Path) -> tuple[Path, Path]:
    """
    Write a block as two files; its variances, if any, are left to the caller.

    Parameters
    ----------
    block : Block
        What :func:`smooth_block` gave.
    out_file : path
        Name of the file of values, ending in ``.npy``.

    Returns
    -------
    values_file, coverage_file : path
        The values as they are; what is known of the voxels, packed.
    """
    coverage_file = out_file.with_name(f"{out_file.stem}_coverage.npz")
    np.save(out_file, block.values)
    np.savez(
        coverage_file,
        kept=block.kept.astype(np.int32 if block.kept.max() < 2**31 else np.int64),
        has_value=np.packbits(block.has_value, axis=1),
        anywhere=np.packbits(block.anywhere),
        n_anywhere=block.anywhere.size,
        n_values=block.n_values,
    )
    return out_file, coverage_file


def load_coverage(coverage_file: Path) -> Coverage:
    """
    Read back what a block tells of its voxels.

    Parameters
    ----------
    coverage_file : path
        From :func:`save_block`.

    Returns
    -------
    Coverage
    """
    with np.load(coverage_file) as stored:
        kept = stored["kept"].astype(np.int64)
        has_value = np.unpackbits(stored["has_value"], axis=1, count=kept.size).view(bool)
        anywhere = np.unpackbits(stored["anywhere"], count=int(stored["n_anywhere"])).view(bool)
        return Coverage(kept, has_value, anywhere, stored["n_values"])


def load_block(
    values_file: Path, kept: NDArray[np.int64], features: NDArray[np.int64]
) -> NDArray[np.float32]:
    """
    Read the values of a block, or their variances, at the voxels of the analysis.

    Parameters
    ----------
    values_file : path
        From :func:`save_block`, or another (n_maps, n_kept) array.
    kept : (n_kept,) array
        Flat index of each of its columns in the grid.
    features : (n_features,) array
        Flat index of each voxel of the analysis, ascending, all of them kept.

    Returns
    -------
    (n_maps, n_features) array
    """
    values: NDArray[np.float32] = np.load(values_file, mmap_mode="r")
    columns = columns_of(features, kept)
    return values if isinstance(columns, slice) else values[:, columns]


def feature_reader(
    values_files: Sequence[Path], coverage_files: Sequence[Path], features: NDArray[np.int64]
) -> Callable[[int, int], NDArray[np.float32]]:
    """
    Read all maps at some voxels at a time, from blocks that stay on disk.

    Parameters
    ----------
    values_files, coverage_files : sequence of path
        From :func:`save_block`, in the order of the maps.
    features : (n_features,) array
        Flat index of each voxel of the analysis, ascending, kept by all blocks.

    Returns
    -------
    callable
        From the first voxel and the one after the last, as positions in ``features``, to a
        (n_maps, n) array.
    """
    blocks = []
    for values_file, coverage_file in zip(values_files, coverage_files, strict=True):
        columns = columns_of(features, load_coverage(coverage_file).kept)
        blocks.append((np.load(values_file, mmap_mode="r"), columns))

    def read(start: int, stop: int) -> NDArray[np.float32]:
        part = slice(start, stop)
        return np.concatenate(
            [
                values[:, part if isinstance(columns, slice) else columns[part]]
                for values, columns in blocks
            ]
        )

    return read


def columns_of(features: NDArray[np.int64], kept: NDArray[np.int64]) -> slice | NDArray[np.intp]:
    """
    Find the columns of a block that hold some voxels.

    Parameters
    ----------
    features : (n_features,) array
        Flat index of each voxel in the grid, ascending, all of them kept.
    kept : (n_kept,) array
        Flat index of each column of the block in the grid, ascending.

    Returns
    -------
    slice or (n_features,) array
        What indexes the columns; a slice, which copies nothing, if it is all of them.

    Examples
    --------
    >>> columns_of(np.array([4, 9]), np.array([2, 4, 9]))
    array([1, 2])
    """
    if np.array_equal(kept, features):
        return slice(None)
    return np.searchsorted(kept, features)
