from collections.abc import Callable
from pathlib import Path

import nibabel as nb
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from bids_ari.errors import ExitCode, InputError
from bids_ari.images import (
    Grid,
    Regions,
    VolumeDomain,
    join_regions,
    load_atlas,
    load_mask,
    load_region_names,
    load_regions,
    load_roi,
    save_regions,
)
from tests.conftest import AFFINE, SHAPE

Writer = Callable[[str, NDArray[np.floating]], Path]
GRID = Grid(SHAPE, AFFINE, 2)


@pytest.fixture
def mask() -> NDArray[np.bool_]:
    inside = np.zeros(SHAPE, bool)
    inside[1:6, 2:, :7] = True
    return inside


@pytest.fixture
def domain(mask: NDArray[np.bool_]) -> VolumeDomain:
    return VolumeDomain(GRID, np.flatnonzero(mask))


@pytest.fixture
def labels(rng: np.random.Generator) -> NDArray[np.int32]:
    return rng.choice(np.array([0, 3, 17, 40000], np.int32), size=SHAPE)


def write(path: Path, data: NDArray[np.generic], affine: NDArray[np.floating] = AFFINE) -> Path:
    nb.Nifti1Image(data, affine).to_filename(path)
    return path


def table(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def dense(regions: Regions) -> NDArray[np.bool_]:
    return np.asarray(regions.members.toarray())


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32, np.float64, ">i4"])
def test_members_are_the_voxels_of_each_label_in_the_mask(
    dtype: str,
    labels: NDArray[np.int32],
    mask: NDArray[np.bool_],
    domain: VolumeDomain,
    tmp_path: Path,
) -> None:
    image = write(tmp_path / "atlas.nii.gz", labels.astype(dtype))
    regions, resampled = load_atlas(image, None, name="mine", domain=domain)
    assert not resampled
    assert regions.index == (3, 17, 40000)
    assert regions.name == ("region 3", "region 17", "region 40000")
    assert regions.atlas == ("mine",) * 3
    assert regions.members.dtype == bool
    np.testing.assert_array_equal(
        dense(regions), [labels[mask] == 3, labels[mask] == 17, labels[mask] == 40000]
    )
    np.testing.assert_array_equal(regions.n_all, [(labels == i).sum() for i in (3, 17, 40000)])


def test_nan_is_background_and_a_fourth_axis_of_one_is_none(
    labels: NDArray[np.int32], domain: VolumeDomain, tmp_path: Path
) -> None:
    values = np.where(labels == 0, np.nan, labels).astype(np.float32)[..., None]
    plain, _ = load_atlas(write(tmp_path / "a.nii", labels), None, name="a", domain=domain)
    nans, _ = load_atlas(write(tmp_path / "b.nii", values), None, name="a", domain=domain)
    assert nans.index == plain.index
    np.testing.assert_array_equal(dense(nans), dense(plain))


def test_regions_of_the_table_stay_without_voxels_and_others_get_a_number(
    labels: NDArray[np.int32], domain: VolumeDomain, tmp_path: Path
) -> None:
    names = table(tmp_path / "t.tsv", "index\tname\n0\tBackground\n5\tFornix\n17\tPons\n3\tn/a\n")
    image = write(tmp_path / "atlas.nii", labels)
    regions, _ = load_atlas(image, names, name="mine", domain=domain)
    assert regions.index == (3, 5, 17, 40000)
    assert regions.name == ("region 3", "Fornix", "Pons", "region 40000")
    assert regions.n_all[1] == 0
    assert dense(regions).any(axis=1).tolist() == [True, False, True, True]


def test_a_region_outside_of_the_mask_has_no_members_but_a_size(
    labels: NDArray[np.int32],
    mask: NDArray[np.bool_],
    domain: VolumeDomain,
    tmp_path: Path,
) -> None:
    labels[mask & (labels == 17)] = 0
    regions, _ = load_atlas(write(tmp_path / "a.nii", labels), None, name="a", domain=domain)
    assert dense(regions).any(axis=1).tolist() == [True, False, True]
    assert regions.n_all[1] == (labels == 17).sum() > 0


