"""One workflow, as an operator opens it (`/seeworkflow`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from wwt_framework.errors import NotFound
from wwt_framework.model import Action
from wwt_framework.services import advice, casetables, finder, renewal, triage
from wwt_framework.services.history.trend import last_look
from wwt_framework.services.learning.forecasts import Forecast
from wwt_framework.services.triage import Examination, examine, plain_of, status_of
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import ledger
from wwt_framework.web import similar
from wwt_framework.web.exchange import current_exchange
from wwt_framework.web.filters import plain
from wwt_framework.web.marks import marks_of
from wwt_framework.web.parameters import NEEDED, Among, Drawn, Format
from wwt_framework.web.render import as_json, redirect, render, show_panels, table_response
from wwt_framework.web.responses import Response
from wwt_framework.web.similar import SimilarBox, similar_box
from wwt_framework.web.tools import current_app, current_house, current_snapshot, current_user, current_visit, page
from wwt_framework.web.trends import ShownTrend, shown_trend


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/seeworkflow": seeworkflow, "/seeworkflow2": seeworkflow2}


# -- the workflow --------------------------------------------------------------


@dataclass(frozen=True)
class Status:
    """What was done about a workflow."""

    word: str  # none, pending, acted
    last: Action | None  # the newest action that is not taken back; None: there is none


@dataclass(frozen=True)
class WorkflowPage:
    """What the page of a workflow shows."""

    found: Examination
    status: Status
    marks: dict[str, str]  # of the family: none, pending, acted
    read_only: bool  # a twin to look at, opened from another workflow's page
    order: str  # of rows and columns: errors or name
    may_act: bool
    advice: advice.Advised
    trend: ShownTrend
    similar: SimilarBox
    forecast: Forecast
    measured: Mapping[str, str]  # predictor -> its newest result in the lab


def _last_event() -> str:
    """What may change on a workflow's page while the snapshot stays: actions on it and on its family, and the history."""
    name = _text("workflow")
    snapshot = current_snapshot()
    family = [relative.name for relative in snapshot.family(name)]
    app, hooks = current_app(), current_house().hooks
    events = sorted(ledger.last_events(app.store, [name, *family]).items())
    # What became of similar workflows is shown, too; which they are is not known here.
    known = f"{last_look(app.history)} {app.alike.stamp(snapshot, hooks)} {app.forecasts.state(name, snapshot.version)}"
    return f"{events} {ledger.last_event_number(app.store)} {known} {ledger.newest_lab_results(app.store)}"


def _text(name: str) -> str:
    value = current_visit().query.get(name, "")
    return value if isinstance(value, str) else value[-1]


@page(
    fresh_by=_last_event,
    answers=({**triage.PLAIN, "advice": advice.PLAIN, "similar": similar.PLAIN}, [{str: (str, int, None)}]),
)  # fmt: skip
def seeworkflow(
    workflow: Annotated[str, NEEDED] = "",
    issuggested: Drawn = "",
    order: Annotated[Drawn, Among(casetables.ORDERS)] = "errors",
    alike: Drawn = "",
    format: Format = "",  # noqa: A002
    table: str = "",
) -> Response:
    """What is wrong with one workflow, how far that is known, and where to look further."""
    if not workflow:
        return redirect("/globalerror", 302)
    snapshot = current_snapshot()
    if snapshot.cube.workflows.find(workflow) < 0:
        return unknown(workflow)
    found = examine(snapshot, current_house().hooks, workflow, order)
    if format:
        return _as_table(found, format, table)
    shown = WorkflowPage(
        found, _status(workflow), _marks(found), bool(issuggested), order, not issuggested and current_user().may("operator"),
        _advice(found), shown_trend(workflow), similar_box(workflow, alike),
        current_app().forecasts.of(found.case, snapshot.version), ledger.newest_lab_results(current_app().store),
    )  # fmt: skip
    return render("workflow.html", page=shown, panels=show_panels("workflow", found.case))


@page()
def seeworkflow2(**query: Any) -> Response:
    """The second form of the page, under which executors' reports link to it."""
    return redirect("/seeworkflow", 302, **query)


def _status(workflow: str) -> Status:
    actions = [
        a for a in ledger.actions_on(current_app().store, workflow) if a.state.value not in ("withdrawn", "superseded")
    ]
    return Status(status_of(actions), actions[-1] if actions else None)


def _advice(found: Examination) -> advice.Advised:
    return advice.advise(current_house().hooks, found.case)


def _marks(found: Examination) -> dict[str, str]:
    names = [relative.workflow.name for relative in found.family]
    return marks_of(names) if len(names) > 1 else {}


def _as_table(found: Examination, format: str, table: str) -> Response:  # noqa: A002  # as in ?format=
    """The whole page as JSON, all counts as CSV, or one task's table as either."""
    name = found.case.workflow.name
    if table:
        one = next((t for t in found.tables if table in (t.task, t.short)), None)
        if one is None:
            raise NotFound(f"The workflow {name} has no failed jobs in a task {table}.")
        return table_response(*casetables.wide_rows(one), format, f"{name}-{one.short}")
    if format == "json":
        return as_json({**plain_of(found), "advice": _advice(found).plain(), "similar": similar_box(name).plain()})
    return table_response(*casetables.long_rows(found.tables), format, name)


# -- a workflow that is not there ----------------------------------------------


def unknown(name: str) -> Response:
    """Status 404 in words, and the workflow is asked for."""
    exchange = current_exchange()
    asked = renewal.Asked("", "")
    if exchange.visit.method == "GET":
        app, remote = current_app(), exchange.visit.remote
        asked = renewal.ask_for_unknown(app.store, app.clockwork, name, current_user().name, remote)
    snapshot = exchange.snapshot
    what = f"There is no workflow {plain(name)[:400]} in what was fetched last."
    if not exchange.wants_html():
        return as_json({"error": f"{what} {asked.words}".strip(), "status": 404, "run": asked.run or None}, 404)
    near = _near(snapshot, name[:400])
    return render("workflow_unknown.html", 404, name=name[:400], asked=asked, near=near, known=not snapshot.is_empty)


_PREP_ID = re.compile(r"[A-Z0-9]{3}-[A-Za-z0-9]+-\d{5}")


def _near(snapshot: Snapshot, name: str) -> list[str]:
    """Workflows that may have been meant: *name* is part of theirs, or they have the PrepID that is in it."""
    found = [match.name for match in finder.find(snapshot, name).candidates if match.kind == "workflow"]
    prep = _PREP_ID.search(name)
    index = snapshot.preps.find(prep[0]) if prep and not found else -1
    if index >= 0:
        found = snapshot.cube.workflows.take(snapshot.prep_workflows(index))
    return found[:8]
