"""Files that appear under their names only when they are whole."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bids_ari.errors import OutputError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """
    Give a name to write to, and rename the file when it is written.

    Parameters
    ----------
    path : path
        Name that the file gets; folders above it are made.

    Yields
    ------
    path
        Name in the same folder and with the same extension, to write to.

    Raises
    ------
    OutputError
        If the file cannot be written; nothing of it is left then.
    """
    # always the same name, so that a run after one that was killed leaves nothing behind
    partial = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}"
        raise OutputError(msg) from error
    finally:
        partial.unlink(missing_ok=True)


def write_text(text: str, path: Path) -> Path:
    """
    Write a text file in UTF-8.

    Parameters
    ----------
    text : str
        Content.
    path : path
        Name.

    Returns
    -------
    path

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8")
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
    Copy a file.

    Parameters
    ----------
    source : path
        File to copy.
    path : path
        Name of the copy.

    Returns
    -------
    path

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    with whole(path) as partial:
        shutil.copyfile(source, partial)
    return path
