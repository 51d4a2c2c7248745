"""A small output dataset, written as the pipeline writes it, with bounds that are true of its maps."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import norm

Writer = Callable[..., str]

CLUSTER_COLUMNS = [
    "cluster",
    "sign",
    "voxels",
    "volume_mm3",
    "discoveries",
    "tdp",
    "peak_stat",
    "x",
    "y",
    "z",
]
NEIGHBOURS = ndimage.generate_binary_structure(3, 2)  # 18


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


def activation(mask: NDArray[np.bool_], strength: float, seed: int = 0) -> NDArray[np.float64]:
    """Make a z map: smooth noise, a large and a small positive and a negative blob."""
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.normal(size=mask.shape), 1.0)
    z = noise / noise[mask].std()
    index = np.indices(mask.shape)
    for centre, width, sign in (
        ((12, 24, 30), 3.2, 1),
        ((36, 40, 26), 1.6, 1),
        ((25, 14, 20), 2.2, -1),
    ):
        distance = np.sqrt(sum((index[i] - centre[i]) ** 2 for i in range(3)))
        z += sign * strength * np.exp(-((distance / width) ** 2))
    return np.where(mask, z, 0)


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
) -> str:
    """Write all files of one analysis, as ``bids_ari.outputs`` names them."""
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
    common = {
        "SmoothingFWHM": 6,
        "InputStat": "effect",
        "Model": {
            "Name": "oneSample",
            "NumberOfMaps": n_maps,
            "DegreesOfFreedom": n_maps - len(regressors),
            "Regressors": list(regressors),
            "Contrast": contrast,
            "Weights": [1.0] + [0.0] * (len(regressors) - 1),
        },
        "Alternative": alternative,
    }
    save(z, "stat-z_statmap", common, np.float32)
    save(
        z,
        "stat-t_statmap",
        common | {"FeaturesWithoutVariance": 0} | (t_sidecar or {}),
        np.float32,
    )
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
    for threshold in thresholds:
        desc = "z" + f"{threshold:g}".replace(".", "p")
        labels, rows, peaks = clusters(z, mask, p, h, threshold, alternative, affine)
        tdp = np.zeros(mask.shape)
        for row in rows:
            tdp[labels == row[0]] = row[5]
        inference = common | {
            "Method": "ari",
            "Alpha": 0.05,
            "Confidence": 0.95,
            "HommelValue": h,
            "NumberOfFeatures": int(mask.sum()),
            "Discoveries": whole,
            "TDP": whole / int(mask.sum()),
            "ClusterThreshold": threshold,
            "Connectivity": 18,
            "NumberOfClusters": len(rows),
        }
        save(tdp, f"stat-tdp_desc-{desc}_statmap", inference, np.float32)
        save(labels, f"desc-{desc}_dseg", inference, np.int32)
        table(
            group / f"{stem}_desc-{desc}_dseg.tsv",
            ["index", "name"],
            [(r[0], f"cluster {r[0]}") for r in rows],
        )
        table(group / f"{stem}_desc-{desc}_clusters.tsv", CLUSTER_COLUMNS, rows)
        table(
            group / f"{stem}_desc-{desc}_peaks.tsv",
            ["cluster", "peak", "stat", "x", "y", "z"],
            peaks,
        )
        for kind in ("clusters", "peaks"):
            (group / f"{stem}_desc-{desc}_{kind}.json").write_text(
                json.dumps(inference), encoding="utf-8"
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
        [(*participant, "n/a") for participant in participants],
    )
    (logs / f"{stem}_run.json").write_text(
        json.dumps(
            {
                "CommandLine": "bids-ari /data /out group --contrast facesVsShapes",
                "Options": {"alpha": 0.05, "cluster_threshold": list(thresholds)},
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


def hommel(p: NDArray[np.float64], alpha: float = 0.05) -> int:
    """Compute the Hommel value from its definition, by bisection: the property is monotone."""
    ordered = np.sort(p)
    low, high = 0, p.size
    while low < high:
        size = (low + high + 1) // 2
        if np.all(size * ordered[p.size - size :] > alpha * np.arange(1, size + 1)):
            low = size
        else:
            high = size - 1
    return low


def bound(p: NDArray[np.float64], h: int, alpha: float = 0.05) -> int:
    """Bound the number of discoveries in a set from below."""
    steps = np.arange(1, p.size + 1)
    below = np.searchsorted(np.sort(h * p), steps * alpha, side="right")
    return int(np.max(1 - steps + below, initial=0))


def clusters(
    z: NDArray[np.float64],
    mask: NDArray[np.bool_],
    p: NDArray[np.float64],
    h: int,
    threshold: float,
    alternative: str,
    affine: NDArray[np.float64],
) -> tuple[NDArray[np.int32], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    found = []
    for sign, other in ((1, "less"), (-1, "greater")):
        if alternative == other:
            continue
        labels, n = ndimage.label((sign * z > threshold) & mask, NEIGHBOURS)
        found += [(labels == label + 1, sign) for label in range(n)]
    found.sort(key=lambda item: -int(item[0].sum()))
    voxel = float(np.abs(np.linalg.det(affine[:3, :3])))
    merged = np.zeros(mask.shape, np.int32)
    rows: list[tuple[Any, ...]] = []
    peaks: list[tuple[Any, ...]] = []
    for number, (where, sign) in enumerate(found, start=1):
        merged[where] = number
        size, d = int(where.sum()), bound(p[where], h)
        inside = np.argwhere(where)[np.argsort(-sign * z[where], kind="stable")]
        at = [affine[:3, :3] @ index + affine[:3, 3] for index in inside]
        stats = [float(z[tuple(index)]) for index in inside]
        name = "positive" if sign > 0 else "negative"
        rows.append((number, name, size, size * voxel, d, d / size, stats[0], *at[0]))
        chosen = [0]
        for i in range(1, len(at)):
            if len(chosen) < 3 and all(np.linalg.norm(at[i] - at[j]) >= 16 for j in chosen):
                chosen.append(i)
        peaks += [(number, k + 1, stats[i], *at[i]) for k, i in enumerate(chosen)]
    return merged, rows, peaks
