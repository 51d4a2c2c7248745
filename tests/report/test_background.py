"""What is drawn behind the maps is what was asked for, where it is true."""

import base64
import io
import json
import re
from pathlib import Path

import nibabel as nb
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bids_ari import report
from bids_ari.errors import InputError
from bids_ari.inputs import Template
from bids_ari.report.background import set_background
from tests.report.conftest import Writer
from tests.report.html import Page

SPACE = "MNI152NLin2009cAsym"


@pytest.fixture
def block(tmp_path: Path) -> Path:
    """Return an image that is no brain: a bright block of 150 mm and a dark rim, on another grid."""
    values = np.zeros((40, 41, 42), np.float32)
    values[1:-1, 1:-1, 1:-1] = 30
    values[2:-2, 2:-2, 2:-2] = 900
    values[20, 20, 20] = np.nan
    affine = np.diag([-4.0, 4.6, 4.4, 1])
    affine[:3, 3] = 80, -115, -75
    path = tmp_path / "elsewhere" / "block.nii.gz"
    path.parent.mkdir()
    nb.Nifti1Image(values, affine).to_filename(path)
    return path


def behind_mask(page: Page) -> NDArray[np.int_]:
    """Return the pixels of the slices of the mask."""
    [uri, *_] = [one["src"] for one in page.all("img") if one["alt"].startswith("mask of the")]
    picture = Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))
    return np.asarray(picture.convert("RGBA")).astype(int)


def has_sprite(page: Page) -> bool:
    found = re.search(r'id="ex-facts">(.*?)</script>', page.source, re.DOTALL)
    assert found
    return json.loads(found[1])["sprite"] is not None


def test_a_template_of_the_space_of_the_maps_is_drawn(
    tmp_path: Path, write_dataset: Writer, block: Path
) -> None:
    stem = write_dataset(space=SPACE)
    before = behind_mask(Page(report.write(tmp_path)[0]))
    set_background(Template(SPACE, SPACE, block, None), tmp_path, [stem])
    page = Page(report.write(tmp_path)[0])
    assert f"is the template {SPACE} (block.nii.gz), not the anatomy" in page.text
    assert "nonlinear symmetric 2009a" not in page.text
    after = behind_mask(page)
    assert after.shape != before.shape or (after != before).any()
    assert has_sprite(page)
    assert any("glass brain" in image["alt"] for image in page.all("img"))
    assert not report.warnings(report.find(tmp_path)[0])


def test_a_template_of_another_space_is_not_drawn_and_that_is_said(
    tmp_path: Path, write_dataset: Writer, block: Path
) -> None:
    stem = write_dataset(space=SPACE)
    set_background(Template("Other", "Other", block, None), tmp_path, [stem])
    page = Page(report.write(tmp_path)[0])
    sentence = f"their space ({SPACE}) is not that of the template asked for (Other)"
    assert f"no brain is drawn behind the maps, because {sentence}." in page.text
    assert report.warnings(report.find(tmp_path)[0]) == [
        f"No brain is drawn behind the maps, because {sentence}."
    ]
    silhouette = behind_mask(page)
    assert set(np.unique(silhouette[..., 3])) <= {*range(4), *range(80, 256)}
    assert not has_sprite(page)


def test_the_cohort_belongs_to_the_space(
    tmp_path: Path, write_dataset: Writer, block: Path
) -> None:
    stem = write_dataset(space="MNIInfant+2")
    set_background(Template("MNIInfant", "MNIInfant+1", block, None), tmp_path, [stem])
    assert "their space (MNIInfant+2) is not that of the template asked for (MNIInfant+1)" in (
        Page(report.write(tmp_path)[0]).text
    )
    set_background(Template("MNIInfant", "MNIInfant+2", block, None), tmp_path, [stem])
    assert "is the template MNIInfant (block.nii.gz)" in Page(report.write(tmp_path)[0]).text


def test_a_file_is_drawn_where_it_covers_the_mask_and_named(
    tmp_path: Path, write_dataset: Writer, block: Path
) -> None:
    stem = write_dataset(space="T1w")
    set_background(Template(block.name, "", block, None), tmp_path, [stem])
    page = Page(report.write(tmp_path)[0])
    assert f"The image behind the maps is {block}, which was asked for." in page.text
    assert has_sprite(page)
    assert not any("glass brain" in image["alt"] for image in page.all("img"))


