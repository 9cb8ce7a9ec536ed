"""How an action and its events stand in the store; shared by the operators' and the executor's side of the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from wwt_framework.model import Action, ActionState, Reason
from wwt_framework.store import Store
from wwt_framework.store.fields import Json, Moment

#: Columns of an action in the order of the fields of `Action`.
_COLUMNS = (
    "id", "kind", "workflow", "field_values", "task_values", "reasons", "user_name", "state", "submitted_at",
    "changed_at", "reference", "note", "acdcs", "expires_at",
)  # fmt: skip
_json: Any = Json().python_value
_at: Any = Moment().python_value
_STATES = {state.value: state for state in ActionState}
#: Actions that are kept in memory, with what can change of them, by number; per store.
_KNOWN: WeakKeyDictionary[Store, dict[int, tuple[tuple[Any, ...], Action]]] = WeakKeyDictionary()
_MOST_KNOWN = 20_000


@dataclass(frozen=True, slots=True)
class ActionEvent:
    """Something that happened to an action. ``before`` None: it was submitted; equal to ``after``: it did not move."""

    number: int  # grows with time, over all actions
    action: str  # Action.id
    workflow: str
    at: datetime
    user: str
    before: ActionState | None
    after: ActionState
    note: str


def put(store: Store, row: Any, to: ActionState, user: str, note: str, **changes: Any) -> int:
    """Move *row*, which may go there, and write the event; returns the event's number."""
    number = write_event(store, row, ActionState(row.state), to, user=user, note=note)
    at = store.now()
    store.tables.action.update(state=to.value, changed_at=at, note=note or row.note, **changes).where(
        store.tables.action.number == row.number
    ).execute()
    row.state, row.changed_at, row.note = to.value, at, note or row.note
    for name, value in changes.items():
        setattr(row, name, value)
    return number


def write_event(
    store: Store,
    row: Any,
    before: ActionState | None,
    after: ActionState,
    *,
    user: str,
    note: str,
    at: datetime | None = None,
) -> int:
    """Say in the life of the action *row* what happened, at *at* or now; returns the event's number."""
    event = store.tables.action_event.create(
        action_id=row.id,
        workflow=row.workflow,
        at=at or store.now(),
        user_name=user,
        from_state=before.value if before else "",
        to_state=after.value,
        note=note,
    )
    number: int = event.number
    return number


def action_of(row: Any) -> Action:
    return Action(
        id=row.id,
        kind=row.kind,
        workflow=row.workflow,
        values=row.field_values,
        task_values=row.task_values,
        reasons=tuple(Reason(short, long) for short, long in row.reasons),
        user=row.user_name,
        state=ActionState(row.state),
        submitted_at=row.submitted_at,
        changed_at=row.changed_at,
        reference=row.reference,
        note=row.note,
        acdcs=tuple(row.acdcs),
        expires_at=row.expires_at,
    )


def actions_of(store: Store, wanted: Any) -> list[Action]:
    """The actions that *wanted* says, oldest first.

    What was read before is only looked at for what can change: an executor polls for the same thousands.
    """
    table = store.tables.action
    changing = (table.number, table.state, table.changed_at, table.reference, table.note)
    with store.connection():
        now = store.database.execute(table.select(*changing).where(wanted).order_by(table.number)).fetchall()
        known = _KNOWN.setdefault(store, {})
        pairs = [(row, known.get(row[0])) for row in now]  # kept here: another thread may clear what is known
        fresh = [row[0] for row, kept in pairs if kept is None or kept[0] != row[1:]]
        read = dict(one for some in _slices(fresh) for one in _read(store, some))
    if len(known) + len(read) > _MOST_KNOWN:
        known.clear()
    known.update((row[0], (row[1:], read[row[0]])) for row, _ in pairs if row[0] in read)
    found = [read.get(row[0]) or (kept[1] if kept else None) for row, kept in pairs]
    return [action for action in found if action is not None]


def _read(store: Store, numbers: list[int]) -> list[tuple[int, Action]]:
    table = store.tables.action
    query: Any = table.select(table.number, *columns_of(table)).where(table.number.in_(numbers))
    return [(row[0], action_of_columns(row[1:])) for row in store.database.execute(query).fetchall()]


def columns_of(table: Any) -> list[Any]:
    """The columns that `action_of_columns` makes an action of."""
    return [getattr(table, name) for name in _COLUMNS]


def action_of_columns(row: Sequence[Any]) -> Action:
    """The action of one row of `columns_of` as the database gave it: peewee takes ten times as long to make one."""
    (
        id_, kind, workflow, values, tasks, reasons, user, state, submitted, changed, reference, note, acdcs, expires,
    ) = row  # fmt: skip
    return Action(
        id_, kind, workflow, _json(values), _json(tasks), tuple([Reason(short, long) for short, long in _json(reasons)]),
        user, _STATES[state], _at(submitted), _at(changed), reference, note, tuple(_json(acdcs)), _at(expires),
    )  # fmt: skip


def _slices(numbers: list[int]) -> Iterator[list[int]]:
    """SQLite binds 999 values at most."""
    return (numbers[i : i + 900] for i in range(0, len(numbers), 900))


def event_of(row: Any) -> ActionEvent:
    return ActionEvent(
        number=row.number,
        action=row.action_id,
        workflow=row.workflow,
        at=row.at,
        user=row.user_name,
        before=ActionState(row.from_state) if row.from_state else None,
        after=ActionState(row.to_state),
        note=row.note,
    )
