"""The examples run, and find what is there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import nibabel as nb
import numpy as np
import pandas as pd
import pytest
from nilearn.glm import cluster_level_inference

from examples import embed, localizer

pytestmark = pytest.mark.slow


@pytest.fixture
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    root = str(Path(__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", root)


def test_the_embedded_workflow_finds_the_effect_of_the_nodes_upstream(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert embed.main([str(tmp_path)]) == 0
    tables = sorted((tmp_path / "results" / "tables").rglob("cluster_table.tsv"))
    printed = capsys.readouterr().out
    assert len(tables) == 4  # two cluster thresholds, two of TDP
    for table in tables:
        largest = pd.read_csv(table, sep="\t").to_dict("records")[0]
        assert largest["sign"] == "positive"
        peak = np.array([largest[axis] for axis in "xyz"]) / 3
        assert np.linalg.norm(peak - [6, 9, 8]) <= 4  # in the ball
        assert largest["discoveries"] > 100
        assert table.read_text() in printed
    assert "first_level" in (tmp_path / "study_wf" / "graph.dot").read_text()


@pytest.mark.usefixtures("no_environment")
def test_the_localizer_gives_the_proportions_of_nilearns_example(
    small_group: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = sorted(str(path) for path in small_group.rglob("*_stat-effect_statmap.nii.gz"))
    asked = []

    def fetch(*arguments: Any) -> dict[str, Any]:
        asked.append(arguments)
        return {"cmaps": maps}

    monkeypatch.setattr("nilearn.datasets.fetch_localizer_contrasts", fetch)
    assert localizer.main([str(tmp_path)]) == 0
    assert asked == [(["left vs right button press"], 20)]

    results = tmp_path / "results"
    group = results / "group" / localizer.STEM
    mask = nb.Nifti1Image.from_filename(f"{group}_desc-analysis_mask.nii.gz")
    z_map = nb.Nifti1Image.from_filename(f"{group}_stat-z_statmap.nii.gz")
    expected = cluster_level_inference(z_map, mask, threshold=[3, 4, 5], alpha=0.05)
    tdp = localizer.tdp_of_all_thresholds(results)
    assert np.asanyarray(tdp.dataobj).max() > 0.5
    np.testing.assert_allclose(
        np.asanyarray(tdp.dataobj), np.asanyarray(expected.dataobj), atol=1e-6
    )
    for name in ("tdp.png", "z.png"):
        assert plt.imread(tmp_path / name).std() > 0.05, name


@pytest.mark.parametrize("main", [embed.main, localizer.main], ids=["embed", "localizer"])
def test_an_example_says_what_it_takes_and_does_nothing(
    main: Callable[[list[str]], int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "DIR" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
