"""What procedures recommend for one workflow: the answers of all plugins, joined for a page and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from wwt_framework.model import NOT_REPORTED, Case, ErrorTable, Recommendation
from wwt_framework.services.caselines import code_lines
from wwt_framework.services.casetables import anchor_of, label_of, short_of
from wwt_framework.services.desk.kinds import KindChoice, kinds

if TYPE_CHECKING:
    from wwt_framework.hooks.manager import Hooks

_DOUBTS = {
    "partial": "The counts are lower bounds: there may be more, and other, failed jobs.",
    "old": "The counts are kept from an earlier answer; they may not be so any more.",
    "unknown": "How many jobs failed is not known, so nothing is said about what is not seen.",
}


@dataclass(frozen=True)
class AdvisedTask:
    """One task for which something is recommended."""

    task: str  # path; "" for the whole workflow
    short: str
    anchor: str  # of its table on the workflow's page
    reason: str
    parameters: tuple[tuple[str, str], ...]
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Item:
    """One piece of advice: what one procedure says about one exit code, for all tasks that it concerns."""

    plugin: str
    code: int | None
    label: str  # of the exit code
    jobs: int  # failed jobs with that code in these tasks
    told: Recommendation  # the first of them: title, cause, normal, additional, source
    tasks: tuple[AdvisedTask, ...]
    captured: tuple[tuple[str, tuple[str, ...]], ...]  # name -> what logs said
    form: Mapping[str, str | list[str]]  # the query of /submitaction; empty: it can not be filled
    why_not: str  # why there is no link; "" where there is one, or nothing to submit


@dataclass(frozen=True)
class Together:
    """Several items that ask for the same kind of action, as one filling of the form."""

    kind: str
    count: int
    form: Mapping[str, str | list[str]]  # where two say different things of one field, what most jobs are about holds


@dataclass(frozen=True)
class Advised:
    """Everything that is recommended for a workflow."""

    items: tuple[Item, ...] = ()  # the most failed jobs first
    complaints: tuple[str, ...] = ()  # plugins whose advice is missing, and why
    doubt: str = ""  # why all of it may rest on too little
    silent: tuple[str, ...] = ()  # labels of exit codes of which nobody said anything
    asked: bool = False  # whether any plugin recommends here
    together: tuple[Together, ...] = ()  # kinds that are given task by task and recommended more than once

    def plain(self) -> dict[str, Any]:
        """For programs: `PLAIN`."""
        return {
            "doubt": self.doubt,
            "without_procedure": list(self.silent),
            "complaints": list(self.complaints),
            "recommendations": [
                {
                    "procedure": item.told.procedure, "plugin": item.plugin, "exit_code": item.code, "jobs": item.jobs,
                    "title": item.told.title, "cause": item.told.cause, "normal": item.told.normal,
                    "additional": item.told.additional, "action": item.told.action, "source": item.told.source,
                    "reviewed": item.told.reviewed, "captured": dict(item.captured), "form": dict(item.form),
                    "tasks": [
                        {"task": t.task, "reason": t.reason, "parameters": dict(t.parameters), "evidence": t.evidence}
                        for t in item.tasks
                    ],
                }
                for item in self.items
            ],
        }  # fmt: skip


#: The shape of `Advised.plain`.
PLAIN = {
    "doubt": str, "without_procedure": [str], "complaints": [str],
    "recommendations": [{
        "procedure": str, "plugin": str, "exit_code": int | None, "jobs": int, "title": str, "cause": str, "normal": str,
        "additional": str, "action": str, "source": str, "reviewed": date | None, "captured": {str: [str]},
        "form": {str: (str, [str])},
        "tasks": [{"task": str, "reason": str, "parameters": {str: str}, "evidence": [str]}],
    }],
}  # fmt: skip


def ask(hooks: Hooks, case: Case) -> tuple[list[tuple[str, Recommendation]], tuple[str, ...]]:
    """Plugin and recommendation, each plugin's strongest first; and what plugins say that failed."""
    answers = hooks.each("recommend_actions", case=case)
    told = [(answer.plugin, one) for answer in answers if answer.ok for one in answer.value or ()]
    return told, tuple(answer.complaint for answer in answers if not answer.ok)


