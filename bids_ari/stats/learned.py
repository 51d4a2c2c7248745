"""Templates learned from data: quantiles of sorted p-values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.hommel import check_p_values
from bids_ari.stats.ties import MARGIN


@dataclass(frozen=True, eq=False)
class Learned:
    r"""
    Quantiles of each order statistic, in data without effects: those of Notip.

    Level j is the j-th smallest, over the training transformations, of each :math:`p_{(k)}`. Where
    the data allow none of these, levels between 0 and 1 are Simes' line, as far as it is
    below the first: thresholds grow with the level there too, so that the calibration is one.

    References
    ----------
    .. [1] Blain, Thirion & Neuvial (2022), NeuroImage 260, 119492,
       doi:10.1016/j.neuroimage.2022.119492

    Examples
    --------
    >>> template = learn(np.array([[0.02, 0.04], [0.01, 0.08], [0.03, 0.05]]))
    >>> template.thresholds(2, 2), template.thresholds(0.5, 2)
    (array([0.02, 0.05]), array([0.01, 0.02]))
    >>> template.levels(np.array([0.025, 0.002]), np.array([1, 2]), 2)
    array([2. , 0.05])
    """

    quantiles: NDArray[np.float64]
    """(n_levels, n_ranks) thresholds at level 1, 2, ...; both axes never decrease."""

    def __post_init__(self) -> None:
        check_p_values(self.quantiles)
        if self.quantiles.ndim != 2 or self.quantiles.size == 0:
            msg = f"thresholds have the shape {self.quantiles.shape}, expected levels and ranks"
            raise ValueError(msg)
        if np.any(np.diff(self.quantiles, axis=0) < 0) or np.any(np.diff(self.quantiles) < 0):
            msg = "thresholds decrease, expected them to grow with the level and the rank"
            raise ValueError(msg)

    @property
    def name(self) -> str:
        """``learned``."""
        return "learned"

    def k_max(self, n_features: int) -> int:
        """See :class:`bids_ari.stats.templates.Template`."""
        return min(int(self.quantiles.shape[1]), n_features)

    def thresholds(self, level: float, n_features: int) -> NDArray[np.float64]:
        """See :class:`bids_ari.stats.templates.Template`; levels from 0."""
        k_max = self.k_max(n_features)
        if level < 1:
            line = level * self._slope * np.arange(1, k_max + 1)
            return np.asarray(np.minimum(line, self.quantiles[0, :k_max]), np.float64)
        last = int(min(level, len(self.quantiles)))
        return np.array(self.quantiles[last - 1, :k_max], dtype=np.float64)

    def levels(
        self, p_values: NDArray[np.float64], ranks: NDArray[np.integer], n_features: int
    ) -> NDArray[np.float64]:
        """See :class:`bids_ari.stats.templates.Template`."""
        p_values, ranks = np.broadcast_arrays(p_values, ranks)
        has = ranks <= self.k_max(n_features)
        column = np.where(has, ranks - 1, 0)
        # how many quantiles of the rank a p-value reaches, by bisection of all at once
        # a transformation may come again by chance: its p-values reach their own quantiles
        nearly = p_values / (1 - MARGIN)
        reached = np.zeros(p_values.shape, dtype=np.intp)
        for bit in 1 << np.arange(len(self.quantiles).bit_length())[::-1]:
            more = reached + bit
            row = np.minimum(more, len(self.quantiles)) - 1
            inside = more <= len(self.quantiles)
            reached += bit * (inside & (self.quantiles[row, column] <= nearly))
        line = p_values / (self._slope * (column + 1))
        level = np.where(reached > 0, reached, np.minimum(line, np.nextafter(1.0, 0.0)))
        return np.where(has, level, np.inf)

    @property
    def _slope(self) -> float:
        """Of the line through 0 that touches the first level from above."""
        first = self.quantiles[0]
        steepest = float(np.max(first / np.arange(1, first.size + 1)))
        return steepest or 1.0


def learn(smallest: NDArray[np.floating]) -> Learned:
    """
    Learn a template from p-values under transformations that are used for nothing else.

    Parameters
    ----------
    smallest : (n_transformations, n_ranks) array
        The smallest p-values of each, ascending. The data as they are must not be among them.

    Returns
    -------
    Learned
        With a level for each transformation.

    Raises
    ------
    ValueError
        If these are not ascending numbers between 0 and 1.
    """
    smallest = np.asarray(smallest, np.float64)
    if smallest.ndim == 2 and np.any(np.diff(smallest) < 0):
        msg = "p-values of a transformation are not ascending"
        raise ValueError(msg)
    return Learned(np.sort(smallest, axis=0))
