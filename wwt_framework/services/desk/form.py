"""What the form shows: kinds and their fields, tasks, sites, reasons, and what happened to these workflows before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import NOT_REPORTED, Action, ActionState, Case, Reason, SiteStatus, Task, User
from wwt_framework.services.desk.intent import Intent
from wwt_framework.services.desk.kinds import OLD_NAMES, KindChoice, fields_for, offer
from wwt_framework.services.desk.sites import SitesToRun, ask_sites, is_drained
from wwt_framework.services.desk.tasks import tasks_of
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import ActionEvent

#: Tasks that have fields of their own in the form; more of them are only counted.
TASKS = 40


@dataclass(frozen=True)
class FormWorkflow:
    """One workflow of the list."""

    workflow: str
    known: bool  # whether the snapshot has it
    why: str
    seen: int  # number of the last event on it: post it back as seen.<workflow>
    errors: int = 0
    mark: str = "none"  # none, pending, acted
    history: tuple[Action, ...] = ()  # every action on it, the newest first
    last_event: ActionEvent | None = None
    acdcs: tuple[str, ...] = ()


@dataclass(frozen=True)
class FormTask:
    """One task, by its short name; several workflows may have it."""

    short: str
    path: str  # in the first workflow that has it
    task_type: str
    splitting: str
    errors: int
    workflows: int
    values: Mapping[str, Any]  # what was filled in
    only: bool
    run: frozenset[str]  # where it can run again, sites in drain among them
    ticked: frozenset[str]  # of the sites, under Manual


@dataclass(frozen=True)
class FormSite:
    """One row of the table of sites."""

    site: str
    status: SiteStatus | None  # None: nobody knows
    drained: bool
    input: tuple[str, ...]  # short names of the tasks that can run again here
    errors: int  # failed jobs of these workflows here
    ticked: bool  # under Manual
    banned: bool  # ticked under Ban


@dataclass(frozen=True)
class FormView:
    """Everything on the form."""

    intent: Intent
    kinds: tuple[KindChoice, ...]
    choice: KindChoice | None  # None: nothing is chosen yet
    workflows: tuple[FormWorkflow, ...]
    tasks: tuple[FormTask, ...] = ()  # the most failed jobs first
    more_tasks: int = 0  # beyond those in ``tasks``
    sites: tuple[FormSite, ...] = ()
    book: tuple[Reason, ...] = ()
    complaints: tuple[str, ...] = ()


@dataclass
class _Gathered:
    """What the tasks of all workflows of the list come to."""

    tasks: dict[str, Task] = field(default_factory=dict)  # short -> the first of that name
    errors: Counter[str] = field(default_factory=Counter)  # short -> failed jobs
    workflows: Counter[str] = field(default_factory=Counter)  # short -> how many have it
    run: dict[str, set[str]] = field(default_factory=dict)  # short -> sites
    at_site: Counter[str] = field(default_factory=Counter)
    statuses: dict[str, SiteStatus] = field(default_factory=dict)
    complaints: dict[str, None] = field(default_factory=dict)


def form_view(hooks: Hooks, snapshot: Snapshot, store: Store, user: User, intent: Intent) -> FormView:
    """The form, filled in as *intent* says."""
    offered = offer(hooks)
    kinds = tuple(one for one in offered.choices if user.may(one.kind.role))
    cases = {name: case for name in dict.fromkeys(intent.workflows) if (case := snapshot.case(name)) is not None}
    choice, complaint = None, ""
    if intent.kind:
        choice = next((one for one in kinds if one.kind.name in (intent.kind, OLD_NAMES.get(intent.kind))), None)
    if choice is not None:
        choice, complaint = fields_for(hooks, choice, list(cases.values()))
    if choice is not None:
        intent = _begun(intent, choice)
    found = _gather(hooks, list(cases.values()), with_sites=choice is not None and choice.has_sites)
    tasks = _tasks(intent, found) if choice is not None and choice.has_tasks else []
    return FormView(
        intent, kinds, choice, _workflows(store, intent, cases), tuple(tasks[:TASKS]),
        max(0, len(tasks) - TASKS), tuple(_sites(intent, found)), tuple(ledger.reasons(store)),
        tuple(dict.fromkeys([*offered.complaints, *([complaint] if complaint else []), *found.complaints])),
    )  # fmt: skip


def _begun(intent: Intent, choice: KindChoice) -> Intent:
    """*intent*, or where nothing was filled in yet what a new form begins with."""
    if intent.values or intent.all_tasks or intent.by_task:
        return intent
    once, all_tasks = (
        {field.name: field.default for field in fields if field.default is not None}
        for fields in (choice.per_form, choice.per_task)
    )
    return replace(intent, values=once, all_tasks=all_tasks)


def _gather(hooks: Hooks, cases: list[Case], *, with_sites: bool) -> _Gathered:
    found = _Gathered()
    for case in cases:
        found.statuses.update(case.sites)
        told = ask_sites(hooks, case) if with_sites else SitesToRun()
        if told.complaint:
            found.complaints[told.complaint] = None
        by_path = {task.path: short for short, task in tasks_of(case).items()}
        for short, task in tasks_of(case).items():
            found.tasks.setdefault(short, task)
            found.workflows[short] += 1
            if short in told.tasks:
                found.run.setdefault(short, set()).update(told.tasks[short].sites)
        for count in case.errors:
            found.errors[by_path[count.task]] += count.count
            if count.exit_code != NOT_REPORTED:
                found.at_site[count.site] += count.count
    return found


def _tasks(intent: Intent, found: _Gathered) -> list[FormTask]:
    """Every task, those that were filled in first, then the most failed jobs."""
    only = set(intent.only_tasks)
    lines = []
    for short, task in found.tasks.items():
        run = frozenset(found.run.get(short, ()))
        usable = frozenset(site for site in run if not is_drained(found.statuses.get(site)))
        ticked = intent.sites.get(task.path, intent.sites.get(short))
        lines.append(
            FormTask(
                short, task.path, task.task_type, task.splitting, found.errors[short], found.workflows[short],
                intent.by_task.get(short, {}), short in only, run, usable if ticked is None else frozenset(ticked),
            )
        )  # fmt: skip
    return sorted(lines, key=lambda line: (not (line.values or line.only), -line.errors, line.short))


def _sites(intent: Intent, found: _Gathered) -> list[FormSite]:
    """Every site that a source knows, or where a task can run; those with input first, then by name."""
    names = {*found.statuses, *(site for sites in found.run.values() for site in sites)}
    chosen = intent.sites.get("")
    rows = []
    for site in names:
        status = found.statuses.get(site)
        drained, here = is_drained(status), tuple(sorted(s for s, sites in found.run.items() if site in sites))
        asked = chosen is not None and site in chosen
        rows.append(
            FormSite(
                site, status, drained, here, found.at_site[site],
                ticked=asked if chosen is not None and intent.method == "manual" else bool(here) and not drained,
                banned=asked if chosen is not None and intent.method == "ban" else drained,
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: (not row.input, row.site))


def _workflows(store: Store, intent: Intent, cases: Mapping[str, Case]) -> tuple[FormWorkflow, ...]:
    names = tuple(dict.fromkeys(intent.workflows))
    history: dict[str, list[Action]] = {}
    for action in ledger.actions_on_any(store, names):
        history.setdefault(action.workflow, []).insert(0, action)
    events, marks = ledger.last_events_of(store, names), _marks(history)
    lines = []
    for name in names:
        case, last = cases.get(name), events.get(name)
        lines.append(
            FormWorkflow(
                name, case is not None, intent.why.get(name, ""),
                intent.seen.get(name, last.number if last else 0), case.errors.total if case else 0,
                marks.get(name, "none"), tuple(history.get(name, ())), last, case.acdcs if case else (),
            )
        )  # fmt: skip
    return tuple(lines)


def _marks(history: Mapping[str, list[Action]]) -> dict[str, str]:
    """Workflow -> pending or acted, whenever that was."""
    words = {}
    for name, actions in history.items():
        states = {action.state for action in actions}
        if states & {ActionState.QUEUED, ActionState.SENT}:
            words[name] = "pending"
        elif ActionState.DONE in states:
            words[name] = "acted"
    return words
