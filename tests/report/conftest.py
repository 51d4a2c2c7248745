"""A small output dataset, written as the pipeline writes it, with bounds that are true of its maps."""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from tests.report.brute_force import (
    Found,
    RegionOf,
    activation,
    beyond,
    bound,
    clusters,
    concentration_size,
    hommel,
    label,
    overlaps,
    reaching,
    region_rows,
    tied,
)

Writer = Callable[..., str]
CLUSTER_COLUMNS = [
    "cluster",
    "sign",
    "voxels",
    "volume_mm3",
    "discoveries",
    "tdp",
    "p_any",
    "p_half",
    "threshold",
    "peak_stat",
    "x",
    "y",
    "z",
    "regions",
]
OVERLAP_COLUMNS = [
    "cluster",
    "atlas",
    "index",
    "region",
    "voxels",
    "share_of_cluster",
    "share_of_region",
    "discoveries",
    "tdp",
]


@pytest.fixture(scope="session")
def brain() -> nb.Nifti1Image:
    """Return the mask of the MNI152 brain with voxels of 4 mm."""
    from nilearn.datasets import load_mni152_brain_mask

    mask: nb.Nifti1Image = load_mni152_brain_mask(resolution=4)
    return mask


@pytest.fixture
def write_dataset(tmp_path: Path, brain: nb.Nifti1Image) -> Writer:
    """Return a function that adds one analysis to ``tmp_path`` and returns its stem."""

    def write(**options: Any) -> str:
        return write_analysis(tmp_path, brain, **options)

    return write


