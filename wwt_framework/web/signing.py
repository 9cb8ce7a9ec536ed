"""Sessions as far as the web knows them: the cookie, and where one goes after signing in."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import quote

from wwt_framework.errors import Denied, TooOften
from wwt_framework.model import User
from wwt_framework.services.access import Browser
from wwt_framework.store.ledger import Session
from wwt_framework.web.exchange import Exchange

SCRATCH_SECONDS = 900  # as long as access keeps what a browser needs while it signs in
DEVICE_SECONDS = 400 * 86400  # as long as browsers keep a cookie at most


def set_cookie(exchange: Exchange, token: str, seconds: int, name: str = "") -> None:
    """Have the browser keep *token* for so long, as its session or as *name*; 0 seconds: forget it."""
    secure = "; Secure" if exchange.secure else ""
    path = exchange.prefix or "/"
    name = name or exchange.cookie_name
    exchange.cookies.append(f"{name}={token}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")


def sign_in(exchange: Exchange, username: str, password: str) -> None:
    """Check the password and start a session. Raises `Denied`."""
    _keep(exchange, *exchange.app.access.sign_in(username, password, browser_of(exchange)))


def begin(exchange: Exchange, user: User, plugin: str) -> None:
    """Start a session for a user whom *plugin* vouches for. Raises `Denied`."""
    access = exchange.app.access
    _keep(exchange, *access.sessions.begin(access.vouched(user, plugin), browser_of(exchange)))


def break_glass(exchange: Exchange, code: str) -> None:
    """Start the session of a break-glass code. Raises `Denied`."""
    exchange.app.access.limits.take("sign_in", remote=exchange.visit.remote)
    session = exchange.app.access.sessions.break_glass(code, browser_of(exchange))
    seconds = (session.ends_at - session.created_at).total_seconds()
    set_cookie(exchange, session.token, int(seconds))


def turned_away(denied: Denied) -> tuple[int, dict[str, str]]:
    """Status and headers of a page of signing in that says why it did not work."""
    return (429, {"Retry-After": str(denied.again_s)}) if isinstance(denied, TooOften) else (401, {})


def sign_out(exchange: Exchange) -> None:
    """End the session, and have the browser forget it."""
    if exchange.cookie:
        exchange.app.access.sessions.end(exchange.cookie)
    set_cookie(exchange, "", 0)


def browser_of(exchange: Exchange) -> Browser:
    """What asks: where it is, what it calls itself, the cookies that it has of us."""
    device = exchange.cookie_named(exchange.device_cookie_name)
    return Browser(exchange.visit.remote, exchange.visit.headers.get("user-agent", ""), exchange.cookie, device)


def _keep(exchange: Exchange, session: Session, device: str) -> None:
    set_cookie(exchange, session.token, int(exchange.house.config.house.session_hours * 3600))
    if device:
        set_cookie(exchange, device, DEVICE_SECONDS, exchange.device_cookie_name)


def scratch_of(exchange: Exchange) -> MutableMapping[str, Any]:
    """What a plugin remembered of this browser on its way in; its own copy."""
    session = exchange.visitor.session if exchange.visitor else None
    return dict(session.scratch) if session else {}


def keep_scratch(exchange: Exchange, scratch: MutableMapping[str, Any]) -> None:
    """Remember *scratch* for this browser."""
    session = exchange.app.access.sessions.keep_scratch(exchange.cookie, scratch, exchange.visit.remote)
    if session.token:
        set_cookie(exchange, session.token, SCRATCH_SECONDS)


def safe_next(address: str) -> str:
    """*address* when it leads to a page of this installation, else the start: nobody is sent elsewhere by a link."""
    if not address.startswith("/") or address.startswith("//") or re.search(r"[\x00-\x20\x7f\\]", address):
        return "/"
    if re.match(r"/(login|logout)\b", address):
        return "/"
    return quote(address, safe="/?&=%:@+,;~!$'()*#[]")
