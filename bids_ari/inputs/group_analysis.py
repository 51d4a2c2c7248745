"""An analysis and its group model: what is fitted to which maps, and who is left out for it."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bids_ari.design import (
    Contrast,
    GroupModel,
    MapTable,
    SecondLevel,
    group_model,
    output_contrast,
)
from bids_ari.design.formula import columns_of
from bids_ari.design.syntax import parse_formula
from bids_ari.errors import InputError
from bids_ari.inputs.exchangeability import Permutations, blocks_of, permutable
from bids_ari.inputs.filters import listed
from bids_ari.inputs.naming import ENTITIES, names_in_role
from bids_ari.inputs.node_models import group_models
from bids_ari.inputs.participants import Participants, table_of
from bids_ari.inputs.records import Analysis, Inclusion, Row
from bids_ari.inputs.stats_model import StatsModel, refuse_unmatched

LOGGER = logging.getLogger("bids_ari")
_EXACT = 1e-8
"""What is less than this share of the weights of a contrast is rounding."""
_MANY_GROUPS = 10
_WITHIN = ("contrast", "task", *names_in_role("repeat"))
"""Entities that may differ between the rows of a subject, if the model has a column for them."""
_TOLERANCE = 1e-9
"""Share of a map that the model must leave to chance."""


@dataclass(frozen=True, slots=True)
class Design:
    """What was asked for, to be made for each analysis."""

    formula: str = "1"
    contrasts: tuple[str, ...] = ()
    """See :func:`bids_ari.design.group_model`."""
    group_by: str = ""
    center: bool = True
    missing: str = "error"
    participants: Participants | None = None
    stats_model: StatsModel | None = None
    """Instead of the formula and what belongs to it."""
    estimator: str = "ols"
    permutations: Permutations | None = None

    @property
    def asks_contrasts(self) -> bool:
        """Whether contrasts were asked for, and not chosen by default."""
        return bool(self.contrasts) or self.stats_model is not None

    @property
    def within(self) -> tuple[str, ...]:
        """Entities that the model may tell rows of a subject apart by."""
        if self.stats_model is None:
            used = set(columns_of(parse_formula(self.formula)))
        else:
            used = set()
            for model in (node["Model"] for node in self.stats_model.nodes):
                used |= {str(one) for one in model["X"]}
                used |= set(columns_of(parse_formula(model.get("Formula") or "1")))
        return tuple(name for name in _WITHIN if name in used)


@dataclass(frozen=True, slots=True)
class GroupAnalysis:
    """A group model, and the rows that its design is of."""

    analysis: Analysis
    model: SecondLevel
    estimator: str = "ols"
    blocks: tuple[str, ...] = ()
    """For each row a label, if permutations are only among rows with the same one."""

    @property
    def label(self) -> str:
        """Name of the model in files; results of several estimators may stand beside each other."""
        return self.model.name + ("" if self.estimator == "ols" else self.estimator.capitalize())

    def entities(self, contrast: Contrast) -> dict[str, str]:
        """Give what names the results of a contrast; their ``desc`` is not that of the maps."""
        shared = self.analysis.entities
        return {
            **{name: value for name, value in shared.items() if name != "description"},
            "model": self.label,
            "contrast": output_contrast(shared["contrast"], contrast),
        }


def group_analyses(
    analyses: Sequence[Analysis], design: Design
) -> tuple[list[GroupAnalysis], list[InputError]]:
    """
    Make the group models of all analyses.

    Parameters
    ----------
    analyses : sequence of Analysis
        From :func:`bids_ari.inputs.collect`, with the entities ``within`` of the design.
    design : Design
        What was asked for.

    Returns
    -------
    possible : list of GroupAnalysis
        An analysis has several if a Stats Model has several nodes or groups.
    errors : list of InputError
        About those that cannot be done; others need not wait for these.

    Raises
    ------
    InputError
        If filters of a Stats Model ask for what there is not, or leave nothing.
    """
    tables = [_table(analysis, design) for analysis in analyses]
    if design.stats_model is not None:
        refuse_unmatched(design.stats_model, tables)
    possible: list[GroupAnalysis] = []
    errors: list[InputError] = []
    for analysis, table in zip(analyses, tables, strict=True):
        try:
            for made in _models(table, design):
                _refuse_unrelated_rows(analysis, made)
                _warn_of_rows_for_themselves(analysis, made)
                rows = _of_rows(analysis, made)
                model = _within_subjects(rows, made.model, by_default=not design.asks_contrasts)
                blocks: tuple[str, ...] = ()
                if design.permutations:
                    known = table.select(made.rows)
                    blocks = blocks_of(rows, known, design.permutations.blocks)
                    model = permutable(
                        model, blocks, design.permutations, by_default=not design.asks_contrasts
                    )
                possible.append(GroupAnalysis(rows, model, design.estimator, blocks))
        except InputError as error:
            errors.append(InputError(f"{_called(analysis)}: {error}", error.exit_code))
    if not possible and not errors and design.stats_model is not None:
        msg = f"{design.stats_model.path}: its filters leave no map"
        raise InputError(msg)
    return possible, errors


def _models(table: MapTable, design: Design) -> tuple[GroupModel, ...]:
    if design.stats_model is not None:
        return group_models(design.stats_model, table, missing=design.missing)
    if design.group_by and table.is_numeric(design.group_by):
        n_groups = len(table.order(design.group_by))
        if n_groups > _MANY_GROUPS:
            msg = (
                f"{table.source} has {n_groups} different numbers in column {design.group_by}, "
                f"expected a few groups; for a slope there is --covariates"
            )
            raise InputError(msg)
    made = group_model(
        table,
        design.formula,
        design.contrasts,
        center=design.center,
        group_by=design.group_by,
        missing=design.missing,
    )
    return (made,)


def _table(analysis: Analysis, design: Design) -> MapTable:
    """Put together what is known of each row."""
    of_rows = [
        replace(row.maps[0], entities={**analysis.entities, **row.entities})
        for row in analysis.rows
    ]
    return table_of(of_rows, design.participants)


def _called(analysis: Analysis) -> str:
    """Name an analysis in an error, with its subjects if they are few."""
    subjects = list(dict.fromkeys(row.subject for row in analysis.rows))
    shown = ", ".join(f"sub-{one}" for one in subjects[:4])
    more = f" and {len(subjects) - 4} more" if len(subjects) > 4 else ""
    entities = " ".join(
        f"{ENTITIES[name].key}-{value}" for name, value in analysis.entities.items()
    )
    return f"{entities} ({shown}{more})"


def _refuse_unrelated_rows(analysis: Analysis, made: GroupModel) -> None:
    """Rows of one subject are not independent: the model has to know whose they are."""
    rows = [analysis.rows[at] for at in made.rows]
    several = next(
        (row for row in rows if [one.subject for one in rows].count(row.subject) > 1), None
    )
    if several is not None and "subject" not in made.model.variables:
        told = " and ".join(several.entities)
        msg = (
            f"sub-{several.subject} has several rows, one for each {told}, and the model does not "
            f"know that they are of one subject: add C(subject) to the formula, or use "
            f"--difference {told.split()[0]}=A-B"
        )
        raise InputError(msg)


def _warn_of_rows_for_themselves(analysis: Analysis, made: GroupModel) -> None:
    """Say which rows are fitted exactly, as the only ones of a group or of a subject are."""
    leverage = np.square(np.linalg.qr(made.model.matrix)[0]).sum(axis=1)
    alone = [made.rows[at] for at in np.flatnonzero(leverage > 1 - _TOLERANCE)]
    if alone:
        whose = dict.fromkeys(f"sub-{analysis.rows[at].subject}" for at in alone)
        LOGGER.warning(
            "%s: the model fits %d of %d maps exactly, whatever is in them, as there is a "
            "regressor for each alone: %s",
            made.model.name,
            len(alone),
            len(made.rows),
            listed([*whose]),
        )


def _within_subjects(analysis: Analysis, model: SecondLevel, *, by_default: bool) -> SecondLevel:
    """
    Keep contrasts within subjects, where several rows are of the same subjects.

    The residuals of such a model tell how rows of a subject vary, and nothing of how subjects do: a
    mean over subjects would be tested against far too small an error. A contrast is within
    subjects if adding a constant to all maps of a subject does not change it.
    """
    subjects = [row.subject for row in analysis.rows]
    if len(set(subjects)) == len(subjects):
        return model
    is_of = np.equal.outer(np.array(subjects), np.array(sorted(set(subjects))))
    of_subjects = np.linalg.pinv(model.matrix) @ is_of.astype(np.float64)
    between = [
        one
        for one in model.contrasts
        if np.max(np.abs(one.weights @ of_subjects)) > _EXACT * np.max(np.abs(one.weights))
    ]
    within = tuple(one for one in model.contrasts if one not in between)
    if between and (not by_default or not within):
        msg = (
            f"contrast {between[0].expression} is between subjects, but the error of a model with "
            f"several maps of each is that within subjects: average them with --combine, or "
            f"subtract them with --difference"
        )
        raise InputError(msg)
    for one in between:
        LOGGER.info("contrast %s is not tested: it is between subjects", one.expression)
    return replace(model, contrasts=within)


def _of_rows(analysis: Analysis, made: GroupModel) -> Analysis:
    """Restrict an analysis to the rows of a model, and tell why others are not in it."""
    rows = tuple(analysis.rows[at] for at in made.rows)
    if len(rows) == len(analysis.rows):
        return analysis
    kept: dict[str, list[Row]] = {}
    for row in rows:
        kept.setdefault(row.subject, []).append(row)
    reasons: dict[str, dict[str, None]] = {}
    for at, reason in made.left_out.items():
        row = analysis.rows[at]
        which = " ".join(f"{name} {value}" for name, value in row.entities.items())
        reasons.setdefault(row.subject, {})[f"{which}: {reason}" if which else reason] = None
    return replace(analysis, rows=rows, inclusion=tuple(_lines(analysis.inclusion, kept, reasons)))


def _lines(
    inclusion: Sequence[Inclusion],
    kept: Mapping[str, Sequence[Row]],
    reasons: Mapping[str, Mapping[str, Any]],
) -> Iterator[Inclusion]:
    for line in inclusion:
        if not line.included or line.subject not in reasons:
            yield line
        elif line.subject in kept:
            remarks = [line.reason, *(f"without {one}" for one in reasons[line.subject])]
            source = ", ".join(one.uri for row in kept[line.subject] for one in row.maps)
            yield replace(line, reason=", ".join(filter(None, remarks)), source=source)
        else:
            yield Inclusion(line.subject, False, ", ".join(reasons[line.subject]), "")
