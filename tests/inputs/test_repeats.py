"""Several maps of a subject: refused, unless there is word of what to do with them."""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from bids.layout import Query

from bids_ari.errors import ExitCode, InputError
from bids_ari.inputs import Analysis, Row, collect

WriteDataset = Callable[..., Path]
STATS = ("effect", "variance")


def names(
    *maps: str, contrasts: Iterable[str] = ("win",), stats: Iterable[str] = STATS
) -> list[str]:
    """Name files by what stands before the contrast, such as sub-1_ses-a."""
    return [
        f"{one.partition('_')[0]}/{one}_contrast-{contrast}_stat-{stat}_statmap.nii.gz"
        for one in maps
        for contrast in contrasts
        for stat in stats
    ]


def runs(*subjects: str, n_runs: int = 2) -> list[str]:
    return [f"sub-{sub}_run-{run}" for sub in subjects for run in range(1, n_runs + 1)]


def sessions(*subjects: str, labels: Iterable[str] = ("post", "pre")) -> list[str]:
    return [f"sub-{sub}_ses-{ses}" for sub in subjects for ses in labels]


def files(row: Row) -> list[str]:
    return [one.path.name.partition("_contrast")[0] for one in row.maps]


def reasons(analysis: Analysis) -> dict[str, str]:
    return {line.subject: line.reason for line in analysis.inclusion}


def test_a_row_of_one_map_is_the_map(write_dataset: WriteDataset) -> None:
    (one,) = collect(write_dataset(names("sub-1", "sub-2")))
    assert [(row.subject, row.entities, row.weights, row.rule) for row in one.rows] == [
        ("1", {}, (1.0,), ""),
        ("2", {}, (1.0,), ""),
    ]
    assert one.maps == (one.rows[0].maps[0], one.rows[1].maps[0])
    assert one.variances == ()


def test_runs_are_combined_by_inverse_variance(write_dataset: WriteDataset) -> None:
    root = write_dataset(names(*runs("1", "2")))
    (one,) = collect(root, combine=["run"])
    assert one.entities == {"contrast": "win"}
    assert [files(row) for row in one.rows] == [
        ["sub-1_run-1", "sub-1_run-2"],
        ["sub-2_run-1", "sub-2_run-2"],
    ]
    row = one.rows[0]
    assert row.weights == (0.5, 0.5)
    assert row.rule == "fixed effects over runs 1, 2 (inverse variance)"
    assert [v.path.name for v in row.variances] == [
        m.path.name.replace("stat-effect", "stat-variance") for m in row.maps
    ]
    assert [v.uri for v in row.variances] == [
        m.uri.replace("stat-effect", "stat-variance") for m in row.maps
    ]
    assert {v.entities["stat"] for v in row.variances} == {"variance"}
    assert reasons(one) == {"1": row.rule, "2": row.rule}
    assert one.inclusion[0].source == ", ".join(m.uri for m in row.maps)
    assert len(one.variances) == len(one.maps) == 4


def test_runs_are_in_the_order_of_numbers(write_dataset: WriteDataset) -> None:
    (one,) = collect(write_dataset(names(*runs("1", "2", n_runs=10))), combine=["run"])
    assert one.rows[0].rule.startswith("fixed effects over runs 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 (")