def test_of_a_lookup_table_only_what_the_image_has_is_a_region(
    labels: NDArray[np.int32], domain: VolumeDomain, tmp_path: Path
) -> None:
    names = table(
        tmp_path / "lut.txt",
        "#No. Label Name:  R G B A\n\n0   Unknown  0 0 0 0\n3   Left-Cortex  205 62 78 0\n"
        "17  Left-Hippocampus 220 216 20 0\n18 Left-Amygdala 103 255 255 0\n",
    )
    image = write(tmp_path / "atlas.nii", labels)
    regions, _ = load_atlas(image, names, name="aseg", domain=domain)
    assert regions.name == ("Left-Cortex", "Left-Hippocampus", "region 40000")


@pytest.mark.parametrize("factor", [2, 3])
def test_a_finer_atlas_is_put_on_the_grid_by_nearest_neighbours(
    factor: int,
    labels: NDArray[np.int32],
    mask: NDArray[np.bool_],
    domain: VolumeDomain,
    tmp_path: Path,
) -> None:
    fine = labels.repeat(factor, 0).repeat(factor, 1).repeat(factor, 2)
    affine = AFFINE / factor
    affine[3, 3] = 1
    affine[:3, 3] = (1 / factor - 1) * AFFINE[0, 0] / 2
    image = write(tmp_path / "fine.nii.gz", fine, affine)
    regions, resampled = load_atlas(image, None, name="fine", domain=domain)
    assert resampled
    np.testing.assert_array_equal(
        dense(regions), [labels[mask] == 3, labels[mask] == 17, labels[mask] == 40000]
    )
    # also at the border of the volume
    np.testing.assert_array_equal(regions.n_all, [(labels == i).sum() for i in (3, 17, 40000)])


def test_a_coarse_region_counts_in_voxels_of_the_maps(
    mask: NDArray[np.bool_], domain: VolumeDomain, tmp_path: Path
) -> None:
    coarse = np.zeros((4, 5, 6), np.uint8)
    coarse[2, 1, 3] = 4
    affine = np.diag([6.0, 6, 6, 1])
    affine[:3, 3] = (-2, -4, -4)  # its voxel goes from x 7 to 13, y -1 to 5, z 11 to 17
    image = write(tmp_path / "coarse.nii", coarse, affine)
    regions, _ = load_atlas(image, None, name="coarse", domain=domain)
    assert regions.n_all.tolist() == [27]
    expected = np.zeros(SHAPE, bool)
    expected[4:7, 0:3, 6:9] = True
    np.testing.assert_array_equal(dense(regions)[0], expected[mask])


def test_voxels_beyond_the_field_of_view_count_in_the_size(
    labels: NDArray[np.int32], mask: NDArray[np.bool_], domain: VolumeDomain, tmp_path: Path
) -> None:
    larger = np.zeros((12, 10, 15), np.int32)
    larger[3:10, 1:9, 4:13] = labels
    larger[0, 0, 0] = 17
    larger[11, 9, 14] = 5
    affine = AFFINE.copy()
    affine[:3, 3] = (-6, -2, -8)
    image = write(tmp_path / "larger.nii.gz", larger, affine)
    regions, resampled = load_atlas(image, None, name="larger", domain=domain)
    assert resampled
    assert regions.index == (3, 5, 17, 40000)
    sizes = [(larger == i).sum() for i in regions.index]
    np.testing.assert_array_equal(regions.n_all, sizes)
    np.testing.assert_array_equal(dense(regions), [labels[mask] == i for i in (3, 5, 17, 40000)])


def test_an_atlas_with_flipped_and_swapped_axes_is_put_where_it_belongs(
    labels: NDArray[np.int32], mask: NDArray[np.bool_], domain: VolumeDomain, tmp_path: Path
) -> None:
    ras = nb.Nifti1Image(labels, AFFINE)
    other = ras.as_reoriented(nb.orientations.axcodes2ornt("PSL"))
    other.to_filename(tmp_path / "psl.nii.gz")
    regions, resampled = load_atlas(tmp_path / "psl.nii.gz", None, name="psl", domain=domain)
    assert resampled
    np.testing.assert_array_equal(
        dense(regions), [labels[mask] == 3, labels[mask] == 17, labels[mask] == 40000]
    )


