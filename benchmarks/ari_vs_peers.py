"""
All-Resolutions Inference from a z map, side by side with nilearn in one run.

The task is that of nilearn's ``cluster_level_inference``: from a z map and a mask in memory to a map of the
bounds of its clusters, on a 2 mm grid with about 235,000 voxels; both give the same map. Then what
nilearn has not: every supra-threshold cluster with its bound, adaptive thresholds, the map of the
largest TDP, claims at every alpha; and what compiled code costs at the start of a process. CPU
seconds of one thread, the median of several calls. Only ratios mean anything: run it on a machine
that does nothing else.

    python -m benchmarks.ari_vs_peers [--repeats 7]
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import nibabel as nb
import numpy as np
from nilearn.glm import cluster_level_inference
from numpy.typing import NDArray
from scipy import ndimage, special

from bids_ari.images import VolumeDomain
from bids_ari.images.nifti import Grid
from bids_ari.stats import (
    METHODS,
    BoundedForest,
    ClosedTesting,
    Evidence,
    bound_forest,
    claim_p_values,
    grow_forest,
    supra_threshold,
)

SHAPE, VOXEL_SIZE, N_VOXELS = (97, 115, 97), 2.0, 235_375
ALPHA = 0.05
CONNECTIVITIES = (6, 18, 26)
Result = TypeVar("Result")

COLD = """
import numpy as np
from scipy import sparse
from bids_ari.stats import bound_forest, grow_forest
values = np.array([2.0, 1.0, 3.0])
row = np.eye(3, k=1)
forest = grow_forest(values, np.ones(3, np.int8), sparse.csr_array(row + row.T))
bound_forest(forest, np.array([0.02, 0.2, 0.001]), np.array([0.01, 0.02, 0.03])).tdp_map()
"""
IMPORTS = """
import numpy as np
from scipy import sparse
from bids_ari.stats import bound_forest, grow_forest
"""


def simulate(fwhm: float, seed: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Smooth noise with a few active regions, in a ball of voxels."""
    rng = np.random.default_rng(seed)
    axes = [np.linspace(-1, 1, n) for n in SHAPE]
    distance = (np.stack(np.meshgrid(*axes, indexing="ij")) ** 2).sum(axis=0)
    mask = np.asarray(distance < np.partition(distance.ravel(), N_VOXELS)[N_VOXELS])
    noise = ndimage.gaussian_filter(rng.standard_normal(SHAPE), fwhm / VOXEL_SIZE / 2.355)
    regions = ndimage.gaussian_filter(rng.standard_normal(SHAPE), 5)
    z = noise / noise[mask].std() + 4.5 * (regions > np.quantile(regions[mask], 0.97))
    return np.where(mask, z, 0).astype(np.float32), mask


def with_bids_ari(
    z_img: nb.Nifti1Image, mask_img: nb.Nifti1Image, thresholds: list[float]
) -> NDArray[np.float64]:
    """From a z map to the bounds of its clusters."""
    mask = np.asanyarray(mask_img.dataobj) > 0
    domain = VolumeDomain(Grid(SHAPE, mask_img.affine, 4), np.flatnonzero(mask))
    z_values = np.asanyarray(z_img.dataobj)[mask].astype(np.float64)
    p_values = special.ndtr(-z_values)
    critical_vector = METHODS["ari"](Evidence(p_values), ALPHA)
    beyond = supra_threshold(z_values, min(thresholds), "greater")
    adjacency = domain.adjacency(np.flatnonzero(beyond), connectivity=6)
    forest = grow_forest(z_values, beyond, adjacency)
    bounded = bound_forest(forest, p_values, critical_vector)
    tdp = np.zeros(z_values.size)
    for threshold in sorted(thresholds):
        nodes = forest.above_height(threshold)
        forest.paint(tdp, nodes, bounded.tdp[nodes])
    volume = np.zeros(SHAPE)
    volume[mask] = tdp
    return volume


