"""What a design must have to be estimated, and what to say where it lacks that."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_ari.design.records import INTERCEPT, Contrast, SecondLevel, ending
from bids_ari.errors import InputError

_TOLERANCE = 1e-8
"""Share of the length of a regressor that others must leave unexplained."""


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
    mean = Contrast(INTERCEPT, "mean", np.ones((1, 1)))
    return second_level(
        "oneSample", [INTERCEPT], np.ones((n_maps, 1)), [mean], columns=(INTERCEPT,)
    )


def second_level(
    name: str,
    regressors: Sequence[str],
    matrix: NDArray[np.floating],
    contrasts: Sequence[Contrast],
    **details: Any,
) -> SecondLevel:
    """
    Check a design and its contrasts.

    Parameters
    ----------
    name : str
        Label of the model in file names, alphanumeric.
    regressors : sequence of str
        Names of the columns.
    matrix : (n_maps, n_regressors) array
        One row for each map.
    contrasts : sequence of Contrast
        What is tested.
    **details
        Other fields of :class:`SecondLevel`.

    Returns
    -------
    SecondLevel

    Raises
    ------
    InputError
        If there are too few maps, the regressors are collinear, a number is missing, or a
        contrast tests nothing or the same twice.
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> age = np.array([20.0, 30.0, 40.0, 50.0])
    >>> design = np.column_stack([np.ones(4), age - age.mean()])
    >>> slope = Contrast("age", "age", np.array([[0.0, 1.0]]))
    >>> second_level("age", ["intercept", "age"], design, [slope]).dof
    2
    """
    check_design(regressors, matrix)
    check_contrasts(regressors, contrasts)
    return SecondLevel(
        name, tuple(regressors), matrix.astype(np.float64), tuple(contrasts), **details
    )


def check_design(regressors: Sequence[str], matrix: NDArray[np.floating]) -> None:
    """Raise an error unless a model can be estimated and leaves degrees of freedom."""
    n_maps, n_regressors = matrix.shape
    if len(regressors) != n_regressors:
        msg = f"the design has {n_regressors} columns and {len(regressors)} names"
        raise ValueError(msg)
    if not n_regressors:
        msg = "the model has no regressor, expected the mean (1), a column or a group"
        raise InputError(msg)
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        msg = f"the design has no value for regressor {regressors[column]} in row {row + 1}"
        raise InputError(msg)
    if n_maps <= n_regressors:
        msg = (
            f"{n_maps} map{'s' * (n_maps != 1)} cannot fit a model of {n_regressors} "
            f"regressor{'s' * (n_regressors != 1)} ({_some(regressors)}): "
            f"expected {n_regressors + 1} maps or more"
        )
        raise InputError(msg)
    _refuse_collinear(regressors, matrix)


def check_contrasts(regressors: Sequence[str], contrasts: Sequence[Contrast]) -> None:
    """Raise an error unless each contrast has a name of its own and tests something."""
    if not contrasts:
        msg = f"the model of {_some(regressors)} has no contrast to test"
        raise InputError(msg)
    taken: dict[str, Contrast] = {}
    for one in contrasts:
        if ending(one.name) in taken:
            msg = (
                f"contrasts {_called(taken[ending(one.name)])} and {_called(one)} would have one "
                f"name in files: give each its own"
            )
            raise InputError(msg)
        taken[ending(one.name)] = one
        _check_contrast(one, len(regressors))


def _refuse_collinear(regressors: Sequence[str], matrix: NDArray[np.floating]) -> None:
    """Raise an error that names the first regressor that those before it explain."""
    lengths = np.linalg.norm(matrix, axis=0)
    empty = np.flatnonzero(lengths == 0)
    if empty.size:
        msg = f"the regressor {regressors[empty[0]]} is 0 for all maps"
        raise InputError(msg)
    scaled = matrix / lengths
    # without pivoting, the diagonal is what those before a regressor leave of it
    unexplained = np.abs(np.diag(np.linalg.qr(scaled, mode="r")))
    if unexplained.min() > _TOLERANCE:
        return
    last = int(np.argmax(unexplained <= _TOLERANCE))
    shares = np.linalg.lstsq(scaled[:, :last], scaled[:, last])[0]
    others = [
        name
        for name, share in zip(regressors, shares, strict=False)
        if abs(share) > np.sqrt(_TOLERANCE)
    ]
    msg = (
        f"the regressors are collinear: {regressors[last]} is a combination of "
        f"{_some(others)}; leave one of them out"
    )
    raise InputError(msg)


def _check_contrast(contrast: Contrast, n_regressors: int) -> None:
    weights = contrast.weights
    if weights.ndim != 2 or weights.shape[1] != n_regressors:
        msg = f"contrast {contrast.name} has weights {weights.shape} for {n_regressors} regressors"
        raise ValueError(msg)
    if contrast.test == "t" and len(weights) != 1:
        msg = f"contrast {contrast.name} has {len(weights)} rows, expected 1 for a t test"
        raise InputError(msg)
    if not np.isfinite(weights).all():
        msg = f"contrast {_called(contrast)} has a weight that is not finite"
        raise InputError(msg)
    empty = np.flatnonzero(~weights.any(axis=1))
    if empty.size:
        which = f" in row {empty[0] + 1}" if len(weights) > 1 else ""
        msg = f"contrast {_called(contrast)} has no weight other than 0{which}"
        raise InputError(msg)
    if np.linalg.matrix_rank(weights) < len(weights):
        msg = (
            f"contrast {_called(contrast)} tests the same twice: "
            f"a row is a combination of the others"
        )
        raise InputError(msg)


def _called(contrast: Contrast) -> str:
    return f"{contrast.name} ({contrast.expression})" if contrast.expression else contrast.name


def _some(names: Sequence[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
