"""The executor's side of the ledger: it fetches open actions, and reports workflows that it has dealt with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from peewee import Value, fn

from wwt_framework.model import TRANSITIONS, Action, ActionState
from wwt_framework.plugin import Reported
from wwt_framework.store import Store
from wwt_framework.store.ledger.life import actions_of

#: The word with which an executor takes an action for itself alone.
CLAIMED = "claimed"

_ALL_THE_SAME = "reported all the same"
_QUEUED, _SENT = ActionState.QUEUED.value, ActionState.SENT.value


def hand_out(
    store: Store,
    executor: str,
    since: datetime | None = None,
    but: Collection[str] = (),
    ids: Sequence[str] | None = None,
) -> list[Action]:
    """The open actions, oldest first; those QUEUED become SENT. All in one transaction.

    *since*: submitted then or later. *but*: not these kinds. *ids*: only these (None: all).
    What was SENT before is handed out again: an executor may ask twice and lose nothing. What another one has claimed
    is left out.
    """
    table = store.tables.action
    wanted = ~table.rehearsed
    if since is not None:
        wanted &= table.submitted_at >= since
    if but:
        wanted &= table.kind.not_in(list(but))
    if ids is not None:
        wanted &= table.id.in_(list(ids))
    queued = wanted & (table.state == _QUEUED)
    sent = wanted & (table.state == _SENT) & table.id.not_in(claims(store, by_others_than=executor))
    with store.connection():
        # An executor polls, and mostly finds what it knows: it need not wait for who writes.
        # One that is submitted at this very moment waits for the next poll.
        if not table.select().where(queued).exists():
            return actions_of(store, sent)
        with store.write(alone="actions"):
            _send(store, executor, queued)
            return actions_of(store, sent)


def claims(store: Store, by: str = "", by_others_than: str = "") -> Any:
    """A query for the ids of actions that are claimed since they were sent last, by somebody or by others."""
    word, action, event = store.tables.executor_word, store.tables.action.alias(), store.tables.action_event.alias()
    who = word.executor == by if by else word.executor != by_others_than
    is_valid = (word.word == CLAIMED) & (action.state == _SENT) & (word.at >= action.changed_at)
    is_valid &= (
        event.user_name == word.executor
    )  # sent to that one last: a clock may have been set back since the claim
    found = word.select(word.action_id).join(action, on=(word.action_id == action.id))
    return found.join(event, on=(event.number == action.handed_event)).where(is_valid & who)


def _send(store: Store, executor: str, queued: Any) -> None:
    """Move all actions that are *queued* at once: ten thousand cost two statements."""
    table, event, at = store.tables.action, store.tables.action_event, store.now()
    before = event.select(fn.MAX(event.number)).scalar() or 0
    moved = (
        table.select(
            table.id, table.workflow, Value(event.at.db_value(at)), Value(executor),
            Value(_QUEUED), Value(_SENT), Value(""),
        )
        .where(queued)
        .order_by(table.number)
    )  # fmt: skip
    fields = [event.action_id, event.workflow, event.at, event.user_name, event.from_state, event.to_state, event.note]
    event.insert_from(moved, fields).execute()
    number = event.select(event.number).where((event.action_id == table.id) & (event.number > before))
    table.update(state=_SENT, changed_at=at, handed_event=number).where(queued).execute()


def report(store: Store, executor: str, workflows: Sequence[str], but: Collection[str] = ()) -> Reported:
    """Close the action that was last handed out under each name; a newer one stays open.

    *but*: actions of these kinds are nobody's to report.
    A name whose action was withdrawn, superseded or failed meanwhile is a success, too, the first time:
    the executor did it, and would stop at a name that is missing from ``success``.
    """
    success: dict[str, Any] = {}
    already, unknown = [], []
    with store.write(alone="actions"):
        rows = _last_handed_out(store, executor, workflows, but)
        for name in workflows:
            row = rows.get(name)
            if row is None:
                unknown.append(name)
            elif name in success or row.reported_at is not None or row.state == ActionState.DONE.value:
                already.append(name)
            else:
                success[name] = row
        _close_all(store, list(success.values()), executor)
    return Reported(tuple(success), tuple(already), tuple(unknown))


def _last_handed_out(store: Store, executor: str, workflows: Sequence[str], but: Collection[str]) -> dict[str, Any]:
    """By workflow the action that a report is about; where none was ever handed out, the newest one.

    What another executor has claimed was never handed to this one.
    """
    table = store.tables.action
    others = claims(store, by_others_than=executor)
    names = sorted(set(workflows))
    found: dict[str, Any] = {}
    for begin in range(0, len(names), 500):  # SQLite binds 999 values at most
        mine = table.workflow.in_(names[begin : begin + 500]) & table.id.not_in(others)
        if but:
            mine &= table.kind.not_in(list(but))
        columns = (
            table.number,
            table.id,
            table.workflow,
            table.state,
            table.handed_event,
            table.reported_at,
            table.note,
        )
        for row in table.select(*columns).where(mine).order_by(table.number).namedtuples():
            last = found.get(row.workflow)
            if last is None or (row.handed_event or 0) >= (last.handed_event or 0):
                found[row.workflow] = row
    return found


def _close_all(store: Store, rows: Sequence[Any], executor: str) -> None:
    """As `close` for each, by few statements: executors report a hundred at once."""
    table, event, at = store.tables.action, store.tables.action_event, store.now()
    events = []
    for row in rows:
        may_end = ActionState.DONE in TRANSITIONS[ActionState(row.state)]
        after, note = (ActionState.DONE.value, "") if may_end else (row.state, _ALL_THE_SAME)
        events.append((row.id, row.workflow, at, executor, row.state, after, note))
    fields = [event.action_id, event.workflow, event.at, event.user_name, event.from_state, event.to_state, event.note]
    for begin in range(0, len(rows), 100):
        some = [row.number for row in rows[begin : begin + 100]]
        event.insert_many(events[begin : begin + 100], fields).execute()
        mine = table.number.in_(some)
        table.update(reported_at=at).where(mine).execute()
        ending = table.state.in_([state.value for state, targets in TRANSITIONS.items() if ActionState.DONE in targets])
        table.update(state=ActionState.DONE.value, changed_at=at).where(mine & ending).execute()


def close(store: Store, row: Any, executor: str, reference: str = "") -> None:
    """An executor did the action *row*; if it may not end as DONE any more, only the event says so."""
    if reference:
        table = store.tables.action
        table.update(reference=reference).where(table.number == row.number).execute()
    _close_all(store, [row], executor)
