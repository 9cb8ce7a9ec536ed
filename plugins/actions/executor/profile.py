"""What executors honour, and in words what they will make of an action: what the form disables, what the preview says.

The default is Unified's actor.py as it was read at the end (CMSCompOps/WmAgentScripts); an executor that sends a
manifest speaks for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field

from wwt_framework.model import Case, Draft, Effect, NotHonoured, Task
from wwt_framework.plugin import ActionKind

from .documents import BY_TASK


class Honours(BaseModel):
    """What an executor looks at in actions of one kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fields: tuple[str, ...] | None = Field(None, description="the parameters it reads; null: all")
    choices: Mapping[str, tuple[str, ...]] = Field(
        default_factory=dict, description="of parameters with choices, the ones it acts on; what is not named: all"
    )


#: kind -> what is honoured of it. A kind that is not here is not honoured at all.
Profile = Mapping[str, Honours]

UNIFIED: Profile = {
    "acdc": Honours(fields=("memory", "splitting", "cores", "xrootd", "secondary", "sites")),
    "clone": Honours(fields=("memory", "splitting", "comment")),
    "special": Honours(fields=("action",), choices={"action": ("by-pass", "on-hold")}),
}
#: Parameters that are kept here, whatever an executor reads: the end of a hold.
OURS = ("until",)
UNIFIED_NAME = "today's Unified"
#: (kind, field, choice) -> why today's Unified does not honour it.
_WHY = {
    ("recovery", "", ""): "today's Unified does nothing with a recovery: it would stay open for ever; take acdc",
    ("special", "action", "force-complete"): "today's Unified does not know force-complete; by-pass makes it "
    "force-complete the workflow",
    ("special", "other", ""): "today's Unified reads no free text",
    ("clone", "cores", ""): "today's Unified changes memory and splitting of a clone, not its cores",
}
#: What actor.py recovers; tasks of other types it leaves out.
_RECOVERED = ("Processing", "Production", "Merge")


def both(profiles: Sequence[Profile]) -> Profile:
    """What at least one of several executors honours."""
    joined: dict[str, Honours] = {}
    for profile in profiles:
        for kind, mine in profile.items():
            other = joined.get(kind)
            joined[kind] = mine if other is None else _either(mine, other)
    return joined


def _either(one: Honours, other: Honours) -> Honours:
    fields = None if one.fields is None or other.fields is None else tuple(dict.fromkeys((*one.fields, *other.fields)))
    named = set(one.choices) & set(other.choices)  # a field that one of them does not name: it takes all choices
    return Honours(
        fields=fields, choices={f: tuple(dict.fromkeys((*one.choices[f], *other.choices[f]))) for f in sorted(named)}
    )


def refusals(profile: Profile, kinds: Sequence[ActionKind], name: str) -> Iterator[NotHonoured]:
    """Everything in *kinds* that is not honoured, with the reason. *name*: whom we speak of."""
    for kind in kinds:
        mine = profile.get(kind.name)
        if mine is None:
            yield _refusal(name, kind.name)
            continue
        for field in kind.fields:
            if field.name in OURS:
                continue
            if mine.fields is not None and field.name not in mine.fields:
                yield _refusal(name, kind.name, field.name)
                continue
            taken = mine.choices.get(field.name)
            refused = [] if taken is None else [choice for choice in field.choices if choice not in taken]
            yield from (_refusal(name, kind.name, field.name, choice) for choice in refused)


def _refusal(name: str, kind: str, field: str = "", choice: str = "") -> NotHonoured:
    known = _WHY.get((kind, field, choice)) if name == UNIFIED_NAME else None
    what = f"{field} = {choice}" if choice else field or kind
    return NotHonoured(kind, known or f"{name} does not act on {what}", field, choice)


def effects(profile: Profile, draft: Draft, cases: Sequence[Case], name: str, *, is_unified: bool) -> Iterator[Effect]:
    """What the executor called *name* will do, task by task; *is_unified*: with actor.py's own rules."""
    known = {case.workflow.name: case for case in cases}
    for workflow in draft.workflows:
        if draft.kind not in profile:
            yield Effect(workflow, f"{name} does nothing with {draft.kind}: it stays open for ever.", acts=False)
        elif draft.kind in BY_TASK:
            tasks = {task.short: task for task in known[workflow].workflow.tasks} if workflow in known else {}
            for short, values in draft.task_values.get(workflow, {}).items():
                asked = {**draft.values, **values}
                objection = _left_out(known.get(workflow), tasks.get(short), asked, name) if is_unified else ""
                yield _of_task(
                    profile[draft.kind], draft.kind, workflow, tasks.get(short, short), asked, name, objection
                )
        else:
            yield _of_workflow(profile, draft, workflow, name)


