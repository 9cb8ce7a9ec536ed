"""Actions of another installation, or of the original, taken over with their own times."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wwt_framework.model import TRANSITIONS, Action, ActionState
from wwt_framework.store import Store
from wwt_framework.store.ledger.life import put, write_event

_REPLACEABLE = [state.value for state, targets in TRANSITIONS.items() if ActionState.SUPERSEDED in targets]


def import_actions(store: Store, actions: Iterable[Action], user: str) -> int:
    """Keep those of *actions* (QUEUED or DONE) whose ids are not here yet, in the order of their times; how many.

    One that is still to be done takes the place of an older one on the same workflow, and comes in as superseded
    where something newer is here: what is here counts more than what is taken over.
    """
    table = store.tables.action
    kept = 0
    with store.write(alone="actions"):
        for action in sorted(actions, key=lambda one: one.submitted_at):
            if table.select().where(table.id == action.id).exists():
                continue
            is_old = _has_newer(store, action)
            state = ActionState.SUPERSEDED if is_old and action.state is ActionState.QUEUED else action.state
            if state is ActionState.QUEUED:
                for row in table.select().where((table.workflow == action.workflow) & table.state.in_(_REPLACEABLE)):
                    put(store, row, ActionState.SUPERSEDED, user, f"{action.user} asked for {action.kind} instead")
            _keep(store, action, state, user)
            kept += 1
    return kept


def _has_newer(store: Store, action: Action) -> bool:
    table = store.tables.action
    return bool(
        table.select().where((table.workflow == action.workflow) & (table.submitted_at >= action.submitted_at)).exists()
    )


def _keep(store: Store, action: Action, state: ActionState, user: str) -> None:
    at = action.submitted_at
    row: Any = store.tables.action.create(
        id=action.id, draft="", kind=action.kind, workflow=action.workflow, field_values=dict(action.values),
        task_values={task: dict(values) for task, values in action.task_values.items()},
        reasons=[[reason.short, reason.long] for reason in action.reasons], user_name=action.user, state=state.value,
        submitted_at=at, changed_at=at, reference=action.reference, note="imported",
        reported_at=at if state is ActionState.DONE else None, rehearsed=False, acdcs=list(action.acdcs),
        expires_at=None,
    )  # fmt: skip
    write_event(store, row, None, ActionState.QUEUED, user=action.user, note="imported", at=at)
    if state is not ActionState.QUEUED:
        write_event(store, row, ActionState.QUEUED, state, user=user, note="imported", at=at)
