"""Asking for an action (`/submitaction`): choose, fill in, look at exactly what would happen, queue it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from wwt_framework.errors import WwtError
from wwt_framework.model import Problem
from wwt_framework.services import desk, picking
from wwt_framework.services.desk.form import form_view
from wwt_framework.services.desk.intent import new_id
from wwt_framework.services.desk.results import told_before
from wwt_framework.services.overview_query import OverviewQuery
from wwt_framework.store import ledger
from wwt_framework.web.acting import FormPage, PreviewPage
from wwt_framework.web.exchange import Refused, current_exchange, parsed
from wwt_framework.web.parameters import Drawn, Given, Parameter
from wwt_framework.web.render import as_json, redirect, render
from wwt_framework.web.responses import Response
from wwt_framework.web.results import RESULT, result_plain, result_response, scold
from wwt_framework.web.shapes import Fault
from wwt_framework.web.similar import picked_alike, several
from wwt_framework.web.tools import current_app, current_house, current_snapshot, current_user, current_visit, page

Posted = dict[str, Any]


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/submitaction": (submitaction, send)}


@page(role="operator")
def submitaction(draft: str = "", edit: str = "", form: str = "", all: str = "", **asked: Any) -> Response:  # noqa: A002
    """The form, filled in as the address says; with ``draft`` the preview of what was filled in."""
    if edit:
        return _draw(desk.intent_of(ledger.action(current_app().store, edit)), changes=edit)
    if not draft:
        intent, problems = _read(asked)
        return _draw(intent, problems) if intent.workflows else render("act_which.html")
    kept = desk.open_draft(current_app().store, draft, current_user())
    if form:
        return _draw(replace(kept.intent, id=new_id()) if kept.submitted_at else kept.intent)
    if kept.submitted_at is not None:
        return redirect("/actions", draft=draft)
    return _preview(_plan(kept.intent, kept.problems, kept.shown), kept, draw_all=bool(all))


#: What a script fills in of the form; fields of the kind come beside them, as ``FIELD`` or ``param_0_FIELD``.
_ASKS = {
    one.name: one
    for one in (
        Parameter("workflows", kinds=(Given(),), words="names of workflows", many=True),
        Parameter("action", kinds=(Given(),), words="a kind of action"),
        Parameter("dotasks", (), words="only these tasks; none: all"), Parameter("shortreason", "", words="name of a reason; a new one is kept in the book"), Parameter("longreason", "", words="its text"),
    )
}  # fmt: skip


@page(role="operator", methods=("POST",), answers={200: RESULT, 409: (RESULT, Fault)}, asks=_ASKS)
def send(step: Drawn = "", draft: Drawn = "", **_posted: Any) -> Response:
    """Queues an action on workflows, as a form or a script fills it in.

    A program is told what became of each workflow. People see the form again, a preview or the result, as ``step`` says.
    """
    posted = dict(current_visit().form)
    if step == "select":
        return _select(posted)
    if step == "draw":
        return _draw(*_read(posted))
    if step == "preview":
        return _show(posted, draft)
    if step == "submit":
        return _submit(draft, posted)
    if step == "again":
        return _again(draft)
    if step:
        raise Refused(400, f"step can be select, draw, preview, submit or again, not {step[:40]!r}.")
    return _at_once(posted)


# -- the parts --


def _read(posted: Posted) -> tuple[desk.Intent, tuple[Problem, ...]]:
    app, house = current_app(), current_house()
    if posted.get("step") and str(posted.get("method", "")).lower() == "ban":
        # Our form has a column of boxes for each way: Manual and Ban begin with different ones ticked.
        posted = {**posted, "sites": posted.get("ban", [])}
    return desk.read_form(house.hooks, current_snapshot(), app.store, current_user(), posted)


def _plan(intent: desk.Intent, problems: tuple[Problem, ...] = (), shown: Any = None) -> desk.Plan:
    house = current_house()
    return desk.plan(
        house.hooks, current_snapshot(), current_app().store, intent, current_user(), problems=problems, shown=shown,
        house=house.config.house,
    )  # fmt: skip


def _draw(intent: desk.Intent, problems: tuple[Problem, ...] = (), status: int = 200, changes: str = "") -> Response:
    view = form_view(current_house().hooks, current_snapshot(), current_app().store, current_user(), intent)
    shown = FormPage(view, problems, changes, str(current_visit().query.get("advice", "")))
    return render("act_form.html", status, page=shown)


def _show(posted: Posted, draft: str) -> Response:
    """Keep what a preview shows, and go to it; a form that can not be read as it is is drawn again."""
    store = current_app().store
    before = ledger.find_draft(store, draft) if draft else None
    if before is not None and before.submitted_at is not None:
        return redirect("/actions", draft=draft, repeated="1")
    if "workflows" in posted or not draft:
        intent, problems = _read(posted)
    else:  # the preview asks to be made anew
        kept = desk.open_draft(store, draft, current_user())
        intent, problems = kept.intent, kept.problems
    plan = _plan(intent, problems)
    if any(problem.blocking for problem in plan.problems):
        return _draw(intent, plan.problems, 422)
    return redirect("/submitaction", draft=desk.keep(store, plan))


def _preview(
    plan: desk.Plan, kept: desk.OpenDraft, complaint: str = "", status: int = 200, *, draw_all: bool = False
) -> Response:
    return render("act_preview.html", status, page=PreviewPage(plan, kept.seal(plan.confirm), draw_all, complaint))


def _submit(draft: str, posted: Posted) -> Response:
    kept = desk.open_draft(current_app().store, draft, current_user())
    plan = _plan(kept.intent, kept.problems, kept.shown)
    if kept.submitted_at is None and posted.get("shown") != kept.seal(plan.confirm):
        told = "The page that you sent showed something else: this draft was changed in another window, or there is "
        return _preview(plan, kept, told + "more to say yes to. This is it now.", 409)
    typed = str(posted.get("typed", "")).strip()
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else None
    try:
        result = _carry_out(plan, number, confirmed=posted.get("confirm") == "yes")
    except desk.NotConfirmed as error:
        return _preview(error.plan, kept, str(error), 422)
    if any(line.state == "conflict" for line in result.lines):
        return result_response(result, plan.intent, 409)
    return redirect("/actions", draft=draft, repeated="1" if result.repeated else None)


def _carry_out(plan: desk.Plan, typed: int | None, *, confirmed: bool) -> desk.Result:
    hooks, store = current_house().hooks, current_app().store
    return desk.submit(hooks, current_snapshot(), store, plan, typed=typed, confirmed=confirmed)


def _again(draft: str) -> Response:
    """Once more what was not queued because somebody acted meanwhile, with what they did as seen."""
    store = current_app().store
    intent = desk.open_draft(store, draft, current_user()).intent
    told = told_before(store, draft)
    names = tuple(line.workflow for line in told.lines if line.state == "conflict") if told else ()
    if not names:
        raise Refused(400, "Nothing of this draft is in conflict with anybody.")
    mine = replace(intent, id=new_id(), workflows=names, seen=ledger.last_events(store, names))
    return redirect("/submitaction", draft=desk.keep(store, _plan(mine)))


# -- many workflows at once --


def _select(posted: Posted) -> Response:
    """Freeze the names of what was ticked, or of all that match, and go to the form."""
    try:
        found = _picked(posted)
    except WwtError as error:
        raise Refused(400, str(error)) from error
    if not found.why:
        raise Refused(400, "No workflow is ticked, so there is nothing to act on. Go back, and tick some.")
    store = current_app().store
    seen = ledger.last_events(store, found.workflows)
    intent = desk.Intent(new_id(), "", found.workflows, seen=seen, why=found.why, source=found.source)
    return redirect("/submitaction", draft=desk.keep(store, _plan(intent)), form="1")


def _picked(posted: Posted) -> picking.Picked:
    snapshot = current_snapshot()
    if posted.get("scope") in ("similar", "group"):
        return picked_alike(posted)
    if posted.get("scope") != "all":
        names = str(posted.get("names", "")).split()
        return picking.ticked(snapshot, [*several(posted, "workflows"), *names], several(posted, "preps"))
    if family := str(posted.get("family", "")):
        return picking.family(snapshot, family)
    asked = parsed(str(posted.get("query", "")), "list of filters")
    query, problems = OverviewQuery.parse(asked)
    if problems:
        raise Refused(400, " ".join(problems))
    if posted.get("origin") != "list":
        return picking.matching(snapshot, query)
    code = OverviewQuery.parse({"code": asked.get("errorcode", "")})[0].code
    site, workflow = (str(asked.get(name, "")) for name in ("sitename", "workflow"))
    return picking.listed(snapshot, query, code[0] if code else None, site, workflow)


# -- the original's form --


def _at_once(posted: Posted) -> Response:
    """A form, or a script, of the old console: read, checked and queued in one step."""
    if not posted.get("workflows") or not (posted.get("action") or posted.get("kind")):
        return scold(posted)
    intent, problems = _read(posted)
    plan = _plan(intent, problems)
    if blocking := [problem for problem in plan.problems if problem.blocking]:
        return _draw(intent, plan.problems, 422) if current_exchange().wants_html() else _refused(blocking)
    result = _carry_out(plan, plan.must_type, confirmed=True)  # that form asked for its yes before it was sent
    status = 409 if any(line.state == "conflict" for line in result.lines) else 200
    if not current_exchange().wants_html():
        return as_json(result_plain(result), status)
    if any(line.state == "needs sites" for line in result.lines):
        return redirect("/sitesfortasks", draft=intent.id)
    return result_response(result, intent, status)


def _refused(problems: list[Problem]) -> Response:
    return as_json({"error": " ".join(problem.message for problem in problems), "status": 422}, 422)
