"""What may be exchanged between the maps of a group model if there is nothing to find."""

import math
from itertools import permutations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.refusals import (
    design_factors,
    refuse_contrast,
    refuse_f_contrast,
    residual_dof,
)
from bids_ari.stats.student import ALTERNATIVES, Alternative

Kind = Literal["sign flips", "permutations"]
MANY = 2**62
"""More distinct transformations than these are not counted."""
_ROUNDING = 1e-9
"""Of orthonormal columns, and what is left of a vector in their span."""
_FEW_KINDS = 6
"""Of maps, whose symmetries are sought by trying all of them."""


class Exchange(NamedTuple):
    """A test, and the transformations of the data that leave its null distribution as it is."""

    kind: Kind
    tested: NDArray[np.float64]
    """(n_maps, n_rows) orthonormal: the part of the model that is tested. One column, of the sign
    of the effect, where one contrast is tested."""
    nuisance: NDArray[np.float64]
    """(n_maps, n_nuisance) orthonormal: the rest of the model."""
    changing: NDArray[np.float64]
    """(n_maps, n_changing) orthonormal: the part of the nuisance that is not the same to all maps
    that may be exchanged, so that transformed residuals come to have something of it."""
    units: NDArray[np.intp]
    """(n_maps,) number, from 0, of what is flipped as a whole, or permuted within."""
    alternative: Alternative | None
    """What a t-test looks for; None for an F test."""
    dof: int
    """Residual degrees of freedom of the model."""
    n_distinct: int
    """How many transformations there are that can give different statistics; MANY at most."""
    n_symmetric: int
    """How many of these always give the same p-values: 2 if a test is two-sided and groups are
    of the same size, as they could be named the other way round."""

    @property
    def n_maps(self) -> int:
        """How many maps enter."""
        return len(self.tested)


def exchangeable(
    design: NDArray[np.floating],
    contrast: NDArray[np.floating],
    blocks: NDArray[np.generic] | None = None,
    alternative: Alternative = "two-sided",
) -> Exchange:
    r"""
    Decide from a group model what may be exchanged if the contrast is 0.

    The space of the design is the sum of two orthogonal parts: the *nuisance*, all that the model
    can be while the contrast is 0, and what is *tested* [1]_. If the nuisance holds the mean of
    all maps, errors are taken to be exchangeable, and maps are permuted. Otherwise errors are
    taken to be symmetric about 0, and the signs of maps are flipped. Where there is a nuisance,
    its residuals are transformed, and the whole model is fitted to these (Freedman and Lane [2]_).

    Parameters
    ----------
    design : (n_maps, n_regressors) array
        Of full column rank.
    contrast : (n_regressors,) or (n_rows, n_regressors) array
        One contrast for a t-test, or rows that an F test takes together.
    blocks : (n_maps,) array, optional
        Labels of maps that depend on each other: permutations are within blocks, flips turn whole
        blocks.
    alternative : {'two-sided', 'greater', 'less'}
        What a t-test looks for.

    Returns
    -------
    Exchange

    Raises
    ------
    ValueError
        If the model leaves no degrees of freedom, the contrast is no test of it, or nothing can
        be exchanged: all maps of each block are alike to the contrast.

    References
    ----------
    .. [1] Winkler et al. (2014), NeuroImage 92, 381-397, doi:10.1016/j.neuroimage.2014.01.060
    .. [2] Freedman & Lane (1983), Journal of Business & Economic Statistics 1(4), 292-298,
       doi:10.2307/1391660

    Examples
    --------
    >>> groups = np.repeat(np.eye(2), [3, 4], axis=0)
    >>> difference = exchangeable(groups, np.array([1.0, -1.0]))
    >>> difference.kind, difference.n_distinct  # which 3 of 7 maps are the first group
    ('permutations', 35)
    >>> exchangeable(groups, np.array([0.5, 0.5])).kind
    'sign flips'
    """
    n_maps, n_regressors = design.shape
    basis, r = design_factors(design)
    dof = residual_dof(n_maps, r)
    if contrast.ndim == 1:
        refuse_contrast(contrast, n_regressors)
    else:
        refuse_f_contrast(contrast, n_regressors)
    if alternative not in ALTERNATIVES:
        msg = f"alternative is {alternative!r}, expected one of {', '.join(ALTERNATIVES)}"
        raise ValueError(msg)
    # the estimate is weights' (basis' data): the contrast is 0 on all that is orthogonal to them
    rows = np.atleast_2d(contrast).astype(np.float64)
    weights = np.linalg.solve(r.T, rows.T)
    parts, factor = np.linalg.qr(weights, mode="complete")
    n_rows = len(rows)
    tested = basis @ parts[:, :n_rows]
    if contrast.ndim == 1:
        tested = tested * np.sign(factor[0, 0])
    nuisance = basis @ parts[:, n_rows:]

    ones = np.full(n_maps, n_maps**-0.5)
    has_mean = bool(np.linalg.norm(ones - nuisance @ (nuisance.T @ ones)) < _ROUNDING)
    exchange = Exchange(
        kind="permutations" if has_mean else "sign flips",
        tested=tested,
        nuisance=nuisance,
        changing=nuisance,
        units=_numbered(blocks, n_maps, whole=has_mean),
        alternative=alternative if contrast.ndim == 1 else None,
        dof=dof,
        n_distinct=0,
        n_symmetric=1,
    )
    return _count_flips(exchange) if not has_mean else _count_permutations(exchange)


