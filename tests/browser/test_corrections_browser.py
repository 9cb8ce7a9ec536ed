"""What operators say about groups in a real browser: pressed with script and without, it lasts until it is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.visiting import ask_while, serving, sign_in, unreadable
from tests.services.desk_world import WF, World, workflow
from tests.web.house import People
from wwt_framework.app import App
from wwt_framework.cube import ErrorColumns
from wwt_framework.model import ErrorCount
from wwt_framework.services.alike.fitting import JOB
from wwt_framework.services.publish import publish
from wwt_framework.snapshot import SnapshotParts
from wwt_framework.store import ledger

TWIN = "olga_task_TOP-RunIISummer20UL17wmLHEGEN-00399__v1_T_261101_090000_4"
COUSIN = "olga_task_HIG-RunIISummer20UL18wmLHEGEN-00008__v1_T_261102_090000_5"
CONFIG = """
wwt: {listen: '127.0.0.1:0', store: 'sqlite:///wwt.db', data_dir: data}
clustering:
  patterns: {smallest: 2}
  nearest: {}
"""


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def script(request: pytest.FixtureRequest) -> bool:
    """Whether the browser runs scripts."""
    return bool(request.param)


@pytest.fixture
def context_options(script: bool) -> dict[str, Any]:
    return {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", "java_script_enabled": script}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of an installation with a snapshot of two groups: WF and TWIN fail alike, OTHER and COUSIN otherwise."""
    (tmp_path / "plugins.yml").write_text(CONFIG, encoding="utf-8")
    world = World()
    world.workflows += [workflow(TWIN, "Twin_0"), workflow(COUSIN, "Cousin_0")]
    world.counts += [
        ErrorCount(f"/{TWIN}/Twin_0", 8028, "T2_US_Purdue", 70),
        ErrorCount(f"/{COUSIN}/Cousin_0", 85, "T1_US_FNAL", 9),
    ]
    app = App.build(tmp_path / "plugins.yml")
    parts = SnapshotParts("", app.store.now(), world.workflows, ErrorColumns.of(world.counts), sites=world.sites)
    publish(app.store, app.house.config.house.data_dir, parts)
    assert app.clockwork.run_now(JOB, "olga").state == "done"
    app.close()
    return tmp_path


@contextmanager
def started(folder: Path) -> Iterator[tuple[str, App]]:
    """The installation in *folder*, started anew: its address, and itself."""
    app = App.build(folder / "plugins.yml")
    app.house.hooks.register("auth.people", People(), deadline_s=60)
    with serving(app) as address:
        yield address, app
        app.clockwork.stop()


def groups(page: Page, address: str) -> Locator:
    """The lines of the table of groups; after a start they take a moment, and without script they are asked for again."""
    ask_while(page, f"{address}/clusters", page.get_by_text("The groups are being worked out"))
    return page.locator(".cl-groups tbody tr")


def lasts(page: Page, folder: Path, number: int) -> None:
    """There are *number* groups after all was learnt anew, and after a restart."""
    with started(folder) as (address, app):
        sign_in(page, address)
        expect(groups(page, address)).to_have_count(number)
        assert app.clockwork.run_now(JOB, "olga").state == "done"
        expect(groups(page, address)).to_have_count(number)


def take_back(page: Page, folder: Path, number: int) -> None:
    """Take back what olga said after it was learnt: workflows are grouped anew, and there are *number* groups."""
    with started(folder) as (address, app):
        sign_in(page, address)
        groups(page, address)
        page.get_by_role("button", name="Take back").click()
        expect(page.locator(".cl-said")).to_contain_text("taken back by olga")
        expect(page.locator(".cl-run")).to_contain_text("Workflows are being grouped anew")
        (waiting,) = ledger.runs(app.store, 5, name=JOB, states=("queued",))
        app.clockwork.perform(waiting.id)
        expect(groups(page, address)).to_have_count(number)


def test_p18_two_groups_put_together_stay_so_until_it_is_taken_back(page: Page, folder: Path, script: bool) -> None:
    with started(folder) as (address, _):
        sign_in(page, address)
        expect(groups(page, address)).to_have_count(2)
        page.goto(f"{address}/clusters?of={WF}")
        page.get_by_role("button", name="Put the two groups together").click()
        expect(page).to_have_url(f"{address}/clusters?by=clustering.patterns")
        expect(page.locator(".cl-groups tbody tr")).to_have_count(1)
        expect(page.locator(".cl-said tbody tr")).to_contain_text("belong together")
        assert not script or unreadable(page, "corrections-put-together") == []  # axe is a script
        page.goto(f"{address}/clusters?of={WF}")
        expect(page.locator(".cl-members tbody tr")).to_have_count(4)
    lasts(page, folder, 1)
    take_back(page, folder, 2)

    lasts(page, folder, 2)


def test_p18_what_is_split_off_stays_apart_until_it_is_taken_back(page: Page, folder: Path, script: bool) -> None:
    with started(folder) as (address, _):
        sign_in(page, address)
        expect(groups(page, address)).to_have_count(2)
        page.goto(f"{address}/clusters?of={WF}")
        page.locator(f"input[value='{TWIN}']").check()
        page.get_by_role("button", name="Split the ticked off").click()
        expect(page.locator(".cl-said tbody tr")).to_contain_text("set apart")
        expect(page.locator(".cl-groups tbody tr")).to_have_count(3)
        assert not script or unreadable(page, "corrections-split-off") == []  # axe is a script
    lasts(page, folder, 3)
    take_back(page, folder, 2)

    lasts(page, folder, 2)


def test_f6_workflows_said_to_belong_together_are_in_one_group_and_say_who_put_them(
    page: Page, folder: Path, script: bool
) -> None:
    with started(folder) as (address, _):
        sign_in(page, address)
        groups(page, address)
        page.goto(f"{address}/seeworkflow?workflow={WF}")
        page.locator(f"#similar input[value='{TWIN}']").check()
        page.get_by_role("button", name="They belong together").click()
        expect(page).to_have_url(f"{address}/seeworkflow?workflow={WF}")
        expect(page.locator("#similar tbody tr", has_text=TWIN[-20:])).to_contain_text("put together by olga")
        assert not script or unreadable(page, "corrections-belong-together") == []  # axe is a script
    with started(folder) as (address, app):
        sign_in(page, address)
        groups(page, address)
        assert app.clockwork.run_now(JOB, "olga").state == "done"
        page.goto(f"{address}/seeworkflow?workflow={TWIN}")

        expect(page.locator("#similar tbody tr", has_text=WF[-20:])).to_contain_text("put together by olga")
