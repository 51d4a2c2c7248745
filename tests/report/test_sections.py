"""The sections of a page on clusters, regions and key numbers show what the tables say."""

import re
from fractions import Fraction
from html import unescape
from pathlib import Path

import nibabel as nb
import numpy as np
import pytest

from bids_ari import report
from bids_ari.report.words import chosen, p_value, proportion
from tests.report.brute_force import RegionOf, quarters
from tests.report.conftest import Writer, write_analysis
from tests.report.html import HOSTILE, Page

MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def regions(brain: nb.Nifti1Image) -> list[RegionOf]:
    mask = np.asarray(brain.dataobj) > 0
    atlas = quarters(mask, "quarters")
    atlas[1] = (*atlas[1][:3], 3 * atlas[1][3])
    nothing = np.zeros(mask.shape, bool)
    deep = mask & (np.indices(mask.shape)[2] < 8)
    return [
        *atlas,
        ("quarters", "gone", nothing, 7),
        (HOSTILE, HOSTILE, deep, int(deep.sum())),
        ("left_roi.nii.gz", "left_roi", atlas[0][2], atlas[0][3]),
        ("deep_roi.nii.gz", "deep_roi", deep, int(deep.sum())),
    ]


@pytest.fixture(scope="module")
def dataset(
    tmp_path_factory: pytest.TempPathFactory, brain: nb.Nifti1Image, regions: list[RegionOf]
) -> Path:
    root = tmp_path_factory.mktemp("sections")
    write_analysis(
        root,
        brain,
        space="T1w",
        auto=True,
        tdp_thresholds=(0.5, 0.7, 1),
        regions=regions,
        rois=("left_roi.nii.gz", "deep_roi.nii.gz"),
        resampled=("quarters", "deep_roi.nii.gz"),
        t_sidecar={"FeaturesWithoutVariance": 17},
        mask_sidecar={"LostFeatures": 23},
    )
    report.write(root)
    return root


@pytest.fixture(scope="module")
def result(dataset: Path) -> report.Result:
    return report.find(dataset)[0]


@pytest.fixture(scope="module")
def shown(dataset: Path) -> Page:
    return Page(next(dataset.glob("task*.html")))


def section(page: Page, name: str) -> str:
    start = page.source.index(f'id="{name}"')
    return page.source[start : page.source.index("</section>", start)]


