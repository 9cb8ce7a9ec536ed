"""Who would it be? And the way in when no other works."""

from __future__ import annotations

from typing import Any

from wwt_framework.errors import Denied, NotSignedIn
from wwt_framework.services.access.trying import Trial, try_out, wanted_of
from wwt_framework.web.exchange import Refused, current_exchange
from wwt_framework.web.render import redirect, render
from wwt_framework.web.responses import Response
from wwt_framework.web.signing import break_glass, turned_away
from wwt_framework.web.tools import page

LONGEST = 4096  # characters of whatever is tried


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/auth/try": (form, attempt), "/break-glass": (glass, use_glass)}


def _draw(trial: Trial | None, given: dict[str, str], complaint: str = "", status: int = 200) -> Response:
    return render("auth_try.html", status, {"Cache-Control": "no-store"}, trial=trial, given=given, complaint=complaint)


@page(role="admin")
def form() -> Response:
    """What to try: a login, a header, a certificate, a token."""
    return _draw(None, {})


@page(role="admin", methods=("POST",))
def attempt(
    login: str = "", password: str = "", header: str = "", dn: str = "", token: str = "", peer: str = ""
) -> Response:
    """Ask the backends; nobody signs in."""
    given = {"login": login, "header": header, "dn": dn, "peer": peer}  # what is secret is not shown again
    if any(len(value) > LONGEST for value in (*given.values(), password, token)):
        raise Refused(400, f"What is tried has at most {LONGEST} characters in each field.")
    exchange = current_exchange()
    try:
        wanted = wanted_of(login, password, header, dn, token, peer)
        trial = try_out(exchange.house.hooks, exchange.app.store, wanted, exchange.user.name, exchange.visit.remote)
    except NotSignedIn as err:
        return _draw(None, given, str(err), 422)
    return _draw(trial, given)


# -- break-glass --


@page(role="anyone")
def glass() -> Response:
    """Where a code from the shell is typed in."""
    return render("break_glass.html", headers={"Cache-Control": "no-store"}, complaint="")


@page(role="anyone", methods=("POST",))
def use_glass(code: str = "") -> Response:
    """Sign in as admin by a code, until it is over."""
    try:
        break_glass(current_exchange(), code[:LONGEST])
    except Denied as denied:
        status, headers = turned_away(denied)
        return render("break_glass.html", status, {"Cache-Control": "no-store", **headers}, complaint=str(denied))
    return redirect("/")
