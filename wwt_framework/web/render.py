"""Pages out of templates: the frame around every page, panels of plugins, pages that tell of a problem."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from markupsafe import Markup

from wwt_framework.model import Case
from wwt_framework.plugin import Panel
from wwt_framework.web.exchange import Exchange, Refused, current_exchange
from wwt_framework.web.frame import frame_of
from wwt_framework.web.responses import HTML, Response, as_json, as_text, redirect, table_response

__all__ = ["ShownPanel", "as_json", "as_text", "problem", "redirect", "render", "show_panels", "table_response"]

log = logging.getLogger(__name__)

PLACES = ("top", "side", "main", "bottom")


def render(template: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any) -> Response:
    """*template* with *values*, in the frame. A template also gets ``frame``, ``url`` and ``asset``."""
    return _render(current_exchange(), template, status, headers or {}, values)


def _render(
    exchange: Exchange, template: str, status: int, headers: Mapping[str, str], values: Mapping[str, Any]
) -> Response:
    frame = frame_of(exchange)
    text = exchange.room.templates.get_template(template).render(frame=frame, now=exchange.now, **values)
    return Response(text.encode("utf-8", "replace"), HTML, status, headers)


# -- what plugins show ---------------------------------------------------------


@dataclass(frozen=True)
class ShownPanel:
    """A panel as it stands on a page: what the plugin drew, or a sentence in its place."""

    plugin: str
    title: str
    body: Markup | None = None
    complaint: str = ""
    order: int = 50


def show_panels(page: str, case: Case | None = None) -> dict[str, list[ShownPanel]]:
    """Panels of all plugins for *page*, by place. One that fails leaves a notice; the page goes on."""
    exchange = current_exchange()
    shown: dict[str, list[ShownPanel]] = {place: [] for place in PLACES}
    answers = exchange.house.hooks.each(
        "show_panels", page=page, case=case, snapshot=exchange.snapshot, user=exchange.user
    )
    for answer in answers:
        if answer.error is not None:
            shown["bottom"].append(ShownPanel(answer.plugin, answer.plugin, complaint=answer.complaint))
        for panel in answer.value or ():
            place = panel.place if panel.place in PLACES else "main"
            shown[place].append(draw_panel(exchange, answer.plugin, panel, case))
    for panels in shown.values():
        panels.sort(key=lambda panel: panel.order)
    return shown


def draw_panel(exchange: Exchange, plugin: str, panel: Panel, case: Case | None) -> ShownPanel:
    """Draw one panel on its own: whatever its template does wrong stays in its box."""
    try:
        template = exchange.room.templates.get_template(panel.template)
        body = template.render(
            {**panel.values, "panel": panel, "case": case, "user": exchange.user, "now": exchange.now}
        )
    except (Exception, SystemExit) as error:  # a plugin's template may raise anything
        log.warning("a panel could not be drawn", extra={"plugin": plugin, "template": panel.template}, exc_info=error)
        sentence = f"{plugin}: the panel could not be drawn: {type(error).__name__}: {error}"[:500]
        return ShownPanel(plugin, panel.title, complaint=sentence, order=panel.order)
    return ShownPanel(plugin, panel.title, Markup(body), order=panel.order)  # noqa: S704  # made by autoescaping


# -- what went wrong -----------------------------------------------------------


@dataclass(frozen=True)
class ProblemPage:
    """What the page of an error shows."""

    status: int
    title: str
    sentence: str
    webmaster: str = ""  # mail address; "" when none is named
    candidates: Sequence[tuple[str, str]] = ()  # words, address: where else one may want to go


_TITLES = {
    400: "This request can not be understood",
    401: "Please sign in",
    403: "You may not do this",
    404: "Not found",
    405: "Not in this way",
    409: "Somebody was faster",
    411: "How long is it?",
    413: "Too much at once",
    422: "Please check the form",
    429: "Too often",
    500: "Something broke here",
    503: "Not possible right now",
}


def problem(exchange: Exchange | None, error: Refused) -> Response:
    """The answer that tells of *error*: a page for people, JSON or text for programs."""
    title = _TITLES.get(error.status) or HTTPStatus(error.status).phrase
    if exchange is None:
        return Response(
            f"{error.status} {title}\n\n{error}\n".encode(), "text/plain; charset=utf-8", error.status, error.headers
        )
    if not exchange.wants_html():
        return as_json({"error": str(error), "status": error.status}, error.status, **error.headers)
    webmaster = exchange.house.config.house.webmaster.email
    shown = ProblemPage(error.status, title, str(error), webmaster)
    return _render(exchange, "error.html", error.status, error.headers, {"page": shown})
