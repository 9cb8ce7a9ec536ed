"""What operators asked for and what became of it. An action moves only as `TRANSITIONS` says, each move is an event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import fn

from wwt_framework.errors import IllegalTransition, NotFound
from wwt_framework.model import OPEN_STATES, TRANSITIONS, Action, ActionState
from wwt_framework.store import Store
from wwt_framework.store.ledger.life import ActionEvent, action_of, event_of, put, write_event

_OPEN = [state.value for state in OPEN_STATES]
#: States that a newer action on the same workflow ends.
_REPLACEABLE = [state.value for state, targets in TRANSITIONS.items() if ActionState.SUPERSEDED in targets]


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a submit."""

    kept: tuple[Action, ...] = ()
    superseded: tuple[Action, ...] = ()
    conflicts: Mapping[str, ActionEvent] | None = None  # workflow -> what a colleague did since the page was drawn
    repeated: bool = False  # this draft was kept before; ``kept`` is what was kept then


def submit(
    store: Store,
    actions: Sequence[Action],
    draft: str = "",
    seen: Mapping[str, int] | None = None,
    *,
    rehearsal: bool = False,
) -> Submitted:
    """Keep *actions*, all QUEUED; what was open or failed on the same workflows becomes SUPERSEDED.

    *draft*: the id of the whole submit; the second time it changes nothing ("": no such protection).
    *seen*: workflow -> number of the last event that the operator saw; a workflow with a newer one is a conflict,
    and its action is not kept. *rehearsal*: nobody shall ever carry them out.
    """
    kept, superseded, conflicts = [], [], {}
    with store.write(alone="actions"):
        if draft and (before := _kept_before(store, draft)):
            return Submitted(kept=before, repeated=True)
        for action in actions:
            last = _last_event(store, action.workflow)
            if seen is not None and action.workflow in seen and last and last.number > seen[action.workflow]:
                conflicts[action.workflow] = last
                continue
            superseded += _supersede(store, action)
            kept.append(_keep(store, action, draft, rehearsal))
    return Submitted(tuple(kept), tuple(superseded), conflicts)


def move(
    store: Store,
    action_id: str,
    to: ActionState,
    user: str,
    note: str = "",
    *,
    reference: str = "",
    rehearsed: bool = False,
) -> Action:
    """Move an action to another state. Raises `NotFound`, and `IllegalTransition` when it may not go there."""
    with store.write(alone="actions"):
        row = _row(store, action_id)
        state = ActionState(row.state)
        if to not in TRANSITIONS[state]:
            may = ", ".join(sorted(target.value for target in TRANSITIONS[state])) or "nothing else"
            raise IllegalTransition(
                f"The action {row.kind} on {row.workflow} is {state.value} and can become {may}, not {to.value}."
            )
        changes: dict[str, Any] = {"reference": reference} if reference else {}
        if rehearsed:
            changes["rehearsed"] = True
        put(store, row, to, user, note, **changes)
        return action_of(row)


def action(store: Store, action_id: str) -> Action:
    """The action with this id. Raises `NotFound`."""
    with store.connection():
        return action_of(_row(store, action_id))


def open_actions(store: Store, workflows: Iterable[str] | None = None, since: datetime | None = None) -> list[Action]:
    """Actions that are QUEUED or SENT, oldest first; on *workflows* only, submitted at *since* or later."""
    return _listed(store, _OPEN, workflows, since)


def done_actions(store: Store, workflows: Iterable[str] | None = None, since: datetime | None = None) -> list[Action]:
    """Actions that are DONE, oldest first. Rehearsals are left out: nothing was done."""
    return _listed(store, [ActionState.DONE.value], workflows, since)


def actions_on(store: Store, workflow: str) -> list[Action]:
    """Every action on *workflow*, in any state, oldest first."""
    return _listed(store, None, [workflow], None, rehearsals=True)


def actions_on_any(store: Store, workflows: Iterable[str]) -> list[Action]:
    """Every action on any of *workflows*, in any state, oldest first."""
    return _listed(store, None, workflows, None, rehearsals=True)


def actions_with(store: Store, ids: Iterable[str]) -> list[Action]:
    """The actions with these ids, oldest first; ids of none are left out."""
    table: Any = store.tables.action
    with store.connection():
        rows = [row for some in _slices(ids) for row in table.select().where(table.id.in_(some))]
    return [action_of(row) for row in sorted(rows, key=lambda row: row.number)]


def events_numbered(store: Store, numbers: Iterable[int]) -> dict[int, ActionEvent]:
    """Number -> event; numbers of none are left out."""
    table: Any = store.tables.action_event
    with store.connection():
        rows = [row for some in _slices(numbers) for row in table.select().where(table.number.in_(some))]
    return {row.number: event_of(row) for row in rows}


