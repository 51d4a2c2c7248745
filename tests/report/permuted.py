"""An analysis on disk, as if its bounds came from permutations that allow what Simes' test does."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from bids_ari.tables import ARI_COLUMNS
from tests.report.conftest import table

RANKS = (1, 2, 5, 20, 100, 1000, 10_000)
ALPHA = 0.05
BOUND_TABLES = ("_clusters.tsv", "_regions.tsv", "_overlaps.tsv")


def permute(root: Path, stem: str, shift: int = 0, **told: Any) -> int:
    """
    Turn the files of an analysis into what permutations leave; return its Hommel value.

    ``told`` is what the sidecars say of the permutations beyond the usual. With a shift,
    thresholds that are left out are those that no bound of the tables depends on.
    """
    group = root / "group"
    permutations = {
        "Kind": "sign flips",
        "Number": 1000,
        "Learning": 0,
        "Exhaustive": False,
        "Seed": 7,
        "Exact": True,
        "Blocks": 0,
        "Templates": [{"Name": f"simes{shift or ''}", "Alpha": 0.05, "Level": 0.061, "Steps": 0}],
        "StepDown": False,
        "SimesError": 0.024,
        "SimesErrorInterval": [0.015, 0.035],
    } | told
    h = found = 0
    for path in group.glob(f"{stem}_*.json"):
        sidecar = json.loads(path.read_text(encoding="utf-8"))
        if "HommelValue" not in sidecar:
            continue
        h, found = sidecar.pop("HommelValue"), sidecar["Discoveries"]
        sidecar.pop("LocalTest", None)
        sidecar |= {
            "Method": "simes",
            "Permutations": permutations,
            "WithoutPermutations": {
                "Method": "ari",
                "HommelValue": h + 1,
                "Discoveries": max(found - 5, 0),
                "TDP": max(found - 5, 0) / sidecar["NumberOfFeatures"],
            },
        }
        path.write_text(json.dumps(sidecar), encoding="utf-8")
    thresholds = ALPHA * np.arange(1, 1 + h) / h
    rows = [
        (rank, "n/a" if rank <= shift else repr(float(one)))
        for rank, one in enumerate(thresholds, 1)
    ]
    table(group / f"{stem}_thresholds.tsv", ["rank", "p_threshold"], rows)
    table(
        group / f"{stem}_permutations.tsv",
        [
            *("rank", "observed", "permuted_low", "permuted_median", "permuted_high"),
            *("p_threshold", "ari_threshold"),
        ],
        [
            (rank, rank**1.5 / 1e6, rank / 3e4, rank / 1e4, min(rank / 1e4 + 0.01, 1),
             "n/a" if rank <= shift else thresholds[rank - 1], thresholds[rank - 1] / 1.2)
            for rank in RANKS
        ],
    )  # fmt: skip
    for path in (one for one in group.glob(f"{stem}_*") if one.name.endswith(BOUND_TABLES)):
        put_beside(path)
    sensitivity = group / f"{stem}_sensitivity.tsv"
    lines = sensitivity.read_text(encoding="utf-8").replace("\tyes\n", "\tno\n")
    alternative = sidecar["Alternative"]
    sensitivity.write_text(
        f"{lines}{alternative}\tpermutations\tn/a\t{found}\t0.5\tyes\n", encoding="utf-8"
    )
    return int(h)


def put_beside(path: Path) -> None:
    """Give a table the bound without permutations: one less, where there is any."""
    header, *lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    voxels, found = header.index("voxels"), header.index("discoveries")
    rows = []
    for line in lines:
        less = max(int(line[found]) - 1, 0)
        rows.append([*line, less, less / int(line[voxels]) if int(line[voxels]) else "n/a"])
    table(path, [*header, *(name for name, _ in ARI_COLUMNS)], rows)
