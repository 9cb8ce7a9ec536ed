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
        for scheme, suffix in (("light", ""), ("dark", "-dark")):
            page = browser.new_context(viewport=SIZE, color_scheme=scheme).new_page()
            page.goto(f"{address}/globalerror")
            overview(page, address)
            shoot(page, f"overview{suffix}.png")
            page.goto(busiest(page, address))
            page.wait_for_load_state("networkidle")
            shoot(page, f"workflow{suffix}.png")
        browser.close()


def overview(page: Page, address: str) -> None:
    """The matrix with the first rows unfolded, by the address alone."""
    prep, workflow = names(page, address)
    page.goto(f"{address}/globalerror?open={prep}&open={workflow}")
    page.wait_for_selector("[data-rows] tr")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)


def names(page: Page, address: str) -> tuple[str, str]:
    """The prep id with most failed jobs and its workflow with most."""
    prep = page.request.get(f"{address}/globalerror?format=json&view=list&limit=1").json()
    worst = max(prep, key=lambda line: line["errors"])
    return worst["prepid"], worst["workflow"]


def busiest(page: Page, address: str) -> str:
    """The page of that workflow."""
    return f"{address}/seeworkflow?workflow={names(page, address)[1]}"


def shoot(page: Page, name: str) -> None:
    """Keep what is on the screen."""
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