def with_nilearn(
    z_img: nb.Nifti1Image, mask_img: nb.Nifti1Image, thresholds: list[float]
) -> NDArray[np.float64]:
    """Do the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        img = cluster_level_inference(z_img, mask_img, threshold=thresholds, alpha=ALPHA)
    return np.asarray(img.get_fdata())


def timed(call: Callable[[], Result], repeats: int) -> tuple[float, Result]:
    """Median of the CPU seconds of some calls, after a first that does not count."""
    result, seconds = call(), []
    for _ in range(repeats):
        start = time.process_time()
        result = call()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds), result


def compare(fwhm: float, thresholds: list[float], most: float, repeats: int) -> None:
    """Measure clusters of one map with both, and print one line."""
    z, mask = simulate(fwhm, seed=1)
    affine = np.diag([VOXEL_SIZE, VOXEL_SIZE, VOXEL_SIZE, 1.0])
    images = nb.Nifti1Image(z, affine), nb.Nifti1Image(mask.astype(np.uint8), affine)
    ours, our_map = timed(lambda: with_bids_ari(*images, thresholds), repeats)
    theirs, their_map = timed(lambda: with_nilearn(*images, thresholds), repeats)
    n_clusters = sum(int(ndimage.label((z > threshold) & mask)[1]) for threshold in thresholds)
    print(
        f"z > {', '.join(f'{t:g}' for t in thresholds):8s} {n_clusters:7,} clusters: "
        f"nilearn {theirs:7.3f}  bids_ari {ours:7.4f}  ratio {ours / theirs:6.3f} (at most {most}) "
        f" largest difference {np.max(np.abs(our_map - their_map)):.0e}",
        flush=True,
    )


def measure_forests(repeats: int) -> None:
    """Measure what has no equal in nilearn, and print it."""
    z, mask = simulate(8.0, seed=1)
    z_values = z[mask].astype(np.float64)
    p_values = 2 * special.ndtr(-np.abs(z_values))
    affine = np.diag([VOXEL_SIZE, VOXEL_SIZE, VOXEL_SIZE, 1.0])
    domain = VolumeDomain(Grid(SHAPE, affine, 4), np.flatnonzero(mask))

    def row(label: str, call: Callable[..., Result], *arguments: object) -> Result:
        seconds, result = timed(lambda: call(*arguments), repeats)
        print(f"  {label:62s} {seconds:8.4f}", flush=True)
        return result

    def map_of(bounded: BoundedForest) -> NDArray[np.float64]:
        return BoundedForest(bounded.forest, bounded.n_discoveries).tdp_map()  # nothing is kept

    print(f"\nboth signs, {z_values.size:,} voxels, CPU seconds")
    critical_vector = row("critical vector (Simes)", METHODS["ari"], Evidence(p_values), ALPHA)
    row("critical vector (Hommel)", METHODS["hommel"], Evidence(p_values), ALPHA)
    for threshold in (2.3, 0.0):
        beyond = supra_threshold(z_values, threshold, "two-sided")
        for connectivity in CONNECTIVITIES:
            label = f"|z| > {threshold:g}, {connectivity} neighbours: "
            inside = np.flatnonzero(beyond)
            adjacency = row(label + "adjacency", domain.adjacency, inside, connectivity)
            forest = row(label + "forest", grow_forest, z_values, beyond, adjacency)
            bounded = row(label + "all bounds", bound_forest, forest, p_values, critical_vector)
            row(label + "map of the largest TDP", map_of, bounded)
            row(label + "all maximal clusters, TDP >= 0.7", bounded.with_tdp, 0.7)
    labels = bounded.forest.clusters(bounded.with_tdp(0.5)).labels
    regions = labels == np.arange(1, labels.max() + 1)[:, None]
    row("jump points of the Hommel value", lambda: ClosedTesting(p_values).jump_points)
    closed = ClosedTesting(p_values)
    row("adjusted p-values, once these are known", closed.adjusted, p_values)
    row(f"p-value of TDP >= 0.5, {len(regions)} regions", claim_p_values, 0.5, regions, closed)


def measure_starts(repeats: int) -> None:
    """Measure a process that grows a small forest: what compiled code costs at the start."""

    def start(code: str, environment: dict[str, str]) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def median(code: str, environment: Callable[[Path], dict[str, Any]]) -> float:
        seconds = []
        for _ in range(repeats):
            with tempfile.TemporaryDirectory() as empty:
                seconds.append(start(code, {**os.environ, **environment(Path(empty))}))
        return statistics.median(seconds)

    print("\na new process that grows a small forest, CPU seconds")
    with tempfile.TemporaryDirectory() as kept:
        start(COLD, {**os.environ, "NUMBA_CACHE_DIR": kept})
        imports = median(IMPORTS, lambda _: {})
        warm = median(COLD, lambda _: {"NUMBA_CACHE_DIR": kept})
        cold = median(COLD, lambda empty: {"NUMBA_CACHE_DIR": str(empty)})
    print(f"  imports only                                                   {imports:8.2f}")
    print(f"  compiled code is on disk                                       {warm:8.2f}")
    print(f"  it is not                                                      {cold:8.2f}")


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("--repeats", type=int, default=7, help="the median of so many counts")
    args = parser.parse_args()
    print("from a z map to the bounds of its clusters, CPU seconds")
    compare(8.0, [3.0, 4.0, 5.0], 0.15, args.repeats)
    compare(1.0, [1.5], 0.02, max(1, args.repeats // 2))
    measure_forests(args.repeats)
    measure_starts(max(1, args.repeats // 2))


if __name__ == "__main__":
    main()
