"""The pages of predictors and of the lab in a real browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import ask_while, serving, sign_in, unreadable
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


# -- models that can not be used -----------------------------------------------

LINEAR = {**{kind: {} for kind in KINDS}, "ml.linear": {"least_tasks": 20}}


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data_dir with two models of ml.linear, of which the newer one counts."""
    folder = tmp_path_factory.mktemp("learnt")
    app = acting_app(folder, kinds=LINEAR, data_dir=str(folder / "data"))
    past = kept(contract_history(120).decisions)
    for day in (0, 1):
        how = How(rounds=0, force=True)
        train(app.house.hooks, folder / "data", past, how, NOON + timedelta(days=day), lambda _: None)
    app.store.close()
    return folder / "data"


def of_another_library(model: Path) -> None:
    about = model / "about.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), "scikit_learn": "0.1.0"}))


def cut_off(model: Path) -> None:
    file = model / "model.skops"
    file.write_bytes(file.read_bytes()[:-10])


def without_a_word(model: Path) -> None:
    (model / "about.json").write_text("{")


def nobody_knows_which(model: Path) -> None:
    (model.parent / "which.json").write_text("{")


HARMED: dict[str, tuple[Callable[[Path], None], str]] = {
    "other-library": (of_another_library, "was made with scikit-learn 0.1.0"),
    "damaged": (cut_off, "is not the file that was written (its checksum differs)"),
    "about-damaged": (without_a_word, "what is known of the model"),
    "gone": (shutil.rmtree, "has no model"),
    "which-damaged": (nobody_knows_which, "which.json can not be read"),
}


@contextmanager
def harmed(folder: Path, learnt: Path, harm: Callable[[Path], None]) -> Iterator[str]:
    """The address of an installation in which *harm* came over the model that counts."""
    shutil.copytree(learnt, folder / "data")
    models = folder / "data" / "ml.linear" / "models"
    harm(models / json.loads((models / "which.json").read_text())["current"])
    with serving(acting_app(folder, kinds=LINEAR, data_dir=str(folder / "data"))) as address:
        yield address


@pytest.mark.parametrize("name", HARMED)
def test_p10_a_model_that_can_not_be_used_says_why_and_what_to_do(
    page: Page, tmp_path: Path, learnt: Path, name: str
) -> None:
    harm, words = HARMED[name]
    with harmed(tmp_path, learnt, harm) as address:
        sign_in(page, address, "adam")
        page.goto(f"{address}/predictors")
        told = page.locator("#ml\\.linear .problem")
        expect(told).to_contain_text(words)
        expect(told).to_contain_text("train")
        assert unreadable(page, f"model-{name}-predictors-phone", 320) == []
        page.set_viewport_size({"width": 1280, "height": 800})
        if name != "which-damaged":  # the one before is there still, and an admin may let it count
            page.get_by_role("button", name="Let it count").click()
            expect(told).to_have_count(0)
            page.goto(f"{address}/predictors")
            expect(page.locator(".badge", has_text="counts")).to_be_visible()
        page.goto(f"{address}/lab")  # it learns anew, whatever became of the models
        expect(page.get_by_role("main")).to_contain_text("ml.linear")


@pytest.mark.parametrize("name", HARMED)
def test_p10_the_page_of_a_workflow_says_why_a_model_is_silent(
    page: Page, tmp_path: Path, learnt: Path, name: str
) -> None:
    harm, words = HARMED[name]
    with harmed(tmp_path, learnt, harm) as address:
        sign_in(page, address, "olga")
        panel = page.locator("section", has=page.get_by_role("heading", name="What models expect"))
        ask_while(page, f"{address}{PAGES['panel']}", panel.get_by_text("no answer yet"))

        expect(panel).to_contain_text(words)
        expect(panel).to_contain_text("train")
        assert unreadable(page, f"model-{name}-workflow-phone", 320) == []
