r"""
Templates: families of thresholds of which random transformations of the data choose one.

A template has one parameter, its *level*: thresholds :math:`t_1(\lambda) \le t_2(\lambda) \le \dots`
that grow with it. The level is calibrated (:mod:`bids_ari.stats.calibration`); the template itself
has to be chosen before seeing the data. To add one, write a class as below and register it in
``TEMPLATES``.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.beta_quantiles import beta_log_odds, beta_quantile
from bids_ari.stats.learned import Learned
from bids_ari.stats.template_curves import Aorc, HigherCriticism, check_shift


class Template(Protocol):
    """What all templates have."""

    @property
    def name(self) -> str:
        """What it is called, with its parameters."""

    def k_max(self, n_features: int) -> int:
        """How many thresholds it has."""

    def thresholds(self, level: float, n_features: int) -> NDArray[np.float64]:
        """
        Thresholds at a level.

        Parameters
        ----------
        level : float
            The parameter of the family; each template has a range of its own.
        n_features : int
            Size of the search volume.

        Returns
        -------
        (k_max,) array
            Non-decreasing in the rank and in the level; 0 where there is none.
        """

    def levels(
        self, p_values: NDArray[np.float64], ranks: NDArray[np.integer], n_features: int
    ) -> NDArray[np.float64]:
        """
        Level that a p-value allows, if it is the k-th smallest.

        Parameters
        ----------
        p_values : (n,) array
            P-values, or any other shape.
        ranks : (n,) array of int
            Their ranks :math:`k`, from 1.
        n_features : int
            Size of the search volume.

        Returns
        -------
        (n,) array
            The largest level with ``t_k <= p``, elementwise; infinite where the template has
            no threshold. Non-decreasing in p, non-increasing in k.
        """


@dataclass(frozen=True)
class Simes:
    r"""
    Simes' line, which may begin late: :math:`t_k = \lambda (k - \delta) / (m - \delta)`.

    A shift :math:`\delta` gives up sets of up to :math:`\delta` features for larger bounds of
    large sets.

    References
    ----------
    .. [1] Andreella et al. (2023), Statistics in Medicine 42(14), 2311-2340, doi:10.1002/sim.9725

    Examples
    --------
    >>> Simes().thresholds(0.2, 4)
    array([0.05, 0.1 , 0.15, 0.2 ])
    >>> Simes(2).thresholds(0.2, 4)
    array([0. , 0. , 0.1, 0.2])
    >>> Simes(2).levels(np.array([0.01, 0.1]), np.array([1, 3]), 4)
    array([inf, 0.2])
    """

    shift: int = 0
    """How many thresholds are left out, the delta above."""

    def __post_init__(self) -> None:
        check_shift(self.shift)

    @property
    def name(self) -> str:
        """``simes``, followed by the shift if there is one."""
        return f"simes{self.shift or ''}"

    def k_max(self, n_features: int) -> int:
        """All ranks; see :class:`Template`."""
        return n_features

    def thresholds(self, level: float, n_features: int) -> NDArray[np.float64]:
        """See :class:`Template`; levels from 0 to 1 make sense."""
        result = np.zeros(n_features)
        step = np.arange(1, n_features - self.shift + 1)
        result[self.shift :] = level * step / max(n_features - self.shift, 1)
        return result

    def levels(
        self, p_values: NDArray[np.float64], ranks: NDArray[np.integer], n_features: int
    ) -> NDArray[np.float64]:
        """See :class:`Template`."""
        step = ranks - self.shift
        level = p_values * max(n_features - self.shift, 0) / np.maximum(step, 1)
        return np.where((step >= 1) & (ranks <= n_features), level, np.inf)


@dataclass(frozen=True)
class Beta:
    r"""
    The same quantile of every order statistic: :math:`I_{t_k}(k, m + 1 - k) = q`.

    The k-th smallest of m independent p-values has the beta distribution with shapes k and m + 1 -
    k. Where features depend on each other, only a very low quantile is rarely missed by all, so
    that the level is :math:`\log(q / (1 - q))`: its quantile may be below the range of doubles.

    References
    ----------
    .. [1] Blanchard, Neuvial & Roquain (2020), Annals of Statistics 48(3), 1281-1303,
       doi:10.1214/19-AOS1847

    Examples
    --------
    >>> level = np.log(0.2 / 0.8)
    >>> Beta().thresholds(level, 3).round(4)
    array([0.0717, 0.2871, 0.5848])
    >>> Beta(2).levels(np.array([0.28713898, 0.5]), np.array([2, 3]), 3).round(4)
    array([-1.3863,     inf])
    """

    n_ranks: int = 1000
    """How many thresholds it has, if there are as many features."""

    def __post_init__(self) -> None:
        if self.n_ranks < 1:
            msg = f"number of ranks is {self.n_ranks}, expected at least 1"
            raise ValueError(msg)

    @property
    def name(self) -> str:
        """``beta``."""
        return "beta"

    def k_max(self, n_features: int) -> int:
        """See :class:`Template`."""
        return min(self.n_ranks, n_features)

    def thresholds(self, level: float, n_features: int) -> NDArray[np.float64]:
        """See :class:`Template`; any number is a level."""
        rank = np.arange(1.0, self.k_max(n_features) + 1)
        return np.maximum.accumulate(beta_quantile(rank, n_features + 1 - rank, level))

    def levels(
        self, p_values: NDArray[np.float64], ranks: NDArray[np.integer], n_features: int
    ) -> NDArray[np.float64]:
        """See :class:`Template`."""
        p_values, ranks = np.broadcast_arrays(p_values, ranks)
        level = np.full(p_values.shape, np.inf)
        has = ranks <= self.k_max(n_features)
        rank = ranks[has].astype(np.float64)
        level[has] = beta_log_odds(rank, n_features + 1 - rank, p_values[has])
        return level


TEMPLATES: dict[str, type[Template]] = {
    "simes": Simes,
    "beta": Beta,
    "aorc": Aorc,
    "higher-criticism": HigherCriticism,
    "learned": Learned,
}
"""Templates by the name of the method that uses them."""
