"""What somebody did to workflows of the made-up grid, and the file that keeps it.

``acts.jsonl`` in the data folder of the plugin holds one JSON object a line::

    {"id": "6f1c...", "at": "2026-11-23T12:00:00+00:00", "workflow": "pdmvserv_task_...", "kind": "acdc",
     "values": {"memory": 12000}, "task_values": {"HIG-...-00388_0": {"xrootd": "enabled"}}, "user": "olga"}

``at`` is the time of the grid, in UTC.
``values`` hold for every task that ``task_values`` does not name; an ACDC whose ``values`` are empty and that names
tasks reruns those only.
Keys: ``memory`` (MB; "12gb" is read, too), ``splitting`` ("2x" ... "100x", "max"), ``xrootd`` ("enabled"),
``sites`` (those that may run it), ``ban`` (those that may not).
Kinds that make a workflow are ``acdc``, ``recovery`` and ``clone``; the others change nothing here.
A second act with the id of an earlier one is left out, and so is what is no act: a last line may be torn.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

#: Kinds that make a new workflow.
MAKING = frozenset({"acdc", "recovery", "clone"})
FILE = "acts.jsonl"
#: The most that is read of the file, in bytes.
_MOST = 256 * 1024 * 1024


@dataclass(frozen=True)
class Act:
    """One thing that was done to a workflow."""

    id: str
    at: datetime  # of the made-up grid, UTC
    workflow: str
    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)
    task_values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    user: str = ""

    def of_task(self, short: str) -> Mapping[str, Any] | None:
        """What was asked for a task; None when it is not rerun."""
        if short in self.task_values:
            return {**self.values, **self.task_values[short]}
        return None if self.task_values and not self.values and self.kind != "clone" else self.values


def append_act(path: Path, act: Act) -> None:
    """Write *act* down; it is on the disk when this returns."""
    line = {
        "id": act.id, "at": act.at.astimezone(timezone.utc).isoformat(), "workflow": act.workflow, "kind": act.kind,
        "values": dict(act.values), "task_values": {k: dict(v) for k, v in act.task_values.items()}, "user": act.user,
    }  # fmt: skip
    # A line that was torn by a crash ends here: what follows it must not be lost with it.
    torn = path.exists() and path.stat().st_size > 0 and not _ends_well(path)
    data = ("\n" * torn + json.dumps(line, ensure_ascii=True) + "\n").encode()
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        os.write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)


def _ends_well(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def read_acts(path: Path) -> tuple[Act, ...]:
    """The acts in the file at *path*, by their time; none when there is no file."""
    if not path.exists():
        return ()
    found: dict[str, Act] = {}
    with path.open("rb") as file:
        for line in file.read(_MOST).split(b"\n"):
            act = _act(line)
            if act is not None:
                found.setdefault(act.id, act)
    return tuple(sorted(found.values(), key=lambda act: (act.at, act.id)))


def _act(line: bytes) -> Act | None:
    try:
        it = json.loads(line)
        at = datetime.fromisoformat(it["at"])
        texts = [it["id"], it["workflow"], it["kind"], it.get("user", "")]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    values, tasks = it.get("values", {}), it.get("task_values", {})
    whole = isinstance(values, dict) and isinstance(tasks, dict) and all(isinstance(v, dict) for v in tasks.values())
    if not whole or at.tzinfo is None or not all(isinstance(text, str) for text in texts):
        return None
    try:
        at = at.astimezone(timezone.utc)
    except (OverflowError, ValueError):
        return None
    return Act(texts[0], at, texts[1], texts[2], values, tasks, texts[3])


def memory_of(values: Mapping[str, Any]) -> int:
    """MB that were asked for; 0: as before."""
    match = re.fullmatch(r"\s*([0-9]{1,7})\s*(gb|mb)?\s*", str(values.get("memory", "")).lower())
    return int(match[1]) * (1024 if match[2] == "gb" else 1) if match else 0


def splitting_of(values: Mapping[str, Any]) -> int:
    """Into how many a job is split; 1: as before."""
    text = str(values.get("splitting", "")).strip().lower()
    match = re.fullmatch(r"([0-9]{1,4})x", text)
    return 1000 if text == "max" else max(1, int(match[1])) if match else 1


def xrootd_of(values: Mapping[str, Any]) -> bool:
    """Whether input may be read from afar."""
    return values.get("xrootd") in (True, "enabled")
