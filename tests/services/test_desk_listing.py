"""Each action says in a sentence how it stands, and what can still be done about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from wwt_framework.errors import NotFound
from wwt_framework.model import Action, ActionState
from wwt_framework.plugin import ExecutorWord
from wwt_framework.services import desk
from wwt_framework.services.desk.listing import PAGE, STUCK_AFTER, sentence
from wwt_framework.store import Store, ledger

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
Q, S, D, F, W, X = (
    ActionState.QUEUED, ActionState.SENT, ActionState.DONE, ActionState.FAILED, ActionState.WITHDRAWN,
    ActionState.SUPERSEDED,
)  # fmt: skip
THREE_AGO = NOON - timedelta(minutes=3)
ACTION = Action("a", "acdc", "w", {}, {}, (), "olga", Q, THREE_AGO, THREE_AGO)


def word(word: str, **fields) -> ExecutorWord:
    return ExecutorWord(word, executor="unified", at=NOON - timedelta(minutes=1), **fields)


@pytest.mark.parametrize(
    ("fields", "words", "more", "said"),
    [
        ({}, [], {}, "queued 3 min ago, not yet fetched"),
        ({}, [], {"push": True}, "queued 3 min ago, its plugin carries it out"),
        ({"state": S}, [], {}, "fetched 3 min ago, not yet reported"),
        ({"state": S}, [word("claimed")], {}, "fetched 3 min ago, claimed by unified 1 min ago, not yet reported"),
        ({"state": S}, [word("accepted"), word("created", request="R1")], {}, "under way, made R1"),
        ({"state": S}, [word("rejected", why="no such task", task="T")], {}, "1 task rejected: no such task"),
        ({"state": S}, [word("rejected", why="closed")], {}, "rejected: closed"),
        ({"state": D}, [word("created", request="R1"), word("created", request="R2")], {}, "done 3 min ago, made R1 and 1 more"),
        ({"state": D, "reference": "T-1"}, [], {}, "done 3 min ago, made T-1"),
        ({"state": D, "note": "rehearsed: x"}, [], {"rehearsed": True}, "rehearsed 3 min ago, nothing was done: rehearsed: x"),
        ({}, [], {"rehearsed": True}, "a rehearsal, nothing will be done"),
        ({"state": F, "note": "no route"}, [], {}, "failed 3 min ago: no route"),
        ({"state": W, "note": "wrong"}, [], {}, "taken back 3 min ago: wrong"),
        ({"state": X, "note": "ivan asked for clone instead"}, [], {}, "replaced 3 min ago: ivan asked for clone instead"),
        (
            {"state": D, "expires_at": datetime(2026, 12, 1, tzinfo=timezone.utc)}, [], {},
            "done 3 min ago, ends 2026-12-01 00:00 UTC",
        ),
        ({"changed_at": NOON}, [], {}, "queued just now, not yet fetched"),
        ({"changed_at": NOON - timedelta(hours=47)}, [], {}, "queued 47 h ago, not yet fetched"),
        ({"changed_at": NOON - timedelta(days=9)}, [], {}, "queued 9 days ago, not yet fetched"),
    ],
)  # fmt: skip
def test_state_of_an_action_is_a_sentence(fields, words, more, said):
    assert sentence(replace(ACTION, **fields), words, NOON, **more) == said


@pytest.fixture
def now() -> list[datetime]:
    return [NOON]


@pytest.fixture
def store(now):
    store = Store.memory(lambda: now[0])
    yield store
    store.close()


def asked_for(store: Store, name: str, **fields) -> Action:
    action = replace(ACTION, id=f"id-{name}", workflow=name, submitted_at=store.now(), changed_at=store.now(), **fields)
    return ledger.submit(store, [action]).kept[0]


def names(page: desk.ActionPage) -> list[str]:
    return [line.action.workflow for line in page.lines]


def test_list_has_the_newest_first_and_says_how_many_there_are_in_each_state(store):
    for name in ("w1", "w2", "w3"):
        asked_for(store, name)
    desk.withdraw(store, "id-w2", "olga")

    page = desk.action_lines(store, desk.ActionQuery(states=(Q,)))

    assert (names(page), page.total, page.counts) == (["w3", "w1"], 2, {Q: 2, W: 1})


def test_list_is_cut_into_pages(store):
    for i in range(PAGE + 1):
        asked_for(store, f"w{i:02}")

    second = desk.action_lines(store, desk.ActionQuery(page=2))

    assert (names(second), second.pages) == (["w00"], 2)


def test_list_of_the_last_days(store, now):
    asked_for(store, "old")
    now[0] += timedelta(days=3)
    asked_for(store, "new")

    assert names(desk.action_lines(store, desk.ActionQuery(days=1))) == ["new"]


def test_what_was_fetched_long_ago_and_never_reported_is_stuck(store, now):
    asked_for(store, "stuck")
    ledger.hand_out(store, "unified")
    now[0] += STUCK_AFTER + timedelta(minutes=1)
    asked_for(store, "fresh")

    page = desk.action_lines(store, desk.ActionQuery(stuck=True))

    assert (names(page), page.stuck, page.lines[0].stuck) == (["stuck"], 1, True)
    assert [line.stuck for line in desk.action_lines(store, desk.ActionQuery()).lines] == [False, True]


@pytest.mark.parametrize(
    ("state", "withdraw", "requeue"),
    [(Q, True, False), (S, True, False), (F, True, True), (D, False, False), (W, False, False), (X, False, False)],
)
def test_line_says_what_can_still_be_done(state, withdraw, requeue):
    line = desk.ActionLine(replace(ACTION, state=state), "")

    assert (line.can_withdraw, line.can_requeue) == (withdraw, requeue)


def test_one_action_is_shown_with_its_life_and_its_neighbours(store):
    asked_for(store, "w")
    newer = replace(ACTION, id="newer", workflow="w", kind="clone", user="ivan")
    ledger.submit(store, [newer])

    told = desk.action_history(store, "id-w")

    assert [(event.before, event.after, event.user) for event in told.events] == [(None, Q, "olga"), (Q, X, "ivan")]
    assert ([one.id for one in told.others], told.evidence) == (["newer"], False)
    with pytest.raises(NotFound):
        desk.action_history(store, "none")
