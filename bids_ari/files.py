"""Files that appear under their names only when they are whole."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_text(text: str, path: Path) -> Path:
    """
    Write a file that appears under its name only when it is whole.

    Parameters
    ----------
    text : str
        Content.
    path : path
        Name; folders above it are made.

    Returns
    -------
    path
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    return path


def write_json(content: Mapping[str, Any], path: Path) -> Path:
    """
    Write a JSON file; see :func:`write_text`.

    Parameters
    ----------
    content : mapping
        Content, in its order.
    path : path
        Name.

    Returns
    -------
    path
    """
    return write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", path)


def copy_file(source: Path, path: Path) -> Path:
    """
    Copy a file; it appears under its name only when it is whole.

    Parameters
    ----------
    source : path
        File to copy.
    path : path
        Name of the copy; folders above it are made.

    Returns
    -------
    path
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}")
    shutil.copyfile(source, partial)
    partial.replace(path)
    return path
