"""{task: {exit code: {site: n}}} as columns, in a few passes that Python runs in C.

What is not as it should be makes ``to_columns`` answer None; then ``mend`` goes over it cell by cell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import chain, compress, count
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from wwt_framework.cube import ErrorColumns
from wwt_framework.errors import SourceError
from wwt_framework.model import NOT_REPORTED, Rejected

from ..._cms.rules import DIGITS, LONGEST_PATH, LONGEST_SITE, MOST_CODES, MOST_JOBS, MOST_SITES, exit_code, is_dropped

Raw = dict[str, dict[str, dict[str, int]]]


def key_count(raw: Any) -> int:
    """Keys in three levels of *raw*; -1 when it is not objects all the way."""
    try:
        codes = raw.values()
        inner = chain.from_iterable(map(dict.values, codes))
        return len(raw) + sum(map(len, codes)) + sum(map(_keys, inner))
    except (AttributeError, TypeError):
        return -1


_keys: Callable[[dict[str, Any]], int] = dict.__len__  # a list or a string has a length, too, but no keys


def workflows_of(raw: dict[str, Any]) -> list[str] | None:
    """Workflows that the task paths name, each once, in their order; None when a path is not /workflow/task."""
    if not raw:
        return []
    joined = "".join(raw)  # of good paths, which begin with a slash and do not end with one
    if not joined.isprintable() or "//" in joined or joined.endswith("/") or max(map(len, raw)) > LONGEST_PATH:
        return None
    ends = [path.find("/", 1) for path in raw]
    if min(ends) < 0 or "" in raw or set(map(itemgetter(0), raw)) != {"/"}:
        return None
    return list(dict.fromkeys([path[1:end] for path, end in zip(raw, ends, strict=True)]))


class _Rows(NamedTuple):
    """One row per task and exit code, with its sites."""

    paths: list[str]
    codes: list[int]
    task: Any
    code: Any
    sites: list[dict[str, Any]]


class _Cells(NamedTuple):
    """One row per task, exit code and site."""

    sites: tuple[str, ...]
    task: Any
    code: Any
    site: Any
    number: Any


def to_columns(raw: Any, rejected: tuple[Rejected, ...] = ()) -> ErrorColumns | None:
    """The columns of *raw*; None when anything in it needs a closer look."""
    if type(raw) is not dict or not set(map(type, raw.values())) <= {dict}:
        return None
    workflows = workflows_of(raw)
    rows = _rows(raw) if workflows is not None else None
    cells = _cells(rows) if rows else None
    if workflows is None or rows is None or cells is None:
        return None
    task, paths = _used_tasks(rows.paths, cells.task)
    unread = {r.workflow for r in rejected}
    return ErrorColumns(
        paths, rows.codes, cells.sites, task, cells.code, cells.site, cells.number, rejected,
        workflows=[name for name in workflows if name not in unread],
    )  # fmt: skip


def _rows(raw: dict[str, dict[str, Any]]) -> _Rows | None:
    paths = [path for path in raw if not is_dropped(path)]
    by_task = list(raw.values()) if len(paths) == len(raw) else [raw[path] for path in paths]
    names = list(chain.from_iterable(by_task))
    codes, code_of = _code_index(names)
    if codes is None:
        return None
    task = np.repeat(np.arange(len(paths)), _lengths(by_task))
    code = np.fromiter(map(code_of.__getitem__, names), np.int64, len(names))
    keep = code >= 0
    sites = list(compress(chain.from_iterable(map(dict.values, by_task)), keep.tolist()))
    if not set(map(type, sites)) <= {dict}:
        return None
    return _Rows(paths, codes, task[keep], code[keep], sites)


def _cells(rows: _Rows) -> _Cells | None:
    """The cells that are not zero; the original's rule for what was not reported: it counts at least once."""
    counts = list(chain.from_iterable(map(dict.values, rows.sites)))
    number = _numbers(counts)
    if number is None:
        return None
    site_of: defaultdict[str, int] = defaultdict(count().__next__)
    site = np.fromiter(map(site_of.__getitem__, chain.from_iterable(rows.sites)), np.int64, len(counts))
    if not all(name and name.isprintable() and len(name) <= LONGEST_SITE for name in site_of):
        return None
    if len(site_of) > MOST_SITES:
        raise SourceError(f"it names {len(site_of):,} sites; expected {MOST_SITES:,} at most: this is no errors file")
    lengths = _lengths(rows.sites)
    task, code = np.repeat(rows.task, lengths), np.repeat(rows.code, lengths)
    if NOT_REPORTED in rows.codes:
        number[(number == 0) & (code == rows.codes.index(NOT_REPORTED))] = 1
    some = number > 0
    return _Cells(tuple(site_of), task[some], code[some], site[some], number[some])


def _numbers(counts: list[Any]) -> Any:
    """*counts* as an array; None when not all of them are numbers of failed jobs."""
    if not set(map(type, counts)) <= {int}:
        return None
    try:
        number = np.array(counts, np.int64)
    except OverflowError:
        return None
    return number if not counts or 0 <= number.min() <= number.max() <= MOST_JOBS else None


def _used_tasks(paths: list[str], task: Any) -> tuple[Any, list[str]]:
    """*task* and *paths* without the paths that no cell has."""
    used = np.zeros(len(paths), bool)
    used[task] = True
    return (np.cumsum(used) - 1)[task], list(compress(paths, used.tolist()))


def _code_index(names: list[str]) -> tuple[list[int] | None, dict[str, int]]:
    """Exit codes among *names*, each once, and where each name stands in them: -1 for those dropped by rule.

    None in place of the codes when two names mean the same code.
    """
    codes: list[int] = []
    code_of: dict[str, int] = {}
    for name in dict.fromkeys(names):
        code = exit_code(name)
        code_of[name] = -1 if code is None else len(codes)
        if code is not None:
            codes.append(code)
    if len(set(codes)) < len(codes) or any(len(str(code)) > DIGITS for code in codes):
        return None, code_of
    if len(codes) > MOST_CODES:
        raise SourceError(f"it has {len(codes):,} exit codes; expected {MOST_CODES:,} at most: this is no errors file")
    return codes, code_of


def _lengths(objects: list[dict[str, Any]]) -> Any:
    return np.fromiter(map(len, objects), np.int64, len(objects))