def kinds_of_maps(exchange: Exchange) -> NDArray[np.intp]:
    """
    Tell which maps are alike to the test.

    Parameters
    ----------
    exchange : Exchange
        What may be permuted.

    Returns
    -------
    (n_maps,) array of int
        Number of its kind: maps of one kind and one unit can change places without any effect.
    """
    rows = np.concatenate([exchange.tested, exchange.changing], axis=1)
    _, kinds = np.unique(np.round(rows / _ROUNDING), axis=0, return_inverse=True)
    return kinds.reshape(-1)


def _numbered(blocks: NDArray[np.generic] | None, n_maps: int, *, whole: bool) -> NDArray[np.intp]:
    """Labels of blocks as numbers; without any, all maps are one block or each is one."""
    if blocks is None:
        return np.zeros(n_maps, np.intp) if whole else np.arange(n_maps)
    if blocks.shape != (n_maps,):
        msg = f"labels of blocks have shape {blocks.shape}, expected ({n_maps},)"
        raise ValueError(msg)
    return np.asarray(np.unique(blocks, return_inverse=True)[1].reshape(-1), dtype=np.intp)


def _count_flips(exchange: Exchange) -> Exchange:
    n_units = int(exchange.units.max()) + 1
    return exchange._replace(
        n_distinct=min(2**n_units, MANY),
        n_symmetric=1 if exchange.alternative in ("greater", "less") else 2,
    )


def _count_permutations(exchange: Exchange) -> Exchange:
    indicator = (exchange.units == np.arange(exchange.units.max() + 1)[:, None]).astype(np.float64)
    indicator /= np.linalg.norm(indicator, axis=1, keepdims=True)
    # directions of the nuisance that are constant within units lose nothing by permutation
    inside, directions = np.linalg.eigh(
        (indicator @ exchange.nuisance).T @ (indicator @ exchange.nuisance)
    )
    exchange = exchange._replace(
        changing=exchange.nuisance @ directions[:, inside < 1 - _ROUNDING]
    )
    outside = exchange.tested - indicator.T @ (indicator @ exchange.tested)
    if np.linalg.norm(outside) < _ROUNDING * exchange.n_maps:
        msg = (
            "the contrast does not vary within the blocks of exchangeable maps: "
            "there is nothing to permute"
        )
        raise ValueError(msg)
    kinds = kinds_of_maps(exchange)
    counts = np.zeros((len(indicator), kinds.max() + 1), np.intp)
    np.add.at(counts, (exchange.units, kinds), 1)
    n_distinct = math.prod(
        math.factorial(int(row.sum())) // math.prod(math.factorial(int(n)) for n in row[row > 1])
        for row in counts
    )
    return exchange._replace(
        n_distinct=min(n_distinct, MANY), n_symmetric=_symmetries(exchange, kinds, counts)
    )


def _symmetries(exchange: Exchange, kinds: NDArray[np.intp], counts: NDArray[np.intp]) -> int:
    """Count the ways to rename kinds of maps that leave all p-values as they are."""
    n_kinds = counts.shape[1]
    if n_kinds > _FEW_KINDS:
        return 1  # there may be more, but then there are transformations in plenty
    _, first = np.unique(kinds, return_index=True)
    tested, changing = exchange.tested[first], exchange.changing[first]
    if exchange.alternative in (None, "two-sided"):
        tested = tested @ tested.T  # the statistic is a length, which keeps under rotations
        both_ways = True
    else:
        both_ways = False
    nuisance = changing @ changing.T
    found = 0
    for names in permutations(range(n_kinds)):
        new = list(names)
        renamed = tested[np.ix_(new, new)] if both_ways else tested[new]
        found += (
            np.array_equal(counts[:, new], counts)
            and np.allclose(renamed, tested, rtol=0, atol=_ROUNDING)
            and np.allclose(nuisance[np.ix_(new, new)], nuisance, rtol=0, atol=_ROUNDING)
        )
    return found
