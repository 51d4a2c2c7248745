"""The dataset of an output directory: its description, and what stands beside it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from bids_ari import __version__
from bids_ari.errors import ExitCode, InputError
from bids_ari.files import write_json, write_text

BIDS_VERSION = "1.11.1"
GENERATOR = "bids-ari"
DOCKER_TAG = "BIDS_ARI_DOCKER_TAG"
"""Variable that the Dockerfile sets."""


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


def _container() -> dict[str, dict[str, str]]:
    """Tell the image that this runs in, as its environment has it."""
    for name in ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"):  # which these programs set
        if image := os.environ.get(name):
            return {"Container": {"Type": "apptainer", "URI": image}}
    if tag := os.environ.get(DOCKER_TAG):
        return {"Container": {"Type": "docker", "Tag": tag}}
    return {}


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
        "GeneratedBy": [{"Name": GENERATOR, "Version": __version__, **_container()}],
        "SourceDatasets": [{"URL": uri} for uri in links.values()],
        "DatasetLinks": links,
    }
    write_text(_README, output_dir / "README.md")
    write_text("\n".join(_BIDSIGNORE) + "\n", output_dir / ".bidsignore")
    return write_json(description, path)


# names of directories without a slash at their end: the validator takes no notice of others
_BIDSIGNORE = ("*.html", "group", "figures")

_README = """# Group analysis with All-Resolutions Inference

Open `index.html` in a browser: one report for each analysis, readable without network.

- `group/` maps (effect, variance, t, z, p), clusters at each threshold, and the largest clusters
  that reach a TDP, with the lower bound on the proportion of truly active voxels (TDP) in each, the
  same for regions, the design, and the mask, each with a sidecar that says what it is and where it
  came from.
- `figures/` the pictures of the reports for papers, as PNG (300 pixels per inch) and SVG, each with
  a sidecar that says what it shows.
- `logs/` who was included and why, the command line with all options and versions, and the
  methods text for a paper with its references.

"TDP >= 0.7" means: at least 70 % of the voxels of this set are truly active. All such bounds of
one analysis hold together with the confidence that its sidecars give, for any set of voxels,
also one that is chosen after looking at the results.
"""
