"""Which tasks of a workflow an action is on, what each of them asks for, and where it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Case, Problem, Task
from wwt_framework.services.desk.intent import Intent
from wwt_framework.services.desk.kinds import KindChoice
from wwt_framework.services.desk.shapes import TaskLine
from wwt_framework.services.desk.sites import SitesToRun, ask_sites, drained


def tasks_of(case: Case) -> dict[str, Task]:
    """Task.short -> task, of those with errors or with something to recover, in the order of their paths."""
    known = {task.path: task for task in case.workflow.tasks}
    paths = {count.task for count in case.errors} | {recovery.task for recovery in case.recoveries}
    return {task.short: task for task in (known.get(path) or Task(path) for path in sorted(paths))}


def chosen_tasks(case: Case, intent: Intent) -> tuple[list[Task], tuple[str, ...]]:
    """The tasks of *case* that *intent* is on, and sentences about those that it names and the workflow has not."""
    failing = tasks_of(case)
    every = {**{task.short: task for task in case.workflow.tasks}, **failing}
    name = case.workflow.name
    only = _shorts(intent.only_tasks, name)
    named = _shorts(intent.by_task, name)
    wanted = only if intent.only_tasks else {*failing, *(named & every.keys())}
    chosen = [every[short] for short in sorted(wanted & every.keys(), key=lambda short: every[short].path)]
    absent = sorted((only | named) - every.keys())
    return chosen, tuple(f"{short}: this workflow has no such task" for short in absent)


def _shorts(tasks: Iterable[str], workflow: str) -> set[str]:
    """The short names of *tasks*, each a short name or a path; paths of other workflows are left out."""
    mine = {task.removeprefix(f"/{workflow}/") for task in tasks}
    return {short for short in mine if short and not short.startswith("/")}


def task_lines(
    hooks: Hooks, choice: KindChoice, intent: Intent, case: Case
) -> tuple[list[TaskLine], tuple[str, ...], str]:
    """What each task of *case* gets before anybody objects, what is left out, and a complaint."""
    tasks, left_out = chosen_tasks(case, intent)
    sites = ask_sites(hooks, case) if choice.has_sites and tasks else SitesToRun()
    errors = Counter[str]()
    for count in case.errors:
        errors[count.task] += count.count
    lines = [_task_line(choice, intent, case, task, sites, errors[task.path]) for task in tasks]
    return lines, left_out, sites.complaint


def _task_line(choice: KindChoice, intent: Intent, case: Case, task: Task, to_run: SitesToRun, errors: int) -> TaskLine:
    values = values_of(choice, intent, task)
    if not choice.has_sites:
        return TaskLine(task, values, (), errors, problems=refused(choice, case, task, values))
    told = to_run.tasks.get(task.short)
    possible = told.sites if told else frozenset[str]()
    out = drained(case, possible)
    if task.path in intent.sites:
        sites = frozenset(intent.sites[task.path])
    elif intent.method == "manual":
        sites = frozenset(intent.sites.get(task.short, intent.sites.get("", ())))
    else:
        sites = possible - set(out if intent.method == "auto" else intent.sites.get("", ()))
    problems = list(refused(choice, case, task, values))
    if to_run.complaint and intent.method != "manual":
        problems.append(
            Problem(
                f"Nobody could say where this task can run: {to_run.complaint}", "sites", workflow=case.workflow.name,
                task=task.short, fix="Choose Manual and tick sites.",
            )
        )  # fmt: skip
    if case.sites and (strange := sorted(sites - case.sites.keys())):
        problems.append(
            Problem(
                f"No source of this installation knows {', '.join(strange)}.", "sites", blocking=False,
                workflow=case.workflow.name, task=task.short, fix="Look how its name is written.",
            )
        )  # fmt: skip
    note = told.note if told else "nobody knows where its input is"
    return TaskLine(task, values, tuple(sorted(sites)), errors, out, note, problems=tuple(problems))


def values_of(choice: KindChoice, intent: Intent, task: Task) -> dict[str, Any]:
    """What *task* asks for: what was filled in for it, its blanks as for all tasks; in the order of the fields."""
    mine = {**intent.by_task.get(task.short, {}), **intent.by_task.get(task.path, {})}
    filled = {**intent.all_tasks, **{name: value for name, value in mine.items() if value not in (None, "", ())}}
    return {field.name: filled[field.name] for field in choice.per_task if field.name in filled}


def refused(choice: KindChoice, case: Case, task: Task, values: dict[str, Any]) -> tuple[Problem, ...]:
    """What *values* lack, and what of them the executor does not honour."""
    lacking = [
        Problem(f"{field.label} is missing.", field.name, workflow=case.workflow.name, task=task.short)
        for field in choice.per_task
        if field.required and field.name not in values
    ]
    refusals = [
        Problem(why, name, workflow=case.workflow.name, task=task.short, fix=f"Leave {name} out.")
        for name, value in values.items()
        if (why := choice.refusal(name, value))
    ]
    return (*lacking, *refusals)
