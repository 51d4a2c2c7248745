"""
Calibration against numbers of other programs: R pARI 1.1.2, R sanssouci 0.16.2, sanssouci.python.

What they call the same differs. Of B pivots, ours is the (floor(alpha B) + 1)-th smallest, and
p-values pass strictly below thresholds. pARI takes the same one, in units of alpha, and lets
p-values pass that are equal. sanssouci takes the one before, as ours at alpha - 1 / B;
sanssouci.python goes between the two. The calibration of two families of pARI does not belong to
their thresholds.
"""

from functools import cache, partial
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import special

from bids_ari.stats import (
    Aorc,
    Beta,
    HigherCriticism,
    Simes,
    calibrate,
    joint_error,
    just_below,
    learn,
    min_true_discoveries,
    p_value,
    pivots_from,
    single_step,
    step_down,
)
from tests.real_data import REFERENCE, need
from tests.stats.resampled import t_values

pytestmark = pytest.mark.real_data

B = 1000
M = 2000
DATASETS = pytest.mark.parametrize("data", ["null", "sig"])


class Flipped(NamedTuple):
    p_values: NDArray[np.float64]
    ordered: NDArray[np.float64]


@cache
def flipped(data: str) -> Flipped:
    """Two-sided p-values under the sign flips that were given to all programs."""
    stored = np.load(need(REFERENCE / f"perm_{data}.npz"))
    t = t_values(stored["X"], stored["signs"].astype(np.float64))
    p_values = p_value(t, 19, "two-sided")
    assert p_values.shape == (B, M)
    return Flipped(p_values, np.sort(p_values, axis=1))


def table(name: str, data: str) -> pd.DataFrame:
    rows = pd.read_csv(need(REFERENCE / name), keep_default_na=False)
    return rows[rows["data"] == data]


@cache
def sets() -> dict[str, NDArray[np.intp]]:
    rows = pd.read_csv(need(REFERENCE / "pARI_sets.csv"), keep_default_na=False)
    return {str(name): rows.loc[rows["set"] == name, "index0"].to_numpy() for name in rows["set"]}


def template_of(family: str, shift: int = 0, n_ranks: int = M) -> Simes | Beta:
    return Simes(shift) if family.lower() == "simes" else Beta(n_ranks)


def level_of(family: str, theirs: float) -> float:
    """Our levels of quantiles are log odds."""
    return theirs if family.lower() == "simes" else float(special.logit(theirs))


def pivots_of(
    data: str, template: Simes | Beta, features: NDArray[np.bool_]
) -> NDArray[np.float64]:
    return _pivots_of(data, template, features.tobytes())


@cache
def _pivots_of(data: str, template: Simes | Beta, features: bytes) -> NDArray[np.float64]:
    mask = np.frombuffer(features, dtype=np.bool_)
    ordered = np.sort(flipped(data).p_values[:, mask], axis=1)
    return pivots_from(ordered, template, M, n_set=int(mask.sum()))


@DATASETS
def test_levels_and_critical_vectors_are_those_of_pari(data: str) -> None:
    rows = table("pARI_lambda.csv", data)
    rows = rows[rows["family"].isin(["simes", "beta"])]
    observed = flipped(data)
    for _, row in rows.iterrows():
        template = template_of(row["family"], row["delta"])
        pivots = pivots_of(data, template, np.ones(M, dtype=np.bool_))
        one = single_step(template, pivots, row["alpha"], M)
        lambda_ = float(row["lambda"]) * (row["alpha"] if row["family"] == "simes" else 1)
        assert one.level == pytest.approx(level_of(row["family"], lambda_), rel=1e-8)
        for name, k in (("cv1", 1), ("cv2", 2), ("cv100", 100), ("cv1000", 1000), ("cvm", M)):
            if k > row["delta"]:  # below the shift, those of pARI are negative
                assert one.critical_vector[k - 1] == pytest.approx(row[name], rel=1e-8)
            else:
                assert row[name] <= 0 > one.critical_vector[k - 1]
        # never more than alpha, and less where pivots are equal
        n_wrong = joint_error(observed.ordered, one.critical_vector).n
        assert n_wrong == np.sum(pivots < one.level) <= B * row["alpha"]
    assert len(rows) == 15


@DATASETS
def test_bounds_are_those_of_pari(data: str) -> None:
    rows = table("pARI_discoveries.csv", data)
    rows = rows[rows["family"].isin(["simes", "beta"])]
    observed = flipped(data)
    for (family, delta, alpha), of_vector in rows.groupby(["family", "delta", "alpha"]):
        template = template_of(str(family), int(str(delta)))
        pivots = pivots_of(data, template, np.ones(M, dtype=np.bool_))
        one = single_step(template, pivots, float(str(alpha)), M)
        for _, row in of_vector.iterrows():
            p_values = observed.p_values[0, sets()[row["set"]]]
            assert p_values.size == row["size"]
            assert min_true_discoveries(p_values, one.critical_vector) == row["discoveries"], row
    assert len(rows) == 75


