"""Designs and contrasts that no model can use, refused in words."""

import numpy as np
from numpy.typing import NDArray


def design_factors(
    design: NDArray[np.floating],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Take a design apart into an orthonormal basis and the way back.

    Parameters
    ----------
    design : (n_maps, n_regressors) array
        Regressors of a group model.

    Returns
    -------
    basis : (n_maps, n_regressors) array
        Orthonormal columns.
    r : (n_regressors, n_regressors) array
        Upper triangular, ``design = basis @ r``.

    Raises
    ------
    ValueError
        If there are fewer maps than regressors, or the regressors are collinear.
    """
    n_maps, n_regressors = design.shape
    if n_maps < n_regressors:
        msg = f"{n_maps} maps cannot fit {n_regressors} regressors"
        raise ValueError(msg)
    basis, r = np.linalg.qr(design.astype(np.float64))
    refuse_collinear(r)
    return basis, r


def refuse_collinear(r: NDArray[np.float64]) -> None:
    """
    Refuse a design that has not full column rank.

    Parameters
    ----------
    r : (n_rows, n_regressors) array
        Triangular factor of the design.

    Raises
    ------
    ValueError
        If the regressors are collinear.
    """
    n_regressors = r.shape[1]
    if np.linalg.matrix_rank(r) < n_regressors:
        msg = f"the {n_regressors} regressors of the design are collinear"
        raise ValueError(msg)


def residual_dof(n_maps: int, r: NDArray[np.float64]) -> int:
    """
    Count the residual degrees of freedom of a model that can be tested.

    Parameters
    ----------
    n_maps : int
        How many maps enter.
    r : (n_rows, n_regressors) array
        Triangular factor of the design.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    ValueError
        If there are none, or the regressors are collinear.
    """
    n_regressors = int(r.shape[1])
    if n_maps <= n_regressors:
        msg = f"{n_maps} maps cannot fit {n_regressors} regressors: no degrees of freedom left"
        raise ValueError(msg)
    refuse_collinear(r)
    return n_maps - n_regressors


def refuse_contrast(contrast: NDArray[np.floating], n_regressors: int) -> None:
    """
    Refuse a t contrast that does not fit the regressors or is nothing but zeros.

    Parameters
    ----------
    contrast : (n_regressors,) array
        Weights of the regressors.
    n_regressors : int
        How many there are.

    Raises
    ------
    ValueError
        If it is no test of them.
    """
    if contrast.shape != (n_regressors,) or not contrast.any():
        msg = f"the contrast {contrast.tolist()} is no test of {n_regressors} regressors"
        raise ValueError(msg)


def refuse_f_contrast(contrast: NDArray[np.floating], n_regressors: int) -> None:
    """
    Refuse an F contrast that does not fit the regressors or has rows that say nothing new.

    Parameters
    ----------
    contrast : (n_rows, n_regressors) array
        Weights of the regressors, one row for each hypothesis.
    n_regressors : int
        How many there are.

    Raises
    ------
    ValueError
        If it is no test of them, or its rows are linearly dependent.
    """
    if contrast.ndim != 2 or contrast.shape[1] != n_regressors or not contrast.any():
        msg = f"the F contrast {contrast.tolist()} is no test of {n_regressors} regressors"
        raise ValueError(msg)
    rank = int(np.linalg.matrix_rank(contrast))
    if rank < len(contrast):
        msg = (
            f"the F contrast {contrast.tolist()} has {len(contrast)} rows but rank {rank}: "
            "a row repeats what others say"
        )
        raise ValueError(msg)
