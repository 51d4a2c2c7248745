"""How often transformed data pass thresholds: what the assumptions of a method cost or risk."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special


class Share(NamedTuple):
    """A share of transformations, with an exact confidence interval."""

    n: int
    share: float
    low: float
    high: float


def share_of(count: int, n_total: int, confidence: float = 0.95) -> Share:
    """
    Estimate a probability from independent trials.

    Parameters
    ----------
    count : int
        How often it happened.
    n_total : int
        Of how many times.
    confidence : float
        Of the interval.

    Returns
    -------
    Share
        With the interval of Clopper and Pearson.

    Raises
    ------
    ValueError
        If the count is not between 0 and a positive total.

    References
    ----------
    .. [1] Clopper & Pearson (1934), Biometrika 26(4), 404-413, doi:10.1093/biomet/26.4.404

    Examples
    --------
    >>> share_of(24, 1000)._asdict()  # doctest: +ELLIPSIS
    {'n': 24, 'share': 0.024, 'low': 0.0154..., 'high': 0.0355...}
    """
    if not 0 <= count <= n_total or n_total == 0:
        msg = f"{count} of {n_total} is not a share"
        raise ValueError(msg)
    tail = (1 - confidence) / 2
    low = special.betaincinv(count, n_total - count + 1, tail) if count else 0.0
    high = special.betainccinv(count + 1, n_total - count, tail) if count < n_total else 1.0
    return Share(count, count / n_total, float(low), float(high))


def joint_error(smallest: NDArray[np.floating], critical_vector: NDArray[np.floating]) -> Share:
    r"""
    Count the transformations that pass a critical vector.

    Parameters
    ----------
    smallest : (n_transformations, n_smallest) array
        The smallest p-values of each, ascending.
    critical_vector : (n_critical,) array
        See :func:`bids_ari.stats.min_true_discoveries`.

    Returns
    -------
    Share
        Of transformations with some :math:`p_{(k)} \le t_k`. In data without effects this is the
        familywise error; effects make it larger, as transformations do not remove them wholly.

    Raises
    ------
    ValueError
        If p-values that were not kept could pass.

    Examples
    --------
    >>> smallest = np.array([[0.001, 0.04], [0.03, 0.035], [0.2, 0.5], [0.06, 0.07]])
    >>> joint_error(smallest, np.array([0.02, 0.04])).share
    0.5
    """
    n_smallest = smallest.shape[1]
    n_ranks = min(n_smallest, critical_vector.size)
    passes = np.any(smallest[:, :n_ranks] <= critical_vector[:n_ranks], axis=1)
    if critical_vector.size > n_ranks:
        unsure = ~passes & (smallest[:, -1] <= critical_vector[-1])
        if unsure.any():
            msg = (
                f"{n_smallest} p-values of each transformation do not decide "
                f"{critical_vector.size} thresholds"
            )
            raise ValueError(msg)
    return share_of(int(passes.sum()), passes.size)


def simes_error(pivots: NDArray[np.floating], alpha: float) -> Share:
    r"""
    Count the transformations that Simes' test rejects.

    Parameters
    ----------
    pivots : (n_transformations,) array
        Of :class:`bids_ari.stats.Simes` without a shift: :math:`\min_k m\,p_{(k)} / k`.
    alpha : float
        Level of the test.

    Returns
    -------
    Share
        In data without effects, what the test does instead of alpha: less where features depend on
        each other in the way that it needs.

    Examples
    --------
    >>> simes_error(np.array([0.3, 0.04, 0.2, 0.9]), 0.05).share
    0.25
    """
    return share_of(int(np.count_nonzero(pivots <= alpha)), pivots.size)
