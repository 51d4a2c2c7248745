"""
Group models of real studies: a covariate, and maps with variances.

The data are not part of the project (see ``tests/real_data.py``).
"""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from bids_ari.cli import main
from tests.real_data import DATA, need

pytestmark = pytest.mark.real_data

Array = NDArray[np.float64]

COVARIATE = "task-emotionregulation_space-MNI152Lin_model-reappraisalSuccess"
CONTRASTS = {
    "ols_tmap_0001": "contrast-reappraiseNegVsLookNeg",
    "ols_tmap_0002": "contrast-reappraiseNegVsLookNegReappraisalSuccess",
}
"""Maps of another program, and what they are called here: the mean, and the slope."""
PAIN = "task-pain_space-MNI152NLin6Asym_res-2_model-oneSample{}_contrast-pain"
SUBSET = 2000


def values(path: Path) -> Array:
    return np.asarray(nb.Nifti1Image.from_filename(path).get_fdata())


def maps(dataset: Path, stat: str) -> Iterator[Array]:
    for path in sorted(dataset.glob(f"sub-*/*stat-{stat}_statmap.nii.gz")):
        yield values(path)


def run(dataset: Path, folder: Path, mask: Path, options: str) -> Path:
    arguments = [str(dataset), str(folder / "out"), "group", "-w", str(folder / "work")]
    assert main([*arguments, "--nprocs", "1", "--mask", str(mask), *options.split()]) == 0
    return folder / "out"


