"""An installation on a real server, and what every visit of its pages does."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from cheroot.wsgi import Server
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PATIENCE_MS, keep
from wwt_framework.web import wsgi


@contextmanager
def answering(application: Any) -> Iterator[str]:
    """The address at which a WSGI *application* answers until the block ends, on a port of its own."""
    server = Server(("127.0.0.1", 0), application, numthreads=4)
    server.prepare()
    thread = Thread(target=server.serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.bind_addr[1]}"
    finally:
        server.stop()
        thread.join()


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The address at which *app* answers until the block ends; its store is closed then."""
    try:
        with answering(wsgi.build(app)) as address:
            yield address
    finally:
        app.store.close()


def sign_in(page: Page, address: str, name: str = "olga", password: str = "") -> None:
    """Sign in as *name*; without a *password* as one of `tests.web.house.People`, whose password is the name backwards."""
    page.goto(address + "/login")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password or name[::-1])
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.locator(".user-menu summary")).to_have_text(re.compile(rf"^\s*{name}\s*$", re.IGNORECASE))


def violations(page: Page) -> list[str]:
    """What axe finds wrong with *page* for who can not see it."""
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {node['html'][:200]}" for v in found for node in v["nodes"]]


def unreadable(page: Page, shot: str, width: int = 390) -> list[str]:
    """What axe finds in light and in the dark, and that *page* is wider than a phone; *shot* names its picture."""
    found = violations(page)
    page.emulate_media(color_scheme="dark")
    found += violations(page)
    page.set_viewport_size({"width": width, "height": 844})
    keep(page, shot)
    wide = page.evaluate("document.documentElement.scrollWidth")
    return found if wide <= width else [*found, f"{wide} pixels wide"]


def ask_while(page: Page, address: str, waiting: Locator) -> None:
    """Go to *address* again and again while it shows *waiting*: something is still being worked out. Fails after a while."""
    ends = time.monotonic() + PATIENCE_MS / 1000
    page.goto(address)
    while waiting.count():
        assert time.monotonic() < ends, f"{address} still says: {waiting.first.inner_text()}"
        page.goto(address)
