"""The pictures of one result, ready to be embedded, each with words that say what it shows."""

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bids_ari import figures
from bids_ari.report.results import Cluster, Result
from bids_ari.report.words import beyond, number_of, proportion, signed

if TYPE_CHECKING:
    from pathlib import Path

N_CUTS = 8
APART = 8.0  # mm between two cuts
# a brain mask and the template's brain; masks of a lobe or of another species have less
FITS_TEMPLATE = 0.8
BEYOND_TEMPLATE = 20.0  # mm that a field of analysis in MNI space may stand out of the template


@dataclass(frozen=True, slots=True)
class Picture:
    """An image to embed: its bytes as a URI, what it shows in words, what stands below it."""

    uri: str
    alt: str
    caption: str
    width: int
    height: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Slices of one map from bottom to top."""

    title: str
    kind: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Everything drawn for one result; ``background`` tells what the slices lie on."""

    glass: tuple[Picture, ...]
    thumbnail: tuple[Picture, ...]
    rows: tuple[Row, ...]
    mask: tuple[Picture, ...]
    design: str
    histogram: str
    background: str
    threshold: float
    largest: float
    negative: tuple[str, ...]
    positive: tuple[str, ...]
    tdp: tuple[str, ...]


def draw(result: Result) -> Pictures:
    """
    Draw the maps, the mask and the model of a result.

    Parameters
    ----------
    result : Result
        One analysis.

    Returns
    -------
    pictures : Pictures
        With the template brain only where the maps are in its space.
    """
    z = _volume(result.maps["z"])
    mask = _volume(result.mask)
    threshold = result.thresholds[0].value
    inside = z.values[mask.values > 0]
    inside = inside[np.isfinite(inside)].astype(np.float64)
    largest = max(float(np.max(np.abs(inside), initial=0)), threshold + 0.5)
    brain, background = _background(result, mask)
    slicer = figures.Slicer(mask, brain)
    heights = _heights(result, mask)
    negative, positive = figures.z_gradient(threshold, largest)
    shown = _one_sided(z, result.alternative)
    glass = figures.glass_brain(shown, threshold=threshold, largest=largest) if brain else []
    small = [figures.smaller(panel, 0.55) for panel in glass] or [
        slicer.z(shown, at, threshold=threshold, largest=largest) for at in heights[1::2]
    ]
    return Pictures(
        glass=tuple(
            _picture(panel, f"glass brain {panel.name}: {_signs(result)}") for panel in glass
        ),
        thumbnail=tuple(
            _picture(panel, f"z map, {panel.name}" if not glass else f"glass brain {panel.name}")
            for panel in small
        ),
        rows=tuple(_rows(result, slicer, shown, heights, largest)),
        mask=tuple(
            _picture(panel, f"mask of the analysis at {panel.name}")
            for panel in slicer.mask_outline()
        ),
        design=_design(result),
        histogram=figures.histogram(inside, _marks(threshold, result.alternative)),
        background=background,
        threshold=threshold,
        largest=largest,
        negative=tuple(negative) if result.alternative != "greater" else (),
        positive=tuple(positive) if result.alternative != "less" else (),
        tdp=tuple(figures.tdp_gradient()),
    )


def _rows(
    result: Result,
    slicer: figures.Slicer,
    shown: figures.Volume,
    heights: list[float],
    largest: float,
) -> list[Row]:
    lowest = result.thresholds[0]
    labels = _volume(lowest.labels)
    known = {cluster.number: cluster for cluster in lowest.clusters}
    rows = [
        Row(
            f"z where {beyond(lowest.value, result.alternative)}",
            "z",
            tuple(
                _picture(
                    slicer.z(shown, at, threshold=lowest.value, largest=largest),
                    f"z map, axial slice at z = {at:.0f} mm: "
                    + _what(slicer.labels_at(labels, at), known, _peak_words),
                    f"{signed(at, 0)} mm",
                )
                for at in heights
            ),
        )
    ]
    for threshold in result.thresholds:
        tdp, labels = _volume(threshold.tdp), _volume(threshold.labels)
        known = {cluster.number: cluster for cluster in threshold.clusters}
        pictures = []
        for at in heights:
            numbers = slicer.labels_at(labels, at)
            pictures.append(
                _picture(
                    slicer.tdp(tdp, labels, at),
                    f"lower bound on the TDP of each cluster, axial slice at z = {at:.0f} mm: "
                    + _what(numbers, known, _tdp_words),
                    f"{signed(at, 0)} mm",
                    _cluster_numbers([n for n in numbers if n in known and known[n].discoveries]),
                )
            )
        title = f"TDP of clusters with {beyond(threshold.value, result.alternative)}"
        rows.append(Row(title, "tdp", tuple(pictures)))
    return rows


