"""The audit: who did what, and when. For admins; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from wwt_framework.store import ledger
from wwt_framework.store.ledger import Deed, DeedQuery
from wwt_framework.web.exchange import current_exchange
from wwt_framework.web.parameters import Format, Moment, Number, is_day, moment_of
from wwt_framework.web.render import render, table_response
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import page

SHOWN = 100
EXPORTED = 50_000  # rows of one file; the page tells how to get the rest

COLUMNS = {
    "number": int, "at": datetime, "user": str, "deed": str, "subject": str, "remote": str, "details": {str: Any},
}  # fmt: skip


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


@page(role="admin", answers=[COLUMNS])
def audit(
    user: str = "",
    deed: str = "",
    since: Annotated[str, Moment()] = "",
    until: Annotated[str, Moment()] = "",
    before: Annotated[str, Number("the number of a line", 0, 10**18 - 1)] = "",
    format: Format = "",  # noqa: A002  # as in ?format=
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
    """What the address asks for. *until* is a day that counts, or a time that does not."""
    people = ledger.names_of(current_exchange().app.store, user.strip()) if user.strip() else ()
    query = DeedQuery(people, deed, _moment(since), _moment(until), int(before) if before else None)
    if query.until is not None and is_day(until):
        query = replace(query, until=query.until + timedelta(days=1))
    return query


def _moment(text: str) -> datetime | None:
    return moment_of(text) if text.strip() else None


def _row(one: Deed) -> tuple[Any, ...]:
    return one.number, one.at.isoformat(), one.user, one.deed, one.subject, one.remote, dict(one.details)
