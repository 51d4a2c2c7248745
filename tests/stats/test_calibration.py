from collections.abc import Callable
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bids_ari.stats import (
    METHODS,
    Aorc,
    Beta,
    Calibrated,
    Evidence,
    HigherCriticism,
    NullPivots,
    Simes,
    Template,
    calibrate,
    calibrated,
    highest,
    joint_error,
    just_below,
    learn,
    min_true_discoveries,
    p_value,
    pivots_from,
    share_of,
    simes_error,
    single_step,
    step_down,
    supplier,
)
from tests.stats.resampled import pivots, t_values

FLIPS = np.array(list(product([1.0, -1.0], repeat=6)))
"""The whole group of sign flips of six maps; the identity is the first."""


def flipped_p_values(
    data: NDArray[np.float64], alternative: str = "two-sided"
) -> NDArray[np.float64]:
    return np.array(
        [p_value(t, len(data) - 1, alternative) for t in t_values(data, FLIPS)]  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("alpha", "n", "place"),
    [(0.05, 1000, 50), (0.07, 100, 7), (0.29, 100, 29), (0.05 / 3, 600, 10), (0.05, 999, 49),
     (0.05, 20, 1), (0.05, 19, 0), (0.58, 50, 29), (0.999, 3, 2)],
)  # fmt: skip
def test_the_level_has_a_share_of_alpha_below_it(
    alpha: float, n: int, place: int, rng: np.random.Generator
) -> None:
    assert calibrate(rng.permutation(n).astype(float), alpha) == place


@given(percent=st.integers(1, 99), n=st.integers(1, 3000))
def test_the_share_is_counted_as_the_user_wrote_alpha(percent: int, n: int) -> None:
    exact = int(Fraction(percent, 100) * n)
    assert calibrate(np.arange(n, dtype=float), percent / 100) == exact


@pytest.mark.parametrize(
    "template",
    [Simes(), Simes(2), Beta(), Aorc(), HigherCriticism()],
    ids=lambda one: one.name,
)
@pytest.mark.parametrize("alternative", ["two-sided", "greater"])
@pytest.mark.parametrize("alpha", [0.0625, 0.125, 0.1, 0.3])
def test_the_error_over_the_whole_orbit_is_alpha_and_not_more(
    template: Template, alternative: str, alpha: float, rng: np.random.Generator
) -> None:
    # each flip of one data set is as likely to be what is observed; all give the same pivots
    data = rng.normal(size=(6, 11)) @ (np.eye(11) + 0.5)
    p_values = flipped_p_values(data, alternative)
    wrong = 0
    for observed in range(64):
        orbit = p_values[_after(observed)]
        np.testing.assert_array_equal(orbit[0], p_values[observed])
        one = single_step(template, pivots((template,), orbit)[template.name], alpha, 11)
        wrong += min_true_discoveries(orbit[0], one.critical_vector) > 0
    pairs = (
        2 if alternative == "two-sided" else 1
    )  # a flip and its opposite have the same p-values
    assert wrong == int(64 * alpha) // pairs * pairs


def test_all_methods_keep_alpha_over_the_whole_orbit(rng: np.random.Generator) -> None:
    data = rng.normal(size=(6, 50)) @ (np.eye(50) + 0.2)
    training = np.sort(flipped_p_values(rng.normal(size=(6, 50)))[::2], axis=1)
    templates = (Simes(), Simes(9), Beta(20), learn(training))
    p_values = flipped_p_values(data)
    record = NullPivots(templates, pivots(templates, p_values))
    for alpha, n_wrong in ((0.125, 8), (0.3, 18)):
        for method in ("beta", "learned", "auto"):
            critical_vector = METHODS[method](Evidence(p_values[0], record), alpha)
            wrong = [min_true_discoveries(one, critical_vector) > 0 for one in p_values]
            assert 0 < sum(wrong) <= n_wrong


def _after(observed: int) -> NDArray[np.intp]:
    """Where the flips of a flip are among the flips."""
    place = {tuple(signs): i for i, signs in enumerate(FLIPS.tolist())}
    return np.array([place[tuple(signs)] for signs in (FLIPS * FLIPS[observed]).tolist()])


