"""What an output dataset says of the permutations that bounds come from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_ari.boilerplate import shift_of, template_in_words
from bids_ari.errors import InputError
from bids_ari.report.raw import naming, require, rows

PERMUTATIONS = "Permutations"
"""Key of sidecars."""
_WITHOUT = "WithoutPermutations"
_KEYS = (
    *("Kind", "Number", "Learning", "Exhaustive", "Seed", "Exact", "Blocks"),
    *("Templates", "StepDown", "SimesError", "SimesErrorInterval"),
)
_NOTHING = "n/a"
_NO_THRESHOLD = -1.0  # which no p-value passes


@dataclass(frozen=True, slots=True)
class Template:
    """A family of thresholds, at the level that was calibrated."""

    name: str
    alpha: float
    """Its part of the familywise error rate."""
    level: float
    steps: int
    """How often it was calibrated again without voxels that are active for certain."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """The k-th smallest p-value, and what it is compared with."""

    rank: int
    observed: float
    low: float
    """The 5 % quantile under the permutations."""
    median: float
    high: float
    """The 95 % quantile."""
    threshold: float | None
    ari_threshold: float
    """By All-Resolutions Inference."""


@dataclass(frozen=True, slots=True)
class Permutations:
    """How thresholds were calibrated, and what they are."""

    kind: str
    """``sign flips`` or ``permutations``."""
    number: int
    """On how many thresholds were calibrated, the maps as they are among them."""
    n_learning: int
    """From how many others they were learned."""
    exhaustive: bool
    """Whether these are all distinct ones."""
    seed: int
    exact: bool
    """Whether data were transformed, and not residuals of a model without what is tested."""
    n_blocks: int
    """Only maps of one block are exchanged; 0 if all are."""
    templates: tuple[Template, ...]
    step_down: bool
    simes_error: float
    """Share of the permutations that Simes' test rejects."""
    simes_interval: tuple[float, float]
    thresholds: tuple[float, ...]
    """(n_critical,) that all bounds derive from; -1 where no p-value passes."""
    ordered: tuple[Ordered, ...]
    hommel_value: int
    """By All-Resolutions Inference, as the next."""
    ari_discoveries: int

    @property
    def shift(self) -> int:
        """How many voxels a set needs to have more than to hold a discovery."""
        return min(shift_of(one.name) for one in self.templates)


def read(sidecar: Mapping[str, Any], path: Path, group: Path, stem: str) -> Permutations | None:
    """
    Read how thresholds were calibrated.

    Parameters
    ----------
    sidecar : mapping
        What holds for the whole mask.
    path : path
        Its file.
    group : path
        Directory of the tables.
    stem : str
        What the names of the files of the analysis begin with.

    Returns
    -------
    Permutations or None
        None if bounds come from no permutations.

    Raises
    ------
    InputError
        If the sidecar lacks something, or a table is missing or cannot be understood.
    """
    if PERMUTATIONS not in sidecar:
        return None
    require(path, sidecar, (_WITHOUT,))
    told, without = sidecar[PERMUTATIONS], sidecar[_WITHOUT]
    require(path, told, _KEYS)
    table = group / f"{stem}_thresholds.tsv"
    thresholds = _thresholds(table)
    if sidecar.get("Discoveries") and not thresholds:
        msg = f"{table} has no rows, from which there could be discoveries"
        raise InputError(msg)
    ordered = _ordered(group / f"{stem}_permutations.tsv")
    try:
        return _permutations(told, without, thresholds, ordered)
    except (KeyError, TypeError, ValueError) as error:
        msg = f"{path} has {PERMUTATIONS} or {_WITHOUT} that are not understood: {error!r}"
        raise InputError(msg) from error


def _permutations(
    told: Mapping[str, Any],
    without: Mapping[str, Any],
    thresholds: tuple[float, ...],
    ordered: tuple[Ordered, ...],
) -> Permutations:
    low, high = told["SimesErrorInterval"]
    if not told["Templates"]:
        msg = "there are no Templates"
        raise ValueError(msg)
    for one in told["Templates"]:
        template_in_words(str(one["Name"]))  # or an error that names it
    return Permutations(
        kind=str(told["Kind"]),
        number=int(told["Number"]),
        n_learning=int(told["Learning"]),
        exhaustive=bool(told["Exhaustive"]),
        seed=int(told["Seed"]),
        exact=bool(told["Exact"]),
        n_blocks=int(told["Blocks"]),
        templates=tuple(
            Template(str(one["Name"]), float(one["Alpha"]), float(one["Level"]), int(one["Steps"]))
            for one in told["Templates"]
        ),
        step_down=bool(told["StepDown"]),
        simes_error=float(told["SimesError"]),
        simes_interval=(float(low), float(high)),
        thresholds=thresholds,
        ordered=ordered,
        hommel_value=int(without["HommelValue"]),
        ari_discoveries=int(without["Discoveries"]),
    )


def _thresholds(table: Path) -> tuple[float, ...]:
    found: list[float] = []
    for row in rows(table):
        with naming(table, row):
            threshold = _number(row["p_threshold"], _NO_THRESHOLD)
            if int(row["rank"]) != len(found) + 1:
                msg = f"expected rank {len(found) + 1}"
                raise ValueError(msg)
            if found and threshold < found[-1]:
                msg = "thresholds decrease"
                raise ValueError(msg)
            found.append(threshold)
    return tuple(found)


def _ordered(table: Path) -> tuple[Ordered, ...]:
    found = []
    for row in rows(table):
        with naming(table, row):
            threshold = _number(row["p_threshold"], math.nan)
            found.append(
                Ordered(
                    rank=int(row["rank"]),
                    observed=float(row["observed"]),
                    low=float(row["permuted_low"]),
                    median=float(row["permuted_median"]),
                    high=float(row["permuted_high"]),
                    threshold=None if math.isnan(threshold) else threshold,
                    ari_threshold=float(row["ari_threshold"]),
                )
            )
    if not found:
        msg = f"{table} has no rows"
        raise InputError(msg)
    return tuple(found)


def _number(text: str, nothing: float) -> float:
    if text == _NOTHING:
        return nothing
    number = float(text)
    if not number >= 0:
        msg = f"{text} is no threshold of p-values"
        raise ValueError(msg)
    return number
