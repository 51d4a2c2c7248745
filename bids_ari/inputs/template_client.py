"""TemplateFlow: the one part of the program that may use the network."""

import json
import warnings
from pathlib import Path
from typing import Any

from bids_ari.errors import ExitCode, InputError, did_you_mean
from bids_ari.inputs.filters import listed
from bids_ari.inputs.segmentations import entities_of

KEYS = {
    "template": "tpl",
    "cohort": "cohort",
    "resolution": "res",
    "segmentation": "seg",
    "scale": "scale",
    "desc": "desc",
    "label": "label",
    "roi": "roi",
    "hemi": "hemi",
    "space": "space",
}
"""Entities as TemplateFlow calls them, to the keys of file names."""
LONG = {"atlas": "atlas", **{short: long for long, short in KEYS.items()}}
"""The other way round."""


def templateflow() -> Any:
    """
    Import the client of TemplateFlow, which then knows the names of all files.

    Returns
    -------
    module
        Its functions; nothing is downloaded yet.

    Raises
    ------
    InputError
        If its folder can be neither used nor made.
    """
    try:
        with warnings.catch_warnings():
            # it says with a warning that its folder is new
            warnings.simplefilter("ignore", ResourceWarning)
            from templateflow import api  # slow to import, and it makes a folder

            # reads the names of all files, two seconds
            api.TF_LAYOUT  # noqa: B018
    except OSError as error:
        msg = (
            f"the folder of TemplateFlow cannot be used: {error}; set TEMPLATEFLOW_HOME to one "
            f"that can be written to, or that has its files"
        )
        raise InputError(msg, ExitCode.NO_INPUT) from error
    return api


def must_know(api: Any, template: str, root: Path, hint: str) -> None:
    """
    Refuse the name of a template that there is not.

    Parameters
    ----------
    api : module
        From :func:`templateflow`.
    template : str
        What was asked for.
    root : path
        Folder of TemplateFlow.
    hint : str
        What to do, put behind what was found.

    Raises
    ------
    InputError
        If it is not known.
    """
    known = api.templates()
    if template not in known:
        msg = (
            f"there is no template {template} in {root}{did_you_mean(template, known)}; "
            f"it has {listed(known) or 'none'}; {hint}"
        )
        raise InputError(msg, ExitCode.NO_INPUT)


def plain(value: str) -> str:
    """
    Take leading zeros from a number.

    Parameters
    ----------
    value : str
        Of an entity.

    Returns
    -------
    str

    Examples
    --------
    >>> plain("02"), plain("brain")
    ('2', 'brain')
    """
    return str(int(value)) if value.isdecimal() else value


def zooms(folder: Path) -> dict[str, float]:
    """
    Read the voxel sizes of a template.

    Parameters
    ----------
    folder : path
        Of the template.

    Returns
    -------
    dict of str to float
        Length of the edge of a voxel in mm for each resolution, as far as told.
    """
    try:
        told = json.loads((folder / "template_description.json").read_text("utf-8"))["res"]
        return {
            plain(key): float(sum(one["zooms"]) / 3)
            for key, one in told.items()
            if len(one.get("zooms", ())) == 3
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def fetch(api: Any, template: str, path: Path, root: Path) -> None:
    """
    Have a file downloaded that is not there, and leave nothing of it if that fails.

    Parameters
    ----------
    api : module
        From :func:`templateflow`.
    template : str
        Its template.
    path : path
        Where it belongs.
    root : path
        Folder of TemplateFlow.

    Raises
    ------
    InputError
        If it is not there and cannot be downloaded; the message says how to do so beforehand.
    """
    entities = entities_of(path)
    query = {long: entities.get(short) for short, long in LONG.items() if short != "tpl"}
    suffix, _, extension = path.name.rpartition("_")[2].partition(".")
    was_there = _has_content(path)
    why = "interrupted"
    try:
        api.get(template, suffix=suffix, extension=f".{extension}", **query)
        why = "" if _has_content(path) else "nothing came"
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", "") or (
            type(error).__name__ if isinstance(error, OSError) else " ".join(str(error).split())
        )
    finally:
        if why and not was_there and _has_content(path):
            path.write_bytes(b"")  # a part of the file would be taken for the file next time
    if why:
        asked = {
            long: value for long, value in query.items() if value and long != "resolution"
        } | {"suffix": suffix}
        arguments = ", ".join([repr(template), *(f"{k}={v!r}" for k, v in asked.items())])
        msg = (
            f"{path.name} is not in {root} and cannot be downloaded ({why}); fetch it where there "
            f'is a network: python -c "from templateflow import api; api.get({arguments})", and '
            f"set TEMPLATEFLOW_HOME to that folder"
        )
        raise InputError(msg, ExitCode.NO_INPUT)


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0
