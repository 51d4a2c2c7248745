"""Pivots by enumeration of all ranks, and evidence for methods that need them."""

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats import (
    RESAMPLED,
    Evidence,
    NullPivots,
    Template,
    learn,
    pivots_from,
    templates_of,
)


def evidence_for(
    method: str, p_values: NDArray[np.float64], rng: np.random.Generator, n: int = 99
) -> Evidence:
    """Evidence for any method: where it needs transformations, independent p-values are these."""
    if method not in RESAMPLED:
        return Evidence(p_values)
    m = p_values.size
    learned = learn(np.sort(rng.uniform(size=(n, m)), axis=1))
    templates = templates_of(method, learned=learned)
    transformed = np.vstack([p_values, rng.uniform(size=(n - 1, m))])
    return Evidence(p_values, NullPivots(templates, pivots(templates, transformed)))


def pivots(
    templates: tuple[Template, ...], p_values: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Pivots of (n_transformations, n_features) p-values, in any order."""
    ordered = np.sort(p_values, axis=1)
    return {one.name: pivots_from(ordered, one, ordered.shape[1]) for one in templates}


def t_values(data: NDArray[np.float64], signs: NDArray[np.floating]) -> NDArray[np.float64]:
    """One-sample t of (n_maps, n_features) data under each of (n_flips, n_maps) sign flips."""
    n_maps = len(data)
    mean = signs @ data / n_maps
    variance = (np.sum(data**2, axis=0) - n_maps * mean**2) / (n_maps - 1)
    return np.asarray(mean / np.sqrt(variance / n_maps))
