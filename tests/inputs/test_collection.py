import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bids.layout import Query

from bids_ari.errors import ExitCode, InputError
from bids_ari.inputs import collect, datasets

WriteDataset = Callable[..., Path]
Names = Callable[..., list[str]]
END = "task-gamble_contrast-win_stat-effect_statmap.nii.gz"


def test_a_dataset_alone_is_the_first_level(tmp_path: Path) -> None:
    assert datasets(tmp_path, {}) == {"firstlevel": tmp_path}


def test_a_dataset_may_be_raw_and_a_derivative(tmp_path: Path) -> None:
    assert datasets(tmp_path, {"spm": tmp_path}) == {"raw": tmp_path, "spm": tmp_path}


def test_a_dataset_beside_derivatives_is_raw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    roots = datasets(tmp_path, {"fitlins": Path("fitlins"), "spm": tmp_path / "spm"})
    assert roots == {"raw": tmp_path, "fitlins": tmp_path / "fitlins", "spm": tmp_path / "spm"}


@pytest.mark.parametrize(
    ("derivatives", "message"),
    [
        ({"raw": "x"}, r"--derivatives raw=x: expected a name without"),
        ({"a:b": "x"}, r"--derivatives a:b=x: expected a name without"),
        ({"..": "x"}, r"--derivatives ..=x: expected a name without"),
        ({"": "x"}, r"--derivatives =x: expected a name without"),
        ({"a": "x", "b": "y/../x"}, r"--derivatives names y/../x twice, a and b"),
    ],
)
def test_names_that_no_uri_can_hold(derivatives: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        datasets(Path("raw"), {name: Path(path) for name, path in derivatives.items()})
    assert caught.value.exit_code == ExitCode.USAGE


def test_the_raw_dataset_is_not_scanned(write_dataset: WriteDataset, generic_names: Names) -> None:
    raw = write_dataset(generic_names(["09"]), at="raw", participants=["01", "04"])
    maps = write_dataset(generic_names(["01", "02"]), at="out")
    lose, win = collect(raw, derivatives={"spm": maps})
    assert lose.entities == {"task": "gamble", "space": "MNI", "contrast": "lose"}
    assert [one.subject for one in win.maps] == ["01", "02"]
    assert win.maps[0].path == maps / generic_names(["01"], ["win"], ["effect"])[0]
    assert win.maps[0].uri == f"bids:spm:{generic_names(['01'], ['win'], ['effect'])[0]}"
    assert [(one.subject, one.included, one.reason, one.source) for one in win.inclusion] == [
        ("01", True, "", win.maps[0].uri),
        ("02", True, "not in participants.tsv", win.maps[1].uri),
        ("04", False, "no first-level map", ""),
    ]


def test_maps_of_several_derivatives_make_one_analysis(
    write_dataset: WriteDataset, generic_names: Names, tmp_path: Path
) -> None:
    roots = {
        "site1": write_dataset(generic_names(["02"], ["win"]), at="one"),
        "site2": write_dataset(generic_names(["01"], ["win"]), at="two"),
        "fmriprep": write_dataset(["sub-01/func/sub-01_task-gamble_bold.nii.gz"], at="prep"),
    }
    for database_dir in (None, tmp_path / "database"):
        (one,) = collect(tmp_path, derivatives=roots, database_dir=database_dir)
        assert [map_.uri.split(":")[1] for map_ in one.maps] == ["site2", "site1"]
    assert {path.name for path in (tmp_path / "database").iterdir()} == {"site1", "site2"}


def test_the_same_map_in_two_derivatives_is_one_too_many(
    write_dataset: WriteDataset, generic_names: Names, tmp_path: Path
) -> None:
    roots = {name: write_dataset(generic_names(), at=name) for name in ("one", "two")}
    with pytest.raises(
        InputError,
        match=r"sub-01 \(and 2 more subjects\) has 2 maps .*one/sub-01.*two/sub-01.*; choose by "
        r"one dataset in --derivatives",
    ):
        collect(tmp_path, derivatives=roots)


def test_out_and_why(write_dataset: WriteDataset, generic_names: Names) -> None:
    root = write_dataset(
        [
            *generic_names(["01"], ["win"]),
            *generic_names(["02"], ["lose"]),
            *generic_names(["03"], ["win"], ["t"]),
            *generic_names(["04"], ["win"], task="rest"),
        ],
        participants=["01", "02", "03", "04", "05"],
    )
    (one,) = collect(root, contrast=["win"], task_id=["task-gamble"])
    assert {line.subject: line.reason for line in one.inclusion} == {
        "01": "",
        "02": "no map of contrast win",
        "03": "no effect map of contrast win",
        "04": "no map of contrast win with task gamble",
        "05": "no first-level map",
    }
    assert [line.included for line in one.inclusion] == [True, False, False, False, False]


def test_a_filter_of_subjects_is_blamed_for_no_other_subject(
    write_dataset: WriteDataset, generic_names: Names
) -> None:
    root = write_dataset(
        [*generic_names(["01", "02"], ["win"]), *generic_names(["03"], ["win"], task="rest")]
    )
    (one,) = collect(root, task_id=["gamble"], filters={"subject": ["01", "03"]})
    assert [line.reason for line in one.inclusion] == [
        "",
        "left out by the filter of subject",
        "no map of contrast win with task gamble",
    ]


def test_subjects_asked_for_are_the_table(
    write_dataset: WriteDataset, generic_names: Names
) -> None:
    root = write_dataset(generic_names(["01", "02", "03"]), participants=["01", "02", "03", "04"])
    _, win = collect(root, participant_label=["sub-04", "01", "sub-01"])
    assert [(one.subject, one.included) for one in win.inclusion] == [("01", True), ("04", False)]


@pytest.mark.parametrize("with_database", [False, True])
def test_subjects_that_are_not_there(
    write_dataset: WriteDataset, generic_names: Names, tmp_path: Path, with_database: bool
) -> None:
    root = write_dataset(generic_names(["001", "002"]))
    with pytest.raises(
        InputError,
        match=r"2 of 3 subjects asked for are not in .*maps: 1, did you mean 001\?; patient; "
        r"there: 001, 002$",
    ) as caught:
        collect(
            root,
            participant_label=["1", "002", "patient"],
            database_dir=tmp_path / "db" if with_database else None,
        )
    assert caught.value.exit_code == ExitCode.NOTHING_SELECTED


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"contrast": ["wim"]},
            (
                r"no map in .*maps matches contrast-wim stat-effect: there is no contrast wim, "
                r"did you mean win\?; there: contrast lose, win; task gamble; space MNI; stat ef"
            ),
        ),
        (
            {"contrast": ["win", "draw"]},
            r"matches contrast-win\|draw stat-effect: there is no contrast draw; there",
        ),
        ({"task_id": ["gamblle"]}, r"there is no task gamblle, did you mean gamble\?"),
        ({"space": ["T1w"]}, r"there is no space T1w; there: .* space MNI;"),
        ({"session_label": ["1"]}, r"no map there names a session .*, leave --session-label out"),
        ({"input_stat": "z"}, r"matches stat-z: there is no stat z; there: .*stat effect, t, var"),
        (
            {"contrast": ["win"], "filters": {"run": 1}},
            r"with contrast-win stat-effect there is no run-1, and no run at all",
        ),
        (
            {"filters": {"space": Query.NONE}},
            r"with stat-effect there is no space-none, only space MNI",
        ),
        (
            {"task_id": ["rest"], "contrast": ["lose"]},
            r"with contrast-lose there is no task-rest, only task gamble",
        ),
        ({"filters": {"subject": "7"}}, r"sub-7: there is no subject 7, only subject 01, 02, 03"),
    ],
)
@pytest.mark.parametrize("with_database", [False, True])
def test_nothing_selected(
    write_dataset: WriteDataset,
    generic_names: Names,
    tmp_path: Path,
    options: dict[str, Any],
    message: str,
    with_database: bool,
) -> None:
    names = generic_names()
    if options.get("task_id") == ["rest"]:
        names += generic_names(contrasts=["win"], task="rest")
    root = write_dataset(names)
    with pytest.raises(InputError, match=message) as caught:
        collect(root, **options, database_dir=tmp_path / "db" if with_database else None)
    assert caught.value.exit_code == ExitCode.NOTHING_SELECTED
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], r"no first-level map in .*maps: expected names like sub-01_task-faces_"),
        (
            ["sub-01/sub-01_stat-rsquared_statmap.nii.gz", "group/contrast-a_stat-t_statmap.nii"],
            r"no first-level map in .*maps: expected names like",
        ),
        (
            ["sub-01/func/sub-01_task-x_bold.nii.gz", "derivatives/spm/dataset_description.json"],
            r"; if they are in a derivative, name it: --derivatives .*maps/derivatives/spm$",
        ),
        (
            ["sub-01/sub-01_hemi-L_contrast-a_stat-effect_statmap.shape.gii"],
            (
                r"maps has statistical maps on surfaces or in CIFTI only \(1 files\): these are "
                r"not supported yet, expected .nii or .nii.gz"
            ),
        ),
        (
            ["node-x/sub-01/sub-01_contrast-a_stat-effect_statmap.dscalar.nii"],
            r"on surfaces or in CIFTI only",
        ),
    ],
)
def test_no_maps(write_dataset: WriteDataset, names: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        collect(write_dataset(names))
    assert caught.value.exit_code == ExitCode.NO_INPUT


@pytest.mark.parametrize("with_database", [False, True])
def test_no_maps_of_the_subjects_asked_for(
    write_dataset: WriteDataset, generic_names: Names, tmp_path: Path, with_database: bool
) -> None:
    root = write_dataset(generic_names(["01"]), participants=["01", "02"])
    with pytest.raises(InputError, match=r"no first-level map of sub-02 in .*maps") as caught:
        collect(
            root,
            participant_label=["02"],
            database_dir=tmp_path / "db" if with_database else None,
        )
    assert caught.value.exit_code == ExitCode.NO_INPUT


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("with_database", [False, True])
def test_what_others_have_does_not_help_the_subjects_asked_for(
    write_dataset: WriteDataset,
    generic_names: Names,
    tmp_path: Path,
    flat: bool,
    with_database: bool,
) -> None:
    names = generic_names(["01"], ["win"]) + generic_names(["02"], ["lose"])
    description = {"GeneratedBy": [{"Name": "nilearn"}]}
    root = write_dataset(
        [Path(name).name for name in names] if flat else names, description=description
    )
    database_dir = tmp_path / "db" if with_database else None
    with pytest.raises(InputError, match=r"there is no contrast.lose.*; there: .*stat effect"):
        collect(root, participant_label=["01"], contrast=["lose"], database_dir=database_dir)
    (one,) = collect(root, participant_label=["01"], database_dir=database_dir)
    assert [map_.subject for map_ in one.maps] == ["01"]


def test_folders_of_subjects_not_asked_for_are_not_listed(
    write_dataset: WriteDataset, generic_names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_dataset(generic_names())
    listed = []
    listing = os.scandir

    def note(path: str) -> object:
        listed.append(Path(path).name)
        return listing(path)

    monkeypatch.setattr(os, "scandir", note)
    collect(root, participant_label=["02"])
    assert listed == ["maps", "sub-02"]


def test_runs_beside_their_summary_are_not_guessed_at(write_dataset: WriteDataset) -> None:
    root = write_dataset([f"sub-1/sub-1_run-1_{END}", f"sub-1/sub-1_{END}"])
    with pytest.raises(InputError, match=r"sub-1 has 2 maps of contrast win"):
        collect(root)
    (one,) = collect(root, filters={"run": Query.NONE})
    assert one.maps[0].path.name == f"sub-1_{END}"


def test_other_kinds_of_images_stay_out(write_dataset: WriteDataset, generic_names: Names) -> None:
    names = generic_names(["01"], ["win"], ["effect"])
    other = [
        name.replace(".nii.gz", end)
        for name in names
        for end in (".dscalar.nii", ".gii", ".json", ".tsv", "")
    ]
    (one,) = collect(write_dataset(names + other))
    assert [map_.path.name for map_ in one.maps] == [Path(names[0]).name]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"spm does not exist, expected a dataset") as caught:
        collect(tmp_path, derivatives={"spm": tmp_path / "spm"})
    assert caught.value.exit_code == ExitCode.NO_INPUT


def test_the_description_of_the_raw_dataset_is_checked_too(
    write_dataset: WriteDataset, generic_names: Names
) -> None:
    raw = write_dataset([], at="raw", description="{")
    with pytest.raises(InputError, match=r"raw/dataset_description.json is not valid JSON"):
        collect(raw, derivatives={"spm": write_dataset(generic_names())})


def test_two_runs_of_one_subject(write_dataset: WriteDataset) -> None:
    root = write_dataset(
        [
            f"sub-01/sub-01_run-1_{END}",
            f"sub-01/sub-01_run-2_{END}",
            f"sub-02/sub-02_run-1_{END}",
        ]
    )
    with pytest.raises(
        InputError,
        match=r"sub-01 has 2 maps of contrast win where an analysis takes one: .*run-1.*run-2.*; "
        r'choose by --bids-filter-file with {"run": "1"}',
    ) as caught:
        collect(root)
    assert caught.value.exit_code == ExitCode.DATA
    (one,) = collect(root, filters={"run": 1})
    assert len(one.maps) == 2
    assert one.entities == {"task": "gamble", "run": "1", "contrast": "win"}


def test_two_sessions_of_one_subject(write_dataset: WriteDataset) -> None:
    root = write_dataset(
        [f"sub-{sub}/ses-{ses}/sub-{sub}_ses-{ses}_{END}" for sub in "12" for ses in ("a", "b")]
    )
    with pytest.raises(
        InputError,
        match=r"choose by --session-label a; or average them with --combine session, or subtract "
        r"with --difference session=b-a$",
    ):
        collect(root)
    (one,) = collect(root, session_label=["ses-b"])
    assert one.entities["session"] == "b"
    assert {map_.entities["session"] for map_ in one.maps} == {"b"}


def test_one_session_each_need_not_be_the_same(write_dataset: WriteDataset) -> None:
    root = write_dataset([f"sub-1/sub-1_ses-a_{END}", f"sub-2/sub-2_ses-b_{END}"])
    (one,) = collect(root)
    assert "session" not in one.entities
    assert len(one.maps) == 2
    assert [line.reason for line in one.inclusion] == ["session a", "session b"]


def test_two_extensions_of_one_map(write_dataset: WriteDataset) -> None:
    root = write_dataset([f"sub-1/sub-1_{END}", f"sub-1/sub-1_{END.removesuffix('.gz')}"])
    with pytest.raises(InputError, match=r'--bids-filter-file with {"extension": ".nii"}'):
        collect(root)
    (one,) = collect(root, filters={"extension": ".nii.gz"})
    assert [map_.path.suffix for map_ in one.maps] == [".gz"]


def test_maps_that_nothing_known_tells_apart(write_dataset: WriteDataset) -> None:
    root = write_dataset([f"sub-1/sub-1_{END}", f"sub-1/sub-1_mine-x_{END}"])
    with pytest.raises(InputError, match=r"no entity tells them apart: remove one"):
        collect(root)


def test_each_space_and_resolution_is_an_analysis(write_dataset: WriteDataset) -> None:
    root = write_dataset(
        [
            f"sub-{sub}/sub-{sub}_space-{space}_res-{res}_contrast-c_stat-effect_statmap.nii"
            for sub in "12"
            for space, res in (("A", "1"), ("A", "2"), ("B", "1"))
        ]
    )
    found = [(one.entities["space"], one.entities["resolution"]) for one in collect(root)]
    assert found == [("A", "1"), ("A", "2"), ("B", "1")]


def test_half_of_the_maps_with_a_resolution(write_dataset: WriteDataset) -> None:
    root = write_dataset(
        [
            *(f"sub-{sub}/sub-{sub}_{END}" for sub in "123"),
            *(f"sub-{sub}/sub-{sub}_res-2_desc-x_{END}" for sub in "45"),
        ]
    )
    with pytest.raises(
        InputError,
        match=r"2 maps of contrast win with a resolution and description and 3 of other subjects "
        r"without: .*sub-4_res-2.* against .*sub-1_task.*; name them alike, or choose with "
        r'--bids-filter-file, for example {"resolution": "2", "description": "x"}',
    ) as caught:
        collect(root)
    assert caught.value.exit_code == ExitCode.DATA
    (one,) = collect(root, filters={"resolution": "2"})
    assert one.entities["resolution"] == "2"


def test_two_variants_of_every_subject_stay_apart(write_dataset: WriteDataset) -> None:
    names = [f"sub-{sub}/sub-{sub}_{more}{END}" for sub in "12" for more in ("", "desc-s_")]
    plain, smooth = collect(write_dataset(names))
    assert "description" not in plain.entities
    assert smooth.entities["description"] == "s"


def test_a_map_in_the_folder_of_another_subject(write_dataset: WriteDataset) -> None:
    with pytest.raises(InputError, match=rf"sub-1/sub-2_{END} is in the folder of sub-1"):
        collect(write_dataset([f"sub-1/sub-2_{END}"]))


def test_a_map_in_the_folder_of_another_session(write_dataset: WriteDataset) -> None:
    with pytest.raises(InputError, match=r"named ..._ses-b_.* is in a folder ses-a of .*maps"):
        collect(write_dataset([f"sub-1/ses-a/sub-1_ses-b_{END}"]))


def test_content_that_was_not_fetched(write_dataset: WriteDataset, generic_names: Names) -> None:
    names = generic_names(["01", "02"], ["win"])
    root = write_dataset(names)
    for name in names:
        (root / name).unlink()
        (root / name).symlink_to("../.git/annex/objects/xx/MD5E-s8--0.nii.gz")
    with pytest.raises(
        InputError,
        match=r"sub-01_.*_statmap.nii.gz \(and 1 more files\) is a link to ../.git/annex/.*, "
        r"which is not there; .*datalad get -d .*maps sub-01/sub-01_",
    ) as caught:
        collect(root)
    assert caught.value.exit_code == ExitCode.DATA
    (root / ".git/annex/objects/xx").mkdir(parents=True)
    (root / ".git/annex/objects/xx/MD5E-s8--0.nii.gz").touch()
    (one,) = collect(root)
    assert len(one.maps) == 2


def test_folders_that_are_links(
    write_dataset: WriteDataset, generic_names: Names, tmp_path: Path
) -> None:
    write_dataset(generic_names(["01"], ["win"]), at="elsewhere")
    root = write_dataset([])
    (root / "sub-01").symlink_to(tmp_path / "elsewhere" / "sub-01")
    (one,) = collect(root)
    assert one.maps[0].path.parts[-3:-1] == ("maps", "sub-01")


def test_a_folder_that_cannot_be_read(
    write_dataset: WriteDataset, generic_names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_dataset(generic_names(["01", "02"]))
    listing = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("sub-02"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return listing(path)

    monkeypatch.setattr(os, "scandir", refuse)  # root may read everything
    with pytest.raises(InputError, match=r"maps/sub-02 cannot be read: Permission denied"):
        collect(root)


def test_folders_above_the_dataset_say_nothing(
    write_dataset: WriteDataset, tmp_path: Path
) -> None:
    (tmp_path / "sub-99_task-rest" / "ses-x").mkdir(parents=True)
    root = write_dataset([f"sub-1/sub-1_{END}"], at="sub-99_task-rest/ses-x/space-T1w")
    (one,) = collect(root)
    assert one.entities == {"task": "gamble", "contrast": "win"}
    assert one.maps[0].subject == "1"


def test_an_option_and_a_filter_that_disagree(
    write_dataset: WriteDataset, generic_names: Names
) -> None:
    root = write_dataset(generic_names())
    with pytest.raises(
        InputError,
        match=r"the filters ask for stat-t and --input-stat for stat-effect: choose one",
    ) as caught:
        collect(root, filters={"stat": "t"})
    assert caught.value.exit_code == ExitCode.USAGE
    assert len(collect(root, filters={"stat": "t"}, input_stat="t")) == 2


def test_arguments_that_are_wrong(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"input_stat is 'F', expected one of effect, beta, z, t"):
        collect(tmp_path, input_stat="F")
    with pytest.raises(ValueError, match=r"filters name 'contrats', did you mean contrast\?"):
        collect(tmp_path, filters={"contrats": "win"})


def test_the_log_tells_what_was_indexed(
    write_dataset: WriteDataset, generic_names: Names, caplog: pytest.LogCaptureFixture
) -> None:
    root = write_dataset([*generic_names(), "sub-01/figures/x.svg"], participants=["01"])
    with caplog.at_level(logging.INFO, logger="bids_ari"):
        collect(root, contrast=["win"])
    assert f"indexed 19 files of {root} in 0." in caplog.text
    assert "3 first-level maps wanted, 3 subjects with maps" in caplog.text


def test_records_compare_and_hash(write_dataset: WriteDataset, generic_names: Names) -> None:
    root = write_dataset(generic_names())
    once, twice = collect(root), collect(root)
    assert once == twice
    assert len({*once, *twice}) == 2
