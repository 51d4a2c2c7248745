"""The 3-D view of a page: its library, and what it shows in a real browser."""

import base64
import gzip
import hashlib
import html
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_erosion

from bids_ari import report
from bids_ari.cli import main
from bids_ari.errors import ExitCode
from bids_ari.report import explorer
from tests.report.conftest import Writer, write_analysis

pytest.importorskip("playwright", reason="needs playwright")
from playwright.sync_api import Browser, Page, sync_playwright

from tests.report.explorer.test_browser import (
    FLAGS,
    PATIENCE,
    READY,
    choose,
    control,
    path_of,
    settle,
    two_that_join,
)

VENDORED = Path(str(files("bids_ari.report"))) / "static" / "vendor" / "niivue"
SOFTWARE = [*FLAGS, "--enable-unsafe-swiftshader"]  # without a GPU, WebGL is drawn by the CPU
OPENED = 60_000  # ms
CANVAS = "#ex-solid[data-ready] canvas"
SPY = """
globalThis.filters = new Set();
globalThis.violations = [];
document.addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
const gl = WebGL2RenderingContext.prototype;
const [overlay, filters3d] = [gl.TEXTURE2, [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]];
let [unit, filter, screen] = [null, null, true];
const before = (name, act) => {
    const own = gl[name];
    gl[name] = function (...values) { act(...values); return own.apply(this, values); };
};
before("activeTexture", (value) => { unit = value; });
before("bindFramebuffer", (_, value) => { screen = value === null; });
before("texParameteri", (target, name, value) => {
    if (unit === overlay && target === gl.TEXTURE_3D && filters3d.includes(name)) filter = value;
});
for (const name of ["drawArrays", "drawElements"]) before(name, () => { if (screen && filter) filters.add(filter); });
"""
"""Notes how the colours of clusters are filtered whenever something is drawn on the screen."""
NEAREST = 9728
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, brain: nb.Nifti1Image) -> Path:
    root = tmp_path_factory.mktemp("pages")
    write_analysis(root, brain, z=two_that_join(brain))
    write_analysis(root, brain, contrast="native", alternative="greater", space="T1w")
    report.write(root, view_3d=True)
    return root


@pytest.fixture(scope="module")
def launch() -> Iterator[Callable[..., Browser]]:
    with sync_playwright() as playwright:
        yield partial(playwright.chromium.launch, executable_path=shutil.which("chromium"))


@pytest.fixture(scope="module")
def browser(launch: Callable[..., Browser]) -> Iterator[Browser]:
    browser = launch(args=SOFTWARE)
    yield browser
    browser.close()


@contextmanager
def watched(browser: Browser, dataset: Path) -> Iterator[Open]:
    """Give a function that opens a page; what it fetches, or may not do, is an error in the end."""
    pages: list[Page] = []
    complaints, requests = [], []

    def go(contrast: str = "facesVsShapes", *, pressed: bool = True, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 760, "height": 560}} | options)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        pages.append(page)
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type == "error" else None,
        )
        page.add_init_script(SPY)
        page.goto(path_of(dataset, contrast).as_uri())
        page.wait_for_selector(READY)
        if pressed:
            button(page).click()
            page.wait_for_selector(CANVAS, timeout=OPENED)
        return page

    yield go
    violations = [page.evaluate("violations") for page in pages]
    for page in pages:
        page.context.close()
    assert complaints == []
    assert violations == [[]] * len(pages)
    own = path_of(dataset, "facesVsShapes").as_uri(), path_of(dataset, "native").as_uri()
    assert [url for url in requests if not url.startswith((*own, "data:"))] == []


@pytest.fixture
def open_page(browser: Browser, dataset: Path) -> Iterator[Open]:
    with watched(browser, dataset) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def one_page(browser: Browser, dataset: Path) -> Iterator[Page]:
    """Open a page once, as that takes longest where the CPU draws."""
    with watched(browser, dataset) as open_page:
        yield open_page()


@pytest.fixture
def page(one_page: Page) -> Page:
    """Return an open page as it was in the beginning, but for how the brain is turned."""
    choose(one_page, "height", 3.1)
    control(one_page, "colour").select_option("tdp")
    one_page.locator(CANVAS).scroll_into_view_if_needed()
    return one_page


def button(page: Page) -> Any:
    return page.get_by_role("button", name="3-D view")


def picture(page: Page) -> NDArray[np.int16]:
    """Take a picture of the view when it has come to rest, without the cube in its corner."""
    page.wait_for_timeout(500)
    settle(page)
    shot = Image.open(io.BytesIO(page.locator(CANVAS).screenshot())).convert("RGB")
    pixels = np.asarray(shot).astype(np.int16)
    pixels[-110:, :110] = 0
    return pixels


