"""What the user asked for arrives in the graph, for every option that matters there."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nipype.pipeline import engine as pe

from bids_ari.errors import InputError
from bids_ari.images import common_grid
from bids_ari.inputs import (
    Analysis,
    Design,
    GroupAnalysis,
    collect,
    datasets,
    find_participants,
    group_analyses,
)
from bids_ari.options import Options
from bids_ari.outputs import DERIVATIVES
from bids_ari.workflows.base import (
    init_bids_ari_wf,
    names_of,
    workflow_name,
    worthwhile_processes,
)


@pytest.fixture
def analysis(small_group: Path) -> Analysis:
    (analysis,) = collect(small_group)
    return analysis


def grouped(*analyses: Analysis, **asked: Any) -> list[GroupAnalysis]:
    groups, errors = group_analyses(analyses, Design(**asked))
    assert not errors
    return groups


def nodes_of(
    analysis: Analysis, small_group: Path, tmp_path: Path, **options: Any
) -> dict[str, pe.Node]:
    workflow = init_bids_ari_wf(
        grouped(analysis),
        Options(
            bids_dir=small_group,
            output_dir=tmp_path / "out",
            work_dir=tmp_path / "work",
            **options,
        ),
        datasets(small_group, {}),
    )
    return {
        # of the inputnodes, that of the maps
        name.rpartition(".")[2]: workflow.get_node(name)
        for name in sorted(workflow.list_node_names(), key=lambda name: "model_wf" in name)
    }


@pytest.mark.parametrize(
    ("option", "value", "places"),
    [
        ("smoothing_fwhm", 5.5, [("smooth", "fwhm", 5.5)]),
        ("mask_coverage", 0.7, [("split", "mask_coverage", 0.7), ("mask", "mask_coverage", 0.7)]),
        ("missing_voxels", "drop", [("mask", "missing_voxels", "drop")]),
        ("alternative", "less", [("model", "alternative", "less"), ("ari", "alternative", "less"), ("forest", "alternative", "less"), ("sensitivity", "alternative", "less")]),
        ("alpha", 0.2, [("ari", "alpha", 0.2)]),
        ("local_test", "hommel", [("ari", "method", "hommel")]),
        ("inference", "beta", [("ari", "method", "beta")]),
        ("cluster_threshold", (2.0, "auto"), [("clusters", "cut", [("height", 2.0), ("concentration", 0.0), ("tdp", 0.7)])]),
        ("tdp_threshold", (0.5, 0.9), [("clusters", "cut", [("height", 3.1), ("tdp", 0.5), ("tdp", 0.9)])]),
        ("connectivity", 26, [("clusters", "connectivity", 26), ("forest", "connectivity", 26)]),
        ("min_distance", 12.0, [("clusters", "min_distance", 12.0)]),
    ],
)  # fmt: skip
def test_options_arrive_where_they_act(
    option: str,
    value: Any,
    places: list[tuple[str, str, Any]],
    analysis: Analysis,
    small_group: Path,
    tmp_path: Path,
) -> None:
    nodes = nodes_of(analysis, small_group, tmp_path, **{option: value})
    for node, trait, expected in places:
        assert getattr(nodes[node].inputs, trait) == expected
        default = getattr(nodes_of(analysis, small_group, tmp_path)[node].inputs, trait)
        assert default != expected  # or the test could not fail


def test_the_mask_arrives(analysis: Analysis, small_group: Path, tmp_path: Path) -> None:
    mask = next(small_group.rglob("*_mask.nii.gz"))
    nodes = nodes_of(analysis, small_group, tmp_path, mask=mask)
    assert nodes["inputnode"].inputs.mask == str(mask)
    assert nodes["inputnode"].inputs.mask_name == mask.name
    sources = nodes["ds_mask"].inputs.metadata["Sources"]
    assert sources == [f"bids:firstlevel:{mask.relative_to(small_group).as_posix()}"]


def test_sources_are_what_a_result_was_computed_from(
    analysis: Analysis, small_group: Path, tmp_path: Path
) -> None:
    roi = next(small_group.rglob("*_mask.nii.gz"))
    nodes = nodes_of(
        analysis, small_group, tmp_path, cluster_threshold=(2.0, "auto", 3.0), roi=(roi,)
    )
    (label,) = names_of(*grouped(analysis))

    def sources(name: str, which: int = 0) -> list[str]:
        (metadata,) = [nodes[f"ds_{name}"].inputs.metadata]
        several = metadata if isinstance(metadata, list) else [metadata]
        return [
            source.removeprefix(f"bids::group/{label}_") for source in several[which]["Sources"]
        ]

    maps = [one.uri for one in analysis.maps]
    assert sources("mask") == maps
    assert sources("effect_map") == [*maps, "desc-analysis_mask.nii.gz"]
    assert sources("t_map") == ["stat-effect_statmap.nii.gz", "stat-variance_statmap.nii.gz"]
    assert sources("z_map") == sources("p_map") == ["stat-t_statmap.nii.gz"]
    assert sources("label_map") == ["stat-z_statmap.nii.gz"]
    assert sources("label_map", 1) == ["stat-z_statmap.nii.gz", "stat-p_statmap.nii.gz"]
    for name in ("tdp_map", "cluster_table", "peak_table"):
        assert sources(name) == ["stat-p_statmap.nii.gz", "desc-z2_dseg.nii.gz"]
        assert sources(name, 1) == ["stat-p_statmap.nii.gz", "desc-zauto_dseg.nii.gz"]
        assert sources(name, 3) == ["stat-p_statmap.nii.gz", "desc-tdp0p7_dseg.nii.gz"]
    assert sources("gradient_map") == ["stat-z_statmap.nii.gz", "stat-p_statmap.nii.gz"]
    assert sources("sensitivity_table") == ["stat-t_statmap.nii.gz"]
    uri = f"bids:firstlevel:{roi.relative_to(small_group).as_posix()}"
    assert sources("region_table")[-1] == sources("overlap_table", 2)[-1] == uri
    assert sources("overlap_table", 2)[1] == "desc-z3_dseg.nii.gz"


def test_tables_of_regions_are_written_only_where_there_are_regions(
    analysis: Analysis, small_group: Path, tmp_path: Path
) -> None:
    nodes = nodes_of(analysis, small_group, tmp_path)
    assert not {"ds_region_table", "ds_overlap_table"} & set(nodes)


def test_maps_and_design_have_one_order(
    analysis: Analysis, small_group: Path, tmp_path: Path
) -> None:
    nodes = nodes_of(analysis, small_group, tmp_path)
    maps = nodes["inputnode"].inputs.maps
    assert maps == [str(one.path) for one in analysis.maps]
    rows = nodes["ds_design"].inputs.rows
    assert [row[0] for row in rows] == [f"sub-{one.subject}" for one in analysis.maps]
    assert np.array([row[1:] for row in rows]).tolist() == nodes["inputnode"].inputs.design


@pytest.mark.parametrize(
    ("option", "value", "places"),
    [
        ("shift", 9, [("draw", "shift", 9), ("permute", "shift", 9), ("calibrate", "shift", 9)]),
        ("n_permutations", 50, [("draw", "n_permutations", 50)]),
        ("random_seed", 3, [("draw", "seed", 3)]),
        ("step_down", True, [("calibrate", "step_down", True)]),
        ("alpha", 0.2, [("draw", "alpha", 0.2), ("calibrate", "alpha", 0.2)]),
        ("alternative", "less", [("draw", "alternative", "less"), ("permute", "alternative", "less"), ("calibrate", "alternative", "less")]),
    ],
)  # fmt: skip
def test_options_of_permutations_arrive_where_they_act(
    option: str,
    value: Any,
    places: list[tuple[str, str, Any]],
    analysis: Analysis,
    small_group: Path,
    tmp_path: Path,
) -> None:
    nodes = nodes_of(analysis, small_group, tmp_path, inference="simes", **{option: value})
    for node, trait, expected in places:
        assert getattr(nodes[node].inputs, trait) == expected
        default = nodes_of(analysis, small_group, tmp_path, inference="simes")[node]
        assert getattr(default.inputs, trait) != expected
        assert nodes[node].inputs.method == "simes"
    assert "permute" not in nodes_of(analysis, small_group, tmp_path)


def test_every_output_has_a_sink_and_waits_for_the_last_step(
    analysis: Analysis, small_group: Path, tmp_path: Path
) -> None:
    workflow = init_bids_ari_wf(
        grouped(analysis),
        Options(
            bids_dir=small_group,
            output_dir=tmp_path / "out",
            work_dir=tmp_path / "work",
            roi=(next(small_group.rglob("*_mask.nii.gz")),),
            inference="simes",
        ),
        datasets(small_group, {}),
    )
    (of_group,) = workflow._graph.nodes()
    (inner,) = [
        node for node in of_group._graph.nodes() if node.name not in ("model_wf", "regions")
    ]
    sinks = {node.name: node for node in inner._graph.nodes() if node.name.startswith("ds_")}
    expected = {f"ds_{name}" for name in [*DERIVATIVES, "inclusion"]}
    assert set(sinks) == expected - {
        f"ds_{name}" for name in ("f_map", "tau2_map", "atlas_map", "atlas_table")
    }
    (done,) = [node for node in inner._graph.nodes() if node.name == "done"]
    awaited = {
        source
        for _, _, edge in inner._graph.in_edges(done, data=True)
        for source, _ in edge["connect"]
    }
    assert awaited == {f"outputnode.{name}_table" for name in ("cluster", "region", "sensitivity")}
    for sink in sinks.values():
        assert sink.interface.always_run
        waits_for = {
            target
            for _, _, edge in inner._graph.in_edges(sink, data=True)
            for _, target in edge["connect"]
        }
        assert "after" in waits_for, sink.name


def test_contrasts_share_what_is_read_and_fitted(
    analysis: Analysis, small_group: Path, tmp_path: Path
) -> None:
    design = Design(
        formula="1 + age + C(group)",
        contrasts=(
            "age",
            "groups=group[patient] - group[control]",
            "both=age, group[patient] - group[control]",
        ),
        participants=find_participants([small_group]),
    )
    groups, _ = group_analyses([analysis], design)
    options = Options(bids_dir=small_group, output_dir=tmp_path / "o", work_dir=tmp_path / "w")
    workflow = init_bids_ari_wf(groups, options, datasets(small_group, {}))
    names = [name.partition(".")[2] for name in workflow.list_node_names()]
    assert names.count("model_wf.smooth") == names.count("model_wf.model") == 1
    for contrast in ("age", "groups", "both"):
        assert f"{contrast}_wf.inference_wf.ari" in names
        assert (f"{contrast}_wf.ds_f_map" in names) == (contrast == "both")
        assert (f"{contrast}_wf.ds_effect_map" in names) == (contrast != "both")
    model = workflow.get_node(f"{workflow_name(groups[0])}.model_wf.inputnode").inputs
    assert model.tests == ["t", "t", "F"]
    assert [len(rows) for rows in model.contrasts] == [1, 1, 2]
    assert np.array(model.design).shape == (12, 3)


def test_regions_that_could_not_be_told_apart_are_refused(
    analysis: Analysis, small_group: Path, tmp_path: Path
) -> None:
    rois = []
    for folder in "ab":
        (tmp_path / folder).mkdir()
        rois.append(tmp_path / folder / "roi_mask.nii.gz")
        shutil.copy(next(small_group.rglob("*_mask.nii.gz")), rois[-1])
    with pytest.raises(InputError, match=r"would be called roi_mask.nii.gz in tables: .*a/roi"):
        nodes_of(analysis, small_group, tmp_path, roi=tuple(rois))


def test_one_sub_workflow_for_each_analysis(small_group: Path, tmp_path: Path) -> None:
    (one,) = collect(small_group)
    two = Analysis({**one.entities, "contrast": "a+b"}, one.rows, one.inclusion)
    three = Analysis({**one.entities, "contrast": "ab"}, one.rows, one.inclusion)
    options = Options(bids_dir=small_group, output_dir=tmp_path / "o", work_dir=tmp_path / "w")
    groups = grouped(one, two, three)
    workflow = init_bids_ari_wf(groups, options, datasets(small_group, {}))
    names = {workflow_name(each) for each in groups}
    assert {name.split(".")[0] for name in workflow.list_node_names()} == names
    assert len(names) == 3


def test_analyses_that_would_write_the_same_files_are_refused(
    analysis: Analysis, small_group: Path, tmp_path: Path
) -> None:
    twin = Analysis({**analysis.entities, "description": "smoothed"}, analysis.rows, ())
    options = Options(bids_dir=small_group, output_dir=tmp_path / "o", work_dir=tmp_path / "w")
    with pytest.raises(
        InputError, match=r"would both be called .*choose between description=None"
    ):
        init_bids_ari_wf(grouped(analysis, twin), options, datasets(small_group, {}))


def test_the_version_is_in_the_name_of_the_work(
    analysis: Analysis, small_group: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = Options(bids_dir=small_group, output_dir=tmp_path / "o", work_dir=tmp_path / "w")
    names = set()
    for version in ("1.0.0", "1.1.0+local"):
        monkeypatch.setattr("bids_ari.workflows.base.__version__", version)
        names.add(init_bids_ari_wf(grouped(analysis), options, datasets(small_group, {})).name)
    assert names == {"bids_ari_1_0_0_wf", "bids_ari_1_1_0_local_wf"}


def test_a_small_group_is_not_worth_several_processes(
    analysis: Analysis,
) -> None:
    groups = grouped(analysis)
    assert worthwhile_processes(groups, 8) == 1
    shape = common_grid([analysis.maps[0].path]).shape
    seconds = int(np.prod(shape)) * (1e-8 * len(analysis.maps) + 1.2e-6)
    enough = int(3 / seconds) + 1
    assert worthwhile_processes(groups * (enough - 2), 8) == 1
    assert worthwhile_processes(groups * enough, 8) == 8


def test_regions_are_put_on_the_voxels_once_for_all_contrasts(
    analysis: Analysis, small_group: Path, tmp_path: Path
) -> None:
    roi = next(small_group.rglob("*_mask.nii.gz"))
    table = find_participants([small_group], None)
    asked = {"formula": "1 + age", "participants": table, "contrasts": ("a=intercept", "b=age")}

    def regions_of(**more: Any) -> list[Any]:
        workflow = init_bids_ari_wf(
            grouped(analysis, **asked),
            Options(bids_dir=small_group, output_dir=tmp_path / "out", **more),
            datasets(small_group, {}),
        )
        (group_wf,) = workflow._graph.nodes()
        found = [name for name in group_wf.list_node_names() if name.endswith("regions")]
        return [
            (name, target.name, sorted(field for _, field in edge["connect"]))
            for name in found
            for _, target, edge in group_wf._graph.out_edges(group_wf.get_node(name), data=True)
        ]

    fields = [f"inputnode.{name}" for name in ("atlas_map", "atlas_table", "loaded", "regions")]
    assert regions_of(roi=(roi,)) == [
        ("regions", "a_wf", fields),
        ("regions", "b_wf", fields),
    ]
    assert regions_of() == []