def test_a_p_value_that_differs_from_its_threshold_by_rounding_does_not_pass() -> None:
    thresholds = np.array([0.0, 5e-324, 1e-300, 0.02, 0.5, np.inf])
    below = just_below(thresholds)
    assert below[0] < 0  # not even a p-value of 0 is below 0
    assert 0 <= below[1] < 5e-324
    assert np.all(thresholds[2:5] * (1 - 1e-12) > below[2:5])
    np.testing.assert_allclose(below[2:5], thresholds[2:5], rtol=1.1e-9)
    assert np.isposinf(below[5])
    assert np.all(np.diff(below[:5]) > 0)


def test_pivots_are_the_largest_levels_that_no_p_value_is_below(
    rng: np.random.Generator,
) -> None:
    smallest = np.sort(rng.uniform(size=(8, 9)) ** 2, axis=1)
    found = pivots_from(smallest, Simes(2), 9)
    expected = [min(7 * row[k - 1] / (k - 2) for k in range(3, 10)) for row in smallest]
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    part = pivots_from(smallest[:, :4], Simes(2), 9, n_set=4)
    assert part.tolist() == [min(7 * row[2], 7 * row[3] / 2) for row in smallest]
    np.testing.assert_array_equal(
        pivots_from(smallest[:, :5], Beta(5), 9), pivots_from(smallest, Beta(5), 9)
    )
    assert np.isinf(pivots_from(smallest, Simes(9), 9)).all()
    with pytest.raises(ValueError, match=r"5 p-values of each transformation, expected 9: simes2"):
        pivots_from(smallest[:, :5], Simes(2), 9)


def active_and_not(rng: np.random.Generator) -> NDArray[np.float64]:
    data = rng.normal(size=(6, 40))
    data[:, :12] += 9
    return flipped_p_values(data)


@pytest.mark.parametrize("template", [Simes(), Beta(10), Aorc()], ids=lambda one: one.name)
def test_steps_down_are_those_of_the_definition(template: Template) -> None:
    n_found = 0
    for seed in range(20):
        p_values = active_and_not(np.random.default_rng(seed))
        masks: list[NDArray[np.bool_]] = []
        one = step_down(template, p_values[0], pivots_over(template, p_values, masks), 0.2)
        left = np.ones(40, bool)
        level = 0.0
        for mask in masks:
            assert np.array_equal(mask, left)
            ordered = np.sort(p_values[:, left], axis=1)
            ranks = np.arange(1, min(left.sum(), template.k_max(40)) + 1)
            least = np.min(template.levels(ordered[:, : ranks.size], ranks, 40), axis=1)
            level = float(np.sort(least)[12])
            left = p_values[0] > template.thresholds(level, 40)[0] * (1 - 1e-9)
        assert np.array_equal(left, masks[-1]) or not left.any()
        assert one.level == level
        assert one.n_steps == len(masks) - 1
        single = single_step(template, pivots((template,), p_values)[template.name], 0.2, 40)
        assert np.all(one.critical_vector >= single.critical_vector)
        n_found += one.level > single.level
    assert n_found > 5


