"""A refresh while somebody looks: a script never puts numbers of one snapshot beside those of another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import serving
from tests.services.overview_world import random_world
from tests.web.house import Installation, People


class Grid:
    """An installation that takes a new snapshot of other numbers when told to."""

    def __init__(self, folder: Path) -> None:
        self.old = random_world(folder / "v1", preps=60).snapshot
        self.new = replace(random_world(folder / "v2", preps=60, seed=8).snapshot, version="v2")
        self.app = Installation(folder, self.old, {"auth.people": People()})
        self.address = ""

    def refresh(self) -> None:
        self.app.board.snapshot = self.new


@pytest.fixture
def grid(tmp_path: Path) -> Iterator[Grid]:
    made = Grid(tmp_path)
    with serving(made.app) as address:
        made.address = address
        yield made


def shown(page: Page) -> list[str]:
    return page.locator("[data-matrix] tbody tr.l0, [data-preps] tbody tr[data-row]").evaluate_all(
        "rows => rows.map((row) => row.dataset.of)"
    )


@pytest.mark.console(r"status of 404")  # the row that is unfolded is gone
def test_a_row_that_is_unfolded_after_a_refresh_brings_the_whole_page_up_to_date(page: Page, grid: Grid) -> None:
    page.goto(f"{grid.address}/globalerror")
    before = shown(page)
    grid.refresh()

    page.locator("[data-fold]").first.click()

    expect(page.locator("[data-snapshot]")).to_have_text("snapshot v2")
    assert shown(page) != before


def test_more_lines_of_the_list_after_a_refresh_bring_the_whole_page_up_to_date(page: Page, grid: Grid) -> None:
    page.goto(f"{grid.address}/globalerror?view=list")
    expect(page.locator("[data-snapshot]")).to_have_text("snapshot v1")
    grid.refresh()

    page.locator("[data-more]").first.click()

    expect(page.locator("[data-snapshot]")).to_have_text("snapshot v2")


def test_the_card_of_a_cell_says_nothing_of_a_newer_snapshot(page: Page, grid: Grid) -> None:
    page.goto(f"{grid.address}/globalerror?pievar=stepname")
    cell = page.locator("[data-matrix] tbody td a[data-s]").first
    ranks = [part.partition(".")[0] for part in (cell.get_attribute("data-s") or "").split()]
    named = [rank for rank in ranks if rank.isdecimal() and int(rank) < 8]  # those that have a colour
    assert 0 < len(named) < len(ranks)
    grid.refresh()

    with page.expect_response(lambda answer: "part=cell" in answer.url) as told:
        cell.hover()
    told.value.finished()

    assert told.value.headers["x-snapshot"] == "v2"
    expect(page.get_by_role("tooltip").locator("tbody tr")).to_have_count(len(named) + 1)
