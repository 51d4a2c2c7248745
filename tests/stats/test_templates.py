import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special, stats

from bids_ari.stats import (
    TEMPLATES,
    Aorc,
    Beta,
    HigherCriticism,
    Learned,
    Simes,
    Template,
    learn,
    templates_of,
)


def some_learned(rng: np.random.Generator, n_levels: int = 7, n_ranks: int = 9) -> Learned:
    return learn(np.sort(rng.uniform(size=(n_levels, n_ranks)) ** 2, axis=1))


def some_templates() -> list[Template]:
    rng = np.random.default_rng(8)
    return [
        Simes(), Simes(3), Beta(), Beta(5), Aorc(), Aorc(3), HigherCriticism(), some_learned(rng)
    ]  # fmt: skip


ALL = pytest.mark.parametrize("template", some_templates(), ids=lambda one: repr(one)[:18])


def test_every_template_is_tested() -> None:
    assert {type(one) for one in some_templates()} == set(TEMPLATES.values())


@ALL
@pytest.mark.parametrize("n_features", [1, 2, 9, 40, 1500])
def test_thresholds_grow_with_the_rank_and_with_the_level(
    template: Template, n_features: int
) -> None:
    ranks = np.arange(1, n_features + 1)
    levels = template.levels(np.linspace(1e-8, 0.99, 30)[:, None], ranks, n_features)
    reachable = np.unique(levels[np.isfinite(levels)])
    if reachable.size == 0:  # a shift that leaves no threshold
        assert n_features <= getattr(template, "shift", 1) or isinstance(template, Aorc)
        return
    at = reachable[:: max(1, reachable.size // 50)]
    vectors = np.array([template.thresholds(level, n_features) for level in at])
    assert vectors.shape == (at.size, template.k_max(n_features))
    assert np.all(np.diff(vectors, axis=1) >= 0)
    assert np.all(np.diff(vectors, axis=0) >= -1e-12 * vectors[1:])
    assert np.all(vectors >= 0)


@ALL
@given(seed=st.integers(0, 10_000))
def test_levels_are_the_largest_that_a_p_value_allows(template: Template, seed: int) -> None:
    rng = np.random.default_rng(seed)
    m = int(rng.integers(4, 40))
    k = int(rng.integers(1, template.k_max(m) + 1))
    p_value = float(rng.uniform() ** rng.integers(1, 6))
    level = float(template.levels(np.array([p_value]), np.array([k]), m)[0])
    if np.isinf(level):
        assert k <= getattr(template, "shift", 0)
        return
    step = 1 if isinstance(template, Learned) and level >= 1 else max(abs(level) * 1e-6, 1e-12)
    assert template.thresholds(level, m)[k - 1] <= p_value * (1 + 1e-9)
    if isinstance(template, Learned) and level == len(template.quantiles):
        return  # the last one
    assert template.thresholds(level + step, m)[k - 1] > p_value * (1 - 1e-9)


@ALL
def test_levels_grow_with_p_and_fall_with_the_rank(template: Template) -> None:
    m = 37
    ends = np.array([0.0, 1e-320, 1e-300, 1e-100, 1 - 1e-16, 1.0])
    p_values = np.unique(np.concatenate([ends, np.logspace(-12, 0, 200), np.linspace(0, 1, 99)]))
    levels = template.levels(p_values[:, None], np.arange(1, m + 1), m)
    assert levels.shape == (p_values.size, m)
    assert not np.isnan(levels).any()
    assert np.all(levels[1:] >= levels[:-1])
    assert np.all(levels[:, 1:][levels[:, 1:] < np.inf] <= levels[:, :-1][levels[:, 1:] < np.inf])
    after = template.levels(np.array([0.5]), np.array([template.k_max(m) + 1]), m)
    assert after.tolist() == [np.inf]


def test_thresholds_of_shifted_simes_are_the_formula() -> None:
    thresholds = Simes(27).thresholds(0.3, 2000)
    assert not thresholds[:27].any()
    np.testing.assert_allclose(thresholds[27:], 0.3 * np.arange(1, 1974) / 1973, rtol=1e-15)
    assert not Simes(27).thresholds(0.3, 20).any()
    assert np.isinf(Simes(27).levels(np.full(20, 0.1), np.arange(1, 21), 20)).all()


def test_thresholds_of_beta_are_quantiles_of_order_statistics() -> None:
    level = special.logit(1e-3)
    expected = stats.beta.ppf(1e-3, np.arange(1, 1001), 2000 - np.arange(1000))
    np.testing.assert_allclose(Beta().thresholds(level, 2000), expected, rtol=1e-11)


@pytest.mark.parametrize(
    ("k", "m", "p_value"),
    [(1, 200_000, 1e-300), (1000, 200_000, 1e-300), (1000, 200_000, 1e-6), (900, 908, 0.5),
     (7, 9, 0.04), (3, 2000, 0.9), (1000, 2000, 0.4999), (15, 200_000, 2.3e-252)],
)  # fmt: skip
def test_levels_of_beta_are_right_where_doubles_are_not(k: int, m: int, p_value: float) -> None:
    with mpmath.workdps(60):
        p = mpmath.mpf(p_value)

        def tail(first: int, step: int) -> mpmath.mpf:
            # binomial probabilities from one rank outwards, until they no longer count
            term, total, j = (
                mpmath.binomial(m, first) * p**first * (1 - p) ** (m - first),
                0,
                first,
            )
            while 0 <= j <= m and (total == 0 or term > total * mpmath.mpf(10) ** -40):
                total += term
                up = (m - j) * p / ((j + 1) * (1 - p))
                term *= up if step > 0 else j * (1 - p) / ((m - j + 1) * p)
                j += step
            return total

        expected = float(mpmath.log(tail(k, 1)) - mpmath.log(tail(k - 1, -1)))
    level = Beta().levels(np.array([p_value]), np.array([k]), m)[0]
    assert level == pytest.approx(expected, rel=1e-12)
    assert Beta().thresholds(level, m)[k - 1] == pytest.approx(p_value, rel=1e-10)


def test_higher_criticism_is_its_definition() -> None:
    m, p_values = 90, np.array([1e-300, 1e-4, 0.3, 0.9])
    ranks = np.array([1, 7, 40, 89])
    expected = np.sqrt(m) * (ranks / m - p_values) / np.sqrt(p_values * (1 - p_values))
    levels = HigherCriticism().levels(p_values, ranks, m)
    np.testing.assert_allclose(-levels, expected, rtol=1e-13)
    back = [
        HigherCriticism().thresholds(one, m)[k - 1] for one, k in zip(levels, ranks, strict=True)
    ]
    np.testing.assert_allclose(back, p_values, rtol=1e-12)


def test_aorc_is_the_inverse_of_its_curve_up_to_the_last_rank() -> None:
    for template in (Aorc(), Aorc(5)):
        m = 31
        ranks = np.arange(template.shift + 1, template.k_max(m) + 1)
        for level in (1e-6, 0.03, 0.9, 40.0):
            thresholds = template.thresholds(level, m)[template.shift :]
            np.testing.assert_allclose(template.levels(thresholds, ranks, m), level, rtol=1e-11)
    assert Aorc().k_max(m) == m - 1


def test_learned_levels_count_the_quantiles_that_are_reached(rng: np.random.Generator) -> None:
    curves = np.sort(rng.uniform(size=(13, 6)), axis=1)
    template = learn(curves)
    p_values, ranks = rng.uniform(size=(5, 40)), rng.integers(1, 7, size=(5, 40))
    p_values[0, 0], ranks[0, 0] = np.sort(curves[:, 2])[4], 3  # equal to a quantile: reached
    expected = np.sum(curves[:, ranks - 1] <= p_values, axis=0)
    levels = template.levels(p_values, ranks, 20)
    assert np.array_equal(np.floor(levels), expected)
    assert levels[0, 0] == 5
    for level in (1, 6, 13):
        assert np.array_equal(template.thresholds(level, 20), np.sort(curves, axis=0)[level - 1])


def test_p_values_reach_their_own_quantiles_whatever_is_lost_by_rounding(
    rng: np.random.Generator,
) -> None:
    curves = np.sort(rng.uniform(size=(13, 6)), axis=1)
    template = learn(curves)
    exact = template.levels(curves, np.arange(1, 7), 20)
    for rounding in (1 - 1e-12, 1 + 1e-12):
        assert np.array_equal(template.levels(curves * rounding, np.arange(1, 7), 20), exact)


def test_below_its_first_quantiles_a_learned_template_is_a_line(rng: np.random.Generator) -> None:
    template = some_learned(rng)
    line = template.thresholds(1e-6, 40)
    np.testing.assert_allclose(line, line[0] * np.arange(1, 10), rtol=1e-14)
    assert np.all(template.thresholds(1 - 1e-15, 40) <= template.thresholds(1, 40))


def test_methods_say_which_templates_they_need(rng: np.random.Generator) -> None:
    assert templates_of("simes", shift=5) == (Simes(5),)
    assert templates_of("aorc", shift=5) == (Aorc(5),)
    assert templates_of("beta", n_ranks=5) == (Beta(5),)
    learned = some_learned(rng)
    assert templates_of("learned", learned=learned) == (learned,)
    names = [one.name for one in templates_of("auto")]
    assert len(set(names)) == len(names) > 1
    with pytest.raises(ValueError, match="'learned' needs a template that was learned"):
        templates_of("learned")
    with pytest.raises(ValueError, match="method is 'ari', expected one of simes, beta"):
        templates_of("ari")


def test_impossible_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="shift is -1, expected 0 or more"):
        Simes(-1)
    with pytest.raises(ValueError, match="shift is -2, expected 0 or more"):
        Aorc(-2)
    with pytest.raises(ValueError, match="number of ranks is 0, expected at least 1"):
        Beta(0)


@pytest.mark.parametrize(
    ("curves", "message"),
    [
        ([[0.1, 0.05]], "not ascending"),
        ([[0.1, 1.5]], "not all between 0 and 1"),
        ([0.1, 0.2], r"the shape \(2,\), expected levels and ranks"),
    ],
)
def test_curves_that_are_no_sorted_p_values_are_refused(
    curves: list[list[float]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        learn(np.array(curves))


def test_quantiles_that_decrease_are_refused() -> None:
    quantiles: NDArray[np.float64] = np.array([[0.1, 0.2], [0.05, 0.3]])
    with pytest.raises(ValueError, match="thresholds decrease"):
        Learned(quantiles)
