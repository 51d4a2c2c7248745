"""The sentences about a result are true of it, and what is odd is said."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
import pytest

from bids_ari.report import find, headline, warnings
from bids_ari.report.words import beyond, chosen, p_value, position, proportion, share, signed
from tests.report.brute_force import activation, quarters
from tests.report.conftest import Writer

IN = [(f"sub-{i:02d}", "yes", "n/a", "0") for i in range(1, 21)]


def test_an_ordinary_result_has_no_warning(tmp_path: Path, write_dataset: Writer) -> None:
    write_dataset()
    assert warnings(find(tmp_path)[0]) == []


def test_the_headline_tells_bounds_as_bounds(tmp_path: Path, write_dataset: Writer) -> None:
    write_dataset()
    result = find(tmp_path)[0]
    largest = result.heights[0].clusters[0]
    text = headline(result)
    assert text.startswith("facesVsShapes: at least ")
    assert f"at least {result.discoveries} of 29,398 voxels in the mask are active" in text
    assert "with 95 % confidence" in text
    assert (
        f"in cluster 1 (positive) at least {largest.discoveries} of {largest.voxels} voxels are "
        "active" in text
    )
    assert "At |z| > 3.1, 3 of 24 clusters have at least one discovery" in text
    assert text.isascii()
    assert text.count(">= ") == 2


def test_nothing_found_is_said_as_a_result(tmp_path: Path, write_dataset: Writer) -> None:
    write_dataset(strength=0)
    result = find(tmp_path)[0]
    assert "nothing found: with 95 % confidence, none of the 29,398 voxels" in headline(result)
    assert warnings(result)[0].startswith("No discovery")
    assert "does not show that nothing is active" in warnings(result)[0]


def test_no_cluster_at_a_high_threshold_is_said(tmp_path: Path, write_dataset: Writer) -> None:
    write_dataset(thresholds=(30,))
    assert "No voxel has |z| > 30, so there is no cluster there." in headline(find(tmp_path)[0])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"n_maps": 8}, "Only 8 maps entered the model"),
        (
            {"participants": [*IN, ("sub-21", "no", "no map", "n/a")]},
            "1 participant is not in the analysis: sub-21 (no map).",
        ),
        (
            {
                "participants": [
                    *IN,
                    ("sub-21", "no", "n/a in age", "n/a"),
                    ("sub-22", "no", "not in participants.tsv", "n/a"),
                ]
            },
            (
                "2 participants are not in the analysis: sub-21 (n/a in age), sub-22 (not in "
                "participants.tsv)."
            ),
        ),
        (
            {"regressors": ["intercept", *"abcdefghij"]},
            (
                "Only 9 degrees of freedom are left by 11 regressors and 20 maps; with fewer than "
                "10 the variance is not well known"
            ),
        ),
        (
            {"model": {"Estimator": "mixed"}, "t_sidecar": {"UntestableFeatures": 1}},
            "1 voxel could not be tested, as too few maps have a value and a variance there",
        ),
        (
            {"participants": [*IN[1:], ("sub-01", "yes", "n/a", "1234")]},
            (
                "1 map lacks values inside the mask, most of all sub-01 (1,234 voxels); missing "
                "values count as 0 before smoothing."
            ),
        ),
        ({"t_sidecar": {"FeaturesWithoutVariance": 17}}, "17 voxels have no variance"),
        ({"mask_sidecar": {"VolumeMm3": 4000.0}}, "The mask is small for a whole brain (4,000 mm"),
        ({"mask_sidecar": {"VolumeMm3": 4e6}}, "The mask is large for a brain (4,000 cm"),
        ({"mask_sidecar": {"LostFeatures": 602}}, "602 voxels (2 % of the mask asked for"),
    ],
    ids=[
        *("few maps", "out", "out for two reasons", "few degrees of freedom", "untestable"),
        *("missing", "flat", "small mask", "large mask", "lost"),
    ],
)
def test_what_is_odd_is_said_once(
    tmp_path: Path, write_dataset: Writer, options: dict[str, Any], expected: str
) -> None:
    write_dataset(**options)
    found = warnings(find(tmp_path)[0])
    assert len(found) == 1
    assert found[0].startswith(expected)
    assert found[0].endswith(".")


def test_fixed_effects_need_no_degrees_of_freedom(tmp_path: Path, write_dataset: Writer) -> None:
    write_dataset(regressors=["intercept", *"abcdefghij"], model={"Estimator": "fixed"})
    assert warnings(find(tmp_path)[0]) == []


def test_a_statistic_cut_off_at_its_largest_value_is_noticed(
    tmp_path: Path, write_dataset: Writer, brain: nb.Nifti1Image
) -> None:
    z = np.clip(activation(np.asarray(brain.dataobj) > 0, 7.0), -4, 4)
    write_dataset(z=z)
    assert any("share the largest |z| of 4.00" in text for text in warnings(find(tmp_path)[0]))


def test_holes_in_the_z_map_are_noticed(
    tmp_path: Path, write_dataset: Writer, brain: nb.Nifti1Image
) -> None:
    mask = np.asarray(brain.dataobj) > 0
    z = activation(mask, 7.0)
    z[:14] = 0
    stem = write_dataset(z=z)
    found = warnings(find(tmp_path)[0])
    assert len(found) == 1
    assert found[0].startswith(f"{np.count_nonzero(mask[:14]):,} voxels of the mask have z = 0")
    path = tmp_path / "group" / f"{stem}_stat-z_statmap.nii.gz"
    z[30, 30, 30] = np.nan
    nb.Nifti1Image(z.astype(np.float32), brain.affine).to_filename(path)
    assert any("1 voxel of the z map" in text for text in warnings(find(tmp_path)[0]))


def test_what_an_earlier_run_has_left_is_not_mixed_in(
    tmp_path: Path, write_dataset: Writer
) -> None:
    write_dataset(thresholds=(3.1, 4))
    write_dataset(thresholds=(5,))
    result = find(tmp_path)[0]
    assert [threshold.value for threshold in result.heights] == [5]
    assert warnings(result) == [
        (
            "Clusters at |z| > 3.1, |z| > 4 are left from an earlier run and are not shown: the last "
            "run was not asked for them."
        )
    ]


def test_bounds_of_different_runs_are_not_passed_off_as_one(
    tmp_path: Path, write_dataset: Writer
) -> None:
    stem = write_dataset(thresholds=(3.1, 4))
    sidecar = tmp_path / "group" / f"{stem}_stat-tdp_desc-z4_statmap.json"
    content = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps(content | {"Alpha": 0.1, "HommelValue": 29_000}))
    found = warnings(find(tmp_path)[0])
    assert len(found) == 1
    assert "do not agree in Alpha, HommelValue, so that" in found[0]


def test_a_proportion_is_never_rounded_up() -> None:
    assert proportion(798, 1606) == "0.496"  # 0.49689
    assert proportion(9_999, 10_000) == "0.999"
    assert proportion(7, 10) == "0.700"
    assert proportion(10, 10) == "1.000"
    assert proportion(0, 10) == "0"
    assert proportion(1, 235_375) == "0.000004"


def test_numbers_are_written_with_a_real_minus() -> None:
    assert signed(-5.3309) == "\N{MINUS SIGN}5.33"
    assert signed(-0.001) == "0.00"
    assert position((6.875, -24.0625, 54)) == "6.9, \N{MINUS SIGN}24.1, 54.0"
    assert beyond(3.0, "less") == "z < -3"


def test_the_headline_tells_which_clusters_reach_the_usual_tdp(
    tmp_path: Path, write_dataset: Writer
) -> None:
    write_dataset(tdp_thresholds=(0.5, 0.7))
    result = find(tmp_path)[0]
    usual = result.tdp_cuts[1]
    assert headline(result).endswith(
        f" {len(usual.clusters)} clusters reach TDP >= 0.7, the largest with "
        f"{usual.clusters[0].voxels} voxels."
    )


def test_the_headline_tells_the_lowest_tdp_where_the_usual_was_not_asked_for(
    tmp_path: Path, write_dataset: Writer
) -> None:
    write_dataset(alternative="less", tdp_thresholds=(0.6, 1.0))
    result = find(tmp_path)[0]
    (only,) = result.tdp_cuts[0].clusters
    assert headline(result).endswith(
        f" One cluster reaches TDP >= 0.6, with {only.voxels} voxels."
    )


def test_the_headline_says_that_no_cluster_reaches_a_tdp(
    tmp_path: Path, write_dataset: Writer
) -> None:
    stem = write_dataset(tdp_thresholds=(0.7,))
    for kind in ("clusters", "peaks"):
        table = tmp_path / "group" / f"{stem}_desc-tdp0p7_{kind}.tsv"
        table.write_text(table.read_text().splitlines()[0] + "\n")
    sidecar = tmp_path / "group" / f"{stem}_stat-tdp_desc-tdp0p7_statmap.json"
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"NumberOfClusters": 0}))
    assert headline(find(tmp_path)[0]).endswith(" No cluster reaches TDP >= 0.7.")


def test_clusters_by_tdp_that_were_not_asked_for_are_not_mixed_in(
    tmp_path: Path, write_dataset: Writer
) -> None:
    write_dataset(thresholds=(3.1,), auto=True, tdp_thresholds=(0.5, 0.7))
    write_dataset(thresholds=(3.1,), tdp_thresholds=(0.7,))
    result = find(tmp_path)[0]
    assert [cut.label for cut in result.cuts] == ["z3p1", "tdp0p7"]
    (warning,) = warnings(result)
    assert warning.startswith("Clusters at TDP >= 0.5, |z| > ")
    assert "are left from an earlier run" in warning


def test_bounds_of_regions_of_an_earlier_run_are_not_mixed_in(
    tmp_path: Path, write_dataset: Writer, brain: nb.Nifti1Image
) -> None:
    write_dataset(regions=quarters(np.asarray(brain.dataobj) > 0))
    assert warnings(find(tmp_path)[0]) == []
    write_dataset()
    (warning,) = warnings(find(tmp_path)[0])
    assert warning.startswith("Bounds of regions are left from an earlier run")


def test_many_ties_are_noticed(
    tmp_path: Path, write_dataset: Writer, brain: nb.Nifti1Image
) -> None:
    z = activation(np.asarray(brain.dataobj) > 0, 7.0).round(2)
    write_dataset(z=z)
    result = find(tmp_path)[0]
    n_tied = result.inference["TiedFeatures"]
    assert n_tied > 20_000
    assert any(
        text.startswith(f"{n_tied:,} voxels (") and "p-value that another voxel has too" in text
        for text in warnings(result)
    )


@pytest.mark.parametrize(("n_tied", "n_warnings"), [(293, 0), (294, 1)], ids=["few", "many"])
def test_ties_are_told_from_a_hundredth_of_the_mask(
    tmp_path: Path, write_dataset: Writer, n_tied: int, n_warnings: int
) -> None:
    stem = write_dataset()
    sidecar = tmp_path / "group" / f"{stem}_stat-tdp_desc-gradient_statmap.json"
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"TiedFeatures": n_tied}))
    assert len(warnings(find(tmp_path)[0])) == n_warnings


def test_regions_outside_of_the_mask_are_noticed(
    tmp_path: Path, write_dataset: Writer, brain: nb.Nifti1Image
) -> None:
    mask = np.asarray(brain.dataobj) > 0
    (atlas, name, members, n), second, *rest = quarters(mask)
    nothing = np.zeros(mask.shape, bool)
    write_dataset(
        regions=[
            (atlas, name, members, 2 * n + 1),
            (*second[:3], 2 * second[3]),
            *rest,
            *((atlas, f"gone {i}", nothing, 8) for i in range(7)),
        ]
    )
    assert warnings(find(tmp_path)[0]) == [
        (
            "7 regions have no voxel in the mask, so that nothing can be said of them: "
            "gone 0, gone 1, gone 2, gone 3, gone 4 and 2 more."
        ),
        (
            "1 region has less than half of its voxels in the mask; the bounds speak only of "
            f"these: {name}."
        ),
    ]


def test_a_p_value_is_never_rounded_down() -> None:
    assert p_value(Decimal("0.0500001")) == "0.051"
    assert p_value(Decimal("0.05")) == "0.050"
    assert p_value(Decimal("0.0009999")) == "< 0.001"
    assert p_value(Decimal("0.001")) == "0.001"
    assert p_value(Decimal("0.99983")) == "1.000"
    assert p_value(Decimal("6.3e-05")) == "< 0.001"
    assert p_value(None) == "n/a"


def test_a_threshold_chosen_by_the_data_is_never_rounded_up() -> None:
    assert chosen(2.9829435) == 2.982
    assert chosen(2.9999999999999996) == 2.999
    assert chosen(3.5) == 3.5


def test_only_nothing_is_a_share_of_zero() -> None:
    assert share(0, 7) == "0 %"
    assert share(7, 7) == "100 %"
    assert share(0.0004) == "< 0.1 %"
    assert share(0.9996) == "> 99.9 %"
    assert share(0.110212) == "11 %"
    assert share(0, 0) == "0 %"
