"""The Hommel value, from which All-Resolutions Inference derives every one of its bounds."""

import numpy as np
from numpy.typing import NDArray


def hommel_value(p_values: NDArray[np.floating], alpha: float) -> int:
    r"""
    Size of the largest set of hypotheses that Simes' test does not reject.

    Parameters
    ----------
    p_values : (n_features,) array
        One p-value per feature of the search volume, in any order.
    alpha : float
        Familywise error rate, in (0, 1).

    Returns
    -------
    h : int
        Between 0 (every feature is a discovery) and ``n_features`` (none is).

    Raises
    ------
    ValueError
        If a p-value is not between 0 and 1, or alpha not inside (0, 1).

    Notes
    -----
    A set of :math:`s` hypotheses is rejected when its :math:`j`-th smallest p-value is at most
    :math:`j \alpha / s` for some :math:`j`. The set of that size hardest to reject holds the
    :math:`s` largest p-values, hence

    .. math:: h = \max \{s : s\,p_{(m-s+j)} > j\,\alpha \text{ for all } j = 1 \dots s\}

    The slopes from :math:`(m, \alpha)` to the points :math:`(i, p_{(i)})` give it at once [2]_, but
    one too large where a p-value equals its threshold and one off where rounding meets an
    integer. The definition itself has the last word.

    References
    ----------
    .. [1] Goeman et al. (2019), Biometrika 106(4), 841-856, doi:10.1093/biomet/asz041
    .. [2] Meijer, Krebs & Goeman (2019), Biometrical Journal 61(1), 73-82,
       doi:10.1002/bimj.201700316

    Examples
    --------
    >>> hommel_value(np.array([0.001, 0.2, 0.9]), alpha=0.05)
    2
    """
    if not 0 < alpha < 1:
        msg = f"alpha is {alpha}, expected a number between 0 and 1"
        raise ValueError(msg)
    if not np.all((p_values >= 0) & (p_values <= 1)):  # false for NaN as well
        msg = "p-values are not all between 0 and 1"
        raise ValueError(msg)

    n_features = p_values.size
    small = np.sort(p_values[p_values <= alpha].astype(np.float64))
    if small.size == n_features:
        return 0

    def survives(size: int) -> bool:
        # a p-value above alpha is above every threshold: the small ones decide
        candidates = small[n_features - size :]
        return bool(np.all(size * candidates > alpha * np.arange(1, candidates.size + 1)))

    below = small[small < alpha]
    rank = np.arange(1, below.size + 1)
    bounds = alpha * (n_features - rank) / (alpha - below)
    h = int(min(n_features, np.min(bounds, initial=np.inf)))
    while not survives(h):
        h -= 1
    while h < n_features and survives(h + 1):
        h += 1
    return h
