"""The tables: entities that names are made of, and who writes first-level maps where."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data"
REQUIRED = ("contrast", "stat")
"""What a name must say to be a first-level map: maps of the residuals, say, have no contrast."""


@dataclass(frozen=True, slots=True)
class Entity:
    """
    One entry of ``data/entities.json``; the order of the entries is that of names written.

    Roles: ``subject``; ``shared``, which maps of one analysis have in common; ``repeat``, of which
    a subject may have several; ``level``, the step of the model that wrote the map; ``file``.
    """

    name: str
    role: str
    key: str = ""
    dtype: str = "str"


@dataclass(frozen=True, slots=True)
class Flavour:
    """
    One entry of ``data/flavours.json``: how one program lays out first-level maps.

    ``written_by``: part of a name in ``GeneratedBy`` or ``PipelineDescription``, lower case;
    ``folders``: where maps are, from the root, brackets around a folder that may be absent;
    ``rename``: what a key in a file name means, if not the entity of that key; ``space_from``:
    where in ``dataset_description.json`` the space is that names do not tell; ``levels``: maps of
    runs stay on disk beside those of subjects, which supersede them.
    """

    name: str
    written_by: tuple[str, ...]
    folders: tuple[str, ...]
    rename: dict[str, str] = field(hash=False)
    space_from: tuple[str, ...]
    levels: bool


ENTITIES = {
    entry["name"]: Entity(**entry) for entry in json.loads((DATA / "entities.json").read_text())
}
BY_KEY = {entity.key: entity.name for entity in ENTITIES.values() if entity.key}
FLAVOURS = tuple(
    Flavour(
        name,
        tuple(entry["written_by"]),
        tuple(entry["folders"]),
        entry["rename"],
        tuple(entry["space_from"]),
        entry["levels"],
    )
    for name, entry in json.loads((DATA / "flavours.json").read_text()).items()
)


def names_in_role(role: str) -> tuple[str, ...]:
    """List the entities of a role, in the order of names."""
    return tuple(entity.name for entity in ENTITIES.values() if entity.role == role)


def parse(
    name: str, folders: tuple[str, ...] = (), rename: dict[str, str] | None = None
) -> dict[str, str]:
    """
    Read the entities of a file from its name, and from the folders for what the name leaves out.

    Parameters
    ----------
    name : str
        File name.
    folders : tuple of str
        Names of the folders it is in, from the root of the dataset.
    rename : dict of str to str, optional
        Key to entity, where a flavour has its own.

    Returns
    -------
    entities : dict of str to str
        By long name, in the order of ``data/entities.json``. Unknown keys are left out.

    Examples
    --------
    >>> parse("sub-01_run-02_contrast-win_stat-z_statmap.nii.gz", ("node-runLevel", "sub-01"))
    {'subject': '01', 'run': '02', 'contrast': 'win', 'node': 'runLevel', 'stat': 'z',
     'suffix': 'statmap', 'extension': '.nii.gz'}
    """
    rename = rename or {}
    taken = set(rename.values())
    stem, dot, extension = name.partition(".")
    *tokens, suffix = stem.split("_")
    found = {"suffix": suffix, "extension": dot + extension}
    for folder in folders:
        key, dash, value = folder.partition("-")
        if not dash:
            found["datatype"] = folder
        elif value and key in BY_KEY:
            found[BY_KEY[key]] = value
    for token in tokens:
        key, _, value = token.partition("-")
        entity = rename.get(key) or BY_KEY.get(key)
        # an entity that another key stands for means something else in this flavour
        if entity and value and (key in rename or entity not in taken):
            found[entity] = value
    return {entity: found[entity] for entity in ENTITIES if entity in found}


def written_by(description: dict[str, Any]) -> tuple[str, ...]:
    """List the programs that a ``dataset_description.json`` names, in lower case."""
    entries = description.get("GeneratedBy", [])
    programs = [*(entries if isinstance(entries, list) else [entries])]
    programs.append(description.get("PipelineDescription", {}))
    return tuple(
        str(program["Name"]).lower()
        for program in programs
        if isinstance(program, dict) and "Name" in program
    )


def flavours_to_try(description: dict[str, Any]) -> tuple[Flavour, ...]:
    """Order the flavours: those of the program that wrote the dataset first."""
    programs = written_by(description)

    def is_named(flavour: Flavour) -> bool:
        return any(part in program for part in flavour.written_by for program in programs)

    return tuple(sorted(FLAVOURS, key=lambda flavour: not is_named(flavour)))


def dataset_space(description: dict[str, Any], flavour: Flavour) -> str:
    """Look up the space that holds for all maps of a dataset, empty if none is told."""
    value: Any = description if flavour.space_from else ""
    for step in flavour.space_from:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""
