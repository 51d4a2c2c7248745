"""
Pictures of a report for the pages, taken with Chromium: `make pictures` has them of the demo.

    python docs/pictures.py demo/output
"""

import argparse
import io
import shutil
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).parent / "pictures"
WIDTH, MARGIN = 1120, 4
FLAGS = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
FIRST_TABLE = "#clusters h3 ~ .scroll >> nth=0"
PARTS = {
    "summary": ("h1", "#summary"),
    "maps": ("#maps", "#maps"),
    "explorer": ("#explore", ".ex-columns figure >> nth=0"),
    "card": (".ex-card", ".ex-card"),
    "clusters": ("#clusters h3 >> nth=0", f"{FIRST_TABLE} >> tbody tr >> nth=4"),
    "outliers": ("#outliers", "#outliers ~ figure"),
}
"""Name of the picture, and the elements that it begins and ends with."""


def main() -> None:
    """Open the report, and take a picture of each part."""
    parser = argparse.ArgumentParser(description=str(__doc__).strip().split("\n", maxsplit=1)[0])
    parser.add_argument("output", type=Path, help="output directory of one analysis")
    (report,) = parser.parse_args().output.glob("*_contrast-*.html")
    from playwright.sync_api import sync_playwright  # the pages are built without it

    HERE.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme="light")
        page.goto(report.absolute().as_uri())
        page.wait_for_selector("#explore[data-ready]")
        for name, (first, last) in PARTS.items():
            png = page.screenshot(full_page=True, clip=_around(page, first, last))
            picture = Image.open(io.BytesIO(png)).convert("RGB")
            picture.save(HERE / f"{name}.webp", quality=75, method=6)
        browser.close()


def _around(page: Any, first: str, last: str) -> dict[str, float]:
    """Clip from the top of an element to the bottom of another, as wide as the first."""
    begin, end = page.locator(first).bounding_box(), page.locator(last).bounding_box()
    top = begin["y"] - MARGIN
    return {
        "x": begin["x"] - MARGIN,
        "y": top,
        "width": begin["width"] + 2 * MARGIN,
        "height": end["y"] + end["height"] + MARGIN - top,
    }


if __name__ == "__main__":
    main()
