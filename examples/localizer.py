"""
Button presses of the left against the right hand: how much of each cluster is active.

    python examples/localizer.py DIR

The data are those of nilearn's example on the proportion of true discoveries in clusters: 20
participants of the Brainomics localizer, which nilearn's own fetcher downloads, smoothed with 8 mm,
clusters at z > 3, 4 and 5. What differs is that a BIDS-App makes the group analysis: the maps are laid
out as a BIDS derivative in DIR/firstlevel, and results, with a report, are in DIR/results. The two
pictures of nilearn's example are in DIR.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nibabel as nb
import numpy as np
from nilearn import datasets, plotting

TASK, SPACE, CONTRAST = "localizer", "MNI", "leftVsRightButtonPress"
THRESHOLDS = (3, 4, 5)
STEM = f"task-{TASK}_space-{SPACE}_model-oneSample_contrast-{CONTRAST}"


def lay_out(maps: Sequence[str], dataset: Path) -> None:
    """
    Give maps the names of a BIDS derivative.

    Parameters
    ----------
    maps : sequence of str
        First-level effect maps, one of each participant.
    dataset : path
        New directory.
    """
    for number, path in enumerate(maps, start=1):
        subject = f"sub-{number:02d}"
        name = (
            f"{subject}_task-{TASK}_space-{SPACE}_contrast-{CONTRAST}_stat-effect_statmap.nii.gz"
        )
        (dataset / subject).mkdir(parents=True)
        shutil.copyfile(path, dataset / subject / name)
    description = {
        "Name": "Brainomics localizer, contrast maps",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "SPM"}],
    }
    (dataset / "dataset_description.json").write_text(json.dumps(description))


def tdp_of_all_thresholds(results: Path) -> nb.Nifti1Image:
    """
    Put the maps of TDP on top of each other: of each voxel, that of the highest threshold.

    Parameters
    ----------
    results : path
        Derivatives of bids_ari.

    Returns
    -------
    Nifti1Image
        As nilearn's example shows it.
    """
    found = [
        nb.Nifti1Image.from_filename(results / "group" / f"{STEM}_{kind.format(threshold)}.nii.gz")
        for threshold in THRESHOLDS
        for kind in ("desc-z{}_dseg", "stat-tdp_desc-z{}_statmap")
    ]
    tdp = np.zeros(found[0].shape, np.float32)
    for labels, of_threshold in zip(found[::2], found[1::2], strict=True):
        inside = np.asanyarray(labels.dataobj) != 0
        tdp[inside] = np.asanyarray(of_threshold.dataobj)[inside]
    return nb.Nifti1Image(tdp, found[0].affine)


def draw(results: Path, out_dir: Path) -> None:
    """
    Draw the proportions of true discoveries, and the z map that they are of.

    Parameters
    ----------
    results : path
        Derivatives of bids_ari.
    out_dir : path
        Where the pictures go.
    """
    title = "group left-right button press"
    z_map = str(results / "group" / f"{STEM}_stat-z_statmap.nii.gz")
    for name, display in (
        ("tdp", plotting.plot_stat_map(
            tdp_of_all_thresholds(results), threshold=0.0, display_mode="z", vmin=0, vmax=1,
            cmap="inferno", title=f"{title}, proportion true positives",
        )),
        ("z", plotting.plot_stat_map(
            z_map, threshold=THRESHOLDS[0], display_mode="z",
            title=f"{title} (uncorrected p < 0.001)",
        )),
    ):  # fmt: skip
        display.savefig(out_dir / f"{name}.png")
        display.close()


def main(argv: Sequence[str]) -> int:
    """
    Fetch, lay out, analyse, draw.

    Parameters
    ----------
    argv : sequence of str
        The command line.

    Returns
    -------
    int
        The exit code of bids_ari.
    """
    parser = argparse.ArgumentParser(description=str(__doc__).strip().split("\n", maxsplit=1)[0])
    parser.add_argument("directory", type=Path, metavar="DIR", help="for the data and the results")
    directory = parser.parse_args(argv).directory.absolute()
    dataset, results = directory / "firstlevel", directory / "results"
    if not (dataset / "dataset_description.json").exists():
        shutil.rmtree(dataset, ignore_errors=True)  # of a run that was interrupted
        fetched = datasets.fetch_localizer_contrasts(["left vs right button press"], 20)
        lay_out(fetched["cmaps"], dataset)
    command = [
        sys.executable, "-m", "bids_ari", str(dataset), str(results), "group",
        "--work-dir", str(directory / "work"), "--smoothing-fwhm", "8",
        "--cluster-threshold", *map(str, THRESHOLDS),
        # as nilearn does it: positive effects, clusters of voxels that share a face
        "--alternative", "greater", "--connectivity", "6",
    ]  # fmt: skip
    code = subprocess.run(command, check=False).returncode
    if code == 0:
        draw(results, directory)
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
