"""Procedures in a real browser: the panel of a workflow and the page of all of them, readable by everybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import serving, violations
from tests.services.case_world import BOUND, ORIGINAL, case_world
from tests.web.house import Installation, People
from wwt_plugins.actions.acdc import Acdc
from wwt_plugins.actions.procedures import Procedures

PAGES = {
    "panel": f"/seeworkflow?workflow={ORIGINAL}",
    "panel-doubt": f"/seeworkflow?workflow={BOUND}",
    "procedures": "/procedures",
    "procedures-filtered": "/procedures?search=memory&kind=acdc",
}

OWN = """\
procedures:
  - {id: mine, codes: [8028], title: Ours, order: 60, normal: Look., action: {kind: acdc, parameters: {memory: 4000}}}
  - {id: never, codes: [8028], title: Never, order: 70, normal: Look.}
  - {id: bad, codes: [8028], title: Bad, normal: x, look_for: ['(a)\\1']}
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An installation on a real server, with the shipped procedures and a folder of its own."""
    folder = tmp_path_factory.mktemp("procedures")
    (folder / "own").mkdir()
    (folder / "own" / "own.yml").write_text(OWN)
    options = Procedures.Options(folders=[folder / "own"])
    plugins = {
        "auth.people": People(),
        "actions.acdc": Acdc(SimpleNamespace(options=None)),
        "actions.procedures": Procedures(SimpleNamespace(options=options)),
    }
    app = Installation(folder, case_world(folder / "v1"), plugins)
    with serving(app) as address:
        yield address


def unfold(page: Page) -> None:
    """Everything that can be opened, so that all of it is looked at."""
    page.evaluate("document.querySelectorAll('main details').forEach((details) => { details.open = true; })")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_read_it(
    page: Page, address: str, shots: Path, name: str, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(address + PAGES[name])
    unfold(page)
    page.screenshot(path=shots / f"advice-{name}-{scheme}.png", full_page=True)

    assert violations(page) == []


@pytest.mark.parametrize("name", PAGES)
def test_it_fits_on_a_phone(page: Page, address: str, shots: Path, name: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address + PAGES[name])
    unfold(page)
    page.screenshot(path=shots / f"advice-{name}-phone.png", full_page=True)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(page) == []


def test_panel_leads_to_the_procedure_and_the_procedure_is_marked(page: Page, address: str) -> None:
    page.goto(address + PAGES["panel"])
    with page.expect_navigation():
        page.locator(".adv-item").first.get_by_role("link", name="Procedure").click()

    expect(page).to_have_url(address + "/procedures#input-not-opened-cmssw")
    expect(page.locator("article:target h2")).to_contain_text("An input file could not be opened")


def test_filters_work_by_keyboard_and_stand_in_the_address(page: Page, address: str) -> None:
    page.goto(address + "/procedures")
    page.get_by_role("textbox", name="Exit code", exact=True).fill("134")
    with page.expect_navigation():
        page.keyboard.press("Enter")

    assert parse_qs(urlsplit(page.url).query)["code"] == ["134"]
    expect(page.locator("article")).to_have_count(1)


def test_what_is_wrong_with_files_and_order_is_said(page: Page, address: str) -> None:
    page.goto(address + "/procedures")

    expect(page.locator("#broken")).to_be_visible()
    expect(page.locator(".proc-problems li")).to_contain_text("own.yml:4: procedures[2].look_for[0].pattern")
    expect(page.locator(".proc-conflicts")).to_contain_text("The second is never shown")


def test_evidence_unfolds_without_a_script(browser_without_script: Page, address: str) -> None:
    page = browser_without_script
    page.goto(address + PAGES["panel"])
    evidence = page.locator(".adv-task details").first
    evidence.locator("summary").click()

    expect(evidence.locator("li").first).to_be_visible()


@pytest.fixture
def browser_without_script(browser: object) -> Iterator[Page]:
    """A page in a browser that runs no script."""
    context = browser.new_context(java_script_enabled=False)  # type: ignore[attr-defined]
    yield context.new_page()
    context.close()
