"""The pages of predictors and of the lab in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import serving, sign_in, unreadable
from tests.services.desk_world import WF
from tests.web.acting_house import KINDS, acting_app
from tests.web.test_lab_pages import NOON, RESULT, Rules
from wwt_framework.services import lab
from wwt_framework.services.learning.history import kept
from wwt_framework.services.learning.training import How, train
from wwt_framework.store import ledger
from wwt_framework.store.ledger import KeptResult
from wwt_framework.testing import contract_history

PAGES = {
    "predictors": "/predictors", "panel": f"/seeworkflow?workflow={WF}", "lab": "/lab", "result": f"/lab/{RESULT.id}",
}  # fmt: skip


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An installation with a model that counts and one in shadow, and a result of the lab."""
    folder = tmp_path_factory.mktemp("learning")
    kinds = {**{kind: {} for kind in KINDS}, "ml.linear": {"least_tasks": 20}}
    app = acting_app(folder, kinds=kinds, plugins={"actions.rules": Rules()}, data_dir=str(folder / "data"))
    past, decided = kept(contract_history(120).decisions), contract_history(180).decisions
    for later, history in enumerate((past, kept(decided))):
        how = How(rounds=20, shadow=bool(later))
        train(
            app.house.hooks, app.house.config.house.data_dir, history, how, NOON + timedelta(days=later), lambda _: None
        )
    told = KeptResult(RESULT.id, RESULT.subject, RESULT.fingerprint, RESULT.made_at, "olga", lab.plain_result(RESULT))
    ledger.keep_lab_result(app.store, told)
    with serving(app) as address:
        yield address
        app.clockwork.stop()


@pytest.mark.parametrize("name", PAGES)
def test_p10_pages_of_what_was_learnt_are_readable_by_everybody(page: Page, address: str, name: str) -> None:
    sign_in(page, address, "adam")
    page.goto(address + PAGES[name])
    expect(page.get_by_role("heading", level=1)).to_be_visible()

    assert unreadable(page, f"learning-{name}-phone", 320) == []