def test_a_file_that_does_not_cover_the_mask_is_not_drawn(
    tmp_path: Path, write_dataset: Writer, block: Path
) -> None:
    img = nb.Nifti1Image.from_filename(block)
    affine = img.affine.copy()
    affine[1, 3] += 70
    nb.Nifti1Image(np.asarray(img.dataobj), affine).to_filename(block)
    stem = write_dataset(space="T1w")
    set_background(Template(block.name, "", block, None), tmp_path, [stem])
    page = Page(report.write(tmp_path)[0])
    assert re.search(
        r"because the mask reaches \d\d mm beyond the image block.nii.gz\.", page.text
    )
    assert not has_sprite(page)


def test_maps_without_a_space_are_taken_at_their_word(
    tmp_path: Path, write_dataset: Writer, block: Path
) -> None:
    stem = write_dataset(space="")
    set_background(Template(SPACE, SPACE, block, None), tmp_path, [stem])
    assert "which was asked for: check that the maps fit" in Page(report.write(tmp_path)[0]).text


def test_the_picture_is_of_the_brain_and_bright(tmp_path: Path, block: Path) -> None:
    img = nb.Nifti1Image.from_filename(block)
    inside = np.zeros(img.shape, np.uint8)
    inside[10:30, 5:35, 8:20] = 1
    mask = block.with_name("mask.nii.gz")
    nb.Nifti1Image(inside, img.affine).to_filename(mask)
    (tmp_path / "logs").mkdir()
    set_background(Template("X", "X", block, mask), tmp_path, ["a_contrast-b"])
    [kept] = (tmp_path / "logs").glob("background-X-*.nii.gz")
    small = nb.Nifti1Image.from_filename(kept)
    values = np.asarray(small.dataobj)
    assert values.dtype == np.uint8
    assert values.max() == 255
    np.testing.assert_array_equal(small.affine[:3, :3], np.eye(3))
    corners = np.array([[10, 5, 8], [29, 34, 19]])
    mm = np.sort(corners @ img.affine[:3, :3].T + img.affine[:3, 3], axis=0)
    found = np.argwhere(values > 127) + small.affine[:3, 3]
    np.testing.assert_allclose([found.min(axis=0), found.max(axis=0)], mm, atol=2.5)


def test_a_report_is_the_same_again_when_the_template_is_gone(
    tmp_path: Path, write_dataset: Writer, block: Path
) -> None:
    stem = write_dataset(space=SPACE)
    set_background(Template(SPACE, SPACE, block, None), tmp_path, [stem])
    first = [path.read_bytes() for path in report.write(tmp_path)]
    block.unlink()
    assert [path.read_bytes() for path in report.write(tmp_path)] == first


def test_each_analysis_keeps_what_it_was_asked_for(
    tmp_path: Path, write_dataset: Writer, block: Path
) -> None:
    one, other = write_dataset(space="T1w"), write_dataset(contrast="rest", space="T1w")
    set_background(Template("mine.nii.gz", "", block, None), tmp_path, [one])
    told = {result.stem: result.background for result in report.find(tmp_path)}
    assert told[other] is None
    first = told[one]
    assert first is not None
    assert first.name == "mine.nii.gz"
    run = json.loads((tmp_path / "logs" / f"{one}_run.json").read_text())
    assert run["CommandLine"].startswith("bids-ari")
    # what nobody needs any more is removed
    img = nb.Nifti1Image.from_filename(block)
    nb.Nifti1Image(np.asarray(img.dataobj)[:-4], img.affine).to_filename(block)
    set_background(Template("mine.nii.gz", "", block, None), tmp_path, [one, other])
    [kept] = (tmp_path / "logs").glob("background-*")
    assert kept != first.image
    set_background(None, tmp_path, [one])
    told = {result.stem: result.background for result in report.find(tmp_path)}
    assert told[one] is None
    assert told[other] is not None
    set_background(None, tmp_path, [other])
    assert not list((tmp_path / "logs").glob("background-*"))


def test_a_picture_that_is_gone_is_named(
    tmp_path: Path, write_dataset: Writer, block: Path
) -> None:
    stem = write_dataset(space="T1w")
    set_background(Template("mine.nii.gz", "", block, None), tmp_path, [stem])
    [kept] = (tmp_path / "logs").glob("background-*")
    kept.unlink()
    with pytest.raises(InputError, match=rf"{kept.name} is missing.*give --template again"):
        report.write(tmp_path)
