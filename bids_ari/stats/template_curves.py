"""Templates that are curves: the optimal rejection curve and the higher criticism."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Aorc:
    r"""
    The asymptotically optimal rejection curve.

    With :math:`j = k - \delta`, :math:`t_k = j \lambda / (m - j (1 - \lambda))`. Without shift
    there is no threshold at rank m, where it would be 1 at every level.

    References
    ----------
    .. [1] Finner, Dickhaus & Roters (2009), Annals of Statistics 37(2), 596-618,
       doi:10.1214/07-AOS569
    .. [2] Andreella et al. (2023), Statistics in Medicine 42(14), 2311-2340, doi:10.1002/sim.9725

    Examples
    --------
    >>> Aorc().thresholds(0.5, 4).round(4)
    array([0.1429, 0.3333, 0.6   ])
    >>> Aorc().levels(np.array([0.1, 0.6]), np.array([2, 3]), 4).round(4)
    array([0.1111, 0.5   ])
    """

    shift: int = 0
    """How many thresholds are left out, the delta above."""

    def __post_init__(self) -> None:
        check_shift(self.shift)

    @property
    def name(self) -> str:
        """``aorc``, followed by the shift if there is one."""
        return f"aorc{self.shift or ''}"

    def k_max(self, n_features: int) -> int:
        """See :class:`bids_ari.stats.Template`."""
        return n_features if self.shift else n_features - 1

    def thresholds(self, level: float, n_features: int) -> NDArray[np.float64]:
        """See :class:`bids_ari.stats.Template`; levels from 0."""
        result = np.zeros(self.k_max(n_features))
        if level > 0:
            step = np.arange(1.0, result.size - self.shift + 1)
            result[self.shift :] = step / ((n_features - step) / level + step)
        return result

    def levels(
        self, p_values: NDArray[np.float64], ranks: NDArray[np.integer], n_features: int
    ) -> NDArray[np.float64]:
        """See :class:`bids_ari.stats.Template`."""
        step = ranks - self.shift
        has = (step >= 1) & (ranks <= self.k_max(n_features)) & (p_values < 1)
        step, p_values = np.where(has, step, 1), np.where(has, p_values, 0.0)
        level = p_values * (n_features - step) / ((1 - p_values) * step)
        return np.where(has, level, np.inf)


@dataclass(frozen=True)
class HigherCriticism:
    r"""
    Where the higher criticism :math:`\sqrt m (k/m - p) / \sqrt{p (1 - p)}` has one value.

    As that falls with p, the level is the higher criticism with its sign changed; calibrating the
    minimum of this is calibrating the maximum of that.

    References
    ----------
    .. [1] Donoho & Jin (2004), Annals of Statistics 32(3), 962-994, doi:10.1214/009053604000000265
    .. [2] Andreella et al. (2023), Statistics in Medicine 42(14), 2311-2340, doi:10.1002/sim.9725

    Examples
    --------
    >>> HigherCriticism().thresholds(-1.5, 4).round(4)
    array([0.065, 0.2  , 0.385, 0.64 ])
    >>> HigherCriticism().levels(np.array([0.64]), np.array([4]), 4)
    array([-1.5])
    """

    @property
    def name(self) -> str:
        """``higher-criticism``."""
        return "higher-criticism"

    def k_max(self, n_features: int) -> int:
        """All ranks; see :class:`bids_ari.stats.Template`."""
        return n_features

    def thresholds(self, level: float, n_features: int) -> NDArray[np.float64]:
        """See :class:`bids_ari.stats.Template`; any number is a level."""
        m, k = float(n_features), np.arange(1.0, n_features + 1)
        if np.isinf(level):
            return np.full(n_features, 0.0 if level < 0 else np.inf)
        # the roots of (m + level^2) p^2 - (2k + level^2) p + k^2 / m, without cancellation
        square = level * level
        larger = 2 * k + square + abs(level) * np.sqrt(square + 4 * k * (1 - k / m))
        if level > 0:
            return np.maximum.accumulate(larger / (2 * (m + square)))
        return np.maximum.accumulate(2 * k * (k / m) / larger)

    def levels(
        self, p_values: NDArray[np.float64], ranks: NDArray[np.integer], n_features: int
    ) -> NDArray[np.float64]:
        """See :class:`bids_ari.stats.Template`."""
        has = np.asarray(ranks) <= n_features
        share = np.where(has, ranks, 0) / n_features
        spread = np.sqrt(p_values) * np.sqrt(1 - p_values)
        ends = np.where((p_values == 0) & (share > 0), -np.inf, np.where(share < 1, np.inf, 0.0))
        inside = spread > 0
        deviation = (p_values - share) * np.sqrt(n_features)
        level = np.where(inside, deviation / np.where(inside, spread, 1.0), ends)
        return np.where(has, level, np.inf)


def check_shift(shift: int) -> None:
    """Refuse a negative number of thresholds to leave out."""
    if shift < 0:
        msg = f"shift is {shift}, expected 0 or more"
        raise ValueError(msg)
