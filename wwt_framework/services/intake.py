"""Lists that sources hand over, looked at before anything is built on them.

A plugin's answer may be of a wrong type, out of range, or carry hostile text.
What can not be read is named, item by item; only an answer without any shape is refused as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any, Generic, TypeVar

import orjson
from pydantic import ConfigDict, TypeAdapter, ValidationError

from wwt_framework.errors import SourceError
from wwt_framework.model import ExitCode, LogExcerpt, Recovery, Rejected, SiteStatus, Told, Workflow
from wwt_framework.snapshot_detail import TEXT_LIMIT, cut

ItemT = TypeVar("ItemT")

#: Names and paths are shorter than this; what is longer is not a name.
NAME_LIMIT = 1000
#: More failed jobs than this in one cell are a broken number; sums stay far from the end of int64.
COUNT_LIMIT = 10**12
#: Exit codes and priorities stay below this.
INT32 = 2**31


@dataclass(frozen=True)
class Items(Generic[ItemT]):
    """A list as a source gave it: what can be used, the same as JSON, and what can not."""

    good: tuple[ItemT, ...]
    json: bytes  # a JSON array
    rejected: tuple[Rejected, ...] = ()
    as_of: datetime | None = None  # of when it is; None: of the moment of asking


# -- lists of words -----------------------------------------------------------


@cache
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(
        tuple[kind, ...],  # type: ignore[valid-type]  # made at run time
        config=ConfigDict(revalidate_instances="always"),
    )


def adapter(kind: type[ItemT]) -> TypeAdapter[tuple[ItemT, ...]]:
    """Reads and checks a tuple of *kind*, from JSON as well as from objects."""
    return _adapter(kind)  # type: ignore[arg-type]  # classes are hashable


def _plain(thing: object) -> object:
    if isinstance(thing, frozenset | set):
        return sorted(thing)
    return dict(thing) if isinstance(thing, Mapping) else str(thing)


def as_json(things: object) -> bytes:
    """*things* as JSON. Raises TypeError when they can not be: a number of more than 64 bits, broken text."""
    return orjson.dumps(things, default=_plain, option=orjson.OPT_NON_STR_KEYS)


def items(kind: type[ItemT], answer: object) -> Items[ItemT]:
    """The list of *kind* that a source gave; None is an empty one. Raises SourceError when it is not a list."""
    if answer is None:
        return Items((), b"[]")
    if not isinstance(answer, Iterable) or isinstance(answer, str | bytes | Mapping):
        raise SourceError(f"expected a list of {kind.__name__}, got {shown(answer)}")
    given = tuple(answer)
    rejected = list(answer.rejected) if isinstance(answer, Told) else []
    as_of = time_told(answer.as_of) if isinstance(answer, Told) else None
    try:
        good = adapter(kind).validate_python(given)
        if (kind is Workflow and _look_well(good)) or not any(map(_DOUBTS[kind], good)):
            return Items(good, as_json(good), tuple(rejected), as_of)
    except (ValidationError, TypeError):
        pass  # one by one, to find out which
    return replace(_one_by_one(kind, given, rejected), as_of=as_of)


def time_told(as_of: datetime | None) -> datetime | None:
    """The moment of which an answer says to be. Raises SourceError for one without a zone."""
    if as_of is not None and as_of.tzinfo is None:
        raise SourceError(f"expected as_of with a time zone, got {as_of.isoformat()}")
    return as_of


def _one_by_one(kind: type[ItemT], given: tuple[object, ...], rejected: list[Rejected]) -> Items[ItemT]:
    good: list[ItemT] = []
    parts: list[bytes] = []
    for i, thing in enumerate(given):
        try:
            (item,) = adapter(kind).validate_python((thing,))
            why = _DOUBTS[kind](item)
            part = b"" if why else as_json(item)
        except ValidationError as err:
            why = _first_error(err)
        except TypeError as err:
            why = f"can not be kept: {err}"
        if why:
            rejected.append(Rejected(_label(thing, kind, i), why, _owner(thing)))
        else:
            good.append(item)
            parts.append(part)
    return Items(tuple(good), b"[" + b",".join(parts) + b"]", tuple(rejected))


def _first_error(err: ValidationError) -> str:
    first = err.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "as a whole"
    return f"{where}: {first['msg']}, got {shown(first['input'])}"


def shown(thing: object) -> str:
    text = ascii(thing)
    return text if len(text) <= 80 else f"{text[:77]}..."


def printable(text: object) -> str:
    """*text* fit for a path in a report."""
    shown = str(text).encode("utf-8", "replace").decode("utf-8")
    return shown if len(shown) <= 200 else f"{shown[:197]}..."


def _label(thing: object, kind: type[Any], i: int) -> str:
    for name in ("name", "path", "task", "site", "code"):
        if isinstance(value := getattr(thing, name, None), str | int):
            return printable(value)
    return f"{kind.__name__} number {i + 1}"


def _owner(thing: object) -> str:
    name = getattr(thing, "name", "")
    return name if isinstance(name, str) and not name_trouble(name) else ""


def name_trouble(name: str) -> str:
    """Why *name* can not be the name of a workflow or a site; empty when it can."""
    if not name or len(name) > NAME_LIMIT:
        return f"expected a name of 1 to {NAME_LIMIT} characters, got {len(name)}"
    if not name.isprintable():
        return f"expected a name of printable characters, got {shown(name)}"
    return ""


def path_trouble(path: object) -> str:
    """Why *path* can not be the path of a task; empty when it can."""
    parts = path.split("/", 2) if isinstance(path, str) else []
    if len(parts) != 3 or parts[0] or not parts[1] or not parts[2]:
        return f"expected a task's path /workflow/task, got {shown(path)}"
    return name_trouble(str(path))


def _doubt_time(when: datetime | None) -> str:
    return f"expected a time with its zone, got {when}" if when is not None and when.tzinfo is None else ""


def _doubt_workflow(w: Workflow) -> str:
    if trouble := name_trouble(w.name):
        return trouble
    if "/" in w.name:
        return f"expected a workflow's name without '/', got {shown(w.name)}"
    for word in (w.prep_id, w.campaign, w.request_type, w.status):
        if len(word) > NAME_LIMIT or not word.isprintable():
            return f"expected prep id, campaign, request type and status in printable characters, got {shown(word)}"
    if w.priority is not None and not 0 <= w.priority < INT32:
        return f"priority: expected 0 to {INT32 - 1}, got {w.priority}"
    return _doubt_time(w.requested_at)


def _look_well(workflows: tuple[Any, ...]) -> bool:
    """The quick look at all of them, which finds no fault in the usual answer; others are looked at one by one."""
    names = [w.name for w in workflows]
    words = {word for w in workflows for word in (w.prep_id, w.campaign, w.request_type, w.status)}
    longest = max(map(len, chain(names, words)), default=0)
    joined = "".join(chain(names, words))
    return (
        all(names)
        and longest <= NAME_LIMIT
        and joined.isprintable()
        and "/" not in "".join(names)
        and all(priority is None or 0 <= priority < INT32 for priority in {w.priority for w in workflows})
        and not any(map(_doubt_time, {w.requested_at for w in workflows}))
    )


def _doubt_log(log: LogExcerpt) -> str:
    if not 0 < log.count <= COUNT_LIMIT:
        return f"count: expected 1 to {COUNT_LIMIT}, got {log.count}"
    return _doubt_code(log.exit_code) or _doubt_time(log.at)


def _doubt_code(code: int) -> str:
    return "" if -INT32 < code < INT32 else f"expected an exit code of 32 bits, got {code}"


_DOUBTS: dict[Any, Callable[[Any], str]] = {
    Workflow: _doubt_workflow,
    LogExcerpt: _doubt_log,
    Recovery: lambda recovery: path_trouble(recovery.task),
    SiteStatus: lambda status: name_trouble(status.site) or _doubt_time(status.since),
    ExitCode: lambda code: _doubt_code(code.code) or _doubt_time(code.since) or _doubt_time(code.until),
}


def excerpts(answer: object) -> Items[LogExcerpt]:
    """What failed jobs said; texts are hostile, so they are cut and mended, not refused."""
    if isinstance(answer, Told):
        answer = replace(answer, items=tuple(map(_mended, answer)))
    elif isinstance(answer, Iterable) and not isinstance(answer, str | bytes | Mapping):
        answer = [_mended(log) for log in answer]
    return items(LogExcerpt, answer)


def _mended(log: object) -> object:
    if not isinstance(log, LogExcerpt) or not isinstance(log.text, str):
        return log
    try:
        if len(log.text.encode()) <= TEXT_LIMIT:
            return log
    except UnicodeEncodeError:
        pass
    return replace(log, text=cut(log.text))
