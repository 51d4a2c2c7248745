"""Maps in space: where voxels are, and what lies at a point."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, slots=True)
class Volume:
    """A map and where it is."""

    values: NDArray[Any]
    """(n_x, n_y, n_z) one value per voxel."""
    affine: NDArray[np.floating]
    """(4, 4) voxel indices to mm."""

    def corners(self, where: NDArray[np.bool_]) -> NDArray[np.floating]:
        """Return the smallest and the largest x, y, z in mm of some voxels, (2, 3)."""
        along = [
            np.flatnonzero(where.any(axis=tuple(other for other in range(3) if other != axis)))
            for axis in range(3)
        ]
        low, high = (np.array([one[end] for one in along]) for end in (0, -1))
        box = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1)
        mm = self.affine[:3, :3] @ box + self.affine[:3, 3:]
        return np.stack([mm.min(axis=1), mm.max(axis=1)])


@cache
def template() -> Volume:
    """Return the T1-weighted MNI152 brain that comes with nilearn, 0 outside, at most 1."""
    from nilearn.datasets import load_mni152_template  # slow to import

    img = load_mni152_template(resolution=1)
    values = np.asarray(img.dataobj, dtype=np.float32)
    values.setflags(write=False)  # it is given to whoever asks
    return Volume(values, img.affine)


def overlap_with_template(mask: Volume, brain: Volume) -> float:
    """Return the Dice coefficient of a mask and the template's brain, on the grid of the mask."""
    index = np.indices(mask.values.shape).reshape(3, -1)
    mm = mask.affine[:3, :3] @ index + mask.affine[:3, 3:]
    inside = nearest(brain, mm) > 0.1
    in_mask = mask.values.ravel() > 0
    return float(2 * np.sum(inside & in_mask) / (np.sum(inside) + np.sum(in_mask)))


def nearest(volume: Volume, mm: NDArray[np.floating]) -> NDArray[Any]:
    """Look up the voxel at each point, (3, n_points) in mm; 0 outside the field of view."""
    inverse = np.linalg.inv(volume.affine)
    index = np.rint(inverse[:3, :3] @ mm + inverse[:3, 3:]).astype(np.intp)
    shape = np.array(volume.values.shape)[:, None]
    inside = np.all((index >= 0) & (index < shape), axis=0)
    found = np.zeros(mm.shape[1], dtype=volume.values.dtype)
    found[inside] = volume.values[tuple(index[:, inside])]
    return found


def linear(volume: Volume, mm: NDArray[np.floating]) -> NDArray[Any]:
    """Interpolate between voxels; for anatomy only."""
    from scipy.ndimage import map_coordinates

    inverse = np.linalg.inv(volume.affine)
    index = inverse[:3, :3] @ mm + inverse[:3, 3:]
    found: NDArray[Any] = map_coordinates(volume.values, index, order=1)
    return found


def on_millimetres(volume: Volume, largest: int) -> Volume:
    """Put anatomy on a grid of whole mm along the axes, as whole numbers up to 255 at the most."""
    low, high = volume.corners(volume.values > 0)
    start, stop = np.floor(low) - 1, np.ceil(high) + 2
    axes = [np.arange(one, end) for one, end in zip(start, stop, strict=True)]
    values = np.empty([axis.size for axis in axes], dtype=np.uint8)
    for number, x in enumerate(axes[0]):
        mm = np.array([one.ravel() for one in np.meshgrid([x], *axes[1:], indexing="ij")])
        values[number] = np.rint(largest * linear(volume, mm)).reshape(values.shape[1:])
    affine = np.eye(4)
    affine[:3, 3] = start
    return Volume(values, affine)
