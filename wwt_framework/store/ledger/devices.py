"""Browsers by which somebody has signed in before. Only digests of their cookies are kept."""

from __future__ import annotations

from datetime import timedelta

from wwt_framework.model import name_key
from wwt_framework.store import Store
from wwt_framework.store.ledger.sessions import digest_of

_KEPT = timedelta(days=400)  # as long as browsers keep a cookie


def knows_device(store: Store, token: str, person: str) -> bool:
    """Whether *person* has signed in by the browser with this cookie."""
    table = store.tables.device
    with store.connection():
        mine = (table.digest == digest_of(token)) & (table.person == name_key(person))
        return bool(token) and bool(table.select().where(mine).exists())


def has_devices(store: Store, person: str) -> bool:
    """Whether *person* has signed in by any browser that is remembered."""
    table = store.tables.device
    with store.connection():
        return bool(table.select().where(table.person == name_key(person)).exists())


def note_device(store: Store, token: str, person: str, agent: str) -> bool:
    """Remember that *person* signed in by this browser; whether it is the first time."""
    table, now = store.tables.device, store.now()
    with store.write():
        table.delete().where(table.seen_at < now - _KEPT).execute()
        mine = (table.digest == digest_of(token)) & (table.person == name_key(person))
        if table.update(seen_at=now, agent=agent).where(mine).execute():
            return False
        table.create(digest=digest_of(token), person=name_key(person), agent=agent, first_at=now, seen_at=now)
    return True
