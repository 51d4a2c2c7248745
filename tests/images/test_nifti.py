import gzip
from collections.abc import Callable
from pathlib import Path

import nibabel as nb
import numpy as np
import pytest
from numpy.typing import NDArray

from bids_ari.errors import ExitCode, InputError
from bids_ari.images import Grid, common_grid, read_map, write_volume
from tests.conftest import AFFINE, SHAPE

Writer = Callable[[str, NDArray[np.floating]], Path]


@pytest.mark.parametrize("extension", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", [nb.Nifti1Image, nb.Nifti2Image])
@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64, ">f4"])
def test_maps_are_read_as_nibabel_reads_them(
    extension: str,
    kind: type[nb.Nifti1Image],
    dtype: str,
    tmp_path: Path,
    rng: np.random.Generator,
) -> None:
    path = tmp_path / f"map{extension}"
    img = kind((100 * rng.normal(size=SHAPE)).astype(dtype), AFFINE)
    img.header.set_slope_inter(0.5, 3)
    img.to_filename(path)
    data, grid = read_map(path)
    np.testing.assert_array_equal(data, kind.from_filename(path).get_fdata())
    assert grid.shape == SHAPE
    np.testing.assert_array_equal(grid.affine, AFFINE)
    assert common_grid([path]).matches(grid)


def test_all_members_of_a_gzip_file_are_read(
    write_image: Writer, rng: np.random.Generator
) -> None:
    # pigz and bgzip write several; one-shot decompressors return the first without a word
    data = rng.normal(size=SHAPE).astype(np.float32)
    path = write_image("map.nii", data)
    content = path.read_bytes()
    zipped = path.with_name("map.nii.gz")
    zipped.write_bytes(gzip.compress(content[:1000]) + gzip.compress(content[1000:]))
    np.testing.assert_array_equal(read_map(zipped)[0], data)


@pytest.mark.parametrize("kind", [nb.Nifti1Image, nb.Nifti2Image])
def test_what_programs_add_to_the_header_is_passed_over(
    kind: type[nb.Nifti1Image], tmp_path: Path, rng: np.random.Generator
) -> None:
    path = tmp_path / "map.nii.gz"
    img = kind(rng.normal(size=SHAPE).astype(np.float32), AFFINE)
    img.header.extensions.append(nb.nifti1.Nifti1Extension("comment", b"history " * 500))
    img.to_filename(path)
    np.testing.assert_array_equal(read_map(path)[0], img.get_fdata(dtype=np.float32))
    assert common_grid([path]).shape == SHAPE


def test_a_last_axis_of_one_volume_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "map.nii.gz"
    nb.Nifti1Image(np.ones((*SHAPE, 1), np.float32), AFFINE).to_filename(path)
    assert read_map(path)[0].shape == SHAPE


def test_several_volumes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "map.nii.gz"
    nb.Nifti1Image(np.ones((*SHAPE, 2), np.float32), AFFINE).to_filename(path)
    with pytest.raises(InputError, match=r"map.nii.gz has shape \(7, 8, 9, 2\), expected one vol"):
        read_map(path)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_a_map_cut_off_is_named(
    share: float, write_image: Writer, rng: np.random.Generator
) -> None:
    path = write_image("sub-01_statmap.nii.gz", rng.normal(size=SHAPE))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"sub-01_statmap.nii.gz is not a whole NIfTI image"):
        read_map(path)


def test_an_uncompressed_map_cut_off_is_named(write_image: Writer) -> None:
    path = write_image("sub-01_statmap.nii", np.ones(SHAPE))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"sub-01_statmap.nii is not a whole NIfTI image"):
        read_map(path)


@pytest.mark.parametrize("content", [b"", b"hello", gzip.compress(b"hello" * 200)])
def test_what_is_no_image_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "map.nii.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"map.nii.gz is not a whole NIfTI image"):
        read_map(path)
    with pytest.raises(InputError, match=r"map.nii.gz has no NIfTI header"):
        common_grid([path])


def test_a_map_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone.nii.gz does not exist") as caught:
        read_map(tmp_path / "gone.nii.gz")
    assert caught.value.exit_code == ExitCode.NO_INPUT


