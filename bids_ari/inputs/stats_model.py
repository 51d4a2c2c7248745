"""BIDS Stats Models: which files are valid, and which of their nodes are for the group."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_ari.design import MapTable
from bids_ari.design.syntax import parse_formula
from bids_ari.errors import ExitCode, InputError, did_you_mean
from bids_ari.inputs.filters import listed
from bids_ari.inputs.naming import BY_KEY, ENTITIES


@dataclass(frozen=True, slots=True)
class StatsModel:
    """A Stats Model that is valid, and its nodes for the group."""

    path: Path
    content: Mapping[str, Any] = field(hash=False)
    nodes: tuple[Mapping[str, Any], ...] = field(hash=False)
    """Those of level Dataset."""


def read_stats_model(path: Path) -> StatsModel:
    """
    Read a BIDS Stats Model.

    Parameters
    ----------
    path : Path
        File, named ``_smdl.json`` as a rule.

    Returns
    -------
    StatsModel

    Raises
    ------
    InputError
        If it is not valid, has a key that is not in the specification, or no node for the group.
    """
    from bsmschema.models import BIDSStatsModel  # pydantic: slow
    from pydantic import ValidationError

    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        msg = f"{path} does not exist, expected a BIDS Stats Model"
        raise InputError(msg, ExitCode.NO_INPUT) from None
    except (OSError, ValueError) as error:
        msg = f"{path} is not valid JSON: {error}"
        raise InputError(msg) from error
    try:
        valid = BIDSStatsModel.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(one) for one in first["loc"]) or "the file"
        message = first["msg"][:1].lower() + first["msg"][1:]
        msg = f"{path} is not a BIDS Stats Model: {place}: {message}"
        raise InputError(msg) from error
    for place in _unknown_keys(content, valid, ""):
        msg = f"{path}: {place} is not a key of BIDS Stats Models"
        raise InputError(msg)
    names = [node["Name"] for node in content["Nodes"]]
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        msg = f"{path} has two nodes called {twice}"
        raise InputError(msg)
    for edge in content.get("Edges") or []:
        for end in (edge["Source"], edge["Destination"]):
            if end not in names:
                msg = f"{path} has an edge of node {end}; nodes: {', '.join(names)}"
                raise InputError(msg)
    nodes = tuple(node for node in content["Nodes"] if node["Level"] == "Dataset")
    if not nodes:
        msg = f"{path} has no node of level Dataset, but {', '.join(names) or 'none'}"
        raise InputError(msg)
    model = StatsModel(path, content, nodes)
    for node in nodes:
        _check_node(model, node)
    return model


def _unknown_keys(content: Any, valid: Any, place: str) -> Iterator[str]:
    """Find keys that validation let pass; a mistyped one would be ignored silently."""
    if isinstance(content, list) and isinstance(valid, list):
        for number, (one, other) in enumerate(zip(content, valid, strict=True)):
            yield from _unknown_keys(one, other, f"{place}.{number}")
    elif isinstance(content, dict) and hasattr(type(valid), "model_fields"):
        for key, value in content.items():
            at = f"{place}.{key}".lstrip(".")
            if key not in type(valid).model_fields:
                yield at
            else:
                yield from _unknown_keys(value, getattr(valid, key), at)


def _check_node(model: StatsModel, node: Mapping[str, Any]) -> None:
    where = f"{model.path}: node {node['Name']}"
    if node["Model"]["Type"] != "glm":
        msg = f"{where} is of type {node['Model']['Type']}, expected glm"
        raise InputError(msg)
    if not node.get("Contrasts") and not node.get("DummyContrasts"):
        msg = f"{where} has neither Contrasts nor DummyContrasts, so nothing to test"
        raise InputError(msg)
    if (node.get("DummyContrasts") or {}).get("Test") == "pass":
        msg = f"{where}: DummyContrasts have Test pass, expected t or F"
        raise InputError(msg)
    if not node["Model"]["X"]:
        msg = f"{where}: X is empty, expected 1 for the mean, or columns"
        raise InputError(msg)
    for step in (node.get("Transformations") or {}).get("Instructions") or []:
        if not step.get("Input"):
            msg = f"{where}: the transformation {step.get('Name')} has no Input"
            raise InputError(msg)
    try:
        parse_formula(node["Model"].get("Formula") or "1")
    except InputError as error:
        msg = f"{where}: {error}"
        raise InputError(msg) from error
    sources = {edge["Source"] for edge in edges_of(model) if edge["Destination"] == node["Name"]}
    above = sorted(sources & {one["Name"] for one in model.nodes})
    if above:
        msg = (
            f"{where} takes the results of node {above[0]}, which is of level Dataset, too: "
            f"expected first-level maps; say with Edges where they come from"
        )
        raise InputError(msg)
    for one in node.get("Contrasts") or []:
        try:
            rows = weights_of(one["Weights"])
        except (ValueError, OverflowError, ZeroDivisionError):
            rows = np.zeros((0, 0))
        if rows.ndim != 2 or rows.shape[1] != len(one["ConditionList"]) or one["Test"] == "pass":
            msg = (
                f"{where}, contrast {one['Name']}: expected Test t or F and a weight for each of "
                f"{len(one['ConditionList'])} conditions, found {one['Test']} and "
                f"{json.dumps(one['Weights'])}"
            )
            raise InputError(msg)


def edges_of(model: StatsModel) -> list[dict[str, Any]]:
    """Without edges, each node takes the results of that before it."""
    nodes = model.content["Nodes"]
    return model.content.get("Edges") or [
        {"Source": one["Name"], "Destination": other["Name"]} for one, other in pairwise(nodes)
    ]


def weights_of(given: Sequence[Any]) -> NDArray[np.float64]:
    """Read weights, which may be written as fractions, into (n_rows, n_conditions)."""
    rows = given if given and isinstance(given[0], list) else [given]
    return np.array([[float(Fraction(one)) for one in row] for row in rows])


def refuse_unmatched(model: StatsModel, tables: Sequence[MapTable]) -> None:
    """
    Raise an error if a filter of the model asks for what no map has.

    Parameters
    ----------
    model : StatsModel
        With ``Input``, and ``Filter`` of the edges to its nodes for the group.
    tables : sequence of MapTable
        Of all analyses.

    Raises
    ------
    InputError
        That names the value, and what there is.
    """
    names = {node["Name"] for node in model.nodes}
    filters = [("Input", model.content.get("Input") or {})]
    filters += [
        (f"Filter of the edge to {edge['Destination']}", edge.get("Filter") or {})
        for edge in edges_of(model)
        if edge["Destination"] in names
    ]
    for where, wanted in filters:
        for key, values in wanted.items():
            name = BY_KEY.get(key, key)
            if name not in ENTITIES:
                msg = f"{model.path}: {where} names {key}, which is no entity"
                raise InputError(msg)
            there = {
                cell for table in tables for cell in table.columns.get(name, ()) if cell != "n/a"
            }
            for value in values:
                if there and str(value) not in there:
                    labels = sorted(str(one) for one in there)
                    msg = (
                        f"{model.path}: {where} asks for {name} {value}"
                        f"{did_you_mean(str(value), labels)}; there: {listed(labels)}"
                    )
                    raise InputError(msg, ExitCode.NOTHING_SELECTED)
