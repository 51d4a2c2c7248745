"""
How often thresholds calibrated on random transformations are passed by inactive voxels.

Each group has smooth noise on a torus, and in half of them effects of both signs in balls; effects are
added after the noise is smoothed, so that it is known exactly which voxels are active. Its model is
fitted to transformed data, and the thresholds of every method are calibrated, in a single step and
stepping down. A group is an error of a method if, for some k, at least k inactive voxels have p-values
at or below its k-th threshold: then, and only then, is some bound too high.

What theory says depends on the design and on the errors of maps:

    exact       one sample with errors that are symmetric about 0, and two samples with errors of any
                kind that are the same in both: an error has probability alpha at most
    asymptotic  covariates beside nuisance, and a mean beside covariates (Freedman and Lane): with
                many maps
    nothing     one sample with skewed errors, and a mean beside covariates with these

Templates that were learned from the same data are promised where there are no effects only, and `ari`,
which is shown beside, needs other assumptions. Without effects, stepping down changes no error.

The exit status is 1 if an interval (Clopper and Pearson) of an exact row lies above alpha: an interval
that holds for all these rows at once, with a confidence of 95 %. Intervals that are printed hold for
one row each.

    python -m benchmarks.permutation_validity [--groups 1000] [--seed 0] [--quick]
"""

import argparse
import os
import time
from collections import Counter
from collections.abc import Iterable
from functools import cache, partial
from itertools import pairwise, product
from multiprocessing import Pool
from typing import NamedTuple

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special

from bids_ari.stats import (
    AUTO,
    METHODS,
    Aorc,
    Beta,
    Evidence,
    Exchange,
    HigherCriticism,
    NullPivots,
    Share,
    Simes,
    Template,
    Transformations,
    draw_transformations,
    exchangeable,
    learn,
    nuisance_residuals,
    p_value,
    share_of,
)

ALPHA = 0.05
SHAPE = (8, 11, 12)
FWHM = 3.0
"""Of the noise, in voxels."""
N_TRANSFORMATIONS, N_TRAINING = 120, 60
"""Alpha of the first, and its parts in ``auto``, are whole."""
N_RANKS = 100
"""Of the templates that have only so many thresholds: a tenth of the voxels."""
GROUP_SIZES = (10, 20)
DESIGNS = ("one sample", "two samples", "covariate", "mean beside covariates")
ERRORS = ("Gaussian", "heavy-tailed", "skewed")
N_BALLS, RADIUS, EFFECT = 3, (1.4, 2.6), (0.8, 2.0)
"""Of effects: in voxels, and in standard deviations."""
_GROUPS_AT_ONCE = 25
_N_STRETCHES, _PER_UNIT = 24, 500
N_NEEDED = int(ALPHA * N_TRANSFORMATIONS) + 1
"""No level is calibrated to a larger pivot than that of this rank, from 0."""


class Cell(NamedTuple):
    """What groups have in common."""

    design: str
    errors: str
    n_maps: int
    signal: bool

    @property
    def promise(self) -> str:
        """What theory says of the joint error."""
        if self.errors == "skewed" and self.design in ("one sample", "mean beside covariates"):
            return "nothing"
        return "asymptotic" if "covariate" in self.design else "exact"


CELLS = [Cell(*levels) for levels in product(DESIGNS, ERRORS, GROUP_SIZES, (False, True))]

METHOD_OF: dict[str, tuple[str, tuple[Template, ...]]] = {
    "simes": ("simes", (Simes(),)),
    "simes, shift 27": ("simes", (Simes(27),)),
    "beta": ("beta", (Beta(N_RANKS),)),
    "aorc": ("aorc", (Aorc(),)),
    "higher-criticism": ("higher-criticism", (HigherCriticism(),)),
    "learned": ("learned", ()),  # from transformations of the group
    "auto": ("auto", tuple(Beta(N_RANKS) if one == Beta() else one for one in AUTO)),
}
"""The method, and its templates."""
STEPPED = ("simes", "beta", "aorc", "higher-criticism", "learned")
"""Those that stepping down can change."""
ROWS = ("ari", *METHOD_OF, *(f"{name}, step-down" for name in STEPPED))


