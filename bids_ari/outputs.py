"""From results to BIDS derivatives: names, sidecars, tables, dataset description."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from bids_ari import __version__
from bids_ari.design.records import label
from bids_ari.errors import ExitCode, InputError
from bids_ari.files import write_json, write_text
from bids_ari.tables import (
    CLUSTER_COLUMNS,
    LABEL_COLUMNS,
    OUTLIER_COLUMNS,
    OVERLAP_COLUMNS,
    PEAK_COLUMNS,
    REGION_COLUMNS,
    SENSITIVITY_COLUMNS,
)

BIDS_VERSION = "1.11.1"
GENERATOR = "bids-ari"

ENTITIES = {
    "task": "task",
    "session": "ses",
    "acquisition": "acq",
    "direction": "dir",
    "reconstruction": "rec",
    "run": "run",
    "space": "space",
    "resolution": "res",
    "density": "den",
    "feature": "feature",
    "model": "model",
    "contrast": "contrast",
    "stat": "stat",
    "description": "desc",
}
"""Long and short names, in the order they have in file names."""


@dataclass(frozen=True, slots=True)
class Derivative:
    """How one output is named and described."""

    suffix: str
    extension: str
    description: str
    stat: str = ""
    desc: str = ""
    per_cut: bool = False
    """Whether there is one for each cluster or TDP threshold, told apart by ``desc``."""
    per_atlas: bool = False
    """Whether there is one for each atlas, told apart by ``desc``."""
    of_regions: bool = False
    """Whether it is there only where an atlas or a region of interest is."""
    sidecar: bool = True
    skull_stripped: bool = True
    """Whether it is an image for which BIDS asks the question."""
    columns: tuple[tuple[str, str], ...] = ()
    """Of a table: names and descriptions."""


DERIVATIVES: dict[str, Derivative] = {
    "effect_map": Derivative("statmap", ".nii.gz", "Effect of the group contrast, in the units of the inputs.", "effect"),
    "variance_map": Derivative("statmap", ".nii.gz", "Sampling variance of the effect, in squared units of the inputs.", "variance"),
    "t_map": Derivative("statmap", ".nii.gz", "Student t of the group contrast; 0 where the maps do not vary.", "t"),
    "f_map": Derivative("statmap", ".nii.gz", "F of the group contrast; 0 where the maps do not vary.", "F"),
    "z_map": Derivative("statmap", ".nii.gz", "Standard normal value with the tail probability of the map of t or F.", "z"),
    "p_map": Derivative("statmap", ".nii.gz", "P-value of t under the alternative, or of F, uncorrected, in double precision; 1 outside of the mask.", "p"),
    "mask": Derivative("mask", ".nii.gz", "Voxels that were analysed.", desc="analysis", skull_stripped=False),
    "design": Derivative("design", ".tsv", "Design of the group model: one row for each map.", skull_stripped=False),
    "tau2_map": Derivative("statmap", ".nii.gz", "Variance of the true effects between maps, in squared units of the inputs.", "tau2"),
    "outlier_table": Derivative("outliers", ".tsv", "How each map compares with the others; nobody was left out for it.", skull_stripped=False, columns=OUTLIER_COLUMNS),
    "sensitivity_table": Derivative("sensitivity", ".tsv", "Bounds of the whole mask under each alternative and each local test; only what is used was chosen beforehand.", skull_stripped=False, columns=SENSITIVITY_COLUMNS),
    "gradient_map": Derivative("statmap", ".nii.gz", "The largest lower confidence bound on the proportion of truly active voxels of any supra-threshold cluster that the voxel is in.", "tdp", desc="gradient"),
    "region_table": Derivative("regions", ".tsv", "Regions with the lower bound on the truly active voxels in each, and among its voxels of either sign; all bounds hold together.", of_regions=True, skull_stripped=False, columns=REGION_COLUMNS),
    "atlas_map": Derivative("dseg", ".nii.gz", "Regions of the atlas at the voxels that were analysed.", per_atlas=True, of_regions=True, skull_stripped=False),
    "atlas_table": Derivative("dseg", ".tsv", "", per_atlas=True, of_regions=True, sidecar=False, columns=LABEL_COLUMNS),
    "tdp_map": Derivative("statmap", ".nii.gz", "Lower confidence bound on the proportion of truly active voxels in the cluster that the voxel is in.", "tdp", per_cut=True),
    "label_map": Derivative("dseg", ".nii.gz", "Clusters, 1 for the largest; signs never share a cluster.", per_cut=True, skull_stripped=False),
    "label_table": Derivative("dseg", ".tsv", "", per_cut=True, sidecar=False, columns=LABEL_COLUMNS),
    "cluster_table": Derivative("clusters", ".tsv", "Clusters with the lower bound on the truly active voxels in each.", per_cut=True, skull_stripped=False, columns=CLUSTER_COLUMNS),
    "peak_table": Derivative("peaks", ".tsv", "Local maxima in the clusters, four of each at the most.", per_cut=True, skull_stripped=False, columns=PEAK_COLUMNS),
    "overlap_table": Derivative("overlaps", ".tsv", "What clusters and regions have in common, with the lower bound on the truly active voxels in it.", per_cut=True, of_regions=True, skull_stripped=False, columns=OVERLAP_COLUMNS),
}  # fmt: skip
"""What an analysis leaves, by the name of the field of the workflow's ``outputnode``."""


