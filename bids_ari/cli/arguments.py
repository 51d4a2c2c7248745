"""The arguments of the command line, group by group; imports nothing slow."""

import argparse
from pathlib import Path
from typing import Any

from bids_ari.cli import values

INFERENCES = ("ari", "simes", "beta", "aorc", "higher-criticism", "learned", "auto")
OF_PERMUTATIONS = {
    "n_permutations": 1000,
    "random_seed": 0,
    "shift": 0,
    "step_down": False,
    "permutation_blocks": "",
}
"""Options that only go with permutations, and what they are if they are not given."""


def add_queries(parser: argparse.ArgumentParser) -> None:
    """Add what chooses maps."""
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


def add_repeats(parser: argparse.ArgumentParser) -> None:
    """Add what to do with several maps of a participant."""
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


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add what describes the group model."""
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


def add_maps(parser: argparse.ArgumentParser) -> None:
    """Add what is done to maps, and where they are analysed."""
    model = parser.add_argument_group("maps and mask")
    model.add_argument(
        "--smoothing-fwhm", type=values.Number(0, 100), default=0.0, metavar="MM",
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
        "--mask-coverage", type=values.Number(0, 1, exclude_low=True), default=1.0, metavar="SHARE",
        help="without --mask: in which share of the maps a voxel must have a value "
        "(default: %(default)g, all)",
    )  # fmt: skip
    model.add_argument(
        "--missing-voxels", choices=("zero", "drop"), default="zero",
        help="with --mask: keep voxels that lack a value in some map, counting it as 0 before "
        "smoothing, or drop these voxels (default: %(default)s)",
    )  # fmt: skip


def add_inference(parser: argparse.ArgumentParser) -> None:
    """Add what is inferred, and how."""
    inference = parser.add_argument_group("inference")
    inference.add_argument(
        "--alternative", choices=("two-sided", "greater", "less"), default="two-sided",
        help="effects to look for (default: %(default)s; signs never share a cluster)",
    )  # fmt: skip
    inference.add_argument(
        "--alpha", type=values.Number(0, 1, exclude_low=True, exclude_high=True), default=0.05,
        metavar="P", help="familywise error rate, between 0 and 1 (default: %(default)s)",
    )  # fmt: skip
    inference.add_argument(
        "--inference", choices=INFERENCES, default="ari",
        help="ari takes its bounds from the p-values alone; the others calibrate thresholds of "
        "this shape on permutations or sign flips of the maps, and mostly find more; auto shares "
        "alpha among several of them (default: %(default)s)",
    )  # fmt: skip
    inference.add_argument(
        "--local-test", choices=("simes", "hommel"), default="simes",
        help="of ari: simes assumes that voxels depend positively on each other, as brain maps do; "
        "hommel assumes nothing and finds less (default: %(default)s)",
    )  # fmt: skip
    inference.add_argument(
        "--cluster-threshold", nargs="+", type=values.threshold, default=(3.1,), metavar="Z",
        help="form clusters where |z| is greater; 'auto' for the threshold that the data choose: "
        "voxels below it add nothing to any bound; several are all valid together (default: 3.1)",
    )  # fmt: skip
    inference.add_argument(
        "--tdp-threshold", nargs="+", default=(0.7,), metavar="TDP",
        type=values.Number(0, 1, exclude_low=True, most_decimals=values.DECIMALS),
        help="find the largest clusters with a TDP of at least this; several are all valid "
        "together (default: 0.7)",
    )  # fmt: skip
    inference.add_argument(
        "--connectivity", type=int, choices=(6, 18, 26), default=18,
        help="neighbours of a voxel: faces, edges, corners (default: %(default)s)",
    )  # fmt: skip
    inference.add_argument(
        "--min-distance", type=values.Number(0), default=8.0, metavar="MM",
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


def add_permutations(parser: argparse.ArgumentParser) -> None:
    """Add how permutations are made, and what is made of them."""
    permutations = parser.add_argument_group(
        "permutations",
        "For every --inference but ari. Signs of maps are flipped where a mean is tested, maps are "
        "permuted where groups or slopes are; of models with other regressors, the residuals "
        "without what is tested (Freedman and Lane).",
    )
    # None until it is given, which tells whether it goes with the rest
    permutations.add_argument(
        "--n-permutations", type=values.Whole(20), metavar="N",
        help="how many, with the maps as they are among them (default: 1000)",
    )  # fmt: skip
    permutations.add_argument(
        "--random-seed", type=values.Whole(0), metavar="N",
        help="the same seed gives the same results, with any number of processes (default: 0)",
    )  # fmt: skip
    permutations.add_argument(
        "--shift", type=values.Whole(0), metavar="N",
        help="of simes and aorc: thresholds begin at the voxel after this many: above 0, less is "
        "said of small clusters and more of large ones; choose it before looking (default: 0)",
    )  # fmt: skip
    permutations.add_argument(
        "--step-down", action="store_true", default=None,
        help="calibrate again without the voxels that are certain to be active, which finds a "
        "little more",
    )  # fmt: skip
    permutations.add_argument(
        "--permutation-blocks", action=values.NotBlank, metavar="COLUMN",
        help="permute only among maps with the same value in this column; flip the signs of all "
        "of them together (default: the participant, where there are several maps of each)",
    )  # fmt: skip


def add_execution(parser: argparse.ArgumentParser) -> None:
    """Add how a run is executed."""
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
        help="processes (default: one for a small group, all CPUs for more work)",
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


def add_report(parser: argparse.ArgumentParser) -> None:
    """Add what reports show."""
    report = parser.add_argument_group("reports")
    report.add_argument(
        "--template", default="", metavar="NAME|FILE",
        help="draw this behind the maps: a template of TemplateFlow, as MNI152NLin6Asym or "
        "MNIInfant+2 (with its cohort), or an image; 'default' takes it back where an earlier run "
        "has asked for another (default: the MNI152 template of nilearn, for maps in MNI spaces)",
    )  # fmt: skip


def add_other(parser: argparse.ArgumentParser) -> None:
    """Add the rest."""
    other = parser.add_argument_group("other")
    other.add_argument(
        "--dry-run", action="store_true",
        help="print who would be in which analysis, and the design; change nothing",
    )  # fmt: skip
    other.add_argument(
        "--reports-only", action="store_true", help="write the reports again, compute nothing"
    )
    other.add_argument(
        "--report-3d", action="store_true",
        help="reports also have a 3-D view, for browsers with WebGL 2; they are 1.1 MB larger",
    )  # fmt: skip
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
