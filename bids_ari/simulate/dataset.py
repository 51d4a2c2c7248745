"""A simulated group on disk: a BIDS-Derivatives dataset of first-level maps, and its truth."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from bids_ari import __version__
from bids_ari.errors import ExitCode, InputError
from bids_ari.files import write_json, write_text
from bids_ari.images.nifti import Grid, write_volume
from bids_ari.simulate.group import (
    AGE_CENTRE,
    GROUPS,
    Participant,
    simulate_participant,
    simulate_subject,
)
from bids_ari.simulate.truth import REGIONS, Region, Truth, simulate_truth
from bids_ari.tables import format_tsv

SPACE = "MNI152NLin2009aSym"
"""The template that nilearn ships."""
TASK = "faces"
TRUTH_FOLDER = Path("sourcedata", "truth")
"""Not among the subjects, and its files are no statistical maps by name: nobody collects them."""

_MNI = 4  # NIfTI code of what the affine leads to
_README = """\
# A simulated group

First-level maps of people who do not exist, made with `python -m bids_ari.simulate`
in the manner of {flavour}. No {flavour} was run.

`sourcedata/truth` holds what is true: the mean effect of the population, the difference between
the groups and the slope of age, and the regions that have them. A voxel is active if its mean
effect is not 0. `simulation.json` there holds the options.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What to simulate; sizes in mm."""

    subjects: int = 20
    contrasts: tuple[str, ...] = ("facesVsShapes",)
    seed: int = 0
    voxel_size: float = 3.0
    flavour: str = "fitlins"
    smoothness: float = 5.0
    effect_size: float = 1.0
    """Factor on all true effects; 0 for none."""

    @property
    def regions(self) -> tuple[Region, ...]:
        """Sizes and effects of the regions."""
        if self.effect_size == 0:
            return ()
        return tuple(
            Region(region.radius, *(self.effect_size * value for value in region[1:]))
            for region in REGIONS
        )


class Flavour(NamedTuple):
    """How a program names first-level maps, and describes their dataset."""

    folder: str
    stem: str
    description: dict[str, Any]
    sidecar: dict[str, Any] | None
    """One for all maps of a subject, if any."""


FLAVOURS = {
    # FitLins 0.11: no task or space in the names, no sidecars; the space stands in the description
    "fitlins": Flavour(
        "node-subjectLevel/sub-{subject}",
        "sub-{subject}_contrast-{contrast}",
        {
            "Name": "FitLins output (simulated by bids_ari)",
            "BIDSVersion": "1.1.0",
            "PipelineDescription": {
                "Name": "FitLins",
                "Version": "0.11.0",
                "Parameters": {"space": SPACE},
            },
        },
        None,
    ),
    # nilearn.glm.save_glm_to_bids: no Name in the description
    "nilearn": Flavour(
        "sub-{subject}",
        f"sub-{{subject}}_task-{TASK}_space-{SPACE}_contrast-{{contrast}}",
        {
            "BIDSVersion": "1.9.0",
            "DatasetType": "derivative",
            "GeneratedBy": [
                {"Name": "nilearn", "Description": "A Nilearn first-level GLM (simulated)."},
                {"Name": "bids_ari.simulate", "Version": __version__},
            ],
        },
        {"Description": "A statistical map simulated by bids_ari.", "ModelParameters": {}},
    ),
}
"""To add one, add an entry."""


def write_dataset(
    out_dir: Path,
    simulation: Simulation,
    *,
    report: Callable[[int], None] = lambda _: None,
) -> int:
    """
    Simulate a group and write it, map by map.

    Parameters
    ----------
    out_dir : Path
        New or empty directory.
    simulation : Simulation
        What to simulate.
    report : callable
        Called with the number of subjects done.

    Returns
    -------
    n_features : int
        Number of voxels of the brain.

    Raises
    ------
    InputError
        If the directory has content, or cannot be written.
    """
    flavour = FLAVOURS[simulation.flavour]
    mask, affine = brain_mask(simulation.voxel_size)
    grid = Grid(mask.shape, affine, _MNI)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        if any(out_dir.iterdir()):
            msg = f"{out_dir} is not empty, expected a new or an empty directory"
            raise InputError(msg, ExitCode.CANNOT_CREATE)
        truths = _write_truth(out_dir / TRUTH_FOLDER, simulation, mask, grid)
        participants = [
            simulate_participant(number, seed=simulation.seed)
            for number in range(1, simulation.subjects + 1)
        ]
        width = max(2, len(str(simulation.subjects)))
        labels = [f"{number:0{width}d}" for number in range(1, simulation.subjects + 1)]
        _write_participants(out_dir, dict(zip(labels, participants, strict=True)))
        write_text(_README.format(flavour=simulation.flavour), out_dir / "README.md")
        for number, (label, who) in enumerate(zip(labels, participants, strict=True), start=1):
            folder = out_dir / flavour.folder.format(subject=label)
            folder.mkdir(parents=True)
            if flavour.sidecar is not None:
                write_json(flavour.sidecar, folder / "statmap.json")
            for contrast, truth in truths.items():
                maps = simulate_subject(
                    truth,
                    who,
                    mask,
                    affine,
                    number,
                    contrast=contrast,
                    smoothness=simulation.smoothness,
                    seed=simulation.seed,
                )
                stem = flavour.stem.format(subject=label, contrast=contrast)
                for stat, values in maps._asdict().items():
                    volume = np.zeros(mask.shape, np.float32)
                    volume[mask] = values
                    write_volume(volume, grid, folder / f"{stem}_stat-{stat}_statmap.nii.gz")
            report(number)
        # last: without it this is no dataset, so half a group is not taken for a whole one
        write_json(flavour.description, out_dir / "dataset_description.json")
    except OSError as error:
        msg = f"cannot write the simulated group: {error.filename}: {error.strerror}"
        raise InputError(msg, ExitCode.CANNOT_CREATE) from error
    return int(np.count_nonzero(mask))


def brain_mask(voxel_size: float) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """
    Return the brain of the template that nilearn ships, on a coarser grid.

    Parameters
    ----------
    voxel_size : float
        Edge of the voxels, in mm.

    Returns
    -------
    mask : (x, y, z) array of bool
        One voxel of background at least around the brain.
    affine : (4, 4) array
        The origin of the template is the centre of a voxel.
    """
    # slow to import, and needed only when a dataset is written
    from nilearn.datasets import load_mni152_brain_mask
    from nilearn.image import resample_img

    fine = load_mni152_brain_mask(resolution=1)
    brain = np.asanyarray(fine.dataobj) > 0
    occupied = [np.flatnonzero(brain.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    corners = apply_affine(fine.affine, [[where[end] for where in occupied] for end in (0, -1)])
    first = np.floor(corners.min(axis=0) / voxel_size) - 1
    last = np.ceil(corners.max(axis=0) / voxel_size) + 1
    affine = np.diag([voxel_size, voxel_size, voxel_size, 1.0])
    affine[:3, 3] = voxel_size * first
    shape = tuple(int(size) for size in last - first + 1)
    coarse = resample_img(
        fine, affine, shape, interpolation="nearest", force_resample=True, copy_header=True
    )
    return np.asanyarray(coarse.dataobj) > 0, affine


def _write_truth(
    folder: Path,
    simulation: Simulation,
    mask: NDArray[np.bool_],
    grid: Grid,
) -> dict[str, Truth]:
    """Draw and write what is true of each contrast."""
    write_json({"Version": __version__, **asdict(simulation)}, folder / "simulation.json")
    write_volume(mask.astype(np.uint8), grid, folder / f"space-{SPACE}_desc-brain_mask.nii.gz")
    truths = {}
    for contrast in simulation.contrasts:
        truth = simulate_truth(
            mask, grid.affine, contrast=contrast, regions=simulation.regions, seed=simulation.seed
        )
        truths[contrast] = truth
        stem = f"space-{SPACE}_contrast-{contrast}"
        for name, volume, meaning in (
            ("desc-mean_effect", truth.mean_effect, "Mean effect of the population."),
            ("desc-groupDifference_effect", truth.group_difference, "Patients minus controls."),
            ("desc-ageSlope_effect", truth.age_slope, f"Per year, from age {AGE_CENTRE:g}."),
            ("desc-regions_dseg", truth.labels, "Regions; negative where the mean effect is."),
        ):
            write_volume(volume, grid, folder / f"{stem}_{name}.nii.gz")
            write_json({"Description": meaning}, folder / f"{stem}_{name}.json")
        rows = [
            (number if region.effect > 0 else -number, f"region{number}", *region)
            for number, region in enumerate(simulation.regions, start=1)
        ]
        columns = ("index", "name", "radius", "effect", "group_difference", "age_slope")
        write_text(format_tsv(columns, rows), folder / f"{stem}_desc-regions_dseg.tsv")
    return truths


def _write_participants(out_dir: Path, participants: dict[str, Participant]) -> None:
    rows = [(f"sub-{label}", *who) for label, who in participants.items()]
    columns = ("participant_id", *Participant._fields)
    write_text(format_tsv(columns, rows), out_dir / "participants.tsv")
    meaning = {
        "group": {
            "Description": "Group of the participant.",
            "Levels": {group: f"A simulated {group}." for group in GROUPS},
        },
        "age": {"Description": "Age of the participant.", "Units": "year"},
    }
    write_json(meaning, out_dir / "participants.json")
