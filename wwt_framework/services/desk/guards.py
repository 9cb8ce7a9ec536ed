"""Asking guards, mending what they mend, and asking again, until nobody mends anything any more.

A guard that raises, or is late, objects: to every workflow that it was asked about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Action, Case, Draft, Problem
from wwt_framework.services.desk.shapes import Change, Line, TaskLine

#: Times that guards are asked; those that still mend each other's mending then do not agree, which blocks.
ROUNDS = 5
#: Workflows that are asked about at once: guards have a deadline.
_AT_ONCE = 100


def guarded(
    hooks: Hooks, draft: Draft, lines: Sequence[Line], cases: Mapping[str, Case]
) -> tuple[list[Line], tuple[str, ...]]:
    """*lines* as guards leave them, and the complaints about guards that failed. *draft*: without tasks."""
    done: list[Line] = []
    complaints: dict[str, None] = {}
    if not hooks.implementing("check_action"):
        return list(lines), ()
    for first in range(0, len(lines), _AT_ONCE):
        some, told = _guarded(hooks, draft, list(lines[first : first + _AT_ONCE]), cases)
        done += some
        complaints.update(dict.fromkeys(told))
    return done, tuple(complaints)


def _guarded(hooks: Hooks, draft: Draft, lines: list[Line], cases: Mapping[str, Case]) -> tuple[list[Line], list[str]]:
    open_actions = [action for line in lines for action in line.open_actions]
    for _ in range(ROUNDS):
        problems, complaints = _ask(hooks, draft, lines, cases, open_actions)
        mending = [problem for problem in problems if _mends(problem, lines)]
        left = [problem for problem in problems if problem not in mending]
        mended = _mended(lines, mending)
        if mended == lines:
            return _with_problems(lines, left), complaints
        lines = mended
    return _with_problems(lines, left + [_no_agreement(problem) for problem in mending]), complaints


def _mends(problem: Problem, lines: Sequence[Line]) -> bool:
    """Whether *problem* is one that the desk can mend: it is about a task that is, or was, in *lines*."""
    if problem.leave_out:
        return True
    return bool(problem.change) and any(_concerns(problem, line, task) for line in lines for task in line.tasks)


def _ask(
    hooks: Hooks, draft: Draft, lines: Sequence[Line], cases: Mapping[str, Case], open_actions: Sequence[Action]
) -> tuple[list[Problem], list[str]]:
    names = tuple(line.workflow for line in lines)
    asked = replace(draft, workflows=names, task_values={line.workflow: line.sends for line in lines})
    answers = hooks.each(
        "check_action", draft=asked, cases=[cases[name] for name in names], open_actions=list(open_actions)
    )
    problems = [problem for answer in answers if answer.ok for problem in answer.value]
    failed = [answer.complaint for answer in answers if not answer.ok]
    problems += [
        Problem(
            f"A guard could not check this: {complaint}", fix="Ask an admin to look at /plugins, or try again."
        )
        for complaint in failed
    ]  # fmt: skip
    return problems, failed


def _concerns(problem: Problem, line: Line, task: TaskLine | None = None) -> bool:
    """Whether *problem* is about this workflow, and where *task* is given about this task."""
    if problem.workflow and problem.workflow != line.workflow:
        return False
    if task is None:
        return not problem.task
    return not problem.task or problem.task == task.task.short


def _mended(lines: Sequence[Line], mending: Sequence[Problem]) -> list[Line]:
    """*lines* after what *mending* asks for; the same lines where there is nothing left to mend."""
    mended = []
    for line in lines:
        mine = [problem for problem in mending if not problem.workflow or problem.workflow == line.workflow]
        mended.append(_mended_line(line, mine) if mine else line)
    return mended


def _mended_line(line: Line, mending: Sequence[Problem]) -> Line:
    tasks, left_out = [], list(line.left_out)
    for task in line.tasks:
        mine = [problem for problem in mending if task.go and _concerns(problem, line, task)]
        if out := [problem.message for problem in mine if problem.leave_out]:
            left_out.append(f"{task.task.short}: {' '.join(dict.fromkeys(out))}")
            continue
        for problem in mine:
            task = _changed(task, problem)  # noqa: PLW2901 - one change after the other
        tasks.append(task)
    return replace(line, tasks=tuple(tasks), left_out=tuple(left_out))


def _changed(task: TaskLine, problem: Problem) -> TaskLine:
    """*task* with the values of *problem*; the same task where it has them already. None takes a value away."""
    values, sites, changed = dict(task.values), task.sites, dict(task.changed)
    for name, value in problem.change.items():
        has: Any = sites if name == "sites" else values.get(name)
        gets = tuple(value or ()) if name == "sites" else value
        if has == gets:
            continue
        asked = changed[name].asked if name in changed else has
        changed[name] = Change(asked, gets, problem.message)
        if name == "sites":
            sites = gets
        elif gets is None:
            values.pop(name, None)
        else:
            values[name] = gets
    return replace(task, values=values, sites=sites, changed=changed)


def _no_agreement(problem: Problem) -> Problem:
    return replace(
        problem, message=f"Guards do not agree, this was mended {ROUNDS} times: {problem.message}", blocking=True,
        change={}, leave_out=False,
    )  # fmt: skip


def _with_problems(lines: Sequence[Line], problems: Sequence[Problem]) -> list[Line]:
    """Each problem beside the workflow or task that it is about; one about a task that is not there is the line's."""
    if not problems:
        return list(lines)
    done = []
    for line in lines:
        mine = [problem for problem in problems if not problem.workflow or problem.workflow == line.workflow]
        here = {task.task.short for task in line.tasks}
        whole = tuple(problem for problem in mine if problem.task not in here)
        tasks = tuple(
            replace(task, problems=task.problems + tuple(p for p in mine if p.task == task.task.short))
            for task in line.tasks
        )
        done.append(replace(line, tasks=tasks, problems=line.problems + whole))
    return done
