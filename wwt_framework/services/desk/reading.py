"""Reading what operators and scripts send: our own form, the original's form, and the original's documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from wwt_framework import forms
from wwt_framework.errors import NotFound, WwtError
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Problem, Reason, User
from wwt_framework.plugin import Field
from wwt_framework.services.desk.intent import METHODS, Intent, Method, new_id
from wwt_framework.services.desk.kinds import KindChoice, fields_for, kind_named
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import Store, ledger

#: What the original's reader calls "no change": a blank.
_SAME = frozenset({"", "same"})
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
_SITES = Field("sites", "Sites", "sites")
_PARAM = re.compile(r"param_([0-9]+)_(.+)", re.DOTALL)
#: Nobody types so many names; a selection of more is a mistake.
WORKFLOW_LIMIT = 20_000

Form = Mapping[str, str | list[str]]


@dataclass
class _Raw:
    """What was posted, sorted by what it is about; still strings."""

    everywhere: dict[str, str | list[str]] = field(default_factory=dict)  # fields of the form, and of all tasks
    by_task: dict[str, dict[str, str | list[str]]] = field(default_factory=dict)
    sites: dict[str, str | list[str]] = field(default_factory=dict)  # task, or "" for all

    def of_task(self, task: str) -> dict[str, str | list[str]]:
        return self.by_task.setdefault(task, {})


def read_form(
    hooks: Hooks, snapshot: Snapshot, store: Store, user: User, form: Form
) -> tuple[Intent, tuple[Problem, ...]]:
    """What was posted: with our own names, or with the original's (``param_0_memory``, ``task_0``, ``dotasks``).

    What was not read is told in problems; nothing is dropped without a word.
    """
    workflows = _workflows(form)
    kind = _first(form, "kind") or _first(form, "action")
    problems: list[Problem] = []
    if len(workflows) > WORKFLOW_LIMIT:
        told = f"These are {len(workflows):,} workflows; up to {WORKFLOW_LIMIT:,} can be acted on at once."
        problems.append(Problem(told, "workflows", fix="Choose fewer."))
        workflows = workflows[:WORKFLOW_LIMIT]
    raw = _sorted_raw(form)
    intent = Intent(
        id=_draft_id(form, store, user),
        kind=kind,
        workflows=workflows,
        only_tasks=_unique([*_all(form, "only_task"), *_all(form, "dotasks")]),
        method=_method(form, raw, problems),
        reasons=_reasons(form),
        picked=tuple(name for name in _unique(_all(form, "selectedreason")) if name != "none"),
        why={name: text for name, text in _dotted(form, "why.").items() if name in workflows},
        source=_first(form, "source"),
    )
    intent = replace(intent, seen=_seen(form, store, workflows, problems))
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
    kind = str(parameters.get("Action") or "")
    given = parameters.get("Parameters") or {}
    raw = _Raw()
    only: tuple[str, ...] = ()
    if not isinstance(given, Mapping):
        problems.append(Problem("Parameters must be a mapping of fields, or of tasks to their fields.", "Parameters"))
    elif any(isinstance(value, Mapping) for value in given.values()):
        only = _read_tasks(given, raw, problems)
    else:
        raw.everywhere = {name: _strings(value) for name, value in given.items()}
    reasons = parameters.get("Reasons") or ()
    texts = [reasons] if isinstance(reasons, str) else [str(text) for text in reasons]
    intent = Intent(
        id=new_id(),
        kind=kind,
        workflows=(workflow,),
        only_tasks=only,
        method="manual" if raw.sites else "auto",
        reasons=tuple(Reason("", _lines(text)) for text in texts if text.strip()),
        seen=ledger.last_events(store, [workflow]),
    )
    return _typed(hooks, snapshot, store, intent, raw, problems)


def _read_tasks(given: Mapping[str, Any], raw: _Raw, problems: list[Problem]) -> tuple[str, ...]:
    """Sort the fields of tasks into *raw*; gives the tasks that are named. "AllSteps" fills the blanks of all."""
    only: list[str] = []
    for task, values in given.items():
        if not isinstance(values, Mapping):
            problems.append(Problem(f"Parameters of {task} must be a mapping of its fields.", "Parameters"))
            continue
        for name, value in values.items():
            if task == "AllSteps":
                raw.everywhere[name] = _strings(value)
            elif name == "sites":
                raw.sites[task] = _strings(value)
            else:
                raw.of_task(task)[name] = _strings(value)
        if task != "AllSteps":
            only.append(task)
    return tuple(only)


def read_sites(form: Form) -> dict[str, tuple[str, ...]]:
    """Path of a task -> the sites picked for it, where there are some: ``task_0=/wf/task``, ``param_0_sites``."""
    problems: list[Problem] = []
    read = _read_sites(_sorted_raw(form), problems)
    if problems:
        raise WwtError(" ".join(problem.message for problem in problems))
    return {task: sites for task, sites in read.items() if task.count("/") >= 2 and task.startswith("/") and sites}


# -- strings to values --


def _typed(
    hooks: Hooks, snapshot: Snapshot, store: Store, intent: Intent, raw: _Raw, problems: list[Problem]
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


def _read_sites(raw: _Raw, problems: list[Problem]) -> dict[str, tuple[str, ...]]:
    read: dict[str, tuple[str, ...]] = {}
    for task, posted in raw.sites.items():
        values, wrong = forms.read([_SITES], {"sites": posted})
        problems += [replace(problem, task=task) for problem in wrong]
        read[task] = values.get("sites", ())
    return read


def _unknown(choice: KindChoice, raw: _Raw) -> list[Problem]:
    """What was filled in that this kind has no field for."""
    mine = {field.name for field in choice.kind.fields}
    given = {name: "" for name, posted in raw.everywhere.items() if _texts(posted)}
    given |= {name: task for task, values in raw.by_task.items() for name, posted in values.items() if _texts(posted)}
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


# -- the parts of a form --


def _sorted_raw(form: Form) -> _Raw:
    raw = _Raw()
    tasks = {key[5:]: str(_first(form, key)) for key in form if key.startswith("task_")}
    for key, posted in form.items():
        if match := _PARAM.fullmatch(key):
            _sort(raw, tasks.get(match[1], ""), match[2], posted)
        elif key.startswith("value."):
            _sort(raw, "", key.removeprefix("value."), posted)
        elif key.startswith("task."):
            task, _, name = key.removeprefix("task.").rpartition(".")
            _sort(raw, task, name, posted)
        elif key == "sites" or key.startswith("sites."):
            _sort(raw, key.removeprefix("sites").removeprefix("."), "sites", posted)
    return raw


def _sort(raw: _Raw, task: str, name: str, posted: str | list[str]) -> None:
    if name == "sites":
        raw.sites[task] = posted
    elif task:
        raw.of_task(task)[name] = posted
    else:
        raw.everywhere[name] = posted


def _workflows(form: Form) -> tuple[str, ...]:
    """Names from ``workflow`` and ``workflows``, each once; several may stand in one field, apart by blanks or commas."""
    texts = [*_all(form, "workflow"), *_all(form, "workflows")]
    return _unique(name for text in texts for name in re.split(r"[\s,]+", text))


def _method(form: Form, raw: _Raw, problems: list[Problem]) -> Method:
    """How sites are chosen. Sites without a word on how they are meant are where it shall run, as in the original."""
    asked = _first(form, "method").lower()
    if asked in METHODS:
        return METHODS[METHODS.index(asked)]
    if asked:
        told = f"The method must be one of {', '.join(METHODS)}, got {asked[:60]!r}."
        problems.append(Problem(told, "method"))
    return "manual" if any(_texts(posted) for posted in raw.sites.values()) else "auto"


def _reasons(form: Form) -> tuple[Reason, ...]:
    """New reasons, in the order of their numbers."""
    numbers = {
        match[1]: None for key in form if (match := re.fullmatch(r"(?:short|long)reason([0-9]*)", key, re.ASCII))
    }
    found = [
        Reason(_first(form, f"shortreason{number}"), _lines(_first(form, f"longreason{number}")))
        for number in sorted(numbers, key=lambda text: (len(text), text))
    ]
    return tuple(reason for reason in found if reason.short or reason.long)


def _lines(text: str) -> str:
    """*text* with one kind of line break; documents that come back to us say <br>."""
    return re.sub(r"<br\s*/?>", "\n", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _seen(form: Form, store: Store, workflows: tuple[str, ...], problems: list[Problem]) -> dict[str, int]:
    """Workflow -> the last event that the page showed; where the page did not say, the last one there is."""
    seen: dict[str, int] = {}
    for name, text in _dotted(form, "seen.").items():
        if name not in workflows:
            continue
        if text.isascii() and text.isdigit() and len(text) < 16:
            seen[name] = int(text)
        else:
            problems.append(Problem(f"seen.{name} must be the number of an event, got {text[:60]!r}.", "seen"))
    missing = [name for name in workflows if name not in seen]
    return {**(ledger.last_events(store, missing) if missing else {}), **seen}


def _draft_id(form: Form, store: Store, user: User) -> str:
    """The id that the page was drawn with; a new one where it has none, or somebody else's."""
    posted = _first(form, "draft")
    if not _ID.fullmatch(posted):
        return new_id()
    kept = ledger.find_draft(store, posted)
    return posted if kept is None or kept.user == user.name else new_id()


def _dotted(form: Form, prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): _first(form, key) for key in form if key.startswith(prefix)}


def _texts(posted: str | list[str]) -> list[str]:
    return [text for text in ([posted] if isinstance(posted, str) else posted) if text.strip()]


def _all(form: Form, key: str) -> list[str]:
    return [text.strip() for text in _texts(form.get(key, ""))]


def _first(form: Form, key: str) -> str:
    return next(iter(_all(form, key)), "")


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _strings(value: Any) -> str | list[str]:
    """A JSON value as a form would post it."""
    if isinstance(value, list | tuple):
        return [str(one) for one in value]
    return "" if value is None else str(value)
