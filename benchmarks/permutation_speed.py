"""
Statistics of randomly transformed data, side by side with scipy and nilearn in one run.

One sample: 1,000 sign flips of 30 maps, and the calibrated level of Simes' thresholds from the
least ``p_(k) n / k`` of each flip, two-sided. The usual way, which other packages go, is a t-test by
scipy and a sorting for each flip: it is measured on a few flips and scaled, and its numbers are
compared. nilearn's ``permuted_ols`` has the largest t of each flip only. Then the same of a covariate
beside an intercept and three others, of 60 maps: Freedman and Lane.

Each line is a fresh process with one thread. CPU seconds are those of the task, without
imports and compilation; peak memory is that of the whole process, with imports and data, of which
the line "data alone" tells. Only ratios of times mean anything: run it on a machine that does
nothing else.

    python -m benchmarks.permutation_speed [--features 200000] [--transformations 1000] [--sample 10]
"""

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats

from bids_ari.stats import (
    Exchange,
    Transformations,
    draw_transformations,
    exchangeable,
    nuisance_residuals,
    resample,
)

ALPHA = 0.05
MOST_CPU, MOST_GB = 0.02, 0.5
"""Targets, of the one-sample test: against scipy, and of the whole process."""


class Simes:
    """Thresholds on straight lines."""

    name = "simes"

    def k_max(self, n_features: int) -> int:
        """Count the thresholds."""
        return n_features

    def levels(
        self, p_values: NDArray[np.float64], ranks: NDArray[np.integer], n_features: int
    ) -> NDArray[np.float64]:
        """Find the largest level at which no p-value is below the threshold of its rank."""
        return p_values * n_features / ranks


class Study(NamedTuple):
    """Simulated maps, their model, and transformations of them."""

    data: NDArray[np.float32]
    design: NDArray[np.float64]
    contrast: NDArray[np.float64]
    test: Exchange
    drawn: Transformations


def simulate(model: str, n_features: int, n_transformations: int) -> Study:
    """Smooth noise with an effect on a fiftieth of the features."""
    rng = np.random.default_rng(1)
    n_maps = 30 if model == "flips" else 60
    noise = rng.standard_normal((n_maps, n_features), dtype=np.float32)
    data = ndimage.gaussian_filter1d(noise, 3, axis=1)
    data /= data.std()
    design = np.ones((n_maps, 1))
    if model != "flips":
        design = np.column_stack([design, rng.normal(size=(n_maps, 4))])
    contrast = np.eye(design.shape[1])[-1]
    data[:, : n_features // 50] += 0.8 * design[:, -1:].astype(np.float32)
    test = exchangeable(design, contrast)
    return Study(data, design, contrast, test, draw_transformations(test, n_transformations))


def with_bids_ari(study: Study) -> NDArray[np.float64]:
    """Pivots of all transformations, and what else is kept of them."""
    residuals = nuisance_residuals(study.data, study.test)
    return resample(residuals, study.test, study.drawn, [Simes()]).pivots["simes"]


def with_scipy(study: Study, n_sample: int) -> NDArray[np.float64]:
    """Pivots of a few flips."""
    ranks = np.arange(1, study.data.shape[1] + 1)
    pivots = []
    for signs in study.drawn.table[:n_sample]:
        flipped = signs[:, None] * study.data.astype(np.float64)
        p_values = np.sort(stats.ttest_1samp(flipped, 0).pvalue)
        pivots.append(np.min(p_values * ranks.size / ranks))
    return np.array(pivots)


def with_nilearn(study: Study, n_sample: int) -> NDArray[np.float64]:
    """Largest t of a few transformations."""
    from nilearn.mass_univariate import permuted_ols

    others = study.design[:, :-1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = permuted_ols(
            study.design[:, -1:],
            study.data,
            confounding_vars=others if others.size else None,
            model_intercept=False,
            n_perm=n_sample,
            random_state=0,
        )
    return np.asarray(found["h0_max_t"], dtype=np.float64).ravel()


def measure(who: str, model: str, options: argparse.Namespace) -> None:
    """Do one task, and print what it took as JSON."""
    n_all = options.transformations
    study = simulate(model, options.features, n_all)
    small = simulate(model, 500, 100)
    tasks: dict[str, tuple[int, Callable[[Study], NDArray[np.float64]]]] = {
        "data alone": (n_all, lambda _: np.empty(0)),
        "bids_ari": (n_all, with_bids_ari),
        "scipy": (options.sample, lambda some: with_scipy(some, options.sample)),
        "nilearn": (10 * options.sample, lambda some: with_nilearn(some, 10 * options.sample)),
    }
    n_done, task = tasks[who]
    task(small)  # imports, and compiles or reads what was compiled
    start = time.process_time()
    pivots = task(study)
    seconds = time.process_time() - start
    print(json.dumps({"seconds": seconds, "n_done": n_done, "pivots": pivots.tolist()}))


def run(who: str, model: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one task in a process of its own, and print one line."""
    arguments = ["--features", options.features, "--transformations", options.transformations]
    arguments += ["--sample", options.sample, "--measure", who, model]
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.permutation_speed", *map(str, arguments)],
        env={**os.environ, **dict.fromkeys(threads, "1")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None  # noqa: S101
    found: dict[str, Any] = json.loads(process.stdout.read())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    found["gb"] = usage.ru_maxrss / 1024**2
    found["scaled"] = found["seconds"] * options.transformations / found["n_done"]
    note = "" if found["n_done"] == options.transformations else f" scaled from {found['n_done']}"
    print(
        f"  {who:12s} {found['scaled']:8.2f} s  whole process {usage.ru_utime + usage.ru_stime:6.1f}"
        f" s {found['gb']:6.2f} GB {note}",
        flush=True,
    )
    return found


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("--features", type=int, default=200_000)
    parser.add_argument("--transformations", type=int, default=1000)
    parser.add_argument("--sample", type=int, default=10, help="flips by scipy; nilearn does 10 x")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        who, model = options.measure
        measure(who, model, options)
        return

    print(f"{options.transformations:,} sign flips of 30 maps, {options.features:,} features")
    run("data alone", "flips", options)
    ours = run("bids_ari", "flips", options)
    peer = run("scipy", "flips", options)
    run("nilearn", "flips", options)
    pivots = np.array(ours["pivots"])
    differences = np.abs(pivots[: options.sample] / np.array(peer["pivots"]) - 1)
    print(
        f"  calibrated level {np.sort(pivots)[int(ALPHA * pivots.size)]:.6f}; of the usual way: "
        f"CPU {ours['scaled'] / peer['scaled']:.4f} (at most {MOST_CPU}), "
        f"largest relative difference {differences.max():.0e}; "
        f"{ours['gb']:.2f} GB (at most {MOST_GB})"
    )

    print(
        f"\n{options.transformations:,} permutations of residuals of 60 maps, 4 other regressors"
    )
    run("data alone", "nuisance", options)
    ours = run("bids_ari", "nuisance", options)
    peer = run("nilearn", "nuisance", options)
    print(f"  CPU of nilearn's largest t: {ours['scaled'] / peer['scaled']:.4f}")


if __name__ == "__main__":
    main()
