"""
The loops that numpy cannot do, compiled.

Importing this module imports numba, so import it where it is needed. The tests hold every kernel
against its definition, evaluated in plain Python.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """Compile a function at its first call, and keep the result on disk where that is possible."""
    try:
        return cast("Kernel", numba.njit(cache=True)(function))
    except RuntimeError:  # neither beside this file nor in the home directory can files be written
        return cast("Kernel", numba.njit(function))


@compiled
def hull_minima(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    For each number of largest p-values, the least of ``p / rank`` among them.

    Parameters
    ----------
    p_values : (n_features,) array
        Ascending.

    Returns
    -------
    (n_features,) array
        The least of ``p_(m-i+j) / j`` over ``j = 1 ... i``, for ``i = 1 ... m``.

    Notes
    -----
    The minimum over ``t = m - i + j`` is where a line from ``(m - i, 0)`` touches the lower convex
    hull of the points ``(t, p_(t))``. It moves left as ``i`` grows: one pass for all.
    """
    m = p_values.size
    hull = np.empty(m + 1, np.int64)  # ranks of the vertices; rank 0 is the point (0, 0)
    hull[0] = 0
    n = 1
    for t in range(1, m + 1):
        while n >= 2:
            a, b = hull[n - 2], hull[n - 1]
            p_a = 0.0 if a == 0 else p_values[a - 1]
            if (b - a) * (p_values[t - 1] - p_a) > (t - a) * (p_values[b - 1] - p_a):
                break
            n -= 1
        hull[n] = t
        n += 1

    least = np.empty(m)
    k = n - 1
    for i in range(1, m + 1):
        offset = m - i
        while k > 1 and hull[k - 1] > offset:
            before, here = hull[k - 1], hull[k]
            p_before, p_here = p_values[before - 1], p_values[here - 1]
            if p_before * (here - offset) > p_here * (before - offset):
                break
            k -= 1
        least[i - 1] = p_values[hull[k] - 1] / (hull[k] - offset)
    return least
