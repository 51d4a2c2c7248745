"""What is kept of the statistics under transformations of the data."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class NullSample(NamedTuple):
    """What is kept of each transformation; the first one has the data as they are."""

    pivots: Mapping[str, NDArray[np.float64]]
    """(n_transformations,) by template: the largest level at which no sorted p-value is below its
    threshold."""
    smallest: NDArray[np.float64]
    """(n_transformations, n_smallest) smallest p-values, ascending."""
    curve: NDArray[np.float64]
    """(n_transformations, n_ranks) p-values of some ranks."""
    ranks: NDArray[np.int64]
    """(n_ranks,) which ranks these are, from 1."""


def merge_samples(samples: Sequence[NullSample]) -> NullSample:
    """
    Join what parts of the transformations gave.

    Parameters
    ----------
    samples : sequence of NullSample
        Of the same features and templates, in the order of the transformations.

    Returns
    -------
    NullSample

    Raises
    ------
    ValueError
        If there are none, or they are not alike.
    """
    if not samples:
        msg = "there are no samples to merge"
        raise ValueError(msg)
    first = samples[0]
    for other in samples[1:]:
        if set(other.pivots) != set(first.pivots) or not np.array_equal(other.ranks, first.ranks):
            msg = (
                f"samples of the templates {', '.join(first.pivots)} at {first.ranks.size} ranks "
                f"and of {', '.join(other.pivots)} at {other.ranks.size} ranks cannot be merged"
            )
            raise ValueError(msg)
    return NullSample(
        {name: np.concatenate([one.pivots[name] for one in samples]) for name in first.pivots},
        np.concatenate([one.smallest for one in samples]),
        np.concatenate([one.curve for one in samples]),
        first.ranks,
    )
