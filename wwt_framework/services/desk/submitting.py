"""Carrying a plan out: what was shown is kept as actions, in one transaction, once."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from wwt_framework.errors import WwtError
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Action, ActionState
from wwt_framework.services.desk import intent as intents
from wwt_framework.services.desk.evidence import gather
from wwt_framework.services.desk.planning import shown_of
from wwt_framework.services.desk.results import to_plain, told_before
from wwt_framework.services.desk.shapes import Line, NotConfirmed, Plan, Result, ResultLine, ResultState
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import Store, ledger

_STATES: Mapping[str, ResultState] = {
    "go": "queued",
    "missing": "missing",
    "needs sites": "needs sites",
    "acted elsewhere": "conflict",
    "changed": "conflict",
    "blocked": "blocked",
}


def submit(
    hooks: Hooks,
    snapshot: Snapshot,
    store: Store,
    plan: Plan,
    *,
    typed: int | None = None,
    confirmed: bool = False,
    clock: Callable[[], datetime] | None = None,
) -> Result:
    """Keep an action for every line of *plan* that goes, all in one transaction; tells what became of each line.

    The second submit of the same draft changes nothing, and tells the same.
    Raises `NotConfirmed` when the plan needs a yes or a number, and `WwtError` when something is wrong with all of it.
    """
    if (before := told_before(store, plan.intent.id)) is not None:
        return before
    wrong = [problem.message for problem in plan.problems if problem.blocking]
    if wrong:
        raise WwtError(" ".join(wrong))
    _check_confirmed(plan, typed, confirmed)
    now = (clock or store.now)()
    actions = [_action(plan, line, now) for line in plan.go]
    lines = {line.workflow: line for line in plan.go}
    evidence = [
        (action.id, action.workflow, ledger.pack(gather(snapshot, hooks, action.workflow, lines[action.workflow])))
        for action in actions
    ]
    user = plan.draft.user.name
    with store.write(alone="actions"):
        if (before := told_before(store, plan.intent.id)) is not None:
            return before
        kept = ledger.submit(store, actions, plan.intent.id, plan.intent.seen or None, rehearsal=plan.rehearsal)
        if kept.kept:
            mine = {action.id for action in kept.kept}
            ledger.keep_evidence(store, snapshot.version, [one for one in evidence if one[0] in mine])
            ledger.use_reasons(store, plan.reasons, user)
        result = Result(plan.intent.id, tuple(_result_line(line, kept) for line in plan.lines))
        ledger.end_draft(store, plan.intent.id, user, {**_content(plan), "result": to_plain(result)})
    return result


def keep(store: Store, plan: Plan) -> str:
    """Keep what a preview of *plan* shows, to be submitted later; gives the id of the draft.

    Raises `WwtError` when that draft was submitted already, or is somebody else's.
    """
    if not ledger.keep_draft(store, plan.intent.id, plan.draft.user.name, _content(plan)):
        raise WwtError("This draft was submitted already, or is somebody else's; begin again.")
    return plan.intent.id


def _content(plan: Plan) -> dict[str, Any]:
    warnings = [dataclasses.asdict(problem) for problem in plan.read_problems if not problem.blocking]
    return {"intent": intents.to_plain(plan.intent), "shown": shown_of(plan), "problems": warnings}


def _check_confirmed(plan: Plan, typed: int | None, confirmed: bool) -> None:
    if plan.must_type is not None and typed != plan.must_type:
        got = "nothing" if typed is None else typed
        raise NotConfirmed(plan, f"This acts on {plan.must_type} workflows: type {plan.must_type} to go on, got {got}.")
    if plan.confirm and not confirmed:
        raise NotConfirmed(plan, "Say yes to what is written here, or change the action.")


def _action(plan: Plan, line: Line, now: datetime) -> Action:
    return Action(
        id=uuid.uuid4().hex,
        kind=plan.draft.kind,
        workflow=line.workflow,
        values=dict(plan.draft.values),
        task_values=line.sends,
        reasons=plan.reasons,
        user=plan.draft.user.name,
        state=ActionState.QUEUED,
        submitted_at=now,
        changed_at=now,
        acdcs=line.acdcs,
        expires_at=plan.intent.expires_at,
    )


def _result_line(line: Line, kept: ledger.Submitted) -> ResultLine:
    problems = (*line.problems, *(problem for task in line.tasks for problem in task.problems))
    action = next((action for action in kept.kept if action.workflow == line.workflow), None)
    if action is not None:
        ended = tuple(old for old in kept.superseded if old.workflow == line.workflow)
        return ResultLine(line.workflow, "queued", action, ended, problems, mine=line.sends)
    theirs = (kept.conflicts or {}).get(line.workflow)
    if theirs is not None:
        return ResultLine(line.workflow, "conflict", problems=problems, theirs=theirs, mine=line.sends)
    theirs = line.last_event if line.state == "acted elsewhere" else None
    return ResultLine(line.workflow, _STATES[line.state], problems=problems, theirs=theirs, mine=line.sends)
