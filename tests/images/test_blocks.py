from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bids_ari.errors import InputError
from bids_ari.images import (
    Grid,
    feature_reader,
    load_block,
    load_coverage,
    save_block,
    smooth_block,
)
from tests.conftest import AFFINE, SHAPE

Writer = Callable[[str, NDArray[np.floating]], Path]
GRID = Grid(SHAPE, AFFINE, 2)


def test_a_block_holds_the_voxels_of_the_mask_in_the_order_of_numpy(
    write_image: Writer, rng: np.random.Generator
) -> None:
    maps = rng.normal(size=(3, *SHAPE)).astype(np.float32)
    paths = [write_image(f"{i}.nii.gz", one) for i, one in enumerate(maps)]
    mask = rng.uniform(size=SHAPE) < 0.3
    block = smooth_block(paths, GRID, mask=mask)
    np.testing.assert_array_equal(block.values, maps[:, mask])
    np.testing.assert_array_equal(block.kept, np.flatnonzero(mask))
    assert block.has_value.all()


def test_without_a_mask_a_block_keeps_what_may_be_analysed(
    write_image: Writer, rng: np.random.Generator
) -> None:
    maps = rng.normal(size=(3, *SHAPE)).astype(np.float32)
    maps[0, 0, 0, 0], maps[0, 1, 1, 1], maps[1, 1, 1, 1] = 0, np.nan, np.inf
    maps[:, 2, 2, 2] = 0
    paths = [write_image(f"{i}.nii.gz", one) for i, one in enumerate(maps)]
    lost = {allowed: 7 * 8 * 9 - smooth_block(paths, GRID, max_missing=allowed).kept.size
            for allowed in (0, 1, 2, 3)}  # fmt: skip
    assert lost == {0: 3, 1: 2, 2: 1, 3: 0}
    block = smooth_block(paths, GRID, max_missing=2)
    n_missing = (~block.has_value).sum(axis=0)
    assert sorted(n_missing[n_missing > 0]) == [1, 2]
    assert block.n_values.tolist() == [501, 502, 503]
    assert np.count_nonzero(~block.anywhere) == 1


@pytest.mark.parametrize("masked", [True, False])
def test_missing_values_count_as_0_before_smoothing(
    masked: bool, write_image: Writer, rng: np.random.Generator
) -> None:
    data = rng.normal(size=SHAPE).astype(np.float32)
    with_zero, with_nan = data.copy(), data.copy()
    with_zero[3, 3, 3], with_nan[3, 3, 3] = 0, np.nan
    mask = np.ones(SHAPE, bool) if masked else None
    zero, nan = (
        smooth_block([write_image("map.nii.gz", one)], GRID, fwhm=5, mask=mask, max_missing=1)
        for one in (with_zero, with_nan)
    )
    np.testing.assert_array_equal(nan.values, zero.values)
    assert np.isfinite(nan.values).all()
    assert np.count_nonzero(~nan.has_value) == 1


def test_smoothing_comes_before_masking(write_image: Writer, rng: np.random.Generator) -> None:
    data = rng.normal(size=SHAPE).astype(np.float32)
    mask = np.zeros(SHAPE, bool)
    mask[2:5, 2:5, 2:5] = True
    path = write_image("map.nii.gz", data)
    everywhere = smooth_block([path], GRID, fwhm=6, mask=np.ones(SHAPE, bool))
    inside = smooth_block([path], GRID, fwhm=6, mask=mask)
    np.testing.assert_allclose(inside.values[0], everywhere.values[0][mask.ravel()], atol=1e-6)
    only_mask = smooth_block([write_image("masked.nii.gz", data * mask)], GRID, fwhm=6, mask=mask)
    assert np.abs(only_mask.values - inside.values).max() > 0.01


@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_a_map_without_values_is_named(fill: float, write_image: Writer) -> None:
    paths = [
        write_image("a.nii.gz", np.ones(SHAPE)),
        write_image("b.nii.gz", np.full(SHAPE, fill)),
    ]
    with pytest.raises(InputError, match=r"b.nii.gz has no value: all voxels are 0 or not finite"):
        smooth_block(paths, GRID)


def test_a_map_without_values_in_the_mask_is_named(write_image: Writer) -> None:
    data = np.zeros(SHAPE)
    data[0] = 1
    mask = np.zeros(SHAPE, bool)
    mask[5] = True
    with pytest.raises(InputError, match=r"a.nii.gz has no value in the mask"):
        smooth_block([write_image("a.nii.gz", data)], GRID, mask=mask)


def test_maps_that_share_no_voxel_are_named(write_image: Writer) -> None:
    halves = np.zeros((2, *SHAPE))
    halves[0, :3], halves[1, 4:] = 1, 1
    paths = [write_image(f"{name}.nii.gz", one) for name, one in zip("ab", halves, strict=True)]
    with pytest.raises(InputError, match=r"no voxel has a value in enough of .*a.nii.gz, .*b.nii"):
        smooth_block(paths, GRID)


def test_a_block_comes_back_from_disk(
    write_image: Writer, tmp_path: Path, rng: np.random.Generator
) -> None:
    maps = rng.normal(size=(3, *SHAPE))
    maps[1, 4:6] = 0
    paths = [write_image(f"{i}.nii.gz", one) for i, one in enumerate(maps)]
    block = smooth_block(paths, GRID, max_missing=1)
    values_file, coverage_file = save_block(block, tmp_path / "block.npy")
    coverage = load_coverage(coverage_file)
    np.testing.assert_array_equal(coverage.kept, block.kept)
    np.testing.assert_array_equal(coverage.has_value, block.has_value)
    some = block.kept[::7]
    np.testing.assert_array_equal(
        load_block(values_file, coverage.kept, some), block.values[:, ::7]
    )
    np.testing.assert_array_equal(load_block(values_file, coverage.kept, block.kept), block.values)


def test_some_voxels_of_all_maps_are_read_from_all_blocks(
    write_image: Writer, rng: np.random.Generator, tmp_path: Path
) -> None:
    maps = rng.normal(size=(5, *SHAPE)).astype(np.float32)
    maps[1, 2, 3, 4] = 0  # so that the first block keeps a voxel less
    paths = [write_image(f"{i}.nii.gz", one) for i, one in enumerate(maps)]
    files = [
        save_block(smooth_block(some, GRID), tmp_path / f"{name}.npy")
        for name, some in (("a", paths[:2]), ("b", paths[2:]))
    ]
    features = np.flatnonzero((maps != 0).all(axis=0))
    read = feature_reader([one for one, _ in files], [one for _, one in files], features)
    expected = maps.reshape(5, -1)[:, features]
    for start, stop in ((0, 7), (150, 220), (features.size - 3, features.size)):
        np.testing.assert_array_equal(read(start, stop), expected[:, start:stop])
