"""Tables of an output dataset as records; columns that older versions did not write may be missing."""

import re
from decimal import Decimal
from pathlib import Path

from bids_ari.report.raw import naming, rows
from bids_ari.report.records import (
    Assumption,
    Beside,
    Cluster,
    Measures,
    Overlap,
    Part,
    Participant,
    Peak,
    Region,
)

_NOTHING = "n/a"
_CONTRAST = re.compile(r"contrast-([0-9A-Za-z]+)_")


def clusters(table: Path, peak_table: Path) -> list[Cluster]:
    """Read the clusters of a set, each with the peaks after its first."""
    peaks: dict[int, list[Peak]] = {}
    for row in rows(peak_table, optional=True):
        with naming(peak_table, row):
            if int(row["peak"]) > 1:
                peaks.setdefault(int(row["cluster"]), []).append(_peak(row, "stat"))
    found = []
    for row in rows(table):
        with naming(table, row):
            number = int(row["cluster"])
            born = _text(row, "threshold")
            found.append(
                Cluster(
                    number=number,
                    sign=row["sign"],
                    voxels=int(row["voxels"]),
                    volume=float(row["volume_mm3"]),
                    discoveries=int(row["discoveries"]),
                    peak=_peak(row, "peak_stat"),
                    more_peaks=tuple(peaks.get(number, ())),
                    p_any=_p_value(row, "p_any"),
                    p_half=_p_value(row, "p_half"),
                    born=float(born) if born else None,
                    beside=_beside(row),
                )
            )
    return found


def overlaps(table: Path) -> list[Overlap]:
    """Read what clusters and regions have in common."""
    found = []
    for row in rows(table, optional=True):
        with naming(table, row):
            found.append(
                Overlap(
                    cluster=int(row["cluster"]),
                    atlas=row["atlas"],
                    region=row["region"],
                    voxels=int(row["voxels"]),
                    share_of_cluster=float(row["share_of_cluster"]),
                    share_of_region=float(row["share_of_region"]),
                    discoveries=int(row["discoveries"]),
                    beside=_beside(row),
                )
            )
    return found


def regions(table: Path) -> list[Region]:
    """Read the bounds of regions."""
    found = []
    for row in rows(table, optional=True):
        with naming(table, row):
            coverage = _text(row, "coverage")
            found.append(
                Region(
                    atlas=row["atlas"],
                    index=row["index"],
                    name=row["region"],
                    whole=_part(row, ""),
                    positive=_signed_part(row, "positive_"),
                    negative=_signed_part(row, "negative_"),
                    coverage=float(coverage) if coverage else None,
                    p_any=_p_value(row, "p_any"),
                    p_half=_p_value(row, "p_half"),
                    beside=_beside(row),
                )
            )
    return found


def sensitivity(table: Path) -> list[Assumption]:
    """Read the bounds of the whole mask under other assumptions."""
    found = []
    for row in rows(table, optional=True):
        with naming(table, row):
            hommel_value = _text(row, "hommel_value")
            found.append(
                Assumption(
                    alternative=row["alternative"],
                    local_test=row["local_test"],
                    hommel_value=int(hommel_value) if hommel_value else None,
                    discoveries=int(row["discoveries"]),
                    used=row["used"] == "yes",
                )
            )
    return found


def participants(table: Path) -> list[Participant]:
    """Read who takes part."""
    found = []
    for row in rows(table, optional=True):
        with naming(table, row):
            missing = _text(row, "missing_voxels")
            found.append(
                Participant(
                    label=row["participant_id"],
                    included=row["included"] == "yes",
                    reason=_text(row, "reason"),
                    missing_voxels=int(missing) if missing else None,
                    contrasts=tuple(dict.fromkeys(_CONTRAST.findall(row.get("source") or ""))),
                )
            )
    return found


def outliers(table: Path) -> list[Measures]:
    """Read how each map compares with the others."""
    found = []
    for row in rows(table, optional=True):
        with naming(table, row):
            names = ("mean", "spread", "correlation", "share_far")
            mean, spread, correlation, share_far = (
                float(_text(row, name) or "nan") for name in names
            )
            found.append(Measures(row["row"], mean, spread, correlation, share_far))
    return found


def _peak(row: dict[str, str], stat: str) -> Peak:
    position = (float(row["x"]), float(row["y"]), float(row["z"]))
    return Peak(float(row[stat]), position, _text(row, "regions"))


def _signed_part(row: dict[str, str], prefix: str) -> Part | None:
    """Read the bound of the voxels of a sign, which an F test does not have."""
    return _part(row, prefix) if _text(row, f"{prefix}voxels") else None


def _part(row: dict[str, str], prefix: str) -> Part:
    return Part(int(row[f"{prefix}voxels"]), int(row[f"{prefix}discoveries"]))


def _beside(row: dict[str, str]) -> Beside | None:
    """Read the bound without permutations; nothing where there is no other."""
    found = _text(row, "ari_discoveries")
    return Beside(int(found), int(row["voxels"])) if found else None


def _p_value(row: dict[str, str], column: str) -> Decimal | None:
    text = _text(row, column)
    if not text:
        return None
    p = Decimal(text)
    if not 0 <= p <= 1:
        msg = f"{column} is {text}, expected a number between 0 and 1"
        raise ValueError(msg)
    return p


def _text(row: dict[str, str], column: str) -> str:
    """Return a cell, empty if it or its column has nothing to say."""
    text = row.get(column) or _NOTHING
    return "" if text == _NOTHING else text
