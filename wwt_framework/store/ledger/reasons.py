"""The reason book: why operators act, by short name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wwt_framework.errors import NotFound
from wwt_framework.model import Reason
from wwt_framework.store import Store


@dataclass(frozen=True, slots=True)
class BookEntry:
    """A reason as it stands in the book."""

    reason: Reason
    user: str  # who wrote it
    created_at: datetime
    used_at: datetime | None  # None: never
    uses: int


def reason_key(short: str) -> str:
    """*short* as it is compared: without case and outer blanks, in one Unicode form."""
    return unicodedata.normalize("NFKC", short).casefold().strip()


def reasons(store: Store) -> list[Reason]:
    """Every reason in the book, by short name."""
    table: Any = store.tables.reason
    with store.connection():
        return [Reason(row.short, row.long) for row in table.select().order_by(table.key)]


def book_entries(store: Store) -> list[BookEntry]:
    """Every reason in the book with who wrote it and how often it was used, by short name."""
    table: Any = store.tables.reason
    with store.connection():
        return [
            BookEntry(Reason(row.short, row.long), row.user_name, row.created_at, row.used_at, row.uses)
            for row in table.select().order_by(table.key)
        ]


def change_reason(store: Store, short: str, long: str) -> Reason:
    """Give the reason called *short* another text; actions that used it keep what they were told. Raises `NotFound`."""
    table: Any = store.tables.reason
    with store.write(alone="reasons"):
        row = table.get_or_none(table.key == reason_key(short))
        if row is None:
            raise NotFound(f"There is no reason called {short!r} in the book.")
        table.update(long=long).where(table.number == row.number).execute()
        return Reason(row.short, long)


def reasons_named(store: Store, shorts: Iterable[str]) -> dict[str, Reason]:
    """Key -> reason, of those of *shorts* that are in the book."""
    table: Any = store.tables.reason
    keys = sorted({reason_key(short) for short in shorts})
    slices = [keys[i : i + 500] for i in range(0, len(keys), 500)]
    with store.connection():
        rows = [row for some in slices for row in table.select().where(table.key.in_(some))]
    return {row.key: Reason(row.short, row.long) for row in rows}


def use_reasons(store: Store, used: Iterable[Reason], user: str) -> list[Reason]:
    """Keep those of *used* that have a short name and are new, count the others as used; gives the new ones."""
    table: Any = store.tables.reason
    new = []
    with store.write(alone="reasons"):
        for reason in used:
            if not (key := reason_key(reason.short)):
                continue
            if not _is_there(store, key):
                _put(store, reason, user)
                new.append(reason)
            table.update(used_at=store.now(), uses=table.uses + 1).where(table.key == key).execute()
    return new


def add_reasons(store: Store, wanted: Iterable[Reason], user: str) -> list[Reason]:
    """Keep those of *wanted* that have a short name which is not taken; gives those kept."""
    new = []
    with store.write(alone="reasons"):
        for reason in wanted:
            key = reason_key(reason.short)
            if key and not _is_there(store, key):
                _put(store, reason, user)
                new.append(reason)
    return new


def _is_there(store: Store, key: str) -> bool:
    table: Any = store.tables.reason
    found: bool = table.select().where(table.key == key).exists()
    return found


def _put(store: Store, reason: Reason, user: str) -> None:
    """Put a new reason into the book. Part of another transaction, somebody may do the same: the first one stays."""
    short = reason.short.strip()
    row = {"key": reason_key(short), "short": short, "long": reason.long or short, "user_name": user}
    store.tables.reason.insert(**row, created_at=store.now(), used_at=None, uses=0).on_conflict_ignore().execute()
