"""Taking over what the original kept: its actions (JSON files, MongoDB exports) and its reasons.db.

A record that can not be read is named, with its line; the others are kept. To import the same again changes nothing.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from wwt_framework.evidence import BY_TASK
from wwt_framework.model import Action, ActionState, Reason
from wwt_framework.services.desk.kinds import OLD_NAMES
from wwt_framework.store import Store, ledger

_KINDS = ("acdc", "clone", "recovery", "special")
_INTEGERS = ("memory", "cores")
_NAMESPACE = uuid.UUID("1ef0a8c2-7c3b-5a57-9d1e-6b7c0f0f5a11")
_FIRST = datetime(2000, 1, 1, tzinfo=timezone.utc)
_LONGEST_NAME = 500
_SPACE = re.compile(r"[\s,]*")


@dataclass(frozen=True)
class Imported:
    """What became of one file."""

    kept: int = 0
    known: int = 0  # those that are here already
    reasons: int = 0
    problems: tuple[str, ...] = ()  # a sentence each, with the line


class _Bad(ValueError):
    """Why one record can not be read."""


def import_file(store: Store, path: Path, user: str) -> Imported:
    """Take over *path*: ``reasons.db``, or actions as JSON, JSON lines or an array. *user* is who asks for it.

    Raises OSError when the file can not be opened.
    """
    with path.open("rb") as file:
        if file.read(16) == b"SQLite format 3\0":
            return _import_reasons(store, path, user)
    text = path.read_bytes().decode("utf-8-sig", "replace")
    actions, problems = [], []
    for line, record in _records(text):
        try:
            if isinstance(record, _Bad):
                raise record
            actions.append(_action(record, path))
        except _Bad as error:
            problems.append(f"line {line}: {error}")
    kept = ledger.import_actions(store, actions, user)
    return Imported(kept, len(actions) - kept, 0, tuple(problems))


# -- the reasons --


def _import_reasons(store: Store, path: Path, user: str) -> Imported:
    """The book of reasons; a short name that is taken here keeps its text."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            rows = database.execute("select rowid, shortreason, longreason from reasons order by rowid").fetchall()
    except sqlite3.Error as error:
        return Imported(problems=(f"it is no reasons.db, which has a table reasons: {error}",))
    wanted, problems = [], []
    for number, short, long in rows:
        if not isinstance(short, str) or not short.strip():
            problems.append(f"row {number}: a reason has a short text, got {short!r:.60}")
        else:
            text = long if isinstance(long, str) and long.strip() else short
            wanted.append(Reason(short.strip(), re.sub(r"<br\s*/?>", "\n", text).strip()))
    new = ledger.add_reasons(store, wanted, user)
    return Imported(0, len(wanted) - len(new), len(new), tuple(problems))


# -- records, with the line on which each begins --


def _records(text: str) -> Iterator[tuple[int, Any]]:
    """Line and record; a record is a document as MongoDB kept it, or a pair of workflow and parameters."""
    start = _SPACE.match(text)
    at = start.end() if start else 0
    if text[at : at + 1] == "[":
        yield from _members(text, at + 1, "]")
    elif text[at : at + 1] == "{" and not _is_lines(text, at):
        yield from _members(text, at + 1, "}")
    else:
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield number, _decoded(line, 0)[0]


def _is_lines(text: str, at: int) -> bool:
    """Whether *text* is documents after one another, and not one mapping of workflows."""
    value, end = _decoded(text, at)
    if isinstance(value, _Bad):  # a broken first line, or a mapping that is broken somewhere
        return "\n{" in text
    return bool(text[end:].strip()) or "workflow" in value


def _members(text: str, at: int, closing_sign: str) -> Iterator[tuple[int, Any]]:
    """The members of the array or mapping that begins before *at*."""
    while True:
        at = _after_space(text, at)
        line = text.count("\n", 0, at) + 1
        if text[at : at + 1] == closing_sign:
            return
        key, end = ("", at) if closing_sign == "]" else _decoded(text, at)
        if closing_sign == "}" and not isinstance(key, _Bad):
            colon = _after_space(text, end)
            if text[colon : colon + 1] != ":":
                key = _Bad("expected a colon after the name of a workflow")
            end = _after_space(text, colon + 1)
        value, end = (key, end) if isinstance(key, _Bad) else _decoded(text, end)
        if isinstance(value, _Bad):
            yield line, _Bad(f"{value}; what follows in this file was not read")
            return
        yield line, value if closing_sign == "]" else (key, value)
        at = end


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _decoded(text: str, at: int) -> tuple[Any, int]:
    """The JSON value at *at*, and where it ends."""
    try:
        value, end = json.JSONDecoder().raw_decode(text, at)
    except (ValueError, RecursionError) as error:
        return _Bad(f"expected JSON: {getattr(error, 'msg', error)}"), at
    return value, end


# -- one record --


