"""What other programs write and what studies look like, from the command line to the design."""

import itertools
import json
import re
import shutil
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
import pandas as pd
import pytest

from bids_ari.cli import main
from bids_ari.errors import ExitCode

SUBJECTS = ("01", "02", "03", "04", "05")
STATS = ("effect", "variance", "t", "z", "p")
AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])
Ends = Callable[..., tuple[int, str, str]]


def write_maps(root: Path, names: Iterable[str], affine: Any = AFFINE) -> None:
    """Write small maps, or empty files where a name is not that of an image."""
    content = nb.Nifti1Image(np.ones((7, 8, 9), np.float32), affine).to_bytes()
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".nii.gz"):
            nb.Nifti1Image.from_bytes(content).to_filename(path)
        else:
            path.touch()


def named(pattern: str, **values: Iterable[str]) -> list[str]:
    values = {"sub": SUBJECTS, "stat": STATS, **values}
    return [
        pattern.format(**dict(zip(values, one, strict=True)))
        for one in itertools.product(*values.values())
    ]


def describe(root: Path, **description: Any) -> Path:
    (root / "dataset_description.json").write_text(json.dumps(description))
    return root


@pytest.fixture
def ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ends:
    """Make a dry run; tell its code, what it printed, and its last line of log or error."""

    def ends(root: Path, *options: str, log: bool = False) -> tuple[int, str, str]:
        places = [str(root), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
        code = main([*places, "--dry-run", *options])
        told = capsys.readouterr()
        assert not (tmp_path / "out").exists()
        return code, told.out, told.err if log else told.err.splitlines()[-1]

    return ends


def titles(printed: str) -> list[str]:
    lines = printed.splitlines()
    return [
        line.removeprefix("# ")
        for line, following in itertools.pairwise(lines)
        if line.startswith("# ") and " voxels of " in following
    ]


def sources(printed: str) -> list[str]:
    return [
        line.split("\t")[3] for line in printed.splitlines() if re.match(r"sub-\w+\tyes\t", line)
    ]


def by_the_way_named(message: str, way: str) -> list[str]:
    """Take the option, and its values, that an error message offers."""
    offered = re.search(rf"({way}) ([^\s,;]+)", message)
    assert offered, message
    return [offered[1], offered[2]]


FITLINS = {
    "Name": "FitLins output",
    "BIDSVersion": "1.1.0",
    "PipelineDescription": {
        "Name": "FitLins",
        "Version": "0.11.0",
        "Parameters": {"space": "MNI152NLin2009cAsym", "desc": "preproc"},
    },
}


def fitlins_011(root: Path, *, summed_up: bool) -> Path:
    """Name maps as FitLins 0.11.0 does: no task and no space, reports, maps of the group."""
    run = "node-runLevel/sub-{sub}/sub-{sub}_run-{run}_contrast-{contrast}_stat-{stat}_statmap.nii.gz"
    whole = "node-subjectLevel/sub-{sub}/sub-{sub}_contrast-{contrast}_stat-{stat}_statmap.nii.gz"
    own = "node-runLevel/sub-{sub}/sub-{sub}_task-gamble_run-{run}"
    contrasts = ("winVsLose",)
    write_maps(
        root,
        [
            *named(run, contrast=contrasts, run="12"),
            *(named(whole, contrast=contrasts) if summed_up else []),
            *named(f"{own}_design.tsv", stat=[""], run="12"),
            *named(f"{own}_stat-{{stat}}_statmap.nii.gz", stat=["rSquare"], run="12"),
            "node-oneSampleDataset/contrast-winVsLose_stat-effect_statmap.nii.gz",
            "node-runLevel/reports/sub-01/sub-01_run-1_contrast-winVsLose_ortho.png",
            "reports/model-gamble.html",
        ],
    )
    return describe(root, **FITLINS)


def test_fitlins_011_needs_no_option(ends: Ends, tmp_path: Path) -> None:
    code, printed, _ = ends(fitlins_011(tmp_path / "fitlins", summed_up=True))
    assert code == ExitCode.OK
    assert titles(printed) == ["space-MNI152NLin2009cAsym_model-oneSample_contrast-winVsLose"]
    assert sources(printed) == named(
        "bids:firstlevel:node-subjectLevel/sub-{sub}/sub-{sub}_contrast-winVsLose_stat-effect_"
        "statmap.nii.gz",
        stat=[""],
    )


@pytest.mark.parametrize(
    ("way", "n_maps", "called"),
    [
        ("--combine", 2, "contrast-winVsLose"),
        ("--difference", 2, "contrast-winVsLoseRun2MinusRun1"),
    ],
)
def test_runs_of_fitlins_that_no_node_sums_up_need_the_option_that_is_named(
    way: str, n_maps: int, called: str, ends: Ends, tmp_path: Path
) -> None:
    root = fitlins_011(tmp_path / "fitlins", summed_up=False)
    code, _, message = ends(root)
    assert code == ExitCode.DATA
    code, printed, _ = ends(root, *by_the_way_named(message, way))
    assert code == ExitCode.OK
    assert titles(printed)[0].endswith(called)
    assert [one.count("bids:firstlevel:node-runLevel") for one in sources(printed)] == [n_maps] * 5


def test_the_filter_that_is_named_chooses_a_run(ends: Ends, tmp_path: Path) -> None:
    root = fitlins_011(tmp_path / "fitlins", summed_up=False)
    _, _, message = ends(root)
    offered = re.search(r"--bids-filter-file with ({.*?})", message)
    assert offered, message
    (tmp_path / "filters.json").write_text(offered[1])
    code, printed, _ = ends(root, "--bids-filter-file", str(tmp_path / "filters.json"))
    assert code == ExitCode.OK
    assert all("_run-1_" in one for one in sources(printed))
    assert len(sources(printed)) == len(SUBJECTS)


def test_fitlins_09_needs_no_option(ends: Ends, tmp_path: Path) -> None:
    stem = "sub-{sub}/sub-{sub}_task-gamble_space-MNI152NLin2009cAsym"
    stats = (*STATS, "FEMA")
    write_maps(
        tmp_path / "fitlins",
        [
            *named(f"{stem}_contrast-win_stat-{{stat}}_statmap.nii.gz", stat=stats),
            *named(
                f"{stem.replace('_space', '_run-1_space')}_contrast-win_stat-{{stat}}"
                "_statmap.nii.gz"
            ),
            *named(f"{stem.replace('_space', '_run-1_space')}_design.tsv", stat=[""]),
            "task-gamble_space-MNI152NLin2009cAsym_contrast-win_stat-effect_statmap.nii.gz",
        ],
    )
    code, printed, _ = ends(describe(tmp_path / "fitlins", **FITLINS))
    assert code == ExitCode.OK
    assert titles(printed) == [
        "task-gamble_space-MNI152NLin2009cAsym_model-oneSample_contrast-win"
    ]
    assert len(sources(printed)) == len(SUBJECTS)
    assert not any("_run-" in one for one in sources(printed))


def halfpipe(root: Path, **repeated: Iterable[str]) -> Path:
    keys = {"run": "_run-{run}", "ses": "_ses-{ses}"}
    stem = "sub-{sub}/func/sub-{sub}_task-gamble" + "".join(keys[one] for one in repeated)
    own = f"{stem}_feature-events"
    write_maps(
        root,
        [
            *named(
                f"{own}_taskcontrast-{{contrast}}_stat-{{stat}}_statmap.nii.gz",
                stat=("effect", "variance", "dof", "z"),
                contrast=["winVsLose"],
                **repeated,
            ),
            *named(
                f"{own}_taskcontrast-{{contrast}}_stat-{{stat}}_statmap.json",
                contrast=["winVsLose"],
                **repeated,
            ),
            *named(f"{own}_mask.nii.gz", stat=[""], **repeated),
            "grouplevel/task-gamble_feature-events_model-mean_contrast-intercept_stat-effect_statmap.nii.gz",
        ],
    )
    return describe(root, Name="HALFpipe - ", GeneratedBy=[{"Name": "HALFpipe"}])


def test_halfpipe_needs_no_option(ends: Ends, tmp_path: Path) -> None:
    code, printed, _ = ends(halfpipe(tmp_path / "halfpipe"))
    assert code == ExitCode.OK
    assert titles(printed) == ["task-gamble_feature-events_model-oneSample_contrast-winVsLose"]
    assert len(sources(printed)) == len(SUBJECTS)


def test_runs_of_halfpipe_need_the_option_that_is_named(ends: Ends, tmp_path: Path) -> None:
    root = halfpipe(tmp_path / "halfpipe", run="12")
    code, _, message = ends(root)
    assert code == ExitCode.DATA
    code, printed, _ = ends(root, *by_the_way_named(message, "--combine"))
    assert code == ExitCode.OK
    assert "fixed effects over runs 1, 2 (inverse variance)" in printed


@pytest.fixture(scope="module")
def of_nilearn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let nilearn fit and write two sessions of a subject, and take them for those of others."""
    from nilearn.glm import save_glm_to_bids
    from nilearn.glm.first_level import FirstLevelModel

    folder = tmp_path_factory.mktemp("nilearn")
    rng = np.random.default_rng(14)
    design = pd.DataFrame(
        {"win": np.tile([1, 0, 0], 7), "lose": np.tile([0, 1, 0], 7), "constant": 1.0}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of nilearn, about data that are no brain
        for session in "ab":
            bold = folder / f"sub-01_ses-{session}_task-gamble_run-1_space-MNI_res-2_bold.nii.gz"
            values = rng.normal(100, 1, (7, 8, 9, 21)).astype(np.float32)
            nb.Nifti1Image(values, AFFINE).to_filename(bold)
            mask = nb.Nifti1Image(np.ones((7, 8, 9), np.uint8), AFFINE)
            model = FirstLevelModel(t_r=2.0, mask_img=mask, minimize_memory=False)
            model.fit(str(bold), design_matrices=design)
            save_glm_to_bids(model, ["win - lose"], out_dir=folder / "out")
    for path in sorted((folder / "out" / "sub-01").rglob("*")):
        for label in SUBJECTS[1:]:
            copy = folder / "out" / f"sub-{label}" / path.name.replace("sub-01", f"sub-{label}")
            copy.parent.mkdir(exist_ok=True)
            shutil.copy(path, copy)
    return folder / "out"


@pytest.mark.parametrize(
    ("way", "session"), [("--session-label", "_ses-a"), ("--combine", ""), ("--difference", "")]
)
def test_sessions_of_the_installed_nilearn_need_the_option_that_is_named(
    way: str, session: str, of_nilearn: Path, ends: Ends
) -> None:
    code, _, message = ends(of_nilearn)
    assert code == ExitCode.DATA
    assert "sub-01 (and 4 more subjects) has 2 maps of contrast winMinusLose" in message
    code, printed, _ = ends(of_nilearn, *by_the_way_named(message, way))
    assert code == ExitCode.OK
    of_what = "BMinusA" if way == "--difference" else ""
    (title,) = titles(printed)
    assert title == (
        f"task-gamble{session}_space-MNI_model-oneSample_contrast-winMinusLose{of_what}"
    )
    assert len(sources(printed)) == len(SUBJECTS)


def test_one_session_of_the_installed_nilearn_needs_no_option(
    of_nilearn: Path, ends: Ends, tmp_path: Path
) -> None:
    one = Path(shutil.copytree(of_nilearn, tmp_path / "one", ignore=lambda _, names: [
        name for name in names if "_ses-b" in name
    ]))  # fmt: skip
    code, printed, log = ends(one, log=True)
    assert code == ExitCode.OK
    assert "layout of nilearn" in log
    assert [one.partition("_space")[0] for one in titles(printed)] == ["task-gamble_ses-a"]
