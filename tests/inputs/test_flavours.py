"""What each program writes, and what is taken from it: every entry of flavours.json."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bids_ari.errors import ExitCode, InputError
from bids_ari.inputs import collect
from bids_ari.inputs.naming import FLAVOURS

SUBJECTS = ("01", "02", "03")
CONTRASTS = ("loss", "winVsLose")
STATS = ("effect", "variance", "t", "z", "p")


@dataclass(frozen=True)
class Tree:
    """What a program writes for some subjects, and the entities of the analyses it makes."""

    flavour: str
    maps: tuple[str, ...]
    """With {sub}, {contrast} and {stat}; the first is that to be taken."""
    others: tuple[str, ...]
    """With {sub}; never to be taken."""
    description: dict[str, Any] | None
    shared: dict[str, str] = field(default_factory=dict)

    def names(self) -> Iterator[str]:
        for sub in SUBJECTS:
            for other in self.others:
                yield other.format(sub=sub)
            for pattern in self.maps:
                for contrast in CONTRASTS:
                    for stat in STATS:
                        yield pattern.format(sub=sub, contrast=contrast, stat=stat)


FITLINS = {
    "Name": "FitLins output",
    "BIDSVersion": "1.1.0",
    "PipelineDescription": {"Name": "FitLins", "Parameters": {"space": "MNI152NLin2009cAsym"}},
}
END = "contrast-{contrast}_stat-{stat}_statmap.nii.gz"
TREES = {
    "BEP041": Tree(
        "BEP041",
        ("sub-{sub}/func/sub-{sub}_task-gamble_space-MNI152NLin6Asym_res-2_" + END,),
        (
            "sub-{sub}/anat/sub-{sub}_contrast-loss_stat-effect_statmap.nii.gz",
            "sub-{sub}/func/sub-{sub}_task-gamble_desc-preproc_bold.nii.gz",
        ),
        {"Name": "maps", "BIDSVersion": "1.10.0", "GeneratedBy": [{"Name": "SPM"}]},
        {"task": "gamble", "space": "MNI152NLin6Asym", "resolution": "2"},
    ),
    "BEP041 without a description": Tree(
        "BEP041", ("sub-{sub}/sub-{sub}_task-gamble_" + END,), (), None, {"task": "gamble"}
    ),
    "FitLins 0.11": Tree(
        "FitLins 0.11",
        (
            "node-subjectLevel/sub-{sub}/sub-{sub}_" + END,
            "node-runLevel/sub-{sub}/sub-{sub}_run-1_" + END,
            "node-runLevel/sub-{sub}/sub-{sub}_run-2_" + END,
        ),
        (
            "node-runLevel/sub-{sub}/sub-{sub}_run-1_stat-rSquare_statmap.nii.gz",
            "node-oneSampleDataset/contrast-loss_stat-effect_statmap.nii.gz",
            "reports/sub-{sub}/sub-{sub}_contrast-loss_stat-effect_ortho.png",
        ),
        FITLINS,
        {"space": "MNI152NLin2009cAsym"},
    ),
    "FitLins 0.11 with a task in the names of runs": Tree(
        "FitLins 0.11",
        (
            "node-subjectLevel/sub-{sub}/sub-{sub}_" + END,
            "node-runLevel/sub-{sub}/sub-{sub}_task-gamble_run-1_" + END,
        ),
        (),
        FITLINS,
        {"space": "MNI152NLin2009cAsym"},
    ),
    "FitLins 0.9": Tree(
        "FitLins 0.5 to 0.10",
        (
            "sub-{sub}/sub-{sub}_task-gamble_space-MNI_" + END,
            "sub-{sub}/sub-{sub}_task-gamble_run-1_space-MNI_" + END,
        ),
        ("task-gamble_space-MNI_contrast-loss_stat-effect_statmap.nii.gz",),
        FITLINS,
        {"task": "gamble", "space": "MNI"},
    ),
    "FitLins 0.10": Tree(
        "FitLins 0.5 to 0.10",
        (
            "sub-{sub}/level-subject_name-subjectLevel_sub-{sub}_" + END,
            "sub-{sub}/ses-a/level-run_name-runLevel_sub-{sub}_ses-a_run-1_" + END,
        ),
        ("level-dataset_name-oneSample_contrast-loss_stat-effect_statmap.nii.gz",),
        FITLINS,
        {"space": "MNI152NLin2009cAsym"},
    ),
    "HALFpipe": Tree(
        "HALFpipe",
        (
            (
                "sub-{sub}/func/sub-{sub}_task-gamble_feature-events_taskcontrast-{contrast}"
                "_stat-{stat}_statmap.nii.gz"
            ),
        ),
        ("grouplevel/task-gamble_model-m_contrast-loss_stat-effect_statmap.nii.gz",),
        {"Name": "HALFpipe - ", "GeneratedBy": [{"Name": "HALFpipe"}]},
        {"task": "gamble", "feature": "events"},
    ),
    "HALFpipe that sums up runs, without a description": Tree(
        "HALFpipe",
        (
            (
                "sub-{sub}/func/task-gamble/sub-{sub}_task-gamble_feature-events_"
                "taskcontrast-{contrast}_model-aggregateAcrossRuns_contrast-intercept"
                "_stat-{stat}_statmap.nii.gz"
            ),
            (
                "sub-{sub}/func/task-gamble/sub-{sub}_task-gamble_run-1_feature-events_"
                "taskcontrast-{contrast}_stat-{stat}_statmap.nii.gz"
            ),
        ),
        (),
        None,
        {"task": "gamble", "feature": "events"},
    ),
    "nilearn": Tree(
        "nilearn",
        ("sub-{sub}/sub-{sub}_ses-a_task-gamble_space-MNI_" + END,),
        (
            "sub-{sub}/statmap.json",
            "sub-{sub}/sub-{sub}_ses-a_task-gamble_run-1_space-MNI_stat-errorts_statmap.nii.gz",
            "group/task-gamble_contrast-loss_stat-effect_statmap.nii.gz",
        ),
        {
            "BIDSVersion": "1.9.0",
            "DatasetType": "derivative",
            "GeneratedBy": [{"Name": "nilearn", "Version": "0.14.1"}] * 2,
        },
        {"task": "gamble", "session": "a", "space": "MNI"},
    ),
    "nilearn before 0.10.4": Tree(
        "nilearn",
        ("sub-{sub}_task-gamble_" + END,),
        ("task-gamble_contrast-loss_stat-effect_statmap.nii.gz",),
        {"BIDSVersion": "1.6.0", "GeneratedBy": [{"Name": "nilearn"}]},
        {"task": "gamble"},
    ),
}


def test_every_flavour_has_a_tree() -> None:
    assert {tree.flavour for tree in TREES.values()} == {flavour.name for flavour in FLAVOURS}


@pytest.mark.parametrize("name", TREES)
@pytest.mark.parametrize("with_database", [False, True])
def test_the_maps_of_a_flavour_are_found(
    name: str,
    with_database: bool,
    write_dataset: Callable[..., Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tree = TREES[name]
    root = write_dataset(tree.names(), description=tree.description)
    analyses = collect(root, database_dir=tmp_path / "database" if with_database else None)
    assert [one.entities for one in analyses] == [
        {**tree.shared, "contrast": contrast} for contrast in CONTRASTS
    ]
    for one in analyses:
        expected = [
            root / tree.maps[0].format(sub=sub, contrast=one.entities["contrast"], stat="effect")
            for sub in SUBJECTS
        ]
        assert [map_.path for map_ in one.maps] == expected
        assert [map_.uri for map_ in one.maps] == [
            f"bids:firstlevel:{path.relative_to(root)}" for path in expected
        ]
    assert f"(layout of {tree.flavour})" in caplog.text


@pytest.mark.parametrize("name", TREES)
def test_a_flavour_is_filtered_by_all_it_tells(
    name: str, write_dataset: Callable[..., Path]
) -> None:
    tree = TREES[name]
    root = write_dataset(tree.names(), description=tree.description)
    (one,) = collect(
        root,
        participant_label=["sub-03", "01"],
        contrast=["contrast-winVsLose"],
        task_id=[tree.shared[key] for key in ("task",) if key in tree.shared],
        space=[tree.shared[key] for key in ("space",) if key in tree.shared],
        session_label=[f"ses-{tree.shared[key]}" for key in ("session",) if key in tree.shared],
        input_stat="z",
    )
    assert [map_.subject for map_ in one.maps] == ["01", "03"]
    assert {map_.entities["stat"] for map_ in one.maps} == {"z"}
    assert [line.subject for line in one.inclusion] == ["01", "03"]


def test_a_space_that_fitlins_never_named_is_an_error(write_dataset: Callable[..., Path]) -> None:
    tree = TREES["FitLins 0.11"]
    root = write_dataset(tree.names(), description=FITLINS)
    with pytest.raises(
        InputError,
        match=r"no map in .*maps matches space-MNI152NLin2009bAsym stat-effect: there is no space "
        r"MNI152NLin2009bAsym, did you mean MNI152NLin2009cAsym\?, dataset_description.json tells "
        r"the space of its maps; there: contrast loss, winVsLose; space MNI152NLin2009cAsym; stat",
    ) as caught:
        collect(root, space=["MNI152NLin2009bAsym"])
    assert caught.value.exit_code == ExitCode.NOTHING_SELECTED


def test_a_space_where_none_is_known_is_an_error(write_dataset: Callable[..., Path]) -> None:
    root = write_dataset(
        TREES["FitLins 0.11"].names(), description={"PipelineDescription": {"Name": "FitLins"}}
    )
    with pytest.raises(
        InputError,
        match=r"no map there names a space \(layout of FitLins 0.11\), leave --space out",
    ):
        collect(root, space=["MNI152NLin6Asym"])


def test_a_filter_of_the_node_reaches_the_runs(write_dataset: Callable[..., Path]) -> None:
    root = write_dataset(TREES["FitLins 0.11"].names(), description=FITLINS)
    (one,) = collect(root, contrast=["loss"], filters={"node": "runLevel", "run": 2})
    assert {map_.path.parts[-3] for map_ in one.maps} == {"node-runLevel"}
    assert one.entities["run"] == "2"
    assert len(one.maps) == len(SUBJECTS)


def test_a_subject_with_runs_only_is_out_where_others_are_summed_up(
    write_dataset: Callable[..., Path],
) -> None:
    names = [
        one
        for one in TREES["FitLins 0.11"].names()
        if not one.startswith("node-subjectLevel/sub-02")
    ]
    (one,) = collect(write_dataset(names, description=FITLINS), contrast=["loss"])
    assert [map_.subject for map_ in one.maps] == ["01", "03"]
    assert [line.reason for line in one.inclusion] == [
        "",
        "only maps of a lower level (runLevel)",
        "",
    ]


def test_runs_that_nobody_summed_up_are_several_maps(write_dataset: Callable[..., Path]) -> None:
    names = [one for one in TREES["FitLins 0.11"].names() if one.startswith("node-runLevel")]
    root = write_dataset(names, description=FITLINS)
    with pytest.raises(
        InputError,
        match=r"sub-01 \(and 2 more subjects\) has 2 maps of contrast loss where an analysis "
        r"takes one: .*_run-1_contrast-loss.*_run-2_contrast-loss.*choose by --bids-filter-file "
        r'with {"run": "1"}',
    ) as caught:
        collect(root, contrast=["loss"])
    assert caught.value.exit_code == ExitCode.DATA


@pytest.mark.parametrize("name", TREES)
def test_the_variance_map_of_every_map_is_beside_it(
    name: str, write_dataset: Callable[..., Path]
) -> None:
    tree = TREES[name]
    root = write_dataset(tree.names(), description=tree.description)
    for one in collect(root, variances=True):
        contrast = one.entities["contrast"]
        expected = [
            root / tree.maps[0].format(sub=sub, contrast=contrast, stat="variance")
            for sub in SUBJECTS
        ]
        assert [variance.path for variance in one.variances] == expected
        assert [variance.uri for variance in one.variances] == [
            f"bids:firstlevel:{path.relative_to(root).as_posix()}" for path in expected
        ]
