"""The simulated group: what it claims to be true is true, and files say what arrays say."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from bids_ari.errors import ExitCode, InputError
from bids_ari.simulate import comparison
from bids_ari.simulate.__main__ import main
from bids_ari.simulate.comparison import Claim, compare, describe
from bids_ari.simulate.dataset import FLAVOURS, SPACE, Simulation, brain_mask, write_dataset
from bids_ari.simulate.group import AGE_CENTRE, BETWEEN_SD, GROUPS, WITHIN_SD, simulate_group
from bids_ari.simulate.truth import REGIONS, Region, simulate_truth, smoothed_truth

SHAPE = (17, 18, 19)
MASK = np.pad(np.ones((13, 14, 15), bool), 2)
AFFINE = nb.affines.from_matvec(np.diag([-3.0, 3.0, 4.0]), [20, -30, -10])
SMALL = (Region(10.0, 1.5, group_difference=2.0), Region(8.0, -1.0, age_slope=0.1))

COARSE = Simulation(subjects=3, voxel_size=8)
"""A brain of a few thousand voxels."""


@pytest.fixture(scope="module")
def many() -> Any:
    return simulate_group(MASK, AFFINE, 400, regions=SMALL, smoothness=4.0, seed=7)


def by_regression(group: Any) -> NDArray[np.float64]:
    """Estimate mean, group difference and age slope at each voxel: (3, n_features)."""
    design = np.array(
        [[1.0, GROUPS.index(p.group) - 0.5, p.age - AGE_CENTRE] for p in group.participants]
    )
    estimates: NDArray[np.float64] = np.linalg.lstsq(design, group.effects.astype(np.float64))[0]
    return estimates


def test_a_regression_recovers_the_true_effects(many: Any) -> None:
    estimates = by_regression(many)
    truth = many.truth
    half_widths = (5 / np.sqrt(400), 10 / np.sqrt(400), 5 / np.sqrt(400) / (20 / np.sqrt(3)))
    true_maps = (truth.mean_effect, truth.group_difference, truth.age_slope)
    for estimate, true, half_width in zip(estimates, true_maps, half_widths, strict=True):
        # five standard errors and some, at each of 2,730 voxels
        np.testing.assert_allclose(estimate, true[MASK], atol=1.3 * half_width)
        assert np.count_nonzero(true) > 25
        slope = np.polyfit(true[MASK], estimate, 1)[0]
        assert slope == pytest.approx(1, abs=0.15)


def test_the_effect_of_a_subject_follows_from_group_and_age() -> None:
    group = simulate_group(MASK, AFFINE, 5, regions=SMALL, seed=7)
    noise = simulate_group(MASK, AFFINE, 5, regions=(), seed=7).effects
    truth = group.truth
    for row, participant in enumerate(group.participants):
        sign = {"control": -1, "patient": 1}[participant.group]
        expected = truth.mean_effect + sign / 2 * truth.group_difference
        expected = expected + (participant.age - 40) * truth.age_slope
        np.testing.assert_allclose(group.effects[row] - noise[row], expected[MASK], atol=1e-5)


def test_outside_of_the_regions_nothing_is_expected_of_any_subject(many: Any) -> None:
    truth = many.truth
    np.testing.assert_array_equal(truth.mean_effect != 0, truth.labels != 0)
    assert not truth.group_difference[truth.labels == 0].any()
    assert not truth.age_slope[truth.labels == 0].any()
    assert not truth.labels[~MASK].any()


def test_labels_carry_number_and_sign_of_the_regions(many: Any) -> None:
    truth = many.truth
    assert set(np.unique(truth.labels)) == {0, 1, -2}
    for label, region in zip((1, -2), SMALL, strict=True):
        inside = truth.labels == label
        effects = truth.mean_effect[inside] / region.effect
        assert effects.min() >= 0.5
        assert effects.max() == pytest.approx(1)
        # as large as a ball, or somewhat cut by the edge of the brain
        volume = 4 / 3 * np.pi * region.radius**3
        assert 0.3 * volume < np.count_nonzero(inside) * 36 < 1.2 * volume
        assert ndimage.label(inside, np.ones((3, 3, 3)))[1] == 1


def test_the_noise_has_the_variance_it_claims(many: Any) -> None:
    background = many.truth.labels[MASK] == 0
    effects, variances = many.effects[:, background], many.variances[:, background]
    assert variances.mean() == pytest.approx(WITHIN_SD**2, rel=0.1)
    assert variances.std() > 0.1 * variances.mean()
    expected = BETWEEN_SD**2 + variances.mean(axis=0)
    assert (effects.var(axis=0) / expected).mean() == pytest.approx(1, abs=0.03)
    # maps with a larger variance are noisier
    noisy = np.median(variances, axis=1)
    excess = effects.var(axis=1) - BETWEEN_SD**2
    assert np.polyfit(noisy, excess, 1)[0] == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("fwhm", [0.0, 6.0, 12.0])
def test_the_noise_is_as_smooth_as_asked(fwhm: float) -> None:
    mask = np.ones((27, 28, 29), bool)
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    group = simulate_group(mask, affine, 20, regions=(), smoothness=fwhm)
    noise = group.effects.reshape(-1, *mask.shape)
    for axis, size in enumerate((2.0, 3.0, 4.0), start=1):
        pair = [np.take(noise, range(i, noise.shape[axis] - 1 + i), axis) for i in (0, 1)]
        correlation = np.corrcoef(pair[0].ravel(), pair[1].ravel())[0, 1]
        # a Gaussian kernel of width w gives a correlation exp(-2 ln2 d^2 / w^2) at distance d
        expected = np.exp(-2 * np.log(2) * (size / fwhm) ** 2) if fwhm else 0
        assert correlation == pytest.approx(expected, abs=0.04)
        # no less noise at the faces of the volume
        face = noise.take(0, axis).var(axis=0).mean()
        assert face == pytest.approx(noise.var(axis=0).mean(), rel=0.1)


def test_half_of_the_subjects_are_patients_of_all_ages(many: Any) -> None:
    ages = np.array([p.age for p in many.participants])
    assert [p.group for p in many.participants] == [*GROUPS] * 200
    assert 20 <= ages.min() < 25
    assert 55 < ages.max() <= 60
    assert ages.mean() == pytest.approx(AGE_CENTRE, abs=2)


def test_a_subject_does_not_depend_on_how_many_follow() -> None:
    few, more = (simulate_group(MASK, AFFINE, n, regions=SMALL, seed=3) for n in (2, 5))
    np.testing.assert_array_equal(few.effects, more.effects[:2])
    np.testing.assert_array_equal(few.variances, more.variances[:2])
    assert few.participants == more.participants[:2]
    assert not np.array_equal(more.effects[0], more.effects[2])


@pytest.mark.parametrize("change", [{"seed": 4}, {"contrast": "other"}])
def test_seed_and_contrast_change_places_and_noise(change: dict[str, Any]) -> None:
    settings: dict[str, Any] = {"seed": 3, "contrast": "this"}
    one, other = (
        simulate_group(MASK, AFFINE, 2, regions=SMALL, **which)
        for which in (settings, {**settings, **change})
    )
    assert not np.array_equal(one.truth.labels, other.truth.labels)
    background = (one.truth.labels == 0)[MASK] & (other.truth.labels == 0)[MASK]
    pair = one.effects[:, background].ravel(), other.effects[:, background].ravel()
    assert abs(np.corrcoef(*pair)[0, 1]) < 0.15
    assert (one.participants == other.participants) is ("contrast" in change)


def test_the_regions_of_every_seed_fit_into_the_brain() -> None:
    mask, affine = brain_mask(6)
    for seed in range(20):
        labels = simulate_truth(mask, affine, seed=seed).labels
        assert set(np.abs(labels[labels != 0])) == set(range(1, len(REGIONS) + 1))
        # they do not touch: as many clusters as regions
        assert ndimage.label(labels, np.ones((3, 3, 3)))[1] == len(REGIONS)


def test_a_region_without_room_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"no room in the mask for a region of 60 mm"):
        simulate_truth(MASK, AFFINE, regions=[Region(60.0, 1.0)])


@pytest.mark.parametrize("region", [Region(5.0, 0.0, group_difference=1.0), Region(0.0, 1.0)])
def test_a_region_without_effect_or_size_is_an_error(region: Region) -> None:
    with pytest.raises(ValueError, match=r"a region needs a radius and a mean effect, found"):
        simulate_truth(MASK, AFFINE, regions=[region])


def test_smoothing_spreads_the_truth_as_far_as_its_kernel_reaches() -> None:
    effect = np.zeros(SHAPE)
    effect[8, 9, 10] = -0.1
    fwhm = 8.0
    everywhere = np.ones(SHAPE, bool)
    found = smoothed_truth(effect, everywhere, AFFINE, fwhm)
    reach = np.round(4 * fwhm / np.sqrt(8 * np.log(2)) / np.array([3, 3, 4])).astype(int)
    expected = np.zeros(SHAPE, np.int8)
    around = (slice(c - r, c + r + 1) for c, r in zip((8, 9, 10), reach, strict=True))
    expected[tuple(around)] = -1
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(smoothed_truth(effect, MASK, AFFINE, fwhm), expected * MASK)


def test_without_smoothing_the_truth_stays() -> None:
    truth = simulate_truth(MASK, AFFINE, regions=SMALL)
    found = smoothed_truth(truth.mean_effect, MASK, AFFINE, 0.0)
    np.testing.assert_array_equal(found, np.sign(truth.labels))


def test_the_truth_covers_every_voxel_to_which_nilearn_spreads_effects() -> None:
    from nilearn.image import smooth_img

    truth = simulate_truth(MASK, AFFINE, regions=SMALL)
    smooth = smooth_img(nb.Nifti1Image(truth.mean_effect, AFFINE), 5.0).get_fdata()
    found = smoothed_truth(truth.mean_effect, np.ones(SHAPE, bool), AFFINE, 5.0)
    np.testing.assert_array_equal(np.sign(smooth), found)
    assert np.count_nonzero(found) > 2 * np.count_nonzero(truth.labels)


def load(path: Path) -> tuple[NDArray[Any], Any]:
    img = nb.Nifti1Image.from_filename(path)
    return np.asanyarray(img.dataobj), img


@pytest.mark.parametrize(
    ("flavour", "folder", "stem"),
    [
        ("fitlins", "node-subjectLevel/sub-{}", "sub-{}_contrast-{}"),
        ("nilearn", "sub-{}", f"sub-{{}}_task-faces_space-{SPACE}_contrast-{{}}"),
    ],
)
def test_files_are_named_as_the_flavour_names_them(
    tmp_path: Path, flavour: str, folder: str, stem: str
) -> None:
    arguments = ["--subjects", "2", "--contrasts", "a", "b2", "--voxel-size", "8"]
    assert main([str(tmp_path / "out"), *arguments, "--flavour", flavour]) == 0
    expected = {
        f"{folder.format(sub)}/{stem.format(sub, contrast)}_stat-{stat}_statmap.nii.gz"
        for sub in ("01", "02")
        for contrast in ("a", "b2")
        for stat in ("effect", "variance")
    }
    found = {str(p.relative_to(tmp_path / "out")) for p in tmp_path.rglob("*_statmap.nii.gz")}
    assert found == expected
    sidecars = {str(p.relative_to(tmp_path / "out")) for p in tmp_path.rglob("statmap.json")}
    expected_sidecars = {"sub-01/statmap.json", "sub-02/statmap.json"}
    assert sidecars == (expected_sidecars if flavour == "nilearn" else set())
    assert not list(tmp_path.rglob("*.part"))


def test_descriptions_are_those_of_the_flavours(tmp_path: Path) -> None:
    found = {}
    for flavour in FLAVOURS:
        write_dataset(tmp_path / flavour, Simulation(subjects=1, voxel_size=10, flavour=flavour))
        path = tmp_path / flavour / "dataset_description.json"
        found[flavour] = json.loads(path.read_text())
    fitlins, nilearn = found["fitlins"], found["nilearn"]
    assert fitlins["PipelineDescription"]["Parameters"]["space"] == SPACE
    assert "DatasetType" not in fitlins
    assert nilearn["DatasetType"] == "derivative"
    assert "Name" not in nilearn


def test_maps_hold_what_the_arrays_hold(tmp_path: Path) -> None:
    n_features = write_dataset(tmp_path / "out", COARSE)
    mask, affine = brain_mask(8)
    group = simulate_group(mask, affine, 3, contrast="facesVsShapes")
    assert n_features == np.count_nonzero(mask)
    for row, sub in enumerate(("01", "02", "03")):
        stem = f"node-subjectLevel/sub-{sub}/sub-{sub}_contrast-facesVsShapes"
        for stat, expected in (("effect", group.effects), ("variance", group.variances)):
            data, img = load(tmp_path / "out" / f"{stem}_stat-{stat}_statmap.nii.gz")
            np.testing.assert_array_equal(data[mask], expected[row])
            assert not data[~mask].any()
            assert data.dtype == np.float32
            np.testing.assert_array_equal(img.affine, affine)
            assert (int(img.header["sform_code"]), int(img.header["qform_code"])) == (4, 4)
            assert img.header.get_xyzt_units()[0] == "mm"
    stem = f"sourcedata/truth/space-{SPACE}_contrast-facesVsShapes"
    truths: tuple[tuple[str, NDArray[Any]], ...] = (
        ("mean_effect", group.truth.mean_effect),
        ("groupDifference_effect", group.truth.group_difference),
        ("ageSlope_effect", group.truth.age_slope),
        ("regions_dseg", group.truth.labels),
    )
    for name, true in truths:
        data, _ = load(tmp_path / "out" / f"{stem}_desc-{name}.nii.gz")
        np.testing.assert_array_equal(data, true)
    names = pd.read_csv(tmp_path / "out" / f"{stem}_desc-regions_dseg.tsv", sep="\t")
    assert set(names["index"]) == set(np.unique(group.truth.labels)) - {0}


def test_participants_are_described(tmp_path: Path) -> None:
    write_dataset(tmp_path / "out", COARSE)
    table = pd.read_csv(tmp_path / "out" / "participants.tsv", sep="\t")
    assert list(table.columns) == ["participant_id", "group", "age"]
    assert list(table["participant_id"]) == ["sub-01", "sub-02", "sub-03"]
    meaning = json.loads((tmp_path / "out" / "participants.json").read_text())
    assert set(table["group"]) == set(meaning["group"]["Levels"])
    assert meaning["age"]["Units"] == "year"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_dataset(tmp_path / name, COARSE)
    found = contents(tmp_path / "a")
    assert found == contents(tmp_path / "b")
    # the time is not in the compressed files: a gzip header has it at bytes 4 to 7
    assert {data[4:8] for name, data in found.items() if name.endswith(".gz")} == {bytes(4)}


def test_the_brain_has_the_size_of_a_brain_at_any_voxel_size() -> None:
    for size in (3, 4.5, 8):
        mask, affine = brain_mask(size)
        assert np.count_nonzero(mask) * size**3 / 1000 == pytest.approx(1885, rel=0.01)  # cm3
        margins = [mask.take(end, axis).any() for axis in range(3) for end in (0, -1)]
        assert not any(margins)
        np.testing.assert_array_equal(affine[:3, 3] % size, 0)
        # the centre of the template's brain
        places = nb.affines.apply_affine(affine, np.argwhere(mask))
        np.testing.assert_allclose(places.mean(axis=0), [0, -22, 9.5], atol=1)


def test_no_effect_at_all_can_be_asked_for(tmp_path: Path) -> None:
    arguments = ["--subjects", "1", "--voxel-size", "10", "--effect-size", "0"]
    assert main([str(tmp_path / "out"), *arguments]) == 0
    (path,) = tmp_path.rglob("*_desc-mean_effect.nii.gz")
    assert not load(path)[0].any()


def test_effects_scale_with_the_effect_size() -> None:
    regions = Simulation(effect_size=0.5).regions
    assert regions[2] == Region(17.0, 0.75, group_difference=0.6)
    assert Simulation().regions == REGIONS


def test_what_was_simulated_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "out"), "--subjects", "2", "--voxel-size", "8"]) == 0
    streams = capsys.readouterr()
    assert re.fullmatch(
        r"simulated 2 subjects, contrast facesVsShapes, \d{4} voxels, as fitlins names them, "
        r"in \S+/out \(\d+\.\d s\)\n",
        streams.out,
    )
    assert not streams.err  # progress is for terminals


def test_a_folder_with_content_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    assert main([str(tmp_path)]) == 73
    expected = f"{tmp_path} is not empty, expected a new or an empty directory"
    assert capsys.readouterr().err == f"python -m bids_ari.simulate: {expected}\n"
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_place_that_cannot_be_written_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main([str(tmp_path / "file" / "out")]) == 73
    assert re.fullmatch(
        r"python -m bids_ari.simulate: cannot write the simulated group: \S+/file\S*: Not a "
        r"directory\n",
        capsys.readouterr().err,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--subjects", "0"], "argument --subjects: 0 is not a whole number between 1 and 100000"),
        (["--subjects", "2.5"], "argument --subjects: 2.5 is not a whole number between"),
        (["--seed", "-1"], "argument --seed: -1 is not a whole number between 0 and"),
        (["--voxel-size", "0.1"], "argument --voxel-size: 0.1 is not a number between 1 and 10"),
        (["--smoothness", "nan"], "argument --smoothness: nan is not a number between 0 and 30"),
        (["--effect-size", "x"], "argument --effect-size: x is not a number between 0 and 100"),
        (["--contrasts", "a-b"], "argument --contrasts: a-b is not a BIDS label"),
        (["--contrasts", "a", "a"], "argument --contrasts: a a are not distinct"),
        (["--flavour", "spm"], "argument --flavour: invalid choice: 'spm'"),
    ],
)
def test_silly_arguments_are_refused(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match=r"^64$"):
        main([str(tmp_path / "out"), *arguments])
    assert f"error: {message}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.fixture
def analysed(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Write a simulated group and an analysis whose clusters are in known places."""

    def write(*, smoothing: float = 0.0, alternative: str = "two-sided") -> tuple[Path, Path]:
        write_dataset(tmp_path / "first", Simulation(subjects=1, voxel_size=8))
        mask, affine = brain_mask(8)
        truth = simulate_truth(mask, affine, contrast="facesVsShapes")
        labels = np.zeros(mask.shape, np.int32)
        labels[truth.labels == 1] = 1
        labels[truth.labels == -2] = 2
        beside = ndimage.binary_dilation(truth.labels == 1) & (truth.labels == 0) & mask
        labels[tuple(np.argwhere(beside)[0])] = 1
        far = ndimage.distance_transform_edt(truth.labels == 0) * mask
        labels[np.unravel_index(np.argmax(far), far.shape)] = 3
        group = tmp_path / "out" / "group"
        group.mkdir(parents=True)
        stem = "model-oneSample_contrast-facesVsShapes_desc-"
        nb.Nifti1Image(labels, affine).to_filename(group / f"{stem}z3p1_dseg.nii.gz")
        analysis = nb.Nifti1Image(mask.astype(np.uint8), affine)
        analysis.to_filename(group / f"{stem}analysis_mask.nii.gz")
        meta = {
            "Model": {"Name": "oneSample", "Regressors": ["intercept"]},
            "SmoothingFWHM": smoothing,
            "Alternative": alternative,
            "ClusterThreshold": 3.1,
            "Alpha": 0.05,
            "Discoveries": 60,
        }
        (group / f"{stem}z3p1_dseg.json").write_text(json.dumps(meta))
        rows = [
            "cluster\tsign\tdiscoveries",
            "1\tpositive\t20",
            "2\tnegative\t3",
            "3\tpositive\t1",
        ]
        (group / f"{stem}z3p1_clusters.tsv").write_text("\n".join(rows) + "\n")
        return tmp_path / "first", tmp_path / "out"

    return write


