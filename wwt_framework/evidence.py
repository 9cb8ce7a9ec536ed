"""A case and a decision as JSON values, and back: what is kept with an action, what stands in files, what is learnt from."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from wwt_framework.model import (
    Action,
    ActionState,
    Case,
    ChainLink,
    ErrorCount,
    ErrorTable,
    Known,
    LogExcerpt,
    Readiness,
    Reason,
    Recovery,
    SiteStatus,
    Task,
    Workflow,
)
from wwt_framework.plugin import Decision

#: Kinds of action whose values are of each task; all others have one set of them.
BY_TASK = ("acdc", "recovery")
#: Bounds of one case: cells of the table, excerpts in all and for one task and code, characters of one text.
CELLS, LOGS, LOGS_EACH, TEXT = 5000, 30, 2, 2000

_TEXTS = ("prep_id", "campaign", "request_type", "status", "original")
_READINESS = {readiness.colour: readiness for readiness in Readiness}


def plain_case(case: Case) -> dict[str, Any]:
    """*case*, small enough to be kept for years."""
    cells = sorted(case.errors, key=lambda count: -count.count)
    sites = {count.site for count in cells} | {site for r in case.recoveries for site in r.sites}
    return {
        "workflow": _plain_workflow(case),
        "errors": [[count.task, count.exit_code, count.site, count.count] for count in cells[:CELLS]],
        "errors_total": case.errors.total,
        "cells_left_out": max(0, len(cells) - CELLS),
        "logs": [_plain_log(log) for log in _top(case.logs)],
        "sites": {
            name: [status.readiness.colour, status.production]
            for name in sorted(sites)
            if (status := case.sites.get(name)) is not None
        },
        "recoveries": [[r.task, sorted(r.sites), r.events, r.fake_files] for r in case.recoveries],
        "known": {
            kind: [known.state, known.source, known.at and known.at.isoformat(), known.note]
            for kind, known in case.known.items()
        },
    }


def case_of(content: Mapping[str, Any]) -> Case:
    """The case that `plain_case` was given, as far as it was kept. Raises ValueError when it is not of that shape."""
    try:
        return Case(
            workflow=_workflow(content["workflow"]),
            errors=ErrorTable(
                ErrorCount(str(task), int(code), str(site), int(count))
                for task, code, site, count in content.get("errors", ())
            ),
            logs=tuple(_log(log) for log in content.get("logs", ())),
            recoveries=tuple(
                Recovery(str(task), frozenset(sites), events, fake_files=bool(fake))
                for task, sites, events, fake in content.get("recoveries", ())
            ),
            sites={
                site: SiteStatus(site, _READINESS.get(colour, Readiness.NONE), str(production))
                for site, (colour, production) in content.get("sites", {}).items()
            },
            known={
                kind: Known(kind, source, state, _time(at), note or "")
                for kind, (state, source, at, note) in content.get("known", {}).items()
            },
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"expected a case as it is kept with an action: {type(error).__name__}: {error}") from error


def plain_action(action: Action, decided_at: datetime) -> dict[str, Any]:
    """A decision without its case, which goes beside it under ``case``: a line of a file of decisions."""
    return {
        "decided_at": decided_at.isoformat(),
        "action": {
            "id": action.id, "kind": action.kind, "workflow": action.workflow, "values": dict(action.values),
            "task_values": {task: dict(values) for task, values in action.task_values.items()},
            "reasons": [[reason.short, reason.long] for reason in action.reasons], "user": action.user,
            "state": action.state.value,
        },
    }  # fmt: skip


def plain_decision(decision: Decision) -> dict[str, Any]:
    """*decision* as a line of a file of decisions."""
    return {**plain_action(decision.action, decision.decided_at), "case": plain_case(decision.case)}


def action_of(line: Mapping[str, Any]) -> Action:
    """What `plain_action` was given, submitted when it was decided. Raises ValueError when it is not of that shape."""
    try:
        at = _time(line["decided_at"])
        if at is None:
            raise ValueError("decided_at must be a date")
        told = line["action"]
        return Action(
            id=str(told["id"]), kind=str(told["kind"]), workflow=str(told["workflow"]),
            values=dict(told.get("values") or {}),
            task_values={str(task): dict(values) for task, values in (told.get("task_values") or {}).items()},
            reasons=tuple(Reason(str(short), str(long)) for short, long in told.get("reasons") or ()),
            user=str(told.get("user") or ""), state=ActionState(told.get("state") or "done"), submitted_at=at,
            changed_at=at,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"expected a decision {{decided_at, action, case}}: {type(error).__name__}: {error}"
        ) from error


def checked(line: Any) -> Mapping[str, Any]:
    """*line* of a file, of the shape of `plain_decision`: anybody may have written it. Raises ValueError in words."""
    try:
        case = line["case"]
        workflow = case["workflow"]
        if not isinstance(workflow["name"], str) or not workflow["name"]:
            raise ValueError(f"expected a name of a workflow, got {workflow['name']!r:.60}")
        strange = [name for name in _TEXTS if not isinstance(workflow.get(name) or "", str)]
        strange += [
            f"the kind or splitting of {task}"
            for task, *texts in workflow.get("tasks", ())
            if not _are(str, (text or "" for text in texts))
        ]
        if strange:
            raise ValueError(f"expected text as {strange[0]:.100}")
        for log in case.get("logs", ()):
            texts = (
                log["task"],
                log["site"],
                log.get("text") or "",
                log.get("error_type") or "",
                *log.get("files", ()),
            )
            if not _are(str, texts) or not _are(int, (log["exit_code"], log.get("count") or 1)):
                raise ValueError(f"expected a log with its task, exit code, site, text and files, got {log!r:.100}")
        strange = [cell for cell in case.get("errors", ()) if not _is_cell(*cell)]
        if strange:
            raise ValueError(f"expected task, exit code, site and failed jobs, got {strange[0]!r:.100}")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"expected a case as it is kept with an action: {type(error).__name__}: {error}") from error
    found: Mapping[str, Any] = line
    return found


def _is_cell(task: Any = None, code: Any = None, site: Any = None, count: Any = None, *more: Any) -> bool:
    if more or not _are(str, (task, site)) or not _are(int, (code, count)):
        return False
    return bool(abs(code) < 2**31 and 0 < count < 2**31)


def _are(kind: type, values: Iterable[Any]) -> bool:
    return all(isinstance(value, kind) for value in values)


def decision_label(kind: str, values: Mapping[str, Any]) -> str:
    """What was decided, in one word: the kind of action, of a special one what was asked for."""
    if kind != "special":
        return kind
    return str(values.get("action") or values.get("other") or kind)


def values_of(action: Action, task: str) -> Mapping[str, Any]:
    """What was given for *task*, by path: of a kind by task its own values, else those of the whole action."""
    return action.task_values.get(Task(task).short, {}) if action.kind in BY_TASK else action.values


def _plain_workflow(case: Case) -> dict[str, Any]:
    w = case.workflow
    return {
        "name": w.name, "prep_id": w.prep_id, "campaign": w.campaign, "request_type": w.request_type,
        "status": w.status, "priority": w.priority, "failure_rate": w.failure_rate, "estimated_jobs": w.estimated_jobs,
        "requested_at": w.requested_at and w.requested_at.isoformat(), "original": w.original,
        "acdcs": list(case.acdcs), "tasks": [[task.path, task.task_type, task.splitting] for task in w.tasks],
        "memory": w.parameters.get("Memory"), "cores": w.parameters.get("Multicore"),
    }  # fmt: skip


def _workflow(told: Mapping[str, Any]) -> Workflow:
    found = {key: told[name] for key, name in (("Memory", "memory"), ("Multicore", "cores")) if told.get(name)}
    rate = told.get("failure_rate")
    return Workflow(
        name=str(told["name"]), prep_id=told.get("prep_id") or "", campaign=told.get("campaign") or "",
        request_type=told.get("request_type") or "", status=told.get("status") or "", priority=told.get("priority"),
        requested_at=_time(told.get("requested_at")), original=told.get("original") or "",
        estimated_jobs=told.get("estimated_jobs"),
        failure_rate=rate if isinstance(rate, int | float) and math.isfinite(rate) else None,
        tasks=tuple(Task(str(path), kind or "", splitting or "") for path, kind, splitting in told.get("tasks", ())),
        parameters=found,
    )  # fmt: skip


def _top(logs: Iterable[LogExcerpt]) -> list[LogExcerpt]:
    """The excerpts that most jobs share, a few of each task and exit code."""
    taken: dict[tuple[str, int], int] = defaultdict(int)
    top: list[LogExcerpt] = []
    for log in sorted(logs, key=lambda log: -log.count):
        if taken[log.task, log.exit_code] < LOGS_EACH and len(top) < LOGS:
            taken[log.task, log.exit_code] += 1
            top.append(log)
    return top


def _plain_log(log: LogExcerpt) -> dict[str, Any]:
    return {
        "task": log.task, "exit_code": log.exit_code, "site": log.site, "error_type": log.error_type,
        "count": log.count, "text": log.text[:TEXT], "chain": [[link.error_type, link.exit_code] for link in log.chain],
        "files": list(log.files[:20]),
    }  # fmt: skip


def _log(told: Mapping[str, Any]) -> LogExcerpt:
    return LogExcerpt(
        task=str(told["task"]), exit_code=int(told["exit_code"]), site=str(told["site"]),
        error_type=told.get("error_type") or "", text=told.get("text") or "", count=int(told.get("count") or 1),
        chain=tuple(ChainLink(str(kind), code) for kind, code in told.get("chain", ())),
        files=tuple(told.get("files", ())),
    )  # fmt: skip


def _time(text: Any) -> datetime | None:
    """A moment in UTC; None for nothing. Raises ValueError."""
    if not text:
        return None
    at = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    try:
        return at.replace(tzinfo=timezone.utc) if at.tzinfo is None else at.astimezone(timezone.utc)
    except OverflowError as error:  # the first or the last day that there is, elsewhere on Earth
        raise ValueError(f"{text!r:.60} is no moment in UTC") from error
