"""The executor's side of the ledger: it fetches open actions, and reports workflows that it has dealt with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from wwt_framework.model import OPEN_STATES, TRANSITIONS, Action, ActionState
from wwt_framework.plugin import Reported
from wwt_framework.store import Store
from wwt_framework.store.ledger.life import action_of, put, write_event

_OPEN = [state.value for state in OPEN_STATES]


def hand_out(
    store: Store, executor: str, since: datetime | None = None, kinds: Sequence[str] | None = None
) -> list[Action]:
    """The open actions, oldest first; those QUEUED become SENT. All in one transaction.

    *since*: submitted then or later. *kinds*: only these (None: all).
    What was SENT before is handed out again: an executor may ask twice and lose nothing.
    """
    table = store.tables.action
    query = table.select().where(table.state.in_(_OPEN)).order_by(table.number)
    if since is not None:
        query = query.where(table.submitted_at >= since)
    if kinds is not None:
        query = query.where(table.kind.in_(list(kinds)))
    with store.write(alone="actions"):
        rows = list(query)
        for row in rows:
            if row.state == ActionState.QUEUED.value:
                number = put(store, row, ActionState.SENT, executor, "")
                table.update(handed_event=number).where(table.number == row.number).execute()
    return [action_of(row) for row in rows]


def report(store: Store, executor: str, workflows: Sequence[str]) -> Reported:
    """Close the action that was last handed out under each name; a newer one stays open.

    A name whose action was withdrawn, superseded or failed meanwhile is a success, too, the first time:
    the executor did it, and would stop at a name that is missing from ``success``.
    """
    success, already, unknown = [], [], []
    with store.write(alone="actions"):
        for name in workflows:
            row = _last_handed_out(store, name)
            if row is None:
                unknown.append(name)
            elif row.reported_at is not None or row.state == ActionState.DONE.value:
                already.append(name)
            else:
                _close(store, row, executor)
                success.append(name)
    return Reported(tuple(success), tuple(already), tuple(unknown))


def _last_handed_out(store: Store, workflow: str) -> Any:
    """The action that a report of *workflow* is about; where none was ever handed out, the newest one."""
    table = store.tables.action
    mine = table.select().where(table.workflow == workflow)
    handed = mine.where(table.handed_event.is_null(False)).order_by(table.handed_event.desc()).first()
    return handed or mine.order_by(table.number.desc()).first()


def _close(store: Store, row: Any, executor: str) -> None:
    state = ActionState(row.state)
    at = store.now()
    if ActionState.DONE in TRANSITIONS[state]:
        put(store, row, ActionState.DONE, executor, "", reported_at=at)
    else:
        write_event(store, row, state, state, user=executor, note="reported all the same")
        table = store.tables.action
        table.update(reported_at=at).where(table.number == row.number).execute()
