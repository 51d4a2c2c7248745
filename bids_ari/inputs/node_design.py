"""
The design of one node of a BIDS Stats Model.

PyBIDS applies the transformations, the wildcards and the formula of the node. It is given the
values itself, one row for each map that takes part and nothing else, as it would drop a subject
that the table lacks, put 0 where a value is missing, take means over participants without maps,
and put the rows in an order of its own.
"""

import fnmatch
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_ari.design import Contrast, MapTable, SecondLevel, label, second_level
from bids_ari.design.matrix import mean_of, tidied, tidy, values_of
from bids_ari.design.records import INTERCEPT
from bids_ari.design.syntax import parse_formula
from bids_ari.errors import InputError
from bids_ari.inputs.stats_model import weights_of

_ROW = "dataset"
"""Of the entities by which PyBIDS tells rows apart, the one that no map has."""


def instructions_of(node: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the transformations of a node."""
    return list((node.get("Transformations") or {}).get("Instructions", []))


def second_level_of_node(
    node: Mapping[str, Any], called: str, table: MapTable, used: Sequence[str]
) -> SecondLevel:
    """
    Make the design and the contrasts of a node.

    Parameters
    ----------
    node : mapping
        Of a valid Stats Model.
    called : str
        Label of the model.
    table : MapTable
        One row for each map that takes part; everything that is used is known.
    used : sequence of str
        Columns that the node names.

    Returns
    -------
    SecondLevel

    Raises
    ------
    InputError
        If PyBIDS cannot make the design, text is left in it, or it cannot be estimated.
    """
    formula = node["Model"].get("Formula") or ""
    parsed = parse_formula(formula) if formula else []
    factors = _inputs_of(node, "Factor", table)
    in_c = {
        name for term in parsed for one in term if one.kind == "category" for name in one.columns
    }
    numeric = [name for name in used if name not in {*factors, *in_c} and table.is_numeric(name)]
    columns, matrix = _evaluate(node, table, used, numeric)
    regressors = tidied(columns)
    contrasts = list(_contrasts(node, regressors, columns))
    text = {one: table.order(one) for one in used if one not in numeric}
    centred = {
        name: mean_of(table, name) for name in _inputs_of(node, "Scale", table) if name in numeric
    }
    return second_level(
        called,
        regressors,
        matrix,
        contrasts,
        formula=formula,
        columns=columns if formula else regressors,
        variables=tuple(sorted(used)),
        centred=centred,
        levels=dict(sorted(text.items())),
    )


def _inputs_of(node: Mapping[str, Any], name: str, table: MapTable) -> list[str]:
    """List the columns that a transformation takes, in its order."""
    found = []
    for step in instructions_of(node):
        if step.get("Name") == name and step.get("Demean", True):
            given = step.get("Input", [])
            for pattern in given if isinstance(given, list) else [given]:
                found += [one for one in table.columns if fnmatch.fnmatchcase(one, str(pattern))]
    return found


def _evaluate(
    node: Mapping[str, Any], table: MapTable, used: Sequence[str], numeric: Sequence[str]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Let PyBIDS make the design matrix, in the order of the table."""
    import pandas as pd
    from bids.modeling.statsmodels import BIDSStatsModelsNode, ContrastInfo
    from bids.utils import convert_JSON
    from bids.variables import BIDSVariableCollection, SimpleVariable

    keys = [f"{row:09d}" for row in range(len(table.subjects))]
    variables = [
        SimpleVariable(
            name,
            pd.DataFrame({"amplitude": _values(table, name, name in numeric), _ROW: keys}),
            "participants",
        )
        for name in used
    ]
    contrasts = table.columns.get("contrast", ("maps",) * len(keys))
    inputs = [
        ContrastInfo(contrast, [contrast], [1], "t", {_ROW: key})
        for contrast, key in zip(contrasts, keys, strict=True)
    ]
    arguments = convert_JSON({key: value for key, value in node.items() if key != "Description"})
    # the maps come grouped, and contrasts are weighed without PyBIDS, which drops some silently
    arguments |= {"group_by": [], "contrasts": [], "dummy_contrasts": False}
    runner = BIDSStatsModelsNode(**arguments)
    if variables:
        runner.add_collections([BIDSVariableCollection(variables)])
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            (made,) = runner.run(inputs, missing_values="error")
            X = made.X
    except Exception as error:  # of any transformation
        reason = re.sub(r"\s+", " ", str(error)).strip().rstrip(".")
        msg = (
            f"the design cannot be made: {reason or type(error).__name__}; "
            f"columns of {table.source.rstrip(',')}: {table.listed()}"
        )
        raise InputError(msg) from error
    place = {key: row for row, key in enumerate(made.metadata[_ROW])}
    if len(X) != len(keys) or place.keys() != set(keys):
        msg = (
            f"the design has {len(X)} rows for {len(keys)} maps: a transformation or the formula "
            f"drops those that it has no number for"
        )
        raise InputError(msg)
    columns = [str(name) for name in X]
    for one in map(str, () if node["Model"].get("Formula") else node["Model"]["X"]):
        if set(one) & set("*?[") and not fnmatch.filter(columns, one):
            msg = f"X has {one}, which no column is called like; there: {', '.join(columns)}"
            raise InputError(msg)
    text = [str(name) for name in X if not pd.api.types.is_numeric_dtype(X[name].infer_objects())]
    if text:
        msg = f"X has {text[0]}, which holds text: expected Factor among the transformations"
        raise InputError(msg)
    order = [place[key] for key in keys]
    return tuple(columns), X.to_numpy(dtype=np.float64)[order]


def _values(table: MapTable, name: str, numeric: bool) -> Any:
    return values_of(table, name) if numeric else list(table.cells(name))


def _contrasts(
    node: Mapping[str, Any], regressors: Sequence[str], columns: Sequence[str]
) -> Iterator[Contrast]:
    """Weigh the regressors as Contrasts and DummyContrasts say, these first."""
    dummies = node.get("DummyContrasts") or {}
    asked = [
        {"Name": _shown(one), "ConditionList": [one], "Weights": [1], "Test": dummies["Test"]}
        for one in (dummies.get("Contrasts") or list(regressors) if dummies else [])
    ]
    named = [one["Name"] for one in node.get("Contrasts") or []]
    asked = [one for one in asked if one["Name"] not in named]
    for one in [*asked, *(node.get("Contrasts") or [])]:
        given = weights_of(one["Weights"])
        weights = np.zeros((len(given), len(regressors)))
        for condition, column in zip(one["ConditionList"], given.T, strict=True):
            shown = _shown(condition)
            if shown in columns or shown in regressors or tidy(shown) in regressors:
                where = (columns if shown in columns else regressors).index(
                    shown if shown in columns or shown in regressors else tidy(shown)
                )
            else:
                msg = (
                    f"contrast {one['Name']} has {shown}, but the design has "
                    f"{', '.join(regressors)}"
                )
                raise InputError(msg)
            weights[:, where] += column
        try:
            name = label(one["Name"])
        except ValueError as error:
            raise InputError(str(error)) from error
        expression = one.get("Description") or _in_words(one, given)
        yield Contrast(name, expression, weights, "F" if one["Test"] == "F" else "t")


def _shown(condition: str | int) -> str:
    return INTERCEPT if condition in (1, "Intercept") else str(condition)


def _in_words(contrast: Mapping[str, Any], weights: NDArray[np.float64]) -> str:
    rows = [
        " + ".join(
            f"{weight:g}*{_shown(condition)}" if weight != 1 else _shown(condition)
            for condition, weight in zip(contrast["ConditionList"], row, strict=True)
            if weight
        )
        for row in weights
    ]
    return ", ".join(rows)