def write_analysis(
    root: Path,
    mask_img: nb.Nifti1Image,
    *,
    contrast: str = "facesVsShapes",
    name: str | None = None,
    space: str = "MNI152NLin2009cAsym",
    strength: float = 7.0,
    thresholds: Sequence[float] = (3.1,),
    alternative: str = "two-sided",
    regressors: Sequence[str] = ("intercept",),
    n_maps: int = 20,
    z: NDArray[np.float64] | None = None,
    participants: Sequence[tuple[str, str, str, str]] | None = None,
    mask_sidecar: dict[str, Any] | None = None,
    t_sidecar: dict[str, Any] | None = None,
    auto: bool = False,
    tdp_thresholds: Sequence[float] = (),
    regions: Sequence[RegionOf] = (),
    resampled: Sequence[str] = (),
    rois: Sequence[str] = (),
    local_test: str = "simes",
    older: bool = False,
    model: Mapping[str, Any] | None = None,
    outliers: Sequence[tuple[object, ...]] = (),
    stats_model: bool = False,
    first_level: str = "",
) -> str:
    """
    Write all files of one analysis, as ``bids_ari.outputs`` names them.

    ``auto`` adds the threshold that the data choose; ``older`` leaves out what the first versions
    did not write. ``model`` is what the sidecars say of the group model beyond the usual; where
    that is an F test, ``alternative`` has to be ``greater``, and nothing has a sign.
    """
    mask = np.asarray(mask_img.dataobj) > 0
    affine = mask_img.affine
    stem = "_".join(
        filter(
            None,
            [
                "task-faces",
                f"space-{space}" * bool(space),
                "model-oneSample",
                f"contrast-{name or contrast}",
            ],
        )
    )
    group, logs = root / "group", root / "logs"
    group.mkdir(exist_ok=True)
    logs.mkdir(exist_ok=True)

    def save(values: NDArray[Any], suffix: str, sidecar: dict[str, Any], dtype: Any) -> None:
        image = nb.Nifti1Image(values.astype(dtype), affine)
        image.to_filename(group / f"{stem}_{suffix}.nii.gz")
        (group / f"{stem}_{suffix}.json").write_text(json.dumps(sidecar), encoding="utf-8")

    z = activation(mask, strength) if z is None else z
    p = {"two-sided": 2 * norm.sf(np.abs(z)), "greater": norm.sf(z), "less": norm.cdf(z)}[
        alternative
    ]
    h = hommel(p[mask])
    whole = bound(p[mask], h)
    voxel = float(np.abs(np.linalg.det(affine[:3, :3])))
    common: dict[str, Any] = {
        "SmoothingFWHM": 6,
        "InputStat": "effect",
        "Model": {
            "Name": "oneSample",
            "NumberOfMaps": n_maps,
            "DegreesOfFreedom": n_maps - len(regressors),
            "Regressors": list(regressors),
            "Contrast": contrast,
            "Weights": [1.0] + [0.0] * (len(regressors) - 1),
        }
        | dict(model or {}),
        "Alternative": alternative,
    }
    is_f = common["Model"].get("Test") == "F"
    save(z, "stat-z_statmap", common, np.float32)
    save(
        z,
        f"stat-{'F' if is_f else 't'}_statmap",
        common | {"FeaturesWithoutVariance": 0} | (t_sidecar or {}),
        np.float32,
    )
    if not is_f:
        save(z / 3, "stat-effect_statmap", common, np.float32)
    save(p, "stat-p_statmap", common, np.float64)
    save(
        mask,
        "desc-analysis_mask",
        {
            "Type": "Brain",
            "Rule": f"voxels with a finite value other than 0 in all {n_maps} maps",
            "NumberOfFeatures": int(mask.sum()),
            "VolumeMm3": voxel * int(mask.sum()),
            "LostFeatures": 0,
            "MissingVoxels": "missing values count as 0 before smoothing",
        }
        | (mask_sidecar or {}),
        np.uint8,
    )
    concentration = concentration_size(p[mask], h)
    chosen = float(np.abs(z).max())  # where there is no discovery, so that there is no cluster
    if concentration:
        in_set = mask & (p <= np.sort(p[mask])[concentration - 1])
        chosen = float(np.nextafter(np.abs(z[in_set]).min(), 0))
    whole_mask = common | {
        "Method": {"simes": "ari", "hommel": "hommel"}[local_test],
        "LocalTest": local_test,
        "Alpha": 0.05,
        "Confidence": 0.95,
        "HommelValue": h,
        "NumberOfFeatures": int(mask.sum()),
        "Discoveries": whole,
        "TDP": whole / int(mask.sum()),
        "ConcentrationSize": concentration,
        "ConcentrationThreshold": chosen,
        "TiedFeatures": tied(p[mask][p[mask] < 1]),
    }
    if older:
        whole_mask = {
            key: value
            for key, value in whole_mask.items()
            if key != "LocalTest" and not key.startswith(("Concentration", "Tied"))
        }
    cuts: list[tuple[str, dict[str, Any], list[Found]]] = [
        (
            label(threshold),
            {"ClusterThreshold": threshold},
            beyond(z, mask, threshold, alternative),
        )
        for threshold in thresholds
    ]
    if auto:
        sidecar = {"ClusterThreshold": chosen, "ClusterThresholdChosenBy": "data"}
        cuts.append(("zauto", sidecar, beyond(z, mask, chosen, alternative)))
    for goal in tdp_thresholds:
        largest = reaching(z, mask, p, h, goal, alternative)
        cuts.append((label(goal, "tdp"), {"TDPThreshold": goal}, largest))
    for desc, sidecar, found in cuts:
        labels, rows, peaks = clusters(found, z, p, h, affine, regions)
        tdp = np.zeros(mask.shape)
        if is_f:
            rows = [(row[0], "n/a", *row[2:]) for row in rows]
        for row in rows:
            tdp[labels == row[0]] = row[5]
        inference = whole_mask | sidecar | {"Connectivity": 18, "NumberOfClusters": len(rows)}
        save(tdp, f"stat-tdp_desc-{desc}_statmap", inference, np.float64)
        save(labels, f"desc-{desc}_dseg", inference, np.int32)
        table(
            group / f"{stem}_desc-{desc}_dseg.tsv",
            ["index", "name"],
            [(r[0], f"cluster {r[0]}") for r in rows],
        )
        new = {"p_any", "p_half", "threshold", "regions"} if older else set()
        kept = [i for i, column in enumerate(CLUSTER_COLUMNS) if column not in new]
        table(
            group / f"{stem}_desc-{desc}_clusters.tsv",
            [CLUSTER_COLUMNS[i] for i in kept],
            [[row[i] for i in kept] for row in rows],
        )
        table(
            group / f"{stem}_desc-{desc}_peaks.tsv",
            ["cluster", "peak", "stat", "x", "y", "z", *([] if older else ["regions"])],
            [peak[:6] if older else peak for peak in peaks],
        )
        if regions:
            table(
                group / f"{stem}_desc-{desc}_overlaps.tsv",
                OVERLAP_COLUMNS,
                overlaps(labels, mask, p, h, regions),
            )
        for kind in ("clusters", "peaks"):
            (group / f"{stem}_desc-{desc}_{kind}.json").write_text(
                json.dumps(inference), encoding="utf-8"
            )
    if not older:
        gradient = np.zeros(mask.shape)
        for height in np.arange(1.5, np.abs(z).max(), 0.5):
            for where, _ in beyond(z, mask, height, alternative):
                gradient[where] = np.maximum(gradient[where], bound(p[where], h) / where.sum())
        save(gradient, "stat-tdp_desc-gradient_statmap", whole_mask, np.float64)
        table(
            group / f"{stem}_sensitivity.tsv",
            ["alternative", "local_test", "hommel_value", "discoveries", "tdp", "used"],
            [
                (
                    *(other, test),
                    *(h - k, whole + k, (whole + k) / mask.sum()),
                    "yes" if (other, test) == (alternative, local_test) else "no",
                )
                for k, (other, test) in enumerate(
                    product(
                        ("greater",) if is_f else ("two-sided", "greater", "less"),
                        ("simes", "hommel"),
                    )
                )
            ],
        )
    if regions:
        columns, lines = region_rows(regions, z, mask, p, h)
        if is_f:
            signed = [column.startswith(("positive_", "negative_")) for column in columns]
            lines = [
                tuple("n/a" if has else cell for has, cell in zip(signed, line, strict=True))
                for line in lines
            ]
        table(group / f"{stem}_regions.tsv", columns, lines)
        (group / f"{stem}_regions.json").write_text(
            json.dumps(common | {"ResampledToNearestNeighbour": list(resampled)}),
            encoding="utf-8",
        )

    rng = np.random.default_rng(1)
    if participants is None:
        participants = [(f"sub-{i + 1:02d}", "yes", "n/a", "0") for i in range(n_maps)]
    design = np.column_stack(
        [np.ones(n_maps), rng.normal(size=(n_maps, len(regressors) - 1)).round(3)]
    )
    table(
        group / f"{stem}_design.tsv",
        ["participant_id", *regressors],
        [(f"sub-{i + 1:02d}", *row) for i, row in enumerate(design)],
    )
    table(
        logs / f"{stem}_inclusion.tsv",
        ["participant_id", "included", "reason", "missing_voxels", "source"],
        [
            (
                *participant,
                f"bids:in:{participant[0]}_contrast-{first_level}_stat-effect_statmap.nii.gz"
                if first_level and participant[1] == "yes"
                else "n/a",
            )
            for participant in participants
        ],
    )
    if outliers:
        table(
            group / f"{stem}_outliers.tsv",
            ["row", "mean", "spread", "correlation", "share_far"],
            outliers,
        )
    if stats_model:
        (logs / f"{stem}_smdl.json").write_text("{}", encoding="utf-8")
    (logs / f"{stem}_run.json").write_text(
        json.dumps(
            {
                "CommandLine": "bids-ari /data /out group --contrast facesVsShapes",
                "Options": {
                    "alpha": 0.05,
                    "cluster_threshold": [*thresholds, *(["auto"] if auto else [])],
                }
                | (
                    {}
                    if older
                    else {
                        "tdp_threshold": list(tdp_thresholds),
                        "atlas": sorted({one[0] for one in regions} - set(rois)),
                        "roi": [f"/somewhere/{name}" for name in rois],
                    }
                ),
                "Versions": {"bids_ari": "0.1.0", "numpy": "2.4.0"},
                "Started": "2026-11-20T10:00:00+00:00",
                "ElapsedSeconds": 12.34,
            }
        ),
        encoding="utf-8",
    )
    (root / "dataset_description.json").write_text(
        json.dumps({"Name": "Faces & shapes", "BIDSVersion": "1.11.1"}), encoding="utf-8"
    )
    return stem


def table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    lines = [columns, *rows]
    path.write_text("".join("\t".join(map(str, line)) + "\n" for line in lines), encoding="utf-8")
