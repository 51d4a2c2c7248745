"""The pages hold everything, fetch nothing, and show what the files say."""

import base64
import hashlib
import io
import itertools
import json
import re
import shutil
import subprocess
from collections import Counter
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote

import nibabel as nb
import numpy as np
import pytest
from PIL import Image

from bids_ari import report
from bids_ari.errors import ExitCode, InputError
from tests.report.conftest import Writer, write_analysis
from tests.report.html import HOSTILE, Page


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, brain: nb.Nifti1Image) -> Path:
    root = tmp_path_factory.mktemp("out")
    write_analysis(
        root,
        brain,
        thresholds=(3.1, 4),
        regressors=("intercept", "age"),
        participants=[
            *((f"sub-{i:02d}", "yes", "n/a", "0") for i in range(1, 21)),
            ("sub-21", "no", "no map of this contrast", "n/a"),
        ],
    )
    write_analysis(root, brain, contrast="rest", strength=0)
    write_analysis(
        root,
        brain,
        contrast=HOSTILE,
        name="hostile",
        space="T1w",
        alternative="less",
        regressors=(HOSTILE,),
        participants=[
            *((f"sub-{i:02d}", "yes", "n/a", "0") for i in range(1, 21)),
            (HOSTILE, "no", HOSTILE, "n/a"),
        ],
    )
    paths = report.write(root)
    assert [path.parent for path in paths] == [root] * 4
    assert paths[-1].name == "index.html"
    return root


def page(dataset: Path, contrast: str) -> Page:
    return Page(next(dataset.glob(f"*_contrast-{contrast}.html")))


@pytest.fixture(scope="module", params=["facesVsShapes", "rest", "hostile", "index"])
def any_page(request: pytest.FixtureRequest, dataset: Path) -> Page:
    if request.param == "index":
        return Page(dataset / "index.html")
    return page(dataset, request.param)


