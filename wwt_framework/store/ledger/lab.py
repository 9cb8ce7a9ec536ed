"""Results of trials in the lab, and which automatic rules are switched on."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from wwt_framework.store import Store


@dataclass(frozen=True, slots=True)
class KeptResult:
    """One result; ``content`` is what `services.lab` made of it."""

    id: str
    subject: str
    fingerprint: str
    made_at: datetime
    user: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RuleSwitch:
    """A rule that acts by itself, as long as it is the same one."""

    rule: str
    fingerprint: str
    result: str  # id of the result with which it was switched on
    user: str
    at: datetime


def keep_lab_result(store: Store, result: KeptResult) -> None:
    """Keep *result*; there may be one with this id already, then nothing happens."""
    table = store.tables.lab_result
    with store.write():
        if table.get_or_none(table.id == result.id) is None:
            table.create(
                id=result.id, subject=result.subject, fingerprint=result.fingerprint, made_at=result.made_at,
                user_name=result.user, content=zlib.compress(orjson.dumps(result.content), 6),
            )  # fmt: skip


def lab_result(store: Store, result_id: str) -> KeptResult | None:
    """The result with this id; None when there is none, or it was forgotten."""
    table = store.tables.lab_result
    with store.connection():
        row = table.get_or_none(table.id == result_id)
    return _result(row) if row else None


def lab_results(store: Store, subject: str = "", limit: int = 100) -> list[KeptResult]:
    """Results, of one *subject* or of all, newest first."""
    table = store.tables.lab_result
    query = table.select().order_by(table.number.desc()).limit(limit)
    if subject:
        query = query.where(table.subject == subject)
    with store.connection():
        return [_result(row) for row in query]


def newest_lab_results(store: Store) -> dict[str, str]:
    """Subject -> id of its newest result."""
    table: Any = store.tables.lab_result
    with store.connection():
        return dict(table.select(table.subject, table.id).order_by(table.number).tuples())


def forget_lab_results(store: Store, before: datetime) -> int:
    """Forget results that were made before; one with which a rule was switched on is kept. Returns how many went."""
    table, switch = store.tables.lab_result, store.tables.rule_switch
    with store.write():
        kept = switch.select(switch.result)
        gone: int = table.delete().where((table.made_at < before) & table.id.not_in(kept)).execute()
    return gone


def rule_switches(store: Store) -> list[RuleSwitch]:
    """Every rule that was switched on and not off again, by name."""
    table = store.tables.rule_switch
    with store.connection():
        return [
            RuleSwitch(row.rule, row.fingerprint, row.result, row.user_name, row.at)
            for row in table.select().order_by(table.rule)
        ]


def set_rule_switch(store: Store, rule: str, fingerprint: str, result: str, user: str) -> None:
    """Switch *rule* on; one that is on already is on with this result from now on."""
    table = store.tables.rule_switch
    with store.write(alone="rules"):
        table.delete().where(table.rule == rule).execute()
        table.create(rule=rule, fingerprint=fingerprint, result=result, user_name=user, at=store.now())


def drop_rule_switch(store: Store, rule: str) -> bool:
    """Switch *rule* off; False when it was not on."""
    table = store.tables.rule_switch
    with store.write(alone="rules"):
        return bool(table.delete().where(table.rule == rule).execute())


def _result(row: Any) -> KeptResult:
    content = orjson.loads(zlib.decompress(bytes(row.content)))
    return KeptResult(row.id, row.subject, row.fingerprint, row.made_at, row.user_name, content)
