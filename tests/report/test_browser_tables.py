"""Tables in a real browser: narrow, on paper, and for who does not see them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import nibabel as nb
import numpy as np
import pytest
from PIL import Image

from bids_ari import report
from tests.report.conftest import write_analysis
from tests.report.test_parts import two_hills

pytest.importorskip("playwright", reason="needs playwright")
from playwright.sync_api import Browser, Page, sync_playwright

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium"),
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
TABLE = "#clusters .scroll:has(.clusters)"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, brain: nb.Nifti1Image) -> str:
    root = tmp_path_factory.mktemp("tables")
    write_analysis(root, brain, space="T1w", z=two_hills(brain))
    return report.write(root)[0].as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    options = {"width": 390, "scheme": "light", "scripts": True} | getattr(request, "param", {})
    page = browser.new_page(
        viewport={"width": options["width"], "height": 900},
        color_scheme=options["scheme"],
        java_script_enabled=options["scripts"],
    )
    page.set_default_timeout(15_000)
    page.goto(address)
    yield page
    page.close()


def side_is_shaded(page: Page, path: Path, side: str) -> bool:
    """Tell whether the empty margin below the head of a table is darker at a side."""
    page.locator(TABLE).first.screenshot(path=path)
    grey = np.asarray(Image.open(path).convert("L")).astype(int)
    column = grey[:, -3 if side == "right" else 2]
    return bool(np.median(column) < np.max(grey) - 15)


@pytest.mark.parametrize("page", [{"scripts": False}], indirect=True)
def test_a_table_that_goes_on_has_a_shadow_at_that_side(page: Page, tmp_path: Path) -> None:
    assert side_is_shaded(page, tmp_path / "a.png", "right")


def test_the_shadow_is_gone_at_the_end(page: Page, tmp_path: Path) -> None:
    assert side_is_shaded(page, tmp_path / "a.png", "right")
    page.locator(TABLE).first.evaluate("(one) => { one.scrollLeft = one.scrollWidth; }")
    assert not side_is_shaded(page, tmp_path / "b.png", "right")


@pytest.mark.parametrize("page", [{"width": 1280}], indirect=True)
def test_a_table_that_fits_has_none(page: Page, tmp_path: Path) -> None:
    assert not side_is_shaded(page, tmp_path / "a.png", "right")
    assert not side_is_shaded(page, tmp_path / "a.png", "left")


def test_what_is_inside_of_a_cluster_is_read_without_moving_the_table(page: Page) -> None:
    page.click("tr.inside summary")
    box = page.locator("tr.inside details").first.bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= 20
    assert box["x"] + box["width"] <= 390
    page.locator(TABLE).first.evaluate("(one) => { one.scrollLeft = 200; }")
    moved = page.locator("tr.inside details").first.bounding_box()
    assert moved is not None
    assert moved["x"] == pytest.approx(box["x"], abs=1)


@pytest.mark.parametrize("page", [{"scripts": True}, {"scripts": False}], indirect=True)
def test_on_paper_it_is_unfolded(page: Page) -> None:
    row = page.locator("tr.inside table").last
    assert not row.is_visible()
    if page.evaluate("1") == 1:
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    height = page.locator("tr.inside").first.bounding_box()
    assert height is not None
    assert height["height"] > 60


@pytest.mark.parametrize(
    "page",
    [{"width": width, "scheme": scheme} for width in (390, 1280) for scheme in ("light", "dark")],
    indirect=True,
)
def test_no_rule_of_accessibility_is_broken_by_tables(page: Page) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe")
    page.evaluate(
        "document.querySelectorAll('#clusters details').forEach((d) => { d.open = true; })"
    )
    found = axe.Axe().run(page, context="#clusters")
    assert found.response["violations"] == []
