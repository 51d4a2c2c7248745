"""Gaussian smoothing of volumes, as nilearn and scipy do it, several times faster."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_ari.images.nifti import Grid

Box = tuple[slice, slice, slice]

_FWHM_PER_SIGMA = np.sqrt(8 * np.log(2))
_TRUNCATE = 4.0
"""Length of the kernel in sigmas, to either side: that of scipy.ndimage and nilearn."""


@dataclass(frozen=True)
class Smoother:
    """
    A separable Gaussian kernel on one grid, as a banded matrix for each axis.

    The matrices hold what :func:`scipy.ndimage.gaussian_filter1d` does with ``mode='reflect'``;
    as products of matrices, restricted to the boxes that matter, the same sums take a third of
    the time.
    """

    matrices: tuple[NDArray[np.float32], ...]
    """One (n, n) array for each axis."""

    @classmethod
    def on_grid(cls, grid: Grid, fwhm: float) -> "Smoother":
        """
        Make the kernel.

        Parameters
        ----------
        grid : Grid
            Of the maps to smooth.
        fwhm : float
            Full width at half maximum in mm.
        """
        sigmas = fwhm / (_FWHM_PER_SIGMA * grid.voxel_sizes)
        return cls(tuple(_band(n, sigma) for n, sigma in zip(grid.shape, sigmas, strict=True)))

    def smooth(self, volume: NDArray[np.float32], box: Box) -> NDArray[np.float32]:
        """
        Smooth a volume and return a part of it.

        Parameters
        ----------
        volume : (x, y, z) array
            Finite values, first axis fastest in memory.
        box : 3 slices
            The part wanted.

        Returns
        -------
        (n_x, n_y, n_z) array
            Smoothed values of the box, first axis fastest in memory.
        """
        source = bounding_box(volume)  # zeros add nothing
        if source is None:
            return np.zeros([part.stop - part.start for part in box], np.float32, order="F")
        x, y, z = (
            np.ascontiguousarray(matrix[out, into])
            for matrix, out, into in zip(self.matrices, box, source, strict=True)
        )
        # transposed, the volume is contiguous row by row: (z, y, x)
        part = np.ascontiguousarray(volume[source].T)
        n_z, n_y, n_x = part.shape
        part = (z @ part.reshape(n_z, n_y * n_x)).reshape(-1, n_x)
        part = (part @ x.T).reshape(len(z), n_y, len(x))
        smoothed: NDArray[np.float32] = np.matmul(y, part)
        return smoothed.T


def bounding_box(volume: NDArray[np.generic]) -> Box | None:
    """
    Find the smallest box that holds all values other than 0.

    Parameters
    ----------
    volume : (x, y, z) array
        Any values.

    Returns
    -------
    3 slices, or None if all values are 0
    """
    used = volume != 0
    box = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        where = np.flatnonzero(used.any(axis=others))
        if where.size == 0:
            return None
        box.append(slice(int(where[0]), int(where[-1]) + 1))
    return box[0], box[1], box[2]


def _band(n: int, sigma: float) -> NDArray[np.float32]:
    """Matrix of a one-dimensional Gaussian filter that mirrors the data at both ends."""
    radius = int(_TRUNCATE * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    kernel /= kernel.sum()
    # (d c b a | a b c d | d c b a): positions repeat with period 2 n, the second half mirrored
    position = np.arange(n)[:, None] + offsets
    position = position % (2 * n)
    position = np.where(position < n, position, 2 * n - 1 - position)
    band = np.zeros((n, n))
    np.add.at(band, (np.arange(n)[:, None], position), kernel)
    return band.astype(np.float32)
