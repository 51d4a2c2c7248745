import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from bids_ari.stats import f_z_and_p_values, z_and_p_values


def exact_z_and_p(f: float, dof: int, dof_residual: float) -> tuple[float, float]:
    """By arithmetic with 60 digits: invert the normal tail at the smaller tail of F."""
    # one minus something near 1 needs digits for the distance
    with mp.workdps(60 + int(abs(np.log10(f)))):
        a, scaled = mp.mpf(dof) / 2, mp.mpf(f) * dof
        if np.isinf(dof_residual):
            lower = mp.gammainc(a, 0, scaled / 2, regularized=True)
            upper = mp.gammainc(a, scaled / 2, mp.inf, regularized=True)
        else:
            b, x = mp.mpf(dof_residual) / 2, dof_residual / (dof_residual + scaled)
            upper = mp.betainc(b, a, 0, x, regularized=True)
            lower = mp.betainc(a, b, 0, 1 - x, regularized=True)
        tail, sign = (upper, 1) if upper < lower else (lower, -1)
        z = mp.sqrt(-2 * mp.log(tail))
        for _ in range(60):  # Newton on the logarithm
            normal = mp.erfc(z / mp.sqrt(2)) / 2
            z -= (mp.log(tail) - mp.log(normal)) * normal / mp.npdf(z)
        return float(sign * z), float(upper)


@pytest.mark.parametrize("dof_residual", [7, 255, 39_999, np.inf])
@pytest.mark.parametrize("dof", [1, 2, 3, 12])
@pytest.mark.parametrize("f", [1e-200, 1e-3, 0.9, 3.0, 50.0, 1e3, 1e6])
def test_z_and_p_are_right_in_the_middle_and_far_out(
    f: float, dof: int, dof_residual: float
) -> None:
    z, p = f_z_and_p_values(np.array([f]), dof, dof_residual)
    expected_z, expected_p = exact_z_and_p(f, dof, dof_residual)
    assert z[0] == pytest.approx(expected_z, rel=1e-10, abs=1e-11)
    if expected_p > 1e-290:
        assert p[0] == pytest.approx(expected_p, rel=1e-10)
    else:
        assert p[0] < 1e-289


@pytest.mark.parametrize("dof_residual", [900, np.inf])
@pytest.mark.parametrize("f", [5e-4, 25.0])
def test_many_rows_are_right_far_out_too(f: float, dof_residual: float) -> None:
    z, _ = f_z_and_p_values(np.array([f]), 200, dof_residual)
    assert z[0] == pytest.approx(exact_z_and_p(f, 200, dof_residual)[0], rel=1e-10)


@pytest.mark.parametrize(("dof", "dof_residual"), [(1, 7), (3, 63), (5, 8)])
def test_p_is_that_of_scipy(dof: int, dof_residual: int, rng: np.random.Generator) -> None:
    f = 3 * rng.f(dof, dof_residual, size=50)
    _, p = f_z_and_p_values(f, dof, dof_residual)
    np.testing.assert_allclose(p, stats.f.sf(f, dof, dof_residual), rtol=1e-10)
    _, p = f_z_and_p_values(f, dof, np.inf)
    np.testing.assert_allclose(p, stats.chi2.sf(dof * f, dof), rtol=1e-10)


def test_with_one_row_p_is_that_of_t_on_both_sides(rng: np.random.Generator) -> None:
    t = np.concatenate([rng.standard_t(9, size=40) * 4, [300.0]])
    for dof in (9, 2000, np.inf):
        _, expected = z_and_p_values(t, dof)
        _, p = f_z_and_p_values(t**2, 1, dof)
        np.testing.assert_allclose(p, expected, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize(("dof", "dof_residual"), [(1, 7), (2, 30), (9, 2000), (2, np.inf)])
def test_z_rises_from_a_finite_value_at_zero(dof: int, dof_residual: float) -> None:
    z, p = f_z_and_p_values(np.r_[0.0, np.geomspace(1e-307, 1e9, 2000)], dof, dof_residual)
    assert np.all(np.isfinite(z))
    assert np.all(np.diff(z) > 0)
    assert p[0] == 1


def test_degrees_of_freedom_may_differ_between_features() -> None:
    f, dof_residual = np.array([1e-250, 2.0, 1e6, 1e6]), np.array([9.0, 20.0, 800.0, 30.0])
    z, p = f_z_and_p_values(f, 3, dof_residual)
    for feature in range(4):
        alone = f_z_and_p_values(f[feature : feature + 1], 3, float(dof_residual[feature]))
        assert z[feature] == pytest.approx(alone[0][0], rel=1e-14)
        assert p[feature] == alone[1][0]


def test_an_infinite_statistic_has_p_0() -> None:
    z, p = f_z_and_p_values(np.array([np.inf]), 3, 10)
    assert p[0] == 0
    assert z[0] == np.inf
