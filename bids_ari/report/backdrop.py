"""What the slices lie on: a template brain, but only where the maps are in its space."""

from dataclasses import dataclass

import numpy as np

from bids_ari import figures
from bids_ari.report.embedding import volume_of
from bids_ari.report.findings import other_space
from bids_ari.report.results import Result

# a brain mask and the template's brain; masks of a lobe or of another species have less
FITS_TEMPLATE = 0.8
BEYOND_TEMPLATE = 20.0  # mm that a field of analysis may stand out of what is behind it
_NO_BRAIN = (
    "The grey shape is the mask of the analysis: no brain is drawn behind the maps, because"
)


@dataclass(frozen=True, eq=False, slots=True)
class Backdrop:
    """What is drawn behind the maps of a result."""

    brain: figures.Volume | None
    """None if nothing but the shape of the mask is."""
    words: str
    """What it is, as a sentence for the page."""
    in_mni: bool
    """Whether the maps may be projected on a brain in MNI space."""


def backdrop(result: Result) -> Backdrop:
    """Choose what to draw behind the maps of a result, and say what it is."""
    mask = volume_of(result.mask)
    unasked = _unasked(result, mask)
    if result.background is None:
        return unasked
    if why := other_space(result):
        return Backdrop(None, f"{_NO_BRAIN} {why}.", unasked.in_mni)
    from bids_ari.report.background import load  # slow to import: nibabel

    asked, brain = result.background, load(result.background)
    stands_out = _stands_out(mask, brain)
    what = f"the template {asked.name}" if asked.space else f"the image {asked.name}"
    if stands_out > BEYOND_TEMPLATE:
        words = f"{_NO_BRAIN} the mask reaches {stands_out:.0f} mm beyond {what}."
        return Backdrop(None, words, unasked.in_mni)
    if not asked.space:
        words = (
            f"The image behind the maps is {asked.source}, which was asked for. In which space it is "
            "is not known: check that the maps fit."
        )
    elif result.space:
        words = (
            f"The brain behind the maps is the template {asked.name} ({asked.source}), not the "
            "anatomy of the participants."
        )
    else:
        words = (
            f"The input does not name its space. The brain behind the maps is the template "
            f"{asked.name} ({asked.source}), which was asked for: check that the maps fit."
        )
    return Backdrop(brain, words, unasked.in_mni)


def _unasked(result: Result, mask: figures.Volume) -> Backdrop:
    """Choose the template that comes with nilearn, or none."""
    space = result.space
    named = "MNI" in space
    if space and not named:
        return Backdrop(None, f"{_NO_BRAIN} their space ({space}) is not an MNI space.", False)
    brain = figures.template()
    stands_out = _stands_out(mask, brain)
    if stands_out > BEYOND_TEMPLATE:
        words = f"{_NO_BRAIN} the mask reaches {stands_out:.0f} mm beyond the MNI152 template."
        return Backdrop(None, words, False)
    if named:
        words = (
            "The brain behind the maps is the MNI152 template (nonlinear symmetric 2009a), not the "
            "anatomy of the participants."
        )
        return Backdrop(brain, words, True)
    fit = figures.overlap_with_template(mask, brain)
    if fit < FITS_TEMPLATE:
        return Backdrop(None, f"{_NO_BRAIN} the input does not name their space.", False)
    words = (
        "The input does not name its space. The mask fits the MNI152 template (Dice coefficient "
        f"{fit:.2f}), so that the template is drawn behind the maps."
    )
    return Backdrop(brain, words, True)


def _stands_out(mask: figures.Volume, brain: figures.Volume) -> float:
    """How many mm a mask reaches beyond the box around a brain."""
    around = brain.corners(brain.values > 0)
    box = mask.corners(mask.values > 0)
    return float(np.max([around[0] - box[0], box[1] - around[1]]))
