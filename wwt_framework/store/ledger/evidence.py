"""What was on the page when an action was decided: JSON, compressed. Kept with the action, pruned by age.

Logs are three quarters of it, and who counts failed jobs needs none: they are compressed for themselves, behind the rest.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from wwt_framework.model import Action, ActionState
from wwt_framework.store import Store
from wwt_framework.store.ledger.life import action_of_columns, columns_of

_LOGS = "logs"


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
    rest = {key: value for key, value in content.items() if key != _LOGS}
    return _packed(rest) + (_packed(content[_LOGS]) if _LOGS in content else b"")


def _packed(content: Any) -> bytes:
    return zlib.compress(orjson.dumps(content, default=str, option=orjson.OPT_NON_STR_KEYS), 6)


class Packed:
    """What `pack` made. ``rest`` is all of it but the logs, which are unpacked when ``whole`` is asked for."""

    __slots__ = ("_logs", "rest")

    def __init__(self, packed: bytes) -> None:
        inflate = zlib.decompressobj()
        self.rest: Mapping[str, Any] = orjson.loads(inflate.decompress(packed))
        self._logs = inflate.unused_data  # older ones have their logs in the rest

    def whole(self) -> Mapping[str, Any]:
        """All of it."""
        return {**self.rest, _LOGS: orjson.loads(zlib.decompress(self._logs))} if self._logs else self.rest


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
    return Evidence(row.action_id, row.workflow, row.snapshot, row.at, Packed(bytes(row.content)).whole())


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
    store: Store,
    states: Collection[ActionState],
    since: datetime | None = None,
    *,
    last: bool = False,
    at_once: int = 200,
) -> Iterator[tuple[Action, Packed]]:
    """Actions in *states* that were no rehearsals, with what was on the page, oldest first; *at_once* in memory.

    Those of which it was not kept are left out. *last*: of each workflow only the last one.
    """
    actions: Any = store.tables.action
    kept: Any = store.tables.evidence
    wanted = actions.state.in_([state.value for state in states]) & ~actions.rehearsed
    if since is not None:
        wanted &= actions.submitted_at >= since
    query = actions.select(actions.workflow, actions.number).join(kept, on=(kept.action_id == actions.id)).where(wanted)
    with store.connection():
        found = list(query.order_by(actions.submitted_at, actions.number).tuples())
    final = dict(found)
    numbers = [number for workflow, number in found if not last or final[workflow] == number]
    for first in range(0, len(numbers), at_once):
        some = actions.number.in_(numbers[first : first + at_once])
        columns = [*columns_of(actions), kept.content]
        query = actions.select(*columns).join(kept, on=(kept.action_id == actions.id)).where(some)
        with store.connection():  # one may have been pruned meanwhile
            rows = list(query.order_by(actions.submitted_at, actions.number).tuples())
        for row in rows:
            yield action_of_columns(row[:-1]), Packed(bytes(row[-1]))
