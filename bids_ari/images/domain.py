"""
What makes volumes and surfaces one: features, their neighbours, their size, their files.

The statistics see values and adjacency; interfaces and report see a :class:`Domain` and never ask
which kind it is. A new kind of image (GIFTI, CIFTI) is a class with these members.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bids_ari.images.nifti import EXTENSION, Grid, read_map, write_volume

CONNECTIVITIES = (6, 18, 26)
"""Neighbours of a voxel: across faces, edges too, corners too."""


class Domain(Protocol):
    """The features that take part in an analysis."""

    @property
    def features(self) -> NDArray[np.int64]:
        """(n_features,) index of each feature among all that a file holds, ascending."""

    @property
    def n_features(self) -> int:
        """How many features take part."""

    @property
    def feature_size(self) -> float:
        """Size of one feature, in mm3."""

    def coordinates(self, features: NDArray[np.integer]) -> NDArray[np.float64]:
        """(n, 3) positions of some features in world coordinates (RAS+ mm)."""

    def adjacency(self, features: NDArray[np.integer], connectivity: int) -> sparse.csr_array:
        """(n, n) symmetric array: which of some features, given in ascending order, touch."""

    def values(self, path: Path) -> NDArray[np.float64]:
        """(n_features,) values of a file of the same kind, in double precision."""

    def write(
        self,
        values: NDArray[Any],
        out_stem: Path,
        *,
        elsewhere: float = 0,
        intent: str = "",
        parameters: tuple[float, ...] = (),
    ) -> Path:
        """
        Write one value for each feature, in their own precision.

        The name is given without extension; the file with that of its kind is returned.
        """


@dataclass(frozen=True, eq=False)
class VolumeDomain:
    """Voxels of a grid; see :class:`Domain`."""

    grid: Grid
    features: NDArray[np.int64]
    """(n_features,) flat index (C order) of each voxel in the grid, ascending."""

    @property
    def n_features(self) -> int:
        """How many voxels take part."""
        return int(self.features.size)

    @property
    def feature_size(self) -> float:
        """Volume of a voxel in mm3."""
        return float(abs(np.linalg.det(self.grid.affine[:3, :3])))

    @cached_property
    def _voxels(self) -> tuple[NDArray[np.intp], ...]:
        return np.unravel_index(self.features, self.grid.shape)

    def coordinates(self, features: NDArray[np.integer]) -> NDArray[np.float64]:
        """(n, 3) centres of some voxels in world coordinates (RAS+ mm)."""
        voxels = np.stack([axis[features] for axis in self._voxels], axis=1)
        affine = self.grid.affine
        return np.asarray(voxels @ affine[:3, :3].T + affine[:3, 3])

    def adjacency(self, features: NDArray[np.integer], connectivity: int) -> sparse.csr_array:
        """
        Tell which of some voxels touch.

        Parameters
        ----------
        features : (n,) array
            Indices into the features, ascending.
        connectivity : {6, 18, 26}
            Neighbours across faces, edges too, corners too.

        Returns
        -------
        (n, n) sparse array of bool
            Symmetric.

        Raises
        ------
        ValueError
            If the connectivity is none of these.
        """
        if connectivity not in CONNECTIVITIES:
            msg = f"connectivity is {connectivity}, expected one of 6, 18, 26"
            raise ValueError(msg)
        n_axes = CONNECTIVITIES.index(connectivity) + 1
        # a margin of one voxel, so that a step never leaves the volume or wraps around
        number = np.full([n + 2 for n in self.grid.shape], -1, dtype=np.int32)
        voxels = np.unravel_index(self.features[features], self.grid.shape)
        place = np.ravel_multi_index([axis + 1 for axis in voxels], number.shape).astype(np.int32)
        number = number.ravel()
        number[place] = np.arange(place.size)
        strides = np.array([(self.grid.shape[1] + 2) * (self.grid.shape[2] + 2),
                            self.grid.shape[2] + 2, 1])  # fmt: skip
        steps = np.array(
            [s for s in product((-1, 0, 1), repeat=3) if 0 < np.count_nonzero(s) <= n_axes]
        )
        # steps and voxels ascend, so that this is a CSR array as it stands
        neighbour = number[place[:, None] + (steps @ strides).astype(np.int32)]
        touches = neighbour >= 0
        start = np.zeros(place.size + 1, dtype=np.int32)
        np.cumsum(np.count_nonzero(touches, axis=1), out=start[1:])
        neighbour = neighbour[touches]
        return sparse.csr_array(
            (np.ones(neighbour.size, dtype=bool), neighbour, start),
            shape=(place.size, place.size),
        )

    def values(self, path: Path) -> NDArray[np.float64]:
        """(n_features,) values of a NIfTI volume on the same grid, in double precision."""
        data, _ = read_map(path, self.grid)
        return data[self._voxels].astype(np.float64)

    def write(
        self,
        values: NDArray[Any],
        out_stem: Path,
        *,
        elsewhere: float = 0,
        intent: str = "",
        parameters: tuple[float, ...] = (),
    ) -> Path:
        """Write one value for each voxel as NIfTI; see :meth:`Domain.write`."""
        volume = np.full(self.grid.shape, elsewhere, dtype=values.dtype)
        volume[self._voxels] = values
        out_file = out_stem.with_name(f"{out_stem.name}{EXTENSION}")
        return write_volume(volume, self.grid, out_file, intent=intent, parameters=parameters)


def domain_of(grid: Grid, features: NDArray[np.int64]) -> Domain:
    """
    Choose the features of an analysis.

    Parameters
    ----------
    grid : Grid
        Of the maps.
    features : (n_features,) array
        Index of each feature among all that a map holds, ascending.

    Returns
    -------
    Domain
    """
    return VolumeDomain(grid, features)


def load_domain(mask_file: Path) -> VolumeDomain:
    """
    Read the features of an analysis.

    Parameters
    ----------
    mask_file : path
        NIfTI volume; what is above 0 takes part.

    Returns
    -------
    VolumeDomain

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    data, grid = read_map(mask_file)
    return VolumeDomain(grid, np.flatnonzero(data > 0))
