"""What operators said about workflows that fail alike: these belong together, those do not. Never deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wwt_framework.errors import NotFound
from wwt_framework.plugin import Correction
from wwt_framework.store import Store


@dataclass(frozen=True, slots=True)
class KeptCorrection:
    """A correction with its number, and who took it back."""

    number: int
    correction: Correction
    ended_by: str = ""
    ended_at: datetime | None = None  # None: it stands


def keep_correction(store: Store, kind: str, workflows: Sequence[str], others: Sequence[str], user: str) -> int:
    """Keep what *user* said; returns its number."""
    table: Any = store.tables.correction
    row = {"kind": kind, "workflows": list(workflows), "others": list(others), "user_name": user, "at": store.now()}
    with store.write(alone="corrections"):
        return int(table.insert(**row, ended_by="", ended_at=None).execute())


def end_correction(store: Store, number: int, user: str) -> KeptCorrection:
    """Take a correction back; one that was taken back stays as it is. Raises `NotFound`."""
    table: Any = store.tables.correction
    with store.write(alone="corrections"):
        if table.get_or_none(table.number == number) is None:
            raise NotFound(f"There is no correction number {number}.")
        still = (table.number == number) & table.ended_at.is_null()
        table.update(ended_by=user, ended_at=store.now()).where(still).execute()
        return _kept(table.get(table.number == number))


def corrections(store: Store, ended: bool = False) -> list[KeptCorrection]:
    """What stands, oldest first; with *ended*, also what was taken back."""
    table: Any = store.tables.correction
    query = table.select().order_by(table.number)
    with store.connection():
        return [_kept(row) for row in (query if ended else query.where(table.ended_at.is_null()))]


def corrections_stamp(store: Store) -> str:
    """Changes whenever a correction is kept or taken back."""
    from peewee import fn

    table: Any = store.tables.correction
    with store.connection():
        last, ended = table.select(fn.MAX(table.number), fn.COUNT(table.ended_at)).tuples().get()
    return f"{last or 0}.{ended}"


def _kept(row: Any) -> KeptCorrection:
    said = Correction(row.kind, tuple(row.workflows), row.user_name, row.at, tuple(row.others))
    return KeptCorrection(row.number, said, row.ended_by, row.ended_at)
