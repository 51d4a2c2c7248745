r"""
Statistics under random transformations of the data.

A group model is fitted to nuisance residuals :math:`e` that were flipped or permuted. With
orthonormal columns :math:`Q_t` that are tested and :math:`Q_z` of nuisance, and a transformation
:math:`P`, which does not change lengths, its statistic depends on the *score*

.. math:: \rho = |Q_t' P e| \,/\, \sqrt{|e|^2 - |Q_z' P e|^2}

alone (with its sign, for one contrast): :math:`t = \rho \sqrt{\nu / (1 - \rho^2)}`, or
:math:`F = (\nu / c)\, \rho^2 / (1 - \rho^2)` for :math:`c` contrasts, at :math:`\nu` residual
degrees of freedom. So scores of many transformations and many features are one matrix product.
They are kept in single precision and sorted; what is returned comes from those few features that
it can come from, fitted anew in double precision, with sums in a fixed order. So no result depends
on how transformations and features are cut into blocks, nor on the number of threads.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.exchange import Exchange
from bids_ari.stats.fisher import f_p_value
from bids_ari.stats.null_sample import NullSample
from bids_ari.stats.order_statistics import SortedScores
from bids_ari.stats.residuals import Residuals
from bids_ari.stats.student import p_value
from bids_ari.stats.templates import Template
from bids_ari.stats.transformations import Transformations

_PRODUCTS = 2**18
"""At a time: these fit in the cache of a core."""
_SCORES = 2**24
"""At a time, if that is one transformation at least."""
_CLOSE = 1e-4
"""Where the model explains all but this share, a score may have lost digits."""


def resample(
    residuals: Residuals,
    exchange: Exchange,
    transformations: Transformations,
    templates: Sequence[Template] = (),
    *,
    features: NDArray[np.bool_] | None = None,
    n_smallest: int = 1000,
    n_ranks: int = 200,
    n_at_once: int = 64,
    progress: Callable[[int, int], None] | None = None,
) -> NullSample:
    """
    Test transformed data, and keep of each transformation what inference needs.

    Parameters
    ----------
    residuals : Residuals
        Of all features.
    exchange : Exchange
        The test.
    transformations : Transformations
        Of the maps; or a part of them, as samples can be merged.
    templates : sequence of template
        Families of thresholds whose pivots to keep.
    features : (n_features,) array of bool, optional
        Keep p-values of these features only: ranks count among them, while templates are told how
        many features there are in all.
    n_smallest : int
        How many of the smallest p-values to keep.
    n_ranks : int
        At how many ranks at most, evenly spaced in their logarithm, to keep p-values.
    n_at_once : int
        How many transformations to test at a time: more need more memory, but fewer of them more
        time.
    progress : function, optional
        Called now and then with how many transformations are done, of how many.

    Returns
    -------
    NullSample
        In double precision. Pivots are infinite where no threshold is.

    Raises
    ------
    ValueError
        If templates have the same name.

    Examples
    --------
    >>> from bids_ari.stats import draw_transformations, exchangeable, nuisance_residuals
    >>> test = exchangeable(np.ones((3, 1)), np.ones(1))
    >>> residuals = nuisance_residuals(np.array([[1.0, 4], [2, 4], [3, 5]]), test)
    >>> flips = draw_transformations(test, alpha=0.5)
    >>> resample(residuals, test, flips).smallest.round(3)
    array([[0.006, 0.074],
           [0.771, 1.   ],
           [0.618, 0.691],
           [0.383, 0.618]])
    """
    names = [template.name for template in templates]
    if len(set(names)) < len(names):
        msg = f"the templates {', '.join(names)} need different names"
        raise ValueError(msg)
    n_features = len(residuals.values)
    chosen = np.arange(n_features) if features is None else np.flatnonzero(features)
    n_smallest = min(n_smallest, chosen.size)
    spaced = np.geomspace(1, chosen.size, n_ranks) if chosen.size else np.empty(0)
    ranks = np.asarray(np.unique(spaced.round()), dtype=np.int64)
    always = np.union1d(np.arange(1, n_smallest + 1), ranks)
    n_all = transformations.table.shape[0]
    pivots = {name: np.full(n_all, np.inf) for name in names}
    smallest, curve = np.empty((n_all, n_smallest)), np.empty((n_all, ranks.size))
    n_at_once = max(1, min(n_at_once, _SCORES // max(chosen.size, 1)))
    scores = np.empty((min(n_at_once, n_all), chosen.size), np.float32)  # again and again
    for start in range(0, n_all if chosen.size else 0, n_at_once):
        test = _Test(residuals, exchange, transformations.part(start, start + n_at_once))
        for row, one_row in enumerate(test.scores(chosen, scores)):
            in_order = SortedScores(one_row, test.p_of_score)
            candidates = [in_order.candidates(one, n_features) for one in templates]
            needed = np.unique(np.concatenate([always, *candidates]))
            p_values = in_order.p_values(needed, partial(test.exact, row, chosen))
            smallest[start + row] = p_values[:n_smallest]
            curve[start + row] = p_values[np.searchsorted(needed, ranks)]
            for template, some in zip(templates, candidates, strict=True):
                p_some = p_values[np.searchsorted(needed, some)]
                level = np.min(template.levels(p_some, some, n_features), initial=np.inf)
                pivots[template.name][start + row] = level
        if progress:
            progress(min(start + n_at_once, n_all), n_all)
    return NullSample(pivots, smallest, curve, ranks)


class _Test:
    """One test under some transformations."""

    def __init__(
        self, residuals: Residuals, exchange: Exchange, transformations: Transformations
    ) -> None:
        self._values, self._least_rss = residuals
        self._exchange, self._transformations = exchange, transformations
        self._basis = np.concatenate([exchange.nuisance, exchange.tested], axis=1)
        self._direction = {"greater": 1, "less": -1}.get(exchange.alternative or "", 0)

    def scores(self, chosen: NDArray[np.intp], room: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n_transformations, n_chosen) scores, right to :data:`order_statistics.ERROR`."""
        from bids_ari.stats import _resampling_kernels  # numba takes a while

        exchange = self._exchange
        columns = np.concatenate([exchange.tested, exchange.changing], axis=1)
        weights = self._transformations.weights(columns)
        n_transformations, n_columns, n_maps = weights.shape
        weights = weights.reshape(-1, n_maps)
        scores = room[:n_transformations]
        n_left = np.zeros(n_transformations, np.int64)
        step = max(1, _PRODUCTS // len(weights))
        whole = chosen.size == len(self._values)
        for start in range(0, chosen.size, step):
            part = slice(start, start + step)
            some = part if whole else chosen[part]
            products = weights @ self._values[some].T
            scores[:, part], left = _resampling_kernels.scores(
                products.reshape(n_transformations, n_columns, -1),
                exchange.tested.shape[1],
                self._direction,
                np.maximum(_CLOSE, 2 * self._least_rss[some]),
            )
            n_left += left
        for row in np.flatnonzero(n_left).tolist():
            left = np.flatnonzero(np.isnan(scores[row]))
            tested, rss = self._refit(row, chosen[left])
            size = np.sqrt(np.square(tested).sum(axis=1))
            size = np.divide(size, np.hypot(size, np.sqrt(rss)), out=size, where=size > 0)
            scores[row, left] = (
                np.copysign(size, self._direction * tested[:, 0]) if self._direction else size
            )
        return scores

    def p_of_score(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """P-values of scores, which may lie a little outside of their range."""
        square = np.minimum(np.square(scores), 1.0)
        with np.errstate(divide="ignore"):
            odds = self._exchange.dof * square / (1 - square)
        if self._exchange.alternative is None:
            n_rows = self._exchange.tested.shape[1]
            return f_p_value(np.where(scores > 0, odds / n_rows, 0.0), n_rows, self._exchange.dof)
        t = np.copysign(np.sqrt(odds), scores)
        if self._direction:  # the score is that of the direction
            return p_value(t, self._exchange.dof, "greater")
        return p_value(np.maximum(t, 0.0), self._exchange.dof)

    def exact(
        self, row: int, chosen: NDArray[np.intp], which: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """P-values of some of the chosen features under one transformation."""
        tested, rss = self._refit(row, chosen[which])
        n_rows, dof, alternative = tested.shape[1], self._exchange.dof, self._exchange.alternative
        varies = rss > 0
        noise = np.where(varies, rss, 1.0) / dof
        if alternative is None:
            f = np.where(varies, np.square(tested).sum(axis=1) / n_rows / noise, 0.0)
            return f_p_value(f, n_rows, dof)
        t = np.where(varies, tested[:, 0] / np.sqrt(noise), 0.0)
        return p_value(t, dof, alternative)

    def _refit(
        self, row: int, features: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Products with what is tested and residual sums of squares; 0 without variance."""
        from bids_ari.stats import _resampling_kernels  # numba takes a while

        source, sign = self._transformations.source_and_sign(row)
        tested, rss = _resampling_kernels.refit(
            self._values, features, source, sign, self._basis, self._exchange.tested.shape[1]
        )
        nothing = rss <= self._least_rss[features]
        tested[nothing], rss[nothing] = 0, 0
        return tested, rss
