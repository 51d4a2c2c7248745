"""
Weighted least squares with other weights at each feature, one block of maps at a time.

The regressors are replaced by an orthonormal basis of them, and the data by their deviations from
a first guess, so that the sums of products keep their digits.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

Blocks = Iterable[tuple[NDArray[np.floating], NDArray[np.floating]]]
"""(n_block, n_features) effects and their variances, block by block, in the order of the design."""

CHUNK = 16_384
"""Features handled at a time: what fits in the cache of a core."""
_LARGEST = 1e100
"""Larger values, and variances below its inverse, overflow in the products of the sums."""
_LEAST_RANK = 1e-10
"""Of the smallest eigenvalue of the scaled products of the regressors, against the largest."""


class Sums(NamedTuple):
    """What weighted least squares needs to know of the maps, at each feature."""

    start: NDArray[np.float64]
    """(n_features, n_regressors) coefficients from which deviations are taken."""
    products: NDArray[np.float64]
    """(n_features, n_regressors, n_regressors) ``X'WX``."""
    squared: NDArray[np.float64]
    """(n_features, n_regressors, n_regressors) ``X'W^2X``."""
    moments: NDArray[np.float64]
    """(n_features, n_regressors) ``X'We`` of the deviations e."""
    deviance: NDArray[np.float64]
    """(n_features,) ``e'We``."""
    weight: NDArray[np.float64]
    """(n_features,) sum of the weights."""
    n_maps: NDArray[np.int32]
    """(n_features,) maps that have a value and a variance there."""


class Solution(NamedTuple):
    """Weighted least squares at each feature; 0 where the maps do not determine it."""

    coefficients: NDArray[np.float64]
    """(n_features, n_regressors) of the basis."""
    covariance: NDArray[np.float64]
    """(n_features, n_regressors, n_regressors) of the coefficients, ``(X'WX)^-1``."""
    deviance: NDArray[np.float64]
    """(n_features,) weighted sum of squared residuals."""
    determined: NDArray[np.bool_]
    """(n_features,) whether the maps with a weight determine all coefficients."""


def weighted_sums(
    blocks: Blocks,
    basis: NDArray[np.float64],
    *,
    tau2: NDArray[np.float64] | None = None,
    start: NDArray[np.float64] | None = None,
) -> Sums:
    """
    Sum up all maps with weights ``1 / (variance + tau2)``, holding one block at a time.

    A map has weight 0 where its value is not finite or its variance not finite and positive.

    Parameters
    ----------
    blocks : iterable of (effects, variances)
        Each (n_block, n_features).
    basis : (n_maps, n_regressors) array
        Orthonormal basis of the regressors.
    tau2 : (n_features,) array, optional
        Variance between maps, added to that of each map.
    start : (n_features, n_regressors) array, optional
        A guess of the coefficients; without it, that of the first block.

    Returns
    -------
    Sums

    Raises
    ------
    ValueError
        If the maps are not as many as the rows of the basis, or blocks differ in shape.
    """
    sums: Sums | None = None
    for rows, effects, variances in _with_rows(blocks, basis):
        if sums is None:
            sums = _empty_sums(effects, rows, start)
        elif effects.shape[1] != sums.weight.size:
            msg = f"a block has {effects.shape[1]} features, those before have {sums.weight.size}"
            raise ValueError(msg)
        for first in range(0, sums.weight.size, CHUNK):
            part = slice(first, first + CHUNK)
            between = 0.0 if tau2 is None else tau2[part]
            # views, added to in place
            total = Sums(*(cast("NDArray[Any]", array[part]) for array in sums))
            _add(total, rows, effects[:, part], variances[:, part], between)
    if sums is None:
        msg = "there are no maps to fit"
        raise ValueError(msg)
    return sums


