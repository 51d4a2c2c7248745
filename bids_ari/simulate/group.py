r"""
First-level maps of a group whose true effects are known: arrays in, arrays out.

The effect map of subject :math:`i` at voxel :math:`v` is

.. math:: y_i(v) = \mu(v) + g_i\,\delta(v) + (a_i - 40)\,\beta(v) + b_i(v) + w_i(v)

with the group :math:`g_i = \mp\tfrac12` (control, patient), the age :math:`a_i` between 20 and 60
years, and two independent Gaussian fields: :math:`b_i` between subjects and :math:`w_i` within the
subject, whose variance at each voxel is the variance map. Effects have no unit: on average over
the brain and the subjects, the standard deviation of :math:`b_i + w_i` is about 1.

:mod:`bids_ari.simulate.truth` says what :math:`\mu`, :math:`\delta` and :math:`\beta` are.
"""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from nibabel.affines import voxel_sizes
from numpy.typing import NDArray
from scipy import ndimage

from bids_ari.images.smoothing import FWHM_PER_SIGMA
from bids_ari.simulate.truth import REGIONS, Region, Truth, simulate_truth

GROUPS = ("control", "patient")
AGE_CENTRE, AGE_SPREAD = 40.0, 20.0

BETWEEN_SD = math.sqrt(0.6)
WITHIN_SD = math.sqrt(0.4)

# first number of the seed: what is drawn; the truth has 2
_PARTICIPANT_STREAM, _MAPS_STREAM = 1, 3


class Participant(NamedTuple):
    """What is known of a subject besides the maps."""

    group: str
    """One of ``GROUPS``."""
    age: float
    """Years."""


class SubjectMaps(NamedTuple):
    """First-level maps of one subject."""

    effect: NDArray[np.float32]
    """(n_features,) estimated effects."""
    variance: NDArray[np.float32]
    """(n_features,) variances within the subject, of these estimates."""


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedGroup:
    """A group of subjects, one contrast."""

    effects: NDArray[np.float32]
    """(n_maps, n_features) effect maps, features as in ``mask.nonzero()``."""
    variances: NDArray[np.float32]
    """(n_maps, n_features) variance maps."""
    participants: tuple[Participant, ...]
    truth: Truth


def simulate_group(
    mask: NDArray[np.bool_],
    affine: NDArray[np.floating],
    n_subjects: int,
    *,
    contrast: str = "effect",
    regions: Sequence[Region] = REGIONS,
    smoothness: float = 5.0,
    seed: int = 0,
) -> SimulatedGroup:
    """
    Simulate the first-level maps of a group.

    Subject ``k`` depends on the seed, the contrast and ``k`` only, not on how many follow.

    Parameters
    ----------
    mask : (x, y, z) array of bool
        The voxels of the brain.
    affine : (4, 4) array
        From voxels to mm.
    n_subjects : int
        Number of subjects.
    contrast : str
        Another name gives other regions and other noise, of the same subjects.
    regions : sequence of Region
        Sizes and effects; their places are drawn. None gives a group without any effect.
    smoothness : float
        Full width at half maximum of the noise, in mm.
    seed : int
        Not negative; the same seed gives the same group.

    Returns
    -------
    SimulatedGroup
        Maps, subjects and truth.

    Raises
    ------
    ValueError
        If the regions do not fit into the mask.
    """
    truth = simulate_truth(mask, affine, contrast=contrast, regions=regions, seed=seed)
    participants = tuple(simulate_participant(k, seed=seed) for k in range(1, n_subjects + 1))
    effects = np.empty((n_subjects, np.count_nonzero(mask)), np.float32)
    variances = np.empty_like(effects)
    for row, participant in enumerate(participants):
        effects[row], variances[row] = simulate_subject(
            truth,
            participant,
            mask,
            affine,
            row + 1,
            contrast=contrast,
            smoothness=smoothness,
            seed=seed,
        )
    return SimulatedGroup(effects, variances, participants, truth)


def simulate_participant(subject: int, *, seed: int = 0) -> Participant:
    """
    Draw a subject; groups alternate.

    Parameters
    ----------
    subject : int
        Number of the subject, from 1.
    seed : int
        Not negative.

    Returns
    -------
    Participant
        Group, and age with one decimal.

    Examples
    --------
    >>> simulate_participant(2).group
    'patient'
    """
    rng = np.random.default_rng([_PARTICIPANT_STREAM, seed, subject])
    age = rng.uniform(AGE_CENTRE - AGE_SPREAD, AGE_CENTRE + AGE_SPREAD)
    return Participant(GROUPS[(subject - 1) % 2], round(float(age), 1))


def simulate_subject(
    truth: Truth,
    participant: Participant,
    mask: NDArray[np.bool_],
    affine: NDArray[np.floating],
    subject: int,
    *,
    contrast: str = "effect",
    smoothness: float = 5.0,
    seed: int = 0,
) -> SubjectMaps:
    """
    Simulate the first-level maps of one subject.

    Parameters
    ----------
    truth : Truth
        True effects.
    participant : Participant
        Group and age.
    mask : (x, y, z) array of bool
        The voxels of the brain.
    affine : (4, 4) array
        From voxels to mm.
    subject : int
        Number of the subject, from 1.
    contrast : str
        Another name gives other noise.
    smoothness : float
        Full width at half maximum of the noise, in mm; 0 gives independent voxels.
    seed : int
        Not negative.

    Returns
    -------
    SubjectMaps
        Effects and their variances, in the voxels of the mask.
    """
    name = zlib.crc32(contrast.encode())
    rng = np.random.default_rng([_MAPS_STREAM, seed, name, subject])
    noise_sd, slow_sd = (
        width / FWHM_PER_SIGMA / voxel_sizes(affine) for width in (smoothness, 30.0)
    )
    # some heads move more; and some places are noisier, for slow reasons
    log_sd = 0.25 * rng.standard_normal() + 0.25 * _smooth_noise(rng, mask, slow_sd)
    within_sd = WITHIN_SD * np.exp(log_sd - 0.125)  # mean of the variance: WITHIN_SD**2
    between = BETWEEN_SD * _smooth_noise(rng, mask, noise_sd)
    within = within_sd * _smooth_noise(rng, mask, noise_sd)
    expected = (
        truth.mean_effect
        + (GROUPS.index(participant.group) - 0.5) * truth.group_difference
        + (participant.age - AGE_CENTRE) * truth.age_slope
    )[mask]
    return SubjectMaps(
        (expected + between + within).astype(np.float32), (within_sd**2).astype(np.float32)
    )


def _smooth_noise(
    rng: np.random.Generator, mask: NDArray[np.bool_], sd: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Draw a Gaussian field of mean 0 and variance 1 at every voxel of the mask."""
    noise = rng.standard_normal(mask.shape, dtype=np.float32)
    # opposite faces of the volume are neighbours, so that the variance is the same everywhere
    noise = ndimage.gaussian_filter(noise, sd, mode="wrap")
    scale = 1.0
    for size, axis_sd in zip(mask.shape, sd, strict=True):
        impulse = np.zeros(size)
        impulse[0] = 1.0
        scale *= float(np.linalg.norm(ndimage.gaussian_filter(impulse, axis_sd, mode="wrap")))
    return (noise / np.float32(scale))[mask]