def red(pixels: NDArray[np.int16]) -> NDArray[np.bool_]:
    return pixels[..., 0] - np.maximum(pixels[..., 1], pixels[..., 2]) > 40


def blue(pixels: NDArray[np.int16]) -> NDArray[np.bool_]:
    return (pixels[..., 2] - pixels[..., 0] > 40) & (pixels[..., 2] > pixels[..., 1])


def test_the_library_is_the_one_that_was_published() -> None:
    origin = json.loads((VENDORED / "ORIGIN.json").read_text(encoding="utf-8"))
    stored = (VENDORED / origin["file"]).read_bytes()
    assert hashlib.sha256(stored).hexdigest() == origin["sha256"]
    assert origin["version"] == "0.69.0"
    assert b'"0.69.0"' in stored
    license_text = (VENDORED / "LICENSE").read_text(encoding="utf-8")
    assert "BSD 2-Clause License\n\nCopyright (c) 2021, Niivue" in license_text
    library = explorer.niivue()
    assert gzip.decompress(base64.b64decode(library.text)) == stored
    assert base64.b64decode(library.sha256).hex() == origin["sha256"]


def written_again(output_dir: Path, *options: str) -> list[str]:
    arguments = [str(output_dir / "gone"), str(output_dir), "group", "--reports-only", *options]
    assert main(arguments) == ExitCode.OK
    pages = sorted(output_dir.glob("*.html"), key=lambda path: path.name == "index.html")
    return [path.read_text(encoding="utf-8") for path in pages]


def test_a_page_has_the_view_only_where_it_was_asked_for(
    tmp_path: Path, write_dataset: Writer
) -> None:
    write_dataset()
    [without, index] = written_again(tmp_path)
    [with_view, same_index] = written_again(tmp_path, "--report-3d")
    assert not re.search(r"niivue|3-D|ex-solid|ex-library|createSolid", without, re.IGNORECASE)
    assert index == same_index
    library = explorer.niivue()
    policy = html.unescape(re.findall(r'Security-Policy" content="([^"]*)"', with_view)[0])
    script_sources = policy.split("script-src ")[1].split(";")[0].split()
    assert f"'sha256-{library.sha256}'" in script_sources
    assert all(one.startswith("'sha256-") for one in script_sources)
    assert len(script_sources) == 3
    assert with_view.count(library.text) == 1
    assert "Copyright (c) 2021, Niivue" in with_view
    assert len(with_view) - len(without) < len(library.text) + 30_000


