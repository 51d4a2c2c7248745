"""Which transformations a method needs: to calibrate thresholds on, and to learn them from."""

from typing import NamedTuple

from bids_ari.stats.exchange import Exchange
from bids_ari.stats.methods import AUTO, RESAMPLED
from bids_ari.stats.transformations import Transformations, draw_transformations


class PermutationPlan(NamedTuple):
    """Transformations of the maps of a group."""

    transformations: Transformations
    """The first leaves the data as they are."""
    n_learning: int
    """How many of these, the last ones, are there to learn from, and for nothing else."""
    exact: bool
    """Whether no residuals are transformed instead of data; with residuals, error rates are right
    for many maps only."""

    @property
    def n_calibrating(self) -> int:
        """How many thresholds are calibrated on."""
        return len(self.transformations) - self.n_learning


def plan_permutations(
    method: str,
    exchange: Exchange,
    n_permutations: int = 1000,
    *,
    alpha: float = 0.05,
    seed: int = 0,
) -> PermutationPlan:
    """
    Draw what a method needs.

    Parameters
    ----------
    method : str
        One of :obj:`bids_ari.stats.RESAMPLED`.
    exchange : Exchange
        What may be exchanged.
    n_permutations : int
        How many to calibrate on at most; all distinct ones if there are no more.
    alpha : float
        Familywise error rate, which the templates of ``auto`` share.
    seed : int
        The same seed gives the same transformations.

    Returns
    -------
    PermutationPlan

    Raises
    ------
    ValueError
        If there are too few for alpha, or to learn from some and calibrate on others.

    Examples
    --------
    >>> from bids_ari.stats import exchangeable
    >>> import numpy as np
    >>> plan = plan_permutations("learned", exchangeable(np.ones((20, 1)), np.ones(1)), 500)
    >>> plan.n_calibrating, plan.n_learning, plan.exact
    (500, 500, True)
    """
    if method not in RESAMPLED:
        msg = f"method is {method!r}, expected one of {', '.join(RESAMPLED)}"
        raise ValueError(msg)
    n_learning = n_permutations if method == "learned" else 0
    part = alpha / len(AUTO) if method == "auto" else alpha
    try:
        drawn = draw_transformations(exchange, n_permutations + n_learning, alpha=part, seed=seed)
    except ValueError as error:
        if method != "auto":
            raise
        msg = f"{error}; auto has {len(AUTO)} families of thresholds, which share alpha {alpha:g}"
        raise ValueError(msg) from error
    if n_learning and drawn.exhaustive:
        msg = (
            f"there are {len(drawn)} distinct {drawn.kind} of {exchange.n_maps} maps, too few to "
            f"learn thresholds from {n_learning} and calibrate them on {n_permutations} others; "
            f"another method, such as simes, can use them all"
        )
        raise ValueError(msg)
    return PermutationPlan(drawn, n_learning, exchange.changing.shape[1] == 0)
