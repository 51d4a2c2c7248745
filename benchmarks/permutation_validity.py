"""
How often thresholds from sign flips are passed by inactive voxels, and what they find.

Each group has smooth noise, with or without effects in balls, large ones and small ones that are
stronger; effects are added after the noise is smoothed, so that it is known exactly which voxels are
active. The one-sample test is flipped, and the pivots of all templates are calibrated. A group is an
error of a method if, for some k, at least k inactive voxels have p-values at or below its k-th
threshold: then, and only then, is some bound too high.

Bounds are those of the volume, and of the clusters above z = 3.1, by their sizes: their sum, as
a proportion of the voxels in them that are active.

The exit status is 1 if the 95 % interval (Clopper and Pearson) of an error over all groups lies above
alpha.

    python -m benchmarks.permutation_validity [--groups 200] [--flips 240] [--seed 0]
"""

import argparse
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bids_ari.stats import (
    METHODS,
    Aorc,
    Beta,
    Evidence,
    HigherCriticism,
    NullPivots,
    Simes,
    Template,
    highest,
    joint_error,
    learn,
    min_true_discoveries,
    min_true_discoveries_by_label,
    p_value,
    pivots_from,
    share_of,
    single_step,
    z_and_p_values,
)

ALPHA = 0.05
SHAPE = (18, 20, 16)
FWHMS = (0.0, 2.0, 4.0)
"""Of the noise, in voxels."""
GROUP_SIZES = (10, 20)
EFFECTS = ("none", "balls")
LARGE, SMALL = (4.0, 0.9, 2), (1.5, 1.6, 3)
"""Radius in voxels, effect in standard deviations, and how many."""
N_TRAINING = 120
BANDS = {"1-9": (1, 9), "10-99": (10, 99), "100-": (100, np.inf)}
"""Sizes of clusters."""
COMBINED = {
    "simes + simes27": ("simes", "simes27"),
    "simes + beta": ("simes", "beta"),
    "simes + learned": ("simes", "learned"),
    "simes27 + beta": ("simes27", "beta"),
    "simes + simes27 + beta": ("simes", "simes27", "beta"),
    "simes + simes27 + learned": ("simes", "simes27", "learned"),
}
"""Templates that share alpha."""


class Cell(NamedTuple):
    """What groups have in common."""

    fwhm: float
    n_maps: int
    effects: str


CELLS = [Cell(*levels) for levels in product(FWHMS, GROUP_SIZES, EFFECTS)]


