"""Maps in space: where voxels are, and what lies at a point."""

import gzip
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TEMPLATE = "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


@dataclass(frozen=True, slots=True)
class Volume:
    """A map and where it is."""

    values: NDArray[Any]
    """(n_x, n_y, n_z) one value per voxel."""
    affine: NDArray[np.floating]
    """(4, 4) voxel indices to mm."""

    def corners(self, where: NDArray[np.bool_]) -> NDArray[np.floating]:
        """Return the smallest and the largest x, y, z in mm of some voxels, (2, 3)."""
        taken = (np.flatnonzero(where.any(axis=other)) for other in ((1, 2), (0, 2), (0, 1)))
        low, high = np.array([(index[0], index[-1]) for index in taken]).T
        box = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1)
        mm = self.affine[:3, :3] @ box + self.affine[:3, 3:]
        return np.stack([mm.min(axis=1), mm.max(axis=1)])


@cache
def template() -> Volume:
    """
    Return the T1-weighted MNI152 brain that comes with nilearn, 0 outside, at most 1.

    As its ``load_mni152_template``, which is not called: scikit-learn is imported with it.
    """
    import nibabel as nb  # slow to import

    path = files("nilearn") / "datasets" / "data" / _TEMPLATE
    img = nb.Nifti1Image.from_bytes(gzip.decompress(path.read_bytes()))
    values = np.asarray(img.dataobj, dtype=np.float32)
    values /= values.max()
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