def test_a_region_that_resampling_loses_stays(domain: VolumeDomain, tmp_path: Path) -> None:
    fine = np.zeros((14, 16, 18), np.uint8)
    fine[4:10, 6:14, 2:10] = 1
    fine[5, 7, 3] = 9  # not nearest to the centre of any voxel of 2 mm
    image = write(tmp_path / "fine.nii", fine, np.diag([1.0, 1, 1, 1]))
    regions, _ = load_atlas(image, None, name="fine", domain=domain)
    assert regions.index == (1, 9)
    assert regions.n_all[1] == 0


def test_many_labels_take_one_pass(tmp_path: Path) -> None:
    labels = np.arange(40 * 41 * 42, dtype=np.int32).reshape(40, 41, 42) // 8
    domain = VolumeDomain(Grid(labels.shape, AFFINE, 2), np.flatnonzero(labels % 3))
    regions, _ = load_atlas(write(tmp_path / "m.nii", labels), None, name="m", domain=domain)
    assert len(regions.index) == 8609
    assert set(regions.n_all.tolist()) == {8}
    expected = [8 if index % 3 else 0 for index in regions.index]
    assert regions.members.sum(axis=1).tolist() == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.25, r"atlas.nii.gz holds values that are not whole .* is it a probabilistic atlas\?"),
        (np.inf, r"atlas.nii.gz holds values from 0 to inf, expected labels"),
        (1e30, r"atlas.nii.gz holds values from 0 to 1e\+30, expected labels"),
    ],
)
def test_what_is_no_label_is_refused(
    value: float, message: str, domain: VolumeDomain, write_image: Writer
) -> None:
    values = np.zeros(SHAPE)
    values[2], values[3, 4, 5] = 3, value
    with pytest.raises(InputError, match=message):
        load_atlas(write_image("atlas.nii.gz", values), None, name="a", domain=domain)


@pytest.mark.parametrize("index", ["1e40", str(2**53 + 1), "inf"])
def test_an_index_that_no_image_can_have_is_refused(
    index: str, labels: NDArray[np.int32], domain: VolumeDomain, tmp_path: Path
) -> None:
    names = tmp_path / "names.tsv"
    names.write_text(f"index\tname\n3\ta\n{index}\tb\n")
    with pytest.raises(InputError, match=r"names.tsv, line 3: the index is .*expected a whole"):
        load_atlas(write(tmp_path / "a.nii", labels), names, name="a", domain=domain)


def test_negative_labels_are_labels(domain: VolumeDomain, tmp_path: Path) -> None:
    labels = np.zeros(SHAPE, np.int16)
    labels[2], labels[3], labels[4] = 3, -3, 1
    regions, _ = load_atlas(write(tmp_path / "a.nii", labels), None, name="a", domain=domain)
    assert regions.index == (-3, 1, 3)
    inside = np.zeros(labels.size, bool)
    inside[domain.features] = True
    expected = [(labels.ravel()[inside] == index).sum() for index in (-3, 1, 3)]
    assert regions.members.sum(axis=1).tolist() == expected


def test_an_atlas_of_several_volumes_is_refused(domain: VolumeDomain, tmp_path: Path) -> None:
    image = write(tmp_path / "four.nii.gz", np.ones((*SHAPE, 2), np.uint8))
    with pytest.raises(InputError, match=r"four.nii.gz has shape \(7, 8, 9, 2\), expected one"):
        load_atlas(image, None, name="four", domain=domain)


def test_an_empty_atlas_is_an_error(domain: VolumeDomain, tmp_path: Path) -> None:
    image = write(tmp_path / "empty.nii.gz", np.zeros(SHAPE, np.uint8))
    with pytest.raises(InputError, match=r"empty.nii.gz has no region: all voxels are 0"):
        load_atlas(image, None, name="empty", domain=domain)