@DATASETS
def test_steps_down_and_bounds_are_those_of_sanssouci(data: str) -> None:
    rows = table("sanssouciR_calibration.csv", data)
    bounds = table("sanssouciR_bounds.csv", data)
    observed = flipped(data)
    n_bounds = n_steps = 0
    for _, row in rows.iterrows():
        template = template_of(row["family"], n_ranks=row["K"])
        one = step_down(
            template,
            observed.p_values[0],
            partial(pivots_of, data, template),
            row["alpha"] - 1 / B,
            row["max_steps_down"],
        )
        assert one.level == pytest.approx(level_of(row["family"], float(row["lambda"])), rel=1e-8)
        for name, k in (("thr1", 1), ("thr100", 100), ("thrK", row["K"])):
            assert one.critical_vector[k - 1] == pytest.approx(float(row[name]), rel=1e-8)
        n_steps += one.n_steps > 0
        chosen = (bounds[["alpha", "family", "K", "max_steps_down"]] == row[
            ["alpha", "family", "K", "max_steps_down"]]).all(axis=1)  # fmt: skip
        for _, bound in bounds[chosen].iterrows():
            p_values = observed.p_values[0, sets()[bound["set"]]]
            assert min_true_discoveries(p_values, one.critical_vector) == bound["minTP"], bound
            n_bounds += 1
    assert len(rows) == 24
    assert n_bounds == len(bounds) == 120
    assert n_steps == (4 if data == "sig" else 0)


@DATASETS
def test_learned_templates_and_their_bounds_are_those_of_notip(data: str) -> None:
    rows = table("sanssoucipy_calibration.csv", data)
    bounds = table("sanssoucipy_bounds.csv", data)
    ordered = flipped(data).ordered
    for _, row in rows[rows["method"] == "notip"].iterrows():
        k_max = row["k_max"]
        template = learn(ordered[:500, :k_max])
        pivots = pivots_from(ordered[500:], template, M)
        level = calibrate(pivots, row["alpha"])
        theirs = int(row["value"].split()[2].rstrip(";")) + 1  # their index begins at 0
        if (data, k_max, row["alpha"]) == ("sig", 100, 0.1):
            # two have an error of exactly alpha; their bisection ends at the first that it meets
            assert (level, theirs) == (27, 26)
            assert np.sum(pivots < level) == np.sum(pivots < theirs) == 50
        else:
            assert level == theirs
        thresholds = template.thresholds(theirs, M)
        if row["alpha"] == 0.05:
            stored = np.load(need(REFERENCE / f"notip_thr_{data}_k{k_max}_a0.05.npy"))
            np.testing.assert_allclose(thresholds, stored, rtol=1e-8)
        check_bounds(data, bounds, row, just_below(thresholds))


@DATASETS
def test_pivots_of_simes_are_those_of_sanssouci_python(data: str) -> None:
    rows = table("sanssoucipy_calibration.csv", data)
    bounds = table("sanssoucipy_bounds.csv", data)
    pivots = {
        k_max: np.min(flipped(data).ordered[:, :k_max] * M / np.arange(1, k_max + 1), axis=1)
        for k_max in (100, 1000, 2000)
    }
    np.testing.assert_allclose(
        pivots[2000], pivots_from(flipped(data).ordered, Simes(), M), rtol=1e-14
    )
    for _, row in rows[rows["method"] == "simes"].iterrows():
        level = np.quantile(pivots[row["k_max"]], row["alpha"])
        assert level == pytest.approx(float(row["value"]), rel=1e-8)
        check_bounds(data, bounds, row, just_below(Simes().thresholds(level, M)[: row["k_max"]]))


def check_bounds(
    data: str, bounds: pd.DataFrame, row: pd.Series, critical_vector: NDArray[np.float64]
) -> None:
    of_vector = bounds[
        (bounds["alpha"] == row["alpha"])
        & (bounds["method"] == row["method"])
        & (bounds["k_max"] == row["k_max"])
    ]
    assert len(of_vector) == 5
    for _, bound in of_vector.iterrows():
        p_values = flipped(data).p_values[0, sets()[bound["set"]]]
        assert min_true_discoveries(p_values, critical_vector) == bound["min_tp"], bound


@DATASETS
def test_families_that_pari_calibrates_otherwise_have_the_error_alpha_here(data: str) -> None:
    rows = table("pARI_lambda.csv", data)
    rows = rows[rows["family"].isin(["aorc", "higher.criticism"])]
    ordered = flipped(data).ordered
    n_theirs = 0
    for _, row in rows.iterrows():
        template = Aorc(row["delta"]) if row["family"] == "aorc" else HigherCriticism()
        pivots = pivots_from(ordered, template, M)
        one = single_step(template, pivots, row["alpha"], M)
        assert joint_error(ordered, one.critical_vector).n == round(B * row["alpha"])
        n_theirs += row["empirical_JER"] > row["alpha"]
        if row["empirical_JER"] <= row["alpha"]:
            assert one.level == pytest.approx(float(row["lambda"]) * row["alpha"], rel=1e-8)
    assert len(rows) == 15
    assert n_theirs == (14 if data == "null" else 15)
