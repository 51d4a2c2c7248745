"""What a page says where bounds come from permutations."""

import json
import re
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
import pytest

from bids_ari import report
from bids_ari.errors import ExitCode, InputError
from bids_ari.report.calibration import Template
from bids_ari.report.explorer.gathering import gather
from bids_ari.report.permutation_section import level_in_words
from tests.report.brute_force import quarters
from tests.report.conftest import Writer, write_analysis
from tests.report.html import Page
from tests.report.permuted import permute

AUTO = [
    {"Name": name, "Alpha": 0.05 / 3, "Level": level, "Steps": 0}
    for name, level in (("simes", 0.11), ("simes27", 0.126), ("beta", -1141.03))
]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, brain: nb.Nifti1Image) -> Path:
    root = tmp_path_factory.mktemp("permuted")
    regions = quarters(np.asarray(brain.dataobj) > 0, "quarters")
    stem = write_analysis(root, brain, space="T1w", tdp_thresholds=(0.7,), regions=regions)
    permute(root, stem)
    report.write(root)
    return root


@pytest.fixture(scope="module")
def shown(dataset: Path) -> Page:
    return Page(next(dataset.glob("task*.html")))


def section(page: Page, name: str) -> str:
    start = page.source.index(f'id="{name}"')
    text = re.sub(r"<svg.*?</svg>", "", page.source[start:], flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", text[: text.index("</section>")])
    return re.sub(r"\s+", " ", text.replace("&#39;", "'"))


def written(tmp_path: Path, write_dataset: Writer, **told: Any) -> Page:
    stem = write_dataset(space="T1w")
    permute(tmp_path, stem, **told)
    return Page(report.write(tmp_path)[0])


def test_thresholds_and_order_statistics_are_read(tmp_path: Path, write_dataset: Writer) -> None:
    stem = write_dataset()
    h = permute(tmp_path, stem, shift=2, Blocks=3, Exhaustive=True)
    [result] = report.find(tmp_path)
    of = result.permutations
    assert of is not None
    assert of.thresholds[:3] == (-1.0, -1.0, 0.05 * 3 / h)
    assert len(of.thresholds) == h
    assert [one.rank for one in of.ordered] == [1, 2, 5, 20, 100, 1000, 10_000]
    assert [one.threshold for one in of.ordered[:3]] == [None, None, 0.05 * 5 / h]
    assert (of.kind, of.number, of.seed, of.n_blocks, of.exhaustive) == (
        *("sign flips", 1000, 7, 3),
        True,
    )
    assert (of.shift, of.hommel_value) == (2, h + 1)
    assert result.local_test == ""


@pytest.mark.parametrize("ending", ["thresholds", "permutations"])
def test_a_missing_table_is_named(tmp_path: Path, write_dataset: Writer, ending: str) -> None:
    stem = write_dataset()
    permute(tmp_path, stem)
    (tmp_path / "group" / f"{stem}_{ending}.tsv").unlink()
    with pytest.raises(InputError, match=f"_{ending}.tsv is missing") as caught:
        report.find(tmp_path)
    assert caught.value.exit_code == ExitCode.NO_INPUT


@pytest.mark.parametrize(
    ("ending", "rows", "reason"),
    [
        ("thresholds", "1\t0.02\n2\t0.01\n", r"2 0.01 \(thresholds decrease\)"),
        ("thresholds", "1\t0.02\n3\t0.04\n", r"3 0.04 \(expected rank 2\)"),
        ("thresholds", "1\tnan\n", "nan is no threshold of p-values"),
        ("thresholds", "1\t-0.1\n", "-0.1 is no threshold of p-values"),
        ("thresholds", "1\t0.1\n2\tn/a\n", "thresholds decrease"),
        (
            "permutations",
            "1\tsmall\t1\t1\t1\t1\t1\n",
            "has a line that is not understood: 1 small",
        ),
        ("permutations", "", "has no rows"),
        ("thresholds", "", "has no rows, from which there could be discoveries"),
    ],
)
def test_a_broken_table_is_named(
    tmp_path: Path, write_dataset: Writer, ending: str, rows: str, reason: str
) -> None:
    stem = write_dataset()
    permute(tmp_path, stem)
    path = tmp_path / "group" / f"{stem}_{ending}.tsv"
    path.write_text(path.read_text().splitlines()[0] + "\n" + rows)
    with pytest.raises(InputError, match=f"{ending}.tsv.*{reason}"):
        report.find(tmp_path)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"SimesErrorInterval": [0.1]}, "has Permutations or .* not understood"),
        ({"Templates": [{"Name": "simes"}]}, "not understood: KeyError"),
        ({"Number": "many"}, "not understood: ValueError"),
        ({"Templates": []}, "there are no Templates"),
        ({"Templates": [{"Name": "magic"}]}, "template is 'magic', expected one of simes"),
    ],
)
def test_a_broken_sidecar_is_named(
    tmp_path: Path, write_dataset: Writer, told: dict[str, Any], reason: str
) -> None:
    permute(tmp_path, write_dataset(), **told)
    with pytest.raises(InputError, match=rf"gradient_statmap.json .*{reason}"):
        report.find(tmp_path)


