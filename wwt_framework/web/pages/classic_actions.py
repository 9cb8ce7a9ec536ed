"""The JSON addresses of the old console with which scripts act: the same parameters, keys and answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pydantic

from wwt_framework.errors import StoreError, WwtError
from wwt_framework.model import Reason
from wwt_framework.services import desk
from wwt_framework.services.desk.sites import drained
from wwt_framework.services.overview_words import site_words
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import ledger
from wwt_framework.web.exchange import Refused
from wwt_framework.web.responses import Response, as_json, as_text
from wwt_framework.web.shapes import Fault, Text
from wwt_framework.web.tools import current_app, current_house, current_snapshot, current_user, current_visit, page

#: Documents of one request; each is planned and kept by itself.
MOST_DOCUMENTS = 1000
_NEVER = "-1"  # what stood in the place of an id when a document was not kept


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {
        "/submit2": submit2,
        "/submissionparams": submissionparams,
        "/getreasons": getreasons,
        "/update_reasons": update_reasons,
    }


class Document(pydantic.BaseModel):
    """What is asked for on one workflow."""

    workflow: str
    parameters: Mapping[str, Any] = pydantic.Field(description="Action, Reasons, and Parameters by task")


class Documents(pydantic.BaseModel):
    """What /submit2 takes."""

    documents: list[Document] = pydantic.Field(min_length=1, max_length=MOST_DOCUMENTS)


_SUBMITTED = {"message": str, "documents": [{"workflow": str, "state": str, "id": str, "why": [str]}]}


@page(
    role="operator", methods=("POST",), json=True, answers={200: _SUBMITTED, 422: (_SUBMITTED, Fault)},
    accepts=Documents,
)  # fmt: skip
def submit2() -> Response:
    """Queues an action for each document: ``{documents: [{workflow, parameters: {Action, Reasons, Parameters}}]}``.

    ``message`` has the id of each action in the order of the documents, -1 for one that was not kept; ``documents``
    says why. 422 when none was kept.
    """
    said = current_visit().json
    documents = said.get("documents") if isinstance(said, Mapping) else None
    if not isinstance(documents, list) or not documents:
        raise Refused(400, 'The body must be JSON like {"documents": [{"workflow": "...", "parameters": {...}}]}.')
    if len(documents) > MOST_DOCUMENTS:
        raise Refused(413, f"These are {len(documents):,} documents; send up to {MOST_DOCUMENTS:,} at once.")
    told = [_submit(document) for document in documents]
    status = 200 if any(one["state"] == "queued" for one in told) else 422
    return as_json({"message": f"Done, status: {', '.join(one['id'] for one in told)}", "documents": told}, status)


def _submit(document: Any) -> dict[str, Any]:
    """What became of one document. It takes the place of what was open on its workflow, and needs no second yes."""
    if not isinstance(document, Mapping):
        return _untaken("", "blocked", ["A document is an object with the keys workflow and parameters."])
    app, house, snapshot = current_app(), current_house(), current_snapshot()
    name = str(document.get("workflow") or "")
    try:
        intent, problems = desk.read_document(house.hooks, snapshot, app.store, document)
        plan = desk.plan(
            house.hooks, snapshot, app.store, intent, current_user(), problems=problems, house=house.config.house
        )
        result = desk.submit(house.hooks, snapshot, app.store, plan, typed=plan.must_type, confirmed=True)
    except StoreError:
        raise
    except WwtError as error:
        return _untaken(name, "blocked", [str(error)])
    (line,) = result.lines
    planned = plan.lines[0]
    words = [problem.message for problem in (*line.problems, *planned.problems)]
    words += [problem.message for task in planned.tasks for problem in task.problems]
    words += [*(problem.message for problem in plan.problems), *planned.left_out]
    if line.action is None:
        return _untaken(name, line.state, words or _of_state(line.state))
    return {"workflow": name, "state": line.state, "id": line.action.id, "why": list(dict.fromkeys(words))}


def _untaken(workflow: str, state: str, why: Iterable[str]) -> dict[str, Any]:
    return {"workflow": workflow, "state": state, "id": _NEVER, "why": list(dict.fromkeys(why))}


def _of_state(state: str) -> list[str]:
    words = {
        "missing": "There is no such workflow in what was fetched last.",
        "needs sites": "A task has no site where it could run; name sites in its parameters.",
        "conflict": "Somebody acted on this workflow at the same moment; look at it again.",
    }
    return [words.get(state, "It was not kept.")]


_FORM = {"submitted": str, "steps": [str], "sitestorun": {str: [str]}, "allsites": [{"site": str, "drain": str}]}


@page(json=True, answers=_FORM)
def submissionparams(workflow: str) -> Response:
    """What a form needs: ``{submitted, steps, sitestorun: {step: []}, allsites: [{site, drain}]}``.

    ``submitted`` is a time in UTC as text, "None" when nothing was ever asked for. Sites in drain are not among those
    to run at.
    """
    snapshot, app = current_snapshot(), current_app()
    actions = ledger.actions_on(app.store, workflow)
    submitted = actions[-1].submitted_at.replace(tzinfo=None, microsecond=0) if actions else None
    steps = _steps(snapshot, workflow)
    return as_json(
        {
            "submitted": str(submitted),
            "steps": steps,
            "sitestorun": _sites_to_run(snapshot, workflow, steps),
            "allsites": [
                {"site": site, "drain": site_words(status)[2]}
                for site, status in sorted(snapshot.sites.items())
                if not site.startswith("T3")
            ],
        }
    )


def _steps(snapshot: Snapshot, workflow: str) -> list[str]:
    """The tasks of *workflow* that have errors, by path; none when it is not known."""
    index = snapshot.cube.workflows.find(workflow)
    return [] if index < 0 else sorted({cell.task for cell in snapshot.cube.table(index)})


def _sites_to_run(snapshot: Snapshot, workflow: str, steps: list[str]) -> dict[str, list[str]]:
    case = snapshot.case(workflow)
    told = desk.sites_to_run(current_house().hooks, case) if case else {}
    found = {}
    for step in steps:
        task = told.get("/".join(step.split("/")[2:]))
        sites = task.sites if task else frozenset()
        found[step] = sorted(sites - set(drained(case, sites))) if case else []
    return found


@page(json=True, answers=[{"short": str, "long": str}])
def getreasons() -> Response:
    """The book of reasons: ``[{short, long}]`` by short; line breaks are ``<br>``."""
    return as_json(
        [
            {"short": reason.short, "long": reason.long.replace("\n", "<br>")}
            for reason in sorted(ledger.reasons(current_app().store), key=lambda reason: reason.short)
        ]
    )


class NamedReason(pydantic.BaseModel):
    """A reason for the book."""

    short: str | None = None
    long: str | None = None


class Reasons(pydantic.BaseModel):
    """Several of them."""

    reasons: list[NamedReason]


@page(role="operator", methods=("POST",), json=True, answers=Text, accepts=([NamedReason], Reasons))
def update_reasons() -> Response:
    """Adds to the book of reasons; takes ``[{short, long}]``, alone or under ``reasons``, and answers ``OK``.

    A short name that is taken keeps its text, one without a short name is not kept. X-Reasons-New says how many were.
    """
    said = current_visit().json
    given = said.get("reasons") if isinstance(said, Mapping) else said
    if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
        raise Refused(400, 'The body must be JSON like [{"short": "...", "long": "..."}].')
    wanted = [_reason(one) for one in given]
    new = ledger.add_reasons(current_app().store, wanted, current_user().name)
    response = as_text("OK")
    return Response(response.body, response.content_type, 200, {"X-Reasons-New": str(len(new))})


def _reason(given: Mapping[str, Any]) -> Reason:
    """Raises `Refused` with 400 for what is no text."""
    for name in ("short", "long"):
        if not isinstance(given.get(name), str | None):
            raise Refused(400, f"{name} must be a text, got {str(given[name])[:40]!r}. Nothing was kept.")
    short, long = str(given.get("short") or "").strip(), str(given.get("long") or "").strip()
    return Reason(short, (long or short).replace("\r\n", "\n").replace("<br>", "\n"))
