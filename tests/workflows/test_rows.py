"""Rows of several maps, through the graph."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
import pandas as pd
import pytest
from nilearn.glm import compute_fixed_effects
from nilearn.glm.second_level import SecondLevelModel
from nipype.interfaces.base import Undefined
from nipype.pipeline.engine.nodes import NodeExecutionError
from nipype.pipeline.engine.utils import load_resultfile
from numpy.typing import NDArray

from bids_ari.errors import InputError
from bids_ari.inputs import Design, collect, datasets, group_analyses
from bids_ari.interfaces.derivatives import WriteInclusion
from bids_ari.interfaces.maps import SmoothBlock, SplitMaps, recipes_of
from bids_ari.options import Options
from bids_ari.workflows import init_ari_wf
from bids_ari.workflows.base import init_bids_ari_wf
from tests.conftest import AFFINE

SHAPE = (7, 8, 9)
N_SUBJECTS = 19
"""A block of maps and a part of one."""
LABELS = ("post", "pre")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Subjects with two sessions, maps of effects and variances."""
    rng = np.random.default_rng(11)
    root = tmp_path_factory.mktemp("maps")
    mask = np.zeros(SHAPE, bool)
    mask[1:6, 1:7, 1:8] = True
    for number in range(N_SUBJECTS):
        for label in LABELS:
            base = f"sub-{number:02d}/sub-{number:02d}_ses-{label}_contrast-win"
            data = rng.normal(2, 1, SHAPE) + (label == "post") * rng.normal(1, 0.2, SHAPE)
            maps = {"effect": data, "variance": rng.uniform(0.2, 3, SHAPE)}
            for stat, one in maps.items():
                path = root / f"{base}_stat-{stat}_statmap.nii.gz"
                path.parent.mkdir(exist_ok=True)
                nb.Nifti1Image((one * mask).astype(np.float32), AFFINE).to_filename(path)
    nb.Nifti1Image(mask.astype(np.uint8), AFFINE).to_filename(root / "mask.nii.gz")
    return root


def files(root: Path, label: str, stat: str = "effect") -> list[str]:
    return [str(path) for path in sorted(root.glob(f"sub-*/*_ses-{label}_*stat-{stat}_*"))]


def values(path: str | Path) -> NDArray[np.float64]:
    return np.asarray(nb.Nifti1Image.from_filename(path).get_fdata())


def run(tmp_path: Path, maps: Sequence[Any], *, mask: str = "", **inputs: Any) -> Path:
    workflow = init_ari_wf(smoothing_fwhm=inputs.pop("fwhm", 0.0))
    workflow.base_dir = workflow.config["execution"]["crashdump_dir"] = str(tmp_path)
    given = workflow.inputs.inputnode
    given.maps = maps
    given.design = [[1.0]] * len(maps)
    given.contrast = [1.0]
    if mask:
        given.mask = mask
    for name, value in inputs.items():
        setattr(given, name, value)
    workflow.run(plugin="Linear")
    return tmp_path / str(workflow.name)


@pytest.mark.parametrize("fwhm", [0.0, 5.0])
@pytest.mark.parametrize("masked", [True, False])
def test_a_difference_of_sessions_is_that_made_by_hand(
    masked: bool, fwhm: float, dataset: Path, tmp_path: Path
) -> None:
    pairs = list(zip(*(files(dataset, label) for label in LABELS), strict=True))
    by_hand = []
    for number, (post, pre) in enumerate(pairs):
        by_hand.append(str(tmp_path / f"difference{number:02d}.nii.gz"))
        difference = (values(post) - values(pre)).astype(np.float32)
        nb.Nifti1Image(difference, AFFINE).to_filename(by_hand[-1])
    mask = str(dataset / "mask.nii.gz") if masked else ""
    one = run(
        tmp_path / "rows",
        [list(pair) for pair in pairs],
        weights=[[1.0, -1.0]] * N_SUBJECTS,
        mask=mask,
        fwhm=fwhm,
    )
    other = run(tmp_path / "hand", by_hand, mask=mask, fwhm=fwhm)
    for name in ("z", "p", "effect"):
        found, expected = (
            values(done / "model_wf" / "model" / "contrast0" / f"{name}.nii.gz")
            for done in (one, other)
        )
        np.testing.assert_array_equal(found, expected)
    assert np.abs(found).max() > 0
    results = [
        load_resultfile(d / "model_wf" / "mask" / "result_mask.pklz").outputs for d in (one, other)
    ]
    assert results[0].missing == results[1].missing


