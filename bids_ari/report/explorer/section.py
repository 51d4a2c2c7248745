"""What the section of the explorer holds, or why there is none."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bids_ari.errors import InputError
from bids_ari.report.backdrop import Backdrop
from bids_ari.report.explorer.atlases import parcellations_of
from bids_ari.report.explorer.gathering import Explored, gather
from bids_ari.report.explorer.packing import PER_UNIT, Packed, pack, steps_below
from bids_ari.report.explorer.sprite import brain_sprite
from bids_ari.report.permutation_section import bounds_by
from bids_ari.report.results import Result

_USUAL_TDP = 0.7
_BELOW_CHOSEN = 0.5  # of z: how far the landscape goes below the threshold that the data choose
_STEPS_OF_COLOUR = 64


@dataclass(frozen=True, slots=True)
class Explorer:
    """The explorer of one page."""

    left_out: str = ""
    """Why there is none, as a sentence; empty if there is one."""
    packed: Packed | None = None
    facts: dict[str, Any] = field(default_factory=dict, hash=False)
    """What the scripts need to know besides the arrays; names in it may hold anything."""
    background: str = ""
    """What the slices lie on, as a sentence."""
    explored: Explored | None = field(default=None, compare=False, repr=False)
    """What it was made of."""


def explore(result: Result, behind: Backdrop) -> Explorer:
    """
    Make the explorer of a result.

    Parameters
    ----------
    result : Result
        One analysis.
    behind : Backdrop
        What the slices lie on.

    Returns
    -------
    Explorer
        With nothing but a reason if the files do not give the numbers of the tables.
    """
    try:
        explored = gather(result)
        parcellations = parcellations_of(result, explored.domain)
    except InputError as error:
        return Explorer(left_out=f"The explorer is left out, because {error}.")
    packed = pack(explored, parcellations)
    facts = {
        **_facts(result, explored),
        "arrays": packed.arrays,
        "sprite": brain_sprite(behind.brain) if behind.brain else None,
        "parcellations": [
            {"name": one.name, "regions": list(one.regions)} for one in parcellations
        ],
        "colours": _colours(),
    }
    return Explorer(packed=packed, facts=facts, background=behind.words, explored=explored)


def _facts(result: Result, explored: Explored) -> dict[str, Any]:
    grid = explored.domain.grid
    heights = [round(cut.value * PER_UNIT) for cut in result.heights if not cut.by_data]
    chosen = int(explored.chosen_height * PER_UNIT)
    goals = [cut.value for cut in result.tdp_cuts]
    goal = _USUAL_TDP if _USUAL_TDP in goals or not goals else goals[0]
    floor = max(0, min([chosen, *heights]) - int(_BELOW_CHOSEN * PER_UNIT))
    highest = int(steps_below(explored.bounded.forest.height).max(initial=0))
    return {
        "stem": result.stem,
        "contrast": result.contrast,
        "alternative": result.alternative,
        "signed": result.model["Model"].get("Test") != "F",
        "bounds_by": bounds_by(result),
        "permutations": result.permutations is not None,
        "alpha": float(result.inference["Alpha"]),
        "confidence": result.confidence,
        "connectivity": explored.connectivity,
        "fwhm": float(result.model.get("SmoothingFWHM") or 0),
        "shape": list(grid.shape),
        "affine": [[float(x) for x in row] for row in grid.affine],
        "xform": grid.xform_code,
        "discoveries": result.discoveries,
        "n_features": explored.domain.n_features,
        "n_nodes": int(explored.bounded.forest.size.size),
        "per_unit": PER_UNIT,
        # where to begin: as the first table on the page
        "height": heights[0] if heights else chosen,
        "goal": round(goal * 1000),
        "floor": floor,
        "highest": highest,
    }


def _colours() -> dict[str, list[str]]:
    """Those of the static pictures, from weak to strong."""
    import matplotlib as mpl
    from matplotlib.colors import to_hex

    from bids_ari.figures.colors import diverging

    strength = np.linspace(0, 1, _STEPS_OF_COLOUR)
    signed = diverging(0.0)
    return {
        "tdp": [to_hex(mpl.colormaps["viridis"](x)) for x in strength],
        "positive": [to_hex(signed(0.5 + 0.499 * x)) for x in strength],
        "negative": [to_hex(signed(0.5 - 0.499 * x)) for x in strength],
    }
