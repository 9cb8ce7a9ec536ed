"""What an operator saw when an action was decided, small enough to be kept for years and to learn from."""

from __future__ import annotations

from typing import Any

from wwt_framework.evidence import TEXT, plain_case
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Case, Recommendation
from wwt_framework.services.desk.shapes import Line
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import Evidence


def gather(snapshot: Snapshot, hooks: Hooks, workflow: str, line: Line | None = None) -> dict[str, Any]:
    """What is known of *workflow* now, as JSON values; *line*: what the preview said of it."""
    case = snapshot.case(workflow)
    if case is None:
        return {"workflow": {"name": workflow}, "taken_at": snapshot.taken_at.isoformat()}
    return {
        "taken_at": snapshot.taken_at.isoformat(),
        **plain_case(case),
        "recommendations": _recommendations(hooks, case),
        "said": _said(line),
    }


def evidence_of(store: Store, action_id: str) -> Evidence | None:
    """What was known when the action was decided; None when that was not kept, or is pruned."""
    return ledger.evidence(store, action_id)


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
