"""Fisher's F: tail probabilities and z values, accurate as far out as data go."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bids_ari.stats.far_tails import (
    SMALLEST_TAIL,
    log_beta_tail,
    log_lower_gamma_tail,
    log_upper_gamma_tail,
)

_LEAST = float(np.finfo(np.float64).tiny)
"""Smaller F count as this one, so that z stays finite at 0."""


def f_z_and_p_values(
    f: NDArray[np.float64], dof: int, dof_residual: float | NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Turn F statistics into p-values and standard normal values of the same upper tail.

    Parameters
    ----------
    f : (n_features,) array
        F statistics, not negative; infinite ones get p = 0.
    dof : int
        Degrees of freedom of the numerator.
    dof_residual : float or (n_features,) array
        Of the denominator; the number infinity makes ``dof * f`` a chi-squared statistic.

    Returns
    -------
    z : (n_features,) array
        One-sided: negative where F is below its median. Finite wherever F is, and strictly
        increasing in it also where a tail probability leaves the range of doubles. F = 0 gets the z
        of the smallest normal double, 2e-308: the lowest z there is with these degrees of freedom.
    p : (n_features,) array
        Upper tail in double precision; 1 at 0, and 0 where the probability is below 1e-308.

    Notes
    -----
    The tail of F is an incomplete beta integral, that of chi-squared an incomplete gamma
    integral; z is taken from the smaller one of the two tails, which keeps all its digits.

    Examples
    --------
    >>> z, p = f_z_and_p_values(np.array([0.5, 4.0, 1e5]), dof=2, dof_residual=30)
    >>> z.round(3), p.round(4)
    (array([-0.283,  1.898, 16.024]), array([0.6115, 0.0288, 0.    ]))
    """
    raised = np.maximum(f, _LEAST)
    upper = _upper_tail(raised, dof, dof_residual)
    if _is_chi_squared(dof_residual):
        lower = special.gammainc(dof / 2, raised * (dof / 2))
    else:
        lower = special.fdtr(dof, dof_residual, raised)
    z = np.where(upper < lower, -special.ndtri(upper), special.ndtri(lower))
    far = np.isfinite(f) & (np.minimum(upper, lower) < SMALLEST_TAIL)
    if far.any():
        residual = np.broadcast_to(np.asarray(dof_residual, dtype=np.float64), f.shape)
        z[far] = _far_z(raised[far], dof, residual[far], is_high=(lower > upper)[far])
    return z, np.where(f > 0, upper, 1.0)


def f_p_value(
    f: NDArray[np.float64], dof: int, dof_residual: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    """
    Compute the p-values of :func:`f_z_and_p_values`, in a fraction of its time.

    Parameters
    ----------
    f : (n_features,) array
        F statistics, not negative; infinite ones get p = 0.
    dof : int
        Degrees of freedom of the numerator.
    dof_residual : float or (n_features,) array
        Of the denominator; the number infinity makes ``dof * f`` a chi-squared statistic.

    Returns
    -------
    (n_features,) array
        Upper tail in double precision; 1 at 0, and 0 where the probability is below 1e-308.

    Examples
    --------
    >>> f_p_value(np.array([0.5, 4.0, 1e5]), dof=2, dof_residual=30).round(4)
    array([0.6115, 0.0288, 0.    ])
    """
    raised = np.maximum(f, _LEAST)
    return np.where(f > 0, _upper_tail(raised, dof, dof_residual), 1.0)


def _upper_tail(
    f: NDArray[np.float64], dof: int, dof_residual: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    if _is_chi_squared(dof_residual):
        return np.asarray(special.gammaincc(dof / 2, f * (dof / 2)), dtype=np.float64)
    return np.asarray(special.fdtrc(dof, dof_residual, f), dtype=np.float64)


def _is_chi_squared(dof_residual: float | NDArray[np.float64]) -> bool:
    return np.ndim(dof_residual) == 0 and bool(np.isinf(dof_residual))


def _far_z(
    f: NDArray[np.float64],
    dof: int,
    dof_residual: NDArray[np.float64],
    *,
    is_high: NDArray[np.bool_],
) -> NDArray[np.float64]:
    z = np.empty_like(f)
    for part, sign in ((is_high, -1), (~is_high, 1)):
        log_f, b = np.log(f[part]) + np.log(dof / 2), dof_residual[part] / 2
        if np.isinf(b).all():
            log_tail = (
                log_upper_gamma_tail(dof / 2, f[part] * (dof / 2))
                if sign < 0
                else log_lower_gamma_tail(dof / 2, log_f)
            )
        else:
            log_odds = log_f - np.log(b)
            log_tail = (
                log_beta_tail(b, dof / 2, log_odds)
                if sign < 0
                else log_beta_tail(dof / 2, b, -log_odds)
            )
        z[part] = sign * special.ndtri_exp(log_tail)
    return z
