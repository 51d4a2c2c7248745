"""Figures for papers: what they are called, what they show, what becomes of older ones."""

import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import nibabel as nb
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bids_ari import report
from tests.report.conftest import Writer, write_analysis
from tests.report.html import HOSTILE, Page

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, brain: nb.Nifti1Image) -> Path:
    root = tmp_path_factory.mktemp("figures")
    write_analysis(
        root,
        brain,
        thresholds=(3.1,),
        tdp_thresholds=(0.7,),
        regressors=("intercept", HOSTILE),
        outliers=[(f"sub-{i:02d}", 0.1, 1 + i / 10, 0.4, 0.002) for i in range(20)],
    )
    report.write(root)
    return root


def figure(dataset: Path, ending: str) -> Path:
    [path] = (dataset / "figures").glob(f"*_contrast-facesVsShapes_{ending}")
    return path


def names(dataset: Path) -> set[str]:
    return {
        path.name.partition("_contrast-facesVsShapes_")[2]
        for path in (dataset / "figures").glob("*_contrast-facesVsShapes_*")
    }


NAMED = {
    "stat-z_desc-glass_statmap",
    "stat-z_desc-slices_statmap",
    "stat-z_desc-histogram_statmap",
    "stat-tdp_desc-gradient_statmap",
    "stat-tdp_desc-z3p1_statmap",
    "stat-tdp_desc-tdp0p7_statmap",
    "desc-analysis_mask",
    "design",
    "outliers",
}


def test_every_picture_of_the_page_is_a_png_an_svg_and_a_sidecar(dataset: Path) -> None:
    assert names(dataset) == {
        f"{name}.{kind}" for name in NAMED for kind in ("png", "svg", "json")
    }
    links = {Path(link["href"]).name for link in Page(next(dataset.glob("*Shapes.html"))).all("a")}
    written = {path.name for path in (dataset / "figures").iterdir() if path.suffix != ".json"}
    assert written <= links


def test_a_png_has_300_pixels_in_an_inch_and_fits_a_page(dataset: Path) -> None:
    for path in (dataset / "figures").glob("*.png"):
        with Image.open(path) as picture:
            assert picture.mode == "RGB"
            assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
            assert 1.5 < picture.width / 300 < 10, path.name
            assert picture.getpixel((0, 0)) == (255, 255, 255)


def test_an_svg_is_a_file_with_text_as_text(dataset: Path) -> None:
    for path in (dataset / "figures").glob("*.svg"):
        source = path.read_text(encoding="utf-8")
        tree = ET.XML(source)
        assert "currentColor" not in source
        assert "#010203" not in source
        assert tree.findall(f"{SVG}rect")[0].get("fill") == "#ffffff", path.name
    texts = texts_of(figure(dataset, "stat-tdp_desc-z3p1_statmap.svg"))
    assert {"L", "R", "TDP ≥ 0", "1", "no discovery", "#1"} <= texts
    design = figure(dataset, "design.svg").read_text(encoding="utf-8")
    assert "<script" not in design
    assert "&lt;script&gt;" in design


def texts_of(path: Path) -> set[str]:
    tree = ET.XML(path.read_text(encoding="utf-8"))
    return {"".join(text.itertext()) for text in tree.iter(f"{SVG}text")}


def pixels(content: bytes) -> NDArray[np.int_]:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def strip_of(path: Path) -> NDArray[np.int_]:
    """Decode the pictures inside of an SVG."""
    import base64

    source = path.read_text(encoding="utf-8")
    found = [
        base64.b64decode(one) for one in re.findall(r"data:image/png;base64,([^\"]+)", source)
    ]
    return max(map(pixels, found), key=lambda one: one.size)


def coloured(rgb: NDArray[np.int_]) -> NDArray[np.int_]:
    """Return the colours of pixels that are not grey."""
    return np.unique(rgb[np.ptp(rgb, axis=2) > 25], axis=0)


