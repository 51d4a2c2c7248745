from collections.abc import Callable
from pathlib import Path

import nibabel as nb
import numpy as np
import pytest
from numpy.typing import NDArray

from bids_ari.errors import InputError
from bids_ari.images import (
    AnalysisMask,
    Grid,
    allowed_missing,
    analysis_mask,
    load_mask,
    save_block,
    smooth_block,
)
from tests.conftest import AFFINE, SHAPE

Writer = Callable[[str, NDArray[np.floating]], Path]
GRID = Grid(SHAPE, AFFINE, 2)


@pytest.fixture
def maps(rng: np.random.Generator) -> NDArray[np.float64]:
    """Five maps; each of the last four lacks one slice more than the one before."""
    data = rng.normal(size=(5, *SHAPE))
    for i in range(5):
        data[i, :i] = 0
    return data


@pytest.mark.parametrize("sizes", [[5], [2, 3], [1, 1, 3]])
@pytest.mark.parametrize(("share", "first_slice"), [(1.0, 4), (0.8, 3), (0.6, 2), (0.1, 0)])
def test_coverage_does_not_depend_on_the_blocks(
    sizes: list[int],
    share: float,
    first_slice: int,
    maps: NDArray[np.float64],
    write_image: Writer,
    tmp_path: Path,
) -> None:
    decided = decide(maps, sizes, write_image, tmp_path, mask_coverage=share)
    expected = np.zeros(SHAPE, bool)
    expected[first_slice:] = True
    np.testing.assert_array_equal(decided.features, np.flatnonzero(expected))
    assert decided.n_lost == 72 * first_slice
    assert decided.missing.tolist() == [72 * max(0, i - first_slice) for i in range(5)]
    assert decided.n_values.tolist() == [72 * (7 - i) for i in range(5)]


def test_a_mask_keeps_all_its_voxels_and_counts_what_is_missing(
    maps: NDArray[np.float64], write_image: Writer, tmp_path: Path
) -> None:
    mask = np.zeros(SHAPE, bool)
    mask[3:6] = True
    zero = decide(maps, [2, 3], write_image, tmp_path, mask=mask)
    assert zero.features.size == 3 * 72
    assert zero.missing.tolist() == [0, 0, 0, 0, 72]
    assert (zero.n_lost, zero.rule) == (0, "all voxels of brain.nii.gz")
    drop = decide(maps, [2, 3], write_image, tmp_path, mask=mask, missing_voxels="drop")
    assert drop.features.size == 2 * 72
    assert drop.missing.tolist() == [0] * 5
    assert drop.n_lost == 72


def test_an_empty_mask_is_an_error(write_image: Writer, tmp_path: Path) -> None:
    halves = np.zeros((2, *SHAPE))
    halves[0, :3], halves[1, 4:] = 1, 1
    with pytest.raises(InputError, match="no voxel is left to analyse: there are no voxels with"):
        decide(halves, [1, 1], write_image, tmp_path)


def test_a_mask_is_what_is_above_0(write_image: Writer) -> None:
    values = np.zeros(SHAPE)
    values[1], values[2], values[3], values[4] = 1, 3, -1, np.nan
    inside, resampled = load_mask(write_image("mask.nii.gz", values), GRID)
    assert np.flatnonzero(inside.any(axis=(1, 2))).tolist() == [1, 2]
    assert not resampled


def test_a_mask_on_another_grid_is_put_on_that_of_the_maps(tmp_path: Path) -> None:
    fine = np.zeros((14, 16, 18), np.uint8)
    fine[4:8, 6:10, 2:12] = 1  # 1 mm voxels; centred on those of 2 mm
    affine = np.array([[1.0, 0, 0, -0.5], [0, 1, 0, -0.5], [0, 0, 1, -0.5], [0, 0, 0, 1]])
    nb.Nifti1Image(fine, affine).to_filename(tmp_path / "fine.nii.gz")
    inside, resampled = load_mask(tmp_path / "fine.nii.gz", GRID)
    assert resampled
    expected = np.zeros(SHAPE, bool)
    expected[2:4, 3:5, 1:6] = True
    np.testing.assert_array_equal(inside, expected)


def test_a_mask_covers_the_whole_of_its_outermost_voxels(tmp_path: Path) -> None:
    coarse = np.diag([8.0, 8, 8, 1])
    coarse[:3, 3] = 2  # voxels from -2 to 6 mm and on
    nb.Nifti1Image(np.ones((1, 2, 2), np.uint8), coarse).to_filename(tmp_path / "coarse.nii")
    inside, _ = load_mask(tmp_path / "coarse.nii", GRID)
    expected = np.zeros(SHAPE, bool)
    expected[:3, :7, :7] = True  # centres at 0, 2, 4; 0, 2 ... 12
    np.testing.assert_array_equal(inside, expected)


def test_a_mask_beside_the_maps_is_named(tmp_path: Path) -> None:
    far = np.diag([2.0, 2, 2, 1])
    far[:3, 3] = 1000
    nb.Nifti1Image(np.ones(SHAPE, np.uint8), far).to_filename(tmp_path / "far.nii.gz")
    with pytest.raises(
        InputError, match=r"far.nii.gz has no voxel above 0 on the grid of the map"
    ):
        load_mask(tmp_path / "far.nii.gz", GRID)


@pytest.mark.parametrize("n_maps", [1, 3, 10, 20, 999])
def test_full_coverage_allows_nothing_missing(n_maps: int) -> None:
    assert allowed_missing(n_maps, 1.0) == 0
    assert allowed_missing(n_maps, 1e-9) == n_maps - 1


def decide(
    maps: NDArray[np.float64],
    sizes: list[int],
    write_image: Writer,
    tmp_path: Path,
    *,
    mask: NDArray[np.bool_] | None = None,
    mask_coverage: float = 1.0,
    missing_voxels: str = "zero",
) -> AnalysisMask:
    paths = [write_image(f"{i}.nii.gz", one) for i, one in enumerate(maps)]
    max_missing = allowed_missing(len(paths), mask_coverage)
    coverage = []
    for number, size in enumerate(sizes):
        start = sum(sizes[:number])
        block = smooth_block(paths[start : start + size], GRID, mask=mask, max_missing=max_missing)
        coverage.append(save_block(block, tmp_path / f"block{number}.npy")[1])
    return analysis_mask(
        coverage,
        mask_name="brain.nii.gz" if mask is not None else "",
        mask_coverage=mask_coverage,
        missing_voxels=missing_voxels,  # type: ignore[arg-type]
    )
