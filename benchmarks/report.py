"""
How large a report is, how long it takes to make, and how fast its explorer answers.

A group is simulated and analysed on a grid of 2 mm (about 235,000 voxels) and, if asked for, of 1 mm
(1.9 million). Then the parts of the report are made one after another, and its page is opened in
Chromium without a graphics card: the time from opening until the explorer can be used, the work for
one step of the threshold's slider (query, slices, table, card, charts) and for one move of the
cross-hair with a sphere of 20 mm.

    python -m benchmarks.report [--voxel-size 2 1] [--repeats 5] [--keep DIR]
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from bids_ari import report
from bids_ari.report.backdrop import backdrop
from bids_ari.report.explorer import explore
from bids_ari.report.explorer.gathering import gather
from bids_ari.report.explorer.packing import pack
from bids_ari.report.explorer.sprite import brain_sprite
from bids_ari.report.figure_files import write_figures
from bids_ari.report.pictures import draw

Result = TypeVar("Result")

FLAGS = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
WHEN_READY = """
new MutationObserver((_, observer) => {
    if (!document.querySelector("#explore[data-ready]")) return;
    window.readyAfter = performance.now();
    observer.disconnect();
}).observe(document, { subtree: true, childList: true, attributes: true });
"""
STEPS = """async ([selector, values]) => {
    const input = document.querySelector(selector);
    const frame = () => new Promise(requestAnimationFrame);
    const work = [];
    for (const value of values) {
        await frame();
        let before = 0;
        const drawn = new Promise((done) => {
            requestAnimationFrame(() => { before = performance.now(); });
            const asked = performance.now();
            input.value = value;
            input.dispatchEvent(new Event("input", { bubbles: true }));
            const answered = performance.now() - asked;
            requestAnimationFrame(() => done(answered + performance.now() - before));
        });
        work.push(await drawn);
    }
    return work;
}"""


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n", maxsplit=1)[0])
    parser.add_argument("--voxel-size", type=float, nargs="+", default=[2.0], metavar="MM")
    parser.add_argument("--repeats", type=int, default=5, metavar="N")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="use and keep the data in there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for voxel_size in options.voxel_size:
            root = _analyse((options.keep or Path(temporary)) / f"{voxel_size:g}mm", voxel_size)
            _measure_making(root)
            _measure_using(next(root.glob("*_contrast-*.html")), options.repeats)


def _analyse(folder: Path, voxel_size: float) -> Path:
    """Simulate and analyse a group, unless that was done before."""
    if not (folder / "out" / "index.html").exists():
        shutil.rmtree(folder, ignore_errors=True)
        first_level, out = str(folder / "in"), str(folder / "out")
        size = ["--voxel-size", f"{voxel_size:g}"]
        run = [sys.executable, "-m"]
        _quietly([*run, "bids_ari.simulate", first_level, "--subjects", "12", *size])
        cuts = [
            "--smoothing-fwhm",
            "6",
            "--cluster-threshold",
            "3.1",
            "4",
            "--tdp-threshold",
            "0.7",
        ]
        _quietly([*run, "bids_ari", first_level, out, "group", "-w", str(folder / "work"), *cuts])
    return folder / "out"


def _quietly(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _measure_making(root: Path) -> None:
    [result] = report.find(root)
    print(f"\n{result.n_features:,} voxels in the mask")
    explored = _timed("maps read, forest grown and bounded", lambda: gather(result))
    packed = _timed("forest packed", lambda: pack(explored))
    behind = _timed("template brain chosen", lambda: backdrop(result))
    if (brain := behind.brain) is not None:
        _timed("... as one picture (once for all pages)", lambda: brain_sprite(brain))
    _timed("explorer as a whole, again", lambda: explore(result, behind))
    _timed("static pictures", lambda: draw(result, behind))
    pictures = draw(result, behind)
    _timed("figures for papers", lambda: write_figures(result, pictures))
    page, _ = _timed("all pages written", lambda: report.write(root))
    text = page.read_text(encoding="utf-8")
    facts = re.search(r'id="ex-facts">(.*?)</script>', text, re.DOTALL)
    sprite = len(json.loads(facts.group(1))["sprite"]["uri"]) if facts else 0
    for name, size in (
        ("page", len(text.encode())),
        ("of it forest", len(packed.text)),
        ("of it brain", sprite),
    ):
        print(f"  {name:<42}{size / 1000:9,.0f} kB")


def _timed(name: str, act: Callable[[], Result]) -> Result:
    start = time.perf_counter()
    result = act()
    print(f"  {name:<42}{time.perf_counter() - start:9.2f} s")
    return result


def _measure_using(path: Path, repeats: int) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        ready, slider, cross = [], [], []
        for _ in range(repeats):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.add_init_script(WHEN_READY)
            page.goto(path.as_uri())
            page.wait_for_selector("#explore[data-ready]")
            ready.append(page.evaluate("window.readyAfter"))
            slider += _steps(page, "height", [1 + step / 20 for step in range(100)])
            page.check('[data-control="sphere"]')
            page.locator('[data-control="radius"]').fill("20")
            cross += _steps(page, None, list(range(20, 60)))
            page.close()
        browser.close()
    print(f"  {'usable after opening':<42}{statistics.median(ready) / 1000:9.2f} s")
    for name, times in (("step of the slider", slider), ("move of the cross-hair, sphere", cross)):
        p95 = statistics.quantiles(times, n=20)[-1]
        print(f"  {name:<42}{statistics.median(times):9.1f} ms, 95 % within {p95:.1f} ms")


def _steps(page: Any, control: str | None, values: list[float]) -> list[float]:
    selector = f'[data-control="{control}"]' if control else '[data-plane="2"] input'
    work: list[float] = page.evaluate(STEPS, [selector, values])
    return work


if __name__ == "__main__":
    main()
