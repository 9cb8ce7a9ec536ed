"""What was on the page when an action was decided: JSON, compressed. Kept with the action, pruned by age."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from wwt_framework.model import Action, ActionState
from wwt_framework.store import Store
from wwt_framework.store.ledger.life import actions_of


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was kept of one action."""

    action: str  # Action.id
    workflow: str
    snapshot: str  # version of what was looked at
    at: datetime
    content: Mapping[str, Any]


def pack(content: Mapping[str, Any]) -> bytes:
    """*content* as it is kept."""
    return zlib.compress(orjson.dumps(content, default=str, option=orjson.OPT_NON_STR_KEYS), 6)


def keep_evidence(store: Store, snapshot: str, packed: Iterable[tuple[str, str, bytes]]) -> None:
    """Keep (action id, workflow, what `pack` made) of each action."""
    table: Any = store.tables.evidence
    at = store.now()
    rows = [(action, workflow, snapshot, at, content) for action, workflow, content in packed]
    fields = [table.action_id, table.workflow, table.snapshot, table.at, table.content]
    with store.write():
        for first in range(0, len(rows), 100):
            table.insert_many(rows[first : first + 100], fields=fields).execute()


def evidence(store: Store, action_id: str) -> Evidence | None:
    """What was on the page when the action was decided; None when that was not kept, or is pruned."""
    table: Any = store.tables.evidence
    with store.connection():
        row = table.get_or_none(table.action_id == action_id)
    if row is None:
        return None
    content = orjson.loads(zlib.decompress(bytes(row.content)))
    return Evidence(row.action_id, row.workflow, row.snapshot, row.at, content)


def forget_evidence(store: Store, before: datetime) -> int:
    """Forget what was kept before; gives of how many actions."""
    table: Any = store.tables.evidence
    with store.write():
        forgotten: int = table.delete().where(table.at < before).execute()
    return forgotten


def has_evidence(store: Store, action_id: str) -> bool:
    """Whether it is kept what was on the page."""
    table: Any = store.tables.evidence
    with store.connection():
        found: bool = table.select().where(table.action_id == action_id).exists()
    return found


def decided(
    store: Store, states: Collection[ActionState], since: datetime | None = None, at_once: int = 200
) -> Iterator[tuple[Action, Mapping[str, Any]]]:
    """Actions in *states* that were no rehearsals, with what was on the page, oldest first; *at_once* in memory.

    Those of which it was not kept are left out.
    """
    actions: Any = store.tables.action
    kept: Any = store.tables.evidence
    wanted = actions.state.in_([state.value for state in states]) & ~actions.rehearsed
    if since is not None:
        wanted &= actions.submitted_at >= since
    query = actions.select(actions.number).join(kept, on=(kept.action_id == actions.id)).where(wanted)
    with store.connection():
        numbers = [row[0] for row in query.order_by(actions.submitted_at, actions.number).tuples()]
    for first in range(0, len(numbers), at_once):
        some = numbers[first : first + at_once]
        with store.connection():
            found = sorted(actions_of(store, actions.number.in_(some)), key=lambda action: action.submitted_at)
            rows = kept.select(kept.action_id, kept.content).where(kept.action_id.in_([one.id for one in found]))
            contents = {action_id: bytes(content) for action_id, content in rows.tuples()}
        for action in found:
            if action.id in contents:  # it may have been pruned meanwhile
                yield action, orjson.loads(zlib.decompress(contents[action.id]))


def last_decided(store: Store, states: Collection[ActionState]) -> dict[str, str]:
    """Workflow -> id of its last action in *states* that was no rehearsal and of which evidence is kept."""
    actions: Any = store.tables.action
    kept: Any = store.tables.evidence
    wanted = actions.state.in_([state.value for state in states]) & ~actions.rehearsed
    query = actions.select(actions.workflow, actions.id).join(kept, on=(kept.action_id == actions.id)).where(wanted)
    with store.connection():
        return dict(query.order_by(actions.submitted_at, actions.number).tuples())