@pytest.mark.parametrize("weighted", [True, False])
def test_fixed_effects_are_those_of_nilearn(weighted: bool, dataset: Path, tmp_path: Path) -> None:
    rows, beside = (
        [list(pair) for pair in zip(*(files(dataset, one, stat) for one in LABELS), strict=True)]
        for stat in ("effect", "variance")
    )
    mask = str(dataset / "mask.nii.gz")
    done = run(
        tmp_path,
        rows,
        **({"variances": beside} if weighted else {}),
        mask=mask,
    )
    combined = [
        compute_fixed_effects(*pair, mask=mask, precision_weighted=weighted)[0]
        for pair in zip(rows, beside, strict=True)
    ]
    model = SecondLevelModel(mask_img=mask).fit(
        combined, design_matrix=pd.DataFrame({"intercept": np.ones(N_SUBJECTS)})
    )
    expected = model.compute_contrast(output_type="z_score").get_fdata()
    found = values(done / "model_wf" / "model" / "contrast0" / "z.nii.gz")
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_rows_of_a_dataset_arrive(dataset: Path, tmp_path: Path) -> None:
    def inputs(**asked: Any) -> Any:
        analyses = collect(dataset, **asked)
        options = Options(bids_dir=dataset, output_dir=tmp_path / "o", work_dir=tmp_path / "w")
        groups, errors = group_analyses(analyses, Design())
        assert not errors
        workflow = init_bids_ari_wf(groups, options, datasets(dataset, {}))
        (name,) = [
            name for name in workflow.list_node_names() if name.endswith("model_wf.inputnode")
        ]
        (sink,) = [name for name in workflow.list_node_names() if name.endswith("ds_effect_map")]
        metadata = workflow.get_node(sink).inputs.metadata
        return workflow.get_node(name).inputs, metadata

    found, metadata = inputs(difference=("session", "post", "pre"))
    pairs = [list(pair) for pair in zip(*(files(dataset, one) for one in LABELS), strict=True)]
    assert found.maps == pairs
    assert found.weights == [[1.0, -1.0]] * N_SUBJECTS
    assert metadata["Model"]["NumberOfMaps"] == N_SUBJECTS
    assert metadata["Model"]["Contrast"] == "winPostMinusPre"

    found, metadata = inputs(combine=["session"])
    assert found.maps == pairs
    assert found.weights == [[0.5, 0.5]] * N_SUBJECTS
    assert found.variances[3] == [files(dataset, one, "variance")[3] for one in LABELS]
    assert sum("stat-variance" in one for one in metadata["Sources"]) == 2 * N_SUBJECTS

    found, _ = inputs(session_label=["pre"])
    assert found.maps == files(dataset, "pre")


def test_rows_of_one_subject_need_a_model_that_knows_it(dataset: Path) -> None:
    analyses = collect(dataset, within=["session"])
    groups, errors = group_analyses(analyses, Design("1 + session"))
    assert not groups
    with pytest.raises(InputError, match=r"sub-00 has several rows, one for each session, and"):
        raise errors[0]
    groups, errors = group_analyses(analyses, Design("1 + session + C(subject)"))
    assert not errors
    assert groups[0].model.matrix.shape == (2 * N_SUBJECTS, N_SUBJECTS + 1)
    # the mean over subjects is not tested against the error within subjects
    assert [one.expression for one in groups[0].model.contrasts] == [
        "session[pre] - session[post]"
    ]


