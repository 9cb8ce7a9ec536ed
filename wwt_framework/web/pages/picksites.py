"""Picking sites for tasks that were left without any (`/sitesfortasks`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from wwt_framework.errors import Denied, NotFound, StoreError, WwtError
from wwt_framework.model import SiteStatus
from wwt_framework.services import desk
from wwt_framework.services.desk.intent import new_id
from wwt_framework.services.desk.sites import is_drained
from wwt_framework.services.overview_words import site_words
from wwt_framework.web.acting import SIGNS
from wwt_framework.web.exchange import Refused, current_exchange
from wwt_framework.web.parameters import Drawn
from wwt_framework.web.render import as_json, redirect, render
from wwt_framework.web.responses import Response
from wwt_framework.web.results import RESULT, result_plain
from wwt_framework.web.tools import current_app, current_house, current_snapshot, current_user, current_visit, page


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/sitesfortasks": (sitesfortasks, pick)}


@dataclass(frozen=True)
class SiteChoice:
    """One site that a task may be given."""

    site: str
    colour: str
    sign: str
    readiness: str
    production: str
    drained: bool


@dataclass(frozen=True)
class PickPage:
    """What the page shows."""

    draft: str
    label_of_kind: str
    waiting: tuple[tuple[str, desk.TaskLine], ...]  # workflow, task
    sites: tuple[SiteChoice, ...]
    complaint: str = ""


@page(role="operator")
def sitesfortasks(draft: str = "") -> Response:
    """The tasks of a draft that have no site, with all sites to choose from."""
    if not draft:
        raise Refused(400, "Say which draft: the page of what became of an action leads here when sites are missing.")
    return _draw(draft)


@page(role="operator", methods=("POST",), answers=([RESULT], {str: Any}))
def pick(draft: Drawn = "", **_posted: Any) -> Response:
    """Ask for what waited, with these sites: people see a preview, a program's is queued at once.

    Programs are answered as /getaction?acted=1 answers.
    """
    store, for_people = current_app().store, current_exchange().wants_html()
    try:
        intents = desk.picked_sites(store, current_user(), current_visit().form)
    except (NotFound, Denied, StoreError):
        raise
    except WwtError as error:
        if draft and for_people:
            return _draw(draft, str(error), 422)
        raise Refused(422, f"{error} Give task_0=/workflow/task and param_0_sites=SITE for each task.") from error
    if for_people and len(intents) == 1:
        return redirect("/submitaction", draft=desk.keep(store, _plan(intents[0])))
    results = [_submitted(intent) for intent in intents]
    return redirect("/actions") if for_people else _as_getaction(results)


def _plan(intent: desk.Intent) -> desk.Plan:
    house = current_house()
    return desk.plan(
        house.hooks, current_snapshot(), current_app().store, intent, current_user(), house=house.config.house
    )


def _submitted(intent: desk.Intent) -> desk.Result:
    plan = _plan(intent)
    hooks, store = current_house().hooks, current_app().store
    return desk.submit(hooks, current_snapshot(), store, plan, typed=plan.must_type, confirmed=True)


def _draw(draft: str, complaint: str = "", status: int = 200) -> Response:
    intent = desk.open_draft(current_app().store, draft, current_user()).intent
    plan = _plan(replace(intent, id=new_id()))
    waiting = tuple((line.workflow, task) for line in plan.lines for task in line.without_sites)
    sites = tuple(_choice(name, status) for name, status in sorted(current_snapshot().site_statuses().items()))
    label = plan.choice.kind.label if plan.choice else intent.kind
    return render("act_picksites.html", status, page=PickPage(draft, label, waiting, sites, complaint))


def _choice(name: str, status: SiteStatus) -> SiteChoice:
    colour, readiness, production = site_words(status)
    return SiteChoice(name, colour, SIGNS[colour], readiness, production, is_drained(status))


def _as_getaction(results: list[desk.Result]) -> Response:
    """As the executor's plugin answers; without one, what became of each workflow."""
    exchange = current_exchange()
    for contributed in exchange.room.pages.get("/getaction", ()):
        if "GET" in contributed.page.methods:
            exchange.visit = replace(exchange.visit, method="GET", path="/getaction", query={"acted": "1"}, form={})
            return contributed()
    return as_json([result_plain(result) for result in results])