def stem(entities: Mapping[str, str]) -> str:
    """
    Join entities as BIDS does.

    Parameters
    ----------
    entities : mapping
        Long names and values; names that are no key of :data:`ENTITIES` are left out.

    Returns
    -------
    str

    Examples
    --------
    >>> stem({"contrast": "faces", "task": "match", "model": "oneSample"})
    'task-match_model-oneSample_contrast-faces'
    """
    return "_".join(
        f"{short}-{entities[name]}" for name, short in ENTITIES.items() if entities.get(name)
    )


def threshold_label(threshold: float | Literal["auto"]) -> str:
    """
    Write a cluster threshold as the value of a BIDS entity.

    Parameters
    ----------
    threshold : float or 'auto'
        In z, not negative; or the one that the data choose.

    Returns
    -------
    str
        Different for different thresholds.

    Examples
    --------
    >>> threshold_label(3.1), threshold_label(40.0), threshold_label(1e-4), threshold_label("auto")
    ('z3p1', 'z40', 'z0p0001', 'zauto')
    """
    return "zauto" if threshold == "auto" else f"z{_digits(threshold)}"


def tdp_label(tdp: float) -> str:
    """
    Write a TDP threshold as the value of a BIDS entity.

    Parameters
    ----------
    tdp : float
        Between 0 and 1.

    Returns
    -------
    str

    Examples
    --------
    >>> tdp_label(0.7), tdp_label(1)
    ('tdp0p7', 'tdp1')
    """
    return f"tdp{_digits(tdp)}"


def cut_labels(
    cluster_thresholds: Iterable[float | Literal["auto"]], tdp_thresholds: Iterable[float]
) -> list[str]:
    """
    Name the sets of clusters of an analysis, in the order of the lists of its workflow.

    Parameters
    ----------
    cluster_thresholds : iterable of float or 'auto'
        See :func:`threshold_label`.
    tdp_thresholds : iterable of float
        See :func:`tdp_label`.

    Returns
    -------
    list of str
    """
    return [*map(threshold_label, cluster_thresholds), *map(tdp_label, tdp_thresholds)]


def atlas_label(name: str) -> str:
    """
    Write the name of an atlas as the value of a BIDS entity.

    Parameters
    ----------
    name : str
        Of the atlas.

    Returns
    -------
    str

    Examples
    --------
    >>> atlas_label("DiFuMo 64dimensions"), atlas_label("pieces_dseg")
    ('atlasDiFuMo64dimensions', 'atlasPiecesDseg')
    """
    return label(f"atlas {name}")


def _digits(number: float) -> str:
    return format(Decimal(repr(float(number))).normalize(), "f").replace(".", "p")