@pytest.fixture(scope="module")
def emotionreg(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Give the dataset, the mask, and what was written."""
    dataset = need(DATA / "emotionreg")
    reference = dataset / "sourcedata/canlab_reference"
    mask = reference / "space-MNI152Lin_desc-canlabGreyMatter_mask.nii.gz"
    folder = tmp_path_factory.mktemp("emotionreg")
    return dataset, mask, run(dataset, folder, mask, "--covariates reappraisal_success")


def test_t_of_a_covariate_is_that_of_another_program(emotionreg: tuple[Path, Path, Path]) -> None:
    dataset, mask, out = emotionreg
    inside = values(mask) > 0
    data = np.stack([one[inside] for one in maps(dataset, "effect")])
    table = pd.read_csv(dataset / "participants.tsv", sep="\t").sort_values("participant_id")
    covariate = table["reappraisal_success"].to_numpy()
    design = np.column_stack([np.ones(len(data)), covariate - covariate.mean()])
    lacking = np.flatnonzero(~np.isfinite(data).all(axis=0))
    assert len(lacking) == 2
    for column, (name, contrast) in enumerate(CONTRASTS.items()):
        expected = values(mask.with_name(f"{name}.nii.gz"))[inside]
        found = values(out / "group" / f"{COVARIATE}_{contrast}_stat-t_statmap.nii.gz")[inside]
        differ = np.flatnonzero(~(np.abs(found - expected) <= 1e-5))
        assert set(differ) <= set(lacking)
        # there, the other program leaves the map out that has no value, which counts as 0 here
        for voxel in lacking:
            without, zero = data[:, voxel], np.nan_to_num(data[:, voxel])
            used = np.isfinite(without)
            of_others = t_of(without[used], design[used])[column]
            assert expected[voxel] == pytest.approx(of_others, rel=1e-5)
            assert found[voxel] == pytest.approx(t_of(zero, design)[column], rel=1e-5)


def t_of(data: Array, design: Array) -> Array:
    """Least squares of one voxel."""
    coefficients, rss = np.linalg.lstsq(design, data)[:2]
    variance = rss / (len(design) - design.shape[1]) * np.linalg.inv(design.T @ design).diagonal()
    return np.asarray(coefficients / np.sqrt(variance))


def test_the_model_that_was_written_gives_the_same_bytes(
    emotionreg: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    dataset, mask, out = emotionreg
    model, *_ = sorted((out / "logs").glob("*_smdl.json"))
    again = run(dataset, tmp_path, mask, f"--model {model}")
    first, second = (
        {path.name: path.read_bytes() for path in (one / "group").iterdir()}
        for one in (out, again)
    )
    assert sorted(first) == sorted(second)
    assert [name for name, content in first.items() if content != second[name]] == []


@pytest.fixture(scope="module", params=["fixed", "mixed"])
def pain(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, NDArray[np.bool_]]:
    """Give the estimator, what it wrote, and the mask."""
    dataset = need(DATA / "pain21")
    (mask,) = dataset.glob("sourcedata/group_mask/*_mask.nii.gz")
    folder = tmp_path_factory.mktemp(f"pain_{request.param}")
    out = run(dataset, folder, mask, f"--estimator {request.param}")
    return request.param, out / "group", values(mask) > 0


@pytest.fixture(scope="module")
def studies() -> tuple[Array, Array]:
    """Effects and variances in the mask, NaN where a study has none."""
    dataset = need(DATA / "pain21")
    (path,) = dataset.glob("sourcedata/group_mask/*_mask.nii.gz")
    mask = values(path) > 0
    effects, variances = (
        np.stack([one[mask] for one in maps(dataset, stat)]) for stat in ("effect", "variance")
    )
    known = (variances > 0) & np.isfinite(variances) & (effects != 0) & np.isfinite(effects)
    return np.where(known, effects, np.nan), np.where(known, variances, np.nan)


@pytest.fixture(scope="module")
def pymare() -> Any:
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        import pymare  # leaves a file open

        return pymare


def test_maps_with_variances_are_weighted(
    pain: tuple[str, Path, NDArray[np.bool_]], studies: tuple[Array, Array], pymare: Any
) -> None:
    estimator, group, mask = pain
    stem = PAIN.format(estimator.capitalize())
    effects, variances = studies

    def found(stat: str) -> Array:
        return values(group / f"{stem}_stat-{stat}_statmap.nii.gz")[mask]

    if estimator == "fixed":
        weight = np.nansum(1 / variances, axis=0)
        effect = np.nansum(effects / variances, axis=0) / weight
        np.testing.assert_allclose(found("effect"), effect, rtol=1e-6, atol=1e-9)
        expected = effect * np.sqrt(weight)
        np.testing.assert_allclose(found("z"), expected, rtol=2e-6, atol=2e-6)
        assert expected.max() > 20
        return
    complete = np.flatnonzero(np.isfinite(variances).all(axis=0))
    some = complete[:: len(complete) // SUBSET][:SUBSET]
    assert len(some) == SUBSET
    peer = pymare.estimators.DerSimonianLaird(small_sample_correction="knapp-hartung-conservative")
    design = np.ones((len(effects), 1))
    fitted = peer.fit(y=effects[:, some], v=variances[:, some], X=design).params_
    np.testing.assert_allclose(found("tau2")[some], fitted["tau2"], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found("effect")[some], fitted["fe_params"][0], rtol=1e-6, atol=1e-9)
    variance = fitted["inv_cov"][0, 0]
    np.testing.assert_allclose(found("variance")[some], variance, rtol=1e-6)


def test_it_is_said_how_unlike_the_studies_are(
    pain: tuple[str, Path, NDArray[np.bool_]],
    studies: tuple[Array, Array],
) -> None:
    estimator, group, _ = pain
    stem = PAIN.format(estimator.capitalize())
    effects, variances = studies
    spread = np.nanmedian(np.nanstd(np.log(variances), axis=0, ddof=1))
    sidecar = json.loads((group / f"{stem}_stat-t_statmap.json").read_text())
    assert sidecar["VarianceSpread"] == pytest.approx(spread, abs=1e-4)
    assert spread > 1
    # the studies with a spread of hundreds have a table that says so
    table = pd.read_csv(group / f"{stem}_outliers.tsv", sep="\t").set_index("row")
    assert table["spread"].max() > 20 * table["spread"].min()
    far = table.index[table["share_far"] > 0.02]
    assert list(far) == ["sub-08", "sub-09", "sub-10", "sub-15", "sub-16"]
    np.testing.assert_allclose(
        table["spread"], np.nan_to_num(effects).std(axis=1), rtol=1e-6, atol=1e-6
    )
