"""The command line: parse, collect, build, run, report. The only place that decides the exit."""

import atexit
import logging
import multiprocessing
import os
import shlex
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from bids_ari.cli.parser import build_parser, parse
from bids_ari.errors import ExitCode, InputError
from bids_ari.options import Options

__all__ = ["build_parser", "main", "parse"]

LOGGER = logging.getLogger("bids_ari")


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        The exit code; see :class:`bids_ari.errors.ExitCode`.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    options = parse(arguments)
    _set_up_logging(options)
    _set_up_environment(options)
    # slow to import, and not needed to answer --help or to refuse an option; libraries that it
    # imports read the environment once
    from bids_ari.cli.run import conclude, run

    with _ending_at_once():
        try:
            return run(options, shlex.join(["bids-ari", *arguments]))
        except InputError as error:
            if options.debug:
                LOGGER.exception("where the error came from")
            return conclude(error.exit_code, [str(error)])
        except OSError as error:  # a disk that is full, a file that went away
            if options.debug:
                LOGGER.exception("where the error came from")
            where = f"{error.filename}: " if error.filename else ""
            return conclude(ExitCode.FAILURE, [f"{where}{error.strerror or error}"])


@contextmanager
def _ending_at_once() -> Iterator[None]:
    """
    End with a line and a code when the user or the system asks for it.

    Nipype takes the interruption of a node for the failure of that node, and goes on. Files are
    whole at any moment, so there is nothing to tidy up.
    """

    def end(number: int, _: FrameType | None) -> None:
        for worker in multiprocessing.active_children():
            worker.kill()
        name = signal.Signals(number).name
        sys.stderr.write(f"bids-ari: error: ended by {name}; the same command goes on from here\n")
        sys.stderr.flush()
        os._exit(128 + number)

    if threading.current_thread() is not threading.main_thread():  # signals are not ours there
        yield
        return
    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _set_up_logging(options: Options) -> None:
    LOGGER.setLevel(logging.DEBUG if options.verbose else logging.INFO)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    LOGGER.handlers = [handler]  # of this run: standard error may be another by now
    LOGGER.propagate = False


def _set_up_environment(options: Options) -> None:
    """Set what libraries read once, when they are imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.omp_nthreads)
    os.environ["NIPYPE_NO_ET"] = os.environ["NO_ET"] = "1"  # nothing is ever tracked
    os.environ.setdefault("MPLBACKEND", "Agg")
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home() fails where there is none
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        # containers run as users without a home; PyBIDS and matplotlib look into it
        elsewhere = tempfile.mkdtemp(prefix="bids_ari_home_")
        atexit.register(shutil.rmtree, elsewhere, ignore_errors=True)
        os.environ["HOME"] = elsewhere
