"""Closed testing at every alpha at once: adjusted p-values, and the confidence of a claim."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.hommel import (
    LocalTest,
    check_alpha,
    check_p_values,
    hommel_thresholds,
    largest_unrejected,
    set_weights,
)


@dataclass(frozen=True, eq=False)
class ClosedTesting:
    """
    Everything that closed testing of one family of hypotheses says, at any alpha.

    Examples
    --------
    >>> closed = ClosedTesting(np.array([0.001, 0.2, 0.9, 0.01]))
    >>> [closed.hommel_value(alpha) for alpha in (0.01, 0.05, 0.5)]
    [3, 2, 1]
    >>> closed.adjusted(np.array([0.001, 0.01]))
    array([0.004, 0.03 ])
    """

    p_values: NDArray[np.floating]
    """(n_features,) one p-value per feature of the search volume, in any order."""
    local_test: LocalTest = "simes"
    """See :func:`bids_ari.stats.set_weights`."""

    def __post_init__(self) -> None:
        check_p_values(self.p_values)
        set_weights(0, self.local_test)

    @cached_property
    def _sorted(self) -> NDArray[np.float64]:
        return np.sort(self.p_values.astype(np.float64))

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        return set_weights(self.p_values.size, self.local_test)

    @cached_property
    def jump_points(self) -> NDArray[np.float64]:
        r"""
        (n_features,) levels at which the Hommel value falls, never increasing.

        The Hommel value is at least :math:`i` exactly when :math:`\alpha` is below the
        :math:`i`-th [1]_. They are rounded: where alpha is one of them up to the last digits,
        ask :meth:`hommel_value`.

        References
        ----------
        .. [1] Meijer, Krebs & Goeman (2019), Biometrical Journal 61(1), 73-82,
           doi:10.1002/bimj.201700316
        """
        # numba takes 0.3 s to import, and not every analysis comes here
        from bids_ari.stats._kernels import hull_minima

        rejected_at = self._weights[1:] * hull_minima(self._sorted)
        # the largest set decides: with Hommel's test a smaller one may be rejected earlier
        return np.maximum.accumulate(rejected_at[::-1])[::-1].clip(max=1.0)

    def hommel_value(self, alpha: float) -> int:
        """
        Size of the largest set that the local test does not reject.

        Parameters
        ----------
        alpha : float
            Familywise error rate, in (0, 1).

        Returns
        -------
        int
            As :func:`bids_ari.stats.hommel_value`.
        """
        check_alpha(alpha)
        small = self._sorted[: np.searchsorted(self._sorted, alpha, side="right")]
        return largest_unrejected(small, alpha, self._weights)

    def critical_vector(self, alpha: float) -> NDArray[np.float64]:
        """
        Thresholds that bound the true discoveries of any set.

        Parameters
        ----------
        alpha : float
            Familywise error rate, in (0, 1).

        Returns
        -------
        (n_features,) array
            As the methods ``ari`` and ``hommel`` of :data:`bids_ari.stats.METHODS`.
        """
        weight = float(self._weights[self.hommel_value(alpha)])
        return hommel_thresholds(weight, self.p_values.size, alpha)

    def adjusted(self, p_values: NDArray[np.floating]) -> NDArray[np.float64]:
        r"""
        Adjust p-values for the whole family.

        Parameters
        ----------
        p_values : array
            Of single features, or the least of :math:`p_{(j)} / j` in sets.

        Returns
        -------
        array
            For each the smallest alpha at which closed testing rejects it, at most 1: where
            it is at most alpha, the feature is active with familywise error rate alpha.
        """
        # with h the Hommel value at alpha, p is rejected when weight[h] p <= alpha. As alpha grows,
        # h falls at the jump points: find the largest h that does not yet reject below its jump.
        jumps, weights = self.jump_points, self._weights
        unrejected = jumps / weights[1:]  # never increases, as jumps fall and weights grow
        n_above = np.searchsorted(-unrejected, -np.asarray(p_values, np.float64), side="left")
        next_jump = np.append(jumps, 0.0)[n_above]
        adjusted = np.maximum(next_jump, weights[n_above] * p_values)
        return np.asarray(np.minimum(adjusted, 1.0))

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
        least = np.ones(n_sets)
        np.minimum.at(least, sets, p_values / ranks)
        return self.adjusted(least)