def test_content_that_was_not_fetched_is_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "map.nii.gz"
    path.symlink_to(tmp_path / "annex" / "object")
    with pytest.raises(InputError, match=r"map.nii.gz is a link to content that .*datalad get"):
        common_grid([path])


def test_the_odd_one_is_named_with_both_grids(write_image: Writer, tmp_path: Path) -> None:
    paths = [write_image(f"sub-0{i}.nii.gz", np.ones(SHAPE)) for i in (2, 3)]
    odd = tmp_path / "sub-01.nii.gz"  # the first: most of them decide, not the order
    nb.Nifti1Image(np.ones(SHAPE, np.float32), np.diag([3, 3, 3, 1])).to_filename(odd)
    message = (
        r"sub-01.nii.gz is not on the grid of the other maps: 7 x 8 x 9 voxels of 3 x 3 x 3 mm.*"
        r"expected 7 x 8 x 9 voxels of 2 x 2 x 2 mm"
    )
    with pytest.raises(InputError, match=message):
        common_grid([odd, *paths])
    with pytest.raises(InputError, match=message):
        read_map(odd, common_grid(paths))


def test_the_last_digits_of_an_affine_do_not_matter(write_image: Writer, tmp_path: Path) -> None:
    other = tmp_path / "other.nii.gz"
    nb.Nifti1Image(np.ones(SHAPE, np.float32), AFFINE + 1e-5).to_filename(other)
    assert common_grid([write_image("map.nii.gz", np.ones(SHAPE)), other]).shape == SHAPE


def test_a_hundredth_of_a_millimetre_is_another_grid(write_image: Writer, tmp_path: Path) -> None:
    shifted = AFFINE.copy()
    shifted[0, 3] += 0.01
    other = tmp_path / "other.nii.gz"
    nb.Nifti1Image(np.ones(SHAPE, np.float32), shifted).to_filename(other)
    with pytest.raises(InputError, match=r"is not on the grid of the other maps"):
        common_grid([write_image("map.nii.gz", np.ones(SHAPE)), other])


@pytest.mark.parametrize("sform", [np.full((4, 4), np.nan), np.zeros((4, 4))])
def test_an_affine_that_is_none_is_named(sform: NDArray[np.float64], tmp_path: Path) -> None:
    path = tmp_path / "map.nii.gz"
    img = nb.Nifti1Image(np.ones(SHAPE, np.float32), AFFINE)
    content = bytearray(img.to_bytes())
    header = img.header.copy()
    header["sform_code"], header["qform_code"] = 1, 0
    for row, name in enumerate(("srow_x", "srow_y", "srow_z")):
        header[name] = sform[row]
    header["vox_offset"] = 352
    content[:348] = header.binaryblock
    path.write_bytes(gzip.compress(bytes(content)))
    for read in (lambda: common_grid([path]), lambda: read_map(path)):
        with pytest.raises(InputError, match=r"map.nii.gz does not say where its voxels are"):
            read()


@pytest.mark.parametrize(
    "dtype", [np.complex64, np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])]
)
def test_values_that_are_no_numbers_are_refused(dtype: np.dtype, tmp_path: Path) -> None:
    path = tmp_path / "map.nii.gz"
    nb.Nifti1Image(np.zeros(SHAPE, dtype), AFFINE).to_filename(path)
    with pytest.raises(InputError, match=r"map.nii.gz holds .* expected one real number"):
        read_map(path)


def test_what_is_written_says_where_it_is(tmp_path: Path, rng: np.random.Generator) -> None:
    volume = rng.normal(size=SHAPE)
    affine = np.array([[-3.4, 0, 0, 79], [0, 3.4, 0, -113], [0, 0, 4.5, -49], [0, 0, 0, 1]])
    path = write_volume(volume, Grid(SHAPE, affine, 4), tmp_path / "z.nii.gz", intent="z score")
    img = nb.Nifti1Image.from_filename(path)
    np.testing.assert_array_equal(img.get_fdata(), volume)  # doubles stay doubles
    np.testing.assert_allclose(img.affine, affine, rtol=1e-6)
    assert img.header.get_xyzt_units()[0] == "mm"
    assert int(img.header["sform_code"]) == int(img.header["qform_code"]) == 4
    assert img.header.get_intent()[0] == "z score"
    assert [one.name for one in tmp_path.iterdir()] == ["z.nii.gz"]
