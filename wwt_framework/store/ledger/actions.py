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
from wwt_framework.store.ledger.life import ActionEvent, action_of, event_of, put

_OPEN = [state.value for state in OPEN_STATES]
#: Actions that are kept by one statement: SQLite of old binds 999 values at most.
_AT_ONCE = 50
_KEPT = (
    "id", "draft", "kind", "workflow", "field_values", "task_values", "reasons", "user_name", "state", "submitted_at",
    "changed_at", "reference", "note", "rehearsed", "acdcs", "expires_at",
)  # fmt: skip
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
    told = Submitted(conflicts={})
    with store.write(alone="actions"):
        if draft and (before := _kept_before(store, draft)):
            return Submitted(kept=before, repeated=True)
        for some in _portions(actions):
            told = _submit_some(store, some, draft, seen, rehearsal, told)
    return told


def _portions(actions: Sequence[Action]) -> list[list[Action]]:
    """*actions* in their order, in portions in which no workflow occurs twice: a later one takes the place of a former."""
    portions: list[list[Action]] = []
    names: set[str] = set()
    for action in actions:
        if not portions or action.workflow in names or len(portions[-1]) >= _AT_ONCE:
            portions.append([])
            names = set()
        portions[-1].append(action)
        names.add(action.workflow)
    return portions


def _submit_some(
    store: Store, actions: list[Action], draft: str, seen: Mapping[str, int] | None, rehearsal: bool, before: Submitted
) -> Submitted:
    """Keep *actions*, each on another workflow, after what came *before* in the same submit."""
    last = last_events_of(store, seen.keys() & {action.workflow for action in actions}) if seen else {}
    conflicts = {name: event for name, event in last.items() if seen and event.number > seen[name]}
    kept = [action for action in actions if action.workflow not in conflicts]
    superseded = _supersede(store, kept, rehearsal)
    _keep(store, kept, draft, rehearsal)
    return Submitted(
        (*before.kept, *kept), (*before.superseded, *superseded), {**(before.conflicts or {}), **conflicts}
    )


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
    """Every action on any of *workflows*, in any state, oldest first. Rehearsals are left out."""
    return _listed(store, None, workflows, None)


def workflows_acted_on(store: Store) -> set[str]:
    """Workflows on which anything was ever asked for, whatever became of it; rehearsals do not count."""
    table: Any = store.tables.action
    with store.connection():
        return {row[0] for row in table.select(table.workflow).where(~table.rehearsed).distinct().tuples()}


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


def marks(store: Store, since: datetime | None = None, workflows: Iterable[str] | None = None) -> dict[str, str]:
    """Workflow -> "pending" (an action is open) or "acted" (one was done at *since* or later); of *workflows* only.

    Pending wins: something is still to be done. Workflows without either are left out.
    """
    table: Any = store.tables.action
    acted = (table.state == ActionState.DONE.value) & ~table.rehearsed
    if since is not None:
        acted &= table.changed_at >= since
    found: dict[str, str] = {}
    with store.connection():
        for mark, rows in (("acted", acted), ("pending", table.state.in_(_OPEN) & ~table.rehearsed)):
            whole = table.select(table.workflow).where(rows).distinct()
            parts = [whole] if workflows is None else [whole.where(table.workflow.in_(n)) for n in _slices(workflows)]
            found.update((row[0], mark) for part in parts for row in part.tuples())
    return found


def _kept_before(store: Store, draft: str) -> tuple[Action, ...]:
    table = store.tables.action
    return tuple(action_of(row) for row in table.select().where(table.draft == draft).order_by(table.number))


def _supersede(store: Store, newer: Sequence[Action], rehearsal: bool) -> list[Action]:
    """End what is open or failed on the same workflows; a rehearsal ends nothing but rehearsals."""
    table = store.tables.action
    by_workflow = {action.workflow: action for action in newer}
    older = table.workflow.in_(list(by_workflow)) & table.state.in_(_REPLACEABLE)
    older &= table.rehearsed == rehearsal
    ended = []
    for row in list(table.select().where(older).order_by(table.number)):
        instead = by_workflow[row.workflow]
        put(store, row, ActionState.SUPERSEDED, instead.user, f"{instead.user} asked for {instead.kind} instead")
        ended.append(action_of(row))
    return ended


def _keep(store: Store, actions: Sequence[Action], draft: str, rehearsal: bool) -> None:
    for action in actions:
        if action.state is not ActionState.QUEUED:
            raise IllegalTransition(f"An action begins as {ActionState.QUEUED.value}, not as {action.state.value}.")
    if not actions:
        return
    table, event, at = store.tables.action, store.tables.action_event, store.now()
    rows = [
        (
            action.id, draft, action.kind, action.workflow, dict(action.values),
            {task: dict(values) for task, values in action.task_values.items()},
            [[reason.short, reason.long] for reason in action.reasons], action.user, action.state.value,
            action.submitted_at, action.changed_at, action.reference, action.note, rehearsal, list(action.acdcs),
            action.expires_at,
        )
        for action in actions
    ]  # fmt: skip
    table.insert_many(rows, fields=[getattr(table, name) for name in _KEPT]).execute()
    events = [
        (action.id, action.workflow, at, action.user, "", ActionState.QUEUED.value, action.note) for action in actions
    ]
    fields = [event.action_id, event.workflow, event.at, event.user_name, event.from_state, event.to_state, event.note]
    event.insert_many(events, fields=fields).execute()


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


def _row(store: Store, action_id: str) -> Any:
    row = store.tables.action.get_or_none(store.tables.action.id == action_id)
    if row is None:
        raise NotFound(f"There is no action {action_id!r}.")
    return row
