"""The audit: who did what, and when. For admins; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from wwt_framework.store import ledger
from wwt_framework.store.ledger import Deed, DeedQuery
from wwt_framework.web.exchange import Refused, current_exchange
from wwt_framework.web.render import render, table_response
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import page

SHOWN = 100
EXPORTED = 50_000  # rows of one file; the page tells how to get the rest

COLUMNS = ("number", "at", "user", "deed", "subject", "remote", "details")


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/audit": audit}


@dataclass(frozen=True)
class AuditPage:
    """What the page shows."""

    deeds: tuple[Deed, ...]
    kinds: tuple[str, ...]  # to choose from
    chosen: Mapping[str, str]  # what was asked for, as it is written in the address
    asked: Mapping[str, str]  # the same without what is empty
    older: int | None  # number before which there is more
    exported: int = EXPORTED


@page(role="admin")
def audit(
    user: str = "",
    deed: str = "",
    since: str = "",
    until: str = "",
    before: str = "",
    format: str = "",  # noqa: A002  # as in ?format=
) -> Response:
    """Who did what, newest first: of one person, one kind, some days."""
    store = current_exchange().app.store
    query = query_of(user, deed, since, until, before)
    if format:
        return table_response(
            COLUMNS, [_row(one) for one in ledger.find_deeds(store, query, EXPORTED)], format, "audit"
        )
    found = ledger.find_deeds(store, query, SHOWN + 1)
    chosen = {"user": user, "deed": deed, "since": since, "until": until}
    older = found[SHOWN - 1].number if len(found) > SHOWN else None
    asked = {name: value for name, value in chosen.items() if value}
    shown = AuditPage(tuple(found[:SHOWN]), tuple(ledger.deed_names(store)), chosen, asked, older)
    return render("audit.html", page=shown)


def query_of(user: str, deed: str, since: str, until: str, before: str) -> DeedQuery:
    """What the address asks for. Raises `Refused` with 400. *until* is a day that counts, or a time that does not."""
    if before and not (before.isascii() and before.isdigit() and len(before) < 19):
        raise Refused(400, f"before: expected the number of a line, got {before!r}.")
    people = ledger.names_of(current_exchange().app.store, user.strip()) if user.strip() else ()
    query = DeedQuery(people, deed, _moment(since, "since"), _moment(until, "until"), int(before) if before else None)
    if query.until is not None and _is_day(until):
        query = replace(query, until=query.until + timedelta(days=1))
    return query


def _is_day(text: str) -> bool:
    return len(text.strip()) == 10  # YYYY-MM-DD


def _moment(text: str, name: str) -> datetime | None:
    text = text.strip()
    if not text:
        return None
    try:
        at = datetime.combine(date.fromisoformat(text), time()) if _is_day(text) else datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
        at.astimezone(timezone.utc) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise Refused(
            400, f"{name}: expected a day like 2026-11-23 or a time like 2026-11-23T12:00, got {text!r}."
        ) from None
    return at


def _row(one: Deed) -> tuple[Any, ...]:
    return one.number, one.at.isoformat(), one.user, one.deed, one.subject, one.remote, dict(one.details)
