"""PyBIDS, which answers the queries, over an index of nothing but first-level maps."""

import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bids.layout import BIDSLayout
from bids.layout.models import BIDSFile, Tag

from bids_ari.errors import ExitCode, InputError
from bids_ari.inputs.naming import ENTITIES
from bids_ari.inputs.scan import Found, Scan

LOGGER = logging.getLogger("bids_ari")
CONFIG = {
    "name": "statmaps",
    "entities": [
        {
            "name": entity.name,
            # the bar keeps contrast- from matching inside taskcontrast-
            "pattern": rf"(?:^|[_/\\]){entity.key or entity.name}-([a-zA-Z0-9+]+)",
            "dtype": entity.dtype,
        }
        for entity in ENTITIES.values()
    ],
}
"""Of PyBIDS. Complete: its own configurations rename entities between versions."""
DATABASE = "layout_index.sqlite"
"""How PyBIDS calls it."""
FINGERPRINT = "fingerprint.json"
AT_ONCE = 2000


def matching(
    scan: Scan, query: Mapping[str, Sequence[Any]], database_dir: Path | None
) -> list[Found]:
    """
    Ask PyBIDS which of the maps of a scan match a query.

    Parameters
    ----------
    scan : Scan
        Of one dataset; with all of its maps and their state if there is a database.
    query : mapping of str to sequence
        Entity to the values allowed, which may be members of :obj:`bids.layout.Query`.
    database_dir : Path or None
        Keep the index here, in a folder named like the dataset, and use it again if it is of this
        dataset, this configuration and this state of the files.

    Returns
    -------
    maps : list of Found

    Raises
    ------
    InputError
        If the database cannot be written.
    """
    if not scan.maps:
        return []
    if database_dir is None:
        layout = _layout(scan, indexer=_filler(scan))
    else:
        try:
            layout = _from_database(scan, database_dir / scan.dataset)
        except OSError as error:
            msg = f"{error.filename or database_dir} cannot hold a database: {error.strerror}"
            raise InputError(msg, ExitCode.CANNOT_CREATE) from error
    try:
        paths = set(layout.get(return_type="file", scope="self", **query))
    finally:
        _close(layout)
    prefix = f"{scan.root}{os.sep}"
    return [one for one in scan.maps if f"{prefix}{one.relative}" in paths]


def _layout(scan: Scan, **options: Any) -> BIDSLayout:
    with warnings.catch_warnings():
        # a PipelineDescription, for example: what FitLins wrote is not ours to complain about
        warnings.simplefilter("ignore")
        return BIDSLayout(scan.root, validate=False, config=[CONFIG], **options)


def _close(layout: BIDSLayout) -> None:
    layout.session.close()
    layout.connection_manager.engine.dispose()


def _filler(scan: Scan) -> Callable[[BIDSLayout], None]:
    """Make an indexer, as PyBIDS calls it, that enters the maps of a scan and reads no disk."""

    def fill(layout: BIDSLayout) -> None:
        for start in range(0, len(scan.maps), AT_ONCE):
            files: list[dict[str, Any]] = []
            tags: list[dict[str, Any]] = []
            for relative, subject, index in scan.maps[start : start + AT_ONCE]:
                path = f"{scan.root}{os.sep}{relative}"
                folder, _, name = path.rpartition("/")
                files.append(
                    {
                        "path": path,
                        "filename": name,
                        "dirname": folder,
                        "is_dir": False,
                        "class_": "image_file",
                    }
                )
                tags += [
                    {
                        "file_path": path,
                        "entity_name": entity,
                        "_value": value,
                        "_dtype": ENTITIES[entity].dtype,
                        "is_metadata": False,
                    }
                    for entity, value in {"subject": subject, **scan.names[index]}.items()
                ]
            layout.session.bulk_insert_mappings(BIDSFile, files)
            layout.session.bulk_insert_mappings(Tag, tags)
        layout.session.commit()

    return fill


def _from_database(scan: Scan, folder: Path) -> BIDSLayout:
    """Open the index in a folder, after making it anew if it is not of these files."""
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / DATABASE
    is_of = {
        "root": str(scan.root),
        "configuration": _digest([CONFIG, scan.flavour.name, scan.flavour.rename, scan.space]),
        "pybids": version("pybids"),
        "maps": scan.state,
    }
    reason = _outdated(database, folder / FINGERPRINT, is_of)
    if not reason:
        LOGGER.info("using the index in %s", database)
        return _layout(scan, database_path=folder)
    LOGGER.info("indexing all %d first-level maps into %s: %s", len(scan.maps), database, reason)
    start = time.perf_counter()
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=folder))
    try:
        _close(_layout(scan, database_path=building, indexer=_filler(scan)))
        # without a fingerprint, what is there is nothing: no moment shows the one of another
        (folder / FINGERPRINT).unlink(missing_ok=True)
        size = (building / DATABASE).stat().st_size
        (building / FINGERPRINT).write_text(json.dumps({**is_of, "bytes": size}, indent=2))
        (building / DATABASE).replace(database)
        (building / FINGERPRINT).replace(folder / FINGERPRINT)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    LOGGER.info("indexed in %.1f s", time.perf_counter() - start)
    return _layout(scan, database_path=folder)


def _outdated(database: Path, fingerprint: Path, is_of: dict[str, str]) -> str:
    """Tell why a database is not to be used, in a few words; empty if it is."""
    if not database.exists():
        return "there is none yet"
    try:
        was_of = json.loads(fingerprint.read_text())
    except (OSError, ValueError):
        return "the one there has no readable fingerprint"
    if not isinstance(was_of, dict):
        return "the one there has no readable fingerprint"
    if was_of.get("root") != is_of["root"]:
        return f"the one there is of {was_of.get('root')}"
    changed = [name for name in is_of if was_of.get(name) != is_of[name]]
    if changed:
        return f"the one there was made with other {' and '.join(changed)}"
    if was_of.get("bytes") != database.stat().st_size:
        return "the one there has another size than when it was made"
    return ""


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
