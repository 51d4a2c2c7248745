import json
from pathlib import Path
from typing import Any

import pytest

from bids_ari import outputs

ENTITIES = {"contrast": "faces", "space": "MNI", "task": "match", "model": "oneSample"}


def test_entities_have_the_order_of_bids() -> None:
    assert outputs.stem(ENTITIES) == "task-match_space-MNI_model-oneSample_contrast-faces"


def test_no_two_outputs_share_a_name() -> None:
    cuts = outputs.cut_labels([2.3, 3.0, 3.1, 3.10001, 30.0, "auto"], [0.7, 0.07, 1])
    paths = [
        outputs.path_of(name, ENTITIES, cut)
        for name, spec in outputs.DERIVATIVES.items()
        for cut in (cuts if spec.per_cut else [""])
    ]
    assert len(set(paths)) == len(paths) > 30
    sidecars = [
        outputs.sidecar_of(path)
        for path in paths
        if path.name.split(".")[0] != "" and not path.name.endswith("dseg.tsv")
    ]
    assert len(set(sidecars)) == len(sidecars)


def test_thresholds_have_labels_that_bids_allows() -> None:
    labels = [outputs.threshold_label(value) for value in (0.0, 2.0, 3.1, 2.3263478740408408)]
    assert labels == ["z0", "z2", "z3p1", "z2p3263478740408408"]
    assert all(label.isalnum() for label in labels)


def test_an_image_says_that_it_is_skull_stripped_and_a_table_does_not() -> None:
    assert outputs.describe("z_map")["SkullStripped"] is True
    assert "SkullStripped" not in outputs.describe("cluster_table")
    assert "voxels" in outputs.describe("cluster_table")


def test_the_image_that_it_runs_in_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> dict[str, Any]:
        path = outputs.write_dataset_description(tmp_path, {})
        (generator,) = json.loads(path.read_text())["GeneratedBy"]
        return dict(generator)

    for name in ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER", "BIDS_ARI_DOCKER_TAG"):
        monkeypatch.delenv(name, raising=False)
    assert "Container" not in told()
    monkeypatch.setenv("BIDS_ARI_DOCKER_TAG", "bids_ari:1.0")
    assert told()["Container"] == {"Type": "docker", "Tag": "bids_ari:1.0"}
    monkeypatch.setenv("APPTAINER_CONTAINER", "/images/bids_ari.sif")
    assert told()["Container"] == {"Type": "apptainer", "URI": "/images/bids_ari.sif"}
    dockerfile = (Path(__file__).parents[1] / "Dockerfile").read_text()
    assert "BIDS_ARI_DOCKER_TAG=" in dockerfile


def test_the_dataset_links_of_earlier_runs_are_kept(tmp_path: Path) -> None:
    outputs.write_dataset_description(tmp_path, {"fitlins": tmp_path / "a"})
    path = outputs.write_dataset_description(tmp_path, {"nilearn": tmp_path / "b"})
    outputs.write_dataset_description(tmp_path, {"nilearn": tmp_path / "moved"})
    path = outputs.write_dataset_description(tmp_path, {"nilearn": tmp_path / "b"})
    links = json.loads(path.read_text())["DatasetLinks"]
    assert links == {
        "fitlins": (tmp_path / "a").as_uri(),
        "nilearn": (tmp_path / "b").as_uri(),
    }
