"""
How much each method finds: bounds of the largest clusters and of the whole volume.

Groups of 20 and of 40 maps with noise of 6 mm (FWHM) on a volume of the size of a brain at 3 mm. Effects
of both signs are added to the smooth noise, in balls: few and strong, broad and weak, or both. The
same sign flips calibrate all templates; clusters are those at z > 3.1 and z < -3.1, and the three largest
of each group are bounded. The figure has their bounds, and the tables means over groups:

    TDP      bounds of the three largest clusters (fewer, where there are no three)
    found    bound of the whole volume, as a share of the active voxels

With ``--lists``, instead, templates that share alpha: how much each list of them finds, and the most
that it misses of the best method, over all kinds of groups.

    python -m benchmarks.permutation_power [--groups 20] [--seed 0] [--figure FILE.svg] [--lists]
"""

import argparse
import io
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bids_ari.files import write_text
from bids_ari.stats import (
    AUTO,
    METHODS,
    Aorc,
    Beta,
    Calibrated,
    Evidence,
    HigherCriticism,
    Simes,
    Template,
    contrast_maps,
    draw_transformations,
    exchangeable,
    highest,
    learn,
    min_true_discoveries,
    nuisance_residuals,
    pivots_from,
    resample,
    rotate,
    single_step,
    supplier,
    z_and_p_values,
)

ALPHA, HEIGHT = 0.05, 3.1
VOXEL_SIZE, FWHM = 3.0, 6.0
"""In mm."""
HALF_AXES = (66.0, 81.0, 60.0)
"""Of the ellipsoid that is searched, in mm."""
N_FLIPS = 240
"""To calibrate, and as many others to learn from."""
N_LARGEST, N_LEARNED = 3, 1000
GROUP_SIZES = (20, 40)
_MARKERS = (("o", "#0072B2"), ("^", "#D55E00"), ("s", "#009E73"))
"""Of the largest cluster, the second and the third: unlike in shape, and in colour to all eyes."""


class Ball(NamedTuple):
    """Where effects are."""

    radius: float
    """In mm."""
    effect: float
    """In the middle, in standard deviations; half of it at the edge."""


_STRONG = [Ball(6.0, 1.6)] * 8 + [Ball(4.0, 2.0)] * 8
_WEAK = [Ball(30.0, 0.6)] * 3 + [Ball(20.0, 0.7)] * 3
EFFECTS: dict[str, list[Ball]] = {
    "few and strong": _STRONG,
    "broad and weak": _WEAK,
    "both": [*_WEAK, *_STRONG],
}
TEMPLATES: tuple[Template, ...] = (
    *(Simes(shift) for shift in (0, 1, 3, 9, 27, 100)), Beta(), Aorc(), HigherCriticism()
)  # fmt: skip
"""Without the one that is learned."""
SINGLE = ("simes", "simes9", "simes27", "beta", "aorc", "higher-criticism", "learned")
LISTS = (
    ("simes", "simes9"),
    ("simes", "simes27"),
    ("simes", "beta"),
    ("simes", "learned"),
    ("simes", "higher-criticism"),
    ("simes1", "simes27"),
    ("simes3", "simes27"),
    ("simes3", "simes100"),
    ("simes3", "higher-criticism"),
    ("simes9", "beta"),
    ("simes9", "higher-criticism"),
    ("simes", "simes3", "simes27"),
    ("simes", "simes3", "higher-criticism"),
    ("simes", "simes9", "higher-criticism"),
    ("simes", "simes9", "simes100"),
    ("simes", "simes27", "beta"),
    ("simes", "simes27", "learned"),
    ("simes", "simes27", "higher-criticism"),
    ("simes3", "simes27", "higher-criticism"),
)
"""By the names of templates."""


class Cell(NamedTuple):
    """What groups have in common."""

    effects: str
    n_maps: int


CELLS = [Cell(*levels) for levels in product(EFFECTS, GROUP_SIZES)]


class Found(NamedTuple):
    """What a method found in one group."""

    tdp: tuple[float, ...]
    """Of the largest clusters."""
    share: float
    """Bound of the whole volume, of its active voxels."""
    suppliers: tuple[str, ...]
    """Which template supplied the bound of each of the largest clusters, if any did."""


