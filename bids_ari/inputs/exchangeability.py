"""Which maps of a group model may be exchanged with each other, and whether that is enough."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bids_ari.design import MapTable, SecondLevel
from bids_ari.design.table import why_missing
from bids_ari.errors import InputError
from bids_ari.inputs.filters import listed
from bids_ari.inputs.records import Analysis
from bids_ari.stats import Alternative, PermutationPlan, exchangeable, plan_permutations

LOGGER = logging.getLogger("bids_ari")


@dataclass(frozen=True, slots=True)
class Permutations:
    """What was asked for of permutations."""

    method: str
    """One of :obj:`bids_ari.stats.RESAMPLED`."""
    number: int = 1000
    seed: int = 0
    alpha: float = 0.05
    alternative: Alternative = "two-sided"
    blocks: str = ""
    """Column of which maps must share the value to be exchanged; nothing for the participant,
    where there are several maps of each."""


def permutation_plans(
    model: SecondLevel, blocks: Sequence[str], asked: Permutations
) -> list[PermutationPlan]:
    """
    Plan the permutations for the contrasts of a model.

    Parameters
    ----------
    model : SecondLevel
        The design, and its contrasts.
    blocks : sequence of str
        From :func:`blocks_of`.
    asked : Permutations
        What was asked for.

    Returns
    -------
    list of PermutationPlan
        For each contrast.

    Raises
    ------
    InputError
        If nothing can be exchanged, or there are too few ways to do it.
    """
    labels = np.array(blocks) if blocks else None
    plans = []
    for contrast in model.contrasts:
        weights = contrast.weights if contrast.test == "F" else contrast.weights[0]
        try:
            exchange = exchangeable(model.matrix, weights, labels, asked.alternative)
            plan = plan_permutations(
                asked.method, exchange, asked.number, alpha=asked.alpha, seed=asked.seed
            )
        except ValueError as error:
            msg = f"contrast {contrast.expression}: {error}"
            raise InputError(msg) from error
        plans.append(plan)
    return plans


def permutable(
    model: SecondLevel, blocks: Sequence[str], asked: Permutations, *, by_default: bool
) -> SecondLevel:
    """
    Keep the contrasts that permutations can test.

    Parameters
    ----------
    model : SecondLevel
        The design, and its contrasts.
    blocks : sequence of str
        From :func:`blocks_of`.
    asked : Permutations
        What was asked for.
    by_default : bool
        Whether nobody asked for these contrasts: then some may be left out, which is said.

    Returns
    -------
    SecondLevel

    Raises
    ------
    InputError
        If a contrast that was asked for cannot be tested, or none can.
    """
    kept, errors = [], []
    for contrast in model.contrasts:
        try:
            permutation_plans(replace(model, contrasts=(contrast,)), blocks, asked)
        except InputError as error:
            errors.append(error)
        else:
            kept.append(contrast)
    if errors and not (by_default and kept):
        raise errors[0]
    for reason in errors:
        LOGGER.warning("not tested: %s", reason)
    return replace(model, contrasts=tuple(kept))


def blocks_of(analysis: Analysis, table: MapTable, column: str) -> tuple[str, ...]:
    """
    Tell which rows may be permuted among each other.

    Parameters
    ----------
    analysis : Analysis
        The rows of a group model.
    table : MapTable
        What is known of each.
    column : str
        Of the table: rows with the same value may; or nothing.

    Returns
    -------
    tuple of str
        A label for each row. Without a column, the participant where some have several rows; else
        nothing, as all rows may.

    Raises
    ------
    InputError
        If the table has no such column, or lacks a value.
    """
    if not column:
        subjects = tuple(row.subject for row in analysis.rows)
        return subjects if len(set(subjects)) < len(subjects) else ()
    cells = table.cells(column)
    without = [
        f"sub-{subject}"
        for subject, cell in zip(table.subjects, cells, strict=True)
        if why_missing(cell)
    ]
    if without:
        msg = (
            f"{table.source} has no {column} for {listed([*dict.fromkeys(without)])}, whose maps "
            f"would be permuted; complete it, or choose another column with --permutation-blocks"
        )
        raise InputError(msg)
    return tuple(str(cell) for cell in cells)
