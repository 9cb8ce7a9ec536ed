"""When predictors are trained without being asked."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from wwt_framework import hookimpl
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import ActionState
from wwt_framework.options import HouseOptions
from wwt_framework.services.learning import daily
from wwt_framework.services.learning.daily import Daily
from wwt_framework.store import Store, ledger
from wwt_framework.testing import contract_history

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)


class Pupil:
    @hookimpl
    def train_predictor(self, history, into, progress):
        return None


@pytest.fixture
def clock():
    return SimpleNamespace(now=NOON)


@pytest.fixture
def store(clock):
    made = Store.memory(lambda: clock.now)
    (decision,) = contract_history(1)
    ledger.import_actions(
        made, [decision.action.__class__(**{**fields(decision.action), "state": ActionState.DONE})], ""
    )
    yield made
    made.close()


def fields(action):
    return {name: getattr(action, name) for name in action.__dataclass_fields__}


@pytest.fixture
def training(store, monkeypatch):
    monkeypatch.setattr(daily, "LOOK_S", 0.0)
    hooks = Hooks()
    hooks.register("ml.pupil", Pupil())
    house = SimpleNamespace(hooks=hooks, config=SimpleNamespace(house=HouseOptions()))
    return Daily(store, lambda: house)


def test_it_is_time_once_a_day(training, store, clock):
    assert training.due()
    ledger.request_run(store, "train")
    assert not training.due()
    clock.now += timedelta(hours=25)
    assert training.due()


def test_it_is_time_after_the_clock_was_set_back(training, store, clock):
    clock.now += timedelta(days=300)
    ledger.request_run(store, "train")
    clock.now -= timedelta(days=300)

    assert training.due()
