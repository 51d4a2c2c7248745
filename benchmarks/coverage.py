"""
How often a bound is too high, in groups whose truth is known.

Each group has smooth Gaussian noise, and in most of them effects of both signs in balls; effects are
added after the noise is smoothed, so that it is known exactly which voxels are active. A one-sample
model is fitted, and its p-values are given to the methods. Then sets of voxels are bounded, and a
group counts as an error if *any* of its bounds is above the true number of active voxels:

    nodes      every cluster of positive and of negative values, at every threshold
    sets       1,000 sets: random ones, the smallest p-values, the smallest p-values of inactive
               voxels with some active ones, and all inactive voxels
    regions    a random parcellation, and balls that overlap

The guarantee is for all sets at once. Some set has too high a bound exactly when, for some k, at
least k inactive voxels have p-values at or below the k-th threshold; this is the joint error. The
set of all inactive voxels shows it too, so that both counts must agree.

The exit status is 1 if they do not, or if the 95 % interval (Clopper and Pearson) of a joint error
over all groups lies above alpha.

    python -m benchmarks.coverage [--groups 2000] [--seed 0]
"""

import argparse
import os
import time
from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse, stats
from scipy.spatial.distance import cdist

from bids_ari.images import VolumeDomain
from bids_ari.images.nifti import Grid
from bids_ari.stats import (
    METHODS,
    Alternative,
    Evidence,
    Forest,
    bound_forest,
    contrast_maps,
    grow_forest,
    min_true_discoveries,
    min_true_discoveries_by_label,
    min_true_discoveries_by_region,
    p_value,
    rotate,
    supra_threshold,
)

ALPHA = 0.05
SHAPE = (24, 26, 22)
FWHMS = (0.0, 2.0, 4.0)
"""Of the noise, in voxels."""
GROUP_SIZES = (10, 20, 40)
EFFECTS: dict[str, tuple[int, Alternative]] = {
    "none, two-sided": (0, "two-sided"),
    "both signs, two-sided": (6, "two-sided"),
    "both signs, greater": (6, "greater"),
}
"""How many balls of effects, and what the test looks for."""
N_SETS, N_PARCELS, N_BALLS = 1000, 40, 60
TESTED = ("ari", "hommel")
KINDS = ("nodes", "sets", "regions", "any", "joint")


class Cell(NamedTuple):
    """What groups have in common."""

    fwhm: float
    n_maps: int
    effects: str


CELLS = [Cell(*levels) for levels in product(FWHMS, GROUP_SIZES, EFFECTS)]


class Outcome(NamedTuple):
    """What became of one group under one method."""

    wrong: dict[str, bool]
    """For each kind, whether any bound is too high."""
    found: int
    """Bound of the whole volume."""
    active: int
    """How many voxels are."""
    agrees: bool
    """Whether the joint error is that of the set of all inactive voxels, and of any set."""


class Sets(NamedTuple):
    """All sets of voxels whose bounds are looked at."""

    forest: Forest
    chosen: sparse.csr_array
    """(n_sets, n_features)."""
    parcels: NDArray[np.int64]
    """(n_features,) labels from 1."""
    balls: sparse.csr_array
    """(n_balls, n_features)."""


def ellipsoid() -> VolumeDomain:
    """Make the search volume."""
    axes = [np.linspace(-1, 1, n) for n in SHAPE]
    distance = sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij"))
    return VolumeDomain(Grid(SHAPE, np.eye(4), 4), np.flatnonzero(distance <= 1))


