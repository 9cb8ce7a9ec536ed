"""docs/images, from a running demo and Chromium: the overview in light and dark, a workflow's page.

    python docs/tools/screenshots.py [ADDRESS]

Without ADDRESS it starts a demo of its own and ends it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
SIZE = {"width": 1280, "height": 800}
LARGEST = 250_000  # bytes
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@contextmanager
def demo() -> Iterator[str]:
    """The address of a demo."""
    wwt = Path(sys.executable).with_name("wwt")
    with subprocess.Popen([wwt, "demo", "--port", "0"], stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # our own
        assert process.stdout
        try:
            for line in process.stdout:
                if found := re.search(r"Open (\S+)/globalerror", line):
                    yield found[1]
                    return
            raise SystemExit("the demo ended before it served anything")
        finally:
            process.terminate()


def take(address: str) -> None:
    """Make all images."""
    IMAGES.mkdir(exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGS)
        high_up, far_down = (interesting(browser.new_page(), address, lines) for lines in (4, 40))
        unfolded = f"open={high_up[0]}&open={high_up[1]}"
        for scheme, suffix in (("light", ""), ("dark", "-dark")):
            page = browser.new_context(viewport=SIZE, color_scheme=scheme).new_page()
            shoot(page, f"{address}/globalerror?{unfolded}", f"overview{suffix}.png")
            shoot(page, f"{address}/seeworkflow?workflow={far_down[1]}", f"workflow{suffix}.png")
        browser.close()


def interesting(page: Page, address: str, among: int) -> tuple[str, str]:
    """The prep id with most workflows *among* the first of the overview, and its workflow with most failed jobs."""
    lines = page.request.get(f"{address}/globalerror?format=json&view=list&limit={among}").json()
    family: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        family.setdefault(line["prepid"], []).append(line)
    prep = max(family, key=lambda name: len(family[name]))
    return prep, max(family[prep], key=lambda line: line["errors"])["workflow"]


def shoot(page: Page, address: str, name: str) -> None:
    """Keep what is on the screen at *address*."""
    response = page.goto(address)
    if response is None or not response.ok:
        raise SystemExit(f"{address} answers with {response.status if response else 'nothing'}")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)  # what is drawn into canvases fires no event
    path = IMAGES / name
    page.screenshot(path=str(path))
    if path.stat().st_size > LARGEST:
        raise SystemExit(f"{path} has {path.stat().st_size:,} bytes; at most {LARGEST:,} are wanted")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        take(sys.argv[1].rstrip("/"))
    else:
        with demo() as served:
            take(served)
