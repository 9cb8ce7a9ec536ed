"""What was on the page when an action was decided: JSON, compressed. Kept with the action, pruned by age.

In pieces, each compressed for itself: counts of failed jobs first, logs last. Who counts failed jobs unpacks a tenth of it.
Tasks and sites of the counts are written once.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from peewee import SQL

from wwt_framework.model import Action, ActionState
from wwt_framework.store import Store
from wwt_framework.store.ledger.life import action_of_columns, columns_of

_ERRORS = "errors"
#: What stands in the first piece and in the last; the rest is between them.
_FIRST, _LAST = (_ERRORS, "sites"), ("logs",)


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
    between = [key for key in content if key not in _FIRST and key not in _LAST]
    pieces = ({key: content[key] for key in keys if key in content} for keys in (_FIRST, between, _LAST))
    return b"".join(_packed(piece) for piece in pieces if piece) or _packed({})


def _packed(piece: dict[str, Any]) -> bytes:
    if _ERRORS in piece:
        piece[_ERRORS] = _narrow(piece[_ERRORS])
    return zlib.compress(orjson.dumps(piece, default=str, option=orjson.OPT_NON_STR_KEYS), 6)


def _narrow(cells: Any) -> Any:
    """(task, code, site, count) of all *cells* as one list of numbers, beside the names; what is no such table stays."""
    tasks: dict[str, int] = {}
    sites: dict[str, int] = {}
    numbers: list[int] = []
    try:
        for task, code, site, count in cells:
            numbers += (tasks.setdefault(task, len(tasks)), code, sites.setdefault(site, len(sites)), count)
    except (TypeError, ValueError):
        return cells
    return {"tasks": list(tasks), "sites": list(sites), "cells": numbers}


def _wide(narrow: Mapping[str, Any]) -> list[list[Any]]:
    tasks, sites, numbers = narrow["tasks"], narrow["sites"], iter(narrow["cells"])
    return [[tasks[t], code, sites[s], n] for t, code, s, n in zip(numbers, numbers, numbers, numbers, strict=True)]


class Packed:
    """What `pack` made, unpacked as far as it is asked for. Older ones are of one piece, with cells as they are."""

    __slots__ = ("_left", "_read")

    def __init__(self, packed: bytes) -> None:
        self._left = packed
        self._read: dict[str, Any] = {}

    def with_(self, *keys: str) -> Mapping[str, Any]:
        """As much of it as has all of *keys*, or all of it."""
        while self._left and not all(key in self._read for key in keys):
            inflate = zlib.decompressobj()
            piece: dict[str, Any] = orjson.loads(inflate.decompress(self._left))
            self._left = inflate.unused_data
            if isinstance(piece.get(_ERRORS), dict):
                piece[_ERRORS] = _wide(piece[_ERRORS])
            self._read.update(piece)
        return self._read

    def whole(self) -> Mapping[str, Any]:
        """All of it."""
        return self.with_("")


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
        # as text: to bind each number takes longer than to read what it names
        some = actions.number.in_(SQL(f"({', '.join(map(str, numbers[first : first + at_once]))})"))
        columns = [*columns_of(actions), kept.content]
        query = actions.select(*columns).join(kept, on=(kept.action_id == actions.id)).where(some)
        with store.connection():  # one may have been pruned meanwhile
            rows = store.database.execute(query.order_by(actions.submitted_at, actions.number)).fetchall()
        for row in rows:
            yield action_of_columns(row[:-1]), Packed(bytes(row[-1]))


def newest_decided(store: Store, states: Collection[ActionState], most: int) -> datetime | None:
    """When the *most*-th newest of what `decided` tells was asked for, of few the last of their newest third; None of none."""
    actions: Any = store.tables.action
    kept: Any = store.tables.evidence
    wanted = actions.state.in_([state.value for state in states]) & ~actions.rehearsed
    query = actions.select(actions.submitted_at).join(kept, on=(kept.action_id == actions.id)).where(wanted)
    with store.connection():
        number = min(most, -(-query.count() // 3))
        if not number:
            return None
        newest = query.order_by(actions.submitted_at.desc()).offset(number - 1).limit(1).tuples().first()
    return newest[0] if newest else None