def simulate(
    domain: VolumeDomain, cell: Cell, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Draw the maps of a group; tell where what the test looks for is true."""
    noise = rng.standard_normal((cell.n_maps, *SHAPE), dtype=np.float32)
    impulse = np.zeros(SHAPE)
    impulse[0, 0, 0] = 1.0
    if cell.fwhm:
        sd = [0.0, *[cell.fwhm / np.sqrt(8 * np.log(2))] * 3]
        noise = ndimage.gaussian_filter(noise, sd, mode="wrap")
        impulse = ndimage.gaussian_filter(impulse, sd[1:], mode="wrap")
    maps = noise.reshape(cell.n_maps, -1)[:, domain.features] / np.linalg.norm(impulse)

    n_balls, alternative = EFFECTS[cell.effects]
    places = domain.coordinates(np.arange(domain.n_features))
    effect = np.zeros(domain.n_features)
    for number, centre in enumerate(rng.choice(places, n_balls, replace=False)):
        inside = np.linalg.norm(places - centre, axis=1) <= rng.uniform(1.5, 5.0)
        effect[inside] = rng.uniform(0.4, 1.6) * (-1) ** number  # standard deviations
    active = np.asarray(effect != 0 if alternative == "two-sided" else effect > 0)
    return (maps + effect).astype(np.float32), active


def choose_sets(
    p_values: NDArray[np.floating], active: NDArray[np.bool_], rng: np.random.Generator
) -> sparse.csr_array:
    """Choose sets blindly, by their p-values, and knowing the truth; all inactive voxels last."""
    n_features = p_values.size
    shuffled = rng.permutation(n_features)
    ascending = np.argsort(p_values, kind="stable")
    inactive = ascending[~active[ascending]]
    true = rng.permutation(np.flatnonzero(active))
    members = []
    for number, size in enumerate(np.geomspace(1, n_features / 2, N_SETS - 1).astype(int)):
        start = rng.integers(n_features - size + 1)
        if number % 2:
            members.append(shuffled[start : start + size])
        elif number % 4:
            members.append(ascending[:size])
        else:
            some = rng.integers(true.size + 1)
            members.append(np.concatenate([inactive[:size], true[:some]]))
    members.append(inactive)
    return _regions(members, n_features)


def parcellate(domain: VolumeDomain, rng: np.random.Generator) -> NDArray[np.int64]:
    """Give every voxel to the nearest of some points."""
    places = domain.coordinates(np.arange(domain.n_features))
    points = rng.choice(places, N_PARCELS, replace=False)
    return np.asarray(np.argmin(cdist(points, places), axis=0) + 1)


def choose_balls(domain: VolumeDomain, rng: np.random.Generator) -> sparse.csr_array:
    """Place balls anywhere."""
    places = domain.coordinates(np.arange(domain.n_features))
    centres, radius = rng.choice(places, N_BALLS, replace=False), rng.uniform(1, 9, (N_BALLS, 1))
    return sparse.csr_array(cdist(centres, places) <= radius)


def judge(
    p_values: NDArray[np.floating],
    active: NDArray[np.bool_],
    sets: Sets,
    critical_vector: NDArray[np.floating],
) -> Outcome:
    """
    Hold the bounds of all sets against the truth.

    Parameters
    ----------
    p_values : (n_features,) array
        Of all voxels.
    active : (n_features,) array of bool
        The truth.
    sets : Sets
        What to bound; the last of ``sets.chosen`` are all inactive voxels.
    critical_vector : (n_critical,) array
        Of any method.

    Returns
    -------
    Outcome
    """
    forest = sets.forest
    above = np.concatenate([[0], np.cumsum(active[forest.feature])])
    last = np.arange(1, forest.size.size + 1)
    node_bounds = bound_forest(forest, p_values, critical_vector).n_discoveries
    wrong_nodes = node_bounds > above[last] - above[last - forest.size]

    _, set_bounds = min_true_discoveries_by_region(p_values, sets.chosen, critical_vector)
    wrong_sets = set_bounds > sets.chosen @ active.astype(np.int64)

    parcel, _, parcel_bounds = min_true_discoveries_by_label(
        p_values, sets.parcels, critical_vector
    )
    wrong_parcels = (
        parcel_bounds > np.bincount(sets.parcels[active], minlength=parcel[-1] + 1)[parcel]
    )
    _, ball_bounds = min_true_discoveries_by_region(p_values, sets.balls, critical_vector)
    wrong_balls = ball_bounds > sets.balls @ active.astype(np.int64)

    inactive_p = np.sort(p_values[~active])
    k_max = min(inactive_p.size, critical_vector.size)
    wrong = {
        "nodes": bool(wrong_nodes.any()),
        "sets": bool(wrong_sets.any()),
        "regions": bool(wrong_parcels.any() or wrong_balls.any()),
    }
    wrong["any"] = any(wrong.values())
    # at least k inactive voxels are at or below t_k when the k-th smallest of theirs is
    wrong["joint"] = bool(np.any(inactive_p[:k_max] <= critical_vector[:k_max]))
    agrees = wrong["any"] == wrong["joint"] == bool(wrong_sets[-1])
    found = min_true_discoveries(p_values, critical_vector)
    return Outcome(wrong, found, int(np.count_nonzero(active)), agrees)


def run_group(domain: VolumeDomain, cell: Cell, rng: np.random.Generator) -> dict[str, Outcome]:
    """Simulate a group, analyse it, and judge what each method says of it."""
    maps, active = simulate(domain, cell, rng)
    found = contrast_maps(rotate(maps, np.ones((cell.n_maps, 1))), np.ones(1))
    p_values = p_value(found.t, found.dof, EFFECTS[cell.effects][1])
    beyond = supra_threshold(found.t, 0.0, "two-sided")
    adjacency = domain.adjacency(np.flatnonzero(beyond), connectivity=26)
    sets = Sets(
        grow_forest(found.t, beyond, adjacency),
        choose_sets(p_values, active, rng),
        parcellate(domain, rng),
        choose_balls(domain, rng),
    )
    evidence = Evidence(p_values)
    return {name: judge(p_values, active, sets, METHODS[name](evidence, ALPHA)) for name in TESTED}


def tabulate(label: str, outcomes: list[Outcome]) -> str:
    """Put the errors of some groups in a line."""
    counts = {kind: sum(outcome.wrong[kind] for outcome in outcomes) for kind in KINDS}
    low, high = interval(counts["joint"], len(outcomes))
    n_active = sum(outcome.active for outcome in outcomes)
    n_found = sum(outcome.found for outcome in outcomes if outcome.active)
    share = f"{n_found / n_active:6.3f}" if n_active else "     -"
    errors = " ".join(f"{counts[kind] / len(outcomes):8.4f}" for kind in KINDS)
    return f"{label:36s} {len(outcomes):6d} {share} {errors}  [{low:.4f}, {high:.4f}]"


def interval(n_errors: int, n_groups: int) -> tuple[float, float]:
    """Find the 95 % confidence interval of Clopper and Pearson."""
    found = stats.binomtest(n_errors, n_groups).proportion_ci(0.95, method="exact")
    return float(found.low), float(found.high)


def report(method: str, results: list[tuple[Cell, Outcome]]) -> bool:
    """Print the table of a method; tell whether it keeps its promise."""
    print(f"\n{method}, alpha {ALPHA}: share of the groups in which any bound is too high")
    heads = " ".join(f"{kind:>8s}" for kind in KINDS)
    print(f"{'FWHM, maps, effects':36s} {'groups':>6s} {'found':>6s} {heads}  95 % of joint")

    def row(label: str, chosen: Iterable[tuple[Cell, Outcome]]) -> None:
        outcomes = [outcome for _, outcome in chosen]
        if outcomes:
            print(tabulate(label, outcomes))

    for cell in CELLS:
        row(f"{cell.fwhm:g}, {cell.n_maps}, {cell.effects}", (r for r in results if r[0] == cell))
    for axis, levels in enumerate((FWHMS, GROUP_SIZES, EFFECTS)):
        for level in levels:
            row(f"{Cell._fields[axis]} {level}", (r for r in results if r[0][axis] == level))
    row("all", results)

    outcomes = [outcome for _, outcome in results]
    for kind in KINDS:  # the joint error last
        n_wrong = sum(outcome.wrong[kind] for outcome in outcomes)
        low, high = interval(n_wrong, len(outcomes))
        print(f"{kind:7s} {n_wrong} of {len(outcomes)} groups, [{low:.4f}, {high:.4f}]")
    n_odd = sum(not outcome.agrees for outcome in outcomes)
    if n_odd:
        print(f"the two counts of the joint error differ in {n_odd} groups")
    return n_odd == 0 and low <= ALPHA


def main() -> None:
    """Simulate, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("--groups", type=int, default=2000, help="in total, spread over all cells")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same table")
    args = parser.parse_args()
    start = time.process_time()
    domain = ellipsoid()
    results: dict[str, list[tuple[Cell, Outcome]]] = {name: [] for name in TESTED}
    for number in range(args.groups):
        cell = CELLS[number % len(CELLS)]
        outcomes = run_group(domain, cell, np.random.default_rng([args.seed, number]))
        for name, outcome in outcomes.items():
            results[name].append((cell, outcome))
    print(
        f"{args.groups:,} groups, {domain.n_features:,} voxels, in each the bounds of about as many "
        f"clusters, {N_SETS:,} sets, {N_PARCELS + N_BALLS} regions\n"
        "found: bound of the whole volume, as a share of the active voxels"
    )
    kept = [report(name, of_method) for name, of_method in results.items()]
    print(f"\n{time.process_time() - start:.0f} CPU seconds")
    raise SystemExit(not all(kept))


def _regions(members: list[NDArray[np.intp]], n_features: int) -> sparse.csr_array:
    """Make an array of regions from the features of each."""
    start = np.cumsum([0, *(one.size for one in members)])
    return sparse.csr_array(
        (np.ones(start[-1], dtype=bool), np.concatenate(members), start),
        shape=(len(members), n_features),
    )


if __name__ == "__main__":
    main()
