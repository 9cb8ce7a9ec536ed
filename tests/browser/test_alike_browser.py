"""Workflows that fail alike, sites and exit codes in a real browser: readable by everybody, and acted on together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import serving, sign_in, unreadable
from tests.services.desk_world import OTHER, WF, World, workflow
from tests.web.acting_house import KINDS, acting_app
from wwt_framework.model import ErrorCount
from wwt_framework.services.alike.fitting import JOB
from wwt_framework.services.history import Look, take_in

TWIN = "olga_task_TOP-RunIISummer20UL17wmLHEGEN-00399__v1_T_261101_090000_4"
PAGES = {
    "clusters": "/clusters",
    "alone": "/clusters?alone=1",
    "group": f"/clusters?of={WF}",
    "similar": f"/seeworkflow?workflow={WF}",
    "sites": "/sites",
    "site": "/sites?site=T2_US_Purdue",
    "codes": "/codes",
    "code": "/codes?code=8028",
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An installation whose clusterer has learnt that two workflows fail alike, and a third like no other."""
    folder = tmp_path_factory.mktemp("alike")
    world = World()
    world.workflows.append(workflow(TWIN, "Twin_0"))
    world.counts.append(ErrorCount(f"/{TWIN}/Twin_0", 8028, "T2_US_Purdue", 70))
    clusterers = {"clustering.patterns": {"smallest": 2}, "clustering.nearest": {}}
    app = acting_app(folder, world, {**{kind: {} for kind in KINDS}, **clusterers})
    assert app.clockwork.run_now(JOB, "olga").state == "done"
    look = Look.of_snapshot(app.board.snapshot)
    take_in(app.history, replace(look, taken_at=look.taken_at - 86_400, at=look.at - 86_400))
    take_in(app.history, look)
    with serving(app) as address:
        yield address
        app.clockwork.stop()


@pytest.mark.parametrize("name", PAGES)
def test_p18_pages_of_what_fails_alike_are_readable_by_everybody(page: Page, address: str, name: str) -> None:
    sign_in(page, address)
    page.goto(address + PAGES[name])
    expect(page.get_by_role("heading", level=1)).to_be_visible()

    assert unreadable(page, f"alike-{name}-phone") == []


def test_f6_similar_workflows_that_are_ticked_go_into_the_form(page: Page, address: str) -> None:
    sign_in(page, address)
    page.goto(address + PAGES["similar"])
    page.keyboard.press("s")
    expect(page.locator("#similar")).to_be_focused()
    page.locator(f"#similar input[value='{TWIN}']").check()
    page.get_by_role("button", name="Act on this one and the ticked").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Act on 2 workflows")
    expect(page.get_by_role("main")).to_contain_text(TWIN)
    expect(page.get_by_role("main")).to_contain_text("like it, distance")


def test_p18_what_was_split_off_is_apart_until_it_is_taken_back(page: Page, address: str) -> None:
    sign_in(page, address)
    page.goto(address + PAGES["group"])
    page.locator(f"input[value='{TWIN}']").check()
    page.get_by_role("button", name="Split the ticked off").click()
    expect(page.get_by_role("link", name="as olga put it")).to_be_visible()
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("taken back by olga")).to_be_visible()

    expect(page.get_by_role("link", name="as olga put it")).to_have_count(0)


def test_p18_number_of_those_alone_leads_to_them(page: Page, address: str) -> None:
    page.goto(address + "/")
    page.keyboard.press("g")
    page.keyboard.press("k")
    page.get_by_role("link", name="1 workflow is like no other").click()

    expect(page.locator(".cl-members tbody tr")).to_have_count(1)
    expect(page.locator(".cl-members tbody tr")).to_contain_text(OTHER[-20:])


@pytest.mark.parametrize(("key", "title", "name"), [("s", "Sites", "T2_US_Purdue"), ("c", "Exit codes", "8028")])
def test_sites_and_codes_are_a_key_away_and_lead_to_their_pages(
    page: Page, address: str, key: str, title: str, name: str
) -> None:
    page.goto(address + "/")
    page.keyboard.press("g")
    page.keyboard.press(key)
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    page.get_by_role("main").get_by_role("link", name=name, exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    expect(page.get_by_role("heading", name="Trend")).to_be_visible()
