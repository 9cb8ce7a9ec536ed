"""Files of past decisions: the original's JSON (tasks with errors and parameters), and ours, a line for each decision.

The original's: ``{"/workflow/task": {"errors": {"good_sites": {code: {site: n}}, "bad_sites": ...},
"parameters": {..., "action": name}}}``; good sites were ready (green) at that time.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from wwt_framework.errors import WwtError
from wwt_framework.evidence import BY_TASK, action_of, case_of, checked, decision_label, plain_action, values_of
from wwt_framework.model import (
    Action,
    ActionState,
    Case,
    ErrorCount,
    ErrorTable,
    Known,
    Readiness,
    SiteStatus,
    Task,
    Workflow,
)
from wwt_framework.plugin import Decision
from wwt_framework.services.learning.history import COUNTED, Past, Seen
from wwt_framework.store import Store, ledger

_KINDS = (*BY_TASK, "clone")
_OLD = {"recover": "acdc"}
_DATE = re.compile(r"_(\d{6})_(\d{6})_\d+$")
#: When what has no date in its name was decided: before everything else.
UNDATED = datetime(2000, 1, 1, tzinfo=timezone.utc)
_SPACE = re.compile(r"[\s,]*")


# -- writing -------------------------------------------------------------------


def write_history(path: Path, store: Store) -> int:
    """Write the history of *store* into *path*, all of it or nothing; returns how many entries. Raises `WwtError`.

    A name that ends in .jsonl or .jsonl.gz: decisions with all that is kept of them; else the original's JSON.
    """
    packed = path.suffix == ".gz"
    lines = ".jsonl" in path.suffixes
    counted = _Counted(decision_lines(store) if lines else old_json(store))
    new = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        with gzip.open(new, "wb", compresslevel=4) if packed else new.open("wb") as file:
            for part in counted:
                file.write(part)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise WwtError(f"{path}: can not be written: {error.strerror or error}") from error
    return counted.count - (0 if lines else 1)


class _Counted:
    """Passes on, and counts."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = parts
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            self.count += 1
            yield part


def decision_lines(store: Store) -> Iterator[bytes]:
    """Every decision of *store* as a line of JSON."""
    for action, packed in ledger.decided(store, COUNTED):
        case = packed.whole()
        if case.get("workflow") and case.get("errors"):
            yield orjson.dumps({**plain_action(action, action.submitted_at), "case": case}) + b"\n"


def old_json(store: Store) -> Iterator[bytes]:
    """The history of *store* as the original's JSON, in parts: an entry each, and the end.

    Of several actions on a workflow the last one counts.
    """
    begin = b"{"
    for action, packed in ledger.decided(store, COUNTED, last=True):
        case = packed.with_("errors", "sites")
        for task, entry in old_entries(action, case.get("errors", ()), case.get("sites", {})):
            yield begin + orjson.dumps(task) + b":" + orjson.dumps(entry)
            begin = b",\n"
    yield b"{}\n" if begin == b"{" else b"}\n"