def test_a_page_fetches_nothing_and_says_so_to_the_browser(any_page: Page) -> None:
    policy = next(
        meta["content"]
        for meta in any_page.all("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert all(image["src"].startswith("data:image/webp;base64,") for image in any_page.all("img"))
    assert not any_page.all("link")
    assert not any("src" in script for script in any_page.all("script"))
    assert not re.search(r"url\((?!#)|@import", any_page.source)
    scripts = re.findall(r"<script>(.*?)</script>", any_page.source, re.DOTALL)
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_a_page_can_be_read_without_seeing_it(any_page: Page) -> None:
    assert all(image["alt"].strip() for image in any_page.all("img"))
    headings = [int(tag[1]) for tag, _ in any_page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings))
    assert all("scope" in header for header in any_page.all("th"))
    assert len(any_page.all("table")) == len(any_page.all("caption"))
    assert {"header", "main", "footer"} <= {tag for tag, _ in any_page.elements}
    ids = Counter(attributes["id"] for _, attributes in any_page.elements if "id" in attributes)
    assert max(ids.values(), default=1) == 1
    links = [link["href"] for link in any_page.all("a") if link["href"].startswith("#")]
    assert {link[1:] for link in links} <= set(ids)


def test_every_file_that_a_page_links_to_is_there(dataset: Path, any_page: Page) -> None:
    links = [link["href"].split("#")[0] for link in any_page.all("a")]
    assert all((dataset / unquote(link)).exists() for link in links if link)


def test_a_page_links_to_every_map_and_table(dataset: Path) -> None:
    stem = report.find(dataset)[0].stem
    links = {unquote(link["href"]) for link in page(dataset, "facesVsShapes").all("a")}
    written = {
        path.relative_to(dataset).as_posix()
        for folder in ("group", "logs")
        for path in (dataset / folder).glob(f"{stem}_*")
        if path.suffix != ".json" or path.name.endswith("run.json")
    }
    assert len(written) == 5 + 2 * 5 + 3 + 2  # maps, thresholds, records, gradient and sensitivity
    assert written <= links


def test_what_stands_in_names_and_tables_stays_text(dataset: Path) -> None:
    hostile = page(dataset, "hostile")
    assert sum(not attributes for attributes in hostile.all("script")) == 2  # ours
    assert "<script>alert" not in hostile.source
    assert hostile.text.count(HOSTILE) >= 4  # title, model, participant, reason
    assert HOSTILE in Page(dataset / "index.html").text


def test_the_page_shows_the_numbers_of_the_tables(dataset: Path) -> None:
    source, shown = page(dataset, "facesVsShapes").source, page(dataset, "facesVsShapes").text
    result = report.find(dataset)[0]
    assert result.contrast == "facesVsShapes"
    clusters = [
        cluster
        for threshold in result.heights
        for cluster in sorted(threshold.clusters, key=lambda one: one.discoveries == 0)
    ]
    in_clusters = source[source.index('id="clusters"') : source.index('id="numbers"')]
    bounds = [Fraction(text) for text in re.findall(r'<div class="tdp"><b>([\d.]+)<', in_clusters)]
    assert len(bounds) == len(clusters) > 20
    for cluster, bound in zip(clusters, bounds, strict=True):
        claimed = Fraction(cluster.discoveries, cluster.voxels)
        assert bound <= claimed < bound + Fraction(1, 1000)
        numbers = rf"<td>{cluster.discoveries:,}</td>\s*<td>{cluster.voxels:,}</td>"
        assert re.search(rf"{numbers}\s*<td>{cluster.volume:,.0f}</td>", source)
        assert f'style="width:{float(100 * claimed):.1f}%;' in source
    assert f"≥ {result.discoveries}" in shown
    assert "21 clusters without a discovery" in shown
    assert "more peaks" in shown
    assert "Looking at several thresholds costs nothing" in shown
    assert f"the mask as a whole holds at least {result.discoveries}" in shown
    assert "20 of 21 take part" in shown
    assert "no map of this contrast" in shown
    assert "bids-ari /data /out group" in shown
    assert "(Rosenblatt et al., 2018)" in shown
    assert "@article{rosenblatt2018," in shown
    assert "Faces & shapes" in shown
    assert "MNI152 template" in shown


def test_pictures_say_in_words_what_they_show(dataset: Path) -> None:
    alts = [image["alt"] for image in page(dataset, "facesVsShapes").all("img")]
    largest = report.find(dataset)[0].heights[0].clusters[0]
    assert any(
        re.search(r"axial slice at z = 48 mm: .*cluster 1, positive, peak z 8.22", a) for a in alts
    )
    tdp = [alt for alt in alts if alt.startswith("lower bound on the TDP")]
    assert any("cluster 1 at least 0.423" in alt for alt in tdp)
    assert round(largest.discoveries / largest.voxels, 3) == 0.423
    assert len(tdp) == 2 * 8


def test_a_one_sided_map_shows_one_sign(dataset: Path) -> None:
    pictures = [
        np.asarray(
            Image.open(io.BytesIO(base64.b64decode(image["src"].split(",")[1]))).convert("RGB")
        )
        for image in page(dataset, "hostile").all("img")
        if image["alt"].startswith("z map")
    ]
    red_minus_blue = np.concatenate(
        [picture[..., 0].astype(int).ravel() - picture[..., 2].ravel() for picture in pictures]
    )
    assert red_minus_blue.min() < -60
    assert red_minus_blue.max() < 30


def test_a_long_list_without_discoveries_is_cut(tmp_path: Path, write_dataset: Writer) -> None:
    write_dataset(thresholds=(2.2,), space="T1w")
    n_empty = sum(not one.discoveries for one in report.find(tmp_path)[0].heights[0].clusters)
    assert n_empty > 100
    shown = Page(report.write(tmp_path)[0])
    assert f"{n_empty} clusters without a discovery" in shown.text
    assert "The 100 largest clusters at |z| > 2.2 without a discovery" in shown.text
    clusters = shown.source[: shown.source.index('id="numbers"')]
    assert clusters.count('<div class="tdp"><b>0<') == 100


def test_nothing_found_is_no_error_on_the_page(dataset: Path) -> None:
    shown = page(dataset, "rest").text
    assert "Nothing found is a result, not an error" in shown
    assert "Check before you rely on this" not in shown
    assert "None of 22 clusters has a discovery" in shown
    assert "Parts do not add up" not in shown


def test_maps_outside_mni_space_get_no_mni_brain(dataset: Path) -> None:
    shown = page(dataset, "hostile")
    assert "their space (T1w) is not an MNI space" in shown.text
    assert not any("glass brain" in image["alt"] for image in shown.all("img"))
    assert "z < \N{MINUS SIGN}3.1" in shown.text


@pytest.mark.parametrize(
    ("shift", "sentence"),
    [
        (0, "The mask fits the MNI152 template (Dice coefficient 1.00)"),
        (12, "the input does not name their space"),
        (90, "beyond the MNI152 template"),
    ],
    ids=["fits", "shifted a little", "far"],
)
def test_a_space_without_a_name_is_judged_by_the_mask(
    tmp_path: Path, brain: nb.Nifti1Image, shift: float, sentence: str
) -> None:
    affine = brain.affine.copy()
    # half the brain, moved: what is left fits the box of the template but not its shape
    values = np.array(brain.dataobj)
    if shift == 12:
        values[:, :, 24:] = 0
    affine[1, 3] += shift
    write_analysis(tmp_path, nb.Nifti1Image(values, affine), space="")
    assert sentence in Page(report.write(tmp_path)[0]).text


def test_the_same_files_give_the_same_bytes(tmp_path: Path, write_dataset: Writer) -> None:
    write_dataset(space="T1w")
    first = [path.read_bytes() for path in report.write(tmp_path)]
    assert first == [path.read_bytes() for path in report.write(tmp_path)]
    assert not list(tmp_path.glob(".*"))


def test_the_record_of_the_run_may_be_missing(tmp_path: Path, write_dataset: Writer) -> None:
    write_dataset(space="T1w")
    shutil.rmtree(tmp_path / "logs")
    assert "The inclusion table is not in the dataset" in Page(report.write(tmp_path)[0]).text


def test_an_empty_dataset_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"group has no \*_stat-z_statmap.nii.gz") as caught:
        report.write(tmp_path)
    assert caught.value.exit_code == ExitCode.NO_INPUT


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium")
@pytest.mark.slow
def test_a_browser_runs_the_page_without_complaint(dataset: Path, tmp_path: Path) -> None:
    path = next(dataset.glob("*_contrast-hostile.html"))
    done = subprocess.run(
        [
            str(shutil.which("chromium")),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--enable-logging=stderr",
            f"--user-data-dir={tmp_path}",
            "--dump-dom",
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "CONSOLE" not in done.stderr
    assert done.stdout.count('class="copy"') == 3  # our script ran


def test_importing_the_report_loads_no_plotting() -> None:
    import sys

    code = (
        "import sys, json, bids_ari.report; "
        "print(json.dumps(sorted({'jinja2', 'matplotlib', 'nibabel', 'nilearn', 'numpy', 'scipy'} & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
