"""Queries: from labels and filter files to the values that each entity may have."""

import json
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from bids_ari.errors import InputError, did_you_mean
from bids_ari.inputs.naming import BY_KEY, ENTITIES

MANY = 20


def load_filters(path: Path) -> dict[str, Any]:
    """
    Read a filter file, as fMRIPrep and others take it with ``--bids-filter-file``.

    Parameters
    ----------
    path : Path
        JSON: an object of entities, by long name or by the key of file names, or one object of
        that kind under ``statmap``. A value is a label, a number or a list of them; ``null`` asks
        for maps without the entity, ``"*"`` for maps with it.

    Returns
    -------
    filters : dict
        By long name, with :obj:`bids.layout.Query` where it was ``null`` or ``"*"``.

    Raises
    ------
    InputError
        If the file is not what is described above.
    """
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise InputError(msg) from error
    except ValueError as error:
        msg = f"{path} is not valid JSON: {error}"
        raise InputError(msg) from error
    if isinstance(content, dict) and list(content) == ["statmap"]:
        content = content["statmap"]
    if not isinstance(content, dict):
        msg = f"{path} holds a {type(content).__name__}, expected an object of entities"
        raise InputError(msg)
    filters: dict[str, Any] = {}
    for key, value in content.items():
        entity = key if key in ENTITIES else BY_KEY.get(key)
        if entity is None:
            msg = f"{path}: there is no entity {key}{did_you_mean(key, [*ENTITIES, *BY_KEY])}"
            raise InputError(msg)
        if entity in filters:
            msg = f"{path} names the entity {entity} twice"
            raise InputError(msg)
        is_number = ENTITIES[entity].dtype == "int"
        filters[entity] = (
            [_allowed(path, key, one, is_number=is_number) for one in value]
            if isinstance(value, list)
            else _allowed(path, key, value, is_number=is_number)
        )
        if filters[entity] == []:
            msg = f"{path}: {key} is an empty list, which nothing matches"
            raise InputError(msg)
    return filters


def _allowed(path: Path, key: str, value: Any, *, is_number: bool) -> Any:
    from bids.layout import Query  # half a second

    if value is None:
        return Query.NONE
    if value == "*":
        return Query.ANY
    if isinstance(value, bool) or not isinstance(value, str | int):
        msg = f"{path}: {key} is {json.dumps(value)}, expected a label, null, or a list of them"
        raise InputError(msg)
    if is_number and not str(value).isdecimal():
        msg = f"{path}: {key} is {json.dumps(value)}, expected a number"
        raise InputError(msg)
    return (
        value if is_number else str(value).removeprefix(f"{ENTITIES[BY_KEY.get(key, key)].key}-")
    )


def admits(entity: str, allowed: Sequence[Any], value: str | None) -> bool:
    """Tell whether an entity may have a value, or be absent, as PyBIDS would."""
    same: Callable[[Any], Any] = int if ENTITIES[entity].dtype == "int" else str
    for one in allowed:
        if isinstance(one, Enum):
            if (value is None) == (one.name == "NONE"):
                return True
        elif value is not None and same(one) == same(value):
            return True
    return False


def in_words(query: Mapping[str, Sequence[Any]]) -> str:
    """Write a query like the names it matches: ``contrast-win stat-effect run-none``."""
    return " ".join(
        f"{ENTITIES[entity].key or entity}-{'|'.join(_word(one) for one in allowed)}"
        for entity, allowed in query.items()
    )


def _word(value: Any) -> str:
    return {"NONE": "none", "REQUIRED": "any"}.get(getattr(value, "name", ""), str(value))


def listed(values: Sequence[str]) -> str:
    """List labels, cut short where there are many."""
    shown = ", ".join(values[:MANY])
    return shown + (f" and {len(values) - MANY} more" if len(values) > MANY else "")
