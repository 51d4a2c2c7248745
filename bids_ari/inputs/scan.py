"""Walk over a dataset of first-level maps, into no folder and to no file that is not needed."""

import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from bids_ari.errors import InputError
from bids_ari.inputs.dataset import describe
from bids_ari.inputs.naming import (
    ENTITIES,
    REQUIRED,
    Flavour,
    dataset_space,
    flavours_to_try,
    parse,
)

LOGGER = logging.getLogger("bids_ari")
VOLUMES = (".nii", ".nii.gz")
SURFACES = (".gii", ".dscalar.nii")
NOTHING, OTHER = -1, -2
"""Instead of an index into ``Scan.names``: not a first-level map; one that is not a volume."""


class Found(NamedTuple):
    """A first-level map on disk; ``name`` is an index into ``Scan.names``."""

    relative: str
    subject: str
    name: int


@dataclass(slots=True)
class Scan:
    """What one dataset holds."""

    dataset: str
    """Its name in BIDS URIs."""
    root: Path
    flavour: Flavour
    space: str
    """Space of the maps whose name tells none, empty if unknown."""
    names: list[dict[str, str]] = field(default_factory=list)
    """Every distinct set of entities, without the subject: few, because subjects repeat them."""
    held: dict[str, int] = field(default_factory=dict)
    """Of each subject with maps, which of ``names`` it has: bit ``i`` stands for ``names[i]``."""
    folders: set[str] = field(default_factory=set)
    """Labels of all subject folders, with maps or without."""
    maps: list[Found] = field(default_factory=list)
    """The maps asked for."""
    n_files: int = 0
    n_other: int = 0
    """Statistical maps on surfaces or in CIFTI, which are not read."""
    state: str = ""
    """Digest of the names, sizes and times of all maps, if it was asked for."""

    def names_of(self, subject: str) -> list[dict[str, str]]:
        """List the entities of all first-level maps of a subject."""
        bits = self.held.get(subject, 0)
        return [entities for i, entities in enumerate(self.names) if bits >> i & 1]


def scan(
    dataset: str,
    root: Path,
    *,
    keep: Callable[[dict[str, str]], bool],
    subjects: Sequence[str] = (),
    everything: bool = False,
) -> Scan:
    """
    Find the first-level maps of a dataset.

    The flavours are tried in turn, those of the program that wrote the dataset first, until one
    finds maps.

    Parameters
    ----------
    dataset, root : str, Path
        Name and folder of the dataset.
    keep : callable
        Tells from the entities of a map whether it is asked for.
    subjects : sequence of str
        Look only into the folders of these, empty for all.
    everything : bool
        Take all maps of all subjects, whether asked for or not, and note their state.

    Returns
    -------
    scan : Scan
        Without maps if no flavour finds any.
    """
    start = time.perf_counter()
    description = describe(root)
    tried = []
    for flavour in flavours_to_try(description):
        result = Scan(dataset, root, flavour, dataset_space(description, flavour))
        _walk_all(result, keep, frozenset(subjects), everything)
        tried.append(result)
        if result.names:
            break
    else:
        # the one that saw most, so that messages tell what there is
        result = max(tried, key=lambda one: (one.n_other, len(one.folders)))
    LOGGER.info(
        "indexed %d files of %s in %.2f s: %d first-level maps wanted, %d subjects with maps (%s)",
        result.n_files,
        root,
        time.perf_counter() - start,
        len(result.maps),
        len(result.held),
        f"layout of {result.flavour.name}" if result.names else "no known layout",
    )
    return result


