"""Data without the nuisance of a group model: all that random transformations need."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.exchange import Exchange
from bids_ari.stats.glm import least_rss

Reader = Callable[[int, int], NDArray[np.floating]]
"""From the first feature and the one after the last to their data, (n_maps, n)."""


class Residuals(NamedTuple):
    """Data without nuisance, in the unit that makes their sum of squares 1."""

    values: NDArray[np.float64]
    """(n_features, n_maps), in memory or in a file; 0 where nothing is left but rounding."""
    least_rss: NDArray[np.float64]
    """(n_features,) what rounding of the data can leave of the sum of squares."""


def nuisance_residuals(
    data: NDArray[np.floating] | Reader,
    exchange: Exchange,
    *,
    n_features: int | None = None,
    n_at_once: int = 4096,
    scratch: Path | None = None,
) -> Residuals:
    """
    Take the nuisance of a group model out of the data, some features at a time.

    Parameters
    ----------
    data : (n_maps, n_features) array, or function
        First-level maps, or what reads those of the features from a first one up to another.
    exchange : Exchange
        What may be exchanged.
    n_features : int, optional
        How many features there are to read; needed with a function.
    n_at_once : int
        How many features to read at a time.
    scratch : Path, optional
        A file to make and to keep the residuals in (8 bytes for each feature of each map), not in
        memory.

    Returns
    -------
    Residuals

    Raises
    ------
    ValueError
        If there are not as many maps as in the design, or values that are not finite.

    Examples
    --------
    >>> from bids_ari.stats.exchange import exchangeable
    >>> test = exchangeable(np.array([[1.0, 0], [1, 1], [1, 3]]), np.array([0.0, 1.0]))
    >>> nuisance_residuals(np.array([[5.0, 6], [5, 7], [5, 5]]), test).values.round(3) + 0
    array([[ 0.   ,  0.   ,  0.   ],
           [ 0.   ,  0.707, -0.707]])
    """
    from bids_ari.stats import _resampling_kernels as kernels  # numba takes a while

    if isinstance(data, np.ndarray):
        n_features = data.shape[1]
    elif n_features is None:
        msg = "n_features is missing: how many features are there to read?"
        raise ValueError(msg)
    shape = (n_features, exchange.n_maps)
    if scratch is None:
        values = np.empty(shape)
    else:  # as a plain array over the file: compiled code knows no others
        values = np.asarray(np.memmap(scratch, np.float64, "w+", shape=shape))
    least = np.empty(n_features)
    for start in range(0, n_features, n_at_once):
        part = slice(start, min(start + n_at_once, n_features))
        maps = data[:, part] if isinstance(data, np.ndarray) else data(part.start, part.stop)
        some = _checked(maps, exchange.n_maps, part)
        least[part] = least_rss(exchange.n_maps, kernels.sums_of_squares(some))
        kernels.remove(some, exchange.nuisance)
        sums = kernels.sums_of_squares(some)
        varies = sums > least[part]
        sums[~varies] = np.inf
        some /= np.sqrt(sums)[:, None]
        least[part] /= sums
        values[part] = some
    return Residuals(values, least)


def _checked(maps: NDArray[np.floating], n_maps: int, part: slice) -> NDArray[np.float64]:
    """Turn maps into rows of features."""
    if maps.shape != (n_maps, part.stop - part.start):
        msg = (
            f"data of features {part.start} to {part.stop} have shape {maps.shape}, "
            f"expected {(n_maps, part.stop - part.start)}"
        )
        raise ValueError(msg)
    some = np.array(maps.T, dtype=np.float64, order="C")  # a copy, as it will be changed
    if not np.isfinite(some).all():
        msg = f"data of features {part.start} to {part.stop} are not all finite"
        raise ValueError(msg)
    return some
