"""What may be exchanged, and which transformations that makes."""

from itertools import permutations, product
from math import comb

import numpy as np
import pytest
from numpy.typing import NDArray

from bids_ari.stats import Alternative, draw_transformations, exchangeable

PAIRS = np.repeat(np.arange(6), 2)
COVARIATE = np.array([0.3, -1.2, 2.2, 0.1, 0.9, -0.4, 1.7, -2.1, 0.6, 0.2, -0.7, 1.1])
ONES = np.ones(12)
GROUPS = np.repeat(np.eye(2), [5, 7], axis=0)
PAIRED = np.column_stack([np.tile([1.0, -1.0], 6), PAIRS[:, None] == np.arange(6)])


@pytest.mark.parametrize(
    ("design", "contrast", "kind"),
    [
        (ONES[:, None], [1.0], "sign flips"),
        (GROUPS, [1.0, -1.0], "permutations"),
        (GROUPS, [0.5, 0.5], "sign flips"),
        (GROUPS, [1.0, 0.0], "sign flips"),
        (GROUPS, [[1.0, 0.0], [0.0, 1.0]], "sign flips"),
        (np.column_stack([ONES, COVARIATE]), [0.0, 1.0], "permutations"),
        (np.column_stack([ONES, COVARIATE]), [1.0, 0.0], "sign flips"),
        (COVARIATE[:, None], [1.0], "sign flips"),
        (PAIRED, [1.0, 0, 0, 0, 0, 0, 0], "permutations"),
    ],
)
def test_maps_are_permuted_where_the_mean_is_nuisance_and_flipped_elsewhere(
    design: NDArray[np.float64], contrast: list[float], kind: str
) -> None:
    assert exchangeable(design, np.array(contrast)).kind == kind


@pytest.mark.parametrize("contrast", [[0.0, 1.0], [1.0, -0.5], [[1.0, 0.0], [0.0, 1.0]]])
def test_the_parts_of_the_model_are_the_contrast_and_all_that_is_0_for_it(
    contrast: list[float],
) -> None:
    design = np.column_stack([ONES + 0.2 * COVARIATE, COVARIATE])
    exchange = exchangeable(design, np.array(contrast))
    basis = np.concatenate([exchange.tested, exchange.nuisance], axis=1)
    np.testing.assert_allclose(basis.T @ basis, np.eye(2), atol=1e-12)
    of_nuisance = np.linalg.pinv(design) @ exchange.nuisance
    np.testing.assert_allclose(np.atleast_2d(contrast) @ of_nuisance, 0, atol=1e-12)
    effect = np.array(contrast) @ np.linalg.pinv(design) @ exchange.tested[:, 0]
    assert exchange.dof == 10
    if np.ndim(contrast) == 1:
        assert effect > 0
        assert exchange.tested.shape == (12, 1)


@pytest.mark.parametrize(
    ("blocks", "alternative", "n_distinct", "useful"),
    [
        (None, "two-sided", 4096, 2048),
        (None, "greater", 4096, 4096),
        (PAIRS, "less", 64, 64),
        (PAIRS, "two-sided", 64, 32),
    ],
)
def test_flips_are_counted_and_listed(
    blocks: NDArray[np.int64] | None, alternative: Alternative, n_distinct: int, useful: int
) -> None:
    exchange = exchangeable(ONES[:, None], np.ones(1), blocks, alternative)
    assert (exchange.n_distinct, exchange.n_distinct // exchange.n_symmetric) == (
        n_distinct,
        useful,
    )
    flips = draw_transformations(exchange, 5000)
    assert flips.exhaustive
    assert len(np.unique(flips.table, axis=0)) == len(flips.table) == useful
    assert np.all(flips.table[0] == 1)
    assert not blocks_differ(flips.table, blocks)
    if alternative == "two-sided":
        together = np.concatenate([flips.table, -flips.table])
        assert len(np.unique(together, axis=0)) == n_distinct


def blocks_differ(table: NDArray[np.integer], blocks: NDArray[np.int64] | None) -> bool:
    return blocks is not None and bool(np.any(table[:, ::2] != table[:, 1::2]))


@pytest.mark.parametrize("n_first", [2, 3, 4])
def test_two_groups_have_as_many_permutations_as_there_are_choices(n_first: int) -> None:
    member = np.arange(7) < n_first
    design = np.column_stack([np.ones(7), np.random.default_rng(0).permuted(member)])
    exchange = exchangeable(design, np.array([0.0, 1.0]))
    assert exchange.n_distinct == comb(7, n_first)
    drawn = draw_transformations(exchange, comb(7, n_first), alpha=0.1)
    assert drawn.exhaustive
    np.testing.assert_array_equal(drawn.table[0], np.arange(7))
    # which maps come to the places of the first group
    chosen = {frozenset(row[design[:, 1] > 0]) for row in drawn.table}
    assert len(chosen) == len(drawn.table) == comb(7, n_first)


