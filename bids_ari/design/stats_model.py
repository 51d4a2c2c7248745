"""A group model as a BIDS Stats Model, for any program that reads these."""

from typing import Any

import numpy as np

from bids_ari.design.records import INTERCEPT, Contrast, SecondLevel


def to_stats_model(model: SecondLevel, *, name: str = "", description: str = "") -> dict[str, Any]:
    """
    Write the model that another run can be given instead of options.

    The means that were taken from columns are not written: whoever reads the model takes them
    over the maps that then take part.

    Parameters
    ----------
    model : SecondLevel
        From :func:`second_level_from_formula`, or :func:`one_sample`.
    name : str
        Of the Stats Model; by default that of the model.
    description : str
        For people.

    Returns
    -------
    dict
        Content of a ``_smdl.json`` file, valid by the BIDS Stats Models specification 1.0.0.

    Examples
    --------
    >>> from bids_ari.design import one_sample
    >>> to_stats_model(one_sample(20))["Nodes"][0]["Model"]
    {'Type': 'glm', 'X': [1]}
    """
    instructions: list[dict[str, Any]] = []
    if model.centred:
        instructions.append(
            {"Name": "Scale", "Input": [*model.centred], "Demean": True, "Rescale": False}
        )
    if model.levels and not model.formula:
        instructions.append({"Name": "Factor", "Input": [*model.levels]})
    node: dict[str, Any] = {
        "Level": "Dataset",
        "Name": model.name,
        "GroupBy": ["contrast"],
    }
    if instructions:
        node["Transformations"] = {
            "Transformer": "pybids-transforms-v1",
            "Instructions": instructions,
        }
    node["Model"] = {"Type": "glm"}
    if model.formula:
        node["Model"] |= {"X": [*model.variables], "Formula": model.formula}
    else:
        node["Model"]["X"] = [_condition(one) for one in model.columns]
    node["Contrasts"] = [_written(one, model) for one in model.contrasts]
    return {
        "Name": name or model.name,
        "BIDSModelVersion": "1.0.0",
        **({"Description": description} if description else {}),
        "Nodes": [node],
    }


def _condition(column: str) -> str | int:
    return 1 if column == INTERCEPT else column


def _written(contrast: Contrast, model: SecondLevel) -> dict[str, Any]:
    used = np.flatnonzero(contrast.weights.any(axis=0))
    weights = contrast.weights[:, used].tolist()
    return {
        "Name": contrast.name,
        "Description": contrast.expression,
        "ConditionList": [_condition(model.columns[one]) for one in used],
        "Weights": weights if contrast.test == "F" else weights[0],
        "Test": contrast.test,
    }