def last_events_of(store: Store, workflows: Iterable[str]) -> dict[str, ActionEvent]:
    """Workflow -> the last event on it; workflows on which nothing ever happened are left out."""
    table: Any = store.tables.action_event
    with store.connection():
        numbers = [
            row[0]
            for names in _slices(workflows)
            for row in table.select(fn.MAX(table.number))
            .where(table.workflow.in_(names))
            .group_by(table.workflow)
            .tuples()
        ]
        rows = [row for some in _slices(numbers) for row in table.select().where(table.number.in_(some))]
    return {row.workflow: event_of(row) for row in rows}


def events(store: Store, action_id: str) -> list[ActionEvent]:
    """The life of one action, oldest event first; none for an unknown action."""
    table = store.tables.action_event
    with store.connection():
        rows = table.select().where(table.action_id == action_id).order_by(table.number)
        return [event_of(row) for row in rows]


def last_events(store: Store, workflows: Iterable[str]) -> dict[str, int]:
    """Number of the last event on each workflow, 0 where nothing ever happened: what `Draft.seen` is made of."""
    names = list(workflows)
    found = last_events_of(store, names)
    return {name: found[name].number if name in found else 0 for name in names}


def marks(store: Store, since: datetime | None = None) -> dict[str, str]:
    """Workflow -> "pending" (an action is open) or "acted" (one was done at *since* or later).

    Pending wins: something is still to be done. Workflows without either are left out.
    """
    table: Any = store.tables.action
    acted = (table.state == ActionState.DONE.value) & ~table.rehearsed
    if since is not None:
        acted &= table.changed_at >= since
    with store.connection():
        found = {row[0]: "acted" for row in table.select(table.workflow).where(acted).distinct().tuples()}
        pending = table.select(table.workflow).where(table.state.in_(_OPEN)).distinct().tuples()
        found.update((row[0], "pending") for row in pending)
    return found


def _kept_before(store: Store, draft: str) -> tuple[Action, ...]:
    table = store.tables.action
    return tuple(action_of(row) for row in table.select().where(table.draft == draft).order_by(table.number))


def _supersede(store: Store, newer: Action) -> list[Action]:
    table = store.tables.action
    older = table.select().where((table.workflow == newer.workflow) & table.state.in_(_REPLACEABLE))
    ended = []
    for row in list(older.order_by(table.number)):
        put(store, row, ActionState.SUPERSEDED, newer.user, f"{newer.user} asked for {newer.kind} instead")
        ended.append(action_of(row))
    return ended


def _keep(store: Store, action: Action, draft: str, rehearsal: bool) -> Action:
    if action.state is not ActionState.QUEUED:
        raise IllegalTransition(f"An action begins as {ActionState.QUEUED.value}, not as {action.state.value}.")
    row = store.tables.action.create(
        id=action.id,
        draft=draft,
        kind=action.kind,
        workflow=action.workflow,
        field_values=dict(action.values),
        task_values={task: dict(values) for task, values in action.task_values.items()},
        reasons=[[reason.short, reason.long] for reason in action.reasons],
        user_name=action.user,
        state=action.state.value,
        submitted_at=action.submitted_at,
        changed_at=action.changed_at,
        reference=action.reference,
        note=action.note,
        rehearsed=rehearsal,
        acdcs=list(action.acdcs),
        expires_at=action.expires_at,
    )
    write_event(store, row, None, ActionState.QUEUED, user=action.user, note=action.note)
    return action_of(row)


def _listed(
    store: Store,
    states: list[str] | None,
    workflows: Iterable[str] | None,
    since: datetime | None,
    *,
    rehearsals: bool = False,
) -> list[Action]:
    table = store.tables.action
    query = table.select().order_by(table.number)
    if states is not None:
        query = query.where(table.state.in_(states))
    if not rehearsals:
        query = query.where(~table.rehearsed)
    if since is not None:
        query = query.where(table.submitted_at >= since)
    with store.connection():
        if workflows is None:
            return [action_of(row) for row in query]
        rows = [row for names in _slices(workflows) for row in query.where(table.workflow.in_(names))]
    return [action_of(row) for row in sorted(rows, key=lambda row: row.number)]


def _slices(values: Iterable[Any]) -> list[list[Any]]:
    """*values*, each once, in portions: SQLite binds 999 values at most."""
    wanted = sorted(set(values))
    return [wanted[i : i + 500] for i in range(0, len(wanted), 500)]


def _last_event(store: Store, workflow: str) -> ActionEvent | None:
    table = store.tables.action_event
    row = table.select().where(table.workflow == workflow).order_by(table.number.desc()).first()
    return event_of(row) if row else None


def _row(store: Store, action_id: str) -> Any:
    row = store.tables.action.get_or_none(store.tables.action.id == action_id)
    if row is None:
        raise NotFound(f"There is no action {action_id!r}.")
    return row