def pivots_over(
    template: Template, p_values: NDArray[np.float64], masks: list[NDArray[np.bool_]]
) -> Callable[[NDArray[np.bool_]], NDArray[np.float64]]:
    def pivots_of(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        masks.append(mask.copy())
        ordered = np.sort(p_values[:, mask], axis=1)
        return pivots_from(ordered, template, mask.size, n_set=int(mask.sum()))

    return pivots_of


def test_steps_end_when_they_are_told_to_and_a_shift_takes_none(rng: np.random.Generator) -> None:
    p_values = active_and_not(rng)
    masks: list[NDArray[np.bool_]] = []
    assert (
        step_down(Simes(), p_values[0], pivots_over(Simes(), p_values, masks), 0.2, 0).n_steps == 0
    )
    masks.clear()
    assert (
        step_down(Simes(3), p_values[0], pivots_over(Simes(3), p_values, masks), 0.2).n_steps == 0
    )
    assert len(masks) == 1


def test_stepping_down_does_not_err_more_with_active_features() -> None:
    # all flips of the noise are as likely; the effect stays as it is
    wrong = total = 0
    rng = np.random.default_rng(4)
    for _ in range(6):
        noise = rng.normal(size=(6, 15))
        effect = np.where(np.arange(15) < 5, 8.0, 0.0)
        for signs in FLIPS:
            p_values = flipped_p_values(noise * signs[:, None] + effect)
            one = step_down(Simes(), p_values[0], pivots_over(Simes(), p_values, []), 0.25)
            wrong += min_true_discoveries(p_values[0, 5:], one.critical_vector) > 0
            total += 1
    assert 0 < wrong / total <= 0.25


def test_methods_step_down_if_the_record_can(rng: np.random.Generator) -> None:
    p_values = active_and_not(rng)
    single = NullPivots((Simes(),), pivots((Simes(),), p_values))
    masks: list[NDArray[np.bool_]] = []
    down = NullPivots(
        (Simes(),),
        single.pivots,
        lambda template, mask: pivots_over(template, p_values, masks)(mask),
    )
    one, other = (
        METHODS["simes"](Evidence(p_values[0], record), 0.2) for record in (single, down)
    )
    assert np.all(other > one)
    assert masks
    assert not any(mask.all() for mask in masks)  # of all features they are known
    expected = step_down(Simes(), p_values[0], pivots_over(Simes(), p_values, []), 0.2)
    assert np.array_equal(other, expected.critical_vector)


def test_auto_splits_alpha_over_its_templates(rng: np.random.Generator) -> None:
    p_values = active_and_not(rng)
    templates: tuple[Template, ...] = (Simes(), Simes(3), Beta(7))
    record = NullPivots(templates, pivots(templates, p_values))
    evidence = Evidence(p_values[0], record)
    ones = calibrated("auto", evidence, 0.3)
    for one, template in zip(ones, record.templates, strict=True):
        alone = single_step(template, record.pivots[template.name], 0.1, 40)
        assert one.level == alone.level
        assert np.array_equal(one.critical_vector, alone.critical_vector)
    critical_vector = METHODS["auto"](evidence, 0.3)
    for rank, threshold in enumerate(critical_vector):
        at = [one.critical_vector[min(rank, one.critical_vector.size - 1)] for one in ones]
        assert threshold == max(at)


def test_what_supplied_a_bound_gives_the_same_bound_alone(rng: np.random.Generator) -> None:
    names = set()
    for _ in range(200):
        vectors = [np.sort(rng.uniform(-0.2, 0.4, size=n)) for n in (3, 6, 9)]
        ones = [Calibrated(Simes(i), 0.1, one) for i, one in enumerate(vectors)]
        p_values = rng.uniform(size=rng.integers(1, 12)) ** 2
        found = min_true_discoveries(p_values, highest(vectors))
        one = supplier(p_values, ones)
        if found == 0:
            assert one is None
        else:
            assert one is not None
            names.add(one.template.name)
            vector = np.pad(one.critical_vector, (0, 9), "edge")
            assert min_true_discoveries(p_values, vector) == found
    assert len(names) == 3


def test_vectors_without_thresholds_add_nothing() -> None:
    assert highest([np.zeros(0), np.zeros(0)]).size == 0
    assert highest([np.zeros(0), np.array([0.1])]).tolist() == [0.1]
    empty = Calibrated(Simes(), 0.0, np.zeros(0))
    assert supplier(np.array([0.01]), [empty, empty]) is None


@pytest.mark.parametrize(("template", "name"), [(Simes(), "simes"), (Beta(), "beta")])
def test_a_method_without_its_pivots_says_so(template: Template, name: str) -> None:
    p_values = np.array([0.1, 0.2])
    with pytest.raises(ValueError, match=f"method '{name}' needs random transformations"):
        METHODS[name](Evidence(p_values), 0.05)
    record = NullPivots((Aorc(),), {"aorc": np.array([0.1, 0.2])})
    with pytest.raises(ValueError, match=f"method '{name}' needs one template of its kind, found"):
        METHODS[name](Evidence(p_values, record), 0.05)
    both = NullPivots((template, template), {})
    with pytest.raises(ValueError, match=f"needs one template of its kind, found {name}, {name}"):
        METHODS[name](Evidence(p_values, both), 0.05)
    with pytest.raises(ValueError, match="'auto' needs one template of its kind, found none"):
        METHODS["auto"](Evidence(p_values, NullPivots((), {})), 0.05)


def test_pivots_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="2 pivots, of which 1 are not numbers"):
        calibrate(np.array([0.1, np.nan]), 0.05)
    with pytest.raises(ValueError, match="0 pivots"):
        calibrate(np.zeros(0), 0.05)
    with pytest.raises(ValueError, match=r"alpha is 1\.5, expected a number between 0 and 1"):
        calibrate(np.array([0.1]), 1.5)