def _action(record: Any, path: Path) -> Action:
    """Raises `_Bad`."""
    workflow, parameters, at, acted = _parts(record, path)
    dated = (
        not isinstance(record, tuple) or _day_of(path) is not None
    )  # else a copy of the file would be another action
    if not isinstance(workflow, str) or not workflow.strip() or len(workflow) > _LONGEST_NAME:
        raise _Bad(f"expected the name of a workflow, got {_shown(workflow)}")
    if not isinstance(parameters, Mapping):
        raise _Bad(f"{workflow}: expected parameters like {{Action, Parameters, Reasons}}, got {_shown(parameters)}")
    asked = str(parameters.get("Action") or "")
    kind = OLD_NAMES.get(asked, asked)
    if kind not in _KINDS:
        raise _Bad(f"{workflow}: Action must be one of {', '.join(_KINDS)}, got {_shown(parameters.get('Action'))}")
    values, tasks = _values(workflow, kind, parameters.get("Parameters") or {})
    acdcs = parameters.get("ACDCs") or []
    known_by = [workflow, at.timestamp() if dated else 0, kind, values, tasks]
    try:
        told = json.dumps(known_by, sort_keys=True, allow_nan=False)
    except ValueError:  # Python's own dialect of JSON knows NaN and Infinity, and reads 1e999
        raise _Bad(f"{workflow}: every number in Parameters must be finite") from None
    return Action(
        id=uuid.uuid5(_NAMESPACE, told).hex,
        kind=kind,
        workflow=workflow.strip(),
        values=values,
        task_values=tasks,
        reasons=tuple(Reason("", text) for text in _reasons(parameters.get("Reasons"))),
        user=str(parameters.get("user") or "") or _user_of(path),
        state=ActionState.DONE if acted else ActionState.QUEUED,
        submitted_at=at,
        changed_at=at,
        acdcs=tuple(str(one) for one in acdcs) if isinstance(acdcs, list) else (),
    )


def _parts(record: Any, path: Path) -> tuple[Any, Any, datetime, bool]:
    """Workflow, parameters, when, and whether it was done. Raises `_Bad`."""
    if isinstance(record, tuple):  # of a JSON file: when it was acted on stands in the file's name
        workflow, parameters = record
        return workflow, parameters, _time_of_file(path), True
    if not isinstance(record, Mapping) or "workflow" not in record:
        raise _Bad(f"expected a document {{workflow, timestamp, parameters, acted}}, got {_shown(record)}")
    at = _time(record.get("timestamp"))
    if at is None:
        raise _Bad(f"{_shown(record['workflow'])}: timestamp must be seconds since 1970, or a date, "
                   f"got {_shown(record.get('timestamp'))}")  # fmt: skip
    return record["workflow"], record.get("parameters"), at, bool(_number(record.get("acted")))


def _values(workflow: str, kind: str, given: Any) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Values of the whole action, and of each task. Raises `_Bad`."""
    if not isinstance(given, Mapping):
        raise _Bad(f"{workflow}: Parameters must be a mapping, got {_shown(given)}")
    if kind not in BY_TASK:
        return {str(name): _typed(str(name), value) for name, value in given.items()}, {}
    values: dict[str, Any] = {}
    tasks: dict[str, dict[str, Any]] = {}
    for task, fields in given.items():
        if not isinstance(fields, Mapping):
            raise _Bad(f"{workflow}: Parameters of {task} must be a mapping of its fields, got {_shown(fields)}")
        mine = {str(name): _typed(str(name), value) for name, value in fields.items() if value not in ("", None)}
        if task == "AllSteps":
            values = mine
        else:
            tasks[str(task).removeprefix(f"/{workflow}/")] = mine
    return values, tasks


def _typed(name: str, value: Any) -> Any:
    """*value* as our own form would have kept it; what was kept oddly stays as it was."""
    if name == "sites":
        return [value] if isinstance(value, str) else value
    plain = _number(value) if isinstance(value, Mapping) else value
    if name in _INTEGERS and isinstance(plain, str) and plain.isascii() and plain.isdigit() and len(plain) < 10:
        return int(plain)
    return plain


def _reasons(given: Any) -> list[str]:
    texts = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    return [re.sub(r"<br\s*/?>", "\n", str(text)).strip() for text in texts if str(text).strip()]


def _number(value: Any) -> Any:
    """*value*, of MongoDB's extended JSON the number in it."""
    if isinstance(value, Mapping) and len(value) == 1:
        (kind, text), *_ = value.items()
        if kind in ("$numberInt", "$numberLong", "$numberDouble"):
            try:
                return float(text) if kind == "$numberDouble" else int(text)
            except (TypeError, ValueError):
                return None
    return value


def _time(value: Any) -> datetime | None:
    """Seconds since 1970, ``{"$date": milliseconds or ISO}``, or ISO text; None when it is none of them."""
    if isinstance(value, Mapping) and set(value) == {"$date"}:
        inner = _number(value["$date"])
        return _time(inner / 1000 if isinstance(inner, (int, float)) else inner)
    value = _number(value)
    try:
        if isinstance(value, str):
            told = datetime.fromisoformat(re.sub(r"Z$", "+00:00", value))
            at = told.replace(tzinfo=timezone.utc) if told.tzinfo is None else told.astimezone(timezone.utc)
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            at = datetime.fromtimestamp(value, timezone.utc)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return at if at >= _FIRST else None


def _time_of_file(path: Path) -> datetime:
    """The day in the file's name, else when the file was written."""
    return _day_of(path) or datetime.fromtimestamp(int(path.stat().st_mtime), timezone.utc)


def _day_of(path: Path) -> datetime | None:
    """The day at the end of a name like ``operator_20170301.json``; None when there is none."""
    day = re.search(r"_([0-9]{8})$", path.stem)
    try:
        return datetime.strptime(day[1], "%Y%m%d").replace(tzinfo=timezone.utc) if day else None
    except ValueError:  # eight digits that are no day
        return None


def _user_of(path: Path) -> str:
    """Whose a file is that says so in its name: ``operator_20170301.json``."""
    return path.stem.split("_")[0] if "_" in path.stem else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
