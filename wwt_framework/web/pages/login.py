"""Signing in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wwt_framework.errors import Denied
from wwt_framework.plugin import LoginOption
from wwt_framework.web.exchange import current_exchange
from wwt_framework.web.render import redirect, render
from wwt_framework.web.responses import Response
from wwt_framework.web.signing import safe_next, sign_in, sign_out, turned_away
from wwt_framework.web.tools import page


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/login": (login, enter), "/logout": (leaving, leave)}


@dataclass(frozen=True)
class LoginPage:
    """What the sign-in page shows."""

    forms: Sequence[LoginOption]  # those with a name and password; all post to the same place
    links: Sequence[LoginOption]
    links_first: bool  # as plugins.yml has it: what is listed first is shown first
    next: str  # within the installation
    next_url: str
    username: str = ""
    complaint: str = ""
    webmaster: str = ""


def _draw(
    next_address: str,
    username: str = "",
    complaint: str = "",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    exchange = current_exchange()
    options = [option for _, option in exchange.room.login_options]
    shown = LoginPage(
        forms=[option for option in options if not option.href],
        links=[option for option in options if option.href],
        links_first=bool(options and options[0].href),
        next=next_address,
        next_url=exchange.prefix + next_address,
        username=username[:256],
        complaint=complaint,
        webmaster=exchange.house.config.house.webmaster.email,
    )
    return render("login.html", status, {"Cache-Control": "no-store", **(headers or {})}, page=shown)


@page(role="anyone")
def login(next: str = "/") -> Response:  # noqa: A002  # as in ?next=
    """The ways in that the backends of this installation offer."""
    return _draw(safe_next(next))


@page(role="anyone", methods=("POST",))
def enter(username: str = "", password: str = "", next: str = "/") -> Response:  # noqa: A002  # a form's fields
    """Check name and password; go on to where one wanted to go."""
    try:
        sign_in(current_exchange(), username, password)
    except Denied as denied:
        return _draw(safe_next(next), username, str(denied), *turned_away(denied))
    return Response(b"", status=303, headers={"Location": current_exchange().prefix + safe_next(next)})


@page(role="anyone")
def leaving(left: str = "") -> Response:
    """A button: following a link never signs anybody out. *left*: of which backend one has just signed out here."""
    options = [option for name, option in current_exchange().room.login_options if name == left and option.leave]
    return render("logout.html", headers={"Cache-Control": "no-store"}, elsewhere=options)


@page(role="anyone", methods=("POST",))
def leave() -> Response:
    """End the session, and say where else it may go on."""
    exchange = current_exchange()
    backend = exchange.user.backend
    elsewhere = [option for name, option in exchange.room.login_options if name == backend and option.leave]
    sign_out(exchange)
    if not elsewhere:
        return redirect("/")
    # Not by a redirect: the policy of the page with the form keeps browsers from following one to another site.
    return redirect("/logout", left=backend)
