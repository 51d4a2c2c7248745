"""The sentences about a result are true of it, and what is odd is said."""

import json
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
import pytest

from bids_ari.report import find, headline, warnings
from bids_ari.report.words import beyond, position, proportion, signed
from tests.report.conftest import Writer, activation

IN = [(f"sub-{i:02d}", "yes", "n/a", "0") for i in range(1, 21)]


def test_an_ordinary_result_has_no_warning(tmp_path: Path, write_dataset: Writer) -> None:
    write_dataset()
    assert warnings(find(tmp_path)[0]) == []


def test_the_headline_tells_bounds_as_bounds(tmp_path: Path, write_dataset: Writer) -> None:
    write_dataset()
    result = find(tmp_path)[0]
    largest = result.thresholds[0].clusters[0]
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
    ids=["few maps", "out", "missing", "flat", "small mask", "large mask", "lost"],
)
def test_what_is_odd_is_said_once(
    tmp_path: Path, write_dataset: Writer, options: dict[str, Any], expected: str
) -> None:
    write_dataset(**options)
    found = warnings(find(tmp_path)[0])
    assert len(found) == 1
    assert found[0].startswith(expected)
    assert found[0].endswith(".")


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
    assert [threshold.value for threshold in result.thresholds] == [5]
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
