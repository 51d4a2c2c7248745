"""Group models that a BIDS Stats Model describes, for first-level maps that are there already."""

import fnmatch
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from bids_ari.design import GroupModel, MapTable, label
from bids_ari.design.formula import columns_of
from bids_ari.design.syntax import parse_formula
from bids_ari.design.table import rows_with_values
from bids_ari.errors import InputError
from bids_ari.inputs.naming import BY_KEY
from bids_ari.inputs.node_design import instructions_of, second_level_of_node
from bids_ari.inputs.stats_model import StatsModel, edges_of


def group_models(
    model: StatsModel, table: MapTable, *, missing: str = "error"
) -> tuple[GroupModel, ...]:
    """
    Make the group models that a Stats Model has for the maps of an analysis.

    Parameters
    ----------
    model : StatsModel
        As read.
    table : MapTable
        What is known of each map.
    missing : {'error', 'drop'}
        What to do if something that a node uses is not known of a map.

    Returns
    -------
    models : tuple of GroupModel
        One for each node and each group of its ``GroupBy``; none if filters leave no map.

    Raises
    ------
    InputError
        If a node asks for what is not there or cannot be estimated; the message names the file
        and the node.
    """
    made: list[GroupModel] = []
    for node in model.nodes:
        try:
            made += list(_models_of(model, node, table, missing))
        except InputError as error:
            msg = f"{model.path}: node {node['Name']}: {error}"
            raise InputError(msg, error.exit_code) from error
    names = [one.model.name for one in made]
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        msg = f"{model.path}: two group models would be called {twice} in files: rename a node"
        raise InputError(msg)
    return tuple(made)


def _models_of(
    model: StatsModel, node: Mapping[str, Any], table: MapTable, missing: str
) -> Iterator[GroupModel]:
    filters = [
        edge.get("Filter") or {} for edge in edges_of(model) if edge["Destination"] == node["Name"]
    ] or [{}]
    every = model.content.get("Input") or {}
    left_out: dict[int, str] = {}
    for row in range(len(table.subjects)):
        if not (_admits(every, table, row) and any(_admits(one, table, row) for one in filters)):
            left_out[row] = "left out by a filter of the model"
    rows = [row for row in range(len(table.subjects)) if row not in left_out]
    if not rows:
        return
    used = _used(node, table)
    group_by = _group_by(node, table.select(rows))
    complete, unknown = rows_with_values(table.select(rows), [*used, *group_by], missing)
    left_out |= {rows[row]: why for row, why in unknown.items()}
    rows = [rows[row] for row in complete]
    cells = {name: [table.cells(name)[row] for row in rows] for name in group_by}
    levels = [[one for one in table.order(name) if one in cells[name]] for name in group_by]
    for group in product(*levels):
        members, others = [], dict(left_out)
        for at, row in enumerate(rows):
            differing = [
                f"{name} is {cells[name][at]}"
                for name, level in zip(group_by, group, strict=True)
                if cells[name][at] != level
            ]
            if differing:
                others[row] = differing[0]
            else:
                members.append(row)
        if members:
            called = label(" ".join([node["Name"], *(_word(one) for one in group)]))
            made = second_level_of_node(node, called, table.select(members), used)
            yield GroupModel(made, tuple(members), others)


def _word(level: str) -> str:
    return level if level[:1].isalnum() else f"level {level}"


def _admits(wanted: Mapping[str, Sequence[Any]], table: MapTable, row: int) -> bool:
    """Compare a filter with a map; what the map does not tell does not leave it out."""
    for key, values in wanted.items():
        cells = table.columns.get(BY_KEY.get(key, key))
        if cells and cells[row] != "n/a" and cells[row] not in {str(one) for one in values}:
            return False
    return True


def _group_by(node: Mapping[str, Any], table: MapTable) -> list[str]:
    """Find the columns to split by; whatever else the maps share is not to be pooled."""
    asked = node["GroupBy"]
    contrasts = sorted({str(one) for one in table.columns.get("contrast", ())})
    if "contrast" not in asked and not {"contrast", *contrasts} & {
        str(one) for one in node["Model"]["X"]
    }:
        msg = (
            f"GroupBy is {json.dumps(asked)}, which pools all first-level contrasts in one "
            f"design; expected contrast in it, or contrasts in X"
        )
        raise InputError(msg)
    names = []
    for name in asked:
        if name in ("run", "session") and name not in table.columns:
            continue  # as in PyBIDS: a single one need not be told
        if len({*table.cells(name)}) > 1 or name not in table.labels:
            names.append(name)
    return names


def _used(node: Mapping[str, Any], table: MapTable) -> list[str]:
    """Find the columns of the table that a node names anywhere."""
    named = [one for one in node["Model"]["X"] if isinstance(one, str)]
    formula = node["Model"].get("Formula")
    if formula:
        named += columns_of(parse_formula(formula))
    named += [one for step in instructions_of(node) for one in _texts({**step, "Name": ""})]
    return [
        column
        for column in table.columns
        if any(fnmatch.fnmatchcase(column, one) or column == one for one in named)
    ]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)
