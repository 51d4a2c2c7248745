"""Where a run reads, writes and works: what cannot be is said before anything is computed."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bids_ari.errors import ExitCode, InputError
from bids_ari.options import Options
from bids_ari.outputs import earlier_links


def check(options: Options, sources: Mapping[str, Path]) -> None:
    """
    Refuse directories that get in the way of one another.

    Parameters
    ----------
    options : Options
        What the user asked for.
    sources : mapping
        Names in BIDS URIs, and the roots of the datasets that they stand for.

    Raises
    ------
    InputError
        If the output is, or is around, an input or the dataset of another program, if it holds
        results of another dataset of the same name, or if the work is inside of an input.
    """
    output_dir, work_dir = options.output_dir.resolve(), options.work_dir.resolve()
    for root in sources.values():
        where = "is" if root.resolve() == output_dir else "is around"
        if root.resolve().is_relative_to(output_dir):
            msg = (
                f"the output directory {options.output_dir} {where} the input {root}: choose "
                f"another, such as {options.bids_dir / 'derivatives' / 'bids_ari'}"
            )
            raise InputError(msg, ExitCode.USAGE)
        if work_dir.is_relative_to(root.resolve()):
            msg = (
                f"the work directory {work_dir} is inside the input {root}: choose another with -w"
            )
            raise InputError(msg, ExitCode.USAGE)
    if work_dir == Path(work_dir.anchor) or (work_dir / "dataset_description.json").exists():
        msg = f"the work directory {work_dir} is not one of its own: choose another with -w"
        raise InputError(msg, ExitCode.USAGE)
    links = earlier_links(options.output_dir)
    for name, root in sources.items():
        if links.get(name, root.absolute().as_uri()) != root.absolute().as_uri():
            msg = (
                f"{options.output_dir} holds results of {links[name]}, which they call {name}: "
                f"choose another output directory for those of {root}"
            )
            raise InputError(msg, ExitCode.USAGE)


def make_writable(directory: Path) -> Path:
    """
    Make a directory and write to it.

    Parameters
    ----------
    directory : path
        Folders above it are made.

    Returns
    -------
    path
        ``directory``.

    Raises
    ------
    InputError
        If it cannot be made or written to.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / f".{os.getpid()}_can_write"
        probe.touch()
        probe.unlink()
    except OSError as error:
        msg = f"{directory} cannot be written to: {error.strerror}"
        raise InputError(msg, ExitCode.CANNOT_CREATE) from error
    return directory


def remove(directory: Path) -> None:
    """
    Remove a directory with all that is in it, if it is there.

    Parameters
    ----------
    directory : path
        One that is ours.
    """
    if directory.exists():
        shutil.rmtree(directory)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """
    Keep other runs out of a directory.

    Parameters
    ----------
    directory : path
        Where this run computes, or writes its results.

    Raises
    ------
    InputError
        If another run is using it now. A run that was killed is not.
    """
    path = directory / ".bids_ari.lock"
    with path.open("w") as lock:
        try:
            import fcntl  # not on every system

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"another run is using the directory {directory}: wait for it, or choose another"
            raise InputError(msg, ExitCode.CANNOT_CREATE) from error
        except (ImportError, OSError):  # nor on every network drive: then it is up to the user
            pass
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
