"""Where one is signed in, and the end of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from wwt_framework.errors import NotSignedIn
from wwt_framework.services.access.keeping import Keeper
from wwt_framework.store import ledger
from wwt_framework.web.exchange import Exchange, current_exchange
from wwt_framework.web.parameters import Format
from wwt_framework.web.render import redirect, render, table_response
from wwt_framework.web.responses import Response
from wwt_framework.web.signing import set_cookie
from wwt_framework.web.tools import page

COLUMNS = {
    "from": str, "browser": str, "backend": str, "since": datetime, "last_seen": datetime, "this_one": bool,
}  # fmt: skip


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/sessions": sessions, "/sessions/end": end}


@page(role="anyone", answers=[COLUMNS])
def sessions(format: Format = "") -> Response:  # noqa: A002  # as in ?format=
    """One's own sessions: from where, by what browser, since when."""
    exchange = _signed_in()
    access = exchange.app.access.sessions
    mine = [one for one in ledger.sessions_of(exchange.app.store, exchange.user.name) if not access.is_over(one)]
    here = _here(exchange)
    if format:
        rows = [
            (
                one.remote,
                one.agent,
                one.user.backend,
                one.created_at.isoformat(),
                one.last_seen.isoformat(),
                one.digest == here,
            )
            for one in mine
        ]
        return table_response(COLUMNS, rows, format, "sessions")
    return render("sessions.html", headers={"Cache-Control": "no-store"}, sessions=mine, here=here)


@page(role="anyone", methods=("POST",))
def end(session: str = "", others: str = "") -> Response:
    """End one of one's own sessions, or all but this one."""
    exchange = _signed_in()
    app, here = exchange.app, _here(exchange)
    if session or others:
        keeper = Keeper(app.store, app.notices, exchange.user.name, exchange.visit.remote)
        keeper.end_sessions(exchange.user.name, session, here if others else "")
    if session and session == here:
        set_cookie(exchange, "", 0)
        return redirect("/login")
    return redirect("/sessions")


def _signed_in() -> Exchange:
    exchange = current_exchange()
    if not exchange.user.name:
        raise NotSignedIn("Sign in to see where you are signed in.")
    return exchange


def _here(exchange: Exchange) -> str:
    session = exchange.visitor.session if exchange.visitor else None
    return session.digest if session else ""
