"""The frame in a real browser: keys, theme, phone, accessibility, and no complaint from the browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import serving, sign_in, violations
from tests.web.house import Installation, People, make_snapshot
from wwt_framework.config import PluginConfig
from wwt_framework.hooks.loader import Loaded
from wwt_framework.hooks.option_rows import OptionRow
from wwt_framework.model import ErrorCount, ExitCode, Rejected, SourceReport, Workflow
from wwt_framework.store import ledger

PAGES = {
    "home": "/",
    "login": "/login",
    "plugins": "/plugins",
    "jobs": "/jobs",
    "freshness": "/freshness",
    "keys": "/help/keys",
    "jump": "/jump?q=00",
    "not-found": "/seewerkflow",
}
NAME = "pdmvserv_task_HIG-RunIIFall18wmLHEGS-00388__v1_T_181126_083424_8286"


def _sources(now: datetime) -> list[SourceReport]:
    rejected = (Rejected(f"/{NAME}/Task > 8028 > T1_US_FNAL", "expected a whole number, got 'many'", NAME),)
    return [
        SourceReport("errors.json_file", "errors", "partial", now, now, 0.41, "1 of 2,000 cells", rejected, 1),
        SourceReport("errors.json_file", "workflows", "ok", now, now, 0.02),
        SourceReport(
            "errors.prod_status",
            "site statuses",
            "kept",
            now,
            now - timedelta(minutes=31),
            10.0,
            "HTTP 502 Bad Gateway",
        ),
    ]


def _loaded() -> tuple[Loaded, ...]:
    row = OptionRow("path", "text", "", "/srv/errors.json", True, "file or URL of all_errors.json")
    good = PluginConfig("errors", "json_file", "json_file", where="plugins.yml:9")
    gone = PluginConfig("errors", "prod_statsu", "prod_statsu", where="plugins.yml:12")
    return (
        Loaded(
            good,
            "ready",
            "",
            "wwt_plugins.errors.json_file:JsonFile",
            "wwt-framework",
            "0.1.0",
            "",
            "Failed jobs from a file.",
            ("list_workflows", "load_errors"),
            (row,),
        ),
        Loaded(gone, "missing", "no plugin of this name is installed; did you mean 'prod_status'?"),
    )


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an installation in the middle of its work, on a real server."""
    now = datetime.now(timezone.utc)
    folder = tmp_path_factory.mktemp("frame")
    world = make_snapshot(
        folder / "v1",
        [ErrorCount(f"/{NAME}/Task", 8028, "T1_US_FNAL", 1204), ErrorCount("/sus_00112/Task", 85, "T2_CH_CERN", 3)],
        taken_at=now - timedelta(minutes=4),
        workflows=[Workflow(NAME, "HIG-RunIIFall18wmLHEGS-00388"), Workflow("sus_00112", "SUS-00112")],
        exit_codes=[ExitCode(8028, "file could not be opened", "The file could not be opened.")],
        errors_state={"sus_00112": 2},
        sources=_sources(now - timedelta(minutes=4)),
    )
    app = Installation(folder, world, {"auth.people": People()}, webmaster={"name": "Wanda", "email": "w@example.org"})
    app.house.loaded = _loaded()
    for state, text in [("done", "1,338 workflows, 2 sources"), ("failed", "errors.prod_status: HTTP 502 Bad Gateway")]:
        run = ledger.request_run(app.store, "refresh", {}, "olga")
        ledger.start_run(app.store, run)
        ledger.end_run(app.store, run, state, text)
    run = ledger.request_run(app.store, "refresh", {"prep_ids": ["SUS-00112"]})
    ledger.start_run(app.store, run)
    ledger.progress_run(app.store, run, 0.4, "asking errors.json_file")
    with serving(app) as address:
        yield address


@pytest.mark.console(r"status of 404")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_read_it(page: Page, address: str, shots: Path, name: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    if name in ("plugins", "jobs"):
        sign_in(page, address, "adam")
    page.goto(address + PAGES[name])
    page.screenshot(path=shots / f"frame-{name}-{scheme}.png", full_page=True)

    assert violations(page) == []


@pytest.mark.console(r"status of 404")
@pytest.mark.parametrize("name", PAGES)
def test_it_fits_on_a_phone(page: Page, address: str, shots: Path, name: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page, address, "olga")
    page.goto(address + PAGES[name])
    page.screenshot(path=shots / f"frame-{name}-phone.png", full_page=True)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(page) == []


def test_the_slash_leads_to_the_jump_box_and_enter_to_the_place(page: Page, address: str) -> None:
    page.goto(address)
    page.keyboard.press("/")
    expect(page.locator("#jump-box")).to_be_focused()
    page.keyboard.type("8028")
    page.keyboard.press("Enter")

    page.wait_for_url("**/globalerror?code=8028*")


def test_the_question_mark_lists_the_keys_and_escape_closes_them(page: Page, address: str, shots: Path) -> None:
    page.goto(address)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.screenshot(path=shots / "frame-dialog.png")
    assert violations(page) == []
    page.keyboard.press("Escape")

    expect(page.locator("#keys")).to_be_hidden()


def test_rows_can_be_walked_and_opened_by_keys(page: Page, address: str) -> None:
    page.goto(address + "/plugins")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("[data-row].current th")).to_have_text("errors.prod_statsu")
    page.keyboard.press("k")
    page.keyboard.press("Enter")

    page.wait_for_url("**/plugins#about-1")


def test_g_and_a_letter_go_to_a_page(page: Page, address: str) -> None:
    page.goto(address)
    page.keyboard.press("g")
    page.keyboard.press("p")

    page.wait_for_url("**/plugins")


def test_keys_are_letters_while_one_types(page: Page, address: str) -> None:
    page.goto(address + "/login")
    page.get_by_label("User name").fill("")
    page.get_by_label("User name").press_sequentially("g?j/p")

    expect(page.get_by_label("User name")).to_have_value("g?j/p")
    expect(page.locator("#keys")).to_be_hidden()


def test_the_theme_switch_is_remembered_and_there_before_the_first_paint(page: Page, address: str) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(address)
    page.get_by_role("button", name="Theme: System").click()
    page.get_by_role("button", name="Theme: Light").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.add_init_script(
        "document.addEventListener('DOMContentLoaded', () => { window.themeAtStart = document.documentElement.dataset.theme })"
    )
    page.goto(address + "/jobs")

    assert page.evaluate("window.themeAtStart") == "dark"


def test_the_first_tab_offers_to_skip_to_the_content(page: Page, address: str) -> None:
    page.goto(address)
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("#main")).to_be_focused()


def test_times_say_the_visitors_own_time_on_hover(page: Page, address: str) -> None:
    page.goto(address + "/freshness")

    assert page.locator("main time").first.get_attribute("title")


def test_a_running_job_is_drawn_again_by_itself(page: Page, address: str) -> None:
    page.goto(address + "/jobs")
    page.evaluate("document.querySelector('main').firstElementChild.textContent = 'old'")

    expect(page.locator("main h1")).to_have_text("Jobs")


def test_one_signs_in_and_out(page: Page, address: str) -> None:
    sign_in(page, address, "olga")
    page.locator(".user-menu summary").click()
    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def test_pages_work_without_scripts(browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, color_scheme="dark")
    page = context.new_page()
    page.goto(address + "/jump?q=sus")

    expect(page.locator("main tbody tr")).to_have_count(2)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 21, 27)"
    context.close()
