"""
How long it takes to find the maps of one contrast, here and with a plain ``BIDSLayout``.

Makes a tree of empty files in a temporary folder, then collects one contrast of it in a fresh
process for each way. ``python -m benchmarks.indexing --subjects 1000 --at-least 20`` exits with 1
if the CPU time of PyBIDS is less than 20 times that of this package.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONTRASTS = [f"cond{i:02d}" for i in range(20)]
STATS = ("effect", "variance", "t", "z")
CHOICE = {"task": "motor", "space": "MNI152NLin2009cAsym", "contrast": CONTRASTS[3]}


def make_tree(root: Path, n_subjects: int) -> None:
    """Write the names of 80 maps per subject, and nothing into them."""
    root.mkdir()
    description = {
        "Name": "benchmark",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "benchmark"}],
    }
    (root / "dataset_description.json").write_text(json.dumps(description))
    for i in range(1, n_subjects + 1):
        folder = root / f"sub-{i:05d}" / "func"
        folder.mkdir(parents=True)
        for contrast in CONTRASTS:
            for stat in STATS:
                name = (
                    f"sub-{i:05d}_task-{CHOICE['task']}_space-{CHOICE['space']}"
                    f"_contrast-{contrast}_stat-{stat}_statmap.nii.gz"
                )
                (folder / name).touch()


def with_bids_ari(root: Path, database_dir: Path | None = None) -> int:
    """Collect as the command line does."""
    from bids_ari.inputs import collect

    (analysis,) = collect(
        root,
        task_id=[CHOICE["task"]],
        space=[CHOICE["space"]],
        contrast=[CHOICE["contrast"]],
        database_dir=database_dir,
    )
    return len(analysis.maps)


def with_pybids(root: Path) -> int:
    """Index all, then ask; the default configuration has no contrast, so names are searched."""
    from bids import BIDSLayout

    layout = BIDSLayout(root, validate=False)
    files = layout.get(
        return_type="file",
        suffix="statmap",
        extension=".nii.gz",
        task=CHOICE["task"],
        space=CHOICE["space"],
    )
    return sum(f"_contrast-{CHOICE['contrast']}_stat-effect_" in one for one in files)


def measure(way: str, root: Path, *more: str) -> dict[str, float]:
    """Run one way in a process of its own; CPU s of user and system, peak MiB."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.indexing", "--way", way, str(root), *more],
        check=True,
        capture_output=True,
        text=True,
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def run_one(way: str, paths: list[Path]) -> None:
    """Run in this process and print what it took, imports and start of Python included."""
    start = time.perf_counter()
    n_maps = with_pybids(*paths) if way == "pybids" else with_bids_ari(*paths)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "maps": n_maps,
        "cpu": usage.ru_utime + usage.ru_stime,
        "wall": time.perf_counter() - start,
        "mib": usage.ru_maxrss / 1024,
    }
    print(json.dumps(figures))


def main() -> int:
    """Print the table; return 1 if the ratio is too small or the counts differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=1000, metavar="N")
    parser.add_argument("--at-least", type=float, default=20, metavar="RATIO")
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("paths", type=Path, nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        run_one(options.way, options.paths)
        return 0
    with tempfile.TemporaryDirectory(prefix="bids_ari_indexing_") as temporary:
        root, database = Path(temporary) / "maps", Path(temporary) / "database"
        make_tree(root, options.subjects)
        measure("bids_ari", root)  # warms the cache of the file system for all
        results = {
            "bids_ari": measure("bids_ari", root),
            "bids_ari, new database": measure("bids_ari", root, str(database)),
            "bids_ari, same database": measure("bids_ari", root, str(database)),
            "BIDSLayout(validate=False)": measure("pybids", root),
        }
    print(f"{options.subjects} subjects x {len(CONTRASTS) * len(STATS)} files, one contrast\n")
    print(f"{'':28}{'maps':>6}{'CPU s':>9}{'wall s':>9}{'peak MiB':>10}")
    for name, one in results.items():
        print(f"{name:28}{one['maps']:6.0f}{one['cpu']:9.2f}{one['wall']:9.2f}{one['mib']:10.0f}")
    ours, theirs = results["bids_ari"], results["BIDSLayout(validate=False)"]
    ratio = theirs["cpu"] / ours["cpu"]
    print(
        f"\nBIDSLayout takes {ratio:.0f} times the CPU time and "
        f"{theirs['mib'] / ours['mib']:.0f} times the memory"
    )
    same = all(one["maps"] == options.subjects for one in results.values())
    return 0 if same and ratio >= options.at_least else 1


if __name__ == "__main__":
    sys.exit(main())