def test_a_sidecar_of_permutations_without_any_is_named(
    tmp_path: Path, write_dataset: Writer
) -> None:
    stem = write_dataset()
    permute(tmp_path, stem)
    path = tmp_path / "group" / f"{stem}_stat-tdp_desc-z3p1_statmap.json"
    sidecar = json.loads(path.read_text())
    del sidecar["Permutations"]
    path.write_text(json.dumps(sidecar))
    with pytest.raises(InputError, match=r"z3p1_statmap.json lacks Permutations"):
        report.find(tmp_path)


def test_the_summary_and_the_cards_name_permutations_and_the_bound_without(
    dataset: Path, shown: Page
) -> None:
    [result] = report.find(dataset)
    summary = section(shown, "summary")
    less = f"{result.discoveries - 5:,}"
    assert (
        "confidence, by thresholds calibrated on 1,000 sign flips (without these, by "
        f"All-Resolutions Inference: {less})." in summary.replace("\xa0", " ")
    )
    assert f"in the mask; without sign flips ≥ {less}" in summary.replace("\xa0", " ")
    assert report.headline(result).count("1,000 sign flips") == 1
    numbers = section(shown, "numbers").replace("\xa0", " ")
    assert f"Without sign flips ≥ {less} of" in numbers
    assert "Local test Simes" not in numbers
    assert "two-sided in use sign flips symmetric errors n/a" in numbers


def test_the_bound_without_permutations_stands_in_every_table(dataset: Path, shown: Page) -> None:
    [result] = report.find(dataset)
    cluster = result.heights[0].found[0]
    assert cluster.beside is not None
    assert cluster.beside.discoveries == cluster.discoveries - 1
    cells = re.findall(r'<td class="beside">\s*([\d.]+) <small>\((\d+)\)</small>', shown.source)
    share = (cluster.discoveries - 1) * 1000 // cluster.voxels / 1000
    assert (f"{share:.3f}", str(cluster.discoveries - 1)) in cells
    rows = sum(len(cut.clusters) + len(cut.overlaps) for cut in result.cuts) + len(result.regions)
    # overlaps are shown of clusters with a discovery
    assert 40 < len(cells) <= rows
    heads = shown.source.count('class="beside">By ARI:<br>TDP, active</th>')
    tables = len(re.findall(r'<table class="(clusters|overlaps|bounds)">', shown.source))
    assert heads == tables > 3


def test_without_permutations_there_is_no_word_of_them(
    tmp_path: Path, write_dataset: Writer
) -> None:
    write_dataset(space="T1w")
    page = Page(report.write(tmp_path)[0])
    assert "By ARI:" not in page.source
    assert "sign flips" not in page.text
    assert 'id="permutations"' not in page.source
    assert "the local test, the mask, the smoothing" in page.text


