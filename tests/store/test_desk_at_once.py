"""Operators who act at the same moment, on every database: once, and nobody over anybody."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.services.desk_world import KINDS, OTHER, WF, Desk, World, hooks_with
from wwt_framework.errors import WwtError
from wwt_framework.model import User
from wwt_framework.services import desk as the_desk
from wwt_framework.store import Store, ledger

FORM = {"workflow": [WF, OTHER], "kind": "acdc", "shortreason1": "disk", "longreason1": "full"}


@pytest.fixture
def desk(tmp_path: Path, store: Store) -> Desk:
    return Desk(hooks_with(tmp_path, KINDS), World().open(tmp_path / "snapshot"), store)


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What each of *works* gave, all begun at the same moment."""
    start, told = threading.Barrier(len(works)), [None] * len(works)

    def run(number: int) -> None:
        start.wait()
        try:
            told[number] = works[number]()
        except WwtError as err:
            told[number] = err

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def test_one_draft_submitted_by_four_clicks_is_one_submit(desk):
    plan = desk.plan(FORM)

    results = at_once(*[lambda: desk.submit(plan)] * 4)

    assert sorted(result.repeated for result in results) == [False, True, True, True]
    assert len(ledger.open_actions(desk.store)) == 2
    assert len({tuple(line.action.id for line in result.lines) for result in results}) == 1


def test_of_four_operators_who_saw_the_same_page_one_acts_and_three_are_told(desk):
    operators = [User(f"u{i}", roles=frozenset({"operator"})) for i in range(4)]
    desks = [Desk(desk.hooks, desk.snapshot, desk.store, user) for user in operators]
    plans = [one.plan(FORM) for one in desks]

    results = at_once(*[lambda one=one, plan=plan: one.submit(plan) for one, plan in zip(desks, plans, strict=True)])

    states = Counter(line.state for result in results for line in result.lines)
    assert states == {"queued": 2, "conflict": 6}
    (winner,) = {action.user for action in ledger.open_actions(desk.store)}
    assert {line.theirs.user for result in results for line in result.lines if line.theirs} == {winner}
    assert len(ledger.reasons(desk.store)) == 1


def test_executor_that_fetches_while_operators_submit_gets_whole_actions_only(desk):
    store = desk.store
    plans = [desk.plan({"workflow": name, "kind": "acdc"}) for name in (WF, OTHER)]

    fetched, *results = at_once(
        lambda: [ledger.hand_out(store, "unified") for _ in range(20)], *[lambda p=plan: desk.submit(p) for plan in plans]
    )  # fmt: skip

    kept = {line.action.id: line.action for result in results for line in result.lines}
    assert all(action.task_values == kept[action.id].task_values for some in fetched for action in some)
    assert {action.id for action in ledger.hand_out(store, "unified")} == kept.keys()
    assert all(the_desk.evidence_of(store, action) is not None for action in kept)


def test_withdrawal_and_fetch_at_once_leave_one_of_both_orders(desk):
    action = desk.submit({"workflow": WF, "kind": "acdc"}).lines[0].action

    taken, handed = at_once(
        lambda: the_desk.withdraw(desk.store, action.id, "olga"), lambda: ledger.hand_out(desk.store, "unified")
    )

    assert taken.action.state.value == "withdrawn"
    assert bool(taken.warning) == bool(handed)
    assert ledger.open_actions(desk.store) == []
