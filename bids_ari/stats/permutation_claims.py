"""The confidence of a claim, by permutations."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.templates import Template
from bids_ari.stats.ties import MARGIN


@dataclass(frozen=True, eq=False)
class PermutationClaims:
    r"""
    At which error rates thresholds that are calibrated on permutations bound as much as is claimed.

    Thresholds :math:`t_k(\lambda)` rise with the level :math:`\lambda`, which rises with
    :math:`\alpha`. A claim that needs :math:`p_{(k)} < t_k(\lambda)` for some :math:`k` is made from
    the smallest of the levels at which :math:`p_{(k)} = t_k` on: at error rates of at least the
    share of permutations whose pivot does not exceed it.

    References
    ----------
    .. [1] Andreella et al. (2023), Statistics in Medicine 42(14), 2311-2340, doi:10.1002/sim.9725
    """

    p_values: NDArray[np.floating]
    """(n_features,) of the search volume."""
    templates: tuple[Template, ...]
    """Several share the error rate equally."""
    pivots: tuple[NDArray[np.float64], ...]
    """(n_permutations,) of each template, those of the data as they are among them."""
    alpha: float = 0.0
    """The error rate that the search volume was stepped down at, if it was."""
    stepped_pivots: tuple[NDArray[np.float64], ...] = ()
    """(n_permutations,) of each template, in what stepping down left."""

    def adjusted_of_sets(
        self,
        p_values: NDArray[np.float64],
        ranks: NDArray[np.int64],
        sets: NDArray[np.intp],
        n_sets: int,
    ) -> NDArray[np.float64]:
        """
        Adjust the p-value that a set holds any active feature.

        Parameters
        ----------
        p_values : (n_members,) array
            Of the members of all sets.
        ranks : (n_members,) array of int
            Of each among those of its set, the smallest p-value being 1.
        sets : (n_members,) array of int
            Which set each is in, beginning with 0.
        n_sets : int
            How many sets there are.

        Returns
        -------
        (n_sets,) array
            At most 1; 1 for sets without members.
        """
        adjusted = np.ones(n_sets)
        for number, template in enumerate(self.templates):
            lowest = np.full(n_sets, np.inf)
            levels = template.levels(p_values, ranks, self.p_values.size)
            np.minimum.at(lowest, sets, levels)
            share = _share_up_to(lowest, self.pivots[number])
            if self.stepped_pivots:
                # what stepping down adds was shown at its own error rate, not at smaller ones
                stepped = _share_up_to(lowest, self.stepped_pivots[number])
                share = np.minimum(share, np.maximum(stepped, self.alpha / len(self.templates)))
            adjusted = np.minimum(adjusted, share * len(self.templates))
        return adjusted


def _share_up_to(levels: NDArray[np.float64], pivots: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n_levels,) share of pivots that do not exceed each level, but for rounding."""
    close = levels + MARGIN * np.abs(levels, where=np.isfinite(levels), out=np.zeros_like(levels))
    n_up_to = np.searchsorted(np.sort(pivots), close, side="right")
    # the data as they are, whose pivot no set of theirs goes below, are one of the permutations
    return np.asarray(np.maximum(n_up_to, 1) / pivots.size)
