"""What goes into the page: computed from the files, compared with the tables, or left out with a reason."""

import base64
import gzip
import io
import json
from pathlib import Path

import nibabel as nb
import numpy as np
import pytest
from PIL import Image

from bids_ari import figures, report
from bids_ari.errors import InputError
from bids_ari.report import explorer
from bids_ari.report.backdrop import backdrop
from bids_ari.report.explorer.gathering import gather
from bids_ari.report.explorer.packing import pack
from bids_ari.report.explorer.sprite import brain_sprite
from tests.conftest import SHAPE
from tests.report.conftest import Writer
from tests.report.explorer.conftest import OBLIQUE, explored_from
from tests.report.html import Page


def explored(root: Path) -> explorer.Explorer:
    [result] = report.find(root)
    return explorer.explore(result, backdrop(result))


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_the_forest_has_the_clusters_of_the_tables(
    tmp_path: Path, write_dataset: Writer, alternative: str
) -> None:
    write_dataset(thresholds=(2.5, 3.1), alternative=alternative, auto=True)
    [result] = report.find(tmp_path)
    explored = gather(result)
    forest = explored.bounded.forest
    for cut in result.heights:
        nodes = forest.above_height(explored.chosen_height if cut.by_data else cut.value)
        assert sorted(forest.size[nodes]) == sorted(one.voxels for one in cut.clusters)
        found = explored.bounded.n_discoveries[nodes]
        assert found.sum() == sum(one.discoveries for one in cut.clusters) > 0
    # the map is in single precision, the sidecar is not
    chosen = result.inference["ConcentrationThreshold"]
    assert explored.chosen_height == pytest.approx(chosen, rel=1e-6)


def test_outputs_of_older_versions_can_be_explored(tmp_path: Path, write_dataset: Writer) -> None:
    write_dataset(older=True)
    made = explored(tmp_path)
    assert made.left_out == ""
    assert made.packed


@pytest.mark.parametrize(
    ("column", "reason"),
    [("discoveries", "differ in size or discoveries"), ("voxels", "differ in size")],
)
def test_a_table_of_other_numbers_is_not_explored(
    tmp_path: Path, write_dataset: Writer, column: str, reason: str
) -> None:
    stem = write_dataset(space="T1w")
    table = tmp_path / "group" / f"{stem}_desc-z3p1_clusters.tsv"
    lines = [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()]
    at = lines[0].index(column)
    lines[1][at] = str(int(lines[1][at]) + 1)
    table.write_text("\n".join("\t".join(line) for line in lines) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"maps do not give the clusters at .*{reason}"):
        gather(report.find(tmp_path)[0])
    page = Page(report.write(tmp_path)[0])
    assert "The explorer is left out, because the maps do not give the clusters" in page.text
    assert len(page.all("script")) == 1
    [policy] = [one["content"] for one in page.all("meta") if "http-equiv" in one]
    assert policy.count("'sha256-") == 1


def test_a_sidecar_of_another_run_is_not_explored(tmp_path: Path, write_dataset: Writer) -> None:
    stem = write_dataset(space="T1w")
    sidecar = tmp_path / "group" / f"{stem}_stat-tdp_desc-gradient_statmap.json"
    content = json.loads(sidecar.read_text(encoding="utf-8"))
    sidecar.write_text(json.dumps(content | {"Discoveries": 1}), encoding="utf-8")
    with pytest.raises(InputError, match=r"the maps give at least \d+ active .* sidecars say 1"):
        gather(report.find(tmp_path)[0])


def test_maps_that_are_missing_or_have_gaps_are_named(
    tmp_path: Path, write_dataset: Writer
) -> None:
    stem = write_dataset(space="T1w")
    path = tmp_path / "group" / f"{stem}_stat-p_statmap.nii.gz"
    img = nb.Nifti1Image.from_filename(path)
    values = np.asarray(img.dataobj).copy()
    values[np.unravel_index(np.argmin(values + (values == 0)), values.shape)] = np.nan
    nb.Nifti1Image(values, img.affine).to_filename(path)
    with pytest.raises(InputError, match=r"stat-p_statmap.nii.gz has voxels of the mask without"):
        gather(report.find(tmp_path)[0])
    path.unlink()
    made = explored(tmp_path)
    assert made.left_out == (
        f"The explorer is left out, because {stem}_stat-p_statmap.nii.gz is missing."
    )


def test_a_method_or_alternative_that_is_not_known_is_named(
    tmp_path: Path, write_dataset: Writer
) -> None:
    stem = write_dataset(space="T1w")
    for key, message in (
        ("Method", "method is 'magic', expected one of ari"),
        ("Alternative", "alternative is 'magic', expected one of two-sided"),
    ):
        [result] = report.find(tmp_path)
        result.inference[key] = "magic"
        with pytest.raises(InputError, match=message):
            gather(result)
    assert stem == result.stem


def test_the_same_maps_are_packed_to_the_same_bytes(rng: np.random.Generator) -> None:
    explored = explored_from(2 * rng.normal(size=SHAPE), OBLIQUE)
    first, second = pack(explored), pack(explored)
    assert first == second
    stored = gzip.decompress(base64.b64decode(first.text))
    assert len(stored) == sum(one["bytes"] * one["length"] for one in first.arrays)


def test_maps_without_any_cluster_are_packed() -> None:
    explored = explored_from(np.zeros(SHAPE), OBLIQUE)
    assert not explored.bounded.forest.size.size
    packed = pack(explored)
    assert {one["length"] for one in packed.arrays} > {0}


def test_a_parcellation_of_another_mask_is_an_error(rng: np.random.Generator) -> None:
    explored = explored_from(rng.normal(size=SHAPE), OBLIQUE)
    atlas = explorer.Parcellation("atlas", ("one",), np.ones(7, dtype=int))
    with pytest.raises(ValueError, match=r"atlas has labels of shape \(7,\), expected \(504,\)"):
        pack(explored, [atlas])


def test_the_brain_is_whole_again_when_its_slices_are_put_together() -> None:
    sprite = brain_sprite(figures.template())
    picture = Image.open(io.BytesIO(base64.b64decode(sprite["uri"].split(",")[1])))
    values = np.asarray(picture.convert("L")).astype(float)
    n_x, n_y, n_z = sprite["shape"]
    brain = figures.template()
    for k in (5, n_z // 2, n_z - 20):
        row, column = divmod(k, sprite["columns"])
        piece = values[row * n_y : (row + 1) * n_y, column * n_x : (column + 1) * n_x]
        low = np.rint(np.linalg.inv(brain.affine) @ [*sprite["origin"], 1]).astype(int)[:3]
        expected = 255 * brain.values[
            low[0] : low[0] + n_x, low[1] : low[1] + n_y, low[2] + k
        ].clip(0, 1)
        assert np.abs(piece[::-1].T - expected).mean() < 4
        assert np.corrcoef(piece[::-1].T.ravel(), expected.ravel())[0, 1] > 0.99


def test_names_in_the_facts_cannot_end_the_script(tmp_path: Path, write_dataset: Writer) -> None:
    write_dataset(contrast="</script><b>", name="odd", space="T1w")
    source = Page(report.write(tmp_path)[0]).source
    facts = source.split('id="ex-facts">')[1].split("</script>")[0]
    assert json.loads(facts)["contrast"] == "</script><b>"
    assert "<b>" not in facts
