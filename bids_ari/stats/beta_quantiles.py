"""Quantiles of beta distributions whose log odds may be out of the range of doubles."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bids_ari.stats.far_tails import SMALLEST_TAIL, log_beta_tail

_FAR = 100.0
"""Log odds from which scipy's quantiles, some of which are not numbers at 1e-278, are left alone."""
_MAX_STEPS = 100


def beta_log_odds(
    a: NDArray[np.float64], b: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float64]:
    """
    Log odds of the distribution function of beta distributions.

    Parameters
    ----------
    a, b : (n,) array
        Shapes, at least 1.
    x : (n,) array
        Numbers between 0 and 1.

    Returns
    -------
    (n,) array
        ``log(I / (1 - I))``, where ``I`` is the regularised incomplete beta integral.

    Examples
    --------
    >>> a, b = np.full(4, 900.0), np.full(4, 9.0)
    >>> beta_log_odds(a, b, np.array([0.0, 1e-300, 0.5, 1.0])).round(2).tolist()
    [-inf, -621654.12, -585.51, inf]
    """
    lower = np.asarray(special.betainc(a, b, x), np.float64)
    below = lower <= 0.5
    result = np.empty(x.shape)
    result[below] = _log_odds(a[below], b[below], x[below], 1 - x[below], lower[below])
    a, b, x = a[~below], b[~below], x[~below]
    upper = np.asarray(special.betaincc(a, b, x), np.float64)
    result[~below] = -_log_odds(b, a, 1 - x, x, upper)
    return result


def _log_odds(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    x: NDArray[np.float64],
    rest: NDArray[np.float64],
    integral: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Take the log odds of integrals up to 0.5; where they vanish, compute these anew."""
    with np.errstate(divide="ignore"):
        result = np.log(integral) - np.log1p(-integral)
    far = (integral <= SMALLEST_TAIL) & (x > 0)
    result[far] = log_beta_tail(a[far], b[far], np.log(rest[far]) - np.log(x[far]))
    return np.asarray(result)


def beta_quantile(
    a: NDArray[np.float64], b: NDArray[np.float64], log_odds: float
) -> NDArray[np.float64]:
    """
    Find where the distribution functions of beta distributions have given log odds.

    Parameters
    ----------
    a, b : (n,) array
        Shapes, at least 1.
    log_odds : float
        Any number, also infinite.

    Returns
    -------
    (n,) array
        The inverse of :func:`beta_log_odds`.

    Examples
    --------
    >>> beta_quantile(np.array([3.0]), np.array([9.0]), np.log(0.5 / 0.5)).round(4)
    array([0.2358])
    """
    if np.isinf(log_odds):
        return np.full(a.shape, float(log_odds > 0))
    if abs(log_odds) > _FAR:
        if log_odds > 0:
            return np.asarray(1 - _far_quantile(b, a, -log_odds))
        return _far_quantile(a, b, log_odds)
    inverse = special.betainccinv if log_odds > 0 else special.betaincinv
    return np.asarray(inverse(a, b, special.expit(-abs(log_odds))))


def _far_quantile(
    a: NDArray[np.float64], b: NDArray[np.float64], log_odds: float
) -> NDArray[np.float64]:
    """Find quantiles far below the median."""
    # The logarithm of the integral is a concave function of log x. The power x ** a in front of
    # the integral is above it, so that Newton's steps begin to the left, and stay there.
    log_x = np.minimum((log_odds + np.log(a) + special.betaln(a, b)) / a, -np.finfo(float).tiny)
    for _ in range(_MAX_STEPS):
        log_rest = np.log(-np.expm1(log_x))
        below = log_odds - log_beta_tail(a, b, log_rest - log_x)
        density = a * log_x + (b - 1) * log_rest - special.betaln(a, b)
        step = below * np.exp(log_odds - below - density)
        log_x = log_x + step
        if np.all(np.abs(step) <= 4e-16 * np.abs(log_x)):
            break
    return np.asarray(np.exp(log_x))
