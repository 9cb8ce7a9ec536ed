"""Finding actions: by state, kind, user, name, time, or the submit that they were part of."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import fn

from wwt_framework.model import Action, ActionState
from wwt_framework.store import Store
from wwt_framework.store.ledger.life import actions_of


@dataclass(frozen=True, slots=True)
class ActionSearch:
    """Which actions are wanted; empty fields do not matter."""

    states: Collection[ActionState] = ()
    kinds: Collection[str] = ()
    users: Collection[str] = ()
    text: str = ""  # part of the workflow's name, without case
    since: datetime | None = None  # submitted then or later
    draft: str = ""
    rehearsals: bool | None = None  # None: both
    reason: str = ""  # short name of one of its reasons


def search_actions(store: Store, wanted: ActionSearch, limit: int, offset: int = 0) -> tuple[list[Action], int]:
    """The newest actions that fit, from *offset* on, and how many fit in all."""
    table: Any = store.tables.action
    fits = _condition(store, wanted)
    with store.connection():
        total: int = table.select().where(fits).count()
        numbers = table.select(table.number).where(fits).order_by(table.number.desc()).limit(limit).offset(offset)
        found = actions_of(store, table.number.in_([row[0] for row in numbers.tuples()])) if total else []
    return found[::-1], total


def count_actions(store: Store, wanted: ActionSearch) -> dict[ActionState, int]:
    """State -> how many of the actions that fit are in it; states without any are left out."""
    table: Any = store.tables.action
    query = table.select(table.state, fn.COUNT(table.number)).where(_condition(store, wanted)).group_by(table.state)
    with store.connection():
        return {ActionState(state): count for state, count in query.tuples()}


def rehearsed_among(store: Store, ids: Collection[str]) -> set[str]:
    """Those of the actions that were rehearsals: nothing was done."""
    table: Any = store.tables.action
    with store.connection():
        return {row[0] for row in table.select(table.id).where(table.id.in_(list(ids)) & table.rehearsed).tuples()}


def action_users(store: Store) -> list[str]:
    """Everybody who ever asked for an action, by name."""
    table: Any = store.tables.action
    with store.connection():
        return [row[0] for row in table.select(table.user_name).distinct().order_by(table.user_name).tuples()]


def _condition(store: Store, wanted: ActionSearch) -> Any:
    table: Any = store.tables.action
    fits = table.number > 0
    if wanted.states:
        fits &= table.state.in_([state.value for state in wanted.states])
    if wanted.kinds:
        fits &= table.kind.in_(list(wanted.kinds))
    if wanted.users:
        fits &= table.user_name.in_(list(wanted.users))
    if wanted.text:
        fits &= table.workflow.contains(wanted.text)
    if wanted.since is not None:
        fits &= table.submitted_at >= wanted.since
    if wanted.draft:
        fits &= table.draft == wanted.draft
    if wanted.reason:  # reasons are kept as [["short","long"],...]
        fits &= table.reasons.cast("TEXT").contains(f"[{json.dumps(wanted.reason)},")
    if wanted.rehearsals is not None:
        fits &= table.rehearsed if wanted.rehearsals else ~table.rehearsed
    return fits
