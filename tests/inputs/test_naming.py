from typing import Any

import pytest

from bids_ari.inputs.index import CONFIG
from bids_ari.inputs.naming import (
    BY_KEY,
    ENTITIES,
    FLAVOURS,
    dataset_space,
    flavours_to_try,
    parse,
    written_by,
)


def test_entities_come_in_the_order_of_the_table() -> None:
    found = parse("sub-01_stat-z_contrast-win_run-1_task-x_statmap.nii", ("ses-a",))
    assert list(found) == [name for name in ENTITIES if name in found]
    assert found["session"] == "a"


def test_taskcontrast_is_no_contrast_unless_a_flavour_says_so() -> None:
    name = "sub-01_taskcontrast-win_model-m_contrast-group_stat-z_statmap.nii.gz"
    assert parse(name)["contrast"] == "group"
    renamed = parse(name, (), {"taskcontrast": "contrast", "model": "node"})
    assert renamed["contrast"] == "win"
    assert renamed["node"] == "m"
    assert "model" not in renamed


def test_the_own_contrast_of_a_flavour_that_renames_is_not_one_of_the_first_level() -> None:
    name = "sub-01_contrast-group_stat-z_statmap.nii.gz"
    assert "contrast" not in parse(name, (), {"taskcontrast": "contrast"})


def test_a_name_wins_over_its_folders() -> None:
    assert parse("sub-01_ses-b_contrast-c_stat-z_statmap.nii", ("ses-a",))["session"] == "b"


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        ("sub-01_statmap.nii", ".nii"),
        ("sub-01_statmap.nii.gz", ".nii.gz"),
        ("sub-01_statmap.dscalar.nii", ".dscalar.nii"),
        ("sub-01_statmap.shape.gii", ".shape.gii"),
        ("sub-01_statmap", ""),
    ],
)
def test_the_extension_is_all_behind_the_first_dot(name: str, extension: str) -> None:
    found = parse(name)
    assert found["extension"] == extension
    assert found["suffix"] == "statmap"


def test_keys_and_names_are_unique() -> None:
    assert len(BY_KEY) == sum(bool(one.key) for one in ENTITIES.values())
    assert not (set(BY_KEY) - set(BY_KEY.values())) & set(ENTITIES)
    assert {one.role for one in ENTITIES.values()} == {
        "subject",
        "shared",
        "repeat",
        "level",
        "file",
    }


def test_pybids_is_told_of_every_entity() -> None:
    entities: Any = CONFIG["entities"]
    assert [one["name"] for one in entities] == list(ENTITIES)


def test_renames_and_folders_of_the_table_are_sound() -> None:
    for flavour in FLAVOURS:
        assert set(flavour.rename.values()) <= set(ENTITIES), flavour.name
        assert all(folder.endswith("/") for folder in flavour.folders), flavour.name


@pytest.mark.parametrize(
    ("description", "programs"),
    [
        ({}, ()),
        ({"GeneratedBy": [{"Name": "Nilearn"}, {"Version": "1"}]}, ("nilearn",)),
        ({"PipelineDescription": {"Name": "FitLins"}}, ("fitlins",)),
        ({"PipelineDescription": "FitLins"}, ()),
    ],
)
def test_the_programs_of_a_description(
    description: dict[str, Any], programs: tuple[str, ...]
) -> None:
    assert written_by(description) == programs


def test_the_flavours_of_the_writer_are_tried_first() -> None:
    tried = flavours_to_try({"PipelineDescription": {"Name": "FitLins"}})
    assert [one.name for one in tried[:3]] == ["FitLins 0.11", "FitLins 0.5 to 0.10", "BEP041"]
    assert set(tried) == set(FLAVOURS)


@pytest.mark.parametrize("parameters", [None, {}, {"space": None}, {"space": ["MNI"]}, "MNI"])
def test_no_space_is_made_up(parameters: object) -> None:
    description = {"PipelineDescription": {"Name": "FitLins", "Parameters": parameters}}
    assert dataset_space(description, flavours_to_try(description)[0]) == ""
