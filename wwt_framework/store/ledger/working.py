"""The job's side of the ledger: what it carries out itself, what ends by itself, and what was not told yet."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from peewee import fn

from wwt_framework.errors import NotFound
from wwt_framework.model import OPEN_STATES, Action, ActionState
from wwt_framework.store import Store
from wwt_framework.store.ledger.life import ActionEvent, action_of, actions_of, event_of, put, write_event

_OPEN = [state.value for state in OPEN_STATES]
#: What stands in the life of an action whose time was over when it was done already.
TIME_OVER = "its time is over"


def open_actions_of(store: Store, kinds: Iterable[str], state: ActionState) -> list[Action]:
    """Actions of these kinds in *state*, oldest first, without rehearsals."""
    table: Any = store.tables.action
    with store.connection():
        return actions_of(store, (table.state == state.value) & table.kind.in_(list(kinds)) & ~table.rehearsed)


def has_open(store: Store, kinds: Iterable[str]) -> bool:
    """Whether an action of these kinds is QUEUED or SENT."""
    table: Any = store.tables.action
    with store.connection():
        mine = table.state.in_(_OPEN) & table.kind.in_(list(kinds)) & ~table.rehearsed
        found: bool = table.select().where(mine).exists()
    return found


def queued_rehearsals(store: Store) -> list[Action]:
    """Actions that were submitted as rehearsals and did not end yet."""
    table: Any = store.tables.action
    with store.connection():
        return actions_of(store, (table.state == ActionState.QUEUED.value) & table.rehearsed)


def note(store: Store, action_id: str, user: str, text: str) -> None:
    """Write into the life of an action something that does not move it. Raises `NotFound`."""
    with store.write(alone="actions"):
        row = store.tables.action.get_or_none(store.tables.action.id == action_id)
        if row is None:
            raise NotFound(f"There is no action {action_id!r}.")
        write_event(store, row, ActionState(row.state), ActionState(row.state), user=user, note=text)


# -- what ends by itself --


def _expired(store: Store, now: datetime) -> Any:
    """Actions whose time is over, and of which that was not noted yet."""
    table, event = store.tables.action, store.tables.action_event
    noted = event.select(event.action_id).where(event.note == TIME_OVER)
    ended = table.expires_at.is_null(False) & (table.expires_at <= now)
    done = (table.state == ActionState.DONE.value) & ~table.rehearsed & table.id.not_in(noted)
    return ended & (table.state.in_(_OPEN) | done)


def has_expired(store: Store, now: datetime) -> bool:
    """Whether the time of some action is over."""
    with store.connection():
        found: bool = store.tables.action.select().where(_expired(store, now)).exists()
    return found


def expire(store: Store, now: datetime) -> list[Action]:
    """Take back open actions whose time is over; note it for those that are done. Gives them as they are then."""
    table: Any = store.tables.action
    ended = []
    with store.write(alone="actions"):
        for row in list(table.select().where(_expired(store, now)).order_by(table.number)):
            state = ActionState(row.state)
            if state is ActionState.DONE:
                write_event(store, row, state, state, user="wwt", note=TIME_OVER)
            else:
                put(store, row, ActionState.WITHDRAWN, "wwt", TIME_OVER)
            ended.append(action_of(row))
    return ended


def withdraw_queued(store: Store, draft: str, user: str, note: str) -> list[Action]:
    """Take back what was submitted as *draft* and no executor has yet, all in one transaction; gives what it was."""
    table: Any = store.tables.action
    waiting = (table.draft == draft) & (table.state == ActionState.QUEUED.value)
    with store.write(alone="actions"):
        rows = list(table.select().where(waiting).order_by(table.number)) if draft else []
        for row in rows:
            put(store, row, ActionState.WITHDRAWN, user, note)
    return [action_of(row) for row in rows]


# -- what was not told yet --


def last_event_number(store: Store) -> int:
    """Number of the last event of any action, 0 when nothing ever happened."""
    table: Any = store.tables.action_event
    with store.connection():
        return int(table.select(fn.MAX(table.number)).scalar() or 0)


def events_since(store: Store, number: int, limit: int) -> list[tuple[ActionEvent, Action]]:
    """The first events after *number*, oldest first, each with its action as it is now."""
    table, action = store.tables.action_event, store.tables.action
    with store.connection():
        rows = list(table.select().where(table.number > number).order_by(table.number).limit(limit))
        found = {one.id: one for one in actions_of(store, action.id.in_([row.action_id for row in rows]))}
    return [(event_of(row), found[row.action_id]) for row in rows]
