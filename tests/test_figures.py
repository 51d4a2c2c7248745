"""Pictures show the voxels that they should, where they should, and nothing in between."""

import io
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bids_ari import figures
from bids_ari.figures import Volume

AFFINE = np.array([[3.0, 0, 0, -9], [0, 3, 0, -12], [0, 0, 3, -6], [0, 0, 0, 1]])
VIRIDIS_HALF = (33, 145, 140)


@pytest.fixture(autouse=True)
def nothing_left_open() -> Iterator[None]:
    yield
    assert plt.get_fignums() == []


@pytest.fixture
def mask() -> Volume:
    return Volume(np.ones((7, 8, 9), np.uint8), AFFINE)


def pixels(panel: figures.Panel) -> NDArray[np.int_]:
    picture = Image.open(io.BytesIO(panel.data)).convert("RGBA")
    assert picture.size == (panel.width, panel.height)
    return np.asarray(picture).astype(int)


def place(rgba: NDArray[np.int_], where: NDArray[np.bool_]) -> tuple[float, float]:
    """Return where some pixels are: share of the width from the left, of the height from the top."""
    rows, columns = np.nonzero(where)
    return columns.mean() / rgba.shape[1], rows.mean() / rgba.shape[0]


def test_right_is_right_and_front_is_up(mask: Volume) -> None:
    z = np.zeros((7, 8, 9))
    z[5:, 6:, 4] = 6.0  # right, front, 6 mm above the origin
    z[:2, :2, 4] = -6.0  # left, back
    rgba = pixels(figures.Slicer(mask, None).z(Volume(z, AFFINE), 6.0, threshold=3, largest=6))
    red = (rgba[..., 0] > rgba[..., 2] + 60) & (rgba[..., 3] > 200)
    blue = (rgba[..., 2] > rgba[..., 0] + 60) & (rgba[..., 3] > 200)
    assert place(rgba, red)[0] > 0.6
    assert place(rgba, red)[1] < 0.4
    assert place(rgba, blue)[0] < 0.4
    assert place(rgba, blue)[1] > 0.6


def curves(**changed: Any) -> figures.Curves:
    ranks = np.array([1, 3, 10, 50, 400])
    values = ranks / 401
    return figures.Curves(
        ranks=ranks,
        observed=values**2,
        low=values / 3,
        median=values,
        high=np.minimum(2 * values, 1),
        thresholds=values / 20,
        ari=values / 25,
    )._replace(**changed)


def lines_of(drawn: figures.Drawing) -> dict[str, NDArray[np.float64]]:
    [axes] = drawn.figure.axes
    return {str(line.get_label()): np.asarray(line.get_ydata()) for line in axes.get_lines()}


def test_the_envelope_shows_each_curve_in_a_style_of_its_own() -> None:
    drawn = figures.envelope(curves(), "sign flips")
    [axes] = drawn.figure.axes
    lines = axes.get_lines()
    assert (
        len({(str(one.get_linestyle()), one.get_marker(), one.get_linewidth()) for one in lines})
        == 4
    )
    shown = lines_of(drawn)
    np.testing.assert_array_equal(shown["observed"], curves().observed)
    np.testing.assert_array_equal(shown["thresholds used"], curves().thresholds)
    np.testing.assert_array_equal(shown["thresholds of ARI"], curves().ari)
    np.testing.assert_array_equal(shown["median of sign flips"], curves().median)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    text = " ".join(ET.fromstring(drawn.svg).itertext())  # noqa: S314 (our own)
    for word in ("90 % of sign flips", "observed", "10⁻³", "100", "rank of the p-value"):
        assert word in text
    assert "mathdefault" not in text
    assert ET.fromstring(drawn.inline).tag.endswith("svg")  # noqa: S314 (our own)


