"""Sessions as far as the web knows them: the cookie, and where one goes after signing in."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from dataclasses import replace
from typing import Any, cast
from urllib.parse import quote

from wwt_framework.model import User
from wwt_framework.web.exchange import Exchange

SCRATCH_SECONDS = 900  # as long as access keeps what a browser needs while it signs in


def set_cookie(exchange: Exchange, token: str, seconds: int) -> None:
    """Have the browser keep *token* for so long; 0 seconds: forget it."""
    secure = "; Secure" if exchange.secure else ""
    path = exchange.prefix or "/"
    exchange.cookies.append(
        f"{exchange.cookie_name}={token}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    )


def sign_in(exchange: Exchange, username: str, password: str) -> User:
    """Check the password and start a session. Raises `Denied`."""
    session, user = exchange.app.access.sign_in(username, password, exchange.visit.remote, exchange.cookie)
    _keep(exchange, session.token)
    return cast(User, user)


def begin(exchange: Exchange, user: User, plugin: str) -> None:
    """Start a session for a user whom *plugin* vouches for. Raises `Denied`."""
    session = exchange.app.access.start_session(replace(user, backend=plugin), exchange.visit.remote, exchange.cookie)
    _keep(exchange, session.token)


def sign_out(exchange: Exchange) -> None:
    """End the session, and have the browser forget it."""
    if exchange.cookie:
        exchange.app.access.sign_out(exchange.cookie)
    set_cookie(exchange, "", 0)


def _keep(exchange: Exchange, token: str) -> None:
    set_cookie(exchange, token, int(exchange.house.config.house.session_hours * 3600))


def scratch_of(exchange: Exchange) -> MutableMapping[str, Any]:
    """What a plugin remembered of this browser on its way in; its own copy."""
    session = exchange.visitor.session if exchange.visitor else None
    return dict(session.scratch) if session else {}


def keep_scratch(exchange: Exchange, scratch: MutableMapping[str, Any]) -> None:
    """Remember *scratch* for this browser."""
    session = exchange.app.access.keep_scratch(exchange.cookie, scratch, exchange.visit.remote)
    if session.token:
        set_cookie(exchange, session.token, SCRATCH_SECONDS)


def safe_next(address: str) -> str:
    """*address* when it leads to a page of this installation, else the start: nobody is sent elsewhere by a link."""
    if not address.startswith("/") or address.startswith("//") or re.search(r"[\x00-\x20\x7f\\]", address):
        return "/"
    if re.match(r"/(login|logout)\b", address):
        return "/"
    return quote(address, safe="/?&=%:@+,;~!$'()*#[]")