def test_without_all_variances_of_a_subject_weights_are_equal_and_this_is_said(
    write_dataset: WriteDataset, caplog: pytest.LogCaptureFixture
) -> None:
    root = write_dataset(
        [
            *names(*runs("1", "2")),
            *names("sub-3_run-1"),
            *names("sub-3_run-2", stats=["effect"]),
        ]
    )
    (one,) = collect(root, combine=["run"])
    assert one.rows[2].rule == "mean of runs 1, 2 (equal weights: no variance maps)"
    assert one.rows[2].variances == ()
    assert one.rows[2].weights == (0.5, 0.5)
    assert one.rows[1].rule == "fixed effects over runs 1, 2 (inverse variance)"
    (warning,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert warning == (
        "contrast win: maps of 1 of 3 subjects are averaged with equal weights, as they have no "
        "variance maps (stat-variance): sub-3"
    )


def test_maps_of_z_are_not_weighted_by_the_variance_of_effects(
    write_dataset: WriteDataset,
) -> None:
    root = write_dataset(names(*runs("1", "2"), stats=["z", "variance"]))
    (one,) = collect(root, combine=["run"], input_stat="z")
    assert {row.rule for row in one.rows} == {
        "mean of runs 1, 2 (equal weights: no variance maps)"
    }


def test_other_numbers_of_runs_are_fine_and_said(
    write_dataset: WriteDataset, caplog: pytest.LogCaptureFixture
) -> None:
    (one,) = collect(write_dataset(names(*runs("1", "2"), "sub-3_run-1")), combine=["run"])
    assert [len(row.maps) for row in one.rows] == [2, 2, 1]
    assert (one.rows[2].rule, one.rows[2].variances) == ("", ())
    assert reasons(one)["3"] == "run 1 only"
    assert "not all subjects have as many runs to combine: sub-3: 1 run, others 2" in caplog.text


def test_a_subject_whose_only_map_names_no_run_is_in(write_dataset: WriteDataset) -> None:
    (one,) = collect(write_dataset(names(*runs("1", "2"), "sub-3")), combine=["run"])
    assert reasons(one)["3"] == ""
    assert files(one.rows[2]) == ["sub-3"]


def test_runs_are_not_averaged_with_what_may_sum_them_up(write_dataset: WriteDataset) -> None:
    root = write_dataset(names(*runs("1", "2"), "sub-1"))
    with pytest.raises(InputError, match=r"sub-1 has 3 maps of contrast win where an analysis "):
        collect(root, combine=["run"])


def test_sessions_are_not_averaged_unless_they_are_named(write_dataset: WriteDataset) -> None:
    maps = [f"{one}_run-{run}" for one in sessions("1", "2") for run in (1, 2)]
    root = write_dataset(names(*maps))
    with pytest.raises(InputError, match=r"has 4 maps .*average them with --combine session run"):
        collect(root, combine=["run"])
    with pytest.raises(InputError, match=r"has 4 maps .*average them with --combine session run"):
        collect(root, combine=["ses"])
    (one,) = collect(root, combine=["ses", "run"])
    assert one.rows[0].weights == (0.25,) * 4
    assert one.rows[0].rule == (
        "fixed effects over session post run 1, session post run 2, session pre run 1, "
        "session pre run 2 (inverse variance)"
    )


def test_a_session_of_one_run_need_not_name_it(write_dataset: WriteDataset) -> None:
    root = write_dataset(names("sub-1_ses-a_run-1", "sub-1_ses-a_run-2", "sub-1_ses-b", "sub-2"))
    (one,) = collect(root, combine=["session", "run"])
    assert one.rows[0].rule == (
        "fixed effects over session a run 1, session a run 2, session b (inverse variance)"
    )


def test_runs_of_two_sessions_are_not_runs_of_one(write_dataset: WriteDataset) -> None:
    root = write_dataset(names("sub-1_ses-a_run-1", "sub-1_ses-b_run-2", "sub-2_ses-a_run-1"))
    with pytest.raises(InputError, match=r"sub-1 has 2 maps .*--combine session run"):
        collect(root, combine=["run"])


@pytest.mark.parametrize("with_database", [False, True])
def test_maps_of_runs_and_their_summary_of_fitlins(
    write_dataset: WriteDataset, tmp_path: Path, with_database: bool
) -> None:
    description = {"PipelineDescription": {"Name": "FitLins"}}
    of_subjects = [f"node-subjectLevel/{one}" for one in names("sub-1", "sub-2")]
    of_runs = [f"node-runLevel/{one}" for one in names(*runs("1", "2"))]
    root = write_dataset([*of_subjects, *of_runs], description=description)
    options: dict[str, Any] = {"database_dir": tmp_path / "db" if with_database else None}
    with pytest.raises(
        InputError,
        match=r"nothing to combine with --combine run: .*; maps of runs are left aside where "
        r'others sum them up: to have them, use --bids-filter-file with {"run": "\*"}$',
    ) as caught:
        collect(root, combine=["run"], **options)
    assert caught.value.exit_code == ExitCode.NOTHING_SELECTED
    (one,) = collect(root, combine=["run"], filters={"run": Query.ANY}, **options)
    assert [files(row) for row in one.rows] == [runs("1"), runs("2")]
    (one,) = collect(root, combine=["run"], filters={"node": "runLevel"}, **options)
    assert [files(row) for row in one.rows] == [runs("1"), runs("2")]
    (difference,) = collect(root, difference=("run", "2", "1"), **options)
    assert files(difference.rows[0]) == ["sub-1_run-2", "sub-1_run-1"]


def test_a_single_run_that_names_none_does_not_take_the_runs_of_others(
    write_dataset: WriteDataset,
) -> None:
    description = {"GeneratedBy": [{"Name": "HALFpipe"}]}
    one_run = "sub-{}/func/sub-{}_{}taskcontrast-win_stat-{}_statmap.nii.gz"
    root = write_dataset(
        [
            one_run.format(sub, sub, f"{run}feature-f_", stat)
            for sub, of in {"1": ("run-1_", "run-2_"), "2": ("",)}.items()
            for run in of
            for stat in STATS
        ],
        description=description,
    )
    (one,) = collect(root, combine=["run"])
    assert [len(row.maps) for row in one.rows] == [2, 1]
    assert len(one.rows[0].variances) == 2


@pytest.mark.parametrize("difference", [("session", "post", "pre"), ("ses", "ses-post", "pre")])
def test_a_difference_of_sessions(
    write_dataset: WriteDataset, difference: tuple[str, str, str]
) -> None:
    root = write_dataset(
        names(*sessions("1", "2"), "sub-3_ses-pre", "sub-4_ses-other", "sub-1_ses-other"),
        participants=["1", "2", "3", "4", "5"],
    )
    (one,) = collect(root, difference=difference)
    assert one.entities == {"contrast": "winPostMinusPre"}
    assert [(row.subject, files(row), row.weights, row.variances) for row in one.rows] == [
        ("1", ["sub-1_ses-post", "sub-1_ses-pre"], (1.0, -1.0), ()),
        ("2", ["sub-2_ses-post", "sub-2_ses-pre"], (1.0, -1.0), ()),
    ]
    assert reasons(one) == {
        "1": "session post minus session pre",
        "2": "session post minus session pre",
        "3": "no map of session post",
        "4": "no map of session post",
        "5": "no first-level map",
    }
    assert [line.included for line in one.inclusion] == [True, True, False, False, False]


def test_a_difference_of_runs_is_named_by_what_the_numbers_are(
    write_dataset: WriteDataset,
) -> None:
    (one,) = collect(
        write_dataset(names("sub-1_run-01", "sub-1_run-02", *runs("2"))),
        difference=("run", "1", "2"),
    )
    assert one.entities == {"contrast": "winRun1MinusRun2"}
    assert [files(row) for row in one.rows] == [["sub-1_run-01", "sub-1_run-02"], runs("2")]


def test_a_difference_of_contrasts_is_one_analysis(write_dataset: WriteDataset) -> None:
    root = write_dataset(
        [
            *names("sub-1_task-x", "sub-2_task-x", contrasts=["faces", "houses", "tools"]),
            *names("sub-3_task-x", contrasts=["faces"]),
        ]
    )
    (one,) = collect(root, difference=("contrast", "faces", "houses"))
    assert one.entities == {"task": "x", "contrast": "facesMinusHouses"}
    assert [map_.entities["contrast"] for map_ in one.rows[0].maps] == ["faces", "houses"]
    assert one.rows[0].rule == "contrast faces minus contrast houses"
    assert reasons(one)["3"] == "no map of contrast houses"


def test_runs_are_combined_before_sessions_are_subtracted(write_dataset: WriteDataset) -> None:
    maps = [f"{one}_run-{run}" for one in sessions("1", "2") for run in (1, 2)]
    maps.remove("sub-2_ses-pre_run-2")
    (one,) = collect(
        write_dataset(names(*maps)), combine=["run"], difference=("session", "post", "pre")
    )
    assert [row.weights for row in one.rows] == [(0.5, 0.5, -0.5, -0.5), (0.5, 0.5, -1.0)]
    assert [row.rule for row in one.rows] == [
        "session post minus session pre, each the fixed effects over runs 1, 2 (inverse variance)",
        (
            "session post (fixed effects over runs 1, 2 (inverse variance)) minus session pre "
            "(run 1 alone)"
        ),
    ]
    assert [len(row.variances) for row in one.rows] == [4, 3]


def test_a_difference_with_variances_says_that_they_are_added(
    write_dataset: WriteDataset,
) -> None:
    root = write_dataset(names(*sessions("1", "2")))
    (one,) = collect(root, difference=("session", "post", "pre"), variances=True)
    assert one.rows[0].rule == (
        "session post minus session pre, variances added as of independent maps"
    )
    assert [len(row.variances) for row in one.rows] == [2, 2]


def test_a_difference_of_unequal_runs_is_remarked_on(write_dataset: WriteDataset) -> None:
    root = write_dataset(
        names("sub-1_ses-a_run-1", "sub-1_ses-b_run-2", "sub-2_ses-a_run-1", "sub-2_ses-b_run-1")
    )
    (one,) = collect(root, difference=("session", "b", "a"))
    assert reasons(one)["1"] == "session b minus session a, run 2, 1"


def test_maps_of_two_levels_are_not_subtracted(write_dataset: WriteDataset) -> None:
    root = write_dataset(
        [
            "sub-1/sub-1_contrast-a_level-run_stat-effect_statmap.nii",
            "sub-1/sub-1_contrast-b_level-subject_stat-effect_statmap.nii",
        ]
    )
    with pytest.raises(InputError, match=r"2 maps of contrast a and b .*\"level\": \"run\""):
        collect(root, difference=("contrast", "a", "b"))


def test_within_makes_rows_of_their_own(write_dataset: WriteDataset) -> None:
    root = write_dataset(names(*sessions("2", "1"), "sub-3_ses-pre", "sub-4"))
    (one,) = collect(root, within=["session"])
    assert one.entities == {"contrast": "win"}
    assert [(row.subject, row.entities, files(row)) for row in one.rows] == [
        ("1", {"session": "post"}, ["sub-1_ses-post"]),
        ("1", {"session": "pre"}, ["sub-1_ses-pre"]),
        ("2", {"session": "post"}, ["sub-2_ses-post"]),
        ("2", {"session": "pre"}, ["sub-2_ses-pre"]),
        ("3", {"session": "pre"}, ["sub-3_ses-pre"]),
    ]
    assert reasons(one) == {
        "1": "",
        "2": "",
        "3": "session pre only",
        "4": "no map that names a session",
    }


def test_what_the_design_has_is_in_no_name(write_dataset: WriteDataset) -> None:
    root = write_dataset(names("sub-1_ses-pre_run-1", "sub-2_ses-pre_run-1"))
    (one,) = collect(root, within=["session"])
    assert one.entities == {"run": "1", "contrast": "win"}


def test_runs_within_are_numbers(write_dataset: WriteDataset) -> None:
    maps = [*runs("1", n_runs=10), *(f"sub-2_run-{run:02d}" for run in range(1, 11))]
    (one,) = collect(write_dataset(names(*maps)), within=["run"])
    numbers = [str(number) for number in range(1, 11)]
    assert [row.entities["run"] for row in one.rows] == numbers * 2


def test_contrasts_within_are_one_analysis(write_dataset: WriteDataset) -> None:
    root = write_dataset(names("sub-1", "sub-2", contrasts=["houses", "faces", "tools"]))
    (one,) = collect(root, within=["contrast"], contrast=["houses", "faces"])
    assert one.entities == {"contrast": "facesHouses"}
    assert [(row.subject, row.entities) for row in one.rows] == [
        ("1", {"contrast": "faces"}),
        ("1", {"contrast": "houses"}),
        ("2", {"contrast": "faces"}),
        ("2", {"contrast": "houses"}),
    ]


def test_a_row_that_a_subject_lacks_is_told(write_dataset: WriteDataset) -> None:
    maps = [f"{one}_run-{run}" for one in sessions("1", "2") for run in (1, 2)]
    maps.remove("sub-2_ses-post_run-2")
    (one,) = collect(
        write_dataset(names(*maps)), within=["run"], difference=("session", "post", "pre")
    )
    assert [(row.subject, row.entities["run"]) for row in one.rows] == [
        ("1", "1"),
        ("1", "2"),
        ("2", "1"),
    ]
    assert reasons(one)["2"] == (
        "session post minus session pre, run 2: no map of session post, run 1 only"
    )


@pytest.mark.parametrize("more", [{}, {"combine": ["run"]}])
def test_a_variance_map_that_is_needed_and_not_there(
    write_dataset: WriteDataset, more: dict[str, Any]
) -> None:
    root = write_dataset(
        [*names("sub-1_run-1"), *names("sub-2_run-1", "sub-3_run-2", stats=["effect"])]
    )
    with pytest.raises(
        InputError,
        match=r"maps/sub-2/sub-2_run-1_contrast-win_stat-variance_statmap.nii.gz \(and 1 more\) "
        r"does not exist, expected the variance map of sub-2_run-1_.*stat-effect_statmap.nii.gz$",
    ) as caught:
        collect(root, variances=True, **more)
    assert caught.value.exit_code == ExitCode.NO_INPUT


def test_every_row_comes_with_its_variance(write_dataset: WriteDataset) -> None:
    (one,) = collect(write_dataset(names("sub-1", "sub-2")), variances=True)
    assert [[v.path.name for v in row.variances] for row in one.rows] == [
        [f"sub-{sub}_contrast-win_stat-variance_statmap.nii.gz"] for sub in "12"
    ]
    assert {row.rule for row in one.rows} == {""}


def test_a_variance_map_that_was_not_fetched_is_no_missing_one(
    write_dataset: WriteDataset,
) -> None:
    maps = names(*runs("1", "2"))
    root = write_dataset(maps)
    (root / maps[3]).unlink()
    (root / maps[3]).symlink_to("../.git/annex/objects/xx/MD5E-s8--0.nii.gz")
    with pytest.raises(
        InputError,
        match=rf"sub-1_run-2_.*stat-variance.* is a link .*datalad get -d {root} sub-1/sub-1_run",
    ):
        collect(root, combine=["run"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"combine": ["seson"]},
            r"--combine names seson, did you mean session\?, expected one of session, run, echo$",
        ),
        ({"combine": ["task"]}, r"--combine names task, expected one of session, run, echo$"),
        (
            {"difference": ("space", "a", "b")},
            r"--difference names space, expected one of session, run, echo, task, contrast$",
        ),
        ({"within": ["stat"]}, r"the group model names stat, expected one of session, run"),
        (
            {"combine": ["ses"], "difference": ("session", "a", "b")},
            r"--combine and --difference both name session: choose one",
        ),
        (
            {"within": ["run"], "combine": ["run"]},
            r"--combine and the group model both name run: choose one",
        ),
        (
            {"difference": ("run", "1", "01")},
            r"--difference run=1-01 is of a map and itself",
        ),
        ({"difference": ("run", "1", "b")}, r"--difference of run has 'b', expected a number"),
        ({"difference": ("ses", "", "b")}, r"--difference of session has '', expected a label"),
        (
            {"variances": True, "input_stat": "t"},
            r"variance maps are of effects, but --input-stat is t, expected effect or beta",
        ),
    ],
)
def test_what_cannot_be_asked_for(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        collect(tmp_path, **options)
    assert caught.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("maps", "options", "message"),
    [
        (
            ["sub-1_ses-a", "sub-2_ses-a"],
            {"combine": ["run"]},
            (
                r"no map names a run, so that there is nothing to combine with --combine run; "
                r"there: session a; contrast win"
            ),
        ),
        (
            ["sub-1_run-1", "sub-2_run-2"],
            {"combine": ["run"]},
            (
                r"nothing to combine with --combine run: no subject has several runs of one map; "
                r"there: run 1, 2; contrast win"
            ),
        ),
        (
            ["sub-1_ses-pre", "sub-2_ses-post"],
            {"difference": ("session", "past", "pre")},
            r"there is no map of session past, did you mean post\?; there: session post, pre; ",
        ),
        (
            ["sub-1_run-1"],
            {"difference": ("session", "post", "pre")},
            r"no map names a session, so that there is nothing to subtract; there: run 1",
        ),
        (
            ["sub-1_ses-pre", "sub-2_ses-post"],
            {"difference": ("session", "post", "pre")},
            (
                r"nothing to subtract: no subject has session post and session pre that agree in "
                r"all else: .*sub-2_ses-post_.* against .*sub-1_ses-pre_.*; there: session post, "
            ),
        ),
        (
            ["sub-1_ses-pre", "sub-2_ses-post"],
            {"within": ["run"]},
            r"no map names a run, by which rows of the design should differ; there: session",
        ),
    ],
)
def test_nothing_to_combine_or_to_subtract(
    write_dataset: WriteDataset, maps: list[str], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        collect(write_dataset(names(*maps)), **options)
    assert caught.value.exit_code == ExitCode.NOTHING_SELECTED


def test_a_contrast_that_nobody_has_twice_is_left_out_aloud(
    write_dataset: WriteDataset, caplog: pytest.LogCaptureFixture
) -> None:
    root = write_dataset(
        [*names(*sessions("1", "2")), *names("sub-1_ses-pre", contrasts=["lose"])]
    )
    (one,) = collect(root, difference=("session", "post", "pre"))
    assert one.entities["contrast"] == "winPostMinusPre"
    assert "contrast lose is left out: no subject has session post and session pre" in caplog.text


def test_the_log_tells_how_many_maps_each_restriction_leaves(
    write_dataset: WriteDataset, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    root = write_dataset(names("sub-1", *runs("2"), "sub-3", contrasts=["win", "lose"]))
    collect(root, contrast=["win"], filters={"run": 1})
    assert (
        "16 first-level maps of 3 subjects; 8 after --contrast (contrast-win); "
        "4 after --input-stat (stat-effect); 1 after --bids-filter-file (run-1)"
    ) in caplog.text
    collect(root, participant_label=["1"], database_dir=tmp_path / "db")
    assert "4 first-level maps of 1 subject of --participant-label; 2 after" in caplog.text


def test_rows_compare_and_hash(write_dataset: WriteDataset) -> None:
    root = write_dataset(names(*sessions("1", "2")))
    once, twice = (collect(root, within=["session"]) for _ in range(2))
    assert once == twice
    assert len({*once, *twice}) == 1
