"""The JSON addresses that scripts and the executor know since the old console: same parameters, same keys."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any, Literal

from wwt_framework.errors import NotFound
from wwt_framework.model import ErrorCount
from wwt_framework.services.caselines import total_of
from wwt_framework.services.overview_words import site_words
from wwt_framework.snapshot import Snapshot
from wwt_framework.web.marks import marks_of
from wwt_framework.web.responses import Response, as_json
from wwt_framework.web.tools import current_snapshot, page


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {
        "/getprepids": getprepids,
        "/getworkflows": getworkflows,
        "/getstatus": getstatus,
        "/workflowerrors": workflowerrors,
        "/wkfparams": wkfparams,
        "/sitestatuses": sitestatuses,
        "/drainstatuses": drainstatuses,
        "/assistance_manual": assistance_manual,
        "/assistance_manual_recovered": assistance_manual_recovered,
    }


@page(json=True, answers=[str])
def getprepids() -> Response:
    """All PrepIDs, sorted."""
    return as_json(list(current_snapshot().preps))


@page(json=True, answers=[{"workflow": str, "status": Literal["none", "pending", "acted"], "errors": int}])
def getworkflows(prepid: str) -> Response:
    """The workflows of a PrepID that have failed jobs, oldest first: ``[{workflow, status, errors}]``."""
    snapshot = current_snapshot()
    prep = snapshot.preps.find(prepid)
    if prep < 0:
        raise NotFound(f"There is no PrepID {prepid[:200]} in what was fetched last.")
    members = snapshot.prep_workflows(prep).tolist()
    names = {snapshot.cube.workflows[i]: total for i in members if (total := total_of(snapshot, i))}
    marks = marks_of(list(names))
    return as_json([{"workflow": name, "status": marks[name], "errors": errors} for name, errors in names.items()])


@page(json=True, answers={"status": Literal["None", "Pending", "Acted"]})
def getstatus(workflow: str) -> Response:
    """What was done about a workflow: ``{"status": "None" | "Pending" | "Acted"}``, the first for unknown ones, too."""
    return as_json({"status": marks_of([workflow])[workflow].capitalize()})


_STEP = {"step": str, "codes": [{"code": int, "sites": {str: int}}], "allsites": [str]}


@page(json=True, answers=[_STEP])
def workflowerrors(workflow: str) -> Response:
    """Failed jobs of a workflow: ``[{step, codes: [{code, sites: {site: n}}], allsites}]``; -1 is not reported.

    The header X-Errors-State says how far that can be trusted: ok, old, partial (lower bounds) or unknown;
    an empty list that is unknown does not mean that nothing failed.
    """
    snapshot = current_snapshot()
    index = _index(snapshot, workflow)
    steps: dict[str, dict[int, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    cell: ErrorCount
    for cell in snapshot.cube.table(index):
        steps[cell.task][cell.exit_code][cell.site] = cell.count
    told = [
        {
            "step": step,
            "codes": [{"code": code, "sites": dict(sorted(sites.items()))} for code, sites in sorted(codes.items())],
            "allsites": sorted({site for sites in codes.values() for site in sites}),
        }
        for step, codes in sorted(steps.items())
    ]
    response = as_json(told)
    return replace(response, headers={**response.headers, "X-Errors-State": snapshot.known(workflow)["errors"].state})


def _index(snapshot: Snapshot, workflow: str) -> int:
    """Where *workflow* stands. Raises `NotFound`."""
    index = snapshot.cube.workflows.find(workflow)
    if index < 0:
        raise NotFound(f"There is no workflow {workflow[:400]} in what was fetched last.")
    return index


@page(json=True, answers={str: Any})
def wkfparams(workflow: str) -> Response:
    """The parameters of a workflow as ReqMgr2 sent them; ``{}`` where no source gave any."""
    told = current_snapshot().workflow(workflow)
    return as_json(dict(told.parameters) if told else {})


@page(json=True, answers=[{"site": str, "status": Literal["green", "yellow", "red", "none"], "drain": str}])
def sitestatuses() -> Response:
    """Readiness and production status of sites, without Tier 3: ``[{site, status, drain}]``, by name."""
    told = []
    for site, status in sorted(current_snapshot().sites.items()):
        if not site.startswith("T3"):
            colour, _, production = site_words(status)
            told.append({"site": site, "status": colour, "drain": production})
    return as_json(told)


@page(json=True, answers={str: str})
def drainstatuses() -> Response:
    """Production status of all sites: ``{site: drain}``."""
    return as_json({site: status.production for site, status in sorted(current_snapshot().sites.items())})


@page(json=True, answers=[str])
def assistance_manual() -> Response:
    """Workflows of which Unified says assistance-manual, sorted; ``[]`` where no source knows what Unified says."""
    return as_json(current_snapshot().waiting("assistance-manual"))


@page(json=True, answers=[str])
def assistance_manual_recovered() -> Response:
    """Those of which it says assistance-manual-recovered: working on them by hand has failed, too."""
    return as_json(current_snapshot().waiting("assistance-manual-recovered"))
