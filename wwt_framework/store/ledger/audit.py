"""Who did what. It is only added to: the database itself refuses to change or delete a row."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wwt_framework.store import Store

_LONGEST = 500  # characters of a name, which may be whatever somebody typed


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that a person did and others may ask about."""

    at: datetime
    user: str
    deed: str  # "reset", "signed in", "added account"
    subject: str = ""  # what it was done to
    details: dict[str, Any] = field(default_factory=dict)
    remote: str = ""
    number: int = 0


@dataclass(frozen=True)
class DeedQuery:
    """Which deeds; what is empty does not matter."""

    people: Collection[str] = ()  # all names of one person: who did it, or to whom it was done
    deed: str = ""
    since: datetime | None = None
    until: datetime | None = None  # without it
    before: int | None = None  # number of a deed: only older ones
    subject: str = ""


def write_down(store: Store, user: str, deed: str, subject: str = "", *, remote: str = "", **details: Any) -> None:
    """Remember that *user* did *deed* to *subject*."""
    with store.write():
        store.tables.deed.create(
            at=store.now(),
            user_name=user[:_LONGEST],
            deed=deed,
            subject=subject[:_LONGEST],
            details=details,
            remote=remote,
        )


def deeds(store: Store, limit: int = 100, deed: str = "", subject: str = "") -> list[Deed]:
    """What was done, newest first; only *deed*, only to *subject*, where these are given."""
    return find_deeds(store, DeedQuery(deed=deed, subject=subject), limit)


def find_deeds(store: Store, query: DeedQuery, limit: int) -> list[Deed]:
    """What was done as *query* has it, newest first."""
    table = store.tables.deed
    wanted = table.select().order_by(table.number.desc()).limit(limit)
    if query.people:
        names = list(query.people)
        wanted = wanted.where(table.user_name.in_(names) | table.subject.in_(names))
    if query.deed:
        wanted = wanted.where(table.deed == query.deed)
    if query.subject:
        wanted = wanted.where(table.subject == query.subject)
    if query.since is not None:
        wanted = wanted.where(table.at >= query.since)
    if query.until is not None:
        wanted = wanted.where(table.at < query.until)
    if query.before is not None:
        wanted = wanted.where(table.number < query.before)
    with store.connection():
        return [_deed(row) for row in wanted]


def deed_names(store: Store) -> list[str]:
    """Every kind of deed that was ever done, sorted."""
    table = store.tables.deed
    with store.connection():
        return [row.deed for row in table.select(table.deed).distinct().order_by(table.deed)]


def _deed(row: Any) -> Deed:
    return Deed(row.at, row.user_name, row.deed, row.subject, row.details, row.remote, row.number)