def test_clusters_are_held_against_the_truth(analysed: Callable[..., Any]) -> None:
    first_level, output = analysed()
    mask, affine = brain_mask(8)
    labels = simulate_truth(mask, affine, contrast="facesVsShapes").labels
    sizes = {number: int(np.count_nonzero(labels == number)) for number in (1, -2)}
    (found,) = compare(first_level, output)
    n_active = int(np.count_nonzero(labels))
    assert found.whole == Claim(int(np.count_nonzero(mask)), 60, n_active, n_active)
    assert found.clusters == {
        (1, "positive"): Claim(sizes[1] + 1, 20, sizes[1], sizes[1]),
        (2, "negative"): Claim(sizes[-2], 3, sizes[-2], sizes[-2]),
        (3, "positive"): Claim(1, 1, 0, 0),
    }
    assert [claim.holds for claim in found.clusters.values()] == [True, True, False]


def test_smoothing_makes_the_neighbours_of_a_region_active(analysed: Callable[..., Any]) -> None:
    first_level, output = analysed(smoothing=8.0)
    (found,) = compare(first_level, output)
    cluster = found.clusters[1, "positive"]
    assert cluster.active == cluster.voxels == cluster.in_regions + 1


@pytest.mark.parametrize(("alternative", "right"), [("greater", 1), ("less", 2)])
def test_a_one_sided_test_has_one_sided_truth(
    analysed: Callable[..., Any], alternative: str, right: int
) -> None:
    (found,) = compare(*analysed(alternative=alternative))
    active = {number: claim.active for (number, _), claim in found.clusters.items()}
    assert active[right] > 0
    assert active[3 - right] == 0