def path_of(name: str, entities: Mapping[str, str], cut: str = "") -> Path:
    """
    Name an output.

    Parameters
    ----------
    name : str
        Key of :data:`DERIVATIVES`.
    entities : mapping
        Of the analysis, with long names.
    cut : str
        For outputs that there is one of for each threshold: from :func:`cut_labels`.

    Returns
    -------
    path
        Relative to the derivatives dataset.

    Examples
    --------
    >>> path_of("tdp_map", {"task": "match", "contrast": "faces"}, "z3p1").as_posix()
    'group/task-match_contrast-faces_stat-tdp_desc-z3p1_statmap.nii.gz'
    """
    spec = DERIVATIVES[name]
    labels = stem({**entities, "stat": spec.stat, "description": cut or spec.desc})
    return Path("group") / f"{labels}_{spec.suffix}{spec.extension}"


def sidecar_of(path: Path) -> Path:
    """
    Name the sidecar of a file.

    Parameters
    ----------
    path : path
        A derivative.

    Returns
    -------
    path
        The same name with extension ``.json``.
    """
    return path.with_name(path.name.split(".")[0] + ".json")


def describe(name: str) -> dict[str, Any]:
    """
    Start the sidecar of an output.

    Parameters
    ----------
    name : str
        Key of :data:`DERIVATIVES`.

    Returns
    -------
    dict
        What holds for this output whatever the analysis.
    """
    spec = DERIVATIVES[name]
    metadata: dict[str, Any] = {"Description": spec.description}
    if spec.skull_stripped:
        metadata["SkullStripped"] = True
    if spec.suffix == "mask":
        metadata["Type"] = "Brain"
    metadata.update({column: {"Description": text} for column, text in spec.columns})
    return metadata


def earlier_links(output_dir: Path) -> dict[str, str]:
    """
    Read which datasets the results in an output directory are from.

    Parameters
    ----------
    output_dir : path
        Where this run will write; need not exist.

    Returns
    -------
    dict
        Names in BIDS URIs and the URIs that they stand for; empty without earlier results.

    Raises
    ------
    InputError
        If the directory is the dataset of another program, or cannot be read.
    """
    path = output_dir / "dataset_description.json"
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        writers = [one["Name"] for one in description.get("GeneratedBy", [])]
        links = dict(description.get("DatasetLinks", {}))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        msg = f"{path} is no readable description of a dataset: {' '.join(str(error).split())}"
        raise InputError(msg) from error
    if GENERATOR not in writers:
        by = f" of {', '.join(writers)}" if writers else ""
        msg = f"{output_dir} is another dataset{by}: choose a directory of its own for the output"
        raise InputError(msg, ExitCode.USAGE)
    return links


def write_dataset_description(output_dir: Path, sources: Mapping[str, Path]) -> Path:
    """
    Declare the output directory a BIDS derivatives dataset.

    Parameters
    ----------
    output_dir : path
        The dataset.
    sources : mapping
        Names used in BIDS URIs, and the datasets they stand for.

    Returns
    -------
    path
        ``dataset_description.json``. Links of earlier runs into the same directory are kept.
    """
    path = output_dir / "dataset_description.json"
    new = {name: root.absolute().as_uri() for name, root in sources.items()}
    links = {**earlier_links(output_dir), **new}
    description = {
        "Name": "bids-ari: group models with All-Resolutions Inference",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": GENERATOR, "Version": __version__}],
        "SourceDatasets": [{"URL": uri} for uri in links.values()],
        "DatasetLinks": links,
    }
    write_text(_README, output_dir / "README.md")
    write_text("\n".join(_BIDSIGNORE) + "\n", output_dir / ".bidsignore")
    return write_json(description, path)


# names of directories without a slash at their end: the validator takes no notice of others
_BIDSIGNORE = ("*.html", "group")

_README = """# Group analysis with All-Resolutions Inference

Open `index.html` in a browser: one report for each analysis, readable without network.

- `group/` maps (effect, variance, t, z, p), clusters at each threshold, and the largest clusters
  that reach a TDP, with the lower bound on the proportion of truly active voxels (TDP) in each, the
  same for regions, the design, and the mask, each with a sidecar that says what it is and where it
  came from.
- `logs/` who was included and why, the command line with all options and versions, and the
  methods text for a paper with its references.

"TDP >= 0.7" means: at least 70 % of the voxels of this set are truly active. All such bounds of
one analysis hold together with the confidence that its sidecars give, for any set of voxels,
also one that is chosen after looking at the results.
"""
