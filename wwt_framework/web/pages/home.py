"""The welcome page, the jump box, what the frame links to, and static files."""

from __future__ import annotations

from typing import Any

from wwt_framework.errors import NotFound
from wwt_framework.web.exchange import current_exchange
from wwt_framework.web.render import render
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import page


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/": home, "/help/keys": keys, "/static/*": static}


@page(role="anyone")
def home() -> Response:
    """Where one starts: what this is, and what there is to see."""
    return render("home.html")


@page(role="anyone")
def keys() -> Response:
    """The keys that work on every page."""
    return render("keys.html")


@page(role="anyone", identify=False)
def static(rest: str, v: str = "") -> Response:
    """A static file of the core or of a plugin."""
    found = current_exchange().room.assets.response(rest, v)
    if found is None:
        raise NotFound("There is no such file here.")
    return found
