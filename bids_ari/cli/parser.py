"""Arguments to options; imports nothing slow, so that help and mistakes are answered at once."""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from bids_ari import __version__
from bids_ari.cli import arguments, values
from bids_ari.errors import ExitCode, InputError
from bids_ari.options import Options

_LEVELS = ("group", "dataset")
_ALONE = ("dry_run", "reports_only", "boilerplate_only")


class _Parser(argparse.ArgumentParser):
    """Ends with the exit codes of the BIDS Apps specification; 2 is the shell's."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        unknown_level = message.startswith("argument analysis_level")
        code = ExitCode.UNKNOWN_LEVEL if unknown_level else ExitCode.USAGE
        self.exit(code, f"{self.prog}: error: {message}\n")


class _Descriptor(argparse.Action):
    """Prints how platforms call the program, and ends, as ``--version`` does."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from bids_ari.cli import boutiques  # needs this module

        sys.stdout.write(boutiques.as_json(boutiques.describe(parser)))
        parser.exit()


def build_parser() -> argparse.ArgumentParser:
    """
    Describe the command line.

    Returns
    -------
    ArgumentParser
        Its destinations are the fields of :class:`bids_ari.options.Options`.
    """
    parser = _Parser(
        prog="bids-ari",
        description="Group analysis of first-level maps with All-Resolutions Inference: how much "
        "of any cluster is truly active, with all bounds valid together.",
        epilog="Documentation: README.md. Exit codes: 0 done, 1 failed, 17 unknown analysis "
        "level, 18 filters selected nothing, 64 usage, 65 bad data, 66 no input, 73 cannot write.",
    )
    parser.add_argument(
        "bids_dir", type=Path, help="dataset of first-level maps, or a raw dataset with -d"
    )
    parser.add_argument("output_dir", type=Path, help="where the derivatives are written")
    parser.add_argument(
        "analysis_level", choices=_LEVELS, help="'group'; 'dataset' is another word for it"
    )
    parser.add_argument("--version", action="version", version=f"bids-ari {__version__}")
    parser.add_argument(
        "--bids-exec-spec", action=_Descriptor, nargs=0, default=argparse.SUPPRESS,
        help="print the Boutiques descriptor of this program, with which platforms call it",
    )  # fmt: skip
    for add in (
        arguments.add_queries,
        arguments.add_repeats,
        arguments.add_model,
        arguments.add_maps,
        arguments.add_inference,
        arguments.add_permutations,
        arguments.add_report,
        arguments.add_execution,
        arguments.add_other,
    ):
        add(parser)
    return parser


def parse(argv: Sequence[str]) -> Options:
    """
    Turn arguments into options; ends the process if they are wrong.

    Parameters
    ----------
    argv : sequence of str
        Arguments of the command line.

    Returns
    -------
    Options
    """
    parser = build_parser()
    args: dict[str, Any] = vars(parser.parse_args(argv))
    try:
        args["participant_label"] = values.labels(args["participant_label"])
    except InputError as error:
        parser.error(f"argument --participant-label: {error}")
    alone = [name for name in _ALONE if args[name]]
    if len(alone) > 1:
        options = " and ".join(f"--{name.replace('_', '-')}" for name in alone)
        parser.error(f"{options} are each other's opposite: choose one")
    if args["mask"] and args["mask_coverage"] != 1:
        parser.error("argument --mask-coverage: goes without --mask, which says where to look")
    if args["missing_voxels"] == "drop" and not args["mask"]:
        parser.error("argument --missing-voxels: 'drop' goes with --mask; see --mask-coverage")
    _refuse_contradictions(parser, args)
    _complete_permutations(parser, args)
    names = [name for name, _ in args["derivatives"]]
    if len(set(names)) < len(names):
        parser.error(f"argument -d/--derivatives: names are not unique: {', '.join(names)}")
    # what is given twice is given once
    for name in ("cluster_threshold", "tdp_threshold", "atlas", "roi", "combine", "covariates"):
        args[name] = dict.fromkeys(args[name])
    if args["debug"]:
        args["verbose"] = max(args["verbose"], 2)
    several = {
        name: tuple(value) for name, value in args.items() if isinstance(value, list | dict)
    }
    return Options(**{**args, **several})


def _refuse_contradictions(parser: argparse.ArgumentParser, args: dict[str, Any]) -> None:
    """End the process if options describe the group model twice, or cannot go together."""
    described = [
        f"--{name.replace('_', '-')}"
        for name in ("formula", "covariates", "group_by", "group_contrast", "no_centering")
        if args[name]
    ]
    if args["model"] and described:
        parser.error(f"argument --model: says the same as {', '.join(described)}: choose")
    if args["formula"] and (args["covariates"] or args["group_by"]):
        parser.error("argument --formula: is the whole model, without --covariates or --group-by")
    if args["estimator"] != "ols":
        if args["smoothing_fwhm"]:
            parser.error(
                f"argument --estimator: {args['estimator']} goes without --smoothing-fwhm: the "
                "variance of smoothed maps is not known; smooth before the first level"
            )
        if args["input_stat"] not in ("effect", "beta"):
            parser.error(
                f"argument --estimator: {args['estimator']} takes effects and their variances, "
                f"not {args['input_stat']} maps"
            )


def _complete_permutations(parser: argparse.ArgumentParser, args: dict[str, Any]) -> None:
    """Fill in what was not said of permutations; end the process if it goes with nothing."""
    inference = args["inference"]
    given = [name for name in arguments.OF_PERMUTATIONS if args[name] is not None]
    if inference == "ari":
        if given:
            parser.error(
                f"argument --{given[0].replace('_', '-')}: goes with permutations, which "
                "--inference ari does not use; choose another, such as simes"
            )
    else:
        _refuse_without_permutations(parser, args)
    args |= {name: args[name] if name in given else default
             for name, default in arguments.OF_PERMUTATIONS.items()}  # fmt: skip


def _refuse_without_permutations(parser: argparse.ArgumentParser, args: dict[str, Any]) -> None:
    """End the process if permutations cannot be had, or some of what is said of them is void."""
    inference = args["inference"]
    if args["local_test"] != "simes":
        parser.error(f"argument --local-test: is of --inference ari, not of {inference}")
    if args["shift"] is not None and inference not in ("simes", "aorc"):
        parser.error(f"argument --shift: is of simes and aorc, not of --inference {inference}")
    if args["estimator"] != "ols":
        parser.error(
            f"argument --inference: {inference} goes with --estimator ols: permutations move maps "
            "between participants, and their variances with them"
        )
    if args["input_stat"] in ("z", "t"):
        parser.error(
            f"argument --inference: {inference} takes effects: {args['input_stat']} maps of "
            "participants depend on the precision of each, so that they cannot be exchanged"
        )
    n_permutations = args["n_permutations"]
    if n_permutations is not None and n_permutations * args["alpha"] < 1:
        parser.error(
            f"argument --n-permutations: {n_permutations} are too few for --alpha "
            f"{args['alpha']:g}: at least {math.ceil(1 / args['alpha'])}"
        )
