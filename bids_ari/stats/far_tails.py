"""Logarithms of the incomplete beta and gamma integrals where they leave the range of doubles."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

SMALLEST_TAIL = 1e-280
"""Below this, work with logarithms: doubles end at 1e-308, with few digits from 1e-290 on."""
_MAX_TERMS = 10_000


def log_beta_tail(
    a: float | NDArray[np.float64],
    b: float | NDArray[np.float64],
    log_odds: NDArray[np.float64],
) -> NDArray[np.float64]:
    """
    Logarithm of the regularised incomplete beta integral ``I_x(a, b)`` far below its middle.

    Parameters
    ----------
    a, b : float or (n,) array
        Positive shapes.
    log_odds : (n,) array
        ``log((1 - x) / x)``, which keeps the digits of x at both of its ends.

    Returns
    -------
    (n,) array

    Notes
    -----
    The continued fraction 8.17.22 of the NIST Digital Library of Mathematical Functions, with the
    power in front of it kept as a logarithm.
    """
    x = special.expit(-log_odds)

    def coefficient(term: int) -> NDArray[np.float64]:
        m = term // 2
        if term % 2:
            return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))

    log_front = (
        -a * np.logaddexp(0, log_odds)  # x ** a
        - b * np.logaddexp(0, -log_odds)  # (1 - x) ** b
        - np.log(a)
        - special.betaln(a, b)
    )
    return np.asarray(log_front - np.log(_continued_fraction(coefficient, np.ones_like(x))))


def log_upper_gamma_tail(a: float, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Logarithm of the regularised upper incomplete gamma integral ``Q(a, x)`` far above its middle.

    Parameters
    ----------
    a : float
        Positive shape.
    x : (n,) array
        Numbers well above ``a``.

    Returns
    -------
    (n,) array

    Notes
    -----
    The continued fraction 8.9.2 of the NIST Digital Library of Mathematical Functions.
    """

    def coefficient(term: int) -> NDArray[np.float64]:
        m = (term + 1) // 2
        return (m - a if term % 2 else m) / x

    fraction = _continued_fraction(coefficient, np.ones_like(x))
    return np.asarray((a - 1) * np.log(x) - x - special.gammaln(a) - np.log(fraction))


def log_lower_gamma_tail(a: float, log_x: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Logarithm of the regularised lower incomplete gamma integral ``P(a, x)`` far below its middle.

    Parameters
    ----------
    a : float
        Positive shape.
    log_x : (n,) array
        Logarithms of numbers well below ``a``.

    Returns
    -------
    (n,) array

    Notes
    -----
    The series 8.7.1 of the NIST Digital Library of Mathematical Functions.
    """
    x = np.exp(log_x)
    series = special.hyp1f1(1.0, a + 1, x)
    return np.asarray(a * log_x - x - special.gammaln(a + 1) + np.log(series))


def _continued_fraction(
    coefficient: Callable[[int], NDArray[np.float64]], start: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Evaluate ``1 + k_1 / (1 + k_2 / (1 + ...))`` by Lentz' method, as Thompson and Barnett."""
    value, c, d = start, start, np.zeros_like(start)
    for term in range(1, _MAX_TERMS):
        k = coefficient(term)
        d = 1 / (1 + k * d)
        c = 1 + k / c
        step = c * d
        value = value * step
        if term > 1 and np.all(np.abs(step - 1) < 1e-15):
            break
    return value