def _walk_all(
    result: Scan,
    keep: Callable[[dict[str, str]], bool],
    subjects: frozenset[str],
    everything: bool,
) -> None:
    """Fill a scan by the folders of its flavour."""
    only = frozenset[str]() if everything else subjects
    wanted: list[bool] = []
    known: dict[tuple[str, ...], dict[str, int]] = {}
    digests: list[str] = []
    steps = [pattern.removeprefix("./").split("/")[:-1] for pattern in result.flavour.folders]
    for way in steps:
        for folders, entries in _folders(result, str(result.root), tuple(way), (), only):
            owner = next((one[4:] for one in folders if one.startswith("sub-")), "")
            context = tuple(one for one in folders if not one.startswith("sub-"))
            in_context = known.setdefault(context, {})
            where = "".join(f"{one}/" for one in folders)
            for entry in entries:
                label = _subject_of(entry.name)
                if not label:
                    continue
                # subjects repeat each other's names, so that each is parsed once
                rest = entry.name.replace(f"sub-{label}_", "", 1)
                index = in_context.get(rest)
                if index is None:
                    index = in_context[rest] = _enter(result, rest, context)
                if index == OTHER:
                    result.n_other += 1
                if index < 0:
                    continue
                if owner and label != owner:
                    msg = f"{result.root}/{where}{entry.name} is in the folder of sub-{owner}"
                    raise InputError(msg)
                if index == len(wanted):
                    wanted.append(everything or keep(result.names[index]))
                result.folders.add(label)
                result.held[label] = result.held.get(label, 0) | 1 << index
                if wanted[index]:
                    result.maps.append(Found(f"{where}{entry.name}", label, index))
                if everything:
                    # of the link itself: content that comes or goes does not change the index
                    status = entry.stat(follow_symlinks=False)
                    digests.append(f"{where}{entry.name} {status.st_size} {status.st_mtime_ns}")
    if everything:
        result.state = hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


def _enter(result: Scan, rest: str, context: tuple[str, ...]) -> int:
    """Add a name to those of a scan, and return its index, if it is that of a first-level map."""
    entities = parse(rest, context, result.flavour.rename)
    if entities["extension"].endswith(SURFACES):
        return OTHER
    if entities["extension"] not in VOLUMES or any(one not in entities for one in REQUIRED):
        return NOTHING
    for folder in context:
        key = folder.partition("-")[0]
        if f"{key}-" in rest and f"{folder}_" not in rest:
            msg = f"a file named ..._{rest} is in a folder {folder} of {result.root}"
            raise InputError(msg)
    if result.space:
        entities.setdefault("space", result.space)
    result.names.append({name: entities[name] for name in ENTITIES if name in entities})
    return len(result.names) - 1


def _folders(
    result: Scan, path: str, steps: tuple[str, ...], folders: tuple[str, ...], only: frozenset[str]
) -> Iterator[tuple[tuple[str, ...], list[os.DirEntry[str]]]]:
    """Go down along the steps, and hand over the statistical maps where they may end."""
    n_next = next((i + 1 for i, step in enumerate(steps) if not step.startswith("[")), len(steps))
    ways = [(step.strip("[]"), steps[i + 1 :]) for i, step in enumerate(steps[:n_next])]
    may_end = all(step.startswith("[") for step in steps)
    maps: list[os.DirEntry[str]] = []
    try:
        listing = os.scandir(path)
    except PermissionError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise InputError(msg) from error
    with listing as entries:
        for entry in entries:
            if may_end and "_statmap." in entry.name:
                maps.append(entry)
                continue
            way = next(
                (following for step, following in ways if fnmatchcase(entry.name, step)), None
            )
            if way is None or not entry.is_dir():
                result.n_files += not entry.is_dir(follow_symlinks=False)
                continue
            if entry.name.startswith("sub-"):
                result.folders.add(entry.name[4:])
                if only and entry.name[4:] not in only:
                    continue
            yield from _folders(result, entry.path, way, (*folders, entry.name), only)
    result.n_files += len(maps)
    yield folders, maps


def _subject_of(name: str) -> str:
    """Find the label in a file name, empty for a map of the group."""
    start = 0 if name.startswith("sub-") else name.find("_sub-") + 1
    return name[start + 4 :].partition("_")[0] if name.startswith("sub-", start) else ""
