"""
Real studies, and numbers that other programs computed from them.

The data are not part of the project (see ``tests/real_data.py``).
"""

import json
import warnings
from pathlib import Path
from typing import NamedTuple

import nibabel as nb
import numpy as np
import pandas as pd
import pytest
from nilearn.glm.second_level import SecondLevelModel

from bids_ari.cli import main
from tests.real_data import DATA, need

pytestmark = pytest.mark.real_data

STEM = "task-emotionregulation_space-MNI152Lin_model-oneSample_contrast-reappraiseNegVsLookNeg"


class Expected(NamedTuple):
    """Clusters with discoveries at z > 3, 4, 5: (voxels, discoveries)."""

    hommel_value: int
    discoveries: int
    clusters: dict[str, list[tuple[int, int]]]


EMOTIONREG = {
    8: Expected(
        34212,
        1464,
        {
            "z3": [(1606, 798), (478, 106)],
            "z4": [(440, 419), (96, 75)],
            "z5": [(18, 18), (15, 15)],
        },
    ),
    6: Expected(
        34333,
        1343,
        {"z3": [(1519, 740), (453, 94)], "z4": [(417, 396), (89, 68)], "z5": [(22, 22), (15, 15)]},
    ),
}


@pytest.fixture(scope="module", params=EMOTIONREG)
def emotionreg(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[int, Path]:
    dataset = need(DATA / "emotionreg")
    folder = tmp_path_factory.mktemp(f"emotionreg{request.param}")
    mask = dataset / "sourcedata/canlab_reference/space-MNI152Lin_desc-canlabBrain_mask.nii.gz"
    options = "--nprocs 1 --alternative greater --connectivity 6 --cluster-threshold 3 4 5"
    arguments = [str(dataset), str(folder / "out"), "group", "-w", str(folder / "work")]
    arguments += ["--mask", str(mask), "--smoothing-fwhm", str(request.param)]
    code = main([*arguments, *options.split()])
    assert code == 0
    return request.param, folder / "out" / "group"


def test_emotionreg_has_the_reference_numbers(emotionreg: tuple[int, Path]) -> None:
    fwhm, group = emotionreg
    expected = EMOTIONREG[fwhm]
    for desc, clusters in expected.clusters.items():
        sidecar = json.loads((group / f"{STEM}_desc-{desc}_clusters.json").read_text())
        assert sidecar["NumberOfFeatures"] == 35676
        assert sidecar["HommelValue"] == expected.hommel_value
        assert sidecar["Discoveries"] == expected.discoveries
        table = pd.read_csv(group / f"{STEM}_desc-{desc}_clusters.tsv", sep="\t")
        found = table[table["discoveries"] > 0]
        assert list(zip(found["voxels"], found["discoveries"], strict=True)) == clusters


def test_emotionreg_has_its_peak(emotionreg: tuple[int, Path]) -> None:
    fwhm, group = emotionreg
    first = pd.read_csv(group / f"{STEM}_desc-z3_clusters.tsv", sep="\t").iloc[0]
    assert first[["x", "y", "z"]].tolist() == [6.875, 24.0625, 54]
    if fwhm == 8:
        assert first["peak_stat"] == pytest.approx(5.3309, abs=5e-5)
        assert first["tdp"] == 798 / 1606


def test_z_is_that_of_nilearn_at_every_voxel_of_real_data(emotionreg: tuple[int, Path]) -> None:
    fwhm, group = emotionreg
    mask_img = nb.Nifti1Image.from_filename(group / f"{STEM}_desc-analysis_mask.nii.gz")
    maps = sorted(str(path) for path in (DATA / "emotionreg").glob("sub-*/*effect_statmap.nii.gz"))
    design = pd.DataFrame({"intercept": np.ones(len(maps))})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nilearn's, about values that are missing
        model = SecondLevelModel(mask_img=mask_img, smoothing_fwhm=fwhm)
        expected = model.fit(maps, design_matrix=design).compute_contrast(output_type="z_score")
    found = nb.Nifti1Image.from_filename(group / f"{STEM}_stat-z_statmap.nii.gz")
    np.testing.assert_allclose(found.get_fdata(), expected.get_fdata(), rtol=0, atol=2e-6)


def test_missing_values_of_real_maps_are_counted(emotionreg: tuple[int, Path]) -> None:
    _, group = emotionreg
    table = pd.read_csv(group.parent / "logs" / f"{STEM}_inclusion.tsv", sep="\t")
    mask = (
        nb.Nifti1Image.from_filename(group / f"{STEM}_desc-analysis_mask.nii.gz").get_fdata() > 0
    )
    for row, path in zip(
        table.itertuples(),
        sorted((DATA / "emotionreg").glob("sub-*/*effect_statmap.nii.gz")),
        strict=True,
    ):
        data = nb.Nifti1Image.from_filename(path).get_fdata()[mask]
        assert row.missing_voxels == np.count_nonzero(~np.isfinite(data) | (data == 0))