def test_listed_permutations_give_what_all_of_them_give() -> None:
    rng = np.random.default_rng(3)
    design = np.column_stack([np.ones(6), [0, 1, 0, 2, 1, 0], [0, 0, 1, 1, 0, 1]]).astype(float)
    blocks = np.array([0, 0, 0, 1, 1, 1])
    exchange = exchangeable(design, np.array([0.0, 1.0, 0.0]), blocks)
    drawn = draw_transformations(exchange, 40, alpha=0.2)
    data = rng.normal(size=6)

    def statistics(sources: NDArray[np.integer]) -> set[tuple[float, ...]]:
        moved = data[sources]
        products = moved @ np.concatenate([exchange.tested, exchange.nuisance], axis=1)
        length = np.square(products[:, 1:]).sum(axis=1)
        return set(zip(products[:, 0].round(9), length.round(9), strict=True))

    everything = np.array(
        [a + b for a, b in product(permutations((0, 1, 2)), permutations((3, 4, 5)))]
    )
    assert drawn.exhaustive
    assert exchange.n_distinct == len(drawn.table) == 36
    assert statistics(drawn.table) == statistics(everything)


def test_pairs_are_permuted_within_blocks() -> None:
    exchange = exchangeable(PAIRED, np.eye(7)[0], PAIRS, "greater")
    assert exchange.n_distinct == 2**6
    assert exchange.n_symmetric == 1
    assert exchange.changing.shape == (12, 0)
    for drawn in (draw_transformations(exchange, 64), draw_transformations(exchange, 50)):
        np.testing.assert_array_equal(PAIRS[drawn.table], np.tile(PAIRS, (len(drawn.table), 1)))
        assert drawn.exhaustive == (len(drawn.table) == 64)
        assert len(np.unique(drawn.table, axis=0)) > 25


@pytest.mark.parametrize("kind", ["sign flips", "permutations"])
def test_weights_are_regressors_transformed_the_other_way(kind: str) -> None:
    rng = np.random.default_rng(1)
    contrast = np.array([0.0, 1.0] if kind == "permutations" else [1.0, 0.0])
    exchange = exchangeable(np.column_stack([ONES, COVARIATE]), contrast)
    drawn = draw_transformations(exchange, 30)
    columns, data = rng.normal(size=(12, 3)), rng.normal(size=12)
    assert drawn.kind == kind
    for number, found in enumerate(drawn.weights(columns) @ data):
        source, sign = drawn.source_and_sign(number)
        np.testing.assert_allclose(found, columns.T @ (sign * data[source]), rtol=1e-12)


@pytest.mark.parametrize("contrast", [[1.0, 0.0], [0.0, 1.0]])
def test_the_seed_decides_all_but_the_first(contrast: list[float]) -> None:
    exchange = exchangeable(np.column_stack([ONES, COVARIATE]), np.array(contrast))
    first, again = (draw_transformations(exchange, 100, seed=7) for _ in range(2))
    other = draw_transformations(exchange, 100, seed=8)
    np.testing.assert_array_equal(first.table, again.table)
    np.testing.assert_array_equal(first.table[0], other.table[0])
    assert np.mean(np.any(first.table != other.table, axis=1)) > 0.9
    assert not first.exhaustive
    training = draw_transformations(exchange, 100, seed=7, with_identity=False)
    assert np.any(training.table[0] != first.table[0])


def test_random_flips_and_permutations_are_uniform() -> None:
    flips = draw_transformations(exchangeable(np.ones((12, 1)), np.ones(1)), 2000)
    assert np.abs(flips.table.mean(axis=0)).max() < 5 / np.sqrt(2000)
    moved = draw_transformations(
        exchangeable(np.column_stack([ONES, COVARIATE]), np.array([0.0, 1.0])), 2000
    )
    where = (moved.table[:, :, None] == np.arange(12)).mean(axis=0)
    assert np.abs(where - 1 / 12).max() < 5 * np.sqrt(1 / 12 / 2000)


@pytest.mark.parametrize(
    ("sizes", "alternative", "n_symmetric"),
    [
        ([3, 3], "two-sided", 2),
        ([3, 3], "greater", 1),
        ([3, 4], "two-sided", 1),
        ([2, 2, 2], "F", 6),
        ([2, 2, 3], "F", 2),
        ([2, 3, 4], "F", 1),
    ],
)
def test_groups_of_one_size_can_be_named_the_other_way_round(
    sizes: list[int], alternative: Alternative, n_symmetric: int
) -> None:
    design = np.repeat(np.eye(len(sizes)), sizes, axis=0)
    contrast = np.eye(len(sizes))[:-1] - np.eye(len(sizes))[1:]
    exchange = (
        exchangeable(design, contrast)
        if len(sizes) == 3
        else exchangeable(design, contrast[0], alternative=alternative)
    )
    assert exchange.n_symmetric == n_symmetric


