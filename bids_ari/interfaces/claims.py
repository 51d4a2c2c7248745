"""What tables say of a bound: how sure it is, and what it would be without permutations."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bids_ari.interfaces.calibration import load_calibration
from bids_ari.stats import (
    METHODS,
    Claims,
    ClosedTesting,
    Evidence,
    min_true_discoveries_by_region,
)
from bids_ari.tables import ARI_COLUMNS


def claims_on(
    p_values: NDArray[np.float64], whole_mask: dict[str, Any], calibration: Any
) -> Claims:
    """
    Tell how sure claims are, by whichever method.

    Parameters
    ----------
    p_values : (n_features,) array
        Of all features.
    whole_mask : dict
        Results of AllResolutionsInference.
    calibration : str or undefined
        From :class:`CalibrateThresholds`, for methods with permutations.

    Returns
    -------
    ClosedTesting or PermutationClaims
    """
    if "LocalTest" in whole_mask:
        return ClosedTesting(p_values, whole_mask["LocalTest"])
    return load_calibration(Path(calibration)).claims(p_values)


def beside(
    p_values: NDArray[np.float64], regions: sparse.csr_array, whole_mask: dict[str, Any]
) -> list[tuple[Any, ...]]:
    """
    Give what tables have beside bounds from permutations; nothing for other bounds.

    Parameters
    ----------
    p_values : (n_features,) array
        Of all features.
    regions : (n_regions, n_features) sparse array
        Which features each region holds.
    whole_mask : dict
        Results of AllResolutionsInference.

    Returns
    -------
    list of tuple
        For each region, values of the columns ``tables.ARI_COLUMNS``, or an empty tuple.
    """
    if "Permutations" not in whole_mask:
        return [()] * regions.shape[0]
    critical_vector = METHODS["ari"](Evidence(p_values), whole_mask["Alpha"])
    size, found = min_true_discoveries_by_region(p_values, regions, critical_vector)
    return [
        (found_there, found_there / n if n else None)
        for n, found_there in zip(size.tolist(), found.tolist(), strict=True)
    ]


def columns_beside(columns: Sequence[tuple[str, str]], whole_mask: dict[str, Any]) -> list[str]:
    """
    Name the columns of a table of bounds.

    Parameters
    ----------
    columns : sequence of (name, description)
        Those it has anyway.
    whole_mask : dict
        Results of AllResolutionsInference.

    Returns
    -------
    list of str
        With those that :func:`beside` fills.
    """
    more = ARI_COLUMNS if "Permutations" in whole_mask else ()
    return [name for name, _ in (*columns, *more)]