def advise(hooks: Hooks, case: Case) -> Advised:
    """What is recommended for *case*, with the query that fills the form."""
    offered = {choice.kind.name: choice for choice in kinds(hooks)}
    told, complaints = ask(hooks, case)
    groups: dict[tuple[str, str, str, int | None], list[Recommendation]] = {}
    for plugin, one in told:
        name = one.procedure or f"{one.title}\0{one.normal}"  # of a plugin that does not name its procedures
        groups.setdefault((plugin, name, one.action, one.exit_code), []).append(one)
    items = [_item(case, key[0], several, offered.get(key[2])) for key, several in groups.items()]
    items.sort(key=lambda item: -item.jobs)
    known = {one.exit_code for _, one in told}
    errors = case.known.get("errors")
    return Advised(
        tuple(items),
        complaints,
        _DOUBTS.get(errors.state, "") if errors else "",
        tuple(
            line.label for line in code_lines(case, {}) if line.code not in known and line.code != NOT_REPORTED
        ),
        bool(hooks.implementing("recommend_actions")),
        _together(items, {name for name, choice in offered.items() if choice.has_tasks}),
    )  # fmt: skip


def _item(case: Case, plugin: str, several: list[Recommendation], choice: KindChoice | None) -> Item:
    first = several[0]
    captured: dict[str, dict[str, None]] = {}
    for one in several:
        for name, values in one.captured.items():
            captured.setdefault(name, {}).update(dict.fromkeys(values))
    return Item(
        plugin,
        first.exit_code,
        "" if first.exit_code is None else label_of(first.exit_code),
        _jobs(case.errors, first.exit_code, {one.task for one in several}),
        first,
        tuple(_task(one) for one in several),
        tuple((name, tuple(values)) for name, values in captured.items()),
        _form(case.workflow.name, plugin, several, choice) if choice and not choice.why_not else {},
        _why_not(first.action, choice),
    )


def _why_not(action: str, choice: KindChoice | None) -> str:
    if action and choice is None:
        return f"No plugin of this installation takes the action {action}."
    return choice.why_not if choice else ""


def _together(items: list[Item], kinds_of_tasks: set[str]) -> tuple[Together, ...]:
    found: dict[str, list[Item]] = {}
    for item in items:
        if item.form and item.told.action in kinds_of_tasks:
            found.setdefault(item.told.action, []).append(item)
    return tuple(_joined(kind, several) for kind, several in found.items() if len(several) > 1)


def _joined(kind: str, items: list[Item]) -> Together:
    query: dict[str, str | list[str]] = {}
    for item in items:
        for name, value in item.form.items():
            query.setdefault(name, value)
    query["advice"] = ",".join(dict.fromkeys(str(item.form["advice"]) for item in items))
    return Together(kind, len(items), query)


def _jobs(errors: ErrorTable, code: int | None, tasks: set[str]) -> int:
    return sum(e.count for e in errors if code in (None, e.exit_code) and (e.task in tasks or "" in tasks))


def _task(one: Recommendation) -> AdvisedTask:
    parameters = tuple((field, " ".join(_texts(value))) for field, value in one.parameters.items())
    return AdvisedTask(one.task, short_of(one.task), anchor_of(one.task), one.reason, parameters, tuple(one.evidence))


def _texts(value: Any) -> list[str]:
    return [str(part) for part in value] if isinstance(value, (list, tuple, set, frozenset)) else [str(value)]


def _form(workflow: str, plugin: str, several: list[Recommendation], choice: KindChoice) -> dict[str, str | list[str]]:
    """The query that fills the form: ``value.<field>`` once for all, ``task.<short>.<field>`` for one task."""
    first = several[0]
    query: dict[str, str | list[str]] = {
        "workflow": workflow, "kind": first.action, "advice": first.procedure or plugin
    }  # fmt: skip
    for one in several:
        per_task = one.task and choice.has_tasks
        for field, value in one.parameters.items():
            texts = _texts(value)
            name = f"task.{short_of(one.task)}.{field}" if per_task else f"value.{field}"
            query.setdefault(name, texts if len(texts) != 1 else texts[0])
    return query
