"""Rows of axial slices: the z map, the clusters of each set, and the gradient of TDP."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bids_ari import figures
from bids_ari.report.embedding import Picture, picture, volume_of
from bids_ari.report.findings import condition, nothing_found
from bids_ari.report.records import Cluster, Cut
from bids_ari.report.results import Result
from bids_ari.report.words import beyond, number_of, proportion, signed, typeset

N_CUTS = 8
APART = 8.0  # mm between two slices
MOST_SETS = 6  # of clusters that have a row of their own
_MOST_BY_TDP = 3
HOW_SLICES_ARE_DRAWN = (
    "Axial slices at the heights given, the left of the brain on the left; below slices of TDP also "
    "the numbers (#) of the clusters with a discovery. Voxels are drawn as they are, without "
    "interpolation."
)


@dataclass(frozen=True, slots=True)
class Row:
    """Slices of one map from bottom to top."""

    title: str
    kind: str
    pictures: tuple[Picture, ...]
    ending: str
    """Of the name of the figure."""
    sources: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """Which values of the z map are drawn, and which has the strongest colour."""

    threshold: float
    largest: float


def rows_of(
    result: Result, slicer: figures.Slicer, shown: figures.Volume, heights: list[float], z: Scale
) -> list[Row]:
    """Cut all maps of a result at the same heights in mm."""
    return [
        _z_row(result, slicer, shown, heights, z),
        *_gradient_row(result, slicer, heights),
        *(_tdp_row(cut, result, slicer, heights) for cut in sets_with_row(result)),
    ]


def sets_with_row(result: Result) -> list[Cut]:
    """Choose which sets of clusters are drawn: all, or some of both kinds, the lowest first."""
    heights, by_tdp = (
        [cut for cut in cuts if cut.clusters] for cuts in (result.heights, result.tdp_cuts)
    )
    n_by_tdp = min(len(by_tdp), max(_MOST_BY_TDP, MOST_SETS - len(heights)))
    return [*heights[: MOST_SETS - n_by_tdp], *by_tdp[:n_by_tdp]]


def not_drawn(result: Result) -> str:
    """Name the sets of clusters that have no row for want of space; empty if there are none."""
    drawn = sets_with_row(result)
    rest = [
        condition(cut, result.alternative)
        for cut in result.cuts
        if cut.clusters and cut not in drawn
    ]
    return f"Not drawn, but in the files: clusters at {typeset(', '.join(rest))}." if rest else ""


def heights_of(result: Result, mask: figures.Volume) -> list[float]:
    """Choose axial cuts in mm: peaks with a discovery, what lies between, then the rest."""
    chosen: list[float] = []

    def add(height: float, apart: float) -> None:
        if len(chosen) < N_CUTS and all(abs(height - other) >= apart for other in chosen):
            chosen.append(float(height))

    clusters = [cluster for cut in result.cuts for cluster in cut.clusters]
    clusters.sort(key=lambda cluster: (-cluster.discoveries, -cluster.voxels))
    for cluster in clusters:
        if cluster.discoveries:
            add(cluster.peak.position[2], APART)
    tdp = volume_of(result.heights[0].tdp)
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


def _z_row(
    result: Result, slicer: figures.Slicer, shown: figures.Volume, heights: list[float], z: Scale
) -> Row:
    lowest = result.heights[0]
    labels = volume_of(lowest.labels)
    known = {cluster.number: cluster for cluster in lowest.clusters}
    where = (
        condition(lowest, result.alternative)
        if lowest.value == z.threshold
        else beyond(z.threshold, result.alternative)
    )
    pictures = [
        picture(
            slicer.z(shown, at, threshold=z.threshold, largest=z.largest),
            f"z map, axial slice at z = {at:.0f} mm: "
            + _what(slicer.labels_at(labels, at), known, _peak_words),
            f"{signed(at, 0)} mm",
        )
        for at in heights
    ]
    return Row(
        f"z where {where}",
        "z",
        tuple(pictures),
        "stat-z_desc-slices_statmap",
        (result.maps["z"], result.mask),
    )


def _gradient_row(result: Result, slicer: figures.Slicer, heights: list[float]) -> Iterator[Row]:
    if result.gradient is None or nothing_found(result):
        return
    gradient = volume_of(result.gradient)
    inside = figures.Volume((gradient.values > 0).astype(np.int32), gradient.affine)
    pictures = []
    for at in heights:
        largest = slicer.largest_at(gradient, at)
        pictures.append(
            picture(
                slicer.tdp(gradient, inside, at),
                f"largest TDP of any cluster that holds the voxel, axial slice at z = {at:.0f} mm: "
                + (f"up to {_floor(largest)}" if largest > 0 else "no discovery"),
                f"{signed(at, 0)} mm",
            )
        )
    yield Row(
        "Largest TDP of any cluster that holds the voxel",
        "gradient",
        tuple(pictures),
        "stat-tdp_desc-gradient_statmap",
        (result.gradient,),
    )


def _tdp_row(cut: Cut, result: Result, slicer: figures.Slicer, heights: list[float]) -> Row:
    tdp, labels = volume_of(cut.tdp), volume_of(cut.labels)
    known = {cluster.number: cluster for cluster in cut.clusters}
    pictures = []
    for at in heights:
        numbers = slicer.labels_at(labels, at)
        pictures.append(
            picture(
                slicer.tdp(tdp, labels, at),
                f"lower bound on the TDP of each cluster, axial slice at z = {at:.0f} mm: "
                + _what(numbers, known, _tdp_words),
                f"{signed(at, 0)} mm",
                _cluster_numbers([n for n in numbers if n in known and known[n].discoveries]),
            )
        )
    chosen = ", chosen by the data" if cut.by_data else ""
    where = condition(cut, result.alternative)
    title = (
        f"Largest clusters with {where}"
        if cut.kind == "tdp"
        else f"TDP of clusters with {where}{chosen}"
    )
    ending = f"stat-tdp_desc-{cut.label}_statmap"
    return Row(title, "tdp", tuple(pictures), ending, (cut.tdp, cut.labels))


def _floor(tdp: float) -> str:
    """Write a proportion that is known as a number only, rounded down."""
    return proportion(int(round(tdp * 1e6, 2)), 1_000_000)


def _peak_words(cluster: Cluster) -> str:
    sign = f", {cluster.sign}" if cluster.sign in {"positive", "negative"} else ""
    return f"cluster {cluster.number}{sign}, peak z {cluster.peak.stat:.2f}"


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
