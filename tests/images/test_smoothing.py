import nibabel as nb
import numpy as np
import pytest
from nilearn.image import smooth_img
from numpy.typing import NDArray

from bids_ari.images import Grid
from bids_ari.images.smoothing import Smoother, bounding_box

SHAPE = (17, 18, 19)
EVERYTHING = tuple(slice(0, n) for n in SHAPE)
AFFINES = [
    np.diag([2.0, 2.0, 2.0, 1.0]),
    np.diag([-3.4375, 3.4375, 4.5, 1.0]),
    np.array([[0, 0, 3.0, 5], [2.0, 0, 0, 5], [0, 2.5, 0, 5], [0, 0, 0, 1]]),  # axes swapped
]


def smoothed(
    volume: NDArray[np.float32], affine: NDArray[np.float64], fwhm: float
) -> NDArray[np.float32]:
    smoother = Smoother.on_grid(Grid(SHAPE, affine, 4), fwhm)
    return smoother.smooth(np.asfortranarray(volume), EVERYTHING)  # type: ignore[arg-type]


@pytest.mark.parametrize("affine", AFFINES)
@pytest.mark.parametrize("fwhm", [3.0, 8.0, 30.0])  # the last reaches past the volume and back
def test_smoothing_is_that_of_nilearn(
    affine: NDArray[np.float64], fwhm: float, rng: np.random.Generator
) -> None:
    volume = rng.normal(size=SHAPE).astype(np.float32)
    expected = smooth_img(nb.Nifti1Image(volume, affine), fwhm).get_fdata()
    np.testing.assert_allclose(smoothed(volume, affine, fwhm), expected, atol=2e-6)


def test_a_part_is_that_part_of_the_whole(rng: np.random.Generator) -> None:
    volume = np.zeros(SHAPE, np.float32, order="F")
    volume[3:12, 2:17, 5:9] = rng.normal(size=(9, 15, 4))
    box = (slice(1, 9), slice(4, 18), slice(0, 12))
    smoother = Smoother.on_grid(Grid(SHAPE, AFFINES[0], 4), 6.0)
    whole = smoother.smooth(volume, EVERYTHING)  # type: ignore[arg-type]
    np.testing.assert_allclose(smoother.smooth(volume, box), whole[box], atol=1e-6)


def test_nothing_smoothed_is_nothing() -> None:
    assert not smoothed(np.zeros(SHAPE, np.float32), AFFINES[0], 6.0).any()


def test_the_box_holds_all_values() -> None:
    volume = np.zeros(SHAPE)
    volume[3, 4, 5], volume[10, 4, 7] = 1, -1
    assert bounding_box(volume) == (slice(3, 11), slice(4, 5), slice(5, 8))
    assert bounding_box(np.zeros(SHAPE)) is None