@pytest.mark.browser
@pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium")
class TestInABrowser:
    """Whether the view is asked for, what it shows, and that it follows and leads."""

    def test_nothing_is_run_before_the_button_is_pressed(self, open_page: Open) -> None:
        page = open_page(pressed=False)
        assert page.evaluate("typeof globalThis.niivue") == "undefined"
        assert not page.locator("#ex-solid").is_visible()
        assert button(page).get_attribute("aria-expanded") == "false"

    def test_clusters_are_there_in_the_colours_that_are_chosen(self, page: Page) -> None:
        assert button(page).get_attribute("aria-expanded") == "true"
        assert np.count_nonzero(picture(page).max(axis=-1) > 30) > 50_000  # the brain
        assert np.count_nonzero(red(picture(page))) == 0
        control(page, "colour").select_option("z")
        of_z = picture(page)
        assert np.count_nonzero(red(of_z)) > 500
        assert np.count_nonzero(blue(of_z)) > 500
        choose(page, "height", 5.5)
        assert 0 < np.count_nonzero(red(picture(page))) < np.count_nonzero(red(of_z))

    def test_no_cluster_is_shown_where_none_is_left(self, open_page: Open) -> None:
        page = open_page("native")
        control(page, "colour").select_option("z")
        assert np.count_nonzero(red(picture(page))) > 100
        highest = control(page, "height-number").get_attribute("max")
        choose(page, "height", float(highest or 0))
        assert np.count_nonzero(red(picture(page))) == 0

    def test_colours_are_never_interpolated(self, page: Page) -> None:
        page.locator(CANVAS).press("ArrowLeft")
        choose(page, "height", 4)
        picture(page)
        assert page.evaluate("[...filters]") == [NEAREST]

    def test_a_click_moves_the_cross_hair_to_the_cluster_that_is_seen(self, page: Page) -> None:
        control(page, "colour").select_option("z")
        page.locator(CANVAS).press("ArrowRight")
        for _ in range(3):  # from the right and above, where all of them are seen
            page.locator(CANVAS).press("ArrowDown")
        before = page.locator(CANVAS).get_attribute("aria-label")
        for seen, sign in ((blue, "z = \N{MINUS SIGN}"), (red, "z = ")):
            rows, columns = np.nonzero(binary_erosion(seen(picture(page)), iterations=4))
            middle = len(rows) // 2
            x, y = float(columns[middle]), float(rows[middle])
            page.locator(CANVAS).click(position={"x": x, "y": y})
            settle(page)
            said = control(page, "voxel").inner_text()
            assert re.search(rf"mm: {sign}\d", said)
            assert re.search(r"in cluster \d", said)
            page.wait_for_timeout(500)
            label = page.locator(CANVAS).get_attribute("aria-label") or ""
            assert label != before
            at = re.findall(r"At (\(.*?\))", said)[0]
            assert at in label
            before = label

    def test_the_cross_hair_follows_the_slices(self, page: Page) -> None:
        before = picture(page)
        assert np.array_equal(before, picture(page))
        page.locator('[data-plane="0"] canvas[tabindex]').press("Shift+PageDown")
        after = picture(page)
        assert np.count_nonzero(np.abs(after - before).max(axis=-1) > 40) > 100

    def test_a_drag_turns_it_and_selects_nothing(self, page: Page) -> None:
        page.locator(CANVAS).scroll_into_view_if_needed()
        before, said = picture(page), control(page, "voxel").inner_text()
        box = page.locator(CANVAS).bounding_box()
        assert box
        page.mouse.move(box["x"] + 400, box["y"] + 200)
        page.mouse.down()
        page.mouse.move(box["x"] + 500, box["y"] + 220, steps=3)
        page.mouse.up()
        after = picture(page)
        assert np.count_nonzero(np.abs(after - before).max(axis=-1) > 20) > 5000
        assert control(page, "voxel").inner_text() == said

    def test_it_is_closed_and_opened_again(self, open_page: Open) -> None:
        page = open_page()
        first = picture(page)
        button(page).click()
        assert page.locator("#ex-solid canvas").count() == 0
        assert not page.locator("#ex-solid").is_visible()
        choose(page, "height", 3.5)  # nobody listens any more
        choose(page, "height", 3.1)
        page.wait_for_timeout(300)
        button(page).press("Enter")
        page.wait_for_selector(CANVAS, timeout=OPENED)
        assert np.count_nonzero(np.abs(picture(page) - first).max(axis=-1) > 40) < 1000

    def test_without_webgl_the_button_says_why_it_is_disabled(
        self, launch: Callable[..., Browser], dataset: Path
    ) -> None:
        browser = launch(args=[*FLAGS, "--disable-3d-apis"])
        page = browser.new_page()
        page.goto(path_of(dataset, "facesVsShapes").as_uri())
        page.wait_for_selector(READY)
        assert button(page).is_disabled()
        reason = page.locator(f"#{button(page).get_attribute('aria-describedby')}")
        assert reason.is_visible()
        assert "needs WebGL 2" in reason.inner_text()
        browser.close()

    def test_a_failure_is_told_and_the_explorer_remains(
        self, browser: Browser, dataset: Path
    ) -> None:
        page = browser.new_page()
        page.goto(path_of(dataset, "facesVsShapes").as_uri())
        page.wait_for_selector(READY)
        page.evaluate("document.getElementById('ex-library').textContent = ''")
        button(page).click()
        page.get_by_text("It could not start").wait_for(timeout=PATIENCE)
        assert button(page).get_attribute("aria-expanded") == "false"
        assert not page.locator("#ex-solid").is_visible()
        choose(page, "height", 4)
        assert "|z| > 4" in page.locator(".ex-table caption").inner_text()
        page.close()

    @pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
    def test_no_rule_of_accessibility_is_broken(
        self, open_page: Open, width: int, scheme: str
    ) -> None:
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe")
        page = open_page(color_scheme=scheme, viewport={"width": width, "height": 900})
        for summary in page.locator(".ex-fixed summary").all():
            summary.click()
        found = axe.Axe().run(page, context="#explore")
        assert [(one["id"], one["nodes"][0]["html"]) for one in found.response["violations"]] == []
        beyond = page.locator("#explore *").evaluate_all(
            """(elements) => elements.filter((one) => !one.closest(".scroll")
                && one.getBoundingClientRect().right > innerWidth).length"""
        )
        assert beyond == 0
