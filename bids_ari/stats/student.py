"""Student's t: tail probabilities and z values, accurate as far out as data go."""

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bids_ari.stats.far_tails import SMALLEST_TAIL, log_beta_tail

Alternative = Literal["two-sided", "greater", "less"]
ALTERNATIVES: tuple[Alternative, ...] = get_args(Alternative)
"""What a test is looking for: an effect of either sign, above 0, below 0."""


def p_value(
    t: NDArray[np.float64],
    dof: float | NDArray[np.float64],
    alternative: Alternative = "two-sided",
) -> NDArray[np.float64]:
    """
    P-value of Student statistics.

    Parameters
    ----------
    t : (n_features,) array
        Student statistics; infinite ones get 0 or 1.
    dof : float or (n_features,) array
        Degrees of freedom; the number infinity makes t a standard normal statistic.
    alternative : {'two-sided', 'greater', 'less'}
        What the test looks for.

    Returns
    -------
    (n_features,) array
        In double precision; 0 where the probability is below 1e-308.

    Raises
    ------
    ValueError
        If the alternative is unknown.

    Examples
    --------
    >>> p_value(np.array([0.0, 2.0]), dof=10).round(4)
    array([1.    , 0.0734])
    """
    return _p_value(t, upper_tail(np.abs(t), dof), alternative)


def z_value(t: NDArray[np.float64], dof: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Turn Student statistics into standard normal values of the same tail probability.

    Parameters
    ----------
    t : (n_features,) array
        Student statistics.
    dof : float or (n_features,) array
        Degrees of freedom; the number infinity makes t a standard normal statistic.

    Returns
    -------
    (n_features,) array
        Finite wherever t is, and strictly increasing in it also where the tail probability
        leaves the range of doubles.

    Examples
    --------
    >>> z_value(np.array([-2.0, 0.0, 2.0, 58.0]), dof=1023).round(4)
    array([-1.9976,  0.    ,  1.9976, 38.5843])
    """
    return _z_value(t, upper_tail(np.abs(t), dof), dof)


def z_and_p_values(
    t: NDArray[np.float64],
    dof: float | NDArray[np.float64],
    alternative: Alternative = "two-sided",
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Compute :func:`z_value` and :func:`p_value` in the time of one of them.

    Parameters
    ----------
    t : (n_features,) array
        Student statistics.
    dof : float or (n_features,) array
        Degrees of freedom; the number infinity makes t a standard normal statistic.
    alternative : {'two-sided', 'greater', 'less'}
        What the test looks for.

    Returns
    -------
    z, p : (n_features,) array

    Raises
    ------
    ValueError
        If the alternative is unknown.
    """
    tail = upper_tail(np.abs(t), dof)
    return _z_value(t, tail, dof), _p_value(t, tail, alternative)


def z_and_sided_p_values(
    t: NDArray[np.float64], dof: float | NDArray[np.float64]
) -> tuple[NDArray[np.float64], dict[Alternative, NDArray[np.float64]]]:
    """
    Compute :func:`z_value`, and :func:`p_value` under every alternative, in the time of one.

    Parameters
    ----------
    t : (n_features,) array
        Student statistics.
    dof : float or (n_features,) array
        Degrees of freedom; the number infinity makes t a standard normal statistic.

    Returns
    -------
    z : (n_features,) array
    p : dict of (n_features,) array
        By alternative.
    """
    tail = upper_tail(np.abs(t), dof)
    return _z_value(t, tail, dof), {one: _p_value(t, tail, one) for one in ALTERNATIVES}


def _p_value(
    t: NDArray[np.float64], tail: NDArray[np.float64], alternative: Alternative
) -> NDArray[np.float64]:
    if alternative == "two-sided":
        return 2 * tail
    if alternative not in ALTERNATIVES:
        msg = f"alternative is {alternative!r}, expected one of {', '.join(ALTERNATIVES)}"
        raise ValueError(msg)
    in_direction = t > 0 if alternative == "greater" else t < 0
    return np.where(in_direction, tail, 1 - tail)


def _z_value(
    t: NDArray[np.float64], tail: NDArray[np.float64], dof: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    if _is_normal(dof):
        return t.copy()
    size = np.abs(t)
    far = (tail < SMALLEST_TAIL) & np.isfinite(size)
    z = -special.ndtri(tail)
    if far.any():
        far_dof = dof[far] if isinstance(dof, np.ndarray) and dof.ndim else dof
        z[far] = -special.ndtri_exp(_log_upper_tail(size[far], far_dof))
    return np.copysign(z, t)


def upper_tail(t: NDArray[np.float64], dof: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Probability that a Student variable exceeds a number that is not negative.

    Parameters
    ----------
    t : (n_features,) array
        Numbers >= 0.
    dof : float or (n_features,) array
        Degrees of freedom; the number infinity makes t a standard normal statistic.

    Returns
    -------
    (n_features,) array
        From 0.5 at 0 down to 0.
    """
    return np.asarray(special.stdtr(dof, -t), dtype=np.float64)


def _is_normal(dof: float | NDArray[np.float64]) -> bool:
    return np.ndim(dof) == 0 and bool(np.isinf(dof))


def _log_upper_tail(
    t: NDArray[np.float64], dof: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Logarithm of :func:`upper_tail` far out."""
    log_odds = 2 * np.log(t) - np.log(dof)
    return log_beta_tail(np.divide(dof, 2), 0.5, log_odds) - math.log(2)