def simulate(
    cell: Cell, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Draw the maps of a group; tell which voxels are active."""
    noise = rng.standard_normal((cell.n_maps, *SHAPE))
    if cell.fwhm:
        sd = cell.fwhm / np.sqrt(8 * np.log(2))
        noise = ndimage.gaussian_filter(noise, (0, sd, sd, sd), mode="wrap")
        noise /= noise.std()
    effect = np.zeros(SHAPE)
    if cell.effects == "balls":
        axes = np.meshgrid(*map(np.arange, SHAPE), indexing="ij")
        for radius, size, count in (LARGE, SMALL):
            for _ in range(count):
                centre = rng.integers(np.ceil(radius), np.array(SHAPE) - np.ceil(radius))
                distance = sum((axis - at) ** 2 for axis, at in zip(axes, centre, strict=True))
                effect[distance <= radius**2] = size * rng.choice([-1, 1])
    return (noise + effect).reshape(cell.n_maps, -1), effect.ravel() != 0


def t_values(maps: NDArray[np.float64], signs: NDArray[np.float64]) -> NDArray[np.float64]:
    """One-sample t under sign flips, (n_flips, n_features)."""
    n_maps = len(maps)
    mean = signs @ maps / n_maps
    spread = np.sum(maps**2, axis=0) - n_maps * mean**2
    return np.asarray(mean * np.sqrt(n_maps * (n_maps - 1) / spread))


def smallest_p_values(
    maps: NDArray[np.float64], signs: NDArray[np.float64]
) -> NDArray[np.float64]:
    """P-values under sign flips, ascending."""
    heights = -np.sort(-np.abs(t_values(maps, signs)), axis=1)
    return np.asarray(p_value(heights, len(maps) - 1, "two-sided"))


def critical_vectors(
    p_values: NDArray[np.float64],
    smallest: NDArray[np.float64],
    training: NDArray[np.float64],
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Give the thresholds of each method."""
    m = p_values.size
    templates: tuple[Template, ...] = (
        Simes(), Simes(9), Simes(27), Beta(), Aorc(), HigherCriticism(), learn(training[:, :1000])
    )  # fmt: skip
    pivots = {one.name: pivots_from(smallest, one, m) for one in templates}
    by_name = {one.name: one for one in templates}
    for method in ("ari", "hommel"):
        yield method, METHODS[method](Evidence(p_values), ALPHA)
    for name, template in by_name.items():
        yield name, single_step(template, pivots[name], ALPHA, m).critical_vector
    for name, parts in COMBINED.items():
        alpha = ALPHA / len(parts)
        yield (
            name,
            highest(
                [single_step(by_name[one], pivots[one], alpha, m).critical_vector for one in parts]
            ),
        )
    yield (
        "auto",
        METHODS["auto"](
            Evidence(p_values, NullPivots(templates[:1] + templates[2:4], pivots)), ALPHA
        ),
    )


def judge(cell: Cell, n_flips: int, rng: np.random.Generator) -> dict[str, dict[str, float]]:
    """Analyse one group with all methods."""
    maps, active = simulate(cell, rng)
    signs = rng.choice([-1.0, 1.0], size=(n_flips, cell.n_maps))
    signs[0] = 1  # the data as they are
    smallest = smallest_p_values(maps, signs)
    training = smallest_p_values(maps, rng.choice([-1.0, 1.0], size=(N_TRAINING, cell.n_maps)))
    z_values, p_values = z_and_p_values(t_values(maps, signs[:1])[0], cell.n_maps - 1, "two-sided")
    inactive = np.sort(p_values[~active])[None]
    labels = _clusters(z_values)
    outcome = {}
    for name, critical_vector in critical_vectors(p_values, smallest, training):
        label, size, found = min_true_discoveries_by_label(p_values, labels, critical_vector)
        true = np.bincount(labels, active, labels.max() + 1)[label]
        result = {
            "wrong": float(joint_error(inactive, critical_vector[: inactive.size]).n),
            "all": float(min_true_discoveries(p_values, critical_vector)),
            "true all": float(active.sum()),
        }
        for band, (least, most) in BANDS.items():
            inside = (size >= least) & (size <= most)
            result[band] = float(found[inside].sum())
            result[f"true {band}"] = float(true[inside].sum())
        outcome[name] = result
    return outcome


def _clusters(z_values: NDArray[np.float64]) -> NDArray[np.int64]:
    volume = z_values.reshape(SHAPE)
    positive, n_positive = ndimage.label(volume > 3.1, np.ones((3, 3, 3)))
    negative, _ = ndimage.label(volume < -3.1, np.ones((3, 3, 3)))
    labels = positive + np.where(negative, negative + n_positive, 0)
    return np.asarray(labels.ravel(), np.int64)


def show(title: str, totals: Mapping[str, Mapping[str, float]], n_groups: int) -> bool:
    """Print one table; tell whether all errors may be alpha."""
    print(f"\n{title}, {n_groups} groups")
    print(f"{'method':28}{'error':>7}  95 % interval  {'all':>7}", *(f"{b:>7}" for b in BANDS))
    fine = True
    for name, total in totals.items():
        error = share_of(int(total["wrong"]), n_groups)
        shares = [total[b] / max(total[f"true {b}"], 1) for b in ("all", *BANDS)]
        print(
            f"{name:28}{error.share:7.3f}  {error.low:.3f} to {error.high:.3f}",
            *(f"{share:7.3f}" for share in shares),
        )
        fine &= error.low <= ALPHA
    return fine


def main() -> int:
    """Run the simulation; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--groups", type=int, default=200, help="of each kind")
    parser.add_argument("--flips", type=int, default=240, help="the data as they are among them")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    start = time.perf_counter()
    total: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for position, cell in enumerate(CELLS):
        of_cell: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for group in range(arguments.groups):
            rng = np.random.default_rng([arguments.seed, position, group])
            for method, result in judge(cell, arguments.flips, rng).items():
                for key, value in result.items():
                    of_cell[method][key] += value
                    total[method][key] += value
        show(
            f"FWHM {cell.fwhm}, {cell.n_maps} maps, effects: {cell.effects}",
            of_cell,
            arguments.groups,
        )
    fine = show("all", total, arguments.groups * len(CELLS))
    print(f"\n{time.perf_counter() - start:.0f} s")
    return 0 if fine else 1


if __name__ == "__main__":
    raise SystemExit(main())