def solve(sums: Sums) -> Solution:
    """
    Solve the normal equations at each feature.

    Parameters
    ----------
    sums : Sums
        Of all maps.

    Returns
    -------
    Solution
    """
    n_features, n_regressors = sums.start.shape
    covariance = np.empty_like(sums.products)
    determined = np.empty(n_features, dtype=bool)
    for first in range(0, n_features, CHUNK):
        part = slice(first, first + CHUNK)
        products = sums.products[part]
        size = np.sqrt(np.einsum("fii->fi", products))
        size[size == 0] = 1  # no map at all: the rank tells
        scale = size[:, :, None] * size[:, None, :]
        scaled = products / scale
        full = np.linalg.matrix_rank(scaled, rtol=_LEAST_RANK, hermitian=True) == n_regressors
        scaled[~full] = np.eye(n_regressors)
        covariance[part] = np.where(full[:, None, None], np.linalg.inv(scaled) / scale, 0.0)
        determined[part] = full
    step = np.einsum("fij,fj->fi", covariance, sums.moments)
    deviance = np.maximum(sums.deviance - np.einsum("fi,fi->f", step, sums.moments), 0.0)
    return Solution(
        np.where(determined[:, None], sums.start + step, 0.0),
        covariance,
        np.where(determined, deviance, 0.0),
        determined,
    )


def enters(effects: NDArray[np.floating], variances: NDArray[np.floating]) -> NDArray[np.bool_]:
    """
    Tell where maps have a weight.

    Parameters
    ----------
    effects, variances : (n_maps, n_features) array
        Of the first level, in double precision.

    Returns
    -------
    (n_maps, n_features) array of bool
        Whether the effect is finite, and the variance finite and positive.
    """
    # what is not a number is not smaller than any
    return np.asarray(
        (np.abs(effects) < _LARGEST) & (variances > 1 / _LARGEST) & (variances < _LARGEST)
    )


def _add(
    total: Sums,
    rows: NDArray[np.float64],
    effects: NDArray[np.floating],
    variances: NDArray[np.floating],
    tau2: float | NDArray[np.float64],
) -> None:
    values, spread = effects.astype(np.float64), variances.astype(np.float64)
    used = enters(values, spread)
    values[~used] = 0
    deviations = values - rows @ total.start.T
    weights = np.divide(1.0, spread + tau2, out=np.zeros_like(spread), where=used)
    products = np.einsum("mi,mj->mij", rows, rows).reshape(len(rows), -1)
    shape = total.products.shape
    total.products[...] += (weights.T @ products).reshape(shape)
    total.squared[...] += ((weights * weights).T @ products).reshape(shape)
    total.weight[...] += weights.sum(axis=0)
    total.n_maps[...] += np.count_nonzero(used, axis=0)
    weights *= deviations
    total.moments[...] += weights.T @ rows
    total.deviance[...] += np.einsum("mf,mf->f", weights, deviations)


def _with_rows(
    blocks: Blocks, basis: NDArray[np.float64]
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.floating], NDArray[np.floating]]]:
    start = 0
    for effects, variances in blocks:
        if effects.shape != variances.shape:
            msg = f"effects have shape {effects.shape}, their variances {variances.shape}"
            raise ValueError(msg)
        rows = basis[start : start + len(effects)]
        start += len(effects)
        if len(rows) == len(effects):
            yield rows, effects, variances
    if start != len(basis):
        msg = f"there are {start} maps, expected one for each of {len(basis)} rows of the design"
        raise ValueError(msg)


def _empty_sums(
    effects: NDArray[np.floating],
    rows: NDArray[np.float64],
    start: NDArray[np.float64] | None,
) -> Sums:
    n_features, n_regressors = effects.shape[1], rows.shape[1]
    if start is None:
        start = np.empty((n_features, n_regressors))
        inverse = np.linalg.pinv(rows).T
        for first in range(0, n_features, CHUNK):
            part = slice(first, first + CHUNK)
            values = effects[:, part].astype(np.float64)
            values[~(np.abs(values) < _LARGEST)] = 0
            start[part] = values.T @ inverse
    return Sums(
        start,
        products=np.zeros((n_features, n_regressors, n_regressors)),
        squared=np.zeros((n_features, n_regressors, n_regressors)),
        moments=np.zeros((n_features, n_regressors)),
        deviance=np.zeros(n_features),
        weight=np.zeros(n_features),
        n_maps=np.zeros(n_features, dtype=np.int32),
    )