@pytest.mark.parametrize("shift", [0, 1000])
def test_an_atlas_beside_the_mask_is_an_error(
    shift: float, mask: NDArray[np.bool_], domain: VolumeDomain, tmp_path: Path
) -> None:
    affine = AFFINE.copy()
    affine[0, 3] = shift
    image = write(tmp_path / "beside.nii.gz", np.where(mask, 0, 3).astype(np.uint8), affine)
    message = r"beside.nii.gz has no region at any of the 210 voxels of the mask, is it in another"
    with pytest.raises(InputError, match=message):
        load_atlas(image, None, name="beside", domain=domain)


def test_names_that_count_from_0_are_refused(
    labels: NDArray[np.int32], domain: VolumeDomain, tmp_path: Path
) -> None:
    image = write(tmp_path / "atlas.nii", np.minimum(labels, 4))
    rows = "".join(f"{i}\tarea {i}\n" for i in range(4))
    names = table(tmp_path / "t.tsv", "index\tname\n" + rows)
    with pytest.raises(InputError, match=r"t.tsv calls index 0 'area 0', has no name for 4, and"):
        load_atlas(image, names, name="a", domain=domain)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("t.tsv", "index\tname\n1\tPons\n12\tLeft lobe\n"),
        ("t.tsv", "\ufeffINDEX\tcolor\tName\r\n1\t#fff\tPons\r\n12\t#000\tLeft lobe\r\n"),
        ("t.csv", "id,region\n1,Pons\n12,Left lobe\n"),
        ("t.csv", ';"Value";"Label"\n0;1;"Pons"\n1;12;" Left  lobe "\n\n'),
        ("t.csv", "label,abbreviation,structure\n1.0,P,Pons\n12.0,L,Left lobe\n"),
        ("t.tsv", "number,name\n1,Pons\n12,Left lobe\n"),
        ("t.txt", "roi\tlabel\n1\tPons\n12\tLeft lobe\n"),
        ("t.csv", 'index,name,note\n1,Pons,"a, b"\n12,Left lobe,\n'),
    ],
)
def test_tables_of_many_kinds_are_read(file: str, text: str, tmp_path: Path) -> None:
    read = load_region_names(table(tmp_path / file, text))
    assert read.names == {1: "Pons", 12: "Left lobe"}
    assert not read.lookup


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("left;right;region\n1;2;x\n", r"t.csv has the columns 'left', 'right', 'region', expect"),
        ("", r"t.csv has the columns '', expected one of index, value"),
        ("index,name\n1,a\n2,b\n1,c\n", r"t.csv has two names for index 1: 'a' and 'c'"),
        ("index,name\n1,a\nII,b\n", r"t.csv, line 3: the index is 'II', expected a whole number"),
        ("index,name\n1.5,a\n", r"t.csv, line 2: the index is '1.5', expected a whole number"),
        ("index,name\n1\n", r"t.csv, line 2: there are 1 cells, expected more"),
        ('index,name\n1,"a\n2,b\n', r"t.csv, line 3: unexpected end of data"),
        ("index,name\n", r"t.csv names no region, expected a line for each"),
    ],
)
def test_what_is_no_table_of_names_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        load_region_names(table(tmp_path / "t.csv", text))


def test_a_table_in_another_encoding_or_absent_is_refused(tmp_path: Path) -> None:
    latin = table(tmp_path / "t.csv", "index,name\n1,Môle\n", "latin-1")
    with pytest.raises(InputError, match=r"t.csv is not text in UTF-8"):
        load_region_names(latin)
    with pytest.raises(InputError, match=r"no.csv does not exist") as caught:
        load_region_names(tmp_path / "no.csv")
    assert caught.value.exit_code == ExitCode.NO_INPUT


def test_a_region_of_interest_is_what_is_above_0(
    mask: NDArray[np.bool_], domain: VolumeDomain, write_image: Writer
) -> None:
    values = np.zeros(SHAPE)
    values[1], values[2], values[3], values[4] = 0.2, 3, -1, np.nan
    regions, resampled = load_roi(write_image("left_amygdala_mask.nii.gz", values), domain)
    assert not resampled
    assert (regions.atlas, regions.index) == (("left_amygdala_mask.nii.gz",), (1,))
    assert regions.name == ("left_amygdala",)
    assert regions.n_all.tolist() == [144]
    np.testing.assert_array_equal(dense(regions), [values[mask] > 0])


