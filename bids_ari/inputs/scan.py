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
    wanted: list[bool] = []
    known: dict[tuple[str, ...], dict[str, int]] = {}
    digests: list[str] = []
    only = frozenset[str]() if everything else subjects
    for pattern in result.flavour.folders:
        steps = tuple(pattern.removeprefix("./").split("/")[:-1])
        for folders, entry in _files(result, str(result.root), steps, (), only):
            name = entry.name
            label = _subject_of(name)
            if not label:
                continue
            result.folders.add(label)
            if only and label not in only:
                continue
            rest = name.replace(f"sub-{label}_", "", 1)
            context = tuple(step for step in folders if not step.startswith("sub-"))
            in_context = known.setdefault(context, {})
            index = in_context.get(rest)
            if index is None:
                entities = parse(rest, context, result.flavour.rename)
                if result.space:
                    entities.setdefault("space", result.space)
                if entities["extension"] not in VOLUMES:
                    index = OTHER if entities["extension"].endswith(SURFACES) else NOTHING
                elif all(entity in entities for entity in REQUIRED):
                    index = len(result.names)
                    result.names.append(
                        {name: entities[name] for name in ENTITIES if name in entities}
                    )
                    wanted.append(everything or keep(entities))
                else:
                    index = NOTHING
                in_context[rest] = index
            if index < 0:
                result.n_other += index == OTHER
                continue
            _refuse_misplaced(result.root, folders, name)
            result.held[label] = result.held.get(label, 0) | 1 << index
            if wanted[index]:
                result.maps.append(Found("/".join((*folders, name)), label, index))
            if everything:
                # of the link itself: content that comes or goes does not change the index
                status = entry.stat(follow_symlinks=False)
                digests.append(f"{'/'.join(folders)}/{name} {status.st_size} {status.st_mtime_ns}")
    if everything:
        result.state = hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


def _files(
    result: Scan, path: str, steps: tuple[str, ...], folders: tuple[str, ...], only: frozenset[str]
) -> Iterator[tuple[tuple[str, ...], os.DirEntry[str]]]:
    """Go down along the steps, and hand over the statistical maps where they may end."""
    ways: list[tuple[str, tuple[str, ...]]] = []
    for i, step in enumerate(steps):
        ways.append((step.strip("[]"), steps[i + 1 :]))
        if not step.startswith("["):
            break
    may_end = all(step.startswith("[") for step in steps)
    try:
        listing = os.scandir(path)
    except PermissionError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise InputError(msg) from error
    with listing as entries:
        for entry in entries:
            name = entry.name
            if may_end and "_statmap." in name:
                result.n_files += 1
                yield folders, entry
                continue
            for step, following in ways:
                if fnmatchcase(name, step) and entry.is_dir():
                    if name.startswith("sub-"):
                        result.folders.add(name[4:])
                        if only and name[4:] not in only:
                            break
                    yield from _files(result, entry.path, following, (*folders, name), only)
                    break
            else:
                result.n_files += not entry.is_dir(follow_symlinks=False)


def _subject_of(name: str) -> str:
    """Find the label in a file name, empty for a map of the group."""
    start = 0 if name.startswith("sub-") else name.find("_sub-") + 1
    if not name.startswith("sub-", start):
        return ""
    return name[start + 4 : name.index("_", start)]


def _refuse_misplaced(root: Path, folders: tuple[str, ...], name: str) -> None:
    for folder in folders:
        key, dash, _ = folder.partition("-")
        if dash and f"{key}-" in name and f"{folder}_" not in name:
            msg = f"{root.joinpath(*folders, name)} is in a folder that says {folder}"
            raise InputError(msg)
