"""A real browser, and pages that fail the test when the browser complains.

``page`` collects what the browser says: errors on the console, uncaught
exceptions, violations of the content security policy. Any of it fails the test
and leaves a screenshot. A test that provokes one on purpose names it::

    @pytest.mark.console(r"status of 404")
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

HERE = Path(__file__).parent
#: How long a busy machine may take to come to what a test waits for.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)
COMPLAINTS = pytest.StashKey[list[str]]()

# Nothing here may call home: the tests run where there is no network but loopback.
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
    window.tellViolation(`${event.violatedDirective}: ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`);
});
"""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.needs("chromium"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    page = getattr(item, "funcargs", {}).get("page")
    try:
        outcome = yield
        if page is not None:
            page.wait_for_timeout(20)  # the last messages are still on their way
            refuse_complaints(item)
    except BaseException:
        if page is not None and not page.is_closed():
            keep(page, f"failed-{item.name}")
        raise
    return outcome


def refuse_complaints(item: pytest.Item) -> None:
    """Fail when the browser said something that no ``console`` marker of *item* expects."""
    expected = [pattern for marker in item.iter_markers("console") for pattern in marker.args]
    said = [text for text in item.stash[COMPLAINTS] if not any(re.search(pattern, text) for pattern in expected)]
    if said:
        pytest.fail("the browser complained:\n  " + "\n  ".join(said), pytrace=False)


def described(message: ConsoleMessage) -> str:
    where = message.location
    return f"{message.text} ({where['url']}:{where['lineNumber'] + 1})"


def folder_of_shots() -> Path:
    folder = HERE.parents[1] / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def keep(page: Page, name: str) -> Path:
    path = folder_of_shots() / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', name).strip('-')}.png"
    page.screenshot(path=path, full_page=True)
    return path


@pytest.fixture(scope="session")
def browser(component: Callable[[str], str]) -> Iterator[Browser]:
    """One Chromium for the whole run: the system's own, never a downloaded one."""
    arguments = [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=component("chromium"), args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def context_options() -> dict[str, Any]:
    """Options of the browser context of ``page``; override it in a module for a phone or the dark."""
    return {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", "timezone_id": "UTC"}


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest, context_options: dict[str, Any]) -> Iterator[Page]:
    """An empty page in a context of its own (no cookies); the browser's complaints fail the test."""
    complaints = request.node.stash.setdefault(COMPLAINTS, [])
    context = browser.new_context(**context_options)
    context.set_default_timeout(PATIENCE_MS)
    context.expose_function("tellViolation", lambda text: complaints.append(f"CSP {text}"))
    context.add_init_script(TELL_VIOLATIONS)
    context.on("console", lambda message: complaints.append(described(message)) if message.type == "error" else None)
    context.on("weberror", lambda error: complaints.append(f"uncaught {error.error}"))
    yield context.new_page()
    context.close()


@pytest.fixture
def shots() -> Path:
    """Folder of kept screenshots, build/screenshots: ``page.screenshot(path=shots / "overview.png")``."""
    return folder_of_shots()
