r"""
Inference methods.

A method turns the evidence at every feature into one *critical vector*: non-decreasing thresholds
:math:`t_1 \le t_2 \le \dots` such that, with probability at least :math:`1 - \alpha`, fewer than
:math:`k` inactive features have a p-value at or below :math:`t_k`, for all :math:`k` at once.
:mod:`bids_ari.stats.bounds` turns a critical vector into bounds, and does not care which method
it came from.

To add a method, write a function with the signature below and register it in ``METHODS``; the
tests that every method must pass will find it there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.calibration import Calibrated, single_step, step_down
from bids_ari.stats.combination import highest
from bids_ari.stats.hommel import LocalTest, hommel_thresholds, hommel_value, set_weights
from bids_ari.stats.templates import TEMPLATES, Simes, Template


@dataclass(frozen=True, eq=False)
class NullPivots:
    """What random transformations of the data said, for methods that are calibrated with them."""

    templates: tuple[Template, ...]
    """Those that were asked for (:func:`templates_of`), with the parameters that the user chose.
    ``auto`` uses them all, the other methods the one of their kind."""
    pivots: Mapping[str, NDArray[np.floating]]
    """By the name of the template, (n_transformations,) each; the data as they are come first.
    See :func:`bids_ari.stats.calibrate`."""
    pivots_of: Callable[[Template, NDArray[np.bool_]], NDArray[np.floating]] | None = None
    """The same for a mask of some features (see :func:`bids_ari.stats.step_down`). If it is given,
    methods step down."""


class Evidence(NamedTuple):
    """What the data say, before choosing how to infer from it."""

    p_values: NDArray[np.floating]
    """(n_features,) observed p-values, in double precision."""
    null: NullPivots | None = None
    """What transformations said, for the methods in ``RESAMPLED``."""


def ari(evidence: Evidence, alpha: float) -> NDArray[np.float64]:
    r"""
    Return the critical vector of All-Resolutions Inference.

    Parameters
    ----------
    evidence : Evidence
        Observed p-values of the ``n_features`` in the search volume.
    alpha : float
        Familywise error rate, in (0, 1).

    Returns
    -------
    (n_features,) array
        For each :math:`k` the largest number :math:`t` with :math:`h t \le k \alpha`, where
        :math:`h` is the Hommel value; infinite if :math:`h = 0`.

    References
    ----------
    .. [1] Rosenblatt et al. (2018), NeuroImage 181, 786-796,
       doi:10.1016/j.neuroimage.2018.07.060
    """
    h = hommel_value(evidence.p_values, alpha)
    return hommel_thresholds(float(h), evidence.p_values.size, alpha)


def robust_ari(evidence: Evidence, alpha: float) -> NDArray[np.float64]:
    r"""
    Return the critical vector of All-Resolutions Inference with Hommel's local test.

    It assumes nothing of how the p-values depend on each other, and finds less for it.

    Parameters
    ----------
    evidence : Evidence
        Observed p-values of the ``n_features`` in the search volume.
    alpha : float
        Familywise error rate, in (0, 1).

    Returns
    -------
    (n_features,) array
        For each :math:`k` the largest number :math:`t` with
        :math:`h (1 + 1/2 + \dots + 1/h)\,t \le k \alpha`, where :math:`h` is the Hommel value of
        this test; infinite if :math:`h = 0`.

    References
    ----------
    .. [1] Hommel (1983), Biometrical Journal 25(5), 423-430, doi:10.1002/bimj.19830250502
    """
    n_features = evidence.p_values.size
    h = hommel_value(evidence.p_values, alpha, "hommel")
    return hommel_thresholds(float(set_weights(n_features, "hommel")[h]), n_features, alpha)


def templates_of(
    method: str,
    *,
    shift: int = 0,
    n_ranks: int = 1000,
    learned: Template | None = None,
) -> tuple[Template, ...]:
    """
    Say of which templates a method needs the pivots.

    Parameters
    ----------
    method : str
        One of ``RESAMPLED``.
    shift : int
        Of ``simes`` and ``aorc``: how many thresholds are left out.
    n_ranks : int
        Of ``beta``: how many thresholds it has.
    learned : Template, optional
        Of ``learned``, which needs it; see :func:`bids_ari.stats.learn`.

    Returns
    -------
    tuple of Template

    Raises
    ------
    ValueError
        If the method is not calibrated, or nothing was learned for the one that needs it.

    Examples
    --------
    >>> templates_of("simes", shift=27)
    (Simes(shift=27),)
    """
    if method == "auto":
        return AUTO
    if method == "learned":
        if learned is None:
            msg = "method 'learned' needs a template that was learned from other transformations"
            raise ValueError(msg)
        return (learned,)
    if method not in RESAMPLED:
        msg = f"method is {method!r}, expected one of {', '.join(RESAMPLED)}"
        raise ValueError(msg)
    parameters = {
        "simes": {"shift": shift}, "aorc": {"shift": shift}, "beta": {"n_ranks": n_ranks}
    }  # fmt: skip
    return (TEMPLATES[method](**parameters.get(method, {})),)


def calibrated(method: str, evidence: Evidence, alpha: float) -> tuple[Calibrated, ...]:
    """
    Calibrate the templates of a method.

    Parameters
    ----------
    method : str
        One of ``RESAMPLED``.
    evidence : Evidence
        With pivots of these templates.
    alpha : float
        Familywise error rate, in (0, 1). Each of several templates has the same part of it.

    Returns
    -------
    tuple of Calibrated
        The method's critical vector is the :func:`bids_ari.stats.highest` of theirs.

    Raises
    ------
    ValueError
        If there are no pivots of these templates.
    """
    p_values, null = evidence
    if null is None:
        msg = f"method {method!r} needs random transformations of the data"
        raise ValueError(msg)
    templates = null.templates
    if method != "auto":
        templates = tuple(one for one in templates if type(one) is TEMPLATES[method])
    if not templates or (method != "auto" and len(templates) > 1):
        names = ", ".join(one.name for one in null.templates) or "none"
        msg = f"method {method!r} needs one template of its kind, found {names}"
        raise ValueError(msg)

    def calibrate_one(template: Template) -> Calibrated:
        part, of_all, pivots_of = (
            alpha / len(templates),
            null.pivots[template.name],
            null.pivots_of,
        )
        if pivots_of is None:
            return single_step(template, of_all, part, p_values.size)
        return step_down(
            template,
            p_values,
            lambda mask: of_all if mask.all() else pivots_of(template, mask),
            part,
        )

    return tuple(calibrate_one(template) for template in templates)


def resampled(method: str) -> Callable[[Evidence, float], NDArray[np.float64]]:
    """
    Make the function of a method that is calibrated with transformations.

    Parameters
    ----------
    method : str
        One of ``RESAMPLED``.

    Returns
    -------
    callable
        Takes evidence and alpha, gives the critical vector; see :func:`calibrated`.
    """

    def critical_vector(evidence: Evidence, alpha: float) -> NDArray[np.float64]:
        return highest([one.critical_vector for one in calibrated(method, evidence, alpha)])

    critical_vector.__doc__ = f"Return the critical vector of the method ``{method}``."
    return critical_vector


RESAMPLED: tuple[str, ...] = (*TEMPLATES, "auto")
"""Methods that need random transformations of the data: :class:`NullPivots` in the evidence."""

AUTO: tuple[Template, ...] = (Simes(3), Simes(27))
"""The templates of ``auto``, for small and for large clusters; each has the same part of alpha.
``benchmarks/permutation_power.py`` compares them with others."""

METHODS: dict[str, Callable[[Evidence, float], NDArray[np.float64]]] = {
    "ari": ari,
    "hommel": robust_ari,
    **{method: resampled(method) for method in RESAMPLED},
}
"""Inference methods by the name that the user chooses them by."""

CLOSED_TESTING: dict[str, LocalTest] = {"ari": "simes", "hommel": "hommel"}
"""Methods that are closed testing, with their local test: these know the Hommel value at any alpha
(:class:`bids_ari.stats.ClosedTesting`), and so the confidence of each claim."""
METHOD_OF: dict[str, str] = {local_test: method for method, local_test in CLOSED_TESTING.items()}
"""The method of each local test."""
