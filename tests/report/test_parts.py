"""What clusters fall apart into, below their rows in the tables."""

import re
from pathlib import Path

import nibabel as nb
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from bids_ari import report
from bids_ari.report import parts as module
from bids_ari.report.explorer.gathering import gather
from bids_ari.report.parts import parts_of
from tests.report.brute_force import NEIGHBOURS, bound, hommel
from tests.report.conftest import Writer, write_analysis
from tests.report.html import Page


def two_hills(brain: nb.Nifti1Image) -> NDArray[np.float64]:
    """Return a map with one cluster beyond 3.1 that holds two strong hills, and weak noise."""
    mask = np.asarray(brain.dataobj) > 0
    rng = np.random.default_rng(5)
    z = np.where(mask, 0.3 * rng.normal(size=mask.shape), 0)
    i, j, k = np.indices(mask.shape)
    for center, height in ((14, 9.0), (26, 7.5)):
        away = np.sqrt((i - center) ** 2 + (j - 28) ** 2 + (k - 22) ** 2)
        z = np.where(mask, np.maximum(z, height * np.exp(-((away / 7) ** 2))), 0)
    ridge = (np.abs(j - 28) < 2) & (np.abs(k - 22) < 2) & (i > 12) & (i < 28)
    return np.where(mask & ridge, np.maximum(z, 3.6), z)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, brain: nb.Nifti1Image) -> Path:
    root = tmp_path_factory.mktemp("parts")
    write_analysis(root, brain, space="T1w", z=two_hills(brain), tdp_thresholds=(0.5,))
    report.write(root)
    return root


def test_parts_are_clusters_with_their_bounds(dataset: Path, brain: nb.Nifti1Image) -> None:
    [result] = report.find(dataset)
    found = parts_of(result.heights[0], gather(result))
    assert set(found) == {1}
    parts = found[1]
    assert parts.complete
    assert [part.path for part in parts.shown] == [(1,), (2,)]
    z = np.asarray(nb.Nifti1Image.from_filename(result.maps["z"]).dataobj).astype(np.float64)
    p = np.asarray(nb.Nifti1Image.from_filename(result.maps["p"]).dataobj)
    mask = np.asarray(brain.dataobj) > 0
    h = hommel(p[mask])
    for part in parts.shown:
        # just below where it is born, a threshold yields this very cluster
        labels, _ = ndimage.label(z > np.nextafter(part.born, 0), NEIGHBOURS)
        place = np.rint(np.linalg.inv(brain.affine) @ [*part.position, 1])[:3].astype(int)
        members = labels == labels[tuple(place)]
        assert members.sum() == part.voxels
        assert bound(p[members], h) == part.discoveries > 0
        assert z[tuple(place)] == z[members].max() == part.peak
    assert [round(part.peak) for part in parts.shown] == [9, 8]


def test_parts_are_split_until_all_of_them_is_active_or_there_are_many(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [result] = report.find(dataset)
    explored = gather(result)
    for cut in result.cuts:
        for parts in parts_of(cut, explored).values():
            for part in parts.shown:
                below = [one for one in parts.shown if one.path[:-1] == part.path]
                assert len(below) != 1
                assert sum(one.voxels for one in below) < part.voxels
                assert not (below and part.discoveries == part.voxels)
    monkeypatch.setattr(module, "_MOST", 1)
    first = parts_of(result.heights[0], explored)[1]
    assert len(first.shown) == 1
    assert first.shown[0].path == (1,)


def test_what_is_inside_of_a_cluster_is_folded_below_it(dataset: Path) -> None:
    page = Page(next(dataset.glob("*facesVsShapes.html")))
    [result] = report.find(dataset)
    clusters = page.source[page.source.index('id="clusters"') : page.source.index('id="numbers"')]
    inside = re.findall(r'<tr class="inside">.*?</details>\s*</td></tr>', clusters, re.DOTALL)
    peaks = len(result.heights[0].clusters[0].more_peaks)
    assert (
        f"<summary>Inside cluster 1: {peaks} more peak{'s' * (peaks > 1)}, falls apart into 2 parts "
        "with discoveries</summary>"
    ) in inside[0]
    assert "<details open" not in clusters
    assert re.findall(r'<th scope="row"[^>]*>([\d.]+)</th>', inside[0]) == [
        "1.1",
        "1.2",
    ]
    columns = len(re.findall(r"<th scope=\"col\"", clusters.partition("</thead>")[0]))
    assert f'colspan="{columns}"' in inside[0]


def test_without_the_forest_the_peaks_are_there(tmp_path: Path, write_dataset: Writer) -> None:
    stem = write_dataset(space="T1w")
    (tmp_path / "group" / f"{stem}_stat-p_statmap.nii.gz").unlink()
    text = Page(report.write(tmp_path)[0]).text
    assert "The explorer is left out" in text
    assert "The next peaks of cluster 1" in text
    assert "falls apart" not in text


def test_a_cluster_in_one_piece_has_nothing_to_unfold(
    tmp_path: Path, brain: nb.Nifti1Image
) -> None:
    mask = np.asarray(brain.dataobj) > 0
    i, j, k = np.indices(mask.shape)
    away = np.sqrt((i - 20) ** 2 + (j - 28) ** 2 + (k - 22) ** 2)
    z = np.where(mask, 9 * np.exp(-((away / 6) ** 2)) + 0.02 * i + 0.003 * j, 0)
    write_analysis(tmp_path, brain, space="T1w", z=z)
    assert "falls apart" not in Page(report.write(tmp_path)[0]).text
