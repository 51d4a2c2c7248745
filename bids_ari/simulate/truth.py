"""
The true effects of a simulated contrast, and what is true of smoothed maps.

A voxel is *active* if the mean effect of the population is not 0 there. Regions are balls with a
sharp edge, at which the effect is still half of that in the centre, so this is the same as "inside
a region". Differences between groups and slopes of age exist in some of these regions only: at an
inactive voxel the expected effect of *every* subject is 0, whatever the composition of the group.

Smoothing in the analysis spreads the effects. The bounds then speak of the mean of the *smoothed*
maps, which differs from 0 within the reach of the kernel around each region:
:func:`smoothed_truth` gives these voxels. This is the truth for which the confidence is
guaranteed. The share of a cluster inside the regions themselves is the answer to a stricter
question that no analysis of smoothed maps can answer, so a bound may exceed it.
"""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from nibabel.affines import voxel_sizes
from numpy.typing import NDArray
from scipy import ndimage

from bids_ari.images.smoothing import FWHM_PER_SIGMA

T = TypeVar("T", bound=np.generic)

_EDGE = 0.5  # effect at the edge of a region, relative to its centre
_GAP_MM = 12.0  # between regions, so that each is a cluster of its own
_STREAM = 2  # first number of the seed: the truth is drawn apart from subjects and maps


class Region(NamedTuple):
    """A ball of effects; values are those in its centre."""

    radius: float
    """Radius in mm."""
    effect: float
    """Mean effect of the population, not 0."""
    group_difference: float = 0.0
    """Mean effect of patients minus that of controls."""
    age_slope: float = 0.0
    """Change of the effect per year."""


REGIONS = (
    Region(24.0, 0.55),
    Region(20.0, -0.9),
    Region(17.0, 1.5, group_difference=1.2),
    Region(14.0, 1.0, age_slope=0.05),
    Region(12.0, -1.5),
    Region(10.0, 0.8),
    Region(8.0, 2.0),
    Region(8.0, -0.8),
    Region(6.0, 1.4),
)
"""Effects of both signs; large and weak, small and strong."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The true effects of one contrast, each an array of the shape of the mask."""

    mean_effect: NDArray[np.float32]
    """Mean of the population; 0 exactly where there is no effect."""
    group_difference: NDArray[np.float32]
    """Patients minus controls."""
    age_slope: NDArray[np.float32]
    """Change per year."""
    labels: NDArray[np.int16]
    """Number of the region, from 1, negative where the mean effect is; 0 elsewhere."""


def simulate_truth(
    mask: NDArray[np.bool_],
    affine: NDArray[np.floating],
    *,
    contrast: str = "effect",
    regions: Sequence[Region] = REGIONS,
    seed: int = 0,
) -> Truth:
    """
    Place regions in the brain; they do not touch.

    Parameters
    ----------
    mask : (x, y, z) array of bool
        The voxels of the brain.
    affine : (4, 4) array
        From voxels to mm.
    contrast : str
        Another name gives other places.
    regions : sequence of Region
        Sizes and effects.
    seed : int
        Not negative.

    Returns
    -------
    Truth
        Effects and regions.

    Raises
    ------
    ValueError
        If a region has no mean effect, or if there is no room for it in the mask.
    """
    rng = np.random.default_rng([_STREAM, seed, zlib.crc32(contrast.encode())])
    places = np.argwhere(mask) @ affine[:3, :3].T + affine[:3, 3]
    depth = ndimage.distance_transform_edt(np.pad(mask, 1), sampling=voxel_sizes(affine))
    depth = depth[1:-1, 1:-1, 1:-1][mask]
    mean_effect, group_difference, age_slope = np.zeros((3, places.shape[0]), np.float32)
    labels = np.zeros(places.shape[0], np.int16)
    clearance = np.full(places.shape[0], np.inf)  # mm to the surface of the nearest region
    # the largest is placed first, while there is room for it
    for number in sorted(range(len(regions)), key=lambda n: -regions[n].radius):
        region = regions[number]
        if region.effect == 0 or region.radius <= 0:
            msg = f"a region needs a radius and a mean effect, found {region}"
            raise ValueError(msg)
        fits = (depth >= region.radius / 2) & (clearance >= region.radius + _GAP_MM)
        if not fits.any():
            msg = (
                f"no room in the mask for a region of {region.radius:g} mm: give fewer or smaller"
            )
            raise ValueError(msg)
        centre = places[rng.choice(np.flatnonzero(fits))]
        distance = np.linalg.norm(places - centre, axis=1)
        clearance = np.minimum(clearance, distance - region.radius)
        inside = distance <= region.radius
        profile = 1 - (1 - _EDGE) * (distance[inside] / region.radius) ** 2
        mean_effect[inside] = region.effect * profile
        group_difference[inside] = region.group_difference * profile
        age_slope[inside] = region.age_slope * profile
        labels[inside] = math.copysign(number + 1, region.effect)
    return Truth(
        _in_volume(mean_effect, mask),
        _in_volume(group_difference, mask),
        _in_volume(age_slope, mask),
        _in_volume(labels, mask),
    )


def smoothed_truth(
    mean_effect: NDArray[np.floating],
    mask: NDArray[np.bool_],
    affine: NDArray[np.floating],
    fwhm: float,
) -> NDArray[np.int8]:
    """
    Tell where the mean of smoothed maps is not zero.

    Same kernel as in the analysis: a Gaussian cut at four standard deviations, zeros outside of
    the volume.

    Parameters
    ----------
    mean_effect : (x, y, z) array
        Mean effect of the population before smoothing, 0 outside of the mask.
    mask : (x, y, z) array of bool
        The voxels that are analysed.
    affine : (4, 4) array
        From voxels to mm.
    fwhm : float
        Full width at half maximum of the smoothing in the analysis, in mm; 0 is none.

    Returns
    -------
    (x, y, z) array of int8
        Sign of the smoothed mean effect: 1, -1, or 0 where a voxel is not active.

    Examples
    --------
    >>> effect = np.zeros((1, 1, 9))
    >>> effect[0, 0, 4] = -0.5
    >>> smoothed_truth(effect, np.ones((1, 1, 9), bool), np.diag([2, 2, 2, 1]), fwhm=3.0).ravel()
    array([ 0, -1, -1, -1, -1, -1, -1, -1,  0], dtype=int8)
    """
    sd = fwhm / FWHM_PER_SIGMA / voxel_sizes(affine)
    smoothed = ndimage.gaussian_filter(
        mean_effect.astype(np.float64), sd, mode="constant", truncate=4.0
    )
    return np.where(mask, np.sign(smoothed), 0).astype(np.int8)


def _in_volume(values: NDArray[T], mask: NDArray[np.bool_]) -> NDArray[T]:
    """Put the values of the mask back into a volume of zeros."""
    volume = np.zeros(mask.shape, values.dtype)
    volume[mask] = values
    return volume