def volume() -> NDArray[np.bool_]:
    """Make the search volume."""
    axes = [np.arange(-half, half + 1, VOXEL_SIZE) / half for half in HALF_AXES]
    return np.asarray(sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij")) <= 1)


def simulate(
    mask: NDArray[np.bool_], cell: Cell, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Draw the maps of a group; tell which voxels are active."""
    sd = FWHM / VOXEL_SIZE / np.sqrt(8 * np.log(2))
    noise = np.stack(
        [
            ndimage.gaussian_filter(rng.standard_normal(mask.shape, np.float32), sd, mode="wrap")
            for _ in range(cell.n_maps)
        ]
    )
    noise /= noise.std()
    places = np.argwhere(mask) * VOXEL_SIZE
    effect = np.zeros(len(places))
    for number, ball in enumerate(EFFECTS[cell.effects]):
        distance = np.linalg.norm(places - rng.choice(places), axis=1) / ball.radius
        profile = ball.effect * (1 - distance**2 / 2) * (-1) ** number
        effect = np.where((distance <= 1) & (np.abs(profile) > np.abs(effect)), profile, effect)
    return noise[:, mask] + effect.astype(np.float32), effect != 0


def calibrate_all(
    maps: NDArray[np.float32], seed: int
) -> tuple[dict[str, Template], dict[str, NDArray[np.float64]]]:
    """Find the pivots of all templates, by their names."""
    exchange = exchangeable(np.ones((len(maps), 1)), np.ones(1))
    residuals = nuisance_residuals(maps, exchange)
    flips = draw_transformations(exchange, N_FLIPS, seed=seed)
    others = draw_transformations(exchange, N_FLIPS, seed=seed + 1, with_identity=False)
    sample = resample(residuals, exchange, flips, TEMPLATES, n_smallest=N_LEARNED)
    training = resample(residuals, exchange, others, n_smallest=N_LEARNED)
    learned = learn(training.smallest)
    pivots = {
        **sample.pivots, learned.name: pivots_from(sample.smallest, learned, maps.shape[1])
    }  # fmt: skip
    return {one.name: one for one in (*TEMPLATES, learned)}, pivots


def largest_clusters(mask: NDArray[np.bool_], z: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """Members of the largest clusters of both signs."""
    found: list[NDArray[np.intp]] = []
    for sign in (1, -1):
        beyond = np.zeros(mask.shape, bool)
        beyond[mask] = sign * z > HEIGHT
        labels, n = ndimage.label(beyond, np.ones((3, 3, 3)))
        found += [np.flatnonzero(labels[mask] == label) for label in range(1, n + 1)]
    return sorted(found, key=lambda one: -one.size)[:N_LARGEST]


def run_group(
    lists: Mapping[str, Sequence[str]], part: tuple[Cell, list[int]]
) -> tuple[dict[str, Found], tuple[float, ...]]:
    """Simulate a group and bound it; tell also the true TDP of the clusters."""
    cell, seed = part
    mask, rng = volume(), np.random.default_rng(seed)
    maps, active = simulate(mask, cell, rng)
    templates, pivots = calibrate_all(maps, int(rng.integers(2**32)))
    group = contrast_maps(rotate(maps, np.ones((len(maps), 1))), np.ones(1))
    z, p_values = z_and_p_values(group.t, group.dof, "two-sided")
    clusters = largest_clusters(mask, z)

    def look(critical_vector: NDArray[np.float64], parts: Sequence[Calibrated]) -> Found:
        bounds = [min_true_discoveries(p_values[one], critical_vector) for one in clusters]
        sources = [supplier(p_values[one], parts) if parts else None for one in clusters]
        return Found(
            tuple(bound / one.size for bound, one in zip(bounds, clusters, strict=True)),
            min_true_discoveries(p_values, critical_vector) / np.count_nonzero(active),
            tuple(one.template.name for one in sources if one),
        )

    found = {"ari": look(METHODS["ari"](Evidence(p_values), ALPHA), ())}
    for name, members in lists.items():
        parts = [
            single_step(templates[one], pivots[one], ALPHA / len(members), p_values.size)
            for one in members
        ]
        found[name] = look(highest([one.critical_vector for one in parts]), parts)
    return found, tuple(float(active[one].mean()) for one in clusters)


Results = dict[Cell, list[tuple[dict[str, Found], tuple[float, ...]]]]
"""Of each group: what methods found, and the true TDP of its largest clusters."""


def run(lists: Mapping[str, Sequence[str]], n_groups: int, seed: int) -> Results:
    """Run all groups in two processes."""
    parts = [
        (cell, [seed, position, group])
        for position, cell in enumerate(CELLS)
        for group in range(n_groups)
    ]
    with Pool(2) as pool:
        results = pool.map(partial(run_group, lists), parts, chunksize=1)
    return {
        cell: [result for (one, _), result in zip(parts, results, strict=True) if one == cell]
        for cell in CELLS
    }


def mean_tdp(groups: Sequence[Found], rank: int | None = None) -> float:
    """Average the bounds of the largest clusters of all groups, or those of one rank."""
    places = slice(None) if rank is None else slice(rank, rank + 1)
    bounds = [tdp for one in groups for tdp in one.tdp[places]]
    return float(np.mean(bounds)) if bounds else np.nan


def tabulate(methods: Sequence[str], results: Results) -> str:
    """Put means in a table in Markdown: TDP, and found in the whole volume."""
    heads = [f"{cell.effects}, {cell.n_maps}" for cell in results]
    lines = [f"| | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for method in methods:
        cells = []
        for groups in results.values():
            found = [one[method] for one, _ in groups]
            share = np.mean([one.share for one in found])
            cells.append(f"{mean_tdp(found):.3f}, {share:.3f}")
        lines.append(f"| {method} | {' | '.join(cells)} |")
    true = [np.mean([tdp for _, tdps in groups for tdp in tdps]) for groups in results.values()]
    return "\n".join([*lines, f"| true | {' | '.join(f'{one:.3f}, 1' for one in true)} |"])


def count_suppliers(results: Results, method: str = "auto") -> str:
    """Tell which template the bounds of the largest clusters came from."""
    lines = ["| | " + " | ".join(f"{cell.effects}, {cell.n_maps}" for cell in results) + " |"]
    lines.append("|---" * (1 + len(results)) + "|")
    counts = [
        Counter(name for found, _ in groups for name in found[method].suppliers)
        for groups in results.values()
    ]
    for name in sorted(set().union(*counts)):
        shares = [f"{count[name]} of {count.total()}" for count in counts]
        lines.append(f"| {name} | {' | '.join(shares)} |")
    return "\n".join(lines)


def compare(lists: Mapping[str, Sequence[str]], results: Results) -> str:
    """
    Tell how much each list of templates misses of the best single template.

    Differences are those of the means over groups of one kind: of the TDP of the largest clusters of
    each rank, and of the share found in the volume.
    """
    scores = {
        name: np.array(
            [
                value
                for groups in results.values()
                for found in [[one[name] for one, _ in groups]]
                for value in (
                    *(mean_tdp(found, rank) for rank in range(N_LARGEST)),
                    float(np.mean([one.share for one in found])),
                )
            ]
        )
        for name in lists
    }
    best = np.fmax.reduce([scores[name] for name in SINGLE])
    lines = ["| templates | misses on average | at most |", "|---|---|---|"]
    order = sorted(scores, key=lambda name: float(np.nanmean(best - scores[name])))
    for name in order:
        missed = best - scores[name]
        lines.append(f"| {name} | {np.nanmean(missed):.4f} | {np.nanmax(missed):.4f} |")
    return "\n".join(lines)


def draw(results: Results, methods: Sequence[str], path: Path) -> None:
    """Draw the mean bounds of the largest clusters: a panel for each kind of group."""
    import matplotlib as mpl  # slow to import
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "power", "font.size": 9}):
        figure = Figure(figsize=(8.2, 4.8), layout="constrained")
        panels = figure.subplots(len(GROUP_SIZES), len(EFFECTS), sharex=True, sharey=True)
        height = np.arange(len(methods))[::-1]
        for (row, n_maps), (column, effects) in product(
            enumerate(GROUP_SIZES), enumerate(EFFECTS)
        ):
            panel, groups = panels[row, column], results[Cell(effects, n_maps)]
            for rank, (marker, colour) in enumerate(_MARKERS):
                bounds = [mean_tdp([one[name] for one, _ in groups], rank) for name in methods]
                label = ("largest cluster", "second", "third")[rank]
                panel.plot(bounds, height, marker, color=colour, markersize=5, label=label)
            panel.set_title(f"{effects}, {n_maps} maps", fontsize=9)
            panel.set_xlim(-0.03, 1.03)
            panel.grid(axis="both", color="0.9", linewidth=0.6)
            panel.set_axisbelow(True)
            panel.spines[["top", "right"]].set_visible(False)
        panels[0, 0].set_yticks(height, methods)
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
        figure.supxlabel("mean TDP bound", fontsize=9)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    write_text(text.getvalue(), path)


def main() -> None:
    """Simulate, bound, print and draw."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n", maxsplit=1)[0])
    parser.add_argument("--groups", type=int, default=20, help="of each kind")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same tables")
    parser.add_argument("--figure", type=Path, help="draw the bounds of clusters as SVG")
    parser.add_argument("--lists", action="store_true", help="compare templates that share alpha")
    arguments = parser.parse_args()
    start = time.perf_counter()
    lists: dict[str, tuple[str, ...]] = {name: (name,) for name in SINGLE}
    if arguments.lists:
        lists |= {" + ".join(names): names for names in LISTS}
    else:
        lists["auto"] = tuple(one.name for one in AUTO)
    results = run(lists, arguments.groups, arguments.seed)
    print(
        f"{arguments.groups} groups of each kind, {np.count_nonzero(volume()):,} voxels, "
        f"{N_FLIPS} sign flips, alpha {ALPHA}\n"
    )
    if arguments.lists:
        print(compare(lists, results) + "\n")
    print(tabulate(["ari", *lists], results))
    if not arguments.lists:
        print(f"\nsuppliers of auto: {', '.join(lists['auto'])}\n")
        print(count_suppliers(results))
    if arguments.figure:
        draw(results, ["ari", *lists], arguments.figure)
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
