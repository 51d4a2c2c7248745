"""Arguments to options; imports nothing slow, so that help and mistakes are answered at once."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from bids_ari import __version__
from bids_ari.cli import values
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
    for add in (
        _add_queries,
        _add_repeats,
        _add_model,
        _add_maps,
        _add_inference,
        _add_execution,
        _add_other,
    ):
        add(parser)
    return parser


def _add_queries(parser: argparse.ArgumentParser) -> None:
    queries = parser.add_argument_group("which maps")
    queries.add_argument(
        "-d", "--derivatives", nargs="+", type=values.named_path, default=(), metavar="[NAME=]DIR",
        help="datasets of first-level maps, if bids_dir is a raw dataset",
    )  # fmt: skip
    labels: dict[str, Any] = {"nargs": "+", "default": (), "metavar": "LABEL"}
    queries.add_argument(
        "--participant-label", "--participant_label", **labels,
        help="subjects to analyse, with or without 'sub-', or a file with one label per line",
    )  # fmt: skip
    queries.add_argument(
        "--session-label", "--session_label", "--session-id", **labels,
        help="sessions to analyse, with or without 'ses-'",
    )  # fmt: skip
    queries.add_argument("-t", "--task-id", "--task_id", **labels, help="tasks to analyse")
    queries.add_argument("--space", **labels, help="spaces to analyse")
    queries.add_argument(
        "--contrast", **labels, help="first-level contrasts to analyse (default: all, each alone)"
    )
    queries.add_argument(
        "--input-stat", choices=("effect", "beta", "z", "t"), default="effect",
        help="which first-level maps enter (default: %(default)s)",
    )  # fmt: skip
    queries.add_argument(
        "--bids-filter-file", type=values.file, metavar="FILE",
        help="JSON with PyBIDS entities and their values, to choose among maps",
    )  # fmt: skip
    queries.add_argument(
        "--bids-database-dir", type=Path, metavar="DIR",
        help="keep the index of the dataset here; reused while the dataset stays as it is",
    )  # fmt: skip


def _add_repeats(parser: argparse.ArgumentParser) -> None:
    repeats = parser.add_argument_group("several maps of a participant")
    repeats.add_argument(
        "--combine", nargs="+", default=(), metavar="ENTITY",
        help="combine the maps of a participant that differ in these entities, such as run or "
        "session, by fixed effects: weighted by their variance maps, or equally if there are none",
    )  # fmt: skip
    repeats.add_argument(
        "--difference", type=values.difference, metavar="ENTITY=A-B",
        help="analyse the difference of two maps of each participant, as session=post-pre or "
        "contrast=faces-houses (a paired test)",
    )  # fmt: skip


def _add_model(parser: argparse.ArgumentParser) -> None:
    model = parser.add_argument_group(
        "group model",
        "By default the mean of all participants is tested. Variables are columns of "
        "participants.tsv, and entities in the names of the maps.",
    )
    model.add_argument(
        "--participants", type=values.file, metavar="FILE",
        help="table of participants (default: participants.tsv of the dataset)",
    )  # fmt: skip
    model.add_argument(
        "--covariates", nargs="+", action=values.NotBlank, default=(), metavar="COLUMN",
        help="regressors beside the mean: numbers, or text as categories",
    )  # fmt: skip
    model.add_argument(
        "--group-by", action=values.NotBlank, default="", metavar="COLUMN",
        help="compare the groups that this column tells apart",
    )  # fmt: skip
    model.add_argument(
        "--formula", action=values.NotBlank, default="", metavar="FORMULA",
        help="the whole model: '1 + age * C(group)'",
    )  # fmt: skip
    model.add_argument(
        "--group-contrast", nargs="+", default=(), metavar="NAME=EXPRESSION",
        help="what is tested: 'age', 'effect=group[patient] - group[control]'; with a comma "
        "between several, they are tested together (F) (default: each regressor, and groups)",
    )  # fmt: skip
    model.add_argument(
        "--no-centering", action="store_true",
        help="do not take their mean from numeric variables",
    )  # fmt: skip
    model.add_argument(
        "--missing", choices=("error", "drop"), default="error",
        help="participants of whom a variable is not known: end with an error, or leave them out "
        "(default: %(default)s)",
    )  # fmt: skip
    model.add_argument(
        "--model", type=values.file, metavar="FILE",
        help="BIDS Stats Model, of which the dataset level is run, instead of the options above",
    )  # fmt: skip
    model.add_argument(
        "--estimator", choices=("ols", "fixed", "mixed"), default="ols",
        help="ols weighs all maps equally; fixed and mixed use their variance maps, for fixed "
        "effects or with a variance between participants (default: %(default)s)",
    )  # fmt: skip


def _add_maps(parser: argparse.ArgumentParser) -> None:
    model = parser.add_argument_group("maps and mask")
    model.add_argument(
        "--smoothing-fwhm", type=values.number(0, 100), default=0.0, metavar="MM",
        help="smooth the maps with a Gaussian kernel of this width (default: %(default)g, none)",
    )  # fmt: skip
    model.add_argument(
        "--mask",
        type=values.file,
        metavar="FILE",
        help="analyse the voxels of this image that are above 0; put on the grid of the maps with "
        "nearest neighbours (default: voxels with finite values other than 0)",
    )
    model.add_argument(
        "--mask-coverage", type=values.number(0, 1, exclude_low=True), default=1.0, metavar="SHARE",
        help="without --mask: in which share of the maps a voxel must have a value "
        "(default: %(default)g, all)",
    )  # fmt: skip
    model.add_argument(
        "--missing-voxels", choices=("zero", "drop"), default="zero",
        help="with --mask: keep voxels that lack a value in some map, counting it as 0 before "
        "smoothing, or drop these voxels (default: %(default)s)",
    )  # fmt: skip


def _add_inference(parser: argparse.ArgumentParser) -> None:
    inference = parser.add_argument_group("inference")
    inference.add_argument(
        "--alternative", choices=("two-sided", "greater", "less"), default="two-sided",
        help="effects to look for (default: %(default)s; signs never share a cluster)",
    )  # fmt: skip
    inference.add_argument(
        "--alpha", type=values.number(0, 1, exclude_low=True, exclude_high=True), default=0.05,
        metavar="P", help="familywise error rate, between 0 and 1 (default: %(default)s)",
    )  # fmt: skip
    inference.add_argument(
        "--local-test", choices=("simes", "hommel"), default="simes",
        help="simes assumes that voxels depend positively on each other, as brain maps do; hommel "
        "assumes nothing and finds less (default: %(default)s)",
    )  # fmt: skip
    inference.add_argument(
        "--cluster-threshold", nargs="+", type=values.threshold, default=(3.1,), metavar="Z",
        help="form clusters where |z| is greater; 'auto' for the threshold above which all "
        "discoveries are; several are all valid together (default: 3.1)",
    )  # fmt: skip
    inference.add_argument(
        "--tdp-threshold", nargs="+", type=values.number(0, 1, exclude_low=True), default=(0.7,),
        metavar="TDP",
        help="find the largest clusters with a TDP of at least this; several are all valid "
        "together (default: 0.7)",
    )  # fmt: skip
    inference.add_argument(
        "--connectivity", type=int, choices=(6, 18, 26), default=18,
        help="neighbours of a voxel: faces, edges, corners (default: %(default)s)",
    )  # fmt: skip
    inference.add_argument(
        "--min-distance", type=values.number(0), default=8.0, metavar="MM",
        help="least distance of two peaks of a cluster (default: %(default)g)",
    )  # fmt: skip
    inference.add_argument(
        "--atlas", nargs="+", default=(), metavar="FILE|NAME",
        help="bound every region of these label images, with their names in a table beside each, "
        "or FILE:names=TABLE; or of an atlas of TemplateFlow in the space of the maps, "
        "NAME[:key=value,...], as Schaefer2018:desc=400Parcels7Networks",
    )  # fmt: skip
    inference.add_argument(
        "--roi", nargs="+", type=values.file, default=(), metavar="FILE",
        help="bound these regions of interest, one image each, the voxels above 0; they may overlap",
    )  # fmt: skip


def _add_execution(parser: argparse.ArgumentParser) -> None:
    execution = parser.add_argument_group("execution")
    execution.add_argument(
        "-w", "--work-dir", "--work_dir", type=Path, default=Path("work"), metavar="DIR",
        help="intermediate files; a second run recomputes only what changed (default: %(default)s)",
    )  # fmt: skip
    execution.add_argument(
        "--clean-workdir", action="store_true", help="empty the work directory first"
    )
    execution.add_argument(
        "--nprocs", "--nthreads", "--n-cpus", "--n_cpus", type=values.processes, metavar="N",
        default=values.available_cpus(), help="processes (default: all CPUs, here %(default)s)",
    )  # fmt: skip
    execution.add_argument(
        "--omp-nthreads", type=values.processes, default=1, metavar="N",
        help="threads of each process (default: %(default)s)",
    )  # fmt: skip
    execution.add_argument(
        "--mem", "--mem-mb", dest="mem_gb", type=values.memory, metavar="SIZE",
        help="memory for all processes together: 8G, 8000M; a plain number is in MB",
    )  # fmt: skip
    execution.add_argument(
        "--use-plugin", "--nipype-plugin-file", type=values.file, metavar="FILE",
        help="YAML with plugin and plugin_args of Nipype, to run on a cluster",
    )  # fmt: skip
    execution.add_argument(
        "--stop-on-first-crash", action="store_true",
        help="end at the first failure, even if other analyses could go on",
    )  # fmt: skip
    execution.add_argument(
        "--resource-monitor", action="store_true", help="let Nipype measure memory and CPU"
    )


def _add_other(parser: argparse.ArgumentParser) -> None:
    other = parser.add_argument_group("other")
    other.add_argument(
        "--dry-run", action="store_true",
        help="print who would be in which analysis, and the design; change nothing",
    )  # fmt: skip
    other.add_argument(
        "--reports-only", action="store_true", help="write the reports again, compute nothing"
    )
    other.add_argument(
        "--boilerplate-only", action="store_true",
        help="write the methods text and its references, compute nothing",
    )  # fmt: skip
    other.add_argument(
        "--write-graph", action="store_true", help="draw the workflow into the work directory"
    )
    other.add_argument(
        "--notrack", action="store_true", help="accepted, for scripts: nothing is ever tracked"
    )
    other.add_argument(
        "-v", "--verbose", action="count", default=0, help="say more; twice for all there is"
    )
    other.add_argument("--debug", action="store_true", help="show where errors come from, as -vv")


def parse(arguments: Sequence[str]) -> Options:
    """
    Turn arguments into options; ends the process if they are wrong.

    Parameters
    ----------
    arguments : sequence of str
        Of the command line.

    Returns
    -------
    Options
    """
    parser = build_parser()
    args: dict[str, Any] = vars(parser.parse_args(arguments))
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
