"""The overview in a real browser: pies, cards, rows in place, scrolling, keys, without a script, on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visiting import serving, violations
from tests.services.overview_world import Made, random_world
from tests.web.house import Installation, People

STATES = {
    "pies": "/globalerror",
    "sitename": "/globalerror?pievar=sitename",
    "stepname": "/globalerror?pievar=stepname",
    "heat": "/globalerror?draw=heat&columns=all",
    "numbers": "/globalerror?draw=numbers&rows=workflow",
    "empty": "/globalerror?search=/(/&code=1",
    "list": "/globalerror?view=list",
    "listpage": "/listpage?errorcode=85&sitename=T1_US_FNAL",
}

PIXELS = """canvas => {
    const {width, height} = canvas;
    const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
    const seen = new Set();
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) seen.add(data.slice(i, i + 3).join(','));
    return [...seen];
}"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return random_world(tmp_path_factory.mktemp("world") / "v1", preps=140)


@pytest.fixture(scope="module")
def address(world: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    app = Installation(tmp_path_factory.mktemp("house"), world.snapshot, {"auth.people": People()})
    with serving(app) as address:
        yield address


def ready(page: Page, address: str) -> None:
    page.goto(address)
    if page.locator(".matrix.draw-pies").count():
        expect(page.locator(".matrix canvas").first).to_be_attached()


def opened(page: Page) -> list[str]:
    return parse_qs(urlsplit(page.url).query).get("open", [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", STATES)
def test_everybody_can_read_it(page: Page, address: str, shots: Path, name: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    ready(page, address + STATES[name])
    page.screenshot(path=shots / f"overview-{name}-{scheme}.png")

    assert violations(page) == []


@pytest.mark.parametrize("name", STATES)
def test_it_fits_on_a_phone(page: Page, address: str, shots: Path, name: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address + STATES[name])
    page.screenshot(path=shots / f"overview-{name}-phone.png")

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(page) == []


def test_p5_pies_are_drawn_in_several_colours_over_the_numbers(page: Page, address: str) -> None:
    ready(page, address + "/globalerror")

    colours = page.locator(".matrix canvas").first.evaluate(PIXELS)

    assert len(colours) >= 3
    expect(page.locator("td[data-c] a").first).to_have_text(page.locator("td[data-c] a").first.inner_text())


def test_p5_a_pie_stands_in_the_middle_of_its_cell(page: Page, address: str) -> None:
    ready(page, address + "/globalerror")

    off = page.evaluate("""() => {
        const row = document.querySelector(".matrix tbody tr");
        const canvas = row.querySelector("canvas");
        const box = canvas.getBoundingClientRect();
        const scale = canvas.width / box.width;
        const context = canvas.getContext("2d");
        return [...row.querySelectorAll("td[data-c]")].map((cell) => {
            const at = cell.getBoundingClientRect();
            const x = (at.left + at.width / 2 - box.left) * scale;
            return context.getImageData(Math.round(x), Math.round(canvas.height / 2), 1, 1).data[3];
        });
    }""")

    assert off
    assert all(alpha > 200 for alpha in off)


def test_only_rows_near_the_view_are_drawn(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 500})
    ready(page, address + "/globalerror")

    drawn, rows = page.locator(".matrix canvas").count(), page.locator(".matrix tbody tr").count()

    assert 0 < drawn < rows


def test_p5_the_card_tells_split_and_total_on_focus_and_leaves_on_escape(page: Page, address: str, shots: Path) -> None:
    ready(page, address + "/globalerror")
    link = page.locator("td[data-c] a").nth(3)

    link.focus()

    card = page.get_by_role("tooltip")
    expect(card).to_be_visible()
    expect(card.locator("tfoot td")).to_have_text(link.text_content() or "")
    parts = [int(t.replace("\u202f", "")) for t in card.locator("tbody td").all_inner_texts()]
    assert sum(parts) == int((link.text_content() or "").replace("\u202f", ""))
    assert link.get_attribute("aria-describedby") == card.get_attribute("id")
    page.screenshot(path=shots / "overview-card.png")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()


def test_p5_the_card_of_a_stepname_cell_names_the_tasks(page: Page, address: str, world: Made) -> None:
    ready(page, address + "/globalerror?pievar=stepname")
    row = page.locator(".matrix tbody tr").first
    code = int((row.get_attribute("data-of") or "").strip())
    cell = row.locator("td[data-c]").first
    tasks = world.by(lambda e: e.task, world.of(exit_code=code, site=cell.get_attribute("data-c")))
    largest = max(tasks.values())

    cell.locator("a").focus()

    expect(page.get_by_role("tooltip").locator("tbody tr").first.locator("td")).to_have_text(
        f"{largest:,}".replace(",", "\u202f")
    )
    expect(page.get_by_role("tooltip").locator("tbody tr").first.locator("th")).to_contain_text("/Task")


def test_p3_rows_unfold_in_place_and_the_address_survives_a_reload(page: Page, address: str, shots: Path) -> None:
    ready(page, address + "/globalerror")
    before = page.locator(".matrix tbody tr").count()

    page.locator("[data-fold]").first.click()
    expect(page.locator("tr.l1").first).to_be_visible()
    page.locator("tr.l1 [data-fold]").first.click()
    expect(page.locator("tr.l2").first).to_be_visible()

    shown = page.locator(".matrix tbody tr .name").all_inner_texts()
    assert len(shown) > before + 1
    assert len(opened(page)) == 2
    page.screenshot(path=shots / "overview-unfolded.png")
    page.reload()
    assert page.locator(".matrix tbody tr .name").all_inner_texts() == shown


def test_p3_folding_is_recursive(page: Page, address: str) -> None:
    ready(page, address + "/globalerror")
    page.locator("[data-fold]").first.click()
    page.locator("tr.l1 [data-fold]").first.click()
    expect(page.locator("tr.l2").first).to_be_visible()

    page.locator("[data-fold]").first.click()

    expect(page.locator("tr.l1, tr.l2")).to_have_count(0)
    assert opened(page) == []
    page.locator("[data-fold]").first.click()
    expect(page.locator("tr.l1").first).to_be_visible()
    expect(page.locator("tr.l2")).to_have_count(0)


def test_the_keys_step_unfold_and_fold(page: Page, address: str) -> None:
    ready(page, address + "/globalerror")

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("l")
    expect(page.locator("tr.l1").first).to_be_visible()
    page.wait_for_url(lambda url: "open=" in url)
    assert opened(page) == [page.locator("tr.current").get_attribute("data-of")]

    page.keyboard.press("h")
    expect(page.locator("tr.l1")).to_have_count(0)


def test_the_arrows_go_from_number_to_number(page: Page, address: str) -> None:
    ready(page, address + "/globalerror")
    page.locator(".matrix tbody tr").first.locator("td[data-c] a").first.focus()

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")

    place = page.evaluate(
        "[document.activeElement.closest('td').cellIndex, document.activeElement.closest('tr').rowIndex]"
    )
    assert place[0] > 2
    assert place[1] > 2


def test_rows_come_as_one_scrolls_until_the_last(page: Page, address: str, world: Made) -> None:
    ready(page, address + "/globalerror")
    whole = len(world.by(lambda e: world.workflows[e.task.split("/")[1]].prep_id))
    rows = page.locator(".matrix tbody tr")
    assert rows.count() < whole

    while (seen := rows.count()) < whole:
        page.locator("[data-box]").evaluate("box => box.scrollTo(0, box.scrollHeight)")
        expect(rows).not_to_have_count(seen)

    expect(rows).to_have_count(whole)
    assert len(set(page.locator(".matrix tbody tr").evaluate_all("rows => rows.map((r) => r.dataset.of)"))) == whole


def test_a_choice_sends_the_form_and_leaves_the_address_short(page: Page, address: str) -> None:
    ready(page, address + "/globalerror")

    with page.expect_navigation():
        page.locator("input[name=pievar][value=sitename]").click()

    assert urlsplit(page.url).query == "pievar=sitename"


def test_a_filter_is_chosen_and_taken_away(page: Page, address: str, shots: Path) -> None:
    ready(page, address + "/globalerror")
    whole = page.locator("[data-summary]").inner_text()
    page.locator(".filter summary", has_text="Tier").click()
    page.screenshot(path=shots / "overview-filter.png")

    with page.expect_navigation():
        page.locator("input[name=tier][value=T1]").check()
        page.locator(".filter summary", has_text="Tier").click()

    assert "tier=T1" in page.url
    assert page.locator("[data-summary]").inner_text() != whole
    page.get_by_role("link", name="clear all").click()
    expect(page.locator("[data-summary]")).to_have_text(whole)


def test_pies_follow_the_theme(page: Page, address: str) -> None:
    page.emulate_media(color_scheme="light")
    ready(page, address + "/globalerror")
    light = set(page.locator(".matrix canvas").first.evaluate(PIXELS))

    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator(".matrix canvas").first).to_be_attached()

    assert set(page.locator(".matrix canvas").first.evaluate(PIXELS)) != light


def test_p7_the_list_unfolds_and_grows_in_place(page: Page, address: str, shots: Path) -> None:
    page.goto(address + "/globalerror?view=list")
    page.locator("[data-fold]").nth(2).click()
    expect(page.locator("tr.below")).to_be_visible()
    page.screenshot(path=shots / "overview-list-unfolded.png")

    page.get_by_role("link", name="40 more").click()

    expect(page.locator("[data-row]")).to_have_count(80)
    expect(page.locator("tr.below")).to_be_visible()
    assert len(opened(page)) == 1


def test_without_a_script_the_page_is_complete(browser: Browser, address: str, shots: Path) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    try:
        page.goto(address + "/globalerror")
        assert page.locator("canvas").count() == 0
        expect(page.locator("td[data-c] a").first).to_be_visible()
        page.locator("[data-fold]").first.click()
        expect(page.locator("tr.l1").first).to_be_visible()
        page.screenshot(path=shots / "overview-no-script.png")
        page.locator("input[name=draw][value=heat]").click()
        page.get_by_role("button", name="Show").click()
        expect(page.locator(".matrix.draw-heat")).to_be_visible()
        expect(page.locator("tr.l1").first).to_be_visible()
        with page.expect_navigation(url=lambda url: "offset=" in url):
            page.locator("[data-more] a").click()
        assert page.locator(".matrix tbody tr").count() > 10
    finally:
        context.close()


WHERE = """() => [...document.querySelectorAll("[data-matrix] tbody .name")].map(name => {
    const tail = name.parentElement.querySelector(".tail");
    return [name.textContent, name.scrollWidth > name.clientWidth, tail && tail.dataset.text];
})"""


def test_names_that_do_not_fit_show_both_ends(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 900, "height": 700})
    page.goto(f"{address}/globalerror?rows=workflow")
    expect(page.locator("[data-matrix] .tail").first).to_be_visible()

    names = page.evaluate(WHERE)

    assert {tail == name[-12:] if cut else tail is None for name, cut, tail in names} == {True}


def test_names_are_as_wide_as_there_is_room(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 2400, "height": 700})
    page.goto(f"{address}/globalerror?rows=workflow")
    expect(page.locator("[data-matrix]")).to_have_attribute("style", "--names: 640px;")

    assert not any(cut for _, cut, _ in page.evaluate(WHERE))


def test_the_matrix_is_not_made_wider_than_the_page(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1100, "height": 700})
    page.goto(f"{address}/globalerror")
    expect(page.locator("[data-matrix]")).to_have_attribute("style", re.compile("--names"))

    assert page.evaluate(
        "() => { const b = document.querySelector('[data-box]'); return b.scrollWidth <= b.clientWidth; }"
    )