def _of_workflow(profile: Profile, draft: Draft, workflow: str, name: str) -> Effect:
    asked = {field: value for field, value in draft.values.items() if value not in (None, "") and field not in OURS}
    read, ignored = _read(profile[draft.kind], draft.kind, asked, name)
    if draft.kind == "clone":
        text = f"{name} rejects the workflow and its ACDCs, invalidates their output, and makes a clone{_with(read)}."
        return Effect(workflow, text, ignored=ignored)
    if draft.kind == "special":
        words = {
            "by-pass": "force-completes the workflow",
            "force-complete": "force-completes the workflow",
            "on-hold": "puts the workflow on hold",
        }
        done = words.get(str(read.get("action", "")))
        text = f"{name} {done}." if done else f"{name} does nothing with this: it stays open for ever."
        return Effect(workflow, text, ignored=ignored, acts=bool(done))
    return Effect(workflow, f"{name} is handed {draft.kind}{_with(read)}.", ignored=ignored)


def _of_task(
    honours: Honours, kind: str, workflow: str, task: Task | str, values: Mapping[str, Any], name: str, objection: str
) -> Effect:
    """*task*: the task, or its short name where nothing else is known of it."""
    short = task if isinstance(task, str) else task.short
    asked = {field: value for field, value in values.items() if value not in (None, "", [], ())}
    read, ignored = _read(honours, kind, asked, name)
    if not asked.get("sites"):
        return Effect(workflow, "This task has no site where it could run.", short, ignored, acts=False)
    if objection:
        return Effect(workflow, objection, short, ignored, acts=False)
    sites = read.pop("sites", ())
    where = f" at {_some(cast('Sequence[str]', sites))}" if sites else ""
    if "splitting" in read and not isinstance(task, str) and task.splitting == "EventBased":
        ignored = (*ignored, f"splitting: {name} does not change the splitting of EventBased tasks")
        del read["splitting"]
    return Effect(workflow, f"{name} makes an ACDC{where}{_with(read)}.", short, ignored)


def _left_out(case: Case | None, task: Task | None, asked: Mapping[str, Any], name: str) -> str:
    """Why actor.py makes nothing of this task; "" when it makes something."""
    workflow = case.workflow if case else None
    if task is not None and task.task_type and task.task_type not in _RECOVERED:
        return f"{name} leaves out tasks of type {task.task_type}; it recovers {', '.join(_RECOVERED)}."
    recoveries = case.known.get("recoveries") if case else None
    told = recoveries is not None and recoveries.state == "ok"
    if case and told and task is not None and task.path not in {recovery.task for recovery in case.recoveries}:
        return f"{name} leaves out tasks of which the ACDC server has nothing."
    if workflow is not None and workflow.parameters.get("LheInputFiles"):
        return f"{name} recovers no workflow with LHE input files (pLHE)."
    if workflow is not None and workflow.request_type == "MonteCarlo" and asked.get("splitting"):
        return f"{name} refuses an ACDC of a MonteCarlo request with another splitting; leave the splitting as it is."
    return ""


def _read(honours: Honours, kind: str, asked: Mapping[str, Any], name: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What of *asked* the executor reads, and sentences about what it does not."""
    read, ignored = {}, []
    for field, value in asked.items():
        choices = honours.choices.get(field)
        if honours.fields is not None and field not in honours.fields:
            ignored.append(f"{field}: {_refusal(name, kind, field).why}")
        elif choices is not None and value not in choices:
            ignored.append(f"{field}: {_refusal(name, kind, field, str(value)).why}")
        else:
            read[field] = value
    return read, tuple(ignored)


def _with(read: Mapping[str, Any]) -> str:
    """The parameters in words, as an enumeration."""
    words = []
    for field, value in read.items():
        if field == "memory":
            words.append(f"{value} MB of memory")
        elif field == "splitting":
            words.append("one unit of work per job" if value == "max" else f"{str(value)[:-1]} times as many jobs")
        elif field == "cores":
            words.append(f"{value} cores, and the memory that it adds for them")
        elif field in ("xrootd", "secondary"):
            what = "the input" if field == "xrootd" else "the secondary input"
            words.append(f"{what} {'also from other sites' if value == 'enabled' else 'from its own site only'}")
        else:
            words.append(f"{field} {_some(value) if isinstance(value, (list, tuple)) else value}")
    return f" with {'; '.join(words)}" if words else ""


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(str, names[:5]))
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
