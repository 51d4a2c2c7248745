import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from bids_ari.stats import p_value, z_and_p_values, z_value


def exact_z(t: float, dof: int) -> float:
    """By arithmetic with 60 digits: invert the normal tail at the tail of Student's t."""
    with mp.workdps(60):
        x = mp.mpf(dof) / (dof + mp.mpf(t) ** 2)
        tail = mp.betainc(mp.mpf(dof) / 2, mp.mpf(1) / 2, 0, x, regularized=True) / 2
        z = mp.sqrt(-2 * mp.log(tail))
        for _ in range(60):  # Newton on the logarithm
            normal = mp.erfc(z / mp.sqrt(2)) / 2
            z -= (mp.log(tail) - mp.log(normal)) * normal / mp.npdf(z)
        return float(z)


@pytest.mark.parametrize("dof", [5, 29, 255, 1023, 39_999])
@pytest.mark.parametrize("t", [0.01, 1.0, 3.1, 12.0, 37.5, 58.0])
def test_z_is_right_in_the_middle_and_far_out(t: float, dof: int) -> None:
    found = z_value(np.array([t, -t]), dof)
    assert found == pytest.approx([exact_z(t, dof), -exact_z(t, dof)], rel=1e-10, abs=1e-14)


def test_z_goes_on_rising_where_the_tail_probability_is_zero() -> None:
    z = z_value(np.linspace(30, 500, 200), 2000)
    assert np.all(np.isfinite(z))
    assert np.all(np.diff(z) > 0)


@pytest.mark.parametrize("dof", [1, 7, 63])
@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_p_is_that_of_scipy(alternative: str, dof: int, rng: np.random.Generator) -> None:
    t = rng.standard_t(dof, size=50) * 3
    upper = stats.t.sf(t, dof)
    expected = {"greater": upper, "less": 1 - upper, "two-sided": 2 * stats.t.sf(abs(t), dof)}
    found = p_value(t, dof, alternative)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, expected[alternative], rtol=1e-10, atol=1e-15)


def test_degrees_of_freedom_may_differ_between_features() -> None:
    t, dof = np.array([2.0, -58.0, 0.5, 200.0]), np.array([5.0, 1023.0, 29.0, 800.0])
    z, p = z_and_p_values(t, dof, "less")
    for feature in range(4):
        alone = z_and_p_values(t[feature : feature + 1], float(dof[feature]), "less")
        assert z[feature] == pytest.approx(alone[0][0], rel=1e-14)
        assert p[feature] == alone[1][0]


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_with_infinite_degrees_of_freedom_t_is_normal(alternative: str) -> None:
    t = np.array([-60.0, -2.0, 0.0, 3.1, 37.0, 60.0])
    z, p = z_and_p_values(t, np.inf, alternative)  # type: ignore[arg-type]
    assert z.tolist() == t.tolist()
    upper = stats.norm.sf(t)
    expected = {
        "greater": upper,
        "less": stats.norm.cdf(t),
        "two-sided": 2 * stats.norm.sf(abs(t)),
    }
    np.testing.assert_allclose(p, expected[alternative], rtol=1e-10, atol=1e-15)


def test_infinite_statistics_have_p_values() -> None:
    t = np.array([np.inf, -np.inf])
    assert p_value(t, 10, "greater").tolist() == [0, 1]
    assert p_value(t, 10).tolist() == [0, 0]


def test_an_unknown_alternative_is_refused() -> None:
    with pytest.raises(ValueError, match="'both', expected one of two-sided, greater, less"):
        p_value(np.zeros(2), 10, "both")  # type: ignore[arg-type]
