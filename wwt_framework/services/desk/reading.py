"""Reading what operators and scripts send: our own form, the original's form, and the original's documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from wwt_framework import forms
from wwt_framework.errors import NotFound, WwtError
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Problem, Reason, User
from wwt_framework.plugin import Field
from wwt_framework.services.desk.intent import Intent, new_id
from wwt_framework.services.desk.kinds import KindChoice, fields_for, kind_named
from wwt_framework.services.desk.posted import (
    Form,
    Raw,
    all_of,
    clean,
    dotted,
    draft_id,
    first_of,
    known_names,
    lines_of,
    method_of,
    not_blank,
    reasons_of,
    seen_of,
    sorted_raw,
    strings,
    unique,
    workflows_of,
)
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import Store, ledger

#: What the original's reader calls "no change": a blank.
_SAME = frozenset({"", "same"})
_SITES = Field("sites", "Sites", "sites")
#: Nobody types so many names; a selection of more is a mistake.
WORKFLOW_LIMIT = 2_000


def read_form(
    hooks: Hooks, snapshot: Snapshot, store: Store, user: User, form: Form
) -> tuple[Intent, tuple[Problem, ...]]:
    """What was posted: with our own names, or with the original's (``param_0_memory``, ``task_0``, ``dotasks``).

    What was not read is told in problems; nothing is dropped without a word.
    """
    workflows = workflows_of(form)
    kind = first_of(form, "kind") or first_of(form, "action")
    problems: list[Problem] = []
    if len(workflows) > WORKFLOW_LIMIT:
        told = f"These are {len(workflows):,} workflows; up to {WORKFLOW_LIMIT:,} can be acted on at once."
        problems.append(Problem(told, "workflows", fix="Choose fewer."))
        workflows = workflows[:WORKFLOW_LIMIT]
    workflows = known_names(workflows, problems)
    raw = sorted_raw(form)
    intent = Intent(
        id=draft_id(form, store, user),
        kind=kind,
        workflows=workflows,
        only_tasks=unique([*all_of(form, "only_task"), *all_of(form, "dotasks")]),
        method=method_of(form, raw, problems),
        reasons=reasons_of(form),
        picked=tuple(name for name in unique(all_of(form, "selectedreason")) if name != "none"),
        why={name: text for name, text in dotted(form, "why.").items() if name in workflows},
        source=first_of(form, "source"),
    )
    intent = replace(intent, seen=seen_of(form, store, workflows, problems))
    return _typed(hooks, snapshot, store, intent, raw, problems)


def read_document(
    hooks: Hooks, snapshot: Snapshot, store: Store, document: Mapping[str, Any]
) -> tuple[Intent, tuple[Problem, ...]]:
    """What one document of the original's /submit2 asks for: ``{workflow, parameters: {Action, Reasons, Parameters}}``.

    Its tasks are those that it names; it replaces what was asked for before, whoever saw that.
    """
    parameters = document.get("parameters")
    workflow = document.get("workflow")
    if not isinstance(workflow, str) or not isinstance(parameters, Mapping):
        told = Problem("A document has the keys workflow and parameters: {workflow: name, parameters: {Action: ...}}.")
        return Intent(new_id(), "", ()), (told,)
    problems: list[Problem] = []
    names = known_names([workflow], problems)
    kind = str(parameters.get("Action") or "")
    given = parameters.get("Parameters") or {}
    raw = Raw()
    only: tuple[str, ...] = ()
    if not isinstance(given, Mapping):
        problems.append(Problem("Parameters must be a mapping of fields, or of tasks to their fields.", "Parameters"))
    elif any(isinstance(value, Mapping) for value in given.values()):
        only = _read_tasks(given, raw, problems)
    else:
        raw.everywhere = {name: strings(value) for name, value in given.items()}
    intent = Intent(
        id=new_id(),
        kind=kind,
        workflows=names,
        only_tasks=only,
        method="manual" if raw.sites else "auto",
        reasons=_told_reasons(parameters.get("Reasons"), problems),
        seen=ledger.last_events(store, names),
    )
    return _typed(hooks, snapshot, store, intent, raw, problems)


def _told_reasons(given: Any, problems: list[Problem]) -> tuple[Reason, ...]:
    texts = [given] if isinstance(given, str) else given or []
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        problems.append(Problem("Reasons must be a list of texts.", "Reasons"))
        return ()
    return tuple(Reason("", text) for text in map(lines_of, texts) if text)


def _read_tasks(given: Mapping[str, Any], raw: Raw, problems: list[Problem]) -> tuple[str, ...]:
    """Sort the fields of tasks into *raw*; gives the tasks that are named. "AllSteps" fills the blanks of all."""
    only: list[str] = []
    for name, values in given.items():
        task = clean(str(name))
        if not isinstance(values, Mapping):
            problems.append(Problem(f"Parameters of {task} must be a mapping of its fields.", "Parameters"))
            continue
        for field, value in values.items():
            if task == "AllSteps":
                raw.everywhere[field] = strings(value)
            elif field == "sites":
                raw.sites[task] = strings(value)
            else:
                raw.of_task(task)[field] = strings(value)
        if task != "AllSteps":
            only.append(task)
    return tuple(only)


def read_sites(form: Form) -> dict[str, tuple[str, ...]]:
    """Path of a task -> the sites picked for it, where there are some: ``task_0=/wf/task``, ``param_0_sites``."""
    problems: list[Problem] = []
    read = _read_sites(sorted_raw(form), problems)
    if problems:
        raise WwtError(" ".join(problem.message for problem in problems))
    return {task: sites for task, sites in read.items() if task.count("/") >= 2 and task.startswith("/") and sites}


# -- strings to values --


def _typed(
    hooks: Hooks, snapshot: Snapshot, store: Store, intent: Intent, raw: Raw, problems: list[Problem]
) -> tuple[Intent, tuple[Problem, ...]]:
    """*intent* with the values of *raw*, as the fields of its kind say."""
    if not intent.kind:
        return intent, tuple(problems)
    try:
        choice = kind_named(hooks, intent.kind)
    except NotFound:
        return intent, tuple(problems)  # the plan says so
    cases = [case for name in intent.workflows[:1] if (case := snapshot.case(name)) is not None]
    choice, _ = fields_for(hooks, choice, cases)
    everywhere = _without_same(raw.everywhere)
    values, told = forms.read(choice.per_form, everywhere, partial=True)
    all_tasks, more = forms.read(choice.per_task, everywhere, partial=True)
    problems += [*told, *more]
    by_task = {}
    for task, posted in raw.by_task.items():
        mine, wrong = forms.read(choice.per_task, _without_same(posted), partial=True)
        problems += [replace(problem, task=task, message=f"{task}: {problem.message}") for problem in wrong]
        if mine:
            by_task[task] = mine
    sites = _read_sites(raw, problems)
    problems += _unknown(choice, raw)
    expires_at = _expiry(values, store.now(), problems)
    ready = replace(
        intent, kind=choice.kind.name, values=values, all_tasks=all_tasks, by_task=by_task, sites=sites,
        expires_at=expires_at,
    )  # fmt: skip
    return ready, tuple(problems)


def _without_same(posted: Mapping[str, str | list[str]]) -> dict[str, str | list[str]]:
    return {name: text for name, text in posted.items() if not (isinstance(text, str) and text.lower() in _SAME)}


def _read_sites(raw: Raw, problems: list[Problem]) -> dict[str, tuple[str, ...]]:
    read: dict[str, tuple[str, ...]] = {}
    for task, posted in raw.sites.items():
        values, wrong = forms.read([_SITES], {"sites": posted})
        problems += [replace(problem, task=task) for problem in wrong]
        read[task] = values.get("sites", ())
    return read


def _unknown(choice: KindChoice, raw: Raw) -> list[Problem]:
    """What was filled in that this kind has no field for."""
    mine = {field.name for field in choice.kind.fields}
    given = {name: "" for name, posted in raw.everywhere.items() if not_blank(posted)}
    given |= {
        name: task for task, values in raw.by_task.items() for name, posted in values.items() if not_blank(posted)
    }
    return [
        Problem(
            f"{choice.kind.label} has no field {name}: it is left out.", name, blocking=False, task=task,
            fix=f"It has: {', '.join(sorted(mine)) or 'none'}.",
        )
        for name, task in given.items()
        if name not in mine
    ]  # fmt: skip


def _expiry(values: Mapping[str, Any], now: datetime, problems: list[Problem]) -> datetime | None:
    """When an action ends by itself, from its field "until": days like 7, or a date like 2026-12-24."""
    text = str(values.get("until") or "")
    if not text:
        return None
    expected = "Until must be a number of days from 1 to 365, or a date like 2026-12-24 in the future"
    try:
        at = now + timedelta(days=int(text)) if text.isascii() and text.isdigit() else datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        problems.append(Problem(f"{expected}, got {text[:60]!r}.", "until"))
        return None
    at = at.replace(tzinfo=timezone.utc) if at.tzinfo is None else at.astimezone(timezone.utc)
    if not now < at <= now + timedelta(days=366):
        problems.append(Problem(f"{expected}, got {text[:60]!r}.", "until"))
        return None
    return at
