"""
Time and memory of the group analysis, side by side with nilearn in one run.

The task is nilearn's example of the true positive proportion in clusters: smooth with 8 mm, fit a
one-sample model, z map, bounds for clusters at z > 3, 4, 5; write the z map and the map of bounds.
Maps are simulated on a 2 mm grid. Then larger models, which have no equal in nilearn's example: five
regressors, four t tests and an F test with all their maps, and the table of outliers; by least
squares of the same smoothed maps, and with variances without smoothing. Memory must not grow with
the number of maps; the exit status is 1 if it does. Each measurement is a fresh process with one
thread, imports included. Only ratios mean anything: run it on a machine that does nothing else.

    python -m benchmarks.group_vs_nilearn [--maps 16 64 256] [--command 64] [--data DIR]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

FWHM = 8.0
THRESHOLDS = (3.0, 4.0, 5.0)
ALPHA = 0.05
N_REGRESSORS = 5
MOST_GROWTH = 1.15
"""Of peak memory, from the smallest group to the largest."""


class Smoothed(NamedTuple):
    """Maps as the nodes of the workflow leave them to each other."""

    domain: Any
    read: Callable[[str], Iterator[Any]]
    """Gives the blocks of ``"values"`` or of ``"variances"``."""


def smoothed(
    maps: list[Path], out_dir: Path, *, fwhm: float = FWHM, with_variances: bool = False
) -> Smoothed:
    """Smooth, decide the mask, keep blocks in files."""
    import numpy as np

    from bids_ari.images import (
        Recipe,
        analysis_mask,
        common_grid,
        domain_of,
        load_block,
        load_coverage,
        maps_per_block,
        save_block,
        smooth_block,
    )

    grid = common_grid(maps)
    size = maps_per_block(grid, volumes_per_map=1 + with_variances)
    recipes = [
        Recipe(
            (path,),
            (1.0,),
            (path.with_name(path.name.replace("effect", "variance")),) if with_variances else (),
        )
        for path in maps
    ]
    files: list[dict[str, Path]] = []
    for start in range(0, len(maps), size):
        block = smooth_block(
            recipes[start : start + size], grid, fwhm=fwhm, keep_variances=with_variances
        )
        values_file, coverage_file = save_block(block, out_dir / f"{start}.npy")
        files.append({"values": values_file, "coverage": coverage_file})
        if block.variances is not None:
            files[-1]["variances"] = out_dir / f"{start}_variances.npy"
            np.save(files[-1]["variances"], block.variances)
        del block  # or it would be held while the next one is made
    mask = analysis_mask([one["coverage"] for one in files])
    domain = domain_of(grid, mask.features)

    def read(name: str) -> Iterator[Any]:
        for one in files:
            yield load_block(one[name], load_coverage(one["coverage"]).kept, domain.features)

    return Smoothed(domain, read)


def with_bids_ari(maps: list[Path], out_dir: Path) -> None:
    """Do the task with the functions that the nodes of the workflow call."""
    import numpy as np

    from bids_ari.stats import (
        METHODS,
        Evidence,
        contrast_maps,
        fit,
        label_clusters,
        min_true_discoveries_by_label,
        supra_threshold,
        z_and_p_values,
    )

    domain, read = smoothed(maps, out_dir)
    blocks = ((values, np.ones((len(values), 1))) for values in read("values"))
    model = contrast_maps(fit(blocks), np.ones(1))
    z_values, p_values = z_and_p_values(model.t, model.dof, "greater")
    critical_vector = METHODS["ari"](Evidence(p_values), ALPHA)
    tdp = np.zeros(domain.n_features)
    for threshold in THRESHOLDS:
        beyond = supra_threshold(z_values, threshold, "greater")
        clusters = label_clusters(
            z_values, beyond, domain.adjacency(np.flatnonzero(beyond), connectivity=6)
        )
        _, n_voxels, found = min_true_discoveries_by_label(
            p_values, clusters.labels, critical_vector
        )
        inside = clusters.labels > 0
        tdp[inside] = (found / n_voxels)[clusters.labels[inside] - 1]
    domain.write(z_values.astype(np.float32), out_dir / "z")
    domain.write(tdp.astype(np.float32), out_dir / "tdp")


def with_regressors(maps: list[Path], out_dir: Path, estimator: str) -> None:
    """Fit a mean and covariates, test each and all of these, compare the maps."""
    import numpy as np

    from bids_ari.interfaces.estimators import ESTIMATORS
    from bids_ari.stats import outlier_measures

    weighted = estimator != "ols"
    domain, read = smoothed(maps, out_dir, fwhm=0 if weighted else FWHM, with_variances=weighted)
    covariates = np.random.default_rng(0).normal(size=(len(maps), N_REGRESSORS - 1))
    design = np.column_stack([np.ones(len(maps)), covariates])
    fitted = ESTIMATORS[estimator](read, design)
    rows = np.eye(N_REGRESSORS)
    for number in range(1, N_REGRESSORS + 1):
        is_f = number == N_REGRESSORS
        tested = fitted.test(rows[1:] if is_f else rows[number : number + 1], "F" if is_f else "t")
        for name in ("effect", "variance", "stat", "z"):
            values = getattr(tested, name)
            if values is not None:
                domain.write(values.astype(np.float32), out_dir / f"{name}{number}")
        domain.write(tested.p_values["greater"], out_dir / f"p{number}")
        del tested, values

    def blocks() -> Iterator[tuple[Any, Any]]:
        start = 0
        for values in read("values"):
            yield values, design[start : start + len(values)]
            start += len(values)

    np.savetxt(out_dir / "outliers.tsv", np.column_stack(outlier_measures(blocks)))


def with_nilearn(maps: list[Path], out_dir: Path) -> None:
    """Do the task as nilearn's example does."""
    import warnings

    import numpy as np
    import pandas as pd
    from nilearn.glm import cluster_level_inference
    from nilearn.glm.second_level import SecondLevelModel

    warnings.simplefilter("ignore")
    model = SecondLevelModel(smoothing_fwhm=FWHM).fit(
        [str(path) for path in maps],
        design_matrix=pd.DataFrame({"intercept": np.ones(len(maps))}),
    )
    z_map = model.compute_contrast(output_type="z_score")
    tdp_map = cluster_level_inference(z_map, threshold=list(THRESHOLDS), alpha=ALPHA)
    z_map.to_filename(out_dir / "z.nii.gz")
    tdp_map.to_filename(out_dir / "tdp.nii.gz")


