"""An output dataset, read from its files alone."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bids_ari.errors import ExitCode, InputError
from bids_ari.outputs import sidecar_of
from bids_ari.report.results import Cluster, Participant, Peak, Result, Threshold

_Z_MAP = "_stat-z_statmap.nii.gz"
_RUN = "_run.json"
_INFERENCE_KEYS = ("Alpha", "Discoveries", "HommelValue", "NumberOfFeatures")


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
    _must_exist(mask)
    _must_exist(group / f"{stem}{_Z_MAP}")
    thresholds = sorted(
        (_threshold(group, stem, path) for path in files if path.name.endswith("_clusters.tsv")),
        key=lambda threshold: threshold.value,
    )
    if not thresholds:
        msg = f"{group}/{stem}_desc-*_clusters.tsv: found none, expected one per cluster threshold"
        raise InputError(msg)
    run = _json(logs / f"{stem}_run.json", optional=True)
    asked = run.get("Options", {}).get("cluster_threshold")
    current = [one for one in thresholds if not asked or one.value in asked] or thresholds
    tdp_sidecars = [_json(sidecar_of(threshold.tdp)) for threshold in current]
    for threshold, sidecar in zip(current, tdp_sidecars, strict=True):
        _require(sidecar_of(threshold.tdp), sidecar, _INFERENCE_KEYS)
    z_sidecar = group / f"{stem}_stat-z_statmap.json"
    model = _json(z_sidecar)
    _require(z_sidecar, model, ("Model",))
    _require(z_sidecar, model["Model"], ("NumberOfMaps",))
    return Result(
        root=root,
        stem=stem,
        entities=dict(part.split("-", 1) for part in stem.split("_") if "-" in part),
        maps={
            stat: path
            for stat in ("effect", "variance", "t", "z", "p")
            if (path := group / f"{stem}_stat-{stat}_statmap.nii.gz").exists()
        },
        mask=mask,
        inference=tdp_sidecars[0],
        model=model,
        mask_sidecar=_json(sidecar_of(mask)),
        t_sidecar=_json(group / f"{stem}_stat-t_statmap.json", optional=True),
        run=run,
        thresholds=tuple(current),
        participants=tuple(_participants(logs / f"{stem}_inclusion.tsv")),
        design=tuple(_rows(group / f"{stem}_design.tsv", optional=True)),
        leftover=tuple(one for one in thresholds if one not in current),
        disagree=tuple(
            key
            for key in (*_INFERENCE_KEYS, "Alternative", "Connectivity", "SmoothingFWHM")
            if any(sidecar.get(key) != tdp_sidecars[0].get(key) for sidecar in tdp_sidecars)
        ),
        files=files,
    )


def _belongs(path: Path, stem: str) -> bool:
    """Tell whether a name continues the stem with what this analysis writes, not with an entity."""
    rest = path.name.removeprefix(f"{stem}_")
    return rest.startswith(("stat-", "desc-", "design.", "inclusion.", "run."))


def _threshold(group: Path, stem: str, table: Path) -> Threshold:
    desc = table.name.removeprefix(f"{stem}_desc-").removesuffix("_clusters.tsv")
    tdp = group / f"{stem}_stat-tdp_desc-{desc}_statmap.nii.gz"
    labels = group / f"{stem}_desc-{desc}_dseg.nii.gz"
    peaks_table = group / f"{stem}_desc-{desc}_peaks.tsv"
    for path in (tdp, labels):
        _must_exist(path)
    sidecar = _json(sidecar_of(tdp))
    _require(sidecar_of(tdp), sidecar, ("ClusterThreshold",))
    peaks: dict[int, list[Peak]] = {}
    for row in _rows(peaks_table, optional=True):
        with _naming(peaks_table, row):
            if int(row["peak"]) > 1:
                peaks.setdefault(int(row["cluster"]), []).append(_peak(row, "stat"))
    clusters = []
    for row in _rows(table):
        with _naming(table, row):
            number = int(row["cluster"])
            clusters.append(
                Cluster(
                    number=number,
                    sign=row["sign"],
                    voxels=int(row["voxels"]),
                    volume=float(row["volume_mm3"]),
                    discoveries=int(row["discoveries"]),
                    peak=_peak(row, "peak_stat"),
                    more_peaks=tuple(peaks.get(number, ())),
                )
            )
    expected = sidecar.get("NumberOfClusters", len(clusters))
    if expected != len(clusters):
        msg = f"{table} has {len(clusters)} clusters, but its maps have {expected}"
        raise InputError(msg)
    tables = tuple(path for path in (table, peaks_table) if path.exists())
    return Threshold(
        float(sidecar["ClusterThreshold"]), desc, tdp, labels, tables, tuple(clusters)
    )


def _peak(row: dict[str, str], stat: str) -> Peak:
    return Peak(float(row[stat]), (float(row["x"]), float(row["y"]), float(row["z"])))


def _participants(table: Path) -> list[Participant]:
    participants = []
    for row in _rows(table, optional=True):
        with _naming(table, row):
            missing = row.get("missing_voxels") or "n/a"
            participants.append(
                Participant(
                    label=row["participant_id"],
                    included=row["included"] == "yes",
                    reason="" if (row.get("reason") or "n/a") == "n/a" else row["reason"],
                    missing_voxels=None if missing == "n/a" else int(missing),
                )
            )
    return participants


@contextmanager
def _naming(path: Path, row: dict[str, str]) -> Iterator[None]:
    """Say in which file and line a value could not be understood."""
    try:
        yield
    except KeyError as error:
        msg = f"{path} lacks the column {error}, found {', '.join(row)}"
        raise InputError(msg) from error
    except (TypeError, ValueError) as error:
        values = " ".join(str(value) for value in row.values())
        msg = f"{path} has a line that is not understood: {values} ({error})"
        raise InputError(msg) from error


def _rows(path: Path, *, optional: bool = False) -> list[dict[str, str]]:
    if optional and not path.exists():
        return []
    _must_exist(path)
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def _json(path: Path, *, optional: bool = False) -> dict[str, Any]:
    if optional and not path.exists():
        return {}
    _must_exist(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        msg = f"{path} is not JSON: {error}"
        raise InputError(msg) from error
    if not isinstance(content, dict):
        msg = f"{path} holds a {type(content).__name__}, expected an object"
        raise InputError(msg)
    return content


def _must_exist(path: Path) -> None:
    if not path.is_file():
        msg = f"{path} is missing, so that no report can be made of its analysis"
        raise InputError(msg, ExitCode.NO_INPUT)


def _require(path: Path, sidecar: dict[str, Any], keys: tuple[str, ...]) -> None:
    missing = [key for key in keys if key not in sidecar]
    if missing:
        msg = f"{path} lacks {', '.join(missing)}"
        raise InputError(msg)
