"""What /getaction says of an action: the document that executors have read since the old console, without its traps.

Each oddity is an answer to how Unified's actor.py reads it (CMSCompOps/WmAgentScripts); docs/executor.md lists them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from wwt_framework.model import Action

#: Kinds whose parameters are told task by task.
BY_TASK = ("acdc", "recovery")
#: Told as "" when nothing is asked: readers take that for "leave it as it is".
_BLANK = ("memory", "xrootd", "secondary", "cores")
_NOTHING = (None, "")
_PLAIN = frozenset({str, int, float, bool, type(None)})
_MOST_MADE = 20_000


def as_document(action: Action) -> dict[str, Any]:
    """``{Action, Reasons, Parameters, user, ACDCs}``, and ``Reason`` when there is one."""
    reasons = [_one_line(reason.long) for reason in action.reasons]
    document = {
        "Action": action.kind,
        "Reasons": reasons,
        "Parameters": _by_task(action) if action.kind in BY_TASK else _flat(action),
        "user": action.user,
        "ACDCs": list(action.acdcs),
    }
    if reasons:  # actor.py looks for this name, and puts the text into a ticket
        document["Reason"] = "\n".join(reasons).replace("<br>", "\n")
    return document


def _one_line(text: str) -> str:
    """A reason as the old console kept it: line breaks are ``<br>``, everything else stands as it was written."""
    return text.strip().replace("\r\n", "\n").replace("\n", "<br>")


def _by_task(action: Action) -> dict[str, dict[str, Any]]:
    """Every task with everything that it gets: actor.py can not read "All tasks" (it would fail on the first)."""
    return {
        short: _task(action.kind, {**action.values, **{k: v for k, v in own.items() if v not in _NOTHING}})
        for short, own in action.task_values.items()
    }


def _task(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of one task.

    ``sites`` is always there: without it actor.py dies of a KeyError. ``splitting`` is not there unless it was asked
    for: "" would halve the jobs, and any value keeps a MonteCarlo request from being recovered at all.
    """
    told: dict[str, Any] = {name: _text(values.get(name)) for name in _BLANK}
    told |= {
        name: _plain(value)
        for name, value in values.items()
        if name not in (*_BLANK, "sites") and value not in _NOTHING
    }
    told["sites"] = _sites(values.get("sites"))
    if kind == "acdc" and told["cores"].isdecimal():
        # actor.py reads multicore, the console always said cores. It multiplies the memory then, which has to be
        # a number for that: a text raises TypeError. Without multicore it takes both.
        told["multicore"] = int(told["cores"])
        if told["memory"].isdecimal():
            told["memory"] = int(told["memory"])
    return told


def _flat(action: Action) -> dict[str, Any]:
    """The parameters of a kind that is about whole workflows.

    When a hold ends is kept here. A clone has memory as text (actor.py adds it to a sentence), and is never without parameters.
    """
    values = {name: value for name, value in action.values.items() if value not in _NOTHING and name != "until"}
    told = {name: _plain(value) for name, value in values.items()}
    if action.kind != "clone":
        return told
    told |= {name: _text(values.get(name)) for name in ("memory", "cores")}
    return {"comment": "", **told}


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _sites(value: Any) -> list[str]:
    """A list in any case: of a text actor.py would make one site."""
    if not value:
        return []
    return [value] if isinstance(value, str) else [str(site) for site in value]


def _plain(value: Any) -> Any:
    """*value* as JSON has it; sequences become lists, what is no plain value becomes text."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, Sequence):
        return [_plain(part) for part in value]
    return str(value)


class Documents:
    """``{workflow: document}`` as JSON. What an action asks for never changes: its document is made once."""

    def __init__(self) -> None:
        self._made: dict[str, bytes] = {}  # Action.id -> '"workflow": document'

    def __call__(self, actions: Iterable[Action]) -> bytes:
        """Of several actions on one workflow the last one given."""
        last = {action.workflow: action for action in actions}
        made = self._made
        return b"{" + b",".join([made.get(action.id) or self._make(action) for action in last.values()]) + b"}"

    def _make(self, action: Action) -> bytes:
        if len(self._made) >= _MOST_MADE:
            self._made = {}
        member = self._made[action.id] = _member(action)
        return member


def _member(action: Action) -> bytes:
    told = {action.workflow: as_document(action)}
    try:
        return orjson.dumps(told)[1:-1]
    except TypeError:  # half of a surrogate pair in some text, or a number beyond 64 bits
        return json.dumps(told, allow_nan=False).encode()[1:-1]
