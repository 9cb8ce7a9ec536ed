"""One workflow and its logs in a real browser: readable by everybody, by keys, on a phone, whatever the logs say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visiting import serving, sign_in, violations
from tests.services.case_world import DARK, GEN, KEPT, MERGE, ORIGINAL, PREP, case_world
from tests.web.house import Installation, People
from wwt_framework.store import ledger

PAGES = {
    "full": f"/seeworkflow?workflow={ORIGINAL}",
    "kept": f"/seeworkflow?workflow={KEPT}",
    "not-known": f"/seeworkflow?workflow={DARK}",
    "unknown": f"/seeworkflow?workflow=pdmvserv_task_{PREP}__v1_T_190624_000000_1",
    "logs": f"/explainerror?errorcode=8028&workflowstep={quote(GEN)}",
    "hostile-logs": f"/explainerror?errorcode=99999&workflowstep={quote(MERGE)}",
    "no-logs": f"/explainerror?errorcode=71305&workflowstep={quote(GEN)}",
    "what-to-give": "/explainerror",
    "reset": f"/resetcache?workflow={ORIGINAL}",
    "mark": f"/markreset?prepid={PREP}",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Installation]]:
    """Address of an installation on a real server, and itself."""
    folder = tmp_path_factory.mktemp("workflow")
    app = Installation(folder, case_world(folder / "v1"), {"auth.people": People()})
    with serving(app) as address:
        yield address, app


@pytest.fixture
def address(house: tuple[str, Installation]) -> str:
    return house[0]


@pytest.mark.console(r"status of 40[04]")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_read_it(
    page: Page, address: str, shots: Path, name: str, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    sign_in(page, address, "olga")
    page.goto(address + PAGES[name])
    page.screenshot(path=shots / f"workflow-{name}-{scheme}.png", full_page=True)

    assert violations(page) == []


@pytest.mark.console(r"status of 40[04]")
@pytest.mark.parametrize("name", PAGES)
def test_it_fits_on_a_phone(page: Page, address: str, shots: Path, name: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page, address, "olga")
    page.goto(address + PAGES[name])
    page.screenshot(path=shots / f"workflow-{name}-phone.png", full_page=True)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(page) == []


def test_p12_j_and_e_lead_from_a_row_to_its_logs_and_u_back_up(page: Page, address: str) -> None:
    page.goto(address + PAGES["full"])
    page.keyboard.press("j")
    expect(page.locator("[data-row].current th a").first).to_have_text("8028")
    page.keyboard.press("e")
    page.wait_for_url("**/explainerror?**errorcode=8028*")
    page.keyboard.press("u")
    page.wait_for_url(f"**/seeworkflow?workflow={ORIGINAL}*")
    page.keyboard.press("u")

    page.wait_for_url("**/globalerror?*")


def test_p12_the_way_back_ends_at_the_table_of_the_task(page: Page, address: str) -> None:
    page.goto(address + PAGES["hostile-logs"])
    page.get_by_role("link", name="Return to workflow table").first.click()

    expect(page.locator(".wf-task:target h3")).to_have_text(MERGE.split("/", 2)[2])
    expect(page.locator(".wf-task:target")).to_be_in_viewport()


def test_d9_hostile_logs_run_nothing_and_are_all_there(page: Page, address: str) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.goto(address + PAGES["hostile-logs"])

    expect(page.locator("pre")).to_contain_text("<script>alert(1)</script> <img src=x onerror=alert(2)>")
    assert dialogs == []


def test_p19_the_button_has_the_workflow_fetched_anew(page: Page, house: tuple[str, Installation]) -> None:
    address, app = house
    sign_in(page, address, "olga")
    page.goto(address + PAGES["full"])
    page.get_by_role("button", name="Reset").click()
    page.wait_for_url("**/jobs")

    assert dict(ledger.runs(app.store, 1, "refresh")[0].arguments) == {"workflows": [ORIGINAL]}


def test_a_cell_shows_which_column_it_is_in(page: Page, address: str) -> None:
    page.goto(address + PAGES["full"])
    page.get_by_role("link", name="610").focus()

    expect(page.locator("th.column-here")).to_contain_text("T2_US_Purdue")


def test_it_is_whole_without_a_script(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + PAGES["full"])

    expect(page.get_by_role("link", name="610")).to_be_visible()
    context.close()