def test_joint_errors_are_counted(rng: np.random.Generator) -> None:
    smallest = np.sort(rng.uniform(size=(500, 12)), axis=1)
    critical_vector = np.sort(rng.uniform(-0.05, 0.3, size=12))
    expected = sum(
        any(p <= t for p, t in zip(row, critical_vector, strict=True)) for row in smallest
    )
    assert 0 < joint_error(smallest, critical_vector).n == expected < 500
    part = joint_error(smallest[:, :4], critical_vector[:4])
    assert part.n == joint_error(smallest, critical_vector[:4]).n
    with pytest.raises(ValueError, match="4 p-values of each transformation do not decide 12"):
        joint_error(smallest[:, :4], critical_vector)
    low = np.full(12, 1e-9)  # whatever was not kept is above
    assert joint_error(smallest[:, :4], low).n == 0


def test_the_error_of_simes_is_that_of_its_thresholds(rng: np.random.Generator) -> None:
    smallest = np.sort(rng.uniform(size=(20_000, 7)), axis=1)
    of_pivots = simes_error(pivots_from(smallest, Simes(), 7), 0.2)
    assert of_pivots == joint_error(smallest, 0.2 * np.arange(1, 8) / 7)
    assert of_pivots.low < 0.2 < of_pivots.high


@pytest.mark.parametrize(("n", "total"), [(0, 50), (3, 50), (50, 50)])
def test_intervals_hold_the_shares_that_a_binomial_test_does_not_reject(
    n: int, total: int
) -> None:
    from scipy import stats

    interval = stats.binomtest(n, total).proportion_ci(0.95, method="exact")
    found = share_of(n, total)
    np.testing.assert_allclose(found[2:], (interval.low, interval.high), rtol=1e-12)
    with pytest.raises(ValueError, match="51 of 50 is not a share"):
        share_of(51, 50)


@given(seed=st.integers(0, 10_000))
def test_bounds_need_the_effective_thresholds_only(seed: int) -> None:
    from bids_ari.stats import effective

    rng = np.random.default_rng(seed)
    p_values = rng.uniform(size=rng.integers(1, 8)) ** rng.integers(1, 5)
    p_values[rng.uniform(size=p_values.size) < 0.1] = 0
    critical_vector = np.sort(rng.uniform(0, rng.uniform(0, 1), size=rng.integers(0, 12)))
    critical_vector[: rng.integers(0, 4)] = rng.choice([0.0, -1.0])
    if rng.uniform() < 0.1:
        critical_vector[critical_vector.size // 2 :] = np.inf
    if seed % 2:
        p_values, critical_vector = np.round(p_values, 1), np.round(critical_vector, 1)
    cut = effective(critical_vector, p_values)
    assert cut.size <= min(critical_vector.size, p_values.size)
    assert np.array_equal(cut, critical_vector[: cut.size])
    for size in range(1, p_values.size + 1):
        for chosen in combinations(range(p_values.size), size):
            part = p_values[list(chosen)]
            assert min_true_discoveries(part, cut) == min_true_discoveries(part, critical_vector)
