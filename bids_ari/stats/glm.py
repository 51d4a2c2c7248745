"""
Second-level mass-univariate least squares, one block of maps at a time.

The sums that textbooks form (``X'Y``, ``Y'Y``) cancel when the mean of the data is large against
their spread. Here each block is rotated by the QR decomposition of its part of the design, which
leaves its sum of squared residuals apart, and two blocks are merged by another such rotation.
Merging is associative: blocks may come in any order and from other processes.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_CHUNK = 16_384
"""Features rotated at a time: what fits in the cache of a core."""
_ROUNDING = 64 * np.finfo(np.float64).eps ** 2
"""More than rotations of constant data leave in their residuals (up to 5 eps^2 for each map), and
far less than data in single precision can vary by (eps of these squared: 1e-14)."""


class Rotated(NamedTuple):
    """What least squares needs to know of a block of maps."""

    r: NDArray[np.float64]
    """(n_rows, n_regressors) triangular factor of the design; n_rows <= n_regressors."""
    z: NDArray[np.float64]
    """(n_rows, n_features) data, rotated like the design."""
    rss: NDArray[np.float64]
    """(n_features,) sum of squares outside of the design."""
    sum_of_squares: NDArray[np.float64]
    """(n_features,) sum of squares of the data themselves: the yardstick of rounding."""
    n_maps: int


def rotate(effects: NDArray[np.floating], design: NDArray[np.floating]) -> Rotated:
    """
    Summarise one block of maps.

    Parameters
    ----------
    effects : (n_maps, n_features) array
        First-level maps, in single or double precision.
    design : (n_maps, n_regressors) array
        Their rows of the second-level design.

    Returns
    -------
    Rotated
        In double precision.
    """
    n_maps, n_features = effects.shape
    q, r = np.linalg.qr(design.astype(np.float64))
    z = np.empty((q.shape[1], n_features))
    rss, sum_of_squares = np.empty(n_features), np.empty(n_features)
    for start in range(0, n_features, _CHUNK):
        part = slice(start, start + _CHUNK)
        data = effects[:, part].astype(np.float64)
        sum_of_squares[part] = np.einsum("mf,mf->f", data, data)
        z[:, part] = q.T @ data
        data -= q @ z[:, part]
        rss[part] = np.einsum("mf,mf->f", data, data)
    return Rotated(r, z, rss, sum_of_squares, n_maps)


def merge(first: Rotated, second: Rotated) -> Rotated:
    """
    Summarise two blocks as if they had been one.

    Parameters
    ----------
    first, second : Rotated
        Of the same features and the same regressors.

    Returns
    -------
    Rotated

    References
    ----------
    .. [1] Demmel et al. (2012), SIAM J. Sci. Comput. 34(1), A206-A239, doi:10.1137/080731992
    """
    q, r = np.linalg.qr(np.concatenate([first.r, second.r]), mode="complete")
    n_rows = min(r.shape)
    z = np.empty((n_rows, first.rss.size))
    rss = first.rss + second.rss
    for start in range(0, rss.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        rotated = q.T @ np.concatenate([first.z[:, part], second.z[:, part]])
        z[:, part] = rotated[:n_rows]
        rss[part] += np.einsum("rf,rf->f", rotated[n_rows:], rotated[n_rows:])
    return Rotated(
        r[:n_rows],
        z,
        rss,
        first.sum_of_squares + second.sum_of_squares,
        first.n_maps + second.n_maps,
    )


def fit(blocks: Iterable[tuple[NDArray[np.floating], NDArray[np.floating]]]) -> Rotated:
    """
    Summarise all maps, holding one block at a time.

    Parameters
    ----------
    blocks : iterable of (effects, design)
        What :func:`rotate` takes, block by block.

    Returns
    -------
    Rotated

    Raises
    ------
    ValueError
        If there is no block.
    """
    total: Rotated | None = None
    for effects, design in blocks:
        part = rotate(effects, design)
        total = merge(total, part) if total else part
        del effects, part  # or they would be held while the next block is made
    if total is None:
        msg = "there are no maps to fit"
        raise ValueError(msg)
    return total


def varying(rotated: Rotated) -> NDArray[np.bool_]:
    """
    Tell where data vary around the model by more than the rounding of the data.

    Parameters
    ----------
    rotated : Rotated
        Summary of all maps.

    Returns
    -------
    (n_features,) array of bool
        Elsewhere nothing can be tested.
    """
    return rotated.rss > least_rss(rotated.n_maps, rotated.sum_of_squares)


def least_rss(n_maps: int, sum_of_squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Tell how much rounding can leave of data that the model explains entirely.

    Parameters
    ----------
    n_maps : int
        How many maps enter.
    sum_of_squares : (n_features,) array
        Of the data themselves.

    Returns
    -------
    (n_features,) array
        Residual sums of squares up to these mean nothing.
    """
    return _ROUNDING * n_maps * sum_of_squares