TASKS: dict[str, Callable[[list[Path], Path], None]] = {
    "bids_ari": with_bids_ari,
    "nilearn": with_nilearn,
}
MODELS: dict[str, Callable[[list[Path], Path], None]] = {
    name: partial(with_regressors, estimator=name) for name in ("ols", "fixed", "mixed")
}


def measure(command: list[str]) -> dict[str, float]:
    """Run a command; CPU seconds with all its children, wall seconds, peak memory in MiB."""
    environment = {
        **os.environ,
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(command, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        msg = f"failed: {' '.join(command)}"
        raise SystemExit(msg)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "wall": time.perf_counter() - start,
        "peak": usage.ru_maxrss / 1024,
    }


def compare_maps(first: Path, second: Path) -> dict[str, float]:
    """Give the largest difference of the maps that two tasks wrote."""
    import nibabel as nb
    import numpy as np

    return {
        name: float(
            np.max(
                np.abs(
                    nb.Nifti1Image.from_filename(first / f"{name}.nii.gz").get_fdata()
                    - nb.Nifti1Image.from_filename(second / f"{name}.nii.gz").get_fdata()
                )
            )
        )
        for name in ("z", "tdp")
    }


def run_task(name: str, n_maps: int, dataset: Path, out_dir: Path) -> dict[str, float]:
    """Measure a task in a process of its own."""
    out_dir.mkdir(exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "benchmarks.group_vs_nilearn",
        "--task",
        name,
        "--maps",
        str(n_maps),
    ]
    return measure([*command, "--data", str(dataset), "--out", str(out_dir)])


def run_models(few: int, many: int, dataset: Path, work: Path) -> float:
    """Measure larger models in a small and a large group; give the largest growth of memory."""
    print(f"\n{N_REGRESSORS} regressors: CPU s and peak MiB at N = {few} and N = {many}")
    ratios = []
    for name in MODELS:
        small, large = (run_task(name, n, dataset, work / f"{name}_{n}") for n in (few, many))
        ratios.append(large["peak"] / small["peak"])
        print(
            f"  {name:6s} {small['cpu']:8.2f} {small['peak']:6.0f} {large['cpu']:10.2f} "
            f"{large['peak']:6.0f}   memory {ratios[-1]:.3f} (at most {MOST_GROWTH})",
            flush=True,
        )
    return max(ratios)


def run_core(n_maps: int, dataset: Path, work: Path, repeats: int) -> dict[str, float]:
    """Measure both tasks, alternating, and print one line."""
    best: dict[str, dict[str, float]] = {}
    for _ in range(repeats):
        for name in TASKS:
            found = run_task(name, n_maps, dataset, work / f"{name}_{n_maps}")
            if name not in best or found["cpu"] < best[name]["cpu"]:
                best[name] = found
    ours, theirs = best["bids_ari"], best["nilearn"]
    differ = compare_maps(work / f"bids_ari_{n_maps}", work / f"nilearn_{n_maps}")
    print(
        f"{n_maps:5d} {theirs['cpu']:9.2f} {theirs['peak']:9.0f} {ours['cpu']:9.2f} "
        f"{ours['peak']:9.0f} {ours['cpu'] / theirs['cpu']:9.3f} "
        f"{differ['z']:9.1e} {differ['tdp']:9.1e}",
        flush=True,
    )
    return ours


def run_command(n_maps: int, dataset: Path, work: Path) -> None:
    """Measure the whole command, reports and all, against the script with nilearn."""
    labels = [path.name for path in sorted((dataset / "node-subjectLevel").glob("sub-*"))[:n_maps]]
    out_dir = work / "command"
    thresholds = " ".join(f"{threshold:g}" for threshold in THRESHOLDS)
    options = f"--smoothing-fwhm {FWHM:g} --alternative greater --connectivity 6"
    command = [sys.executable, "-m", "bids_ari", str(dataset), str(out_dir), "group"]
    command += [*options.split(), "--cluster-threshold", *thresholds.split()]
    ours = measure([*command, "--participant-label", *labels, "-w", str(work / "work")])
    theirs = run_task("nilearn", n_maps, dataset, work / "script")
    print(f"\nwhole command, {n_maps} maps: CPU s, wall s, peak MiB of the largest process")
    for name, found in (("bids-ari ... group", ours), ("nilearn script", theirs)):
        print(f"  {name:20s} {found['cpu']:8.2f} {found['wall']:8.2f} {found['peak']:8.0f}")
    print(
        f"  ratio                {ours['cpu'] / theirs['cpu']:8.2f} {ours['wall'] / theirs['wall']:8.2f}"
    )


def main() -> int:
    """Simulate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("--maps", type=int, nargs="+", default=[16, 64, 256], help="group sizes")
    parser.add_argument("--command", type=int, default=64, help="group size for the whole command")
    parser.add_argument("--repeats", type=int, default=3, help="the best of so many counts")
    parser.add_argument("--data", type=Path, help="keep the simulated maps here, and reuse them")
    parser.add_argument("--task", choices=[*TASKS, *MODELS], help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()

    if args.task:
        maps = sorted(args.data.glob("node-subjectLevel/sub-*/*_stat-effect_statmap.nii.gz"))
        {**TASKS, **MODELS}[args.task](maps[: args.maps[0]], args.out)
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        dataset = args.data or work / "firstlevel"
        if not (dataset / "dataset_description.json").exists():
            subjects = max(*args.maps, args.command)
            command = [sys.executable, "-m", "bids_ari.simulate", str(dataset)]
            measure([*command, "--subjects", str(subjects), "--voxel-size", "2"])
        print("      ------ nilearn ------ ----- bids_ari ----     ratio   largest difference")
        print("    N     CPU s  peak MiB     CPU s  peak MiB    of CPU         z       TDP")
        ours = {n: run_core(n, dataset, work, args.repeats) for n in args.maps}
        few, many = min(ours), max(ours)
        growth = ours[many]["peak"] / ours[few]["peak"]
        print(f"\npeak memory of bids_ari at N = {many} against N = {few}: {growth:.3f}")
        growth = max(growth, run_models(few, many, dataset, work))
        run_command(args.command, dataset, work)
    print(json.dumps({str(n): found for n, found in ours.items()}))
    return int(growth > MOST_GROWTH)


if __name__ == "__main__":
    sys.exit(main())
