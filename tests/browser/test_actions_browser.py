"""Acting in a real browser: the form with and without a script, many at once, somebody faster, taking back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visiting import serving, sign_in, violations
from tests.services.desk_world import GEN, MERGE, OTHER, WF
from tests.web.acting_house import acting_app
from tests.web.house import Installation
from wwt_framework.model import ActionState, Reason
from wwt_framework.store import ledger

FORM = f"/submitaction?workflow={WF}&kind=acdc"
HOUSE = tuple[str, Installation]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[HOUSE]:
    """Address of an installation on a real server, and itself; nothing was done there yet."""
    app = acting_app(tmp_path)
    ledger.add_reasons(app.store, [Reason("drain", "The site is in drain.")], "ivan")
    with serving(app) as address:
        yield address, app
        app.clockwork.stop()


def live(page: Page) -> None:
    """Wait until the preview beside the form is of what stands in the form."""
    expect(page.locator("[data-live-place] [data-submit]")).to_be_enabled()
    expect(page.locator("[data-live]:not([data-old])")).to_be_visible()


def queue_beside(page: Page) -> None:
    live(page)
    if page.locator("[data-live-place] [name=confirm]").count():
        page.locator("[data-live-place] [name=confirm]").check()
    page.locator("[data-live-place] [data-submit]").click()
    page.wait_for_url("**/actions?draft=*")


# -- to look at --

PAGES = {
    "which": "/submitaction",
    "kinds": f"/submitaction?workflow={WF}",
    "form": f"{FORM}&task.{GEN}.splitting=3x",
    "special": f"/submitaction?workflow={WF}&kind=special",
    "many": f"{FORM}&workflows={OTHER}",
    "actions": "/actions",
    "action": "/actions/ID",
    "reasons": "/reasons?edit=drain",
    "selection": "/globalerror?rows=workflow",
}


@pytest.fixture
def with_action(house: HOUSE, page: Page) -> str:
    """Address of the page of an action that was queued through the form."""
    address, app = house
    sign_in(page, address)
    page.goto(address + FORM)
    queue_beside(page)
    return ledger.actions_on(app.store, WF)[0].id


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_them(
    page: Page, house: HOUSE, with_action: str, shots: Path, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    found = {}
    for name, path in PAGES.items():
        page.goto(house[0] + path.replace("ID", with_action))
        if name in ("form", "many"):
            live(page)
        page.screenshot(path=shots / f"actions-{name}-{scheme}.png", full_page=True)
        found[name] = violations(page)

    assert found == {name: [] for name in PAGES}


def test_they_fit_on_a_phone(page: Page, house: HOUSE, with_action: str, shots: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    widths, found = {}, {}
    for name, path in PAGES.items():
        page.goto(house[0] + path.replace("ID", with_action))
        if name in ("form", "many"):
            live(page)
        page.screenshot(path=shots / f"actions-{name}-phone.png", full_page=True)
        widths[name] = page.evaluate("document.documentElement.scrollWidth")
        found[name] = violations(page)

    assert {name: width for name, width in widths.items() if width > 390} == {}
    assert found == {name: [] for name in PAGES}


# -- the form --


def test_a_on_the_page_of_a_workflow_leads_to_the_form(page: Page, house: HOUSE) -> None:
    sign_in(page, house[0])
    page.goto(f"{house[0]}/seeworkflow?workflow={WF}")
    page.keyboard.press("a")
    page.wait_for_url("**/submitaction?**")

    expect(page.get_by_role("heading", level=1)).to_contain_text("Act on")


def test_the_preview_follows_what_is_filled_in_and_is_what_is_queued(page: Page, house: HOUSE) -> None:
    address, app = house
    sign_in(page, address)
    page.goto(f"{address}/submitaction?workflow={WF}")
    page.locator("[data-kind][value=acdc]").check()
    live(page)
    page.locator("[name='value.memory']").fill("5000")
    expect(page.locator("[data-live-place] .ac-value").first).to_have_text("Memory 5000 MB")
    queue_beside(page)

    (action,) = ledger.actions_on(app.store, WF)
    assert {task: values["memory"] for task, values in action.task_values.items()} == {GEN: 5000, MERGE: 5000}


def test_nothing_can_be_queued_while_the_preview_is_not_of_what_stands_there(page: Page, house: HOUSE) -> None:
    sign_in(page, house[0])
    page.goto(house[0] + FORM)
    live(page)
    page.route("**/submitaction", lambda route: None)  # the preview never comes
    page.locator("[name='value.memory']").fill("5000")

    expect(page.locator("[data-live-place] [data-submit]")).to_be_disabled()


def test_another_kind_brings_its_fields_and_keeps_the_rest(page: Page, house: HOUSE) -> None:
    sign_in(page, house[0])
    page.goto(house[0] + FORM)
    page.locator("[name=longreason1]").fill("because")
    page.locator("[data-kind][value=special]").check()

    expect(page.get_by_text("force-complete")).to_be_visible()
    expect(page.locator("[name=longreason1]")).to_have_value("because")
    expect(page.locator("[data-kind][value=special]")).to_be_focused()


def test_f2_a_double_click_clears_a_choice(page: Page, house: HOUSE) -> None:
    sign_in(page, house[0])
    page.goto(f"{house[0]}{FORM}&value.splitting=3x")
    choice = page.locator("[name='value.splitting'][value='3x']")
    expect(choice).to_be_checked()
    page.locator(".segments label", has=choice).dblclick()

    expect(choice).not_to_be_checked()
    expect(page.locator("[name='value.splitting'][value='']")).to_be_checked()


def test_f5_a_taken_short_name_is_told_at_once(page: Page, house: HOUSE) -> None:
    sign_in(page, house[0])
    page.goto(house[0] + FORM)
    page.locator("[data-short]").fill(" DRAIN")
    expect(page.locator("[data-taken]")).to_have_text(
        "This short name is in the book already; its text is used: The site is in drain."
    )
    page.locator("[data-short]").fill("other")

    expect(page.locator("[data-taken]")).to_be_hidden()


def test_f5_reasons_are_added_and_removed(page: Page, house: HOUSE) -> None:
    address, app = house
    sign_in(page, address)
    page.goto(address + FORM)
    page.locator("[name=longreason1]").fill("one")
    page.get_by_role("button", name="Another reason").click()
    page.locator("[data-new-reason] [data-long]").nth(1).fill("two")
    page.get_by_role("button", name="Remove").first.click()
    expect(page.locator("[data-new-reason]")).to_have_count(1)
    expect(page.locator("[data-live-place] .ac-reason")).to_have_text("two")
    queue_beside(page)

    assert ledger.actions_on(app.store, WF)[0].reasons == (Reason("", "two"),)


def test_f7_a_resubmission_needs_a_yes(page: Page, house: HOUSE, with_action: str) -> None:
    page.goto(house[0] + FORM)
    live(page)
    expect(page.locator(".ac-confirm")).to_contain_text("olga asked for acdc")
    page.locator("[data-live-place] [data-submit]").click()

    expect(page.locator("[data-live-place] [name=confirm]:invalid")).to_have_count(1)  # the browser asks for it


def test_the_form_works_without_a_script(browser: Browser, house: HOUSE) -> None:
    address, app = house
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, address)
    page.goto(f"{address}/seeworkflow?workflow={WF}")
    page.get_by_role("link", name="Act on this workflow").click()
    page.get_by_label("ACDC Run again").check()
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Memory", exact=True).first.fill("5000")
    page.get_by_label(f"only {GEN}", exact=True).check()
    page.locator("[name=longreason2]").fill("because")
    page.get_by_role("button", name="Preview").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What would happen")
    page.get_by_role("button", name="Queue ACDC for 1 workflow (1 task)").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("ACDC queued for 1 workflow")
    (action,) = ledger.actions_on(app.store, WF)
    assert action.task_values == {GEN: {"memory": 5000, "sites": ["T1_US_FNAL", "T2_CH_CERN"]}}
    assert action.reasons == (Reason("", "because"),)
    context.close()


# -- many at once --


def test_d4_rows_are_ticked_by_keys_and_acted_on_together(page: Page, house: HOUSE) -> None:
    address, app = house
    sign_in(page, address)
    page.goto(address + "/globalerror?rows=workflow")
    for key in "jxjx":
        page.keyboard.press(key)
    expect(page.locator("[data-act-ticked]")).to_have_text("Act on the ticked 2 rows")
    page.keyboard.press("a")
    page.wait_for_url("**/submitaction?**")
    page.locator("[data-kind][value=acdc]").check()
    queue_beside(page)

    expect(page.get_by_role("heading", level=1)).to_have_text("ACDC queued for 2 workflows")
    assert {action.workflow for action in ledger.open_actions(app.store)} == {WF, OTHER}


def test_with_shift_all_rows_between_are_ticked(page: Page, house: HOUSE) -> None:
    sign_in(page, house[0])
    page.goto(house[0] + "/globalerror?rows=workflow")
    page.locator("[data-tick]").first.click()
    page.locator("[data-tick]").last.click(modifiers=["Shift"])

    expect(page.locator("[data-tick]:checked")).to_have_count(page.locator("[data-tick]").count())


def test_all_that_match_are_acted_on_but_for_those_unticked(page: Page, house: HOUSE) -> None:
    address, app = house
    sign_in(page, address)
    page.goto(address + "/globalerror?rows=workflow")
    page.get_by_role("button", name="Act on all 2 workflows that match").click()
    page.wait_for_url("**/submitaction?**")
    page.locator("[data-kind][value=acdc]").check()
    live(page)
    page.locator(f"[name=workflows][value='{OTHER}']").uncheck()
    expect(page.locator("[data-live-place] [data-submit]")).to_have_text("Queue ACDC for 1 workflow (2 tasks)")
    queue_beside(page)

    assert [action.workflow for action in ledger.open_actions(app.store)] == [WF]


# -- somebody faster, and taking back --


@pytest.mark.console(r"status of 409")
def test_two_operators_at_once_see_each_other(page: Page, browser: Browser, house: HOUSE, shots: Path) -> None:
    address, app = house
    sign_in(page, address)
    page.goto(f"{address}{FORM}&value.memory=5000")
    live(page)
    context = browser.new_context()
    other = context.new_page()
    sign_in(other, address, "adam")
    other.goto(f"{address}{FORM}&value.memory=7000")
    queue_beside(other)
    context.close()
    page.locator("[data-live-place] [data-submit]").click()
    expect(page.get_by_role("alert")).to_contain_text("1 of 1 was not queued")
    expect(page.locator(".ac-side").first).to_contain_text("What adam did")
    expect(page.locator(".ac-side").last).to_contain_text("5000 MB")
    page.screenshot(path=shots / "actions-conflict.png", full_page=True)
    assert violations(page) == []
    page.get_by_role("button", name=re.compile("Preview mine again")).click()
    page.wait_for_url("**/submitaction?draft=*")
    page.locator("[name=confirm]").check()
    page.locator("[data-submit]").click()
    page.wait_for_url("**/actions?draft=*")

    assert [(a.user, a.state) for a in ledger.actions_on(app.store, WF)] == [
        ("adam", ActionState.SUPERSEDED),
        ("olga", ActionState.QUEUED),
    ]


def test_a_queued_action_is_undone_from_the_list(page: Page, house: HOUSE, with_action: str) -> None:
    address, app = house
    page.goto(address + "/actions")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url(f"**/actions/{with_action}")

    expect(page.locator(".ac-state")).to_contain_text("taken back just now")
    assert ledger.action(app.store, with_action).state is ActionState.WITHDRAWN


def test_one_that_was_fetched_needs_a_yes_to_be_taken_back(page: Page, house: HOUSE, with_action: str) -> None:
    address, app = house
    ledger.hand_out(app.store, "unified")
    page.goto(f"{address}/actions/{with_action}")
    page.get_by_label("I know that the executor has it").check()
    page.get_by_role("button", name="Take back").click()

    expect(page.locator(".ac-state")).to_contain_text("taken back just now")


def test_a_press_on_queue_switches_the_button_off(page: Page, house: HOUSE) -> None:
    sign_in(page, house[0])
    page.goto(house[0] + FORM)
    live(page)
    page.route("**/submitaction", lambda route: route.fulfill(status=204))  # the page stays as it is
    page.locator("[data-live-place] [data-submit]").click()

    expect(page.locator("[data-live-place] [data-submit]")).to_be_disabled()


# -- nothing is squeezed, nothing covered --


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("width", [1100, 1400, 1900])
def test_the_help_of_a_field_takes_two_lines_at_most(house: HOUSE, page: Page, width: int) -> None:
    address, _ = house
    sign_in(page, address)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address + FORM)
    live(page)

    heights = page.locator(".ac-help").evaluate_all("helps => helps.map(help => help.getBoundingClientRect().height)")

    assert max(heights) < 40


@pytest.mark.needs("chromium")
def test_the_bar_of_the_family_covers_no_row(house: HOUSE, page: Page) -> None:
    address, _ = house
    sign_in(page, address)
    page.set_viewport_size({"width": 1400, "height": 400})
    page.goto(f"{address}/seeworkflow?workflow={WF}")
    page.locator(".wf-family thead").scroll_into_view_if_needed()

    bar, table = (page.locator(what).bounding_box() for what in ("#family .act-bar", ".wf-family"))

    assert bar is not None
    assert table is not None
    assert bar["y"] >= table["y"] + table["height"]