def test_the_explorer_takes_the_thresholds_of_the_table(
    dataset: Path, shown: Page, tmp_path: Path, write_dataset: Writer
) -> None:
    [result] = report.find(dataset)
    explored = gather(result)
    assert result.permutations is not None
    assert explored.critical_vector.tolist() == list(result.permutations.thresholds)
    explore = section(shown, "explore")
    assert "They come from thresholds calibrated on 1,000 sign flips." in explore
    assert '"bounds_by": "thresholds calibrated on 1,000 sign flips"' in shown.source
    stem = write_dataset(space="T1w")
    permute(tmp_path, stem)
    path = tmp_path / "group" / f"{stem}_thresholds.tsv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
    page = Page(report.write(tmp_path)[0])
    assert "The explorer is left out, because the maps give at least" in page.text


def test_how_thresholds_were_calibrated_is_told(dataset: Path, shown: Page) -> None:
    text = section(shown, "permutations").replace("\xa0", " ")
    for claim in (
        "signs of maps flipped in 1,000 ways drawn at random (seed 7), the maps as they are",
        "the errors of each map are symmetric about 0; beyond that, their distribution may be any",
        "A line through 0, as that of Simes' test (Simes, 1986) 0.05 slope 0.061",
        "rejects in 2.4 % of the sign flips (95 % confidence: 1.5 % to 3.5 %), where alpha",
        "alpha allows 5 %: it errs less often than it may",
    ):
        assert claim in text
    for other in ("Freedman", "shared equally", "Learned from", "Stepping down", "begin after"):
        assert other not in text
    [figure] = [one for one in shown.all("div") if "p-values against" in one.get("aria-label", "")]
    assert (
        "the smallest is 1e-06, under sign flips it lies between 3.3e-05" in figure["aria-label"]
    )
    stem = next(dataset.glob("task*.html")).stem
    assert (dataset / "figures" / f"{stem}_permutations.png").stat().st_size > 10_000
    sidecar = json.loads((dataset / "figures" / f"{stem}_permutations.json").read_text())
    assert sidecar["Sources"] == [f"bids::group/{stem}_permutations.tsv"]
    assert "band: 90 % of them" in sidecar["Description"]
    for ending in ("thresholds.tsv", "permutations.tsv"):
        assert f'href="group/{stem}_{ending}"' in shown.source


@pytest.mark.parametrize(
    ("told", "claims"),
    [
        (
            {"Kind": "permutations", "Blocks": 4, "Exact": False, "StepDown": True},
            (
                "maps permuted in 1,000 ways",
                "the errors of maps with the same participant are exchangeable, and only these",
                "fitted to these (Freedman and Lane); the error rate is then not exact",
                "calibrated again without the voxels that are active for certain",
            ),
        ),
        (
            {"Exhaustive": True, "Number": 512, "SimesError": 0.08},
            (
                "in all 512 distinct ways, so that nothing is random",
                "rejects in 8 % of the sign flips, where alpha allows 5 %: either what it assumes",
            ),
        ),
        (
            {"SimesError": 0.05, "SimesErrorInterval": [0.03, 0.07]},
            ("about as often as it may",),
        ),
        (
            {"Templates": AUTO},
            (
                "alpha is shared equally among 3 families of thresholds",
                "none was chosen by looking",
                "begun after 27 voxels (Andreella et al., 2023) 0.01667 slope 0.126",
                "quantile 2.8 \N{MULTIPLICATION SIGN} 10⁻⁴⁹⁶",
            ),
        ),
        (
            {
                "Learning": 900,
                "Templates": [{"Name": "learned", "Alpha": 0.05, "Level": 12, "Steps": 0}],
            },
            (
                "900 other sign flips of the same maps, used for nothing else",
                "proven where nothing is active, and supported by simulations",
                "the 12th smallest of 900 at each rank",
            ),
        ),
    ],
    ids=["permutations", "all distinct", "as often", "auto", "learned"],
)
def test_what_differs_from_the_usual_is_told(
    tmp_path: Path, write_dataset: Writer, told: dict[str, Any], claims: tuple[str, ...]
) -> None:
    text = section(written(tmp_path, write_dataset, **told), "permutations")
    for claim in claims:
        assert claim in text.replace("\xa0", " ")


