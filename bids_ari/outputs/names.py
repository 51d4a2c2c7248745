"""Entities, and what of an analysis becomes the value of one."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal

ENTITIES = {
    "task": "task",
    "session": "ses",
    "acquisition": "acq",
    "direction": "dir",
    "reconstruction": "rec",
    "run": "run",
    "space": "space",
    "resolution": "res",
    "density": "den",
    "feature": "feature",
    "model": "model",
    "contrast": "contrast",
    "stat": "stat",
    "description": "desc",
}
"""Long and short names, in the order they have in file names."""


def stem(entities: Mapping[str, str]) -> str:
    """
    Join entities as BIDS does.

    Parameters
    ----------
    entities : mapping
        Long names and values; names that are no key of :data:`ENTITIES` are left out.

    Returns
    -------
    str

    Examples
    --------
    >>> stem({"contrast": "faces", "task": "match", "model": "oneSample"})
    'task-match_model-oneSample_contrast-faces'
    """
    return "_".join(
        f"{short}-{entities[name]}" for name, short in ENTITIES.items() if entities.get(name)
    )


def threshold_label(threshold: float | Literal["auto"]) -> str:
    """
    Write a cluster threshold as the value of a BIDS entity.

    Parameters
    ----------
    threshold : float or 'auto'
        In z, not negative; or the one that the data choose.

    Returns
    -------
    str
        Different for different thresholds.

    Examples
    --------
    >>> threshold_label(3.1), threshold_label(40.0), threshold_label(1e-4), threshold_label("auto")
    ('z3p1', 'z40', 'z0p0001', 'zauto')
    """
    return "zauto" if threshold == "auto" else f"z{_digits(threshold)}"


def tdp_label(tdp: float) -> str:
    """
    Write a TDP threshold as the value of a BIDS entity.

    Parameters
    ----------
    tdp : float
        Between 0 and 1.

    Returns
    -------
    str

    Examples
    --------
    >>> tdp_label(0.7), tdp_label(1)
    ('tdp0p7', 'tdp1')
    """
    return f"tdp{_digits(tdp)}"


def cut_labels(
    cluster_thresholds: Iterable[float | Literal["auto"]], tdp_thresholds: Iterable[float]
) -> list[str]:
    """
    Name the sets of clusters of an analysis, in the order of the lists of its workflow.

    Parameters
    ----------
    cluster_thresholds : iterable of float or 'auto'
        See :func:`threshold_label`.
    tdp_thresholds : iterable of float
        See :func:`tdp_label`.

    Returns
    -------
    list of str
    """
    return [*map(threshold_label, cluster_thresholds), *map(tdp_label, tdp_thresholds)]


def atlas_label(name: str) -> str:
    """
    Write the name of an atlas as the value of a BIDS entity.

    Parameters
    ----------
    name : str
        Of the atlas.

    Returns
    -------
    str

    Examples
    --------
    >>> atlas_label("DiFuMo 64dimensions"), atlas_label("pieces_dseg")
    ('atlasDiFuMo64dimensions', 'atlasPiecesDseg')
    """
    from bids_ari.design.records import label  # numpy, which is slow to import

    return label(f"atlas {name}")


def _digits(number: float) -> str:
    return format(Decimal(repr(float(number))).normalize(), "f").replace(".", "p")
