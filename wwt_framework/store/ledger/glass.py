"""Break-glass codes: who has the shell lets somebody in as admin, once, for a while. Only digests of codes are kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from wwt_framework.store import Store
from wwt_framework.store.ledger.sessions import digest_of


@dataclass(frozen=True)
class BreakGlass:
    """A code that was made."""

    made_by: str
    made_at: datetime
    ends_at: datetime
    used_at: datetime | None = None


def make_break_glass(store: Store, by: str, for_: timedelta) -> tuple[str, BreakGlass]:
    """A new code, and until when it lets somebody in."""
    code, now = secrets.token_urlsafe(24), store.now()
    with store.write():
        store.tables.break_glass.create(
            digest=digest_of(code), made_by=by, made_at=now, ends_at=now + for_, used_at=None
        )
    return code, BreakGlass(by, now, now + for_)


def take_break_glass(store: Store, code: str) -> BreakGlass | None:
    """Use *code*: of two who use it at once, one gets it. None: unknown, used, or over."""
    table, now = store.tables.break_glass, store.now()
    with store.write():
        mine = (table.digest == digest_of(code)) & table.used_at.is_null() & (table.ends_at > now)
        if table.update(used_at=now).where(mine).execute() != 1:
            return None
        row = table.get_by_id(digest_of(code))
        return BreakGlass(row.made_by, row.made_at, row.ends_at, row.used_at)


def open_break_glass(store: Store) -> list[BreakGlass]:
    """Codes that are not over, used or not, oldest first."""
    table = store.tables.break_glass
    with store.connection():
        rows = table.select().where(table.ends_at > store.now()).order_by(table.made_at)
        return [BreakGlass(row.made_by, row.made_at, row.ends_at, row.used_at) for row in rows]
