"""Opens the file of one workflow: what is wrong with it, how far that is known, and where to look further."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from wwt_framework.errors import NotFound
from wwt_framework.model import NOT_REPORTED, Action, ActionState, Case
from wwt_framework.plugin import Link
from wwt_framework.services.caselines import (
    CodeLine,
    Doubt,
    Missing,
    Parameter,
    Relative,
    code_lines,
    doubts,
    family_lines,
    missing_lines,
    parameter_lines,
    round_words,
)
from wwt_framework.services.casetables import SiteHead, TaskTable, task_tables
from wwt_framework.services.completeness import Completeness, KindLine, completeness
from wwt_framework.snapshot import Snapshot

if TYPE_CHECKING:
    from wwt_framework.hooks.manager import Hooks

#: A code is said to sit at one site when that holds at least this share of it.
_CONCENTRATED = 0.5


@dataclass(frozen=True)
class Examination:
    """Everything the page of a workflow says. Made from one snapshot; nothing in it is asked for later."""

    case: Case
    version: str  # of the snapshot
    taken_at: datetime
    state: str  # of the counts: ok, old, partial (lower bounds), unknown
    counted_at: datetime | None  # of when the counts are
    doubts: tuple[Doubt, ...]
    complete: Completeness
    total: int | None  # failed jobs and not reported ones; None: not known, which is not zero
    not_reported: int  # of the total: known to the ACDC server only
    round: str  # "ACDC round 1 of 2", "2 ACDCs so far", ""
    codes: tuple[CodeLine, ...]  # the most frequent first, not reported last
    dominant: CodeLine | None  # the most frequent of those that agents reported
    concentration: str  # a sentence when one site holds most of the dominant code, else ""
    tables: tuple[TaskTable, ...]  # by task path
    family: tuple[Relative, ...]  # oldest first, this workflow among them
    missing: tuple[Missing, ...]  # what an ACDC would rerun; empty: nothing, or not known (see missing_known)
    missing_known: bool
    parameters: tuple[Parameter, ...]  # those that matter first
    more_parameters: tuple[Parameter, ...]  # what else ReqMgr2 sent
    links: tuple[Link, ...]  # addresses outside
    complaints: tuple[str, ...]  # plugins whose links are missing, and why


def examine(snapshot: Snapshot, hooks: Hooks, name: str, order: str = "errors") -> Examination:
    """Everything to be said of the workflow *name*. *order*: of rows and columns, see `casetables.ORDERS`.

    Raises `NotFound` when the snapshot does not have it.
    """
    case = snapshot.case(name)
    if case is None:
        raise NotFound(f"There is no workflow {name} in this snapshot.")
    codes = code_lines(case, snapshot.exit_codes, snapshot.log_templates().texts)
    dominant = next((line for line in codes if line.code != NOT_REPORTED), None)
    family = family_lines(snapshot, case)
    important, more = parameter_lines(case.workflow)
    links, complaints = ask_links(hooks, case)
    errors, recoveries = case.known["errors"], case.known.get("recoveries")
    return Examination(
        case=case,
        version=snapshot.version,
        taken_at=snapshot.taken_at,
        state=errors.state,
        counted_at=errors.at,
        doubts=doubts(case.known),
        complete=completeness(case, snapshot.exit_codes, snapshot.sources),
        total=None if errors.state == "unknown" and not case.errors else case.errors.total,
        not_reported=sum(line.count for line in codes if line.code == NOT_REPORTED),
        round=round_words(family),
        codes=codes,
        dominant=dominant,
        concentration=_concentration(dominant),
        tables=task_tables(case, snapshot.exit_codes, order),
        family=family,
        missing=missing_lines(case.recoveries),
        missing_known=bool(case.recoveries) or (recoveries is not None and recoveries.state != "unknown"),
        parameters=important,
        more_parameters=more,
        links=links,
        complaints=complaints,
    )


def _concentration(line: CodeLine | None) -> str:
    """Say "T2_US_Purdue holds 61 % of 8028 and takes no production jobs (drain)": it changes the decision."""
    if line is None or line.count < 10 or line.worst.total < _CONCENTRATED * line.count:
        return ""
    site = line.worst
    share = "all" if line.sites == 1 else f"{100 * site.total / line.count:.0f} %"
    words = [f"{site.site} holds {share} of {line.label}"]
    if site.production not in ("enabled", "unknown"):
        since = f" since {site.since:%Y-%m-%d}" if site.since else ""
        words.append(f"takes no production jobs ({site.production}{since})")
    if site.colour in ("red", "yellow"):
        words.append(f"is in the {site.readiness} by readiness")
    return " and ".join(words) + "."


def ask_links(hooks: Hooks, case: Case) -> tuple[tuple[Link, ...], tuple[str, ...]]:
    """Addresses outside that plugins know for *case*, and what the plugins say that failed."""
    answers = hooks.each("show_links", case=case)
    links = tuple(link for answer in answers if answer.ok for link in answer.value or ())
    return links, tuple(answer.complaint for answer in answers if not answer.ok)


# -- what was done about it ---------------------------------------------------


def status_of(actions: Iterable[Action]) -> str:
    """Say "pending" when one of *actions* waits or is under way, else "acted" when one was carried out, else "none"."""
    states = {action.state for action in actions}
    if states & {ActionState.QUEUED, ActionState.SENT}:
        return "pending"
    return "acted" if ActionState.DONE in states else "none"


#: The shape of `plain_of`.
PLAIN = {
    "workflow": str, "prep_id": str, "campaign": str, "request_type": str, "status": str, "priority": int | None,
    "requested_at": datetime | None, "failure_rate": float | None, "snapshot": str,
    "errors": {"total": int | None, "not_reported": int, "state": str, "at": datetime | None},
    "doubts": [Doubt],
    "complete": {"whole": bool, "kinds": [KindLine], "remarks": [str]},
    "codes": [CodeLine],
    "tasks": [{
        "task": str, "task_type": str, "total": int, "codes": [{"code": int, "total": int, "sites": {str: int}}],
        "sites": [SiteHead],
    }],
    "family": [{
        "workflow": str, "request_type": str, "status": str, "requested_at": datetime | None, "errors": int | None,
        "state": str, "acdc_round": int,
    }],
    "missing": ([Missing], None),
    "parameters": {str: Any},
    "links": [Link],
}  # fmt: skip


def plain_of(found: Examination) -> dict[str, Any]:
    """The page as JSON, `PLAIN`: the same facts by name, without what the page only draws."""
    workflow = found.case.workflow
    return {
        "workflow": workflow.name,
        "prep_id": workflow.prep_id,
        "campaign": workflow.campaign,
        "request_type": workflow.request_type,
        "status": workflow.status,
        "priority": workflow.priority,
        "requested_at": workflow.requested_at,
        "failure_rate": workflow.failure_rate,
        "snapshot": found.version,
        "errors": {
            "total": found.total,
            "not_reported": found.not_reported,
            "state": found.state,
            "at": found.counted_at,
        },
        "doubts": found.doubts,
        "complete": {
            "whole": found.complete.whole,
            "kinds": found.complete.kinds,
            "remarks": found.complete.remarks,
        },
        "codes": found.codes,
        "tasks": [
            {
                "task": table.task,
                "task_type": table.task_type,
                "total": table.total,
                "codes": [
                    {
                        "code": row.code,
                        "total": row.total,
                        "sites": {h.site: n for h, n in zip(table.sites, row.cells, strict=True) if n},
                    }
                    for row in table.rows
                ],
                "sites": table.sites,
            }
            for table in found.tables
        ],
        "family": [
            {"workflow": r.workflow.name, "request_type": r.workflow.request_type, "status": r.workflow.status,
             "requested_at": r.workflow.requested_at, "errors": r.errors, "state": r.state, "acdc_round": r.acdc_round}
            for r in found.family
        ],
        "missing": found.missing if found.missing_known else None,
        "parameters": workflow.parameters,
        "links": found.links,
    }  # fmt: skip