def test_only_what_is_left_of_the_mean_makes_residuals(
    tmp_path: Path, write_dataset: Writer
) -> None:
    page = written(tmp_path, write_dataset, Kind="permutations", Exact=True)
    assert "Freedman" not in section(page, "permutations")


def test_a_shift_is_told_where_small_clusters_stand(tmp_path: Path, write_dataset: Writer) -> None:
    page = written(tmp_path, write_dataset, shift=2)
    text = section(page, "clusters")
    assert "Thresholds begin after 2 voxels (the shift): a set of no more than that has no" in text
    assert re.search(r"those of up to 2 voxels, \d+ of them, can have none", text)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            {"Number": 180},
            "rests on the 10 most extreme of these; more of them (--n-permutations)",
        ),
        (
            {"Number": 128, "Exhaustive": True},
            "rests on the 7 most extreme of these; there are no",
        ),
        ({"Number": 300, "Templates": AUTO}, "alpha 0.01667 for each family of thresholds, the"),
        ({"Number": 200}, ""),
        ({"Templates": AUTO}, ""),
    ],
)
def test_few_permutations_are_warned_of(
    tmp_path: Path, write_dataset: Writer, told: dict[str, Any], expected: str
) -> None:
    permute(tmp_path, write_dataset(), **told)
    [result] = report.find(tmp_path)
    found = [one for one in report.warnings(result) if "most extreme" in one]
    assert len(found) == bool(expected)
    assert all(expected in one for one in found)


def test_thresholds_of_an_earlier_run_are_not_passed_off_as_those_of_this_one(
    tmp_path: Path, write_dataset: Writer
) -> None:
    stem = write_dataset(space="T1w")
    (tmp_path / "group" / f"{stem}_thresholds.tsv").write_text("rank\tp_threshold\n1\t0.5\n")
    [result] = report.find(tmp_path)
    assert result.permutations is None
    assert any(
        "left from an earlier run and are not used" in one for one in report.warnings(result)
    )
    assert "thresholds.tsv" not in Page(report.write(tmp_path)[0]).source


def test_the_methods_text_is_that_of_the_files(tmp_path: Path, write_dataset: Writer) -> None:
    permute(tmp_path, write_dataset(), Templates=AUTO)
    [result] = report.find(tmp_path)
    text = report.methods(result)
    assert "1,000 random sign flips, the maps as they are among them, were drawn (seed 7)" in text
    assert "There are 3 families of thresholds" in text
    assert f"at least {result.discoveries - 5:,})." in text
    assert "Hommel value" not in text


@pytest.mark.parametrize(
    ("name", "level", "expected"),
    [
        ("higher-criticism", -3.25, "higher criticism 3.250"),
        ("learned", 0.25, "0.25 of a line below the smallest"),
        ("learned", 21.0, "the 21st smallest of 700 at each rank"),
        ("learned", 112.0, "the 112th smallest of 700 at each rank"),
        ("aorc9", 0.5, "level 0.5"),
        ("beta", np.log(1e-5 / (1 - 1e-5)), "quantile 1.0 \N{MULTIPLICATION SIGN} 10⁻⁵"),
        ("beta", np.inf, "without limit"),
    ],
)
def test_levels_are_told_in_the_terms_of_their_family(
    name: str, level: float, expected: str
) -> None:
    assert level_in_words(Template(name, 0.05, level, 0), 700) == expected
