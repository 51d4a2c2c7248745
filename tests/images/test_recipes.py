"""Maps of several files, against the fixed effects of nilearn and against plain arithmetic."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nb
import numpy as np
import pytest
from nilearn.glm import compute_fixed_effects
from numpy.typing import NDArray

from bids_ari.errors import InputError
from bids_ari.images import Grid, Recipe, make_map, smooth_block
from tests.conftest import AFFINE, SHAPE

Writer = Callable[[str, NDArray[np.floating]], Path]
Files = tuple[list[Path], list[Path]]
GRID = Grid(SHAPE, AFFINE, 2)
N_RUNS = 3


@pytest.fixture
def effects(rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.normal(2, 1, size=(N_RUNS, *SHAPE)).astype(np.float32)


@pytest.fixture
def variances(rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.uniform(0.1, 4, size=(N_RUNS, *SHAPE)).astype(np.float32)


@pytest.fixture
def write_all(write_image: Writer) -> Callable[..., Files]:
    def write(effects: NDArray[np.floating], variances: NDArray[np.floating]) -> Files:
        return (
            [write_image(f"effect{i}.nii.gz", one) for i, one in enumerate(effects)],
            [write_image(f"variance{i}.nii.gz", one) for i, one in enumerate(variances)],
        )

    return write


def mean(files: Files, *, weighted: bool) -> Recipe:
    maps, variances = (tuple(one) for one in files)
    return Recipe(maps, (1 / len(maps),) * len(maps), variances if weighted else ())


@pytest.mark.parametrize("weighted", [True, False])
def test_a_mean_is_the_fixed_effect_of_nilearn(
    weighted: bool,
    write_all: Callable[..., Files],
    effects: NDArray[np.float32],
    variances: NDArray[np.float32],
) -> None:
    files = write_all(effects, variances)
    made = make_map(mean(files, weighted=weighted), GRID)
    whole = nb.Nifti1Image(np.ones(SHAPE, np.uint8), AFFINE)
    expected = compute_fixed_effects(*files, mask=whole, precision_weighted=weighted)
    np.testing.assert_allclose(made.values, expected[0].get_fdata(), rtol=0, atol=1e-6)
    if weighted:
        assert made.variance is not None
        np.testing.assert_allclose(made.variance, expected[1].get_fdata(), rtol=0, atol=1e-6)
    else:
        assert made.variance is None


def test_a_difference_is_that_of_the_numbers_on_disk(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    # in double precision until the end: single precision would lose all but the first digits
    data = 1000 + rng.normal(size=(2, *SHAPE)) / 1000
    paths = []
    for number, one in enumerate(data):
        paths.append(tmp_path / f"{number}.nii.gz")
        nb.Nifti1Image(one, AFFINE).to_filename(paths[-1])
    made = make_map(Recipe(tuple(paths), (1.0, -1.0)), GRID)
    np.testing.assert_array_equal(made.values, (data[0] - data[1]).astype(np.float32))
    assert made.values.flags.f_contiguous


def test_a_mean_is_over_the_maps_that_have_a_value(
    write_all: Callable[..., Files],
    effects: NDArray[np.float32],
    variances: NDArray[np.float32],
) -> None:
    effects[0, 1, 1, 1], effects[0, 2, 2, 2] = np.nan, 0
    effects[1:, 2, 2, 2] = np.inf, 0
    files = write_all(effects, variances)
    made = make_map(mean(files, weighted=False), GRID)
    assert made.values[1, 1, 1] == pytest.approx(effects[1:, 1, 1, 1].mean())
    assert made.values[2, 2, 2] == 0
    assert np.count_nonzero(made.values == 0) == 1


@pytest.mark.parametrize("fill", [0, -1, np.nan, np.inf])
def test_a_value_without_a_variance_is_no_value(
    fill: float,
    write_all: Callable[..., Files],
    effects: NDArray[np.float32],
    variances: NDArray[np.float32],
) -> None:
    variances[0, 1, 2, 3] = fill
    variances[:, 3, 2, 1] = fill
    made = make_map(mean(write_all(effects, variances), weighted=True), GRID)
    weights = 1 / variances[1:, 1, 2, 3].astype(float)
    expected = (weights * effects[1:, 1, 2, 3]).sum() / weights.sum()
    assert made.values[1, 2, 3] == pytest.approx(expected)
    assert made.variance is not None
    assert made.variance[1, 2, 3] == pytest.approx(1 / weights.sum())
    assert made.values[3, 2, 1] == 0
    assert np.isnan(made.variance[3, 2, 1])
    assert np.count_nonzero(np.isnan(made.variance)) == 1


@pytest.mark.parametrize("weighted", [True, False])
def test_a_difference_is_missing_where_either_side_is(
    weighted: bool,
    write_all: Callable[..., Files],
    effects: NDArray[np.float32],
    variances: NDArray[np.float32],
) -> None:
    effects[0, 1, 1, 1], effects[1, 2, 2, 2] = np.nan, 0
    maps, beside = write_all(effects[:2], variances[:2])
    made = make_map(Recipe(tuple(maps), (1, -1), tuple(beside) if weighted else ()), GRID)
    assert made.values[1, 1, 1] == made.values[2, 2, 2] == 0
    assert np.count_nonzero(made.values == 0) == 2


def test_the_variance_of_a_difference_is_the_sum_and_each_side_is_weighted_by_itself(
    write_all: Callable[..., Files],
    effects: NDArray[np.float32],
    variances: NDArray[np.float32],
) -> None:
    maps, beside = write_all(effects, variances)
    made = make_map(Recipe(tuple(maps), (0.5, 0.5, -1), tuple(beside)), GRID)
    weights = 1 / variances[:2].astype(float)
    pooled = (weights * effects[:2]).sum(axis=0) / weights.sum(axis=0)
    assert made.variance is not None
    np.testing.assert_allclose(made.values, pooled - effects[2], atol=1e-6)
    np.testing.assert_allclose(made.variance, 1 / weights.sum(axis=0) + variances[2], atol=1e-6)


def test_one_map_and_its_variance_are_as_they_stand(
    write_all: Callable[..., Files],
    effects: NDArray[np.float32],
    variances: NDArray[np.float32],
) -> None:
    maps, beside = write_all(effects[:1], variances[:1])
    made = make_map(Recipe((maps[0],), (1.0,), (beside[0],)), GRID)
    np.testing.assert_array_equal(made.values, effects[0])
    np.testing.assert_array_equal(made.variance, variances[0])
    assert make_map(Recipe((maps[0],), (-1.0,)), GRID).values[1, 2, 3] == -effects[0, 1, 2, 3]


def test_maps_with_no_value_in_common_are_named(write_image: Writer) -> None:
    halves = np.zeros((2, *SHAPE))
    halves[0, :3], halves[1, 4:] = 1, 1
    paths = [write_image(f"{name}.nii.gz", one) for name, one in zip("ab", halves, strict=True)]
    with pytest.raises(InputError, match=r"a.nii.gz combined with 1 more has no value: all vox"):
        make_map(Recipe(tuple(paths), (1, -1)), GRID)


def test_a_variance_map_on_another_grid_is_named(write_image: Writer) -> None:
    one = write_image("a.nii.gz", np.ones(SHAPE))
    other = write_image("v.nii.gz", np.ones((9, 8, 7)))
    with pytest.raises(InputError, match=r"v.nii.gz is not on the grid of the other maps"):
        make_map(Recipe((one,), (1.0,), (other,)), GRID)


@pytest.mark.parametrize(
    ("n_maps", "weights", "n_variances", "message"),
    [
        (2, (1.0,), 0, r"a row has 2 maps, 1 weights and 0 variance maps"),
        (2, (1.0, 1.0), 1, r"a row has 2 maps, 2 weights and 1 variance maps"),
        (0, (), 0, r"a row has 0 maps, 0 weights and 0 variance maps"),
        (2, (1.0, 0.0), 0, r"weights \(1.0, 0.0\), expected numbers other than 0"),
        (1, (np.nan,), 0, r"weights \(nan,\), expected numbers other than 0"),
    ],
)
def test_what_is_no_recipe(
    n_maps: int, weights: tuple[float, ...], n_variances: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Recipe((Path("a"),) * n_maps, weights, (Path("v"),) * n_variances)


@pytest.mark.parametrize("masked", [True, False])
def test_files_are_combined_before_they_are_smoothed(
    masked: bool,
    write_all: Callable[..., Files],
    write_image: Writer,
    effects: NDArray[np.float32],
    variances: NDArray[np.float32],
) -> None:
    effects[:, 0, 0, :] = 0
    recipe = mean(write_all(effects, variances), weighted=True)
    by_hand = write_image("by_hand.nii.gz", make_map(recipe, GRID).values)
    mask = np.ones(SHAPE, bool) if masked else None
    one, other = (
        smooth_block([row], GRID, fwhm=5, mask=mask, max_missing=0) for row in (recipe, by_hand)
    )
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.has_value, other.has_value)
    assert one.variances is None


@pytest.mark.parametrize("masked", [True, False])
def test_a_block_of_variances_has_the_rows_and_columns_of_the_values(
    masked: bool,
    write_all: Callable[..., Files],
    effects: NDArray[np.float32],
    variances: NDArray[np.float32],
) -> None:
    variances[1, 4, 4, 4] = 0
    maps, beside = write_all(effects, variances)
    rows = [Recipe((one,), (1.0,), (v,)) for one, v in zip(maps, beside, strict=True)]
    mask = np.ones(SHAPE, bool)
    mask[0] = False
    block = smooth_block(
        rows, GRID, mask=mask if masked else None, max_missing=1, keep_variances=True
    )
    kept = mask if masked else np.ones(SHAPE, bool)
    assert block.variances is not None
    variances[1, 4, 4, 4] = np.nan
    np.testing.assert_array_equal(block.variances, variances[:, kept])
    assert (
        np.argwhere(~block.has_value).tolist() == np.argwhere(np.isnan(block.variances)).tolist()
    )
    assert (~block.has_value).sum() == 1


def test_variances_that_cannot_be_kept(write_image: Writer) -> None:
    one = write_image("a.nii.gz", np.ones(SHAPE))
    row = Recipe((one,), (1.0,), (one,))
    with pytest.raises(ValueError, match=r"variance of smoothed maps is not known \(kernel of 5"):
        smooth_block([row], GRID, fwhm=5, keep_variances=True)
    with pytest.raises(ValueError, match=r"a.nii.gz has no variance map"):
        smooth_block([row, one], GRID, keep_variances=True)