def test_an_envelope_with_thresholds_that_begin_late_or_with_p_of_0_is_drawn() -> None:
    late = np.array([np.nan, np.nan, 0.001, 0.01, 0.02])
    zero = np.array([0, 0, 1e-9, 1e-3, 1])
    drawn = figures.envelope(curves(thresholds=late, observed=zero), "permutations")
    shown = lines_of(drawn)
    assert np.isnan(shown["thresholds used"][:2]).all()
    bottom, top = drawn.figure.axes[0].get_ylim()
    assert 0 < bottom < 1e-9
    assert top > 1
    assert shown["observed"][0] == bottom
    assert drawn.png.startswith(b"\x89PNG")
    nowhere = figures.envelope(curves(thresholds=np.full(5, np.nan)), "permutations")
    assert "thresholds used" in nowhere.svg


def test_voxels_at_or_below_the_threshold_are_not_drawn(mask: Volume) -> None:
    z = np.full((7, 8, 9), 3.0)
    rgba = pixels(figures.Slicer(mask, None).z(Volume(z, AFFINE), 6.0, threshold=3, largest=6))
    assert np.ptp(rgba[rgba[..., 3] > 60][:, :3], axis=1).max() < 12  # grey


def test_a_flipped_affine_gives_the_same_picture(mask: Volume) -> None:
    z = np.zeros((7, 8, 9))
    z[5, 2, 4] = 6.0
    flip = AFFINE @ np.array([[-1.0, 0, 0, 6], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    straight = figures.Slicer(mask, None).z(Volume(z, AFFINE), 6.0, threshold=3, largest=6)
    flipped = figures.Slicer(Volume(mask.values, flip), None).z(
        Volume(z[::-1], flip), 6.0, threshold=3, largest=6
    )
    np.testing.assert_array_equal(pixels(straight), pixels(flipped))


def test_tdp_is_never_interpolated() -> None:
    tdp = np.zeros((7, 8, 9))
    tdp[:3], tdp[3:] = 0.2, 0.9
    labels = np.ones((7, 8, 9), np.int32)
    labels[3:] = 2
    slicer = figures.Slicer(Volume(np.ones_like(labels), AFFINE), None)
    cut = slicer._cut(Volume(tdp, AFFINE), 2, 6.0)
    assert set(np.unique(cut)) == {0.0, 0.2, 0.9}


def test_clusters_are_filled_by_their_tdp_and_hollow_without_a_discovery(mask: Volume) -> None:
    labels = np.zeros((7, 8, 9), np.int32)
    tdp = np.zeros((7, 8, 9))
    labels[:3], tdp[:3] = 1, 0.5
    labels[4:] = 2
    slicer = figures.Slicer(mask, None)
    rgba = pixels(slicer.tdp(Volume(tdp, AFFINE), Volume(labels, AFFINE), 6.0))
    row = rgba[rgba.shape[0] // 2]
    filled = row[round(0.25 * len(row))]
    hollow = row[round(0.72 * len(row))]
    np.testing.assert_allclose(filled[:3], VIRIDIS_HALF, atol=12)
    assert np.ptp(hollow[:3]) < 12
    assert slicer.labels_at(Volume(labels, AFFINE), 6.0) == [1, 2]
    assert slicer.labels_at(Volume(labels, AFFINE), 600.0) == []


def test_the_mask_is_drawn_in_three_planes_of_its_own_size(mask: Volume) -> None:
    panels = figures.Slicer(mask, None).mask_outline()
    assert [panel.name for panel in panels] == ["x = 0 mm", "y = -2 mm", "z = 6 mm"]
    # 18 x 21 x 24 mm between centres, and 4 mm around
    assert [(panel.width, panel.height) for panel in panels] == [(39, 43), (35, 43), (35, 39)]


def test_corners_do_not_depend_on_the_direction_of_the_axes(mask: Volume) -> None:
    where = np.zeros((7, 8, 9), bool)
    where[1:4, 2, 5:7] = True
    np.testing.assert_array_equal(mask.corners(where), [[-6, -6, 9], [0, -6, 12]])
    swapped = Volume(mask.values, AFFINE @ np.diag([-1.0, 1, 1, 1]))
    np.testing.assert_array_equal(swapped.corners(where)[:, 0], [-18, -12])


def test_a_brain_mask_overlaps_with_the_template_and_a_block_does_not(mask: Volume) -> None:
    brain = figures.template()
    whole = Volume((brain.values > 0.1)[::4, ::4, ::4], brain.affine @ np.diag([4.0, 4, 4, 1]))
    assert figures.overlap_with_template(whole, brain) > 0.98
    away = AFFINE.copy()
    away[2, 3] = 500
    far = Volume(mask.values, away)
    assert figures.overlap_with_template(far, brain) == 0


def test_glass_brain_keeps_signs_and_sides() -> None:
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = -98, -134, -72
    z = np.zeros((50, 59, 48))
    z[8:14, 28:34, 24:30] = 5.0  # left
    z[36:42, 28:34, 24:30] = -5.0  # right
    panels = figures.glass_brain(Volume(z, affine), threshold=3, largest=5)
    assert [panel.name for panel in panels] == [
        "from the left",
        "from the back",
        "from the right",
        "from above",
    ]
    top = pixels(panels[3])
    red = (top[..., 0] > top[..., 2] + 60) & (top[..., 3] > 100)
    blue = (top[..., 2] > top[..., 0] + 60) & (top[..., 3] > 100)
    assert place(top, red)[0] < 0.4
    assert place(top, blue)[0] > 0.6
    assert not np.any(pixels(panels[0])[..., 2] > pixels(panels[0])[..., 0] + 60)  # left: red only


def test_gradients_run_from_weak_to_strong() -> None:
    negative, positive = figures.z_gradient(3.1, 8.0)
    assert positive[0] == "#f5a582"
    assert negative[0] == "#7db8e8"
    assert positive[-1] == "#c01f2e"
    assert figures.tdp_gradient()[0] == "#440154"
    assert figures.tdp_gradient()[-1] == "#fde725"


def test_the_design_is_an_svg_in_the_colour_of_the_page(rng: np.random.Generator) -> None:
    values = np.column_stack([np.ones(7), rng.normal(size=7), np.zeros(7)])
    names = ["intercept", "<script>$x_1$", "a name that is far too long"]
    svg = figures.design_matrix(values, names, [[0, 1, -0.5]]).inline
    tree = ET.XML(svg)
    texts = {text.text for text in tree.iter("{http://www.w3.org/2000/svg}text")}
    assert {"intercept", "<script>$x_1$", "a name that is …", "contrast", "0", "+1"} <= texts
    assert "<script" not in svg
    assert "currentColor" in svg
    assert not re.search(r"<style|<metadata|#010203", svg)


def test_two_drawings_share_no_identifier(rng: np.random.Generator) -> None:
    z = rng.normal(size=999)
    ids = [
        re.findall(r' id="([^"]+)"', one.inline)
        for one in (
            figures.design_matrix(np.ones((9, 1)), ["intercept"], [[1.0]]),
            figures.histogram(z, (-3.1, 3.1)),
        )
    ]
    assert not set(ids[0]) & set(ids[1])
    assert figures.histogram(z).inline == figures.histogram(z).inline


def texts_of(svg: str) -> list[str]:
    return [text.text or "" for text in ET.XML(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_every_row_of_a_contrast_is_written_below_the_design() -> None:
    svg = figures.design_matrix(np.eye(7, 2), ["a", "b"], [[1, -1], [0, 0.5]]).inline
    texts = texts_of(svg)
    assert {"row 1", "row 2", "+1", "\N{MINUS SIGN}1", "+0.5"} <= set(texts)
    assert "contrast" not in texts


@pytest.mark.parametrize(("n_columns", "n_names"), [(8, 8), (9, 9), (20, 20), (21, 0), (60, 0)])
def test_a_wide_design_stays_within_a_page(n_columns: int, n_names: int) -> None:
    names = [f"regressor{i}" for i in range(n_columns)]
    weights = [[1.0] + [0.0] * (n_columns - 1)]
    svg = figures.design_matrix(np.eye(70, n_columns), names, weights).inline
    width = float(re.findall(r'width="([\d.]+)pt"', svg)[0]) / 72
    assert 5 < width < 8
    texts = texts_of(svg)
    assert sum(text in names for text in texts) == n_names
    assert ("+1" in texts) == (n_columns <= 8)
    assert (f"{n_columns} regressors" in texts) == (n_names == 0)


def test_maps_that_stand_out_are_named_and_drawn_apart() -> None:
    values = np.array([1.0, 2, np.nan, 40, 3, 2, 1])
    marked = np.arange(7) == 3
    labels = [f"sub-{i:02d}_ses-pre" for i in range(7)]
    svg = figures.comparison(
        labels, [("far, %", values, marked, 1.0, False), ("spread", values, ~marked, 2.0, True)]
    ).inline
    texts = texts_of(svg)
    assert {"far, %", "spread", "map, in the order of the design", "03_ses-pre"} <= set(texts)
    assert "02_ses-pre" not in texts  # nan
    assert "$" not in "".join(texts)  # no mathematics on the logarithmic axis
    assert svg.count("#d1495b") == 1 + 5
    assert "#010203" not in svg


def test_many_maps_are_numbered_in_part() -> None:
    values = np.linspace(0, 1, 200)
    marked = values > 0.5
    svg = figures.comparison(
        [f"sub-{i}" for i in range(200)], [("mean", values, marked, 0.0, False)]
    ).inline
    texts = texts_of(svg)
    assert {"1", "20", "200"} <= set(texts)
    assert "7" not in texts
    assert sum(text in {f"{i}" for i in range(194, 200)} for text in texts) == 6
    assert "150" not in texts


def test_a_sheet_has_the_pixels_of_its_panels_on_white(mask: Volume) -> None:
    z = np.zeros((7, 8, 9))
    z[5:, 6:, 4] = 6.0
    slicer = figures.Slicer(mask, None)
    panels = [slicer.z(Volume(z, AFFINE), at, threshold=3, largest=6) for at in (6.0, 9.0)]
    legend = figures.Legend("0", ("#440154", "#fde725"), "1")
    made = figures.sheet(panels, [["6 mm", "#1"], ["9 mm"]], [legend], "two", sides=True)
    picture = np.asarray(Image.open(io.BytesIO(made.png))).astype(int)
    alpha = panels[0].pixels[..., 3:] / 255
    expected = np.rint(alpha * panels[0].pixels[..., :3] + (1 - alpha) * 255)
    # somewhere on the sheet, the first panel stands pixel by pixel
    red = np.argwhere(np.ptp(expected, axis=2) > 60)[0]
    places = np.argwhere((picture == expected[tuple(red)]).all(axis=2))
    height, width = expected.shape[:2]
    assert any(
        (top >= red[0])
        and (left >= red[1])
        and np.array_equal(
            # the letter L stands in the upper left corner
            picture[
                top - red[0] + 16 : top - red[0] + height, left - red[1] : left - red[1] + width
            ],
            expected[16:],
        )
        for top, left in places
    )
    texts = texts_of(made.svg)
    assert {"6 mm", "9 mm", "#1", "L", "R", "0", "1"} <= set(texts)


def test_anatomy_is_put_on_whole_millimetres() -> None:
    values = np.zeros((7, 8, 9), np.float32)
    values[2:5, 3:6, 4:7] = 1
    turned = np.array([[0, -2.0, 0, 10.3], [2, 0, 0, -7.1], [0, 0, 2, 1.7], [0, 0, 0, 1]])
    small = figures.on_millimetres(Volume(values, turned), 255)
    np.testing.assert_array_equal(small.affine[:3, :3], np.eye(3))
    assert (small.affine == np.rint(small.affine)).all()
    assert small.values.max() == 255
    inside = Volume(values, turned)
    wanted = inside.corners(values > 0).mean(axis=0)
    found = small.corners(small.values > 127).mean(axis=0)
    np.testing.assert_allclose(found, wanted, atol=0.51)
