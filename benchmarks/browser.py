"""What Chromium makes of the overview: G13.

``python -m benchmarks.browser FOLDER [--hasty]`` prints one JSON object; nothing where playwright or Chromium is not installed.
Times are of the browser's own clock, from the navigation to the frame in which something is seen.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.server import once, serving

RUNS = 5
#: Steps of the wheel, and pixels of each: about two screens of rows.
STEPS, STEP_PX = 40, 60

#: Remembers when the first pies were drawn and painted, and every task of the main thread over 50 ms.
WATCH = """
window.seen = {drawn: 0, long: []};
const look = new MutationObserver(() => {
    if (!seen.drawn && document.querySelector("[data-matrix] canvas")) {
        look.disconnect();
        requestAnimationFrame(() => setTimeout(() => { seen.drawn = performance.now(); }));
    }
});
look.observe(document, {childList: true, subtree: true});
new PerformanceObserver((list) => seen.long.push(...list.getEntries().map((entry) => entry.duration)))
    .observe({type: "longtask", buffered: true});
"""

#: Resolves when the pies were drawn. Playwright's own waiting looks again by eval, which the pages' policy forbids.
DRAWN = """() => new Promise((done) => {
    const look = () => (seen.drawn ? done() : requestAnimationFrame(look));
    look();
})"""

#: Scrolls the box by hand of a script and resolves when the frame after that was made: it can be scrolled.
SCROLLABLE = """async () => {
    const box = document.querySelector("[data-box]");
    box.scrollTop = 300;
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const moved = box.scrollTop > 0;
    box.scrollTop = 0;
    return [performance.now(), moved];
}"""

#: Resolves with the milliseconds from the click on the first closed row to the frame that shows what is below it.
UNFOLD = """() => new Promise((done) => {
    const link = document.querySelector("[data-matrix] tr.l0 [data-fold][aria-expanded=false]");
    const row = link.closest("tr");
    const began = performance.now();
    const look = new MutationObserver(() => {
        if (row.nextElementSibling?.classList.contains("l1")) {
            look.disconnect();
            requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
        }
    });
    look.observe(row.parentElement, {childList: true});
    link.click();
})"""

#: Milliseconds between frames from now until ``frames.stop()``.
FRAMES = """() => {
    const times = [];
    let on = true;
    const next = (now) => { times.push(now); if (on) requestAnimationFrame(next); };
    requestAnimationFrame(next);
    seen.long.length = 0;
    window.frames_seen = () => { on = false; return times.slice(1).map((time, i) => time - times[i]); };
}"""


def chromium() -> str:
    """The program; "" where it, or what drives it, is not installed."""
    if importlib.util.find_spec("playwright") is None:
        return ""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), "")


def measure(folder: Path, runs: int) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    arguments = ["--disable-gpu", "--disable-background-networking", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with serving(folder, "--no-jobs") as server, sync_playwright() as playwright:
        once(server.address, "overview", "/globalerror")
        browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        found = [_run(browser, server.address) for _ in range(runs)]
        told = {"browser": browser.version}
        browser.close()
    middle = {name: statistics.median(run[name] for run in found) for name in found[0]}
    return {**told, **middle, "frame_worst_ms": max(run["frame_worst_ms"] for run in found)}


def _run(browser: Any, address: str) -> dict[str, float]:
    """One visitor who has never been here: nothing is in the browser's memory."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(f"{address}/globalerror")
    page.evaluate(DRAWN)
    scrollable, moved = page.evaluate(SCROLLABLE)
    assert moved, "the matrix does not scroll"
    first = page.evaluate("performance.getEntriesByType('navigation')[0].responseEnd")
    drawn = page.evaluate("seen.drawn")
    unfolded = page.evaluate(UNFOLD)
    page.locator("[data-box]").hover()
    page.evaluate(FRAMES)
    for _ in range(STEPS):
        page.mouse.wheel(0, STEP_PX)
        page.evaluate("new Promise((done) => requestAnimationFrame(done))")
    frames = page.evaluate("frames_seen()")
    long = page.evaluate("seen.long")
    assert page.locator("[data-box]").evaluate("box => box.scrollTop") > 0, "the wheel did not scroll the matrix"
    context.close()
    return {
        "html_ms": first,
        "drawn_ms": drawn,
        "scrollable_ms": max(drawn, scrollable),
        "unfold_ms": unfolded,
        "frames": len(frames),
        "frames_over_50": sum(frame > 50 for frame in frames),
        "frame_worst_ms": max(frames),
        "long_tasks": len(long),
    }


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), 1 if "--hasty" in sys.argv else RUNS) if chromium() else None))
