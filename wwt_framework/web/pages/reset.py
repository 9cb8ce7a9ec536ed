"""Having things fetched anew: `/resetcache` now, `/markreset` with the next update of the list.

The old console did both by a GET, and scripts still do: a program that signs in on its own account may.
A browser that follows a link, be it one that somebody slipped in, only sees a page with a button.
"""

from __future__ import annotations

from typing import Annotated, Any

from wwt_framework.errors import NotFound, StoreError, WwtError
from wwt_framework.services import renewal
from wwt_framework.store import ledger
from wwt_framework.web.exchange import Refused, current_exchange
from wwt_framework.web.parameters import Matching
from wwt_framework.web.render import as_json, redirect, render
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import current_app, current_snapshot, current_user, current_visit, page, seen_by_script

_Name = Annotated[str, Matching(renewal.NAME.pattern, "a name of letters, digits, dots, dashes and underscores")]


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/resetcache": (ask_reset, resetcache), "/markreset": (ask_mark, markreset)}


def _acts_at_once() -> bool:
    """Whether this GET is a program's that means it."""
    return current_visit().method == "GET" and seen_by_script()


_ASKED = {"message": str, "run": str}


@page(role="operator", answers=_ASKED)
def ask_reset(prepid: _Name = "", workflow: _Name = "") -> Response:
    """Has one workflow, one PrepID or everything fetched anew, when a script asks.

    People are asked whether they mean it.
    """
    if _acts_at_once():
        return _reset(prepid, workflow)
    what = renewal.reset_words(prepid, workflow)
    last = renewal.last_reset(current_app().store, workflow or prepid or "everything")
    return render("reset.html", action="/resetcache", what=what, prepid=prepid, workflow=workflow, last=last)


@page(role="operator", methods=("POST",), answers=_ASKED)
def resetcache(prepid: _Name = "", workflow: _Name = "") -> Response:
    """Has one workflow, one PrepID or everything fetched anew."""
    return _reset(prepid, workflow)


def _reset(prepid: str, workflow: str) -> Response:
    app, exchange = current_app(), current_exchange()
    user, remote = current_user().name, current_visit().remote
    try:
        asked = renewal.reset(app.store, app.clockwork, user, prepid, workflow, remote)
    except StoreError:
        raise
    except WwtError as error:
        raise Refused(400, str(error)) from error
    if exchange.wants_html() and not seen_by_script():
        return redirect("/jobs")
    return as_json({"message": asked.words, "run": asked.run})


_MARKED = {"message": str, "prepid": str}


@page(role="operator", answers=_MARKED)
def ask_mark(prepid: str) -> Response:
    """Marks a PrepID for the next update, when a script asks.

    People are asked whether they mean it.
    """
    if _acts_at_once():
        return _mark(prepid)
    _check_prep(prepid)
    return render("reset.html", action="/markreset", what=prepid, prepid=prepid, workflow="", last=None)


@page(role="operator", methods=("POST",), answers=_MARKED)
def markreset(prepid: str) -> Response:
    """Marks a PrepID: the next update of the list fetches it anew."""
    return _mark(prepid)


def _mark(prepid: str) -> Response:
    _check_prep(prepid)
    ledger.mark_prep(current_app().store, prepid, current_user().name)
    if current_exchange().wants_html() and not seen_by_script():
        return redirect("/globalerror", view="list")
    return as_json({"message": f"{prepid} is marked for the next update.", "prepid": prepid})


def _check_prep(prepid: str) -> None:
    if current_snapshot().preps.find(prepid) < 0:
        raise NotFound(f"There is no PrepID {prepid[:200]} in what was fetched last.")
