"""
The BIDS schema with what group maps need, and the validator that reads it.

BIDS 1.11 has no statistical maps. The extension follows BEP041, FitLins and nilearn: entities
``feature``, ``model``, ``contrast`` and ``stat`` after the density, suffixes for maps, designs and
tables of clusters, and the directories ``group`` and ``figures``. Maps have no datatype, so the schema does not
know that they are of MRI: what it requires of images in derivatives is required of them here.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from bidsschematools.schema import load_schema

VALIDATOR = Path(sys.executable).parent / "bids-validator-deno"

_NEW_ENTITIES = ("feature", "model", "contrast", "stat")
_NEW_SUFFIXES = (
    "statmap",
    "design",
    "clusters",
    "peaks",
    "overlaps",
    "regions",
    "sensitivity",
    "outliers",
    "thresholds",
    "permutations",
)
_BEFORE_NEW = "density"

_DERIVATIVE = 'dataset.dataset_description.DatasetType == "derivative"'

_SHARED = (
    "task",
    "session",
    "acquisition",
    "direction",
    "reconstruction",
    "run",
    "space",
    "resolution",
    "density",
    "feature",
)
_IMAGES = [".nii.gz", ".nii", ".json"]
_TABLES = [".tsv", ".json"]
_FIGURES = [".png", ".svg"]


def extended_schema() -> dict[str, Any]:
    """Return the schema of the installed ``bidsschematools``, extended."""
    schema: dict[str, Any] = json.loads(load_schema().to_json())
    objects, rules = schema["objects"], schema["rules"]
    for name in _NEW_ENTITIES:
        objects["entities"][name] = {
            "name": name,
            "display_name": name.capitalize(),
            "description": f"The {name} of a statistical map.",
            "type": "string",
            "format": "label",
        }
    where = rules["entities"].index(_BEFORE_NEW) + 1
    rules["entities"][where:where] = _NEW_ENTITIES
    for name in _NEW_SUFFIXES:
        objects["suffixes"][name] = {
            "value": name,
            "display_name": name.capitalize(),
            "description": f"Statistical model: {name}.",
        }
    rules["files"]["deriv"]["group_model"] = {
        "statmap": _rule(["statmap"], _IMAGES, stat="required", description="optional"),
        "mask": _rule(["mask"], _IMAGES, description="required"),
        "dseg": _rule(["dseg"], [*_IMAGES, ".tsv"], description="required"),
        "design": _rule(["design"], _TABLES),
        "clusters": _rule(["clusters", "peaks", "overlaps"], _TABLES, description="required"),
        "whole": _rule(
            ["regions", "sensitivity", "outliers", "thresholds", "permutations"], _TABLES
        ),
        "figure_of_map": _rule(["statmap"], _FIGURES, stat="required", description="required"),
        "figure_of_mask": _rule(["mask"], _FIGURES, description="required"),
        "figure_of_table": _rule(["design", "outliers", "permutations"], _FIGURES),
    }
    required = rules["sidecars"]["derivatives"]["common_derivatives"]["ImageDerivatives"]
    rules["sidecars"]["derivatives"]["group_model"] = {
        "GroupMaps": {
            "selectors": [_DERIVATIVE, 'suffix == "statmap"', 'match(extension, "^\\.nii")'],
            "fields": required["fields"],
        }
    }
    directories = rules["directories"]["derivative"]
    for name in ("group", "figures"):
        directories["root"]["subdirs"].append(name)
        directories[name] = {"name": name, "level": "optional", "opaque": False}
    return schema


def _rule(suffixes: list[str], extensions: list[str], **entities: str) -> dict[str, Any]:
    """Describe the files of one kind; all are of a model and a contrast."""
    return {
        "level": "optional",
        "suffixes": suffixes,
        "extensions": extensions,
        "entities": {
            **dict.fromkeys(_SHARED, "optional"),
            "model": "required",
            "contrast": "required",
            **entities,
        },
        "selectors": [_DERIVATIVE],
    }


def validate(dataset: Path, work_dir: Path) -> subprocess.CompletedProcess[str]:
    """
    Run the BIDS validator, which needs no network, with the extended schema.

    Lines of ``.bidsignore`` that name these directories are for the schema as released. They are not
    obeyed, as they would hide what is to be validated.

    Parameters
    ----------
    dataset : Path
        Root of a derivative dataset; left as it is.
    work_dir : Path
        Directory for the schema and a copy of the dataset.

    Returns
    -------
    CompletedProcess
        Exit code 0 if valid, 16 if not; ``stdout`` is JSON with ``issues``.
    """
    schema = work_dir / "schema.json"
    schema.write_text(json.dumps(extended_schema()))
    copy = work_dir / "validated" / dataset.name
    shutil.copytree(dataset, copy)
    ignore = copy / ".bidsignore"
    if ignore.exists():
        kept = [
            line for line in ignore.read_text().splitlines() if line not in {"group", "figures"}
        ]
        ignore.write_text("".join(f"{line}\n" for line in kept))
    return subprocess.run(
        [VALIDATOR, copy, "-s", schema.as_uri(), "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def errors_of(result: subprocess.CompletedProcess[str]) -> list[tuple[str, str]]:
    """
    List code and place of what the validator calls an error.

    Parameters
    ----------
    result : CompletedProcess
        What :func:`validate` returned.

    Returns
    -------
    list of (str, str)
        In the order of the places.
    """
    issues = json.loads(result.stdout)["issues"]["issues"]
    found = [
        (issue["code"], issue.get("location", ""))
        for issue in issues
        if issue["severity"] == "error"
    ]
    return sorted(found, key=lambda pair: pair[1])
