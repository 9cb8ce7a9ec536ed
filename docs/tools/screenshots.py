"""docs/images, from a running demo and Chromium: overview and a workflow's page in light and dark, how one acts.

    python docs/tools/screenshots.py [ADDRESS NAME PASSWORD]

Without ADDRESS it starts a demo of its own and ends it. NAME is an operator.
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
LOWER = {"width": 1280, "height": 680}  # pages of text take more bytes
LARGEST = 250_000  # bytes
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@contextmanager
def demo() -> Iterator[tuple[str, str, str]]:
    """The address of a demo, its operator's name and password."""
    wwt = Path(sys.executable).with_name("wwt")
    with subprocess.Popen([wwt, "demo", "--port", "0"], stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # our own
        assert process.stdout
        try:
            address = ""
            for line in process.stdout:
                if found := re.search(r"Open (\S+)/globalerror", line):
                    address = found[1]
                if found := re.search(r"operator +name (\S+) +password (\S+)", line):
                    yield address, found[1], found[2]
                    return
            raise SystemExit("the demo ended before it served anything")
        finally:
            process.terminate()


def take(address: str, name: str, password: str) -> None:
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
        page = browser.new_context(viewport=LOWER, color_scheme="light").new_page()
        sign_in(page, address, name, password)
        act(page, address, high_up[0])
        browser.close()


def interesting(page: Page, address: str, among: int) -> tuple[str, str]:
    """The prep id with most workflows *among* the first of the overview, and its workflow with most failed jobs."""
    lines = page.request.get(f"{address}/globalerror?format=json&view=list&limit={among}").json()
    family: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        family.setdefault(line["prepid"], []).append(line)
    prep = max(family, key=lambda name: len(family[name]))
    return prep, max(family[prep], key=lambda line: line["errors"])["workflow"]


def sign_in(page: Page, address: str, name: str, password: str) -> None:
    page.goto(f"{address}/login")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    with page.expect_navigation():
        page.get_by_role("main").get_by_role("button", name="Sign in").click()


def act(page: Page, address: str, prep: str) -> None:
    """The form with its preview for the workflows of a prep id, and the list of actions after they were queued."""
    page.goto(f"{address}/globalerror?rows=workflow&search={prep}")
    with page.expect_navigation():
        page.get_by_role("button", name=re.compile("Act on all")).click()
    page.locator("[data-kind][value=acdc]").check()
    page.locator("[data-live]:not([data-old]) [data-preview]").wait_for()
    keep(page, "acting.png")
    confirm = page.locator("[data-live-place] [name=confirm]")
    if confirm.count():
        confirm.check()
    with page.expect_navigation():
        page.locator("[data-live-place] [data-submit]").click()
    shoot(page, f"{address}/actions", "actions.png")


def shoot(page: Page, address: str, name: str) -> None:
    """Keep what is on the screen at *address*."""
    response = page.goto(address)
    if response is None or not response.ok:
        raise SystemExit(f"{address} answers with {response.status if response else 'nothing'}")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)  # what is drawn into canvases fires no event
    keep(page, name)


def keep(page: Page, name: str) -> None:
    path = IMAGES / name
    page.screenshot(path=str(path))
    if path.stat().st_size > LARGEST:
        raise SystemExit(f"{path} has {path.stat().st_size:,} bytes; at most {LARGEST:,} are wanted")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        take(sys.argv[1].rstrip("/"), sys.argv[2], sys.argv[3])
    elif len(sys.argv) == 1:
        with demo() as (served, operator, secret):
            take(served, operator, secret)
    else:
        raise SystemExit(__doc__)
