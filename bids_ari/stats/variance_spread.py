"""How much the variances of the maps differ from each other."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.weighted import CHUNK, Blocks, enters


class _Moments(NamedTuple):
    """Of the logarithms of the variances so far, at each feature."""

    n_maps: NDArray[np.int32]
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]
    """Sum of squared deviations from the mean."""


def variance_spread(blocks: Blocks) -> float:
    """
    Say how unlike the variances of the maps are, holding one block at a time.

    Only the proportions of the variances matter: at 0.5, nine maps out of ten are within a factor
    of 5, at 1 within a factor of 27. :func:`mixed_effects` rejects too often above 1.

    Parameters
    ----------
    blocks : iterable of (effects, variances)
        Each (n_block, n_features), as for :func:`fixed_effects`; a map counts where it enters there.

    Returns
    -------
    spread : float
        Standard deviation over the maps of the natural logarithm of the variance: the median over
        features of two maps or more. nan if there are none.

    Raises
    ------
    ValueError
        If there are no blocks.

    Examples
    --------
    >>> variances = np.array([[1.0, 4.0, 1.0], [1.0, 4.0, 1.0], [np.e, 4.0 * np.e, np.nan]])
    >>> round(variance_spread([(np.ones((3, 3)), variances)]), 4)
    0.5774
    """
    total: _Moments | None = None
    for effects, variances in blocks:
        if total is None:
            n_features = effects.shape[1]
            total = _Moments(
                np.zeros(n_features, np.int32), np.zeros(n_features), np.zeros(n_features)
            )
        for first in range(0, total.mean.size, CHUNK):
            part = slice(first, first + CHUNK)
            some = _Moments(total.n_maps[part], total.mean[part], total.squares[part])  # views
            _merge(some, effects[:, part], variances[:, part])
    if total is None:
        msg = "there are no maps to compare"
        raise ValueError(msg)
    several = total.n_maps > 1
    if not several.any():
        return float("nan")
    return float(np.median(np.sqrt(total.squares[several] / (total.n_maps[several] - 1))))


def _merge(
    total: _Moments, effects: NDArray[np.floating], variances: NDArray[np.floating]
) -> None:
    """Add a block in place: sums of squares about the means of both, and between these."""
    spread = variances.astype(np.float64)
    used = enters(effects.astype(np.float64), spread)
    logs = np.log(spread, out=np.zeros_like(spread), where=used)
    n_block = np.count_nonzero(used, axis=0)
    mean = logs.sum(axis=0) / np.maximum(n_block, 1)
    logs -= mean
    logs[~used] = 0
    n_all = np.maximum(total.n_maps + n_block, 1)
    apart = mean - total.mean
    total.squares[...] += np.einsum("mf,mf->f", logs, logs)
    total.squares[...] += apart**2 * total.n_maps * n_block / n_all
    total.mean[...] += apart * n_block / n_all
    total.n_maps[...] += n_block.astype(np.int32)
