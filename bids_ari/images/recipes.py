"""Maps made of several files: means and differences, voxel by voxel."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bids_ari.errors import InputError
from bids_ari.images.nifti import Grid, read_map


@dataclass(frozen=True, slots=True)
class Recipe:
    """
    The files that make one map, and how.

    Maps of positive weights are averaged, and so are those of negative weights; each mean counts
    as much as its weights together. The means are weighted by the inverse of the variances if
    there are any, else by the weights themselves, and are over the maps that have a value: one
    that is finite, not 0, and of positive finite variance. Where a mean has none, the map has
    none.
    """

    maps: tuple[Path, ...]
    weights: tuple[float, ...]
    variances: tuple[Path, ...] = ()
    """Of each map, or none."""

    def __post_init__(self) -> None:
        n_maps = len(self.maps)
        if not n_maps or len(self.weights) != n_maps or len(self.variances) not in (0, n_maps):
            msg = (
                f"a row has {n_maps} maps, {len(self.weights)} weights and "
                f"{len(self.variances)} variance maps"
            )
            raise ValueError(msg)
        if not np.isfinite(self.weights).all() or not all(self.weights):
            msg = f"a row has the weights {self.weights}, expected numbers other than 0"
            raise ValueError(msg)

    @property
    def is_one_file(self) -> bool:
        """Whether a file is the map as it stands."""
        return self.weights == (1.0,) and not self.variances

    @property
    def files(self) -> tuple[Path, ...]:
        """All files, maps first."""
        return self.maps + self.variances

    def __str__(self) -> str:
        others = f" combined with {len(self.maps) - 1} more" if len(self.maps) > 1 else ""
        return f"{self.maps[0]}{others}"


class Made(NamedTuple):
    """A map in single precision."""

    values: NDArray[np.float32]
    """(x, y, z) values, first axis fastest in memory; 0 where there is none."""
    variance: NDArray[np.float32] | None
    """(x, y, z) variances, NaN where there is no value; None if there are no variance maps."""


def make_map(recipe: Recipe, grid: Grid) -> Made:
    """
    Read the files of a map and combine them, one file in memory at a time.

    Parameters
    ----------
    recipe : Recipe
        The files, and how they become one.
    grid : Grid
        The grid they must be on.

    Returns
    -------
    Made

    Raises
    ------
    InputError
        If a file cannot be read or is on another grid, or no voxel has a value.

    Notes
    -----
    The variance of a mean by inverse variance is 1 / sum(1 / v), that of a difference the sum of
    both, as of independent maps.
    """
    if recipe.is_one_file:
        data, _ = read_map(recipe.maps[0], grid)
        values, variance = _in_single_precision(data), None
    else:
        total, total_variance = _combine(recipe, grid)
        values = _in_single_precision(total)
        variance = None
        if recipe.variances:
            with np.errstate(over="ignore", under="ignore"):
                variance = np.asfortranarray(total_variance, dtype=np.float32)
            # what single precision cannot hold is no measurement
            known = (values != 0) & (variance > 0) & np.isfinite(variance)
            values = np.where(known, values, np.float32(0))
            variance = np.where(known, variance, np.float32(np.nan))
    if not values.any():
        why = " or have no positive variance" if recipe.variances else ""
        msg = f"{recipe} has no value: all voxels are 0 or not finite{why}"
        raise InputError(msg)
    return Made(values, variance)


def _in_single_precision(data: NDArray[np.floating]) -> NDArray[np.float32]:
    """Copy to single precision, with 0 where there is no finite value."""
    with np.errstate(over="ignore"):  # what single precision cannot hold is no measurement
        volume = np.asfortranarray(data, dtype=np.float32)
    # a sum is finite only if all its terms are, and takes one pass
    with np.errstate(over="ignore", invalid="ignore"):
        is_finite = np.isfinite(volume.sum())
    return volume if is_finite else np.where(np.isfinite(volume), volume, np.float32(0))


def _combine(recipe: Recipe, grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute values, NaN where there is none, and variances, in double precision."""
    total = np.zeros(grid.shape, order="F")
    total_variance = np.zeros(grid.shape, order="F")
    for sign in (1, -1):
        side = [i for i, weight in enumerate(recipe.weights) if sign * weight > 0]
        if not side:
            continue
        counts_as = sum(recipe.weights[i] for i in side)
        sum_weights = np.zeros(grid.shape, order="F")
        weighted_sum = np.zeros(grid.shape, order="F")
        for i in side:
            values, weights = _read_weighted(recipe, i, grid)
            sum_weights += weights
            weighted_sum += weights * values
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            total += counts_as * (weighted_sum / sum_weights)
            total_variance += counts_as**2 / sum_weights
    return total, total_variance


def _read_weighted(
    recipe: Recipe, which: int, grid: Grid
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read one map of a mean, and what weight it has where; both are 0 where it has no value."""
    data, _ = read_map(recipe.maps[which], grid)
    has_value = np.isfinite(data) & (data != 0)
    if recipe.variances:
        variance, _ = read_map(recipe.variances[which], grid)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            weights = 1 / variance.astype(np.float64)
        has_value &= (weights > 0) & np.isfinite(weights)
        weights = np.where(has_value, weights, 0.0)
    else:
        weights = np.where(has_value, abs(recipe.weights[which]), 0.0)
    return np.where(has_value, data, 0).astype(np.float64), weights