def test_bounds_that_are_too_high_are_pointed_out(
    analysed: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    first_level, output = analysed()
    assert comparison.main([str(first_level), str(output)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "(clusters beyond 3.1, two-sided, smoothed with 0 mm, confidence 0.95)"
    assert re.fullmatch(r" +2  negative +\d+ +>= 0\.\d{3} +1\.000 +1\.000", lines[4])
    assert re.fullmatch(r" +3  positive +1 +>= 1\.000 +0\.000 +0\.000  too high", lines[5])
    assert lines[-2].startswith("1 of 4 bounds are too high")


def test_good_bounds_are_said_to_hold(analysed: Callable[..., Any]) -> None:
    (found,) = compare(*analysed())
    del found.clusters[3, "positive"]
    assert any(line.startswith("all bounds hold") for line in describe([found]))


def test_clusters_of_which_nothing_is_claimed_are_summed_up(
    analysed: Callable[..., Any],
) -> None:
    (found,) = compare(*analysed())
    for number, claim in enumerate((Claim(15, 0, 6, 3), Claim(2, 0, 1, 0)), start=4):
        found.clusters[number, "negative"] = claim
    lines = list(describe([found]))
    expected = "2 more, of 15 voxels at most: 7 of their 17 voxels truly are active"
    assert f"nothing is claimed of {expected}" in lines
    assert sum(line.startswith("      ") for line in lines) == 3


def test_an_output_without_clusters_files_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert comparison.main([str(tmp_path), str(tmp_path / "out")]) == ExitCode.NO_INPUT
    assert f"no group/*_dseg.nii.gz in {tmp_path}/out" in capsys.readouterr().err


def test_an_output_of_something_else_is_named(
    analysed: Callable[..., Any], tmp_path: Path
) -> None:
    _, output = analysed()
    with pytest.raises(InputError, match=r"no sourcedata/truth of contrast facesVsShapes in"):
        next(compare(tmp_path, output))


def test_a_model_whose_truth_is_not_the_mean_is_refused(analysed: Callable[..., Any]) -> None:
    first_level, output = analysed()
    (path,) = output.rglob("*_dseg.json")
    meta = {**json.loads(path.read_text()), "Model": {"Name": "twoSample", "Regressors": ["a"]}}
    path.write_text(json.dumps(meta))
    with pytest.raises(InputError, match=r"is of model twoSample, expected a one-sample model"):
        next(compare(first_level, output))


def test_an_output_on_another_grid_is_named(analysed: Callable[..., Any], tmp_path: Path) -> None:
    _, output = analysed()
    write_dataset(tmp_path / "other", Simulation(subjects=1, voxel_size=9))
    with pytest.raises(InputError, match=r"_desc-mean_effect.nii.gz is not on the grid"):
        next(compare(tmp_path / "other", output))
