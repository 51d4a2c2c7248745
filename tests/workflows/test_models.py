"""
Group models through the whole workflow, against other implementations.

The dataset has three blocks of maps, in files that are not made in the order of the table. Designs
of the other implementations are made here from the numbers, not read from what was written.
"""

import json
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nb
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from nilearn.glm.second_level import SecondLevelModel
from nipype.pipeline.engine.utils import load_resultfile
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from bids_ari.cli import main
from bids_ari.interfaces.estimators import ESTIMATORS
from bids_ari.stats import METHODS, Evidence, min_true_discoveries
from bids_ari.workflows import init_ari_wf
from tests.conftest import AFFINE, SHAPE

Array = NDArray[np.float64]

N_SUBJECTS = 37
"""Two whole blocks of maps and a part of one."""
SITES = ("east", "north", "west")
OPTIONS = "--nprocs 1 --cluster-threshold 1 --tdp-threshold 0.5 --min-distance 4"
_DOUBLE = 1e-9
"""Two programs that compute in double precision agree to this."""


class Group(NamedTuple):
    """Subjects in the order of their labels, and their maps as arrays."""

    root: Path
    mask: NDArray[np.bool_]
    table: pd.DataFrame
    effects: Array
    """(n_subjects, n_features) of contrast ``win``."""
    variances: Array
    sessions: dict[str, Array]
    """Effects of contrast ``lose``."""

    @property
    def mask_file(self) -> Path:
        return self.root / "mask.nii.gz"

    def paths(self, stat: str = "effect") -> list[str]:
        return [str(path) for path in sorted(self.root.glob(f"sub-*/*contrast-win_stat-{stat}_*"))]


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Group:
    rng = np.random.default_rng(20240229)
    root = tmp_path_factory.mktemp("group") / "firstlevel"
    root.mkdir()
    mask = np.zeros(SHAPE, bool)
    mask[1:6, 1:7, 1:8] = True
    n_features = np.count_nonzero(mask)
    labels = [f"{number:02d}" for number in range(3, 3 + N_SUBJECTS)]
    table = pd.DataFrame(
        {
            "participant_id": [f"sub-{label}" for label in labels],
            "age": rng.integers(20, 70, N_SUBJECTS) + 0.5,
            "score": rng.normal(100, 15, N_SUBJECTS).round(2),
            "group": rng.permutation(["control", "patient"] * N_SUBJECTS)[:N_SUBJECTS],
            "site": rng.permutation(SITES * N_SUBJECTS)[:N_SUBJECTS],
        }
    )
    table.iloc[rng.permutation(N_SUBJECTS)].to_csv(
        root / "participants.tsv", sep="\t", index=False, lineterminator="\n"
    )
    active = np.where(np.arange(n_features) % 7 < 3, 1.0, 0.0)

    def draw(mean: Array, spread: Any) -> Array:
        noise = spread * rng.normal(size=(N_SUBJECTS, n_features))
        return np.asarray((mean + noise).astype(np.float32), dtype=np.float64)

    variances = np.exp(rng.normal(0, 0.4, size=(N_SUBJECTS, n_features)))
    variances = variances.astype(np.float32).astype(np.float64)
    by_table = (
        0.05 * (table["age"] - 45)
        + 0.9 * (table["group"] == "patient")
        + 0.7 * table["site"].map({"east": 0, "north": 1, "west": -1})
    ).to_numpy()[:, None]
    effects = draw(active * (1 + by_table), np.sqrt(variances + 0.3))
    of_subject = draw(np.zeros(n_features), 2.0)
    sessions = {"post": draw(of_subject + active, 0.8), "pre": draw(of_subject, 0.8)}
    for row in rng.permutation(N_SUBJECTS):
        folder = root / f"sub-{labels[row]}"
        folder.mkdir()
        of_row = {
            "contrast-win_stat-effect": effects,
            "contrast-win_stat-variance": variances,
            **{f"ses-{name}_contrast-lose_stat-effect": one for name, one in sessions.items()},
        }
        for name, values_ in of_row.items():
            volume = np.zeros(SHAPE, np.float32)
            volume[mask] = values_[row]
            path = folder / f"sub-{labels[row]}_{name}_statmap.nii.gz"
            nb.Nifti1Image(volume, AFFINE).to_filename(path)
    nb.Nifti1Image(mask.astype(np.uint8), AFFINE).to_filename(root / "mask.nii.gz")
    description = {"Name": "first level", "BIDSVersion": "1.10.0", "DatasetType": "derivative"}
    (root / "dataset_description.json").write_text(json.dumps(description), encoding="utf-8")
    return Group(root, mask, table, effects, variances, sessions)