@pytest.mark.parametrize("contrast", ["mean", "after=session[post]", "any=mean, session[pre]"])
def test_a_mean_over_subjects_has_no_error_within_them(dataset: Path, contrast: str) -> None:
    design = Design("1 + session + C(subject)", contrasts=(contrast,))
    groups, errors = group_analyses(collect(dataset, within=["session"]), design)
    assert not groups
    with pytest.raises(InputError, match=r"is between subjects, but the error .* with --combine"):
        raise errors[0]


def test_variances_come_out_block_by_block(dataset: Path, tmp_path: Path) -> None:
    split = SplitMaps(maps=files(dataset, "pre"), variances=files(dataset, "pre", "variance"))
    parts = split.run(cwd=tmp_path).outputs
    assert [len(block) for block in parts.blocks] == [16, 3]
    smooth = SmoothBlock(
        in_files=parts.blocks[1],
        weights=parts.weights[1],
        variances=parts.variances[1],
        keep_variances=True,
    )
    found = np.load(smooth.run(cwd=tmp_path).outputs.variances_file)
    mask = values(dataset / "mask.nii.gz") > 0
    expected = [values(path)[mask] for path in files(dataset, "pre", "variance")[16:]]
    np.testing.assert_array_equal(found, expected)


def test_without_being_asked_for_variances_are_not_written(dataset: Path, tmp_path: Path) -> None:
    outputs = SmoothBlock(in_files=[files(dataset, "pre")[:2]]).run(cwd=tmp_path).outputs
    assert not Path(str(outputs.variances_file)).exists()
    assert np.load(outputs.values_file).shape[0] == 1  # one row of two files


def test_a_variance_map_on_another_grid_stops_the_run_early(dataset: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd_variance.nii.gz"
    nb.Nifti1Image(np.ones((9, 8, 7), np.float32), AFFINE).to_filename(odd)
    maps = files(dataset, "pre")
    with pytest.raises(NodeExecutionError, match=r"odd_variance.nii.gz is not on the grid"):
        run(tmp_path, maps, variances=[str(odd), *files(dataset, "pre", "variance")[1:]])
    assert (tmp_path / "ari_wf" / "model_wf" / "split").exists()
    assert not (tmp_path / "ari_wf" / "model_wf" / "smooth").exists()


@pytest.mark.parametrize(
    ("weights", "variances", "message"),
    [
        ([[1.0]], None, r"weights of 1 rows, expected those of 2 rows of maps"),
        (None, ["v"], r"variances of 1 rows, expected those of 2 rows of maps"),
        ([[1.0], [1.0]], None, r"row 2 of the design: a row has 2 maps, 1 weights and 0 var"),
        (None, [[], ["v"]], r"row 2 of the design: a row has 2 maps, 2 weights and 1 variance"),
    ],
)
def test_rows_that_do_not_fit(weights: Any, variances: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        recipes_of(["a", ["b", "c"]], weights or Undefined, variances or Undefined)


def test_of_several_rows_the_one_that_lacks_most_is_told(tmp_path: Path) -> None:
    table = tmp_path / "inclusion.tsv"
    given = {
        "subjects": ["1", "2", "3"],
        "included": [True, False, True],
        "reasons": ["", "no first-level map", "session pre only"],
        "sources": ["bids:d:a, bids:d:b", "", "bids:d:c"],
        "out_file": str(table),
    }
    WriteInclusion(**given, n_rows=[2, 0, 1], missing=[7, 5, 3]).run(cwd=tmp_path)
    lines = [line.split("\t") for line in table.read_text().splitlines()]
    assert [line[3] for line in lines] == ["missing_voxels", "7", "n/a", "3"]
    with pytest.raises(ValueError, match=r"3 maps, 2 counts"):
        WriteInclusion(**given, n_rows=[2, 0, 1], missing=[7, 5]).run(cwd=tmp_path)
