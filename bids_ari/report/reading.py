"""An output dataset, read from its files alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from bids_ari.errors import InputError
from bids_ari.outputs import cut_labels, sidecar_of
from bids_ari.report import tables
from bids_ari.report.raw import json_object, must_exist, require, rows
from bids_ari.report.records import Cut
from bids_ari.report.results import Result

_Z_MAP = "_stat-z_statmap.nii.gz"
_RUN = "_run.json"
_CLUSTERS = "_clusters.tsv"
_INFERENCE_KEYS = ("Alpha", "Discoveries", "HommelValue", "NumberOfFeatures")
_SHARED_KEYS = (*_INFERENCE_KEYS, "Method", "Alternative", "Connectivity", "SmoothingFWHM")


def find(output_dir: Path) -> list[Result]:
    """
    Find the analyses in an output dataset.

    Parameters
    ----------
    output_dir : Path
        Root of the dataset that a run has written.

    Returns
    -------
    results : list of Result
        In the order of their names; empty where no run has left anything.

    Raises
    ------
    InputError
        If a file of an analysis is missing or cannot be read.
    """
    output_dir = Path(output_dir)
    maps = (output_dir / "group").glob(f"*{_Z_MAP}")
    runs = (output_dir / "logs").glob(f"*{_RUN}")
    stems = {path.name.removesuffix(_Z_MAP) for path in maps}
    stems |= {path.name.removesuffix(_RUN) for path in runs}
    return [_read(output_dir, stem) for stem in sorted(stems)]


def _read(root: Path, stem: str) -> Result:
    group, logs = root / "group", root / "logs"
    files = tuple(
        path
        for folder in (group, logs)
        for path in sorted(folder.glob(f"{stem}_*"))
        if _belongs(path, stem)
    )
    mask = group / f"{stem}_desc-analysis_mask.nii.gz"
    must_exist(mask)
    must_exist(group / f"{stem}{_Z_MAP}")
    run = json_object(logs / f"{stem}_run.json", optional=True)
    options = run.get("Options", {})
    asked_for_regions = not options or bool(options.get("atlas") or options.get("roi"))
    everything, sidecars = _cuts(group, stem, files, with_overlaps=asked_for_regions)
    asked = set(_asked(options)) or set(everything)
    current = {label: cut for label, cut in everything.items() if label in asked} or everything
    heights = _ascending(current, "height")
    if not heights:
        msg = f"{group}/{stem}_desc-z*{_CLUSTERS}: found none, expected one per cluster threshold"
        raise InputError(msg)
    of_cuts = [sidecars[label] for label in current]
    gradient = group / f"{stem}_stat-tdp_desc-gradient_statmap.nii.gz"
    of_mask = json_object(sidecar_of(gradient)) if gradient.exists() else {}
    z_sidecar = group / f"{stem}_stat-z_statmap.json"
    model = json_object(z_sidecar)
    require(z_sidecar, model, ("Model",))
    require(z_sidecar, model["Model"], ("NumberOfMaps",))
    test = "F" if model["Model"].get("Test") == "F" else "t"
    stats_model = logs / f"{stem}_smdl.json"
    region_table = group / f"{stem}_regions.tsv"
    of_regions = json_object(sidecar_of(region_table), optional=True) if asked_for_regions else {}
    return Result(
        root=root,
        stem=stem,
        entities=dict(part.split("-", 1) for part in stem.split("_") if "-" in part),
        maps={
            stat: path
            for stat in ("effect", "variance", "t", "F", "z", "p", "tau2")
            if (path := group / f"{stem}_stat-{stat}_statmap.nii.gz").exists()
        },
        mask=mask,
        inference=sidecars[heights[0].label] | of_mask,
        model=model,
        mask_sidecar=json_object(sidecar_of(mask)),
        stat_sidecar=json_object(group / f"{stem}_stat-{test}_statmap.json", optional=True),
        run=run,
        heights=heights,
        tdp_cuts=_ascending(current, "tdp"),
        gradient=gradient if gradient.exists() else None,
        sensitivity=tuple(tables.sensitivity(group / f"{stem}_sensitivity.tsv")),
        regions=tuple(tables.regions(region_table)) if asked_for_regions else (),
        resampled=tuple(map(str, of_regions.get("ResampledToNearestNeighbour", ()))),
        participants=tuple(tables.participants(logs / f"{stem}_inclusion.tsv")),
        design=tuple(rows(group / f"{stem}_design.tsv", optional=True)),
        outliers=tuple(tables.outliers(group / f"{stem}_outliers.tsv")),
        stats_model=stats_model if stats_model.exists() else None,
        leftover=tuple(cut for label, cut in everything.items() if label not in current),
        regions_left=region_table.exists() and not asked_for_regions,
        disagree=tuple(
            key
            for key in _SHARED_KEYS
            if any(one.get(key) != of_cuts[0].get(key) for one in of_cuts)
            or of_mask.get(key, of_cuts[0].get(key)) != of_cuts[0].get(key)
        ),
        files=files,
    )


def _belongs(path: Path, stem: str) -> bool:
    """Tell whether a name continues the stem with what this analysis writes, not with an entity."""
    rest = path.name.removeprefix(f"{stem}_")
    return rest.startswith(
        (
            *("stat-", "desc-", "design.", "inclusion.", "outliers.", "regions.", "run."),
            "sensitivity.",
        )
    )


def _asked(options: Mapping[str, Any]) -> list[str]:
    """Name the sets of clusters that the last run was asked for; older ones knew no TDP."""
    return cut_labels(options.get("cluster_threshold", ()), options.get("tdp_threshold", ()))


def _cuts(
    group: Path, stem: str, files: tuple[Path, ...], *, with_overlaps: bool
) -> tuple[dict[str, Cut], dict[str, dict[str, Any]]]:
    """Read all sets of clusters that there are and the sidecars of their TDP maps, by label."""
    cuts, sidecars = {}, {}
    for table in files:
        if not table.name.endswith(_CLUSTERS):
            continue
        label = table.name.removeprefix(f"{stem}_desc-").removesuffix(_CLUSTERS)
        tdp = group / f"{stem}_stat-tdp_desc-{label}_statmap.nii.gz"
        labels = group / f"{stem}_desc-{label}_dseg.nii.gz"
        for path in (tdp, labels):
            must_exist(path)
        sidecar = sidecars[label] = json_object(sidecar_of(tdp))
        require(sidecar_of(tdp), sidecar, _INFERENCE_KEYS)
        by_tdp = "TDPThreshold" in sidecar
        if not by_tdp:
            require(sidecar_of(tdp), sidecar, ("ClusterThreshold",))
        clusters = tables.clusters(table, group / f"{stem}_desc-{label}_peaks.tsv")
        expected = sidecar.get("NumberOfClusters", len(clusters))
        if expected != len(clusters):
            msg = f"{table} has {len(clusters)} clusters, but its maps have {expected}"
            raise InputError(msg)
        overlaps = tables.overlaps(group / f"{stem}_desc-{label}_overlaps.tsv")
        cuts[label] = Cut(
            kind="tdp" if by_tdp else "height",
            value=float(sidecar["TDPThreshold" if by_tdp else "ClusterThreshold"]),
            label=label,
            by_data=sidecar.get("ClusterThresholdChosenBy") == "data",
            tdp=tdp,
            labels=labels,
            clusters=tuple(clusters),
            overlaps=tuple(overlaps) if with_overlaps else (),
        )
    return cuts, sidecars


def _ascending(cuts: Mapping[str, Cut], kind: Literal["height", "tdp"]) -> tuple[Cut, ...]:
    chosen = [cut for cut in cuts.values() if cut.kind == kind]
    return tuple(sorted(chosen, key=lambda cut: (cut.value, cut.by_data)))
