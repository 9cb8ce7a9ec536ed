"""Logs in a real browser: whatever they say, nothing runs, nothing breaks the page; readable by everybody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import serving, violations
from tests.web.house import Installation, People
from wwt_framework import hookimpl
from wwt_framework.cube import ErrorColumns
from wwt_framework.model import ChainLink, ErrorCount, LogExcerpt, LogHit, LogHits, LogQuestion, Workflow
from wwt_framework.services.mining import miner
from wwt_framework.snapshot import SnapshotParts, open_snapshot, write
from wwt_framework.store.logs import Said, open_log_index
from wwt_framework.testing.running import running

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
XSS = "<script>alert(1)</script> <img src=x onerror=alert(2)> </pre></article><svg onload=alert(3)>"
BIDI = "\u202egnp.exe\u202c \u2066isolated\u2069 \u200bzero"
ANSI = "\x1b[31mred\x1b[0m \x07bell \x00nul \x9b5m"
HUGE = "x" * 1_000_000
TEXTS = (
    f"could not open the file /store/a.root {XSS}", f"could not open the file /store/b.root {XSS}", f"killed {BIDI}",
    f"Error: {ANSI}", f"failure {HUGE}", "Late (Exit code: 1)\n\nnothing\n\nFatal (Exit code: 85)\n\nFailed to read at T2_US_MIT",
)  # fmt: skip
PAGES = {
    "messages": "/explainerror?errorcode=85&workflowstep=/wf/t",
    "everywhere": "/explainerror?errorcode=85",
    "search": "/showlog?search=e",
    "hostile-search": f"/showlog?search={quote(XSS[:40])}&module={quote(XSS)}",
    "empty": "/showlog",
    "overview": "/globalerror?pievar=sitename",
}


class Outside:
    """A log store that means harm."""

    @hookimpl
    def search_logs(self, asked: LogQuestion) -> LogHits:
        return LogHits(tuple(LogHit(text, XSS, NOON, f"level:error\n{XSS}{ANSI}", BIDI) for text in TEXTS), 6, XSS)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("logs")
    mining = running("clustering.log_templates", {}, folder)
    chain = (ChainLink("Late", 1), ChainLink(XSS, 85))
    logs = [
        ("wf", LogExcerpt("/wf/t", 85, "T2_US_MIT", XSS, text, "", i, chain, NOON)) for i, text in enumerate(TEXTS, 1)
    ]
    (folder / "v1").mkdir()
    counts = ErrorColumns.of([ErrorCount("/wf/t", 85, "T2_US_MIT", 30)])
    write(folder / "v1", SnapshotParts("v1", NOON, [Workflow("wf")], counts, logs=logs), miner(mining.hooks))
    plugins = {"auth.people": People(), "errors.outside": Outside()}
    app = Installation(folder, open_snapshot(folder / "v1"), plugins, data_dir=str(folder / "data"))
    index = open_log_index(app.store, folder / "data")
    index.keep([Said(text, "wf", "/wf/t", 85, "T2_US_MIT", XSS, at=NOON) for text in TEXTS], NOON)
    with serving(app) as address:
        yield address
    mining.stop()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_d9_hostile_logs_run_nothing_and_every_page_is_readable(
    page: Page, address: str, name: str, scheme: str
) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two it takes
    page.goto(address + PAGES[name])
    for summary in page.locator("main summary").all():
        summary.click()

    assert dialogs == []
    assert violations(page) == []
    assert page.locator("main script, main img, main svg[onload]").count() == 0


@pytest.mark.parametrize("name", PAGES)
def test_d9_pages_of_logs_fit_a_phone(page: Page, address: str, name: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address + PAGES[name])

    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_p12_messages_are_opened_to_their_texts_and_back(page: Page, address: str) -> None:
    page.goto(address + PAGES["messages"])
    page.get_by_role("link", name="All 2 texts of this message").click()
    expect(page.locator("article")).to_have_count(2)
    page.get_by_role("link", name="All messages with this exit code").click()

    expect(page.locator(".lg-chip", has_text="2 files")).to_be_visible()


def test_p12_a_text_is_downloaded_as_it_is(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(address + PAGES["messages"])
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").first.click()
    waiting.value.save_as(tmp_path / "text")

    assert waiting.value.suggested_filename == "logs-85-wf.txt"
    assert (tmp_path / "text").read_text()[:9] in {text[:9] for text in TEXTS}


def test_o1_search_is_asked_for_and_words_are_marked(page: Page, address: str) -> None:
    page.goto(address + "/")
    page.get_by_role("main").get_by_role("link", name="Logs").click()
    page.get_by_label("Words, or parts of them").fill("/store/b.ro")
    page.get_by_role("button", name="Search").click()

    expect(page.locator("#lg-own ~ table mark").first).to_have_text("/store/b.ro")


def test_o7_header_of_a_column_tells_what_jobs_said_on_hover_and_focus(page: Page, address: str) -> None:
    page.goto(address + PAGES["overview"])
    card = page.locator("#samples-card")
    link = page.locator("th.column a").first
    link.focus()
    expect(card).to_contain_text("What jobs with this exit code said")
    expect(card.locator("li")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    link.hover()

    expect(card).to_be_visible()
    expect(link).to_have_attribute("aria-describedby", "samples-1")
