"""An output dataset, read from its files alone."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from bids_ari.errors import InputError
from bids_ari.outputs import cut_labels, sidecar_of
from bids_ari.report import calibration, tables
from bids_ari.report.raw import json_object, must_exist, require, rows
from bids_ari.report.records import Background, Cut
from bids_ari.report.results import Result

_Z_MAP = "_stat-z_statmap.nii.gz"
RUN = "_run.json"
BACKGROUND = "Background"
"""Key of the record of a run: what is drawn behind the maps."""
_CLUSTERS = "_clusters.tsv"
_INFERENCE_KEYS = ("Alpha", "Discoveries", "NumberOfFeatures")
_SHARED_KEYS = (
    *(*_INFERENCE_KEYS, "HommelValue", calibration.PERMUTATIONS),
    *("Method", "Alternative", "Connectivity", "SmoothingFWHM"),
)


def stems(output_dir: Path) -> list[str]:
    """
    List what the names of the files of each analysis in an output dataset begin with.

    Parameters
    ----------
    output_dir : Path
        Root of the dataset that a run has written.

    Returns
    -------
    list of str
        In order; empty where no run has left anything.
    """
    maps = (output_dir / "group").glob(f"*{_Z_MAP}")
    runs = (output_dir / "logs").glob(f"*{RUN}")
    found = {path.name.removesuffix(_Z_MAP) for path in maps}
    return sorted(found | {path.name.removesuffix(RUN) for path in runs})


def space_of(stem: str) -> str:
    """
    Tell the space of the maps of an analysis.

    Parameters
    ----------
    stem : str
        What the names of its files begin with.

    Returns
    -------
    str
        Empty if they do not say.

    Examples
    --------
    >>> space_of("task-faces_space-MNIInfant+2_model-oneSample_contrast-faces")
    'MNIInfant+2'
    """
    return _entities(stem).get("space", "")


def _entities(stem: str) -> dict[str, str]:
    return dict(part.split("-", 1) for part in stem.split("_") if "-" in part)


def find(output_dir: Path, failures: dict[str, Exception] | None = None) -> list[Result]:
    """
    Find the analyses in an output dataset.

    Parameters
    ----------
    output_dir : Path
        Root of the dataset that a run has written.
    failures : dict, optional
        Where errors are put, by the analysis that cannot be read, so that the others are.

    Returns
    -------
    results : list of Result
        In the order of their names; empty where no run has left anything.

    Raises
    ------
    InputError
        If a file of an analysis is missing or cannot be read, and ``failures`` is not given.
    """
    output_dir = Path(output_dir)
    found = []
    for stem in stems(output_dir):
        with collecting(failures, stem):
            found.append(_read(output_dir, stem))
    return found


@contextmanager
def collecting(failures: dict[str, Exception] | None, stem: str) -> Iterator[None]:
    """
    Put an error aside, so that one analysis does not cost the reports of the others.

    Parameters
    ----------
    failures : dict or None
        Where it is put; None to raise it.
    stem : str
        The analysis.

    Yields
    ------
    None
    """
    try:
        yield
    except Exception as error:  # whatever it is, results are there and the other reports too
        if failures is None:
            raise
        failures[stem] = error


def _read(root: Path, stem: str) -> Result:
    group, logs = root / "group", root / "logs"
    files = tuple(
        path
        for folder in (group, logs)
        for path in sorted(folder.glob(f"{stem}_*"))
        if belongs(path, stem)
    )
    mask = group / f"{stem}_desc-analysis_mask.nii.gz"
    must_exist(mask)
    must_exist(group / f"{stem}{_Z_MAP}")
    run = json_object(logs / f"{stem}{RUN}", optional=True)
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
    inference = sidecars[heights[0].label] | of_mask
    of_inference = sidecar_of(gradient if of_mask else heights[0].tdp)
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
        entities=_entities(stem),
        maps={
            stat: path
            for stat in ("effect", "variance", "t", "F", "z", "p", "tau2")
            if (path := group / f"{stem}_stat-{stat}_statmap.nii.gz").exists()
        },
        mask=mask,
        inference=inference,
        permutations=calibration.read(inference, of_inference, group, stem),
        model=model,
        mask_sidecar=json_object(sidecar_of(mask)),
        stat_sidecar=json_object(group / f"{stem}_stat-{test}_statmap.json", optional=True),
        background=_background(run, logs / f"{stem}{RUN}", root),
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


def _background(run: Mapping[str, Any], path: Path, root: Path) -> Background | None:
    """Read what was asked to be drawn behind the maps."""
    kept = run.get(BACKGROUND)
    if not kept:
        return None
    if not isinstance(kept, dict):
        msg = f"{path} has a {BACKGROUND} that is no object"
        raise InputError(msg)
    require(path, kept, ("Name", "Space", "Source", "Image"))
    name, space, source, image = (str(kept[key]) for key in ("Name", "Space", "Source", "Image"))
    return Background(name, space, source, root / image)


def belongs(path: Path, stem: str) -> bool:
    """Tell whether a name continues the stem with what this analysis writes, not with an entity."""
    rest = path.name.removeprefix(f"{stem}_")
    return rest.startswith(
        (
            *("stat-", "desc-", "design.", "inclusion.", "outliers.", "permutations.", "regions."),
            *("run.", "sensitivity.", "thresholds."),
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
        require(sidecar_of(tdp), sidecar, (*_INFERENCE_KEYS, _source_of_bounds(sidecar)))
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


def _source_of_bounds(sidecar: Mapping[str, Any]) -> str:
    """Name the key that says what bounds come from, whether it is there or not."""
    for key in (calibration.PERMUTATIONS, "HommelValue"):
        if key in sidecar:
            return key
    from bids_ari.stats import RESAMPLED  # slow to import

    return calibration.PERMUTATIONS if sidecar.get("Method") in RESAMPLED else "HommelValue"


def _ascending(cuts: Mapping[str, Cut], kind: Literal["height", "tdp"]) -> tuple[Cut, ...]:
    chosen = [cut for cut in cuts.values() if cut.kind == kind]
    return tuple(sorted(chosen, key=lambda cut: (cut.value, cut.by_data)))