def draw_design(cell: Cell, rng: np.random.Generator) -> tuple[NDArray[np.float64], int]:
    """Draw regressors; the column that is tested."""
    n = cell.n_maps
    ones = np.ones((n, 1))
    if cell.design == "one sample":
        return ones, 0
    if cell.design == "two samples":  # of unequal size
        return np.column_stack([ones, np.arange(n) < 0.4 * n]), 1
    if cell.design == "mean beside covariates":
        covariates = rng.standard_normal((n, 3))
        return np.column_stack([ones, covariates - covariates.mean(axis=0)]), 0
    nuisance = rng.standard_normal((n, 2))
    tested = nuisance @ [0.7, -0.6] + 0.7 * rng.standard_normal(n)
    return np.column_stack([ones, tested, nuisance]), 1


def draw_errors(cell: Cell, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw smooth fields whose marginal distribution is as the cell says, with variance 1."""
    noise = rng.standard_normal((cell.n_maps, *SHAPE))
    sd = FWHM / np.sqrt(8 * np.log(2))
    impulse = np.zeros(SHAPE)
    impulse[0, 0, 0] = 1.0
    length = np.linalg.norm(ndimage.gaussian_filter(impulse, sd, mode="wrap"))
    noise = ndimage.gaussian_filter(noise, (0, sd, sd, sd), mode="wrap").reshape(cell.n_maps, -1)
    noise /= length
    if cell.errors == "heavy-tailed":  # Student's t with 3 degrees of freedom
        return np.asarray(special.stdtrit(3, special.ndtr(noise)) / np.sqrt(3))
    if cell.errors == "skewed":  # exponential
        return np.asarray(-special.log_ndtr(-noise) - 1)
    return noise


def simulate(
    cell: Cell, rng: np.random.Generator
) -> tuple[NDArray[np.float64], Exchange, NDArray[np.bool_]]:
    """Draw the maps of a group, and its test; tell which voxels are active."""
    design, column = draw_design(cell, rng)
    exchange = exchangeable(design, np.eye(design.shape[1])[column])
    effect = np.zeros(SHAPE)
    axes = np.meshgrid(*map(np.arange, SHAPE), indexing="ij")
    for _ in range(N_BALLS if cell.signal else 0):
        apart = [
            (axis - at + n / 2) % n - n / 2
            for axis, at, n in zip(axes, rng.integers(SHAPE), SHAPE, strict=True)
        ]
        inside = sum(one**2 for one in apart) <= rng.uniform(*RADIUS) ** 2
        effect[inside] = rng.uniform(*EFFECT) * rng.choice([-1, 1])
    size = np.sqrt(cell.n_maps) * exchange.tested  # as large as the intercept of one sample
    return draw_errors(cell, rng) + size * effect.ravel(), exchange, effect.ravel() != 0


class Statistics:
    """P-values of a test under transformations of the data."""

    def __init__(
        self, maps: NDArray[np.float64], exchange: Exchange, drawn: Transformations
    ) -> None:
        columns = np.concatenate([exchange.tested, exchange.changing], axis=1)
        values = nuisance_residuals(maps, exchange).values
        tested, *nuisance = np.moveaxis(drawn.weights(columns) @ values.T, 1, 0)
        rest = 1 - sum((one**2 for one in nuisance), np.zeros(()))
        correlation = np.abs(tested) / np.sqrt(rest)
        self.p_values = p_of(correlation, exchange.dof)
        """(n_transformations, n_features)."""
        self._ordered = np.sort(self.p_values)

    def smallest(self, n_ranks: int) -> NDArray[np.float64]:
        """(n_transformations, n_ranks) smallest p-values, ascending."""
        return self._ordered[:, :n_ranks]

    def pivots(
        self, template: Template, mask: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """
        Find pivots over all features, or some, as far as these matter.

        Those that a level can be calibrated to are the same as from
        :func:`bids_ari.stats.pivots_from`, and others are larger than these. Few levels are
        computed: of the ranks between two, none has a lower one than the last of them with the
        first p-value.
        """
        n_features = self.p_values.shape[1]
        ordered = self._ordered if mask is None else np.sort(self.p_values[:, mask])
        k_max = min(template.k_max(n_features), ordered.shape[1])
        last = np.unique(np.geomspace(1, k_max, _N_STRETCHES).astype(np.int64))
        at_last = ordered[:, last - 1]
        pivots = template.levels(at_last, last, n_features).min(axis=1)
        least = template.levels(at_last[:, :-1], last[1:], n_features)
        largest = np.partition(pivots, N_NEEDED)[N_NEEDED]
        row, stretch = np.nonzero(least < np.minimum(pivots, largest)[:, None])
        size = last[stretch + 1] - last[stretch] - 1
        row, before = np.repeat(row, size), np.repeat(last[stretch], size)
        rank = before + 1 + np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        np.minimum.at(pivots, row, template.levels(ordered[row, rank - 1], rank, n_features))
        return np.asarray(pivots)


def p_of(correlation: NDArray[np.float64], dof: int) -> NDArray[np.float64]:
    """Look up p-values of partial correlations: right to a relative 1e-5."""
    logarithms, steps = _table(dof)
    with np.errstate(divide="ignore"):
        place = np.minimum(np.arctanh(np.minimum(correlation, 1)) * _PER_UNIT, steps.size - 1)
    before = place.astype(np.int64)
    return np.asarray(np.exp(logarithms[before] + (place - before) * steps[before]))


@cache
def _table(dof: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nodes = np.arange(10 * _PER_UNIT) / _PER_UNIT
    logarithms = np.log(p_value(np.sqrt(dof) * np.sinh(nodes), dof, "two-sided"))
    return logarithms, np.diff(logarithms)


def critical_vectors(
    p_values: NDArray[np.float64], statistics: Statistics, training: Statistics
) -> dict[str, NDArray[np.float64]]:
    """Give the thresholds of each row of the table."""
    learned = learn(training.smallest(N_RANKS))
    pivots: dict[str, NDArray[np.float64]] = {}
    vectors = {"ari": METHODS["ari"](Evidence(p_values), ALPHA)}
    for name, (method, templates) in METHOD_OF.items():
        templates = templates or (learned,)
        for one in templates:
            if one.name not in pivots:
                pivots[one.name] = statistics.pivots(one)
        null = NullPivots(templates, pivots)
        vectors[name] = METHODS[method](Evidence(p_values, null), ALPHA)
        if name in STEPPED:
            null = NullPivots(templates, pivots, statistics.pivots)
            vectors[f"{name}, step-down"] = METHODS[method](Evidence(p_values, null), ALPHA)
    return vectors


def passes(p_values: NDArray[np.float64], critical_vector: NDArray[np.float64]) -> bool:
    """Whether, for some k, k of the p-values are at or below the k-th threshold."""
    n_ranks = min(p_values.size, critical_vector.size)
    return bool(np.any(np.sort(p_values)[:n_ranks] <= critical_vector[:n_ranks]))


def run_group(cell: Cell, rng: np.random.Generator) -> list[str]:
    """Simulate a group, analyse it, and name the rows that are wrong."""
    maps, exchange, active = simulate(cell, rng)
    seed = int(rng.integers(2**32))
    drawn = draw_transformations(exchange, N_TRANSFORMATIONS, alpha=ALPHA / len(AUTO), seed=seed)
    others = draw_transformations(exchange, N_TRAINING, seed=seed + 1, with_identity=False)
    statistics = Statistics(maps, exchange, drawn)
    p_values = statistics.p_values[0]
    vectors = critical_vectors(p_values, statistics, Statistics(maps, exchange, others))
    return [row for row, vector in vectors.items() if passes(p_values[~active], vector)]


def run_groups(seed: int, part: tuple[int, int, int]) -> Counter[str]:
    """Count the errors of some groups of a cell."""
    position, first, last = part
    errors: Counter[str] = Counter()
    for group in range(first, last):
        errors.update(run_group(CELLS[position], np.random.default_rng([seed, position, group])))
    return errors


def tabulate(
    heads: Iterable[str], rows: Iterable[tuple[Cell, Counter[str]]], n_groups: int
) -> str:
    """Put errors in a table in Markdown: a line for each cell, a column for each method."""
    heads = tuple(heads)
    lines = [
        "| design | errors | maps | promised | " + " | ".join(heads) + " |",
        "|---" * (4 + len(heads)) + "|",
    ]
    for cell, errors in rows:
        shares = " | ".join(f"{errors[head] / n_groups:.3f}" for head in heads)
        lines.append(
            f"| {cell.design} | {cell.errors} | {cell.n_maps} | {cell.promise} | {shares} |"
        )
    return "\n".join(lines)


def is_promised(cell: Cell, row: str) -> bool:
    """Whether theory says that an error has a probability of alpha at most."""
    by_theory = row != "ari" and not (cell.signal and row.startswith("learned"))
    return by_theory and cell.promise == "exact"


def too_often(errors: dict[Cell, Counter[str]], n_groups: int) -> list[tuple[Cell, str, Share]]:
    """Find what is promised and does not hold, with intervals that hold all at once."""
    promised = [(cell, row) for cell, row in product(errors, ROWS) if is_promised(cell, row)]
    confidence = 1 - 0.05 / max(len(promised), 1)
    shares = [(*one, share_of(errors[one[0]][one[1]], n_groups, confidence)) for one in promised]
    return [one for one in shares if one[2].low > ALPHA]


def report(errors: dict[Cell, Counter[str]], n_groups: int) -> bool:
    """Print all tables; tell whether what is promised holds."""
    single, stepped = ROWS[: 1 + len(METHOD_OF)], ROWS[1 + len(METHOD_OF) :]
    for signal, what, heads in (
        (False, "no effects", single),
        (True, "effects in balls", single),
        (True, "effects in balls", stepped),
    ):
        print(f"\n{what}: share of the groups with any bound too high\n")
        rows = [(cell, counts) for cell, counts in errors.items() if cell.signal == signal]
        print(tabulate(heads, rows, n_groups))
    print("\nall groups where both the design and the errors are as promised\n")
    print(
        "| method | no effects | 95 % interval | effects | 95 % interval |\n|---|---|---|---|---|"
    )
    for row in ROWS:
        line = [row]
        for signal in (False, True):
            cells = [one for one in errors if one.promise == "exact" and one.signal == signal]
            share = share_of(sum(errors[one][row] for one in cells), n_groups * len(cells))
            line += [f"{share.share:.4f}", f"{share.low:.4f} to {share.high:.4f}"]
        print("| " + " | ".join(line) + " |")
    wrong = too_often(errors, n_groups)
    for cell, row, share in wrong:
        what = "effects" if cell.signal else "no effects"
        print(
            f"above alpha: {row} in {cell.design}, {cell.errors}, {cell.n_maps} maps, {what}: "
            f"{share.share:.4f}, {share.low:.4f} to {share.high:.4f}"
        )
    return not wrong


def main() -> int:
    """Run the simulation; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--groups", type=int, default=1000, help="of each kind")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same tables")
    parser.add_argument("--quick", action="store_true", help="40 groups of each kind")
    arguments = parser.parse_args()
    n_groups = 40 if arguments.quick else arguments.groups
    start = time.perf_counter()
    edges = [*range(0, n_groups, _GROUPS_AT_ONCE), n_groups]
    parts = [
        (position, first, last)
        for position in range(len(CELLS))
        for first, last in pairwise(edges)
    ]
    errors = {cell: Counter[str]() for cell in CELLS}
    with Pool(2) as pool:
        counts = pool.imap(partial(run_groups, arguments.seed), parts)
        for (position, _, _), count in zip(parts, counts, strict=True):
            errors[CELLS[position]].update(count)
    n_features = int(np.prod(SHAPE))
    print(
        f"{n_groups:,} groups of each kind, {n_features:,} voxels, {N_TRANSFORMATIONS} "
        f"transformations, alpha {ALPHA}"
    )
    kept = report(errors, n_groups)
    print(f"\n{time.perf_counter() - start:.0f} s")
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
