"""
Bounds and clusters against enumeration, many times: every difference is counted and shown.

Families of up to six hypotheses, with ties among the p-values and between them and the thresholds:
the bound of every subset, against closed testing over all subsets in whole numbers. P-values and
alpha are multiples of powers of two, where the arithmetic of doubles is exact as well.

Maps on small volumes and random graphs, with ties and infinite values, of one sign or both, under
critical vectors of every method and any other: every cluster and its bound, all maximal clusters
with a TDP of at least g, and the map of the largest TDP, against every cluster at every threshold.

    python -m benchmarks.exhaustive [--families 100000] [--maps 20000] [--seed 0]
"""

import argparse
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats import (
    ClosedTesting,
    LocalTest,
    hommel_value,
    min_true_discoveries_at,
    min_true_discoveries_by_region,
)
from tests.stats.cases import Case, largest, sets_of, some_case

DENOMINATOR = 256
"""Of all p-values."""
LEVELS = (64, 32, 16, 4)
"""Numerators of alpha: 1/4, 1/8, 1/16, 1/64."""
PRICE = {  # of sets of 0, 1, ... hypotheses, times 60, the least common multiple of 1 ... 6
    "simes": [60 * size for size in range(7)],
    "hommel": [size * sum(60 // rank for rank in range(1, size + 1)) for size in range(7)],
}


def enumerate_discoveries(
    numerators: list[int], level: int, local_test: str
) -> tuple[int, list[int]]:
    """Hommel value, and true discoveries of every subset (as a bit mask), in whole numbers."""
    n = len(numerators)
    everything = 1 << n
    unrejected = []  # by the local test
    for subset in range(everything):
        chosen = sorted(p for i, p in enumerate(numerators) if subset >> i & 1)
        price = PRICE[local_test][len(chosen)]
        unrejected.append(
            subset > 0
            and all(price * p > 60 * rank * level for rank, p in enumerate(chosen, start=1))
        )
    h = max((subset.bit_count() for subset in range(everything) if unrejected[subset]), default=0)
    for i in range(n):  # closed testing rejects what is rejected with all that hold it
        for subset in range(everything):
            if not subset >> i & 1:
                unrejected[subset] |= unrejected[subset | 1 << i]
    # what may be inactive: the largest part that is not rejected; the empty set always may
    inactive = [s.bit_count() if unrejected[s] else 0 for s in range(everything)]
    for i in range(n):
        for subset in range(everything):
            if subset >> i & 1:
                inactive[subset] = max(inactive[subset], inactive[subset & ~(1 << i)])
    return h, [subset.bit_count() - inactive[subset] for subset in range(everything)]


def families(rng: np.random.Generator) -> Iterator[list[int]]:
    """Yield numerators of p-values: small ones, large ones, ties, 0 and 1."""
    while True:
        n = int(rng.integers(1, 7))
        scale = rng.choice([8, 32, 96, DENOMINATOR])
        numerators = rng.integers(0, scale + 1, size=n)
        large = rng.uniform(size=n) < rng.uniform(0, 0.6)
        numerators[large] = rng.integers(0, DENOMINATOR + 1, size=large.sum())
        yield [int(numerator) for numerator in numerators]


def compare_family(numerators: list[int], level: int, local_test: LocalTest) -> tuple[int, int]:
    """Count the bounds compared, and those that differ."""
    n, alpha = len(numerators), level / DENOMINATOR
    p_values = np.array(numerators) / DENOMINATOR
    h, expected = enumerate_discoveries(numerators, level, local_test)
    subsets = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(bool)
    closed = ClosedTesting(p_values, local_test)
    _, found = min_true_discoveries_by_region(p_values, subsets, closed.critical_vector(alpha))
    at_alpha = min_true_discoveries_at([alpha], subsets, closed)[0]
    differ = int(np.count_nonzero((found != expected) | (at_alpha != expected)))
    differ += hommel_value(p_values, alpha, local_test) != h
    if local_test == "simes":  # its jump points are exact here
        differ += int(np.count_nonzero(closed.jump_points > alpha)) != h
        rejected = closed.adjusted(p_values) <= alpha
        differ += rejected.tolist() != [expected[1 << i] == 1 for i in range(n)]
    if differ:
        print(f"{local_test}: p = {numerators} / {DENOMINATOR}, alpha = {level} / {DENOMINATOR}")
    return len(expected) - 1, differ


def compare_map(case: Case, tdps: NDArray[np.float64]) -> tuple[int, int]:
    """Count the clusters compared, and what differs: clusters, queries, maps."""
    bounded, expected = case.bounded(), case.expected()
    everything = np.flatnonzero(bounded.forest.is_cluster)
    differ = int(sets_of(bounded, everything) != expected or everything.size != len(expected))
    best = np.zeros(case.values.size)
    for cluster, bound in expected.items():
        members = list(cluster)
        best[members] = np.maximum(best[members], bound / len(cluster))
    differ += not np.array_equal(bounded.tdp_map(), best)
    for tdp in tdps:
        reach = {cluster for cluster, bound in expected.items() if bound / len(cluster) >= tdp}
        differ += set(sets_of(bounded, bounded.with_tdp(tdp))) != largest(reach)
    return len(expected), differ


def main() -> None:
    """Compare, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("--families", type=int, default=100_000, help="families of hypotheses")
    parser.add_argument("--maps", type=int, default=20_000, help="maps")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    rng = np.random.default_rng(args.seed)
    n_bounds = n_differ = 0
    for number, numerators in zip(range(args.families), families(rng), strict=False):
        local_test: LocalTest = "hommel" if number % 2 else "simes"
        compared, differ = compare_family(numerators, LEVELS[number // 2 % 4], local_test)
        n_bounds, n_differ = n_bounds + compared, n_differ + differ
    print(f"families {args.families:,}: {n_bounds:,} subsets, {n_differ} differences", flush=True)

    n_clusters = n_wrong = 0
    for number in range(args.maps):
        tdps = np.append(rng.uniform(size=2), rng.choice([0.0, 0.5, 0.7, 1.0]))
        compared, differ = compare_map(some_case(args.seed * args.maps + number), tdps)
        if differ:
            print(f"map {args.seed * args.maps + number}: {differ} differences")
        n_clusters, n_wrong = n_clusters + compared, n_wrong + differ
    print(
        f"maps {args.maps:,}: {n_clusters:,} clusters, {3 * args.maps:,} queries, "
        f"{args.maps:,} maps of the largest TDP, {n_wrong} differences"
    )
    cases = args.families + args.maps
    print(f"{cases:,} cases, {n_differ + n_wrong} differences")
    raise SystemExit(n_differ + n_wrong > 0)


if __name__ == "__main__":
    main()
