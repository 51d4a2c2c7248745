"""What was done, and found, in the words of a methods section."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from bids_ari.boilerplate import paragraphs
from bids_ari.boilerplate.group_model import ESTIMATORS, group_model
from bids_ari.boilerplate.models import GroupModel
from bids_ari.boilerplate.resampling import Calibration

_ONE_SAMPLE = GroupModel()
_NONE: Mapping[str, int | None] = MappingProxyType({})


def methods(
    *,
    contrast: str | Sequence[str],
    group: GroupModel = _ONE_SAMPLE,
    input_stat: str = "effect",
    smoothing_fwhm: float = 0.0,
    mask_rule: str | None = None,
    alternative: str = "two-sided",
    alpha: float = 0.05,
    method: str = "ari",
    calibration: Calibration | None = None,
    cluster_thresholds: Sequence[float | Literal["auto"]] = (3.1,),
    chosen_threshold: float | None = None,
    tdp_thresholds: Sequence[float] = (),
    connectivity: int = 18,
    regions: Mapping[str, int | None] = _NONE,
    rois: int = 0,
    resampled: Sequence[str] = (),
    versions: Mapping[str, str] | None = None,
    n_features: int | None = None,
    hommel_value: int | None = None,
    discoveries: int | None = None,
    ari_discoveries: int | None = None,
) -> str:
    """
    Write what was done, in the words of a methods section.

    Parameters
    ----------
    contrast : str or sequence of str
        The first-level contrasts, each its own analysis.
    group : GroupModel
        The group model; what is not known yet is left out of the text.
    input_stat : str
        What the first-level maps hold: ``effect``, ``beta``, ``z`` or ``t``.
    smoothing_fwhm : float
        Full width at half maximum of the Gaussian kernel in mm; 0 for none.
    mask_rule : str, optional
        A sentence that says where the mask came from.
    alternative : {"two-sided", "greater", "less"}
        Sidedness of the t test at each voxel; F has none.
    alpha : float
        Familywise error rate.
    method : str
        How thresholds were obtained: ``ari``, with Simes' local test, ``hommel``, with Hommel's, or
        by permutations, if there is a calibration.
    calibration : Calibration, optional
        What thresholds were calibrated on.
    cluster_thresholds : sequence of float or "auto"
        z values above which clusters were formed; "auto" for the one that the data choose.
    chosen_threshold : float, optional
        The z value that the data chose, once it is known.
    tdp_thresholds : sequence of float
        TDPs for which the largest clusters that reach them were found.
    connectivity : {6, 18, 26}
        What counts as a neighbour.
    regions : mapping of str to int
        Atlases and how many of their regions were bounded, None where that is not known yet.
    rois : int
        Number of regions of interest.
    resampled : sequence of str
        Atlases and regions of interest that were not on the grid of the maps.
    versions : mapping of str to str, optional
        Software and its version.
    n_features, hommel_value, discoveries : int, optional
        Voxels analysed, Hommel value and bound for the whole mask, once they are known.
    ari_discoveries : int, optional
        Beside a bound from permutations, the one without.

    Returns
    -------
    text : str
        Markdown; citations as ``[@key]``, every key being in ``data/references.bib``.

    Raises
    ------
    ValueError
        If the method, a template, the alternative, the connectivity or the estimator has no
        description.

    Examples
    --------
    >>> print(methods(contrast="faces", group=GroupModel(n_maps=30)).splitlines()[0])
    First-level effect estimates (contrast of parameter estimates) of the contrast "faces" ...
    """
    for name, value, known in (
        *([] if calibration else [("method", method, tuple(paragraphs.LOCAL_TESTS))]),
        ("alternative", alternative, tuple(paragraphs.TESTS)),
        ("connectivity", connectivity, tuple(paragraphs.CONTACT)),
        ("estimator", group.estimator, tuple(ESTIMATORS)),
    ):
        if value not in known:
            msg = f"{name} is {value!r}, expected one of {', '.join(map(str, known))}"
            raise ValueError(msg)
    written = [
        group_model(contrast, group, input_stat, smoothing_fwhm, mask_rule),
        paragraphs.inference(
            method,
            alternative,
            group.tests,
            alpha,
            n_features,
            hommel_value,
            discoveries,
            calibration,
            ari_discoveries,
        ),
        paragraphs.clusters(
            cluster_thresholds,
            chosen_threshold,
            tdp_thresholds,
            connectivity,
            alternative,
            group.tests,
            nothing_found=discoveries == 0,
        ),
        *([paragraphs.regions(regions, rois, resampled, group.tests)] if regions or rois else []),
        paragraphs.software(versions or {}),
    ]
    return "\n\n".join(written) + "\n"