def test_a_region_of_interest_covers_what_a_mask_of_the_same_file_does(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    affine = np.array([[0.9, 0.2, 0, -3], [-0.2, 0.9, 0.1, 1.3], [0, -0.1, 1.1, 2], [0, 0, 0, 1]])
    image = write(tmp_path / "m.nii", rng.integers(0, 2, (15, 16, 17), np.uint8), affine)
    inside, _ = load_mask(image, GRID)
    everywhere = VolumeDomain(GRID, np.arange(np.prod(SHAPE)))
    regions, resampled = load_roi(image, everywhere)
    assert resampled
    np.testing.assert_array_equal(dense(regions)[0], inside.ravel())
    assert regions.n_all[0] > inside.sum()


def test_a_region_of_interest_beside_the_grid_is_an_error(
    domain: VolumeDomain, tmp_path: Path
) -> None:
    affine = AFFINE.copy()
    affine[:3, 3] = 1000
    image = write(tmp_path / "far.nii", np.ones(SHAPE, np.uint8), affine)
    with pytest.raises(InputError, match=r"far.nii has no voxel above 0 on the grid of the maps"):
        load_roi(image, domain)
    empty = write(tmp_path / "empty.nii", np.zeros(SHAPE, np.uint8))
    with pytest.raises(InputError, match=r"empty.nii has no voxel above 0 on the grid"):
        load_roi(empty, domain)


def test_regions_come_back_as_they_were_saved(
    labels: NDArray[np.int32], domain: VolumeDomain, tmp_path: Path
) -> None:
    atlas, _ = load_atlas(write(tmp_path / "a.nii", labels), None, name="Ä b", domain=domain)
    roi, _ = load_roi(write(tmp_path / "roi.nii", (labels > 3).astype(np.uint8)), domain)
    regions = join_regions([atlas, roi], domain.n_features)
    back = load_regions(save_regions(regions, tmp_path / "new" / "regions.npz"))
    assert back.atlas == ("Ä b", "Ä b", "Ä b", "roi.nii")
    assert (back.index, back.name) == ((3, 17, 40000, 1), (*atlas.name, "roi"))
    assert back.members.dtype == bool
    np.testing.assert_array_equal(dense(back), np.concatenate([dense(atlas), dense(roi)]))
    np.testing.assert_array_equal(back.n_all, [*atlas.n_all, *roi.n_all])
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["regions.npz"]


def test_regions_of_different_features_cannot_be_joined() -> None:
    one, other = (
        Regions(sparse.csr_array((1, n), dtype=bool), ("a",), (1,), ("a",), np.zeros(1, np.int64))
        for n in (3, 4)
    )
    with pytest.raises(ValueError, match=r"regions are of \[3, 4\] features, expected 3"):
        join_regions([one, other], 3)


def test_there_may_be_no_regions(tmp_path: Path) -> None:
    none = load_regions(save_regions(join_regions([], 5), tmp_path / "regions.npz"))
    assert none.members.shape == (0, 5)
    assert (none.name, none.atlas, none.index) == ((), (), ())
    assert none.n_all.shape == (0,)


def test_a_region_of_interest_is_called_by_its_name_alone(domain: VolumeDomain) -> None:
    none = sparse.csr_array((3, domain.n_features), dtype=bool)
    sources = ("Lobes", "acc_mask.nii.gz", "left.nii")
    names = ("frontal", "acc", "left")
    regions = Regions(none, sources, (1, 1, 1), names, np.ones(3, np.int64))
    assert [regions.title(k) for k in range(3)] == ["Lobes: frontal", "acc", "left"]
    of_one = Regions(none[:1], sources[:1], (1,), names[:1], np.ones(1, np.int64))
    assert of_one.title(0) == "frontal"
