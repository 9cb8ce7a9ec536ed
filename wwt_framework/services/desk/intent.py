"""What an operator wants, as read from a form or a script, before anything is resolved."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, get_args

from wwt_framework.errors import WwtError
from wwt_framework.model import Action, Reason

Method = Literal["auto", "manual", "ban"]
METHODS: tuple[Method, ...] = get_args(Method)


def new_id() -> str:
    """The idempotency key of a new submit."""
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Intent:
    """A kind of action on a frozen list of workflows, with what was filled in.

    Keys of ``by_task`` and ``sites`` are short names of tasks, or whole paths where one workflow's task is meant;
    "" in ``sites`` is all tasks. Sites of a whole path are where it runs, whatever the method.
    """

    id: str
    kind: str
    workflows: tuple[str, ...]
    values: Mapping[str, Any] = field(default_factory=dict)  # of fields that are once per form
    all_tasks: Mapping[str, Any] = field(default_factory=dict)  # fills the blanks of each task
    by_task: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    only_tasks: tuple[str, ...] = ()  # (): all of them
    method: Method = "auto"
    sites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # ticked: to run at (manual), or not (ban)
    reasons: tuple[Reason, ...] = ()
    picked: tuple[str, ...] = ()  # short names in the reason book
    seen: Mapping[str, int] = field(default_factory=dict)  # workflow -> last event that the operator saw
    why: Mapping[str, str] = field(default_factory=dict)  # workflow -> why it is in the list
    source: str = ""  # words of the selection
    expires_at: datetime | None = None


def to_plain(intent: Intent) -> dict[str, Any]:
    """*intent* as JSON values."""
    return {
        "id": intent.id,
        "kind": intent.kind,
        "workflows": list(intent.workflows),
        "values": dict(intent.values),
        "all_tasks": dict(intent.all_tasks),
        "by_task": {task: dict(values) for task, values in intent.by_task.items()},
        "only_tasks": list(intent.only_tasks),
        "method": intent.method,
        "sites": {task: list(sites) for task, sites in intent.sites.items()},
        "reasons": [[reason.short, reason.long] for reason in intent.reasons],
        "picked": list(intent.picked),
        "seen": dict(intent.seen),
        "why": dict(intent.why),
        "source": intent.source,
        "expires_at": intent.expires_at and intent.expires_at.isoformat(),
    }


def from_plain(plain: Mapping[str, Any]) -> Intent:
    """The intent that `to_plain` made *plain* of. Raises `WwtError` when it is none."""
    try:
        return Intent(
            id=plain["id"],
            kind=plain["kind"],
            workflows=tuple(plain["workflows"]),
            values=_typed(plain["values"]),
            all_tasks=_typed(plain["all_tasks"]),
            by_task={task: _typed(values) for task, values in plain["by_task"].items()},
            only_tasks=tuple(plain["only_tasks"]),
            method=METHODS[METHODS.index(plain["method"])],
            sites={task: tuple(sites) for task, sites in plain["sites"].items()},
            reasons=tuple(Reason(short, long) for short, long in plain["reasons"]),
            picked=tuple(plain["picked"]),
            seen=dict(plain["seen"]),
            why=dict(plain["why"]),
            source=plain["source"],
            expires_at=datetime.fromisoformat(plain["expires_at"]) if plain["expires_at"] else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise WwtError(f"This draft can not be read any more ({type(err).__name__}: {err}); begin again.") from err


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON knows no tuples: what was one is one again."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def intent_of(action: Action) -> Intent:
    """What was asked for with *action*, to be changed and asked for anew: each task with the sites it had."""
    sites = {task: tuple(values.get("sites", ())) for task, values in action.task_values.items()}
    return Intent(
        id=new_id(),
        kind=action.kind,
        workflows=(action.workflow,),
        values=_typed(action.values),
        by_task={
            task: {name: value for name, value in _typed(values).items() if name != "sites"}
            for task, values in action.task_values.items()
        },
        only_tasks=tuple(action.task_values),
        method="manual" if any(sites.values()) else "auto",
        sites={task: chosen for task, chosen in sites.items() if chosen},
        reasons=action.reasons,
        why={action.workflow: f"changes the {action.kind} that {action.user} asked for"},
        expires_at=action.expires_at,
    )


def with_sites(intent: Intent, chosen: Mapping[str, tuple[str, ...]]) -> Intent:
    """*intent* once more, for the workflows of *chosen* only, with these sites; its keys are whole paths of tasks."""
    workflows = {path.split("/")[1] for path in chosen}
    kept = tuple(name for name in intent.workflows if name in workflows)
    return replace(intent, id=new_id(), workflows=kept, sites={**intent.sites, **chosen})
