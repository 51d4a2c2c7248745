"""
A forest as a few arrays that compress well, for the page to look things up in.

Features are put in the order of the nodes, so that every cluster is a slice; the sizes alone give
the tree back. Bounds of clusters are there as they are; for those of any other set there is the
category of each voxel, the number of the first threshold that its p-value does not exceed.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import deflate
import numpy as np
from numpy.typing import NDArray

from bids_ari.report.explorer.gathering import Explored
from bids_ari.stats import concentration_set

PER_UNIT = 1000
"""Steps of z that the page can tell apart, in 1."""
_HIGHEST = 2**16 - 1
_EFFORT = 6  # of 12; 9 takes three times as long for 0.3 % less


@dataclass(frozen=True, eq=False)
class Parcellation:
    """Regions that the page names and bounds the parts of clusters by; none overlap."""

    name: str
    """Of the atlas."""
    regions: tuple[str, ...]
    """Names, that of label 1 first."""
    labels: NDArray[np.integer]
    """(n_features,) region of each feature of the mask, 0 for none."""


@dataclass(frozen=True, slots=True)
class Packed:
    """Arrays as text, and how to read them."""

    text: str
    """Compressed with gzip, in base64."""
    arrays: list[dict[str, Any]]
    """Name, type and length of each, in their order."""


def pack(explored: Explored, parcellations: Sequence[Parcellation] = ()) -> Packed:
    """
    Pack the forest and what bounds need.

    Parameters
    ----------
    explored : Explored
        Clusters and bounds of a result.
    parcellations : sequence of Parcellation
        Atlases on the mask of the result.

    Returns
    -------
    Packed
        ``mask`` bits of the grid in C order; ``voxel`` the feature of each node; ``size`` and
        ``found`` of each node; ``tied`` bits of nodes that are no clusters of their own. In the
        order of the nodes, and then of the features that are in none: ``height`` of each feature in
        steps (see :func:`steps_below`), ``positive`` bits, ``category`` (0 if no bound depends on
        the feature). ``fine`` orders the nodes without children whose height is the same in steps:
        0 for the highest. ``labels0`` ... of the parcellations are in the order of the features,
        where neighbours stand together.

    Raises
    ------
    ValueError
        If a parcellation is of another mask.
    """
    forest = explored.bounded.forest
    order = np.concatenate([forest.feature, _elsewhere(explored)])
    height = steps_below(np.abs(explored.z_values[order]))
    inside = np.zeros(explored.domain.grid.shape, dtype=bool)
    inside.flat[explored.domain.features] = True
    arrays: dict[str, NDArray[Any]] = {
        "mask": np.packbits(inside),
        "voxel": forest.feature.astype(np.uint32),
        "size": forest.size.astype(np.uint32),
        "found": explored.bounded.n_discoveries.astype(np.uint32),
        "tied": np.packbits(~forest.is_cluster),
        "height": height,
        "positive": np.packbits(explored.z_values[order] > 0),
        "category": _categories(explored)[order],
        "fine": _fine(forest.height, height[: forest.size.size], forest.size == 1),
    }
    for i, parcellation in enumerate(parcellations):
        if parcellation.labels.shape != explored.z_values.shape:
            msg = (
                f"{parcellation.name} has labels of shape {parcellation.labels.shape}, expected "
                f"{explored.z_values.shape}"
            )
            raise ValueError(msg)
        arrays[f"labels{i}"] = parcellation.labels.astype(np.uint16)
    return _compress(arrays)


def steps_below(height: NDArray[np.floating]) -> NDArray[np.uint16]:
    """
    Count the thousandths that a value exceeds: it is beyond threshold k / 1000 if it has k or more.

    Parameters
    ----------
    height : (n,) array
        Not negative.

    Returns
    -------
    (n,) array of uint16
        Values beyond 65.535 have as many as that.

    Examples
    --------
    >>> steps_below(np.array([3.1, 3.1004, 3.0999, 0.0, np.inf])).tolist()
    [3099, 3100, 3099, 0, 65535]
    """
    steps = np.floor(np.minimum(height, _HIGHEST / PER_UNIT + 1) * PER_UNIT)
    # compared with the very numbers that thresholds are in double precision, and strictly
    steps -= steps / PER_UNIT >= height
    steps += (steps + 1) / PER_UNIT < height
    counted: NDArray[np.uint16] = np.clip(steps, 0, _HIGHEST).astype(np.uint16)
    return counted


def _elsewhere(explored: Explored) -> NDArray[np.int64]:
    """Features that are in no node, ascending: of the sign that is not tested, or 0."""
    outside = np.ones(explored.z_values.size, dtype=bool)
    outside[explored.bounded.forest.feature] = False
    return np.flatnonzero(outside)


def _categories(explored: Explored) -> NDArray[np.uint32]:
    last = concentration_set(explored.p_values, explored.critical_vector).n_thresholds
    category = np.zeros(explored.p_values.size, dtype=np.uint32)
    if last:
        small = np.flatnonzero(explored.p_values <= explored.critical_vector[last - 1])
        category[small] = (
            np.searchsorted(explored.critical_vector[:last], explored.p_values[small]) + 1
        )
    return category


def _fine(
    height: NDArray[np.float64], steps: NDArray[np.uint16], leaf: NDArray[np.bool_]
) -> NDArray[np.uint16]:
    """Rank the heights of nodes without children among those that are the same in steps."""
    height, steps = height[leaf], steps[leaf]
    order = np.lexsort((-height, steps))
    fine = np.zeros(height.size, dtype=np.int64)
    if order.size:
        sorted_steps = steps[order]
        anew = np.append(True, np.diff(sorted_steps.astype(np.int64)) != 0)
        lower = np.append(False, height[order][1:] < height[order][:-1]) & ~anew
        rank = np.cumsum(lower)
        fine[order] = rank - np.maximum.accumulate(np.where(anew, rank, 0))
    return fine.clip(max=_HIGHEST).astype(np.uint16)


def _compress(arrays: dict[str, NDArray[Any]]) -> Packed:
    parts, described = [], []
    for name, values in arrays.items():
        values = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
        # all lowest bytes first, then the next: high bytes hardly change, so that they compress
        parts.append(values.view(np.uint8).reshape(values.size, values.itemsize).T.tobytes())
        described.append({"name": name, "bytes": values.dtype.itemsize, "length": values.size})
    # without the time, so that the same maps give the same page
    stored = deflate.gzip_compress(b"".join(parts), _EFFORT)
    return Packed(base64.b64encode(stored).decode(), described)
