"""What the slices lie on: the template brain, but only where the maps are in its space."""

import numpy as np

from bids_ari import figures
from bids_ari.report.results import Result

# a brain mask and the template's brain; masks of a lobe or of another species have less
FITS_TEMPLATE = 0.8
BEYOND_TEMPLATE = 20.0  # mm that a field of analysis in MNI space may stand out of the template


def backdrop(result: Result, mask: figures.Volume) -> tuple[figures.Volume | None, str]:
    """Choose what to draw behind the maps of a result, and say what it is."""
    space = result.entities.get("space") or str(result.model.get("SpatialReference") or "")
    named = "MNI" in space
    no_template = (
        "The grey shape is the mask of the analysis: no brain is drawn behind the maps, because "
    )
    if space and not named:
        return None, f"{no_template}their space ({space}) is not an MNI space."
    brain = figures.template()
    around = brain.corners(brain.values > 0)
    box = mask.corners(mask.values > 0)
    stands_out = float(np.max([around[0] - box[0], box[1] - around[1]]))
    if stands_out > BEYOND_TEMPLATE:
        return None, (
            f"{no_template}the mask reaches {stands_out:.0f} mm beyond the MNI152 template."
        )
    if named:
        return brain, (
            "The brain behind the maps is the MNI152 template (nonlinear symmetric 2009a), not the "
            "anatomy of the participants."
        )
    fit = figures.overlap_with_template(mask, brain)
    if fit < FITS_TEMPLATE:
        return None, f"{no_template}the input does not name their space."
    return brain, (
        "The input does not name its space. The mask fits the MNI152 template (Dice coefficient "
        f"{fit:.2f}), so that the template is drawn behind the maps."
    )
