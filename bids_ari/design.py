"""The second-level model: which regressors explain the maps, and which combination is tested."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bids_ari.errors import InputError


@dataclass(frozen=True, slots=True)
class SecondLevel:
    """A design of full column rank and one contrast of its regressors."""

    name: str
    """Label of the model in file names, alphanumeric."""
    regressors: tuple[str, ...]
    matrix: NDArray[np.float64] = field(hash=False)
    """(n_maps, n_regressors) one row for each map."""
    weights: NDArray[np.float64] = field(hash=False)
    """(n_regressors,) the contrast that is tested."""

    @property
    def dof(self) -> int:
        """Residual degrees of freedom."""
        n_maps, n_regressors = self.matrix.shape
        return int(n_maps - n_regressors)


def one_sample(n_maps: int) -> SecondLevel:
    """
    Model the mean of the population.

    Parameters
    ----------
    n_maps : int
        Number of first-level maps, one for each subject.

    Returns
    -------
    SecondLevel

    Raises
    ------
    InputError
        If fewer than two maps leave nothing to estimate their variance from.

    Examples
    --------
    >>> one_sample(20).dof
    19
    """
    return second_level("oneSample", ["intercept"], np.ones((n_maps, 1)), np.ones(1))


def second_level(
    name: str,
    regressors: Sequence[str],
    matrix: NDArray[np.floating],
    weights: NDArray[np.floating],
) -> SecondLevel:
    """
    Check a design and a contrast.

    Parameters
    ----------
    name : str
        Label of the model in file names, alphanumeric.
    regressors : sequence of str
        Names of the columns.
    matrix : (n_maps, n_regressors) array
        One row for each map.
    weights : (n_regressors,) array
        The contrast that is tested.

    Returns
    -------
    SecondLevel

    Raises
    ------
    InputError
        If there are too few maps, the regressors are collinear, or a number is missing.
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> age = np.array([20.0, 30.0, 40.0, 50.0])
    >>> design = np.column_stack([np.ones(4), age - age.mean()])
    >>> second_level("age", ["intercept", "age"], design, np.array([0.0, 1.0])).dof
    2
    """
    n_maps, n_regressors = matrix.shape
    if len(regressors) != n_regressors or weights.shape != (n_regressors,):
        msg = (
            f"the design has {n_regressors} columns, {len(regressors)} names "
            f"and {weights.size} contrast weights"
        )
        raise ValueError(msg)
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        msg = f"the design has no value for regressor {regressors[column]} in row {row + 1}"
        raise InputError(msg)
    if n_maps <= n_regressors:
        msg = (
            f"{n_maps} map{'s' * (n_maps != 1)} cannot fit a model of {n_regressors} "
            f"regressor{'s' * (n_regressors != 1)} ({', '.join(regressors)}): "
            f"expected {n_regressors + 1} maps or more"
        )
        raise InputError(msg)
    if not weights.any():
        msg = f"the contrast of {', '.join(regressors)} has no weight other than 0"
        raise ValueError(msg)
    rank = int(np.linalg.matrix_rank(matrix))
    if rank < n_regressors:
        msg = f"the regressors {', '.join(regressors)} are collinear: rank {rank}"
        raise InputError(msg)
    return SecondLevel(
        name, tuple(regressors), matrix.astype(np.float64), weights.astype(np.float64)
    )