def old_entries(
    action: Action, errors: Iterable[Any], sites: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Task and entry of each task that failed; *errors* and *sites* as they are kept (`evidence.plain_case`)."""
    tables: dict[str, tuple[dict[int, dict[str, int]], dict[int, dict[str, int]]]] = {}
    good = {site for site, status in sites.items() if status[0] == "green"}
    for task, code, site, count in errors:  # in a dump of all there are millions
        parts = tables.get(task)
        if parts is None:
            parts = tables[task] = ({}, {})
        part = parts[site not in good]
        if code in part:
            part[code][site] = count
        else:
            part[code] = {site: count}
    for task, parts in tables.items():
        good_sites, bad_sites = ({str(code): counts for code, counts in part.items()} for part in parts)
        parameters = {**values_of(action, task), "action": decision_label(action.kind, action.values)}
        yield task, {"errors": {"good_sites": good_sites, "bad_sites": bad_sites}, "parameters": parameters}


# -- reading -------------------------------------------------------------------


def read_history(path: Path, complain: Callable[[str], None] = lambda _: None) -> Past:
    """The decisions of *path*, of either shape. *complain* is told of each that can not be read.

    Raises `WwtError` when the file can not be read, or is none of them.
    """
    with _opened(path) as file:
        head = file.readline(10_000_000)
    if b'"decided_at"' in head[:200_000] and head.lstrip().startswith(b"{"):
        return Past(lambda: _lines(path, complain))
    return _old(path, complain)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The file of *path*, unpacked. Raises `WwtError` when it can not be read, wherever in it that turns out."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            yield file
    except (OSError, EOFError, zlib.error) as error:
        raise WwtError(f"{path}: can not be read: {error}") from error


def _lines(path: Path, complain: Callable[[str], None]) -> Iterator[Seen]:
    with _opened(path) as file:
        for number, line in enumerate(file, 1):
            where = f"{path}: line {number}"
            try:
                told = orjson.loads(line)
                action = action_of(told)
                checked(told)
                yield Seen.of_kept(
                    action, action.submitted_at, told["case"], partial(_made, action, told, where, complain)
                )
            except ValueError as error:
                complain(f"{where}: {error}")


def _made(action: Action, told: Mapping[str, Any], where: str, complain: Callable[[str], None]) -> Decision | None:
    try:
        return Decision(case_of(told["case"]), action, action.submitted_at)
    except ValueError as error:
        complain(f"{where}: {error}")
        return None


def _old(path: Path, complain: Callable[[str], None]) -> Past:
    """The original's JSON. The text stays in memory, the decisions are made when they are asked for."""
    with _opened(path) as file:
        text = file.read().decode("utf-8-sig", "replace")
    places: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for task, at in _members(text, path):
        parts = task.split("/")
        if len(parts) < 3 or parts[0] or not parts[1]:
            complain(f"{path}: expected /workflow/task, got {task[:80]!r}")
        else:
            places[parts[1]].append((task, at))
    undated = sum(_decided_at(workflow) == UNDATED for workflow in places)
    if undated:
        complain(f"{path}: {undated} workflows have no date in their names; they count as the oldest")
    order = sorted(places, key=lambda workflow: (_decided_at(workflow), workflow))
    found = [(workflow, places[workflow]) for workflow in order]
    return Past(lambda: map(Seen.of, _decisions(text, found, path, complain)))


def _members(text: str, path: Path) -> Iterator[tuple[str, int]]:
    """Keys of the mapping in *text*, and where the value of each begins."""
    decode = json.JSONDecoder().raw_decode
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        raise WwtError(
            f'{path}: expected a history like {{"/workflow/task": {{errors, parameters}}}}, or lines of decisions'
        )
    at = _skip(text, at + 1)
    while text[at : at + 1] != "}":
        try:
            key, end = decode(text, at)
            end = _skip(text, _skip(text, end) + 1)  # the colon
            _, after = decode(text, end)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, at) + 1
            raise WwtError(f"{path}: line {line}: expected JSON: {error}") from error
        yield str(key), end
        at = _skip(text, after)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _decisions(
    text: str, workflows: Iterable[tuple[str, list[tuple[str, int]]]], path: Path, complain: Callable[[str], None]
) -> Iterator[Decision]:
    decode = json.JSONDecoder().raw_decode
    for workflow, tasks in workflows:
        try:
            entries = [(task, decode(text, at)[0]) for task, at in tasks]
            orjson.dumps(entries)  # halves of characters, numbers beyond all bounds
            yield _decision(workflow, entries)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            complain(f"{path}: {workflow}: expected errors and parameters: {type(error).__name__}: {error}")


def _decision(workflow: str, entries: list[tuple[str, Any]]) -> Decision:
    at = _decided_at(workflow)
    errors, sites = [], {}
    for task, entry in entries:
        for name, readiness in (("bad_sites", Readiness.RED), ("good_sites", Readiness.GREEN)):
            for code, counts in entry["errors"][name].items():
                for site, count in counts.items():
                    errors.append(ErrorCount(task, _whole(code), site, _whole(count, least=1)))
                    sites[site] = SiteStatus(site, readiness)
    case = Case(
        Workflow(workflow, requested_at=None if at == UNDATED else at, tasks=tuple(Task(task) for task, _ in entries)),
        ErrorTable(errors), sites=sites, known={"errors": Known("errors", "history", "ok", at)},
    )  # fmt: skip
    return Decision(case, _action(workflow, entries, at), at)


def _whole(told: Any, least: int = -(2**31)) -> int:
    """Raises ValueError for what is no count and no exit code."""
    number = int(told) if isinstance(told, str) or math.isfinite(told) else None
    if number is None or not least <= number < 2**31:
        raise ValueError(f"expected a whole number from {least} on, got {told!r:.40}")
    return number


def _action(workflow: str, entries: list[tuple[str, Any]], at: datetime) -> Action:
    labels = {str(entry["parameters"].get("action") or "") for _, entry in entries}
    label = next(iter(sorted(labels)))
    label = _OLD.get(label, label)
    if len(labels) > 1 or not label:
        raise ValueError(f"expected one action for all of its tasks, got {sorted(labels)}")
    kind = label if label in _KINDS else "special"
    of_task = {
        "/".join(task.split("/")[2:]): {k: v for k, v in entry["parameters"].items() if k != "action"}
        for task, entry in entries
    }
    values = {} if kind in BY_TASK else dict(entries[0][1]["parameters"], action=label)
    if kind == "clone":
        values.pop("action")
    return Action(
        id=f"history:{workflow}", kind=kind, workflow=workflow, values=values,
        task_values=of_task if kind in BY_TASK else {}, reasons=(), user="", state=ActionState.DONE, submitted_at=at,
        changed_at=at,
    )  # fmt: skip


def _decided_at(workflow: str) -> datetime:
    """The date in a workflow's name, which is when it was asked for; the original's files have no other."""
    found = _DATE.search(workflow)
    try:
        return (
            datetime.strptime("".join(found.groups()), "%y%m%d%H%M%S").replace(tzinfo=timezone.utc)
            if found
            else UNDATED
        )
    except ValueError:  # digits that are no date
        return UNDATED