@pytest.mark.parametrize("ending", ["stat-tdp_desc-z3p1_statmap", "stat-tdp_desc-tdp0p7_statmap"])
def test_proportions_are_never_mixed(dataset: Path, ending: str) -> None:
    import matplotlib as mpl

    [result] = report.find(dataset)
    cut = next(one for one in result.cuts if one.label in ending)
    allowed = np.array(
        [
            np.rint(255 * np.array(mpl.colormaps["viridis"](one.discoveries / one.voxels)[:3]))
            for one in cut.clusters
        ]
    )
    svg = strip_of(figure(dataset, f"{ending}.svg"))
    # of the PNG the part above words and legend
    png = pixels(figure(dataset, f"{ending}.png").read_bytes())[: svg.shape[0]]
    for shown in (coloured(svg), coloured(png)):
        assert shown.size > 0
        away = np.abs(shown[:, None, :] - allowed[None]).max(axis=2).min(axis=1)
        assert away.max() <= 1


def test_a_sidecar_says_what_is_shown_and_what_it_was_drawn_from(dataset: Path) -> None:
    for path in (dataset / "figures").glob("*.json"):
        sidecar = json.loads(path.read_text(encoding="utf-8"))
        assert sidecar["Description"].endswith(".")
        assert {one["Name"] for one in sidecar["GeneratedBy"]} >= {"bids-ari", "matplotlib"}
        assert sidecar["Sources"]
        for source in sidecar["Sources"]:
            assert source.startswith("bids::")
            assert (dataset / source.removeprefix("bids::")).is_file(), source
    told = json.loads(figure(dataset, "stat-tdp_desc-z3p1_statmap.json").read_text())[
        "Description"
    ]
    [result] = report.find(dataset)
    best = result.heights[0].found[0]
    assert f"cluster {best.number} at least 0." in told
    assert "without interpolation" in told


def test_figures_of_an_earlier_run_go_and_those_of_others_stay(
    tmp_path: Path, write_dataset: Writer
) -> None:
    stem = write_dataset(thresholds=(3.1, 4), space="T1w")
    other = write_dataset(contrast="rest", space="T1w")
    report.write(tmp_path)
    folder = tmp_path / "figures"
    assert (folder / f"{stem}_stat-tdp_desc-z4_statmap.png").exists()
    of_other = {path: path.read_bytes() for path in folder.glob(f"{other}_*")}
    mine = folder / f"{stem}_my_own_choice.png"
    mine.touch()
    for path in (tmp_path / "group").glob(f"{stem}_*desc-z4_*"):
        path.unlink()
    run = tmp_path / "logs" / f"{stem}_run.json"
    record = json.loads(run.read_text())
    record["Options"]["cluster_threshold"] = [3.1]
    run.write_text(json.dumps(record))
    report.write(tmp_path)
    assert not list(folder.glob(f"{stem}_*z4*"))
    assert (folder / f"{stem}_stat-tdp_desc-z3p1_statmap.png").exists()
    assert mine.exists()
    assert {path: path.read_bytes() for path in folder.glob(f"{other}_*")} == of_other


def test_figures_are_the_same_bytes_again(tmp_path: Path, write_dataset: Writer) -> None:
    write_dataset(space="T1w")
    report.write(tmp_path)
    first = {path: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    report.write(tmp_path)
    assert {path: path.read_bytes() for path in (tmp_path / "figures").iterdir()} == first


def test_a_figure_that_cannot_be_written_leaves_the_older_one(
    tmp_path: Path, write_dataset: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stem = write_dataset(space="T1w")
    report.write(tmp_path)
    path = tmp_path / "figures" / f"{stem}_stat-z_desc-slices_statmap.png"
    before = path.read_bytes()

    def no_space(*_: object) -> None:
        msg = "disk full"
        raise OSError(28, msg)

    monkeypatch.setattr(Path, "write_bytes", no_space)
    failures: dict[str, Exception] = {}
    report.write(tmp_path, failures)
    assert str(failures[stem]) == f"{path} cannot be written: disk full"
    assert path.read_bytes() == before
    assert not list(path.parent.glob(".*"))
