"""What an operator saw when an action was decided, small enough to be kept for years and to learn from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Case, LogExcerpt, Recommendation
from wwt_framework.services.desk.shapes import Line
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import Evidence

#: Bounds of one evidence: cells of the table, excerpts in all and for one task and code, characters of one text.
CELLS, LOGS, LOGS_EACH, TEXT = 5000, 30, 2, 2000


def gather(snapshot: Snapshot, hooks: Hooks, workflow: str, line: Line | None = None) -> dict[str, Any]:
    """What is known of *workflow* now, as JSON values; *line*: what the preview said of it."""
    case = snapshot.case(workflow)
    if case is None:
        return {"workflow": {"name": workflow}, "taken_at": snapshot.taken_at.isoformat()}
    cells = sorted(case.errors, key=lambda count: -count.count)
    sites = {count.site for count in cells} | {site for r in case.recoveries for site in r.sites}
    return {
        "taken_at": snapshot.taken_at.isoformat(),
        "workflow": _workflow(case),
        "errors": [[count.task, count.exit_code, count.site, count.count] for count in cells[:CELLS]],
        "errors_total": case.errors.total,
        "cells_left_out": max(0, len(cells) - CELLS),
        "logs": [_log(log) for log in _top(case.logs)],
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
        "recommendations": _recommendations(hooks, case),
        "said": _said(line),
    }


def evidence_of(store: Store, action_id: str) -> Evidence | None:
    """What was known when the action was decided; None when that was not kept, or is pruned."""
    return ledger.evidence(store, action_id)


def _workflow(case: Case) -> dict[str, Any]:
    w = case.workflow
    return {
        "name": w.name, "prep_id": w.prep_id, "campaign": w.campaign, "request_type": w.request_type,
        "status": w.status, "priority": w.priority, "failure_rate": w.failure_rate, "estimated_jobs": w.estimated_jobs,
        "requested_at": w.requested_at and w.requested_at.isoformat(), "original": w.original,
        "acdcs": list(case.acdcs), "tasks": [[task.path, task.task_type, task.splitting] for task in w.tasks],
        "memory": w.parameters.get("Memory"), "cores": w.parameters.get("Multicore"),
    }  # fmt: skip


def _top(logs: Iterable[LogExcerpt]) -> list[LogExcerpt]:
    """The excerpts that most jobs share, a few of each task and exit code."""
    taken: dict[tuple[str, int], int] = defaultdict(int)
    top: list[LogExcerpt] = []
    for log in sorted(logs, key=lambda log: -log.count):
        if taken[log.task, log.exit_code] < LOGS_EACH and len(top) < LOGS:
            taken[log.task, log.exit_code] += 1
            top.append(log)
    return top


def _log(log: LogExcerpt) -> dict[str, Any]:
    return {
        "task": log.task, "exit_code": log.exit_code, "site": log.site, "error_type": log.error_type,
        "count": log.count, "text": log.text[:TEXT], "chain": [[link.error_type, link.exit_code] for link in log.chain],
        "files": list(log.files[:20]),
    }  # fmt: skip


def _recommendations(hooks: Hooks, case: Case) -> list[dict[str, Any]]:
    answers = hooks.each("recommend_actions", case=case)
    told: list[Recommendation] = [one for answer in answers if answer.ok for one in answer.value or ()]
    failed = [{"complaint": answer.complaint} for answer in answers if not answer.ok]
    return [
        {
            "action": one.action, "task": one.task, "exit_code": one.exit_code, "reason": one.reason[:TEXT],
            "parameters": dict(one.parameters), "procedure": one.procedure, "normal": one.normal[:TEXT],
            "evidence": [text[:500] for text in one.evidence[:5]],
        }
        for one in told[:50]
    ] + failed  # fmt: skip


def _said(line: Line | None) -> dict[str, Any]:
    """What guards and the executor's profile said in the preview."""
    if line is None:
        return {}
    problems = [*line.problems, *(problem for task in line.tasks for problem in task.problems)]
    effects = [*line.effects, *(effect for task in line.tasks for effect in task.effects)]
    return {
        "why": line.why,
        "problems": [[problem.task, problem.message, problem.blocking] for problem in problems],
        "left_out": list(line.left_out),
        "changed": [
            [task.task.short, name, change.asked, change.gets, change.why]
            for task in line.tasks
            for name, change in task.changed.items()
        ],
        "effects": [[effect.task, effect.text, list(effect.ignored), effect.acts] for effect in effects],
    }
