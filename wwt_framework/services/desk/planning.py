"""From what an operator wants to what each task of each workflow would get: looks at everything, changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from wwt_framework.errors import NotFound
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Action, ActionState, Case, Draft, Effect, Problem, User
from wwt_framework.options import HouseOptions
from wwt_framework.services.desk.guards import guarded
from wwt_framework.services.desk.intent import Intent
from wwt_framework.services.desk.kinds import KindChoice, fields_for, kind_named
from wwt_framework.services.desk.reasons import settle
from wwt_framework.services.desk.shapes import Line, LineState, Plan, Totals
from wwt_framework.services.desk.tasks import task_lines
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import Store, ledger

#: What an action was taken back by, or replaced: nobody need be asked about it.
_GONE = (ActionState.WITHDRAWN, ActionState.SUPERSEDED)
#: Workflows whose effects are asked for at once: the hook has a deadline.
_AT_ONCE = 100
#: Sentences to say yes to, at most; the rest is counted.
_SENTENCES = 20


def plan(
    hooks: Hooks,
    snapshot: Snapshot,
    store: Store,
    intent: Intent,
    user: User,
    *,
    problems: Sequence[Problem] = (),
    shown: Mapping[str, Any] | None = None,
    house: HouseOptions | None = None,
) -> Plan:
    """What would happen if *user* submitted *intent* now.

    *problems*: what was wrong when *intent* was read.
    *shown*: workflow -> what a preview said would be sent (`shown_of`); a line that would send something else now is
    "changed" and does not go.
    """
    house = house or HouseOptions()
    reasons, told = settle(store, intent.reasons, intent.picked)
    wrong = [*problems, *told]
    choice, complaints = _choice(hooks, intent, wrong)
    cases = {name: case for name in dict.fromkeys(intent.workflows) if (case := snapshot.case(name)) is not None}
    if choice is not None:
        choice, complaint = fields_for(hooks, choice, list(cases.values()))
        complaints += [complaint] if complaint else []
        wrong += _form_problems(choice, intent, user)
    draft = Draft(intent.id, choice.kind.name if choice else intent.kind, intent.workflows, dict(intent.values), {},
                  reasons, user, dict(intent.seen))  # fmt: skip
    lines = _lines(hooks, store, choice, intent, cases, complaints)
    if choice is not None:
        lines = _checked(hooks, draft, lines, cases, complaints)
    lines = [_settled(line, choice, shown) for line in lines]
    return _summed_up(
        Plan(
            intent, choice, replace(draft, task_values={line.workflow: line.sends for line in lines if line.state == "go"}),
            tuple(lines), Totals(), reasons, tuple(wrong), complaints=tuple(dict.fromkeys(complaints)),
            read_problems=tuple(problems), rehearsal=house.dry_run, snapshot=snapshot.version,
        ),
        house,
    )  # fmt: skip


def shown_of(planned: Plan) -> dict[str, Any]:
    """Workflow -> what a preview of *planned* says would be sent, of the lines that go; JSON values."""
    return {line.workflow: line.sends for line in planned.lines if line.state == "go"}


def _choice(hooks: Hooks, intent: Intent, problems: list[Problem]) -> tuple[KindChoice | None, list[str]]:
    if not intent.workflows:
        problems.append(Problem("There is no workflow to act on.", "workflows", fix="Choose at least one."))
    if not intent.kind:
        problems.append(Problem("There is no action chosen.", "kind", fix="Choose what to do."))
        return None, []
    try:
        return kind_named(hooks, intent.kind), []
    except NotFound as err:
        problems.append(Problem(str(err), "kind", fix="Choose one of them."))
        return None, []


def _form_problems(choice: KindChoice, intent: Intent, user: User) -> list[Problem]:
    kind, problems = choice.kind, []
    if choice.why_not:
        problems.append(Problem(choice.why_not, "kind", fix="Choose another action."))
    if not user.may(kind.role):
        problems.append(Problem(f"{kind.label} needs the role {kind.role}.", "kind", fix="Ask an admin for it."))
    if not kind.many and len(intent.workflows) > 1:
        problems.append(Problem(f"{kind.label} can be asked for one workflow at a time.", "workflows"))
    problems += [
        Problem(f"{field.label} is missing.", field.name)
        for field in choice.per_form
        if field.required and field.name not in intent.values
    ]
    problems += [
        Problem(why, name, fix=f"Leave {name} out.")
        for name, value in intent.values.items()
        if (why := choice.refusal(name, value))
    ]
    return problems


# -- one line per workflow --


def _lines(
    hooks: Hooks,
    store: Store,
    choice: KindChoice | None,
    intent: Intent,
    cases: Mapping[str, Case],
    complaints: list[str],
) -> list[Line]:
    names = tuple(dict.fromkeys(intent.workflows))
    past: dict[str, list[Action]] = {}
    for action in ledger.actions_on_any(store, names):
        past.setdefault(action.workflow, []).append(action)
    events = ledger.last_events_of(store, names)
    lines = []
    for name in names:
        mine = past.get(name, [])
        last = events.get(name)
        line = Line(
            name, "go", intent.why.get(name, ""),
            open_actions=tuple(a for a in mine if a.state in (ActionState.QUEUED, ActionState.SENT)),
            last_action=next((a for a in reversed(mine) if a.state not in _GONE), None),
            seen_event=intent.seen.get(name, last.number if last else 0), last_event=last,
        )  # fmt: skip
        case = cases.get(name)
        if case is None:
            lines.append(replace(line, state="missing"))
            continue
        line = replace(line, acdcs=case.acdcs, errors=case.errors.total)
        if choice is not None and choice.has_tasks:
            tasks, left_out, complaint = task_lines(hooks, choice, intent, case)
            complaints += [complaint] if complaint else []
            line = replace(line, tasks=tuple(tasks), left_out=left_out)
        lines.append(line)
    return lines


def _checked(
    hooks: Hooks, draft: Draft, lines: list[Line], cases: Mapping[str, Case], complaints: list[str]
) -> list[Line]:
    """*lines* after the guards, with what the executor would do."""
    here = [line for line in lines if line.workflow in cases]
    checked, told = guarded(hooks, draft, here, cases)
    complaints += told
    effects, told = _effects(hooks, draft, checked, cases)
    complaints += told
    by_name = {line.workflow: _with_effects(line, effects.get(line.workflow, [])) for line in checked}
    return [by_name.get(line.workflow, line) for line in lines]


def _effects(
    hooks: Hooks, draft: Draft, lines: Sequence[Line], cases: Mapping[str, Case]
) -> tuple[dict[str, list[Effect]], tuple[str, ...]]:
    found: dict[str, list[Effect]] = {}
    complaints: list[str] = []
    if not hooks.implementing("build_effects"):
        return found, ()
    for first in range(0, len(lines), _AT_ONCE):
        some = lines[first : first + _AT_ONCE]
        names = tuple(line.workflow for line in some)
        asked = replace(draft, workflows=names, task_values={line.workflow: line.sends for line in some})
        for answer in hooks.each("build_effects", draft=asked, cases=[cases[name] for name in names]):
            complaints += [] if answer.ok else [answer.complaint]
            for effect in answer.value or () if answer.ok else ():
                found.setdefault(effect.workflow, []).append(effect)
    return found, tuple(complaints)


def _with_effects(line: Line, effects: Sequence[Effect]) -> Line:
    here = {task.task.short for task in line.tasks}
    tasks = tuple(
        replace(task, effects=tuple(effect for effect in effects if effect.task == task.task.short))
        for task in line.tasks
    )
    return replace(line, tasks=tasks, effects=tuple(effect for effect in effects if effect.task not in here))


def _settled(line: Line, choice: KindChoice | None, shown: Mapping[str, Any] | None) -> Line:
    """*line* with its state, decided when everything else is known."""
    if line.state == "missing":
        return line
    if choice is not None and choice.has_tasks and not line.tasks:
        nothing = Problem("There is no task here that this could be done to.", workflow=line.workflow)
        line = replace(line, problems=(*line.problems, nothing))
    return replace(line, state=_state(line, choice, shown))


def _state(line: Line, choice: KindChoice | None, shown: Mapping[str, Any] | None) -> LineState:
    if line.last_event is not None and line.last_event.number > line.seen_event:
        return "acted elsewhere"
    if choice is None or any(problem.blocking for problem in line.problems):
        return "blocked"
    if choice.has_tasks and not any(task.go for task in line.tasks):
        return "blocked"
    if choice.has_sites and any(task.go and not task.sites for task in line.tasks):
        return "needs sites"
    if shown is not None and shown.get(line.workflow) != line.sends:
        return "changed"
    return "go"


# -- the whole --


def _summed_up(planned: Plan, house: HouseOptions) -> Plan:
    go = [line for line in planned.lines if line.state == "go"]
    tasks = [task for line in go for task in line.tasks if task.go]
    warned = [line for line in go if _warnings(line)]
    totals = Totals(
        workflows=len(go),
        tasks=len(tasks),
        blocked=len(planned.lines) - len(go),
        warned=len(warned),
        errors=sum(task.errors for task in tasks) if tasks else sum(line.errors for line in go),
    )
    return replace(
        planned,
        totals=totals,
        confirm=(*_resubmissions(go), *_warned(warned)),
        must_type=len(go) if len(go) > house.bulk_confirm_above else None,
    )


def _warnings(line: Line) -> list[str]:
    """What the operator has to know and say yes to: warnings, and what the executor will do nothing with."""
    several = (line.problems, *(task.problems for task in line.tasks if task.go))
    effects = (line.effects, *(task.effects for task in line.tasks if task.go))
    warnings = [problem.message for problems in several for problem in problems if not problem.blocking]
    undone = [
        f"nothing will be done with {effect.task or 'it'}: {effect.text}"
        for told in effects
        for effect in told
        if not effect.acts
    ]
    return list(dict.fromkeys(warnings + undone))  # what holds for every task is said once


def _resubmissions(lines: Sequence[Line]) -> tuple[str, ...]:
    """Who acted on these workflows before, and when."""
    said = [
        f"{action.user} asked for {action.kind} on {action.workflow} at {action.submitted_at:%Y-%m-%d %H:%M} UTC "
        f"({action.state.value})."
        for line in lines
        if (action := line.last_action) is not None
    ]
    return _cut(said, "were acted on before, too")


def _warned(lines: Sequence[Line]) -> tuple[str, ...]:
    return _cut([f"{line.workflow}: {warning}" for line in lines for warning in _warnings(line)], "have a warning, too")


def _cut(sentences: list[str], rest: str) -> tuple[str, ...]:
    if len(sentences) <= _SENTENCES:
        return tuple(sentences)
    return (*sentences[: _SENTENCES - 1], f"{len(sentences) - _SENTENCES + 1} more workflows {rest}.")