def test_blocks_that_differ_cannot_be_named_the_other_way_round() -> None:
    design = np.column_stack([np.ones(6), [-1.0, -1, 1, 1, 1, -1]])
    contrast, blocks = np.array([0.0, 1.0]), np.repeat([0, 1], 3)
    assert exchangeable(design, contrast).n_symmetric == 2
    exchange = exchangeable(design, contrast, blocks)
    assert (exchange.n_distinct, exchange.n_symmetric) == (9, 1)


@pytest.mark.parametrize(
    ("n_maps", "blocks", "alternative", "what"),
    [
        (
            4,
            None,
            "two-sided",
            r"with 4 maps there are 16 distinct sign flips \(8 for a two-sided test\): .* so 6 maps",
        ),
        (4, None, "greater", "with 4 maps there are 16 distinct sign flips: .* so 5 maps"),
        (12, PAIRS // 3, "less", "with 2 blocks there are 4 distinct sign flips: .* so 5 blocks"),
    ],
)
def test_too_few_flips_are_refused(
    n_maps: int, blocks: NDArray[np.int64] | None, alternative: Alternative, what: str
) -> None:
    exchange = exchangeable(np.ones((n_maps, 1)), np.ones(1), blocks, alternative)
    with pytest.raises(ValueError, match=what):
        draw_transformations(exchange)


def test_just_enough_is_enough() -> None:
    exchange = exchangeable(np.ones((5, 1)), np.ones(1), None, "greater")
    assert len(draw_transformations(exchange, alpha=0.05).table) == 32
    assert len(draw_transformations(exchange, 20, alpha=0.05).table) == 20
    forty_nine = draw_transformations(exchangeable(np.ones((7, 1)), np.ones(1)), 49, alpha=1 / 49)
    assert len(forty_nine.table) == 49  # 1 / (1 / 49) is a little more, in doubles
    with pytest.raises(ValueError, match=r"19 sign flips are too few for alpha 0.05, .* least 20"):
        draw_transformations(exchange, 19, alpha=0.05)


def test_too_few_permutations_are_refused() -> None:
    groups = np.repeat(np.eye(2), 3, axis=0)
    two_sided = exchangeable(groups, np.array([1.0, -1.0]))
    what = r"with 6 maps there are 20 distinct permutations \(10 for a two-sided test\): too few"
    with pytest.raises(ValueError, match=what):
        draw_transformations(two_sided)
    one_sided = exchangeable(groups, np.array([1.0, -1.0]), alternative="greater")
    assert len(draw_transformations(one_sided).table) == 20


def test_a_contrast_between_blocks_has_nothing_to_permute() -> None:
    design = np.column_stack([ONES, np.repeat([0.0, 1.0], 6)])
    with pytest.raises(ValueError, match="the contrast does not vary within the blocks"):
        exchangeable(design, np.array([0.0, 1.0]), np.repeat([4, 2, 9, 7], 3))


@pytest.mark.parametrize(
    ("design", "contrast", "blocks", "what"),
    [
        (np.eye(3), np.eye(3)[0], None, "3 maps cannot fit 3 regressors: no degrees of freedom"),
        (np.ones((5, 2)), np.eye(2)[0], None, "the 2 regressors of the design are collinear"),
        (np.ones((5, 1)), np.zeros(1), None, "is no test of 1 regressors"),
        (np.ones((5, 1)), np.ones((2, 1)), None, "has 2 rows but rank 1"),
        (np.ones((5, 1)), np.ones(1), np.ones(4), r"shape \(4,\), expected \(5,\)"),
    ],
)
def test_models_that_cannot_be_tested_are_refused(
    design: NDArray[np.float64],
    contrast: NDArray[np.float64],
    blocks: NDArray[np.float64] | None,
    what: str,
) -> None:
    with pytest.raises(ValueError, match=what):
        exchangeable(design, contrast, blocks)


def test_an_unknown_alternative_is_refused() -> None:
    with pytest.raises(ValueError, match="alternative is 'both', expected one of two-sided"):
        exchangeable(np.ones((5, 1)), np.ones(1), alternative="both")  # type: ignore[arg-type]


def test_counts_that_are_beyond_use_stay_small() -> None:
    many = exchangeable(np.ones((100, 1)), np.ones(1))
    assert many.n_distinct == 2**62
    rows = np.column_stack([np.ones(60), np.linspace(0, 1, 60) ** 2])
    assert exchangeable(rows, np.array([0.0, 1.0])).n_distinct == 2**62
