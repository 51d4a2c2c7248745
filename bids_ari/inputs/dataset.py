"""The file at the root of a dataset that describes it, and files that are not there."""

import json
from pathlib import Path
from typing import Any

from bids_ari.errors import ExitCode, InputError


def describe(root: Path) -> dict[str, Any]:
    """
    Read ``dataset_description.json``.

    Parameters
    ----------
    root : Path
        Folder of the dataset.

    Returns
    -------
    description : dict
        Empty if there is no such file.

    Raises
    ------
    InputError
        If there is no such folder, or the file is not what BIDS says.
    """
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        msg = f"{root} {what}, expected a dataset"
        raise InputError(msg, ExitCode.NO_INPUT)
    path = root / "dataset_description.json"
    try:
        description = json.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        if path.is_symlink():
            raise InputError(not_fetched(path, root)) from None
        return {}
    except ValueError as error:  # of the encoding, too
        msg = f"{path} is not valid JSON: {error}"
        raise InputError(msg) from error
    if not isinstance(description, dict):
        msg = f"{path} holds a {type(description).__name__}, expected an object"
        raise InputError(msg)
    generators = description.get("GeneratedBy", [])
    if not isinstance(generators, list) or not all(isinstance(one, dict) for one in generators):
        msg = f"{path}: GeneratedBy is {json.dumps(generators)}, expected a list of objects"
        raise InputError(msg)
    return description


def not_fetched(path: Path, root: Path, more: str = "") -> str:
    """Say that a file is a link to content that is elsewhere; ``more`` is put behind its name."""
    return (
        f"{path}{more} is a link to {path.readlink()}, which is not there; if the dataset is "
        f"under DataLad, fetch its content with: datalad get -d {root} {path.relative_to(root)}"
    )
