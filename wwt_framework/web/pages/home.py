"""The welcome page, the jump box, how fresh the data are, and what else the frame links to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wwt_framework.errors import NotFound
from wwt_framework.model import SourceReport
from wwt_framework.services import finder
from wwt_framework.snapshot import STATE_WORDS
from wwt_framework.web.exchange import current_exchange
from wwt_framework.web.filters import number
from wwt_framework.web.frame import nothing_known
from wwt_framework.web.parameters import Format
from wwt_framework.web.render import redirect, render, table_response
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import current_snapshot, page


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {
        "/": home,
        "/jump": jump,
        "/freshness": freshness,
        "/help/keys": keys,
        "/static/*": static,
    }


@dataclass(frozen=True)
class HomePage:
    """What the welcome page shows."""

    workflows: int
    failing: int  # workflows with failed jobs
    failed_jobs: int
    preps: int  # those that have workflows with failed jobs: as many rows as the list has
    sites: int
    unasked: str  # why nothing is known of failed jobs; "" when something is


@page(role="anyone")
def home() -> Response:
    """Where one starts: what this is, and what there is to see."""
    exchange = current_exchange()
    snapshot, options = exchange.snapshot, exchange.house.config.house
    if not (options.open_reading or exchange.user.may("viewer")):
        return render("home.html", page=HomePage(0, 0, 0, 0, 0, ""), may_read=False)
    cube = snapshot.cube
    failing = cube.workflow_cells[1:] > cube.workflow_cells[:-1]
    shown = HomePage(
        workflows=len(cube.workflows),
        failing=int(failing.sum()),
        failed_jobs=cube.total,
        preps=len(set(snapshot.workflow_prep[failing].tolist())),
        sites=len(cube.sites),
        unasked="" if cube.total else nothing_known(snapshot),
    )
    return render("home.html", page=shown, may_read=True)


# -- jump ----------------------------------------------------------------------

#: kind of match -> where it leads, the parameter that takes the name, what else is said.
LEADS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "workflow": ("/seeworkflow", "workflow", {}),
    "prep id": ("/globalerror", "search", {}),
    "site": ("/globalerror", "site", {}),
    "exit code": ("/globalerror", "code", {"pievar": "errorcode"}),
}


@dataclass(frozen=True)
class Candidate:
    """One line of the list of candidates."""

    kind: str
    name: str
    words: str
    path: str
    query: Mapping[str, str]


def candidate(match: finder.Match) -> Candidate:
    path, parameter, more = LEADS[match.kind]
    query = {parameter: match.name, **more}
    if match.kind == "prep id":
        query["open"] = match.name
    return Candidate(match.kind, match.name, match.words, path, query)


_CANDIDATES = {"kind": str, "name": str, "words": str, "address": str}


@page(answers=[_CANDIDATES])
def jump(q: str = "", format: Format = "") -> Response:  # noqa: A002  # as in ?format=
    """Leads to the workflow, prep id, site or exit code that was typed, or lists what may have been meant."""
    found = finder.find(current_snapshot(), q)
    if found.exact is not None and not format:
        to = candidate(found.exact)
        return redirect(to.path, 302, **to.query)
    matches = found.candidates or ((found.exact,) if found.exact else ())
    rows = [candidate(match) for match in matches]
    if format:
        table = [(row.kind, row.name, row.words, current_exchange().url(row.path, **row.query)) for row in rows]
        return table_response(_CANDIDATES, table, format, "jump")
    return render("jump.html", 200 if rows or not q else 404, text=found.text, rows=rows, more=found.more)


# -- freshness -----------------------------------------------------------------


@dataclass(frozen=True)
class Doubt:
    """A workflow whose counts are not whole, or not of now."""

    workflow: str
    state: str


DOUBTS_SHOWN = 500


COLUMNS = {
    "plugin": str, "kind": str, "state": str, "asked_at": datetime, "as_of": datetime | None, "seconds": float, "note": str,
    "rejected": int, "warning": str,
}  # fmt: skip


@page(answers=[COLUMNS])
def freshness(format: Format = "") -> Response:  # noqa: A002  # as in ?format=
    """Per source: how it answered, how old its data are, and what of it could not be read, by path."""
    snapshot = current_snapshot()
    if format:
        return table_response(COLUMNS, [_row(report) for report in snapshot.sources], format, "freshness")
    doubtful = snapshot.errors_state.nonzero()[0]
    doubts = [
        Doubt(snapshot.cube.workflows[int(i)], STATE_WORDS[snapshot.errors_state[i]]) for i in doubtful[:DOUBTS_SHOWN]
    ]
    more = f"and {number(len(doubtful) - len(doubts))} more" if len(doubtful) > len(doubts) else ""
    # The strip links to the first line of each plugin.
    anchors = {name: i for i, name in enumerate(dict.fromkeys(r.plugin for r in snapshot.sources), 1)}
    return render("freshness.html", sources=snapshot.sources, anchors=anchors, doubts=doubts, more=more)


def _row(report: SourceReport) -> tuple[Any, ...]:
    return (
        report.plugin,
        report.kind,
        report.state,
        report.asked_at.isoformat(),
        report.as_of.isoformat() if report.as_of else None,
        report.seconds,
        report.note,
        report.rejected_count,
        report.warning,
    )


# -- the rest ------------------------------------------------------------------


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