def rows(source: str, caption: str) -> list[list[str]]:
    """Return the cells of the body of a table as text."""
    start = source.index(f"<caption>{caption}")
    source = re.sub(
        r'<tr class="inside">.*?</details>\s*</td></tr>', "", source[start:], flags=re.DOTALL
    )
    body = source[source.index("<tbody>") : source.index("</tbody>")]
    return [
        [
            unescape(
                re.sub(
                    r"\s+",
                    " ",
                    re.sub(r"<details>.*?</details>|<[^>]*>", "", cell, flags=re.DOTALL),
                )
            )
            .replace("\N{NO-BREAK SPACE}", " ")
            .strip()
            for cell in re.findall(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    ]


def test_the_page_is_whole_with_every_section(shown: Page, dataset: Path) -> None:
    stem = report.find(dataset)[0].stem
    links = {link["href"] for link in shown.all("a")}
    written = {
        path.name for path in (dataset / "group").glob(f"{stem}_*") if path.suffix != ".json"
    }
    assert {Path(link).name for link in links} >= written
    assert len(written) == 5 + 5 * 6 + 4
    assert all("scope" in header for header in shown.all("th"))
    assert len(shown.all("table")) == len(shown.all("caption"))
    assert {"#regions", "#numbers"} <= links
    assert len(shown.source) < 2_000_000


def test_clusters_that_reach_a_tdp_are_shown_with_where_they_are_born(
    shown: Page, result: report.Result
) -> None:
    for cut in result.tdp_cuts:
        number = f"{len(cut.clusters)} clusters that reach TDP"
        caption = f"{number} ≥\N{NO-BREAK SPACE}{cut.value:g}"
        table = rows(section(shown, "clusters"), caption)
        assert len(table) == len(cut.clusters) > 1
        for cells, cluster in zip(table, cut.clusters, strict=True):
            assert cluster.born is not None
            assert cells == [
                str(cluster.number),
                f"{ {'positive': '+', 'negative': MINUS}[cluster.sign] } {cluster.sign}",
                proportion(cluster.discoveries, cluster.voxels),
                f"{cluster.discoveries:,}",
                f"{cluster.voxels:,}",
                f"{cluster.volume:,.0f}",
                p_value(cluster.p_any),
                p_value(cluster.p_half),
                f"{chosen(cluster.born):.3f}",
                f"{cluster.peak.stat:.2f}".replace("-", MINUS),
                ", ".join(f"{x:.1f}".replace("-", MINUS) for x in cluster.peak.position),
                cluster.peak.regions,
            ]
            assert Fraction(cells[8]) <= Fraction(cluster.born)
            assert Fraction(cells[2]) <= Fraction(cluster.discoveries, cluster.voxels)
    assert section(shown, "clusters").count("<em>Born at</em>") == 1


def test_the_threshold_of_the_data_is_named_as_such(shown: Page, result: report.Result) -> None:
    (cut,) = [one for one in result.heights if one.by_data]
    at = f"{chosen(cut.value):g}"
    assert chosen(cut.value) < cut.value
    assert (
        f"|z| > {at} (threshold chosen by the data: other voxels add nothing to any bound)"
        in shown.text.replace("\N{NO-BREAK SPACE}", " ")
    )
    assert f"TDP of clusters with |z| > {at}, chosen by the data" in shown.text.replace(
        "\N{NO-BREAK SPACE}", " "
    )


def test_what_clusters_and_regions_have_in_common_is_folded_below(
    shown: Page, result: report.Result
) -> None:
    cut = result.tdp_cuts[0]
    table = rows(
        section(shown, "clusters"),
        "What the clusters with TDP ≥\N{NO-BREAK SPACE}0.5 have in common with regions",
    )
    assert len(table) == len(cut.overlaps)
    assert [int(row[0]) for row in table] == sorted(one.cluster for one in cut.overlaps)
    first = max((one for one in cut.overlaps if one.cluster == 1), key=lambda one: one.voxels)
    assert table[0][:6] == [
        "1",
        first.atlas,
        first.region,
        proportion(first.discoveries, first.voxels),
        str(first.discoveries),
        str(first.voxels),
    ]


def test_regions_stand_atlas_by_atlas_with_discoveries_first(
    shown: Page, result: report.Result
) -> None:
    source = section(shown, "regions")
    names = [unescape(name) for name in re.findall(r"<h3>(.*?)</h3>", source)]
    assert names == ["quarters", HOSTILE, "Regions of interest"]
    quarter = [one for one in result.regions if one.atlas == "quarters"]
    found = [one for one in quarter if one.whole.discoveries]
    assert 1 < len(found) < len(quarter)
    table = rows(source, f"{len(found)} of 5 regions with at least one discovery")
    for cells, one in zip(table, found, strict=True):
        assert one.positive is not None
        assert one.negative is not None
        assert cells == [
            one.name,
            proportion(one.whole.discoveries, one.whole.voxels),
            f"{one.whole.discoveries:,}",
            f"{one.whole.voxels:,}",
            "33.3 %" if one.name == "left front" else "100 %",
            p_value(one.p_any),
            p_value(one.p_half),
            proportion(one.positive.discoveries, one.positive.voxels),
            f"{one.positive.discoveries:,} of {one.positive.voxels:,}",
            proportion(one.negative.discoveries, one.negative.voxels),
            f"{one.negative.discoveries:,} of {one.negative.voxels:,}",
        ]
    rest = rows(source, "Regions of quarters without a discovery")
    assert [cells[0] for cells in rest] == [
        one.name for one in quarter if not one.whole.discoveries
    ]
    assert rest[-1][:5] == ["gone", "not in the mask", "0", "0", "0 %"]
    assert source.index("<details") < source.index("Regions of quarters without a discovery")


def test_where_all_of_every_region_was_analysed_no_coverage_is_shown(shown: Page) -> None:
    source = section(shown, "regions")
    rest = source[source.index("Regions of interest") :]
    assert "In the<br>mask" in source
    assert "In the<br>mask" not in rest


def test_bounds_of_regions_are_said_to_hold_together_and_resampling_is_told(shown: Page) -> None:
    source = section(shown, "regions")
    assert "All bounds are simultaneous" in source
    told = re.findall(r"Not on the grid of the maps:</strong> (.*?), put on it", source)
    assert told == ["quarters", "deep_roi.nii.gz"]
    assert "quarters and deep_roi.nii.gz were put on the grid" in shown.text
    assert "2 regions of interest" in shown.text


def test_names_of_atlases_and_regions_stay_text(shown: Page) -> None:
    assert sum(not attributes for attributes in shown.all("script")) == 2  # ours
    assert "<script>alert" not in shown.source
    assert shown.text.count(HOSTILE) >= 3


def test_one_sided_analyses_show_no_sign_and_one_part(
    tmp_path: Path, brain: nb.Nifti1Image, write_dataset: Writer
) -> None:
    write_dataset(space="", alternative="less", regions=quarters(np.asarray(brain.dataobj) > 0))
    page = Page(report.write(tmp_path)[0])
    assert ">Sign</th>" not in page.source
    assert "Where z < 0" in page.text
    assert "Where z > 0" not in page.text
    assert "In the mask" not in page.text
    assert page.text.count("Born at") == 0


def test_key_numbers_are_those_of_the_sidecars(shown: Page, result: report.Result) -> None:
    numbers = dict(
        re.findall(r"<dt>(.*?)</dt><dd><b>(.*?)</b>", section(shown, "numbers"), re.DOTALL)
    )
    h, size = result.inference["HommelValue"], result.inference["ConcentrationSize"]
    at = chosen(result.inference["ConcentrationThreshold"])
    assert {
        name: unescape(value).replace("\N{NO-BREAK SPACE}", " ") for name, value in numbers.items()
    } == {
        "Hommel value": f"{h:,} of 29,398",
        "Local test": "Simes, positive dependence",
        "Alpha": "0.05",
        "Concentration set": f"{size} voxels, |z| > {at:g}",
        "Tied voxels": "0 (0 %)",
        "Without variance": "17",
        "Left out by the mask": "23",
        "Missing values": "0",
    }
    assert f"29,398 {MINUS} {h:,} = {29398 - h:,} voxels are active" in shown.text


def test_the_assumptions_in_use_are_marked_among_all(shown: Page, result: report.Result) -> None:
    source = section(shown, "numbers")
    table = rows(source, "Bounds of all 29,398 voxels")
    assert [cells[:2] for cells in table] == [
        ["two-sided in use", "Simes"],
        ["two-sided", "Hommel"],
        ["greater", "Simes"],
        ["greater", "Hommel"],
        ["less", "Simes"],
        ["less", "Hommel"],
    ]
    for cells, one in zip(table, result.sensitivity, strict=True):
        assert cells[3:] == [
            f"{one.hommel_value:,}",
            f"{one.discoveries:,}",
            proportion(one.discoveries, 29_398),
        ]
    assert source.count('class="used"') == 1
    assert "may not be picked afterwards" in source


def test_pictures_of_the_gradient_say_how_far_it_reaches(shown: Page) -> None:
    alts = [image["alt"] for image in shown.all("img") if image["alt"].startswith("largest TDP")]
    assert len(alts) == 8
    assert any(re.search(r": up to (1\.000|0\.9\d\d)$", alt) for alt in alts)


def test_a_tdp_that_no_cluster_reaches_and_a_threshold_that_none_chooses_are_said(
    tmp_path: Path, write_dataset: Writer
) -> None:
    write_dataset(strength=0, space="T1w", thresholds=(), auto=True, tdp_thresholds=(0.7,))
    page = Page(report.write(tmp_path)[0])
    assert "Nothing found is a result, not an error" in page.text
    assert "the data choose the threshold, and there is no" in page.text
    assert "No cluster reaches it" in page.text
    assert "z where |z| > 2.3" in page.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "empty" in section(page, "numbers")
    titles = re.findall(r'<div class="row">\s*<div><h3>(.*?)</h3>', page.source)
    assert len(titles) == 1


def test_no_more_sets_are_drawn_than_a_page_can_bear(
    tmp_path: Path, write_dataset: Writer
) -> None:
    write_dataset(
        space="T1w", thresholds=(2.8, 3, 3.2, 3.4, 3.6), tdp_thresholds=(0.3, 0.5, 0.7, 0.8)
    )
    page = Page(report.write(tmp_path)[0])
    text = page.text.replace("\N{NO-BREAK SPACE}", " ")
    titles = re.findall(r'<div class="row">\s*<div><h3>(.*?)</h3>', page.source)
    assert len(titles) == 2 + 6
    assert "Not drawn, but in the files: clusters at |z| > 3.4, |z| > 3.6, TDP ≥ 0.8." in text


def test_a_page_of_an_older_version_leaves_out_what_it_did_not_compute(
    tmp_path: Path, write_dataset: Writer
) -> None:
    write_dataset(space="T1w", older=True)
    page = Page(report.write(tmp_path)[0])
    for absent in (
        "p, any",
        "Born at",
        "Region of the peak",
        "other assumptions",
        "Concentration",
    ):
        assert absent not in page.text
    assert 'id="regions"' not in page.source
    assert not any(image["alt"].startswith("largest TDP") for image in page.all("img"))
    assert "Hommel value" in section(page, "numbers")


def test_the_local_test_in_use_is_named(tmp_path: Path, write_dataset: Writer) -> None:
    write_dataset(space="T1w", local_test="hommel")
    page = Page(report.write(tmp_path)[0])
    assert "Hommel, any dependence" in page.text
    assert "Hommel's local test (Hommel, 1983;" in page.text
    assert rows(section(page, "numbers"), "Bounds of all")[1][:2] == ["two-sided in use", "Hommel"]