@pytest.fixture(scope="module")
def pymare() -> Any:
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        import pymare  # leaves a file open

        return pymare


class Results(NamedTuple):
    """What a run wrote for one contrast."""

    folder: Path
    name: str
    mask: NDArray[np.bool_]

    def map(self, stat: str) -> Array:
        return values(self.file(f"stat-{stat}_statmap.nii.gz"))[self.mask]

    def file(self, ending: str) -> Path:
        (path,) = self.folder.glob(f"group/*_contrast-{self.name}_{ending}")
        return path

    def sidecar(self, stat: str) -> dict[str, Any]:
        read = json.loads(self.file(f"stat-{stat}_statmap.json").read_text(encoding="utf-8"))
        assert isinstance(read, dict)
        return read


Run = Callable[..., Results]


@pytest.fixture(scope="module")
def run(group: Group, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run the command line, each set of options once; give the results of one contrast."""
    done: dict[tuple[str, ...], Path] = {}

    def run(options: str, *more: str, result: str, of: str = "win") -> Results:
        asked = (options, *more, of)
        if asked not in done:
            folder = tmp_path_factory.mktemp("run")
            done[asked] = folder / "out"
            arguments = [str(group.root), str(folder / "out"), "group", "-w", str(folder / "work")]
            given = [*OPTIONS.split(), "--contrast", of, *options.split(), *more]
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("bids_ari.cli.reports.write", lambda *_, **__: {})  # takes longest
                assert main([*arguments, *given]) == 0
        return Results(done[asked], result, group.mask)

    return run


def values(path: str | Path) -> Array:
    return np.asarray(nb.Nifti1Image.from_filename(path).get_fdata())


def expect(
    results: Results, *, effect: Array, variance: Array, t: Array, z: Array, p: Array
) -> None:
    """Compare what was written: p in double, the rest in single precision."""
    tiny = 1e-6 * float(np.sqrt(variance).mean())
    np.testing.assert_allclose(results.map("effect"), effect, rtol=1e-6, atol=1e-3 * tiny)
    np.testing.assert_allclose(results.map("variance"), variance, rtol=1e-6)
    np.testing.assert_allclose(results.map("t"), t, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(results.map("z"), z, rtol=0, atol=2e-6)
    np.testing.assert_allclose(results.map("p"), p, rtol=_DOUBLE)
    assert np.abs(t).max() > 2.5  # something to compare


def expect_least_squares(
    results: Results, effects: Array, design: Array, contrast: Array, group: Group
) -> None:
    """Compare with statsmodels, and z with nilearn."""
    effect, variance, t, p = (np.empty(effects.shape[1]) for _ in range(4))
    for feature, data in enumerate(effects.T):
        test = sm.OLS(data, design).fit().t_test(contrast)
        effect[feature], variance[feature] = test.effect.item(), test.sd.item() ** 2
        t[feature], p[feature] = test.tvalue.item(), test.pvalue.item()
    z = with_nilearn(effects, design, contrast, group)
    expect(results, effect=effect, variance=variance, t=t, z=z, p=p)
    model = results.sidecar("t")["Model"]
    assert model["NumberOfMaps"] == len(design)
    assert model["DegreesOfFreedom"] == len(design) - design.shape[1]


def with_nilearn(
    effects: Array, design: Array, contrast: Array, group: Group, kind: str = "t"
) -> Array:
    images = []
    for row in effects:
        volume = np.zeros(SHAPE, np.float32)
        volume[group.mask] = row
        images.append(nb.Nifti1Image(volume, AFFINE))
    frame = pd.DataFrame(design, columns=[f"x{one}" for one in range(design.shape[1])])
    model = SecondLevelModel(mask_img=str(group.mask_file)).fit(images, design_matrix=frame)
    z = model.compute_contrast(
        contrast, second_level_stat_type=kind, output_type="z_score"
    ).get_fdata()
    return np.asarray(z[group.mask])


# least squares


def test_one_sample_is_that_of_scipy_and_nilearn(group: Group, run: Run) -> None:
    results = run("", result="win")
    expect_least_squares(results, group.effects, np.ones((N_SUBJECTS, 1)), np.ones(1), group)
    expected = stats.ttest_1samp(group.effects, 0)
    np.testing.assert_allclose(results.map("p"), expected.pvalue, rtol=_DOUBLE)


def test_two_samples_are_those_of_scipy_and_nilearn(group: Group, run: Run) -> None:
    results = run("--group-by group", result="winPatientVsControl")
    patients = (group.table["group"] == "patient").to_numpy()
    design = np.column_stack([~patients, patients]).astype(np.float64)
    expect_least_squares(results, group.effects, design, np.array([-1.0, 1.0]), group)
    expected = stats.ttest_ind(group.effects[patients], group.effects[~patients])
    np.testing.assert_allclose(results.map("p"), expected.pvalue, rtol=_DOUBLE)
    of_controls = run("--group-by group", result="winControl")
    expect_least_squares(of_controls, group.effects, design, np.array([1.0, 0.0]), group)


INTERACTION = ["--formula", "1 + age * score + C(site)", "--group-contrast", "mean", "age"]
INTERACTION += ["product=age:score", "site=site[north] - site[east], site[west] - site[east]"]


def interaction(group: Group) -> Array:
    """Means of the sites, then two covariates and their product."""
    site = [(group.table["site"] == one).to_numpy() for one in SITES]
    age, score = (
        (group.table[name] - group.table[name].mean()).to_numpy() for name in ("age", "score")
    )
    return np.column_stack([*site, age, score, age * score]).astype(np.float64)


@pytest.mark.parametrize(
    ("result", "weights"),
    [
        ("win", [1 / 3, 1 / 3, 1 / 3, 0, 0, 0]),
        ("winAge", [0, 0, 0, 1, 0, 0]),
        ("winProduct", [0, 0, 0, 0, 0, 1]),
    ],
)
def test_covariates_and_their_product_are_those_of_statsmodels(
    result: str, weights: list[float], group: Group, run: Run
) -> None:
    results = run("", *INTERACTION, result=result)
    expect_least_squares(
        results, group.effects, interaction(group), np.array(weights, dtype=np.float64), group
    )


def test_f_of_two_rows_is_that_of_statsmodels_and_nilearn(group: Group, run: Run) -> None:
    results = run("", *INTERACTION, result="winSite")
    design = interaction(group)
    rows = np.array([[-1.0, 1, 0, 0, 0, 0], [-1, 0, 1, 0, 0, 0]])
    tests = [sm.OLS(data, design).fit().f_test(rows) for data in group.effects.T]
    f, p = np.array([one.fvalue for one in tests]), np.array([one.pvalue for one in tests])
    np.testing.assert_allclose(results.map("F"), f, rtol=1e-6)
    np.testing.assert_allclose(results.map("p"), p, rtol=_DOUBLE)
    np.testing.assert_allclose(results.map("z"), stats.norm.isf(p), rtol=0, atol=2e-6)
    expected = with_nilearn(group.effects, design, rows, group, kind="F")
    np.testing.assert_allclose(results.map("z"), expected, rtol=0, atol=2e-6)
    assert f.max() > 5
    header = nb.Nifti1Image.from_filename(results.file("stat-F_statmap.nii.gz")).header
    assert header.get_intent()[:2] == ("f test", (2.0, N_SUBJECTS - 6.0))


def test_bounds_of_an_f_test_are_those_of_its_p_map(run: Run) -> None:
    results = run("", *INTERACTION, result="winSite")
    p = results.map("p")
    critical_vector = METHODS["ari"](Evidence(p), 0.05)
    table = pd.read_csv(results.file("desc-z1_clusters.tsv"), sep="\t", keep_default_na=False)
    labels = values(results.file("desc-z1_dseg.nii.gz"))[results.mask]
    assert np.array_equal(labels > 0, results.map("z") > 1)
    assert set(table["sign"]) == {"n/a"}
    found = [min_true_discoveries(p[labels == one], critical_vector) for one in table["cluster"]]
    assert table["discoveries"].tolist() == found
    assert sum(found) > 0
    sidecar = json.loads(results.file("desc-z1_clusters.json").read_text(encoding="utf-8"))
    assert sidecar["Discoveries"] == min_true_discoveries(p, critical_vector)
    assert sidecar["Alternative"] == "greater"


PAIRED = ["--formula", "1 + session + C(subject)", "--group-contrast"]
PAIRED += ["change=session[post] - session[pre]"]


def test_a_paired_test_is_that_of_scipy_and_nilearn(group: Group, run: Run) -> None:
    results = run("--difference session=post-pre", result="losePostMinusPre", of="lose")
    difference = group.sessions["post"] - group.sessions["pre"]
    difference = difference.astype(np.float32).astype(np.float64)  # as its map is
    expect_least_squares(results, difference, np.ones((N_SUBJECTS, 1)), np.ones(1), group)
    expected = stats.ttest_rel(group.sessions["post"], group.sessions["pre"])
    np.testing.assert_allclose(results.map("t"), expected.statistic, rtol=1e-5, atol=1e-6)


def test_columns_for_the_subjects_give_the_paired_test(group: Group, run: Run) -> None:
    results = run("", *PAIRED, result="loseChange", of="lose")
    paired = stats.ttest_rel(group.sessions["post"], group.sessions["pre"])
    mean = (group.sessions["post"] - group.sessions["pre"]).mean(axis=0)
    expect(
        results,
        effect=mean,
        variance=(mean / paired.statistic) ** 2,
        t=np.asarray(paired.statistic),
        z=np.sign(mean) * stats.norm.isf(paired.pvalue / 2),
        p=np.asarray(paired.pvalue),
    )
    model = results.sidecar("t")["Model"]
    assert model["NumberOfMaps"] == 2 * N_SUBJECTS
    assert model["DegreesOfFreedom"] == N_SUBJECTS - 1


# maps with variances

COVARIATE = ["--formula", "1 + age", "--group-contrast", "mean", "age"]


def with_age(group: Group) -> Array:
    age = group.table["age"].to_numpy()
    return np.column_stack([np.ones(N_SUBJECTS), age - age.mean()])


@pytest.mark.parametrize(("result", "column"), [("win", 0), ("winAge", 1)])
def test_fixed_effects_are_those_of_pymare_and_statsmodels(
    result: str, column: int, group: Group, run: Run, pymare: Any
) -> None:
    results = run("--estimator fixed", *COVARIATE, result=result)
    design = with_age(group)
    peer = pymare.estimators.WeightedLeastSquares(tau2=0.0)
    fitted = peer.fit(y=group.effects, X=design, v=group.variances).params_
    effect = fitted["fe_params"][column]
    variance = fitted["inv_cov"][column, column]
    t = effect / np.sqrt(variance)
    expect(results, effect=effect, variance=variance, t=t, z=t, p=2 * stats.norm.sf(np.abs(t)))
    for feature in range(0, effect.size, 10):
        weights = 1 / group.variances[:, feature]
        known = sm.WLS(group.effects[:, feature], design, weights=weights)
        test = known.fit(cov_type="fixed scale").t_test(np.eye(2)[column], use_t=False)
        assert results.map("p")[feature] == pytest.approx(test.pvalue.item(), rel=_DOUBLE)
    assert not list(results.folder.rglob("*tau2*"))


@pytest.mark.parametrize(("result", "column"), [("win", 0), ("winAge", 1)])
def test_mixed_effects_are_those_of_pymare(
    result: str, column: int, group: Group, run: Run, pymare: Any
) -> None:
    results = run("--estimator mixed", *COVARIATE, result=result)
    peer = pymare.estimators.DerSimonianLaird(small_sample_correction="knapp-hartung-conservative")
    fitted = peer.fit(group.effects, group.variances, with_age(group)).params_
    tau2 = fitted["tau2"]
    np.testing.assert_allclose(results.map("tau2"), tau2, rtol=1e-6, atol=1e-9)
    assert 0 < np.count_nonzero(tau2) < tau2.size
    effect = fitted["fe_params"][column]
    variance = fitted["inv_cov"][column, column]
    t = effect / np.sqrt(variance)
    p = 2 * stats.t.sf(np.abs(t), N_SUBJECTS - 2)
    z = np.sign(t) * stats.norm.isf(p / 2)
    expect(results, effect=effect, variance=variance, t=t, z=z, p=p)


def test_mixed_effects_of_one_sample_are_those_of_statsmodels(group: Group, run: Run) -> None:
    results = run("--estimator mixed", result="win")
    effect, variance, tau2 = (np.empty(group.effects.shape[1]) for _ in range(3))
    for feature in range(effect.size):
        meta = combine_effects(
            group.effects[:, feature], group.variances[:, feature], method_re="dl"
        )
        # statsmodels lets the variance between maps be negative; fixed effects are at 0
        which, tau2[feature] = ("re" if meta.tau2 > 0 else "fe"), max(meta.tau2, 0)
        effect[feature] = getattr(meta, f"mean_effect_{which}")
        errors = (getattr(meta, f"sd_eff_w_{which}{one}") for one in ("", "_hksj"))
        variance[feature] = max(errors) ** 2
    t = effect / np.sqrt(variance)
    p = 2 * stats.t.sf(np.abs(t), N_SUBJECTS - 1)
    z = np.sign(t) * stats.norm.isf(p / 2)
    expect(results, effect=effect, variance=variance, t=t, z=z, p=p)
    np.testing.assert_allclose(results.map("tau2"), tau2, rtol=1e-6, atol=1e-9)


def test_the_spread_of_the_variances_is_told(group: Group, run: Run) -> None:
    expected = np.median(np.log(group.variances).std(axis=0, ddof=1))
    for estimator in ("fixed", "mixed"):
        sidecar = run(f"--estimator {estimator}", *COVARIATE, result="win").sidecar("t")
        assert sidecar["VarianceSpread"] == pytest.approx(expected, abs=1e-4)
        assert sidecar["UntestableFeatures"] == 0
    assert "VarianceSpread" not in run("", result="win").sidecar("t")


def test_without_two_maps_anywhere_there_is_no_spread_to_tell(
    caplog: pytest.LogCaptureFixture,
) -> None:
    variances = np.ones((3, 9), np.float32)
    variances[1:] = np.nan
    with caplog.at_level(logging.WARNING, logger="bids_ari"):
        fitted = ESTIMATORS["mixed"](lambda _: [variances], np.ones((3, 1)))
    results = fitted.test(np.ones((1, 1)), "t").results
    assert results == {"UntestableFeatures": 9}
    assert caplog.messages == []


# embedded


def embedded(tmp_path: Path, maps: list[str], **inputs: Any) -> Path:
    options = inputs.pop("options", {})
    workflow = init_ari_wf(cluster_thresholds=[1.0], tdp_thresholds=[0.5], **options)
    workflow.base_dir = workflow.config["execution"]["crashdump_dir"] = str(tmp_path)
    given = workflow.inputs.inputnode
    given.maps = maps
    for name, value in inputs.items():
        setattr(given, name, value)
    workflow.run(plugin="Linear")
    return tmp_path / str(workflow.name)


def shuffled() -> NDArray[np.intp]:
    return np.random.default_rng(1).permutation(N_SUBJECTS)


def model_file(done: Path, name: str) -> Path:
    return done / "model_wf" / "model" / "contrast0" / f"{name}.nii.gz"


def test_an_embedded_f_test_of_shuffled_maps_is_that_of_statsmodels(
    group: Group, tmp_path: Path
) -> None:
    order = shuffled()
    design = interaction(group)
    rows = [[0.0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]]
    done = embedded(
        tmp_path,
        [group.paths()[row] for row in order],
        design=design[order].tolist(),
        contrast=rows,
        options={"test": "F"},
    )
    tests = [sm.OLS(data, design).fit().f_test(np.array(rows)) for data in group.effects.T]
    for name, expected, rtol in (
        ("stat", [one.fvalue for one in tests], 1e-6),
        ("p", [one.pvalue for one in tests], _DOUBLE),
    ):
        found = values(model_file(done, name))[group.mask]
        np.testing.assert_allclose(found, expected, rtol=rtol)
    assert max(one.fvalue for one in tests) > 5
    assert not model_file(done, "effect").exists()


def test_an_embedded_f_test_of_fixed_effects_is_that_of_statsmodels(
    group: Group, tmp_path: Path
) -> None:
    design = interaction(group)
    rows = np.array([[-1.0, 1, 0, 0, 0, 0], [-1, 0, 1, 0, 0, 0]])
    done = embedded(
        tmp_path,
        group.paths(),
        variances=group.paths("variance"),
        design=design.tolist(),
        contrast=rows.tolist(),
        options={"test": "F", "estimator": "fixed"},
    )
    tests = [
        sm.WLS(data, design, weights=1 / variances)
        .fit(cov_type="fixed scale")
        .wald_test(rows, use_f=False, scalar=True)
        for data, variances in zip(group.effects.T, group.variances.T, strict=True)
    ]
    f = values(model_file(done, "stat"))[group.mask]
    np.testing.assert_allclose(2 * f, [one.statistic for one in tests], rtol=1e-6)
    p = values(model_file(done, "p"))[group.mask]
    np.testing.assert_allclose(p, [one.pvalue for one in tests], rtol=_DOUBLE)
    # its distribution is none that a NIfTI header can name
    header = nb.Nifti1Image.from_filename(model_file(done, "stat")).header
    assert header.get_intent()[0] == "none"


def test_embedded_mixed_effects_leave_out_maps_where_they_have_no_variance(
    group: Group, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rng = np.random.default_rng(5)
    n_features = group.effects.shape[1]
    # proportions of hundreds between the variances; some are missing
    variances = np.exp(rng.normal(0, 2, size=group.variances.shape)).astype(np.float32)
    variances[rng.uniform(size=variances.shape) < 0.1] = 0
    files = []
    for row in range(N_SUBJECTS):
        volume = np.zeros(SHAPE, np.float32)
        volume[group.mask] = variances[row]
        files.append(str(tmp_path / f"{row:02d}_variance.nii.gz"))
        nb.Nifti1Image(volume, AFFINE).to_filename(files[-1])
    order = shuffled()
    design = with_age(group)
    with caplog.at_level(logging.WARNING, logger="bids_ari"):
        done = embedded(
            tmp_path,
            [group.paths()[row] for row in order],
            variances=[files[row] for row in order],
            mask=str(group.mask_file),
            design=design[order].tolist(),
            contrast=[0.0, 1.0],
            options={"estimator": "mixed"},
        )
    found = {
        name: values(model_file(done, name))[group.mask] for name in ("effect", "p", "variance")
    }
    logs = []
    for feature in range(n_features):
        used = variances[:, feature] > 0
        y, v = group.effects[used, feature], variances[used, feature].astype(np.float64)
        x = design[used]
        weights = np.diag(1 / v)
        projected = weights - weights @ x @ np.linalg.inv(x.T @ weights @ x) @ x.T @ weights
        # DerSimonian and Laird
        tau2 = max(0.0, (y @ projected @ y - (used.sum() - 2)) / np.trace(projected))
        # the scale is that of Knapp and Hartung, not below 1
        again = sm.WLS(y, x, weights=1 / (v + tau2)).fit()
        variance = again.normalized_cov_params[1, 1] * max(again.scale, 1)
        p = 2 * stats.t.sf(abs(again.params[1]) / np.sqrt(variance), used.sum() - 2)
        assert found["effect"][feature] == pytest.approx(again.params[1], rel=1e-6, abs=1e-9)
        assert found["variance"][feature] == pytest.approx(variance, rel=1e-6)
        assert found["p"][feature] == pytest.approx(p, rel=1e-8)
        logs.append(np.log(v).std(ddof=1))
    outputs = load_resultfile(done / "model_wf" / "model" / "result_model.pklz").outputs
    assert outputs.results[0]["VarianceSpread"] == pytest.approx(np.median(logs), abs=1e-4)
    (line,) = [one for one in caplog.messages if "variances of the maps differ" in one]
    assert f"standard deviation of {np.median(logs):.1f})" in line
    mask = load_resultfile(done / "model_wf" / "mask" / "result_mask.pklz").outputs
    assert mask.results["MissingVoxels"] == (
        "a map does not enter the model where it has no value"
    )


def test_variances_that_differ_little_are_no_reason_to_warn(
    group: Group, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="bids_ari"):
        embedded(
            tmp_path,
            group.paths(),
            variances=group.paths("variance"),
            design=[[1.0]] * N_SUBJECTS,
            contrast=[1.0],
            options={"estimator": "mixed"},
        )
    assert "variances of the maps differ" not in caplog.text


def test_a_planted_outlier_stands_out_by_every_definition(group: Group, tmp_path: Path) -> None:
    planted = 21
    rng = np.random.default_rng(3)
    effects = group.effects.copy()
    effects[planted] = (4 - 3 * effects[planted] + rng.normal(size=effects.shape[1])).astype(
        np.float32
    )
    maps = group.paths()
    maps[planted] = str(tmp_path / "planted.nii.gz")
    volume = np.zeros(SHAPE, np.float32)
    volume[group.mask] = effects[planted]
    nb.Nifti1Image(volume, AFFINE).to_filename(maps[planted])
    design = with_age(group)
    done = embedded(tmp_path, maps, design=design.tolist(), contrast=[1.0, 0.0])
    table = pd.read_csv(done / "model_wf" / "outliers" / "outliers.tsv", sep="\t")
    assert table["row"].tolist() == list(range(1, N_SUBJECTS + 1))
    assert table["share_far"].idxmax() == planted
    assert table["correlation"].idxmin() == planted
    assert (table["spread"]).idxmax() == planted

    np.testing.assert_allclose(table["mean"], effects.mean(axis=1), atol=5.1e-7)
    np.testing.assert_allclose(table["spread"], effects.std(axis=1), atol=5.1e-7)
    # beyond what 3 standard deviations are of a normal variable
    far = stats.t.isf(stats.norm.sf(3), N_SUBJECTS - 3)
    for row in range(N_SUBJECTS):
        others = np.delete(effects, row, axis=0)
        correlation = np.corrcoef(effects[row], others.mean(axis=0))[0, 1]
        assert table["correlation"][row] == pytest.approx(correlation, abs=5.1e-7)
        x = np.delete(design, row, axis=0)
        coefficients, rss = np.linalg.lstsq(x, others)[:2]
        leverage = design[row] @ np.linalg.inv(x.T @ x) @ design[row]
        error = np.sqrt(rss / (N_SUBJECTS - 3) * (1 + leverage))
        share = np.mean(np.abs(effects[row] - design[row] @ coefficients) > far * error)
        assert table["share_far"][row] == pytest.approx(share, rel=1e-3)


# the fit


@pytest.mark.parametrize("estimator", ["ols", "mixed"])
def test_contrasts_of_one_model_share_the_fit(
    estimator: str, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    fitted, n_fits = ESTIMATORS[estimator], 0

    def counted(*arguments: Any) -> Any:
        nonlocal n_fits
        n_fits += 1
        return fitted(*arguments)

    monkeypatch.setitem(ESTIMATORS, estimator, counted)
    asked = [f"--estimator {estimator}", "--formula", "1 + age", "--group-contrast"]
    together = run(*asked, "age", "mean", "both=age, mean", result="winAge")
    assert len(list(together.folder.glob("group/*_stat-z_statmap.nii.gz"))) == 3
    assert n_fits == 1
    alone = run(*asked, "age", result="winAge")
    assert n_fits == 2
    for stat in ("effect", "variance", "t", "z", "p"):
        np.testing.assert_array_equal(together.map(stat), alone.map(stat))
