"""
Models of maps with variances: error rate of mixed effects, time and memory of all.

Error rate: share of p < 0.05 and of p < 0.001 when no effect is there, for groups of some sizes, with
variances whose logarithm has a given standard deviation, and variances between maps (tau2); beside
it that of the t-test of the same effects without their variances. Time and memory: blocks of
16 maps in files that are mapped into memory; each line is a fresh process with one thread.

    python -m benchmarks.group_models [--features 235000] [--maps 21 64 256] [--regressors 1 5]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bids_ari.stats import (
    contrast_maps,
    estimated_contrast,
    fit,
    fixed_effects,
    mixed_effects,
    outlier_measures,
    p_value,
    rotate,
)

BLOCK = 16


def print_error_rates() -> None:
    """Print how often nothing is found to be something."""
    rng = np.random.default_rng(20240229)
    print("Share of p < 0.05 and of p < 0.001 under the null")
    print(
        f"{'n':>4} {'sd log v':>8} {'tau2':>5}   {'mixed effects':>16}   {'without variances':>18}"
    )
    for n_maps in (5, 10, 20):
        design = np.ones((n_maps, 1))
        for spread in (0.0, 0.5, 1.0, 2.0):
            for tau2 in (0.0, 0.1, 0.5, 2.0):
                variances = np.exp(rng.normal(0, spread, size=(n_maps, 100_000)))
                effects = np.sqrt(variances + tau2) * rng.normal(size=variances.shape)
                mixed = mixed_effects(partial(list, [(effects, variances)]), design)
                p = estimated_contrast(mixed, np.ones(1)).p
                ols = contrast_maps(rotate(effects, design), np.ones(1))
                peer = p_value(ols.t, ols.dof)
                print(
                    f"{n_maps:4} {spread:8} {tau2:5}   {np.mean(p < 0.05):8.4f} {np.mean(p < 1e-3):7.5f}"
                    f"   {np.mean(peer < 0.05):10.4f} {np.mean(peer < 1e-3):7.5f}"
                )


def measure(model: str, folder: Path, n_maps: int, n_regressors: int) -> None:
    """Fit one model to the blocks of a folder, print time and peak memory."""
    rng = np.random.default_rng(0)
    design = np.column_stack([np.ones(n_maps), rng.normal(size=(n_maps, n_regressors - 1))])

    def blocks(kind: str) -> Iterator[tuple[Any, Any]]:
        for start in range(0, n_maps, BLOCK):
            rows = design[start : start + BLOCK]
            effects = np.load(folder / f"effect{start}.npy", mmap_mode="r")[: len(rows)]
            yield (
                effects,
                (
                    rows
                    if kind == "design"
                    else np.load(folder / f"variance{start}.npy", mmap_mode="r")[: len(rows)]
                ),
            )

    contrast = np.eye(n_regressors)[0]
    began = time.perf_counter()
    if model == "ordinary":
        contrast_maps(fit(blocks("design")), contrast)
    elif model == "fixed":
        estimated_contrast(fixed_effects(blocks("variance"), design), contrast)
    elif model == "mixed":
        estimated_contrast(mixed_effects(lambda: blocks("variance"), design), contrast)
    else:
        outlier_measures(lambda: blocks("design"))
    seconds = time.perf_counter() - began
    # the peak of rusage starts with what the parent held
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(f"{n_maps:5} {n_regressors:10}   {model:9} {seconds:6.2f} s {peak:6.0f} MB", flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--features", type=int, default=235_000)
    parser.add_argument("--maps", type=int, nargs="+", default=[21, 64, 256])
    parser.add_argument("--regressors", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        model, folder, n_maps, n_regressors = options.measure
        measure(model, Path(folder), int(n_maps), int(n_regressors))
        return
    print_error_rates()
    print(f"\nTime and peak memory, {options.features} features")
    print(f"{'maps':>5} {'regressors':>10}   model", flush=True)
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, max(options.maps), BLOCK):
            shape = (BLOCK, options.features)
            variances = np.exp(rng.normal(0, 0.5, size=shape)).astype(np.float32)
            effects = (np.sqrt(variances + 1) * rng.normal(size=shape)).astype(np.float32)
            np.save(Path(folder) / f"effect{start}.npy", effects)
            np.save(Path(folder) / f"variance{start}.npy", variances)
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        for n_maps in options.maps:
            for n_regressors in options.regressors:
                for model in ("ordinary", "fixed", "mixed", "outliers"):
                    arguments = [model, folder, str(n_maps), str(n_regressors)]
                    subprocess.run(
                        [sys.executable, "-m", "benchmarks.group_models", "--measure", *arguments],
                        check=True,
                        env={**os.environ, **threads},
                    )


if __name__ == "__main__":
    main()