def _background(result: Result, mask: figures.Volume) -> tuple[figures.Volume | None, str]:
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


def _heights(result: Result, mask: figures.Volume) -> list[float]:
    """Choose axial cuts in mm: peaks with a discovery, what lies between, then the rest."""
    chosen: list[float] = []

    def add(height: float, apart: float) -> None:
        if len(chosen) < N_CUTS and all(abs(height - other) >= apart for other in chosen):
            chosen.append(float(height))

    clusters = [cluster for threshold in result.thresholds for cluster in threshold.clusters]
    clusters.sort(key=lambda cluster: (-cluster.discoveries, -cluster.voxels))
    for cluster in clusters:
        if cluster.discoveries:
            add(cluster.peak.position[2], APART)
    tdp = _volume(result.thresholds[0].tdp)
    if np.any(tdp.values > 0):
        low, high = tdp.corners(tdp.values > 0)[:, 2]
        for height in np.linspace(low + 0.1 * (high - low), high - 0.1 * (high - low), N_CUTS):
            add(np.rint(height), APART)
    for cluster in clusters:
        add(cluster.peak.position[2], APART)
    low, high = mask.corners(mask.values > 0)[:, 2]
    for apart in (2 * APART, APART, APART / 4):
        for height in np.linspace(low + 0.12 * (high - low), high - 0.08 * (high - low), N_CUTS):
            add(np.rint(height), apart)
    return sorted(chosen)


def _volume(path: "Path") -> figures.Volume:
    from bids_ari.images import read_map  # slow to import

    values, grid = read_map(path)
    return figures.Volume(values, grid.affine)


def _one_sided(z: figures.Volume, alternative: str) -> figures.Volume:
    """Leave out the values of the sign that was not tested."""
    if alternative == "two-sided":
        return z
    keep = z.values > 0 if alternative == "greater" else z.values < 0
    return figures.Volume(np.where(keep, z.values, 0), z.affine)


def _picture(
    panel: figures.Panel, alt: str, caption: str | None = None, note: str = ""
) -> Picture:
    return Picture(
        uri="data:image/webp;base64," + base64.b64encode(panel.data).decode(),
        alt=alt,
        caption=panel.name if caption is None else caption,
        width=panel.width,
        height=panel.height,
        note=note,
    )


def _marks(threshold: float, alternative: str) -> tuple[float, ...]:
    sides = {"two-sided": (-threshold, threshold), "greater": (threshold,), "less": (-threshold,)}
    return sides[alternative]


def _design(result: Result) -> str:
    regressors = [str(name) for name in result.model["Model"].get("Regressors", [])]
    weights = [float(weight) for weight in result.model["Model"].get("Weights", [])]
    try:
        values = np.array([[float(row[name]) for name in regressors] for row in result.design])
    except (KeyError, TypeError, ValueError):
        return ""
    if not values.size or len(weights) != len(regressors):
        return ""
    return figures.design_matrix(values, regressors, weights)


def _signs(result: Result) -> str:
    clusters = result.thresholds[0].clusters
    n_positive = sum(cluster.sign == "positive" for cluster in clusters)
    n_negative = len(clusters) - n_positive
    condition = beyond(result.thresholds[0].value, result.alternative)
    if not clusters:
        return f"no voxel with {condition}"
    parts = [
        number_of(n, f"{sign} cluster")
        for n, sign in ((n_positive, "positive"), (n_negative, "negative"))
        if n
    ]
    return f"{' and '.join(parts)} with {condition}"


def _peak_words(cluster: Cluster) -> str:
    return f"cluster {cluster.number}, {cluster.sign}, peak z {cluster.peak.stat:.2f}"


def _tdp_words(cluster: Cluster) -> str:
    return f"cluster {cluster.number} at least {proportion(cluster.discoveries, cluster.voxels)}"


def _what(numbers: list[int], known: dict[int, Cluster], words: Any, most: int = 6) -> str:
    seen = [words(known[number]) for number in numbers if number in known]
    if not seen:
        return "no cluster"
    rest = len(seen) - most
    return "; ".join(seen[:most]) + (f"; {number_of(rest, 'more cluster')}" if rest > 0 else "")


def _cluster_numbers(numbers: list[int]) -> str:
    """Write which clusters with a discovery a slice shows, as short as a caption must be."""
    if not numbers:
        return ""
    shown = ", ".join(str(number) for number in numbers[:4])
    return f"#{shown}" + ("…" if len(numbers) > 4 else "")
