"""Reports of runs with permutations: every number on the page is that of the thresholds on disk."""

from pathlib import Path

import nibabel as nb
import numpy as np
import pandas as pd
import pytest

from bids_ari import report
from bids_ari.cli import main
from bids_ari.errors import ExitCode
from bids_ari.report.explorer.gathering import gather
from bids_ari.stats import METHODS, Evidence, min_true_discoveries
from tests.report.html import Page

RUNS = {
    "auto": ["--inference", "auto", "--cluster-threshold", "2", "auto"],
    "shift": ["--inference", "simes", "--shift", "5", "--step-down"],
    "F": [
        *("--inference", "beta", "--formula", "1 + age + C(group)"),
        *("--group-contrast", "any=age, group[patient] - group[control]"),
    ],
}


@pytest.fixture(scope="module", params=RUNS)
def done(
    request: pytest.FixtureRequest, small_group: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("permuted_run")
    (atlas,) = small_group.rglob("*_desc-regions_dseg.nii.gz")
    arguments = [str(small_group), str(folder / "out"), "group", "-w", str(folder / "work")]
    more = ["--nprocs", "1", "--n-permutations", "400", "--atlas", str(atlas)]
    assert main([*arguments, *more, *RUNS[request.param]]) == ExitCode.OK
    return request.param, folder / "out"


def test_every_bound_is_that_of_the_thresholds_that_were_read(done: tuple[str, Path]) -> None:
    name, out = done
    [result] = report.find(out)
    explored = gather(result)
    p_values = explored.p_values
    assert result.permutations is not None
    thresholds = np.array(result.permutations.thresholds)
    assert min_true_discoveries(p_values, thresholds) == result.discoveries
    by_ari = METHODS["ari"](Evidence(p_values), 0.05)
    assert min_true_discoveries(p_values, by_ari) == result.permutations.ari_discoveries
    n_clusters = 0
    for cut in result.cuts:
        labels = explored.domain.values(cut.labels)
        for cluster in cut.clusters:
            inside = p_values[labels == cluster.number]
            assert cluster.beside is not None
            assert min_true_discoveries(inside, thresholds) == cluster.discoveries
            assert min_true_discoveries(inside, by_ari) == cluster.beside.discoveries
            n_clusters += 1
    assert n_clusters > 3
    assert len(result.regions) > 1
    if name == "shift":
        assert thresholds[:5].tolist() == [-1.0] * min(5, thresholds.size)


def test_the_page_and_its_explorer_are_whole(done: tuple[str, Path]) -> None:
    name, out = done
    [result] = report.find(out)
    page = Page(out / f"{result.stem}.html")
    kind = "permutations" if name == "F" else "sign flips"
    assert "The explorer is left out" not in page.text
    assert f"thresholds calibrated on 400 {kind}" in page.text
    assert (out / "figures" / f"{result.stem}_permutations.svg").exists()
    text = (out / "logs" / "CITATION.md").read_text(encoding="utf-8")
    assert "@hemerik2018" in text
    assert "@freedmanlane1983" not in text  # the mean is all that is left of what is tested
    table = pd.read_csv(out / "group" / f"{result.stem}_thresholds.tsv", sep="\t")
    assert len(table) == len(result.permutations.thresholds)  # type: ignore[union-attr]
    mask = np.asarray(nb.Nifti1Image.from_filename(result.mask).dataobj) > 0
    assert f"{mask.sum():,} voxels" in page.text.replace("\xa0", " ")
