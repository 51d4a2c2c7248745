"""The explorer in a real browser: what it shows, fetches, saves, and what it needs."""

import gzip
import io
import re
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from bids_ari import report
from bids_ari.report import explorer
from bids_ari.report.explorer.gathering import Explored, gather
from bids_ari.stats import min_true_discoveries
from tests.report.brute_force import activation
from tests.report.conftest import write_analysis

pytest.importorskip("playwright", reason="needs playwright")
from playwright.sync_api import Browser, Page, sync_playwright

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium"),
]

HOSTILE = "</script><img src=x onerror=\"document.title='broken'\">"
PATIENCE = 15_000  # ms
READY = "#explore[data-ready]"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]
WHERE_WHITE = """(canvas) => {
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    let [x, y, n] = [0, 0, 0];
    for (let i = 0; i < width * height; i++) {
        if (data.slice(4 * i, 4 * i + 4).every((value) => value === 255)) {
            x += i % width;
            y += Math.floor(i / width);
            n++;
        }
    }
    return [x / n / width, y / n / height];
}"""
"""Centre of what is white in a picture, as shares of its width and height."""
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, brain: nb.Nifti1Image) -> Path:
    """Write pages of four analyses, each with regions of a made-up atlas."""
    root = tmp_path_factory.mktemp("pages")
    write_analysis(root, brain, thresholds=(3.1, 4), z=two_that_join(brain))
    write_analysis(root, brain, contrast="rest", strength=0)
    write_analysis(root, brain, contrast="oneSided", alternative="less", space="T1w")
    write_analysis(root, brain, contrast=HOSTILE, name="hostile", z=two_that_join(brain))
    n_features = int(np.count_nonzero(np.asarray(brain.dataobj)))
    atlas = explorer.Parcellation(
        name=HOSTILE,
        regions=("Left <b>&", HOSTILE, "Right"),
        labels=np.arange(n_features) * 4 // n_features,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bids_ari.report.explorer.section.parcellations_of", lambda *_: [atlas])
        report.write(root)
    return root


def two_that_join(brain: nb.Nifti1Image) -> NDArray[np.float64]:
    """Make a z map with two blobs near one another, and one far off of the other sign."""
    mask = np.asarray(brain.dataobj) > 0
    z = activation(mask, 6.0, seed=3)
    away = np.linalg.norm(np.indices(mask.shape).T - (18, 24, 30), axis=-1).T
    return np.where(mask, z + 6.5 * np.exp(-((away / 2.6) ** 2)), 0)


def path_of(dataset: Path, contrast: str) -> Path:
    return next(dataset.glob(f"*_contrast-{contrast}.html"))


@pytest.fixture(scope="module")
def explored(dataset: Path) -> Explored:
    return next(gather(one) for one in report.find(dataset) if one.contrast == "facesVsShapes")


@pytest.fixture(scope="module")
def launch() -> Iterator[Callable[..., Browser]]:
    with sync_playwright() as playwright:
        yield partial(playwright.chromium.launch, executable_path=shutil.which("chromium"))


@pytest.fixture(scope="module")
def browser(launch: Callable[..., Browser]) -> Iterator[Browser]:
    browser = launch(args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def open_page(browser: Browser, dataset: Path) -> Iterator[Open]:
    """Return a function that opens a page; whatever it fetches or complains of is an error."""
    contexts, complaints, requests = [], [], []

    def go(contrast: str = "facesVsShapes", end: str = "", **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type == "error" else None,
        )
        page.goto(path_of(dataset, contrast).as_uri() + end)
        if options.get("java_script_enabled", True):
            page.wait_for_selector(READY)
        return page

    yield go
    for context in contexts:
        context.close()
    assert complaints == []
    own = path_of(dataset, "facesVsShapes").parent.as_uri()
    assert [url for url in requests if not url.startswith((own, "data:", "blob:"))] == []


def control(page: Page, name: str) -> Any:
    return page.locator(f'[data-control="{name}"]')


def choose(page: Page, kind: str, value: float) -> None:
    field = control(page, f"{kind}-number")
    field.fill(str(value))
    field.press("Enter")
    settle(page)


def settle(page: Page) -> None:
    """Wait for the next two pictures."""
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def rows(page: Page) -> list[list[str]]:
    """Read the table: cluster, sign, TDP, active, voxels, mm3, z, place, region."""
    found: list[list[str]] = page.locator(".ex-table tbody tr").evaluate_all(
        "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    return found


def caption(page: Page) -> str:
    return page.locator(".ex-table caption").inner_text()


def numbers(page: Page) -> list[tuple[int, int]]:
    """Read voxels and discoveries of the clusters that are listed."""
    return [(int(row[4].replace(",", "")), int(row[3].replace(",", ""))) for row in rows(page)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("height", 2.5), ("height", 3.1), ("height", 4.05), ("tdp", 0.3), ("tdp", 0.7), ("tdp", 1)],
)
def test_the_numbers_are_those_of_python(
    open_page: Open, explored: Explored, kind: str, value: float
) -> None:
    page = open_page()
    if kind == "tdp":
        control(page, "by-tdp").check()
        settle(page)  # which writes the value that is shown into the field
    choose(page, kind, value)
    bounded = explored.bounded
    nodes = bounded.forest.above_height(value) if kind == "height" else bounded.with_tdp(value)
    sizes, found = bounded.forest.size[nodes], bounded.n_discoveries[nodes]
    assert found.sum() > 0
    assert numbers(page) == list(zip(sizes.tolist(), found.tolist(), strict=True))[:40]
    assert caption(page).startswith(f"{nodes.size:,} cluster")
    assert f"{np.count_nonzero(found)} with a discovery" in caption(page)


def test_it_begins_as_the_first_table_of_the_page(open_page: Open) -> None:
    page = open_page()
    static = page.locator("#clusters-z3p1 ~ .scroll table.clusters").first
    first = static.locator("tbody tr").first.locator("th, td").all_inner_texts()
    shown = rows(page)[0]
    assert (shown[0], shown[1]) == ("1", "positive")
    assert [shown[4], shown[5]] == [first[4].strip(), first[5].strip()]
    assert shown[2] in first[2]
    assert any(shown[7] in cell for cell in first)
    assert shown[6] in first


def test_a_slider_moves_clusters_and_one_drag_is_undone_at_once(open_page: Open) -> None:
    page = open_page()
    before = rows(page)
    control(page, "height").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    settle(page)
    assert control(page, "height-number").input_value() == "3.15"
    assert "|z| > 3.15" in caption(page)
    control(page, "height").evaluate(
        """(slider) => {
            for (const value of [3.5, 3.8, 4.2]) {
                slider.value = value;
                slider.dispatchEvent(new Event("input", { bubbles: true }));
            }
            slider.dispatchEvent(new Event("change", { bubbles: true }));
        }"""
    )
    settle(page)
    assert "|z| > 4.2" in caption(page)
    undo = page.get_by_role("button", name="Undo")
    undo.click()
    settle(page)
    assert "|z| > 3.15" in caption(page)
    while undo.is_enabled():
        undo.click()
        settle(page)
    assert rows(page) == before


def test_split_and_merge_and_what_the_card_says(open_page: Open, explored: Explored) -> None:
    page = open_page()
    choose(page, "height", 2)
    bounded = explored.bounded
    nodes = bounded.forest.above_height(2)
    forks = [i for i, k in enumerate(nodes) if bounded.split(int(k)).size]
    assert forks, "no cluster of the map can be split"
    page.get_by_role("button", name=f"cluster {forks[0] + 1}", exact=True).click()
    settle(page)
    whole = page.locator('[data-card="sentence"]').inner_text()
    node = int(nodes[forks[0]])
    size, found = int(bounded.forest.size[node]), int(bounded.n_discoveries[node])
    assert f"cluster of {size:,} voxels" in whole
    assert f"at least {found:,} voxels are active" in whole
    assert "95\xa0% confidence" in whole
    parts = bounded.split(node)
    page.get_by_role("button", name="Split").click()
    settle(page)
    assert "changed by hand" in caption(page)
    expected = bounded.forest.largest_first(np.concatenate([np.delete(nodes, forks[0]), parts]))
    assert numbers(page)[:40] == [
        (int(bounded.forest.size[k]), int(bounded.n_discoveries[k])) for k in expected[:40]
    ]
    page.get_by_role("button", name="Merge").click()
    settle(page)
    merged = bounded.merge(int(parts[0]))
    assert merged is not None
    assert int(bounded.forest.size[merged]) in [voxels for voxels, _ in numbers(page)]


def test_everything_is_reached_by_keyboard(open_page: Open) -> None:
    page = open_page()
    canvas = page.locator('[data-plane="2"] canvas[tabindex]')
    canvas.focus()
    readout = control(page, "voxel")
    before = readout.inner_text()
    x = float(re.findall(r"\((.*?),", before)[0].replace("\N{MINUS SIGN}", "-"))
    page.keyboard.press("ArrowLeft")
    settle(page)
    moved = float(re.findall(r"\((.*?),", readout.inner_text())[0].replace("\N{MINUS SIGN}", "-"))
    assert moved == x - 4
    page.keyboard.press("Shift+PageUp")
    settle(page)
    label = canvas.get_attribute("aria-label") or ""
    assert page.locator('[data-plane="2"] output').inner_text() in label
    row = page.get_by_role("button", name="cluster 2", exact=True)
    row.focus()
    page.keyboard.press("Enter")
    settle(page)
    assert page.locator('[data-card="title"]').inner_text() == "Cluster 2"
    # the table was drawn anew: the focus is still there
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "cluster 2"
    page.locator('[data-part="path-range"]').focus()
    page.keyboard.press("Home")
    settle(page)
    assert "changed by hand" in caption(page)
    page.wait_for_timeout(800)
    assert "is selected: at least" in page.locator('[data-part="live"]').inner_text()


def test_a_click_on_a_slice_or_in_the_landscape_selects(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="cluster 2", exact=True).click()
    settle(page)
    canvas = page.locator('[data-plane="2"] canvas[tabindex]')
    peak = control(page, "voxel").inner_text()
    assert "in cluster 2" in peak
    painted = canvas.evaluate(WHERE_WHITE)  # the rim of the cluster that is selected
    canvas.click(position={"x": 3, "y": 3})
    settle(page)
    assert "outside of the mask" in control(page, "voxel").inner_text()
    assert page.locator('[data-card="title"]').inner_text() == "Cluster 2"
    place = canvas.bounding_box()
    assert place
    canvas.click(position={"x": painted[0] * place["width"], "y": painted[1] * place["height"]})
    settle(page)
    assert "in cluster 2" in control(page, "voxel").inner_text()
    page.locator('[data-part="landscape"]').click(position={"x": 32, "y": 102})
    settle(page)
    assert "changed by hand" in caption(page)


def test_a_sphere_is_bounded_as_python_bounds_it(open_page: Open, explored: Explored) -> None:
    page = open_page()
    control(page, "sphere").check()
    settle(page)
    assert "Sphere of 10 mm" in control(page, "sphere-bound").inner_text()
    control(page, "radius").fill("14")
    settle(page)
    where = [
        float(one.split("=")[1].replace("\N{MINUS SIGN}", "-").removesuffix("mm"))
        for one in page.locator(".ex-position output").all_inner_texts()
    ]
    centres = explored.domain.coordinates(np.arange(explored.domain.n_features))
    inside = np.linalg.norm(centres - where, axis=1) <= 14
    found = min_true_discoveries(explored.p_values[inside], explored.critical_vector)
    assert found > 10
    expected = f"at least {found} of {np.count_nonzero(inside)} voxels are active"
    assert expected in control(page, "sphere-bound").inner_text()
    control(page, "sphere").uncheck()
    settle(page)
    assert not control(page, "sphere-bound").is_visible()


def test_parts_by_region_are_bounded_and_their_names_are_text(
    open_page: Open, explored: Explored
) -> None:
    page = open_page("hostile")
    labels = np.arange(explored.domain.n_features) * 4 // explored.domain.n_features
    node = explored.bounded.forest.above_height(3.1)[0]
    members = explored.bounded.forest.members(int(node))
    parts = {}
    for label in np.unique(labels[members]):
        part = members[labels[members] == label]
        found = min_true_discoveries(explored.p_values[part], explored.critical_vector)
        parts[("in no region", "Left <b>&", HOSTILE, "Right")[label]] = (found, part.size)
    shown = page.locator('[data-card="rows"] tr').evaluate_all(
        "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    assert {row[0]: (int(row[2]), int(row[3])) for row in shown} == parts
    assert "need not add up" in page.locator('[data-card="additivity"]').inner_text()
    assert HOSTILE in page.title()
    assert page.locator("#explore img").count() == 0
    assert page.locator("h1").inner_text() == HOSTILE


def test_the_address_keeps_what_is_looked_at(open_page: Open) -> None:
    page = open_page(end="#explore:tdp=0.7&at=0,0,0")
    assert control(page, "by-tdp").is_checked()
    assert "TDP ≥ 0.7" in caption(page)
    choose(page, "tdp", 0.5)
    split = page.get_by_role("button", name="Split")
    merge = page.get_by_role("button", name="Merge")
    (split if split.is_enabled() else merge).click()
    page.wait_for_timeout(600)
    url, expected = page.url, rows(page)
    assert "#explore:tdp=0.5&clusters=" in url
    again = open_page(end="#" + url.split("#")[1])
    assert rows(again) == expected
    nonsense = open_page(end="#explore:z=many&at=1")
    assert "|z| > 3.1" in caption(nonsense)
    untouched = open_page(end="#clusters")
    untouched.wait_for_timeout(500)
    assert untouched.url.endswith("#clusters")


def test_saved_clusters_are_those_of_scipy_on_the_same_grid(
    open_page: Open, explored: Explored, brain: nb.Nifti1Image
) -> None:
    page = open_page()
    choose(page, "height", 3.3)
    with page.expect_download() as download:
        control(page, "nifti").click()
    assert download.value.suggested_filename.endswith("_desc-explored_dseg.nii.gz")
    content = gzip.decompress(Path(download.value.path()).read_bytes())
    img = nb.Nifti1Image.from_bytes(content)
    labels = np.asarray(img.dataobj)
    assert img.shape == brain.shape
    assert np.array_equal(img.affine, brain.affine)
    z = np.zeros(brain.shape)
    z.flat[explored.domain.features] = explored.z_values
    expected, n_clusters = np.zeros(z.shape, dtype=int), 0
    for beyond in (z > 3.3, z < -3.3):
        found, n = ndimage.label(beyond, ndimage.generate_binary_structure(3, 2))
        expected[found > 0] = found[found > 0] + n_clusters
        n_clusters += n
    pairs = np.unique(np.stack([labels.ravel(), expected.ravel()]), axis=1)
    assert pairs.shape[1] == n_clusters + 1  # one to one, and 0 to 0
    with page.expect_download() as download:
        control(page, "csv").click()
    table = np.genfromtxt(
        io.StringIO(Path(download.value.path()).read_text(encoding="utf-8")),
        delimiter=",",
        names=True,
        dtype=None,
        encoding="utf-8",
    )
    nodes = explored.bounded.forest.above_height(3.3)
    assert table["voxels"].tolist() == np.bincount(labels.ravel())[1:].tolist()
    assert table["discoveries"].tolist() == explored.bounded.n_discoveries[nodes].tolist()
    assert table["tdp"].tolist() == explored.bounded.tdp[nodes].tolist()


def test_only_clusters_with_a_discovery_are_shown_on_demand(open_page: Open) -> None:
    page = open_page()
    found = [row for row in numbers(page) if row[1]]
    assert found != numbers(page)
    control(page, "only-found").check()
    settle(page)
    assert numbers(page) == found


def test_a_sentence_can_be_copied(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Copy sentence").click()
    page.get_by_role("button", name=re.compile("^(Copied|Selected)")).wait_for()


def test_colours_and_numbers_change_the_slices(open_page: Open) -> None:
    page = open_page()
    canvas = page.locator('[data-plane="2"] canvas[tabindex]')
    pictures = set()
    for colour in ("tdp", "number", "z"):
        control(page, "colour").select_option(colour)
        settle(page)
        pictures.add(canvas.evaluate("(canvas) => canvas.toDataURL()"))
        assert page.locator(f'[data-legend="{colour}"]').is_visible()
    assert len(pictures) == 3


def test_a_result_without_discoveries_can_be_explored(open_page: Open) -> None:
    page = open_page("rest")
    assert "0 with a discovery" in caption(page)
    assert (
        "no cluster that holds this voxel has a discovery" in control(page, "voxel").inner_text()
    )
    assert "no voxel can be claimed" in page.locator('[data-card="sentence"]').inner_text()
    choose(page, "tdp", 0.5)
    assert "No cluster" in caption(page)
    assert page.get_by_role("button", name="Split").is_disabled()


def test_one_side_without_a_brain(open_page: Open) -> None:
    page = open_page("oneSided")
    assert "z < \N{MINUS SIGN}3.1" in caption(page)
    assert page.get_by_role("columnheader", name="Sign").count() == 0
    painted = page.locator('[data-plane="2"] canvas[tabindex]').evaluate(
        "(canvas) => new Set(new Uint32Array(canvas.getContext('2d')"
        ".getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"
    )
    assert painted > 3  # nothing, the mask, and clusters


def test_without_javascript_the_page_says_what_is_there(open_page: Open) -> None:
    page = open_page(java_script_enabled=False)
    assert page.get_by_text("Exploring needs JavaScript").is_visible()
    assert not page.locator("#explorer").is_visible()
    assert page.locator("#clusters tbody tr").count() > 0


def test_an_old_browser_is_told(browser: Browser, dataset: Path) -> None:
    page = browser.new_page()
    page.add_init_script("delete window.DecompressionStream")
    page.goto(path_of(dataset, "facesVsShapes").as_uri())
    assert "too old for the explorer" in page.locator("#ex-problem").inner_text()
    assert not page.locator("#explorer").is_visible()
    page.close()


def test_it_needs_no_webgl(launch: Callable[..., Browser], dataset: Path) -> None:
    browser = launch(args=[*FLAGS, "--disable-3d-apis"])
    page = browser.new_page()
    page.goto(path_of(dataset, "facesVsShapes").as_uri())
    page.wait_for_selector(READY)
    assert len(rows(page)) > 2
    browser.close()


def test_it_works_in_a_sandbox(browser: Browser, dataset: Path, tmp_path: Path) -> None:
    frame = tmp_path / "frame.html"
    uri = path_of(dataset, "facesVsShapes").as_uri()
    frame.write_text(
        f'<iframe sandbox="allow-scripts" width="1200" height="900" src="{uri}"></iframe>',
        encoding="utf-8",
    )
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(frame.as_uri())
    inside = page.frame_locator("iframe")
    inside.locator(READY).wait_for()
    inside.locator('[data-control="height-number"]').fill("4")
    inside.locator('[data-control="height-number"]').press("Enter")
    inside.get_by_text("(|z| > 4)").wait_for()
    page.wait_for_timeout(500)
    assert errors == []
    page.close()


def test_a_frame_that_is_shown_later_is_drawn_then(
    browser: Browser, dataset: Path, tmp_path: Path
) -> None:
    frame = tmp_path / "frame.html"
    uri = path_of(dataset, "facesVsShapes").as_uri()
    frame.write_text(
        f'<iframe style="display: none" width="1200" height="900" src="{uri}"></iframe>',
        encoding="utf-8",
    )
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(frame.as_uri())
    inside = page.frame_locator("iframe")
    inside.locator(READY).wait_for(state="attached")
    page.locator("iframe").evaluate("(frame) => { frame.style.display = 'block'; }")
    page.wait_for_timeout(500)
    painted = inside.locator('[data-part="landscape"]').evaluate(
        "(canvas) => canvas.width > 0 && canvas.getContext('2d')"
        ".getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0)"
    )
    assert painted
    assert errors == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_rule_of_accessibility_is_broken(open_page: Open, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe")
    page = open_page(
        "facesVsShapes", color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    page.locator(".ex-fixed summary").click()
    found = axe.Axe().run(page, context="#explore")
    assert [(one["id"], one["nodes"][0]["html"]) for one in found.response["violations"]] == []


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_sticks_out_at_the_side(open_page: Open, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 900})
    beyond = page.locator("#explore *").evaluate_all(
        """(elements) => elements
            .filter((one) => !one.closest(".scroll") && one.getBoundingClientRect().right > innerWidth)
            .map((one) => one.outerHTML.slice(0, 80))"""
    )
    assert beyond == []


def test_on_paper_there_are_no_controls(open_page: Open, tmp_path: Path) -> None:
    page = open_page(color_scheme="dark")
    page.emulate_media(media="print")
    assert not page.locator(".ex-controls").is_visible()
    assert not control(page, "csv").is_visible()
    assert page.locator('[data-plane="2"] canvas[tabindex]').is_visible()
    assert page.pdf(path=tmp_path / "page.pdf").startswith(b"%PDF")
