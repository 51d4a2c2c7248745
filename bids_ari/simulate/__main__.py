"""Run with ``python -m bids_ari.simulate OUT``."""

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

from bids_ari.errors import ExitCode, InputError
from bids_ari.simulate.dataset import FLAVOURS, Simulation, write_dataset

N = TypeVar("N", int, float)

_DEFAULTS = Simulation()


class _Parser(argparse.ArgumentParser):
    """Wrong arguments end with the code that the BIDS Apps specification has for them."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ExitCode.USAGE, f"{self.prog}: error: {message}\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = _Parser(
        prog="python -m bids_ari.simulate",
        description="Write a BIDS-Derivatives dataset of first-level maps with known truth.",
    )
    parser.add_argument("out_dir", metavar="OUT", type=Path, help="new or empty directory")
    parser.add_argument(
        "--subjects",
        type=_number(int, 1, 100_000),
        default=_DEFAULTS.subjects,
        metavar="N",
        help="number of subjects, in two groups (default: %(default)s)",
    )
    parser.add_argument(
        "--contrasts",
        type=_label,
        nargs="+",
        default=_DEFAULTS.contrasts,
        metavar="LABEL",
        help=f"names of the contrasts (default: {' '.join(_DEFAULTS.contrasts)})",
    )
    parser.add_argument(
        "--seed",
        type=_number(int, 0, 2**32 - 1),
        default=_DEFAULTS.seed,
        metavar="N",
        help="the same seed gives the same bytes (default: %(default)s)",
    )
    parser.add_argument(
        "--voxel-size",
        type=_number(float, 1, 10),
        default=_DEFAULTS.voxel_size,
        metavar="MM",
        help="edge of the voxels (default: %(default)s)",
    )
    parser.add_argument(
        "--flavour",
        choices=FLAVOURS,
        default=_DEFAULTS.flavour,
        help="whose file names and description to use (default: %(default)s)",
    )
    parser.add_argument(
        "--smoothness",
        type=_number(float, 0, 30),
        default=_DEFAULTS.smoothness,
        metavar="MM",
        help="full width at half maximum of the noise (default: %(default)s)",
    )
    parser.add_argument(
        "--effect-size",
        type=_number(float, 0, 100),
        default=_DEFAULTS.effect_size,
        metavar="FACTOR",
        help="factor on all true effects, 0 for none (default: %(default)s)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    Parameters
    ----------
    argv : sequence of str or None
        Arguments, without the name of the program; those of the process if None.

    Returns
    -------
    exit_code : int
        0, or 73 if the directory cannot be written or has content.
    """
    parser = build_parser()
    options = vars(parser.parse_args(argv))
    out_dir = options.pop("out_dir")
    simulation = Simulation(**{**options, "contrasts": tuple(options["contrasts"])})
    if len(set(simulation.contrasts)) < len(simulation.contrasts):
        parser.error(f"argument --contrasts: {' '.join(simulation.contrasts)} are not distinct")

    def report(n_done: int) -> None:
        if sys.stderr.isatty():
            end = "\n" if n_done == simulation.subjects else ""
            sys.stderr.write(f"\rsimulating subject {n_done} of {simulation.subjects}{end}")
            sys.stderr.flush()

    start = time.perf_counter()
    try:
        n_features = write_dataset(out_dir, simulation, report=report)
    except InputError as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return error.exit_code
    sys.stdout.write(
        f"simulated {simulation.subjects} subjects, contrast {', '.join(simulation.contrasts)}, "
        f"{n_features} voxels, as {simulation.flavour} names them, in {out_dir} "
        f"({time.perf_counter() - start:.1f} s)\n"
    )
    return ExitCode.OK


def _number(kind: type[N], low: N, high: N) -> Callable[[str], N]:
    """Return a type of argument that accepts numbers in a range."""
    noun = {int: "a whole number", float: "a number"}[kind]

    def parse(text: str) -> N:
        with contextlib.suppress(ValueError):
            if low <= (value := kind(text)) <= high:
                return value
        msg = f"{text} is not {noun} between {low} and {high}"
        raise argparse.ArgumentTypeError(msg)

    return parse


def _label(text: str) -> str:
    """Accept a label of a BIDS entity."""
    if not (text.isascii() and text.isalnum()):
        msg = f"{text} is not a BIDS label: letters and digits only, as in facesVsShapes"
        raise argparse.ArgumentTypeError(msg)
    return text


if __name__ == "__main__":
    raise SystemExit(main())
