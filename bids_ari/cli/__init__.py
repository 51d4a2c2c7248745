"""The command line: parse, collect, build, run, report. The only place that decides the exit."""

import logging
import os
import shlex
import sys
from collections.abc import Sequence

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

    try:
        return run(options, shlex.join(["bids-ari", *arguments]))
    except InputError as error:
        if options.debug:
            LOGGER.exception("where the error came from")
        return conclude(error.exit_code, [str(error)])
    except KeyboardInterrupt:
        return conclude(ExitCode.INTERRUPTED, ["interrupted; the same command goes on from here"])


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
