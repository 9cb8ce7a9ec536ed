"""What a document of /getaction comes to when Unified reads it: an act, or the reason why nothing is done.

The rules, with their oddities, are those of Unified's actor.py (CMSCompOps/WmAgentScripts).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

#: What "special" actions there are, and the kinds that they mean.
_SPECIAL = {"by-pass": "by-pass", "bypass": "by-pass", "onhold": "on-hold", "on-hold": "on-hold"}
_SAME = ("", "Same", None)
_SWITCHED = ("enabled", "disabled")


class Wanted(NamedTuple):
    """What is to be done to one workflow."""

    kind: str
    values: dict[str, Any]
    task_values: dict[str, dict[str, Any]]
    user: str


def read(document: Any) -> Wanted | str:
    """What *document* asks for; a sentence when Unified would leave it where it is."""
    if not isinstance(document, Mapping):
        return f"expected an object, got {type(document).__name__}"
    action, parameters = document.get("Action"), document.get("Parameters")
    user = document.get("user")
    user = user if isinstance(user, str) and user else "unified"
    if action not in ("acdc", "clone", "special"):
        return f"the action {action!r} is none that Unified carries out"
    if not isinstance(parameters, Mapping):
        return "Parameters are no object"
    if action == "special":
        kind = _SPECIAL.get(str(parameters.get("action")))
        return (
            Wanted(kind, {}, {}, user)
            if kind
            else f"special {parameters.get('action')!r} is none that Unified carries out"
        )
    if action == "clone":
        values = _clone(parameters)
        return values if isinstance(values, str) else Wanted("clone", values, {}, user)
    tasks = _tasks(parameters)
    return tasks if isinstance(tasks, str) else Wanted("acdc", {}, tasks, user)


def _clone(parameters: Mapping[str, Any]) -> dict[str, Any] | str:
    memory = _starting(parameters, "mem")
    if memory not in _SAME and not isinstance(memory, str):
        return f"the memory of a clone is a text, got {memory!r}"
    values: dict[str, Any] = {}
    if memory not in _SAME:
        if not str(memory).isdecimal():
            return f"the memory of a clone is a number of MB, got {memory!r}"
        values["memory"] = int(str(memory))
    splitting = _splitting(_starting(parameters, "split"), "")
    if splitting:
        values["splitting"] = splitting
    return values


def _tasks(parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]] | str:
    if not parameters:
        return "Parameters is blank"
    if "AllSteps" in parameters:
        return "AllSteps can not be read; each task has to be named"
    found: dict[str, dict[str, Any]] = {}
    for short, asked in parameters.items():
        if not isinstance(asked, Mapping):
            return f"the parameters of {short} are no object"
        task = _task(asked)
        if isinstance(task, str):
            return f"{short}: {task}"
        found[short] = task
    return found


def _task(asked: Mapping[str, Any]) -> dict[str, Any] | str:
    sites = _starting(asked, "sites")
    if not isinstance(sites, (list, str)):
        return "sites are not told"
    # A list without a site says nothing; a text is one site.
    values: dict[str, Any] = {"sites": [sites] if isinstance(sites, str) else [str(site) for site in sites]}
    if not values["sites"]:
        del values["sites"]
    memory = _memory(_starting(asked, "mem"))
    if isinstance(memory, str):
        return memory
    if memory:
        values["memory"] = memory
    splitting = _splitting(_starting(asked, "split"), "2x")
    if splitting:
        values["splitting"] = splitting
    cores = asked.get("multicore")
    if cores not in _SAME:
        if not str(cores).isdecimal():
            return f"multicore is a whole number, got {cores!r}"
        values["multicore"] = int(str(cores))
    values.update({name: asked[name] for name in ("xrootd", "secondary") if asked.get(name) in _SWITCHED})
    return values


def _starting(asked: Mapping[str, Any], start: str) -> Any:
    """The value under the first name that begins so; "Same" when there is none."""
    return next(
        (value for name, value in asked.items() if name.startswith(start)), None if start == "sites" else "Same"
    )


def _memory(asked: Any) -> int | str:
    """MB; 0 for "as before"; a sentence for what is no memory."""
    if asked in _SAME:
        return 0
    match = re.fullmatch(r"\s*([0-9]{1,9})\s*(kb|mb|gb)?\s*", str(asked).lower(), re.ASCII)
    if not match:
        return f"memory is a number of MB, got {asked!r}"
    return int(match[1]) * (1024 if match[2] == "gb" else 1)


def _splitting(asked: Any, when_blank: str) -> str:
    """How jobs are split, as Nx or max; nothing for "as before".

    An ACDC whose splitting is blank is split in two, since only "Same" is not.
    """
    if asked == "":
        return when_blank
    text = str(asked)
    return text if text == "max" or re.fullmatch(r"[0-9]{1,4}x", text, re.ASCII) else ""
