from pathlib import Path

import pytest
from bids.layout import Query

from bids_ari.errors import InputError
from bids_ari.inputs import StatMap
from bids_ari.inputs.grouping import group, highest_level
from bids_ari.inputs.inclusion import Universe, why_out
from bids_ari.inputs.naming import parse


def stat_map(name: str, dataset: str = "d") -> StatMap:
    entities = parse(f"{name}_stat-effect_statmap.nii.gz")
    subject = entities.pop("subject")
    return StatMap(Path(f"/d/{name}.nii.gz"), subject, entities, f"bids:{dataset}:{name}.nii.gz")


def nobody(_: str) -> list[dict[str, str]]:
    return []


EMPTY = Universe(frozenset(), None, nobody)


def test_maps_are_sorted_by_subject_and_analyses_by_contrast_first() -> None:
    names = [
        f"sub-{sub}_task-{task}_contrast-{contrast}"
        for sub in ("10", "02", "01")
        for task, contrast in (("b", "x"), ("a", "y"), ("a", "x"))
    ]
    analyses = group([stat_map(name) for name in names], EMPTY, {})
    assert [(one.entities["contrast"], one.entities["task"]) for one in analyses] == [
        ("x", "a"),
        ("x", "b"),
        ("y", "a"),
    ]
    assert all([map_.subject for map_ in one.maps] == ["01", "02", "10"] for one in analyses)
    assert list(analyses[0].entities) == ["task", "contrast"]


def test_a_repeat_that_all_share_is_an_entity_and_one_that_some_lack_is_not() -> None:
    (one,) = group([stat_map(f"sub-{i}_ses-a_run-1_contrast-c") for i in (1, 2)], EMPTY, {})
    assert list(one.entities) == ["session", "run", "contrast"]
    (other,) = group([stat_map("sub-1_ses-a_contrast-c"), stat_map("sub-2_contrast-c")], EMPTY, {})
    assert list(other.entities) == ["contrast"]


def test_partial_entities_of_different_contrasts_do_not_matter() -> None:
    maps = [stat_map("sub-1_res-2_contrast-a"), stat_map("sub-2_contrast-b")]
    assert len(group(maps, EMPTY, {})) == 2


def test_different_values_are_not_partial() -> None:
    maps = [stat_map("sub-1_res-2_contrast-a"), stat_map("sub-2_res-3_contrast-a")]
    assert len(group(maps, EMPTY, {})) == 2


def test_only_four_of_many_maps_are_named() -> None:
    maps = [stat_map(f"sub-1_run-{i}_contrast-c") for i in range(6)]
    with pytest.raises(InputError, match=r"sub-1 has 6 maps .*_run-3_contrast-c.nii.gz, ...; "):
        group(maps, EMPTY, {})


def test_all_that_tells_maps_apart_is_offered() -> None:
    maps = [
        stat_map("sub-1_ses-a_run-1_contrast-c"),
        stat_map("sub-1_ses-b_run-2_contrast-c", dataset="e"),
    ]
    with pytest.raises(
        InputError,
        match=r"choose by --session-label a, or --bids-filter-file with {\"run\": \"1\"}, or one "
        r"dataset in --derivatives; or average them with --combine session run, or subtract with "
        r"--difference session=b-a --combine run, or subtract with --difference run=2-1 --combine "
        r"session$",
    ):
        group(maps, EMPTY, {})


def test_the_highest_level_is_one_for_all_subjects() -> None:
    of_subject = stat_map("sub-1_contrast-c")
    of_session = [stat_map(f"sub-{i}_ses-{ses}_contrast-c") for i in "12" for ses in "ab"]
    of_run = [stat_map(f"sub-{i}_ses-a_task-t_run-1_contrast-c") for i in "12"]
    alone = stat_map("sub-1_task-t_run-1_contrast-d")
    assert highest_level([*of_run, *of_session, of_subject, alone]) == [of_subject, alone]
    assert highest_level([*of_run, *of_session]) == of_session


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ([], "no first-level map"),
        (["contrast-b_stat-effect"], "no map of contrast a"),
        (["contrast-a_stat-t", "contrast-b_stat-effect"], "no effect map of contrast a"),
        (["task-y_contrast-a_stat-effect"], "no map of contrast a with task x"),
        (["task-x_run-1_contrast-a_stat-effect"], "left out by the filter of run"),
        (["task-x_level-run_contrast-a_stat-effect"], "only maps of a lower level (run)"),
        (["task-x_contrast-a_stat-effect"], "only maps of a lower level"),
    ],
)
def test_why_a_subject_is_out(names: list[str], reason: str) -> None:
    query = {"stat": ["effect"], "run": [Query.NONE], "subject": ["1"]}
    held = [parse(f"sub-1_{name}_statmap.nii.gz") for name in names]
    assert why_out({"task": "x", "contrast": "a"}, held, query) == reason
