"""{task: {exit code: {site: n}}} as columns, in a few passes that Python runs in C.

What is not as it should be makes ``to_columns`` answer None; then ``mend`` goes over it cell by cell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import chain, compress, count
from typing import Any

import numpy as np

from wwt_framework.cube import ErrorColumns
from wwt_framework.errors import SourceError
from wwt_framework.model import NOT_REPORTED, Rejected

from .rules import DIGITS, LONGEST_PATH, LONGEST_SITE, MOST_CODES, MOST_JOBS, MOST_SITES, exit_code, is_dropped

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
    if not "".join(raw).isprintable() or max(map(len, raw)) > LONGEST_PATH:
        return None
    parts = [path.split("/", 2) for path in raw]
    if not all(len(part) == 3 and not part[0] and part[1] and part[2] for part in parts):
        return None
    return list(dict.fromkeys([part[1] for part in parts]))


def to_columns(raw: Any, rejected: tuple[Rejected, ...] = ()) -> ErrorColumns | None:
    """The columns of *raw*; None when anything in it needs a closer look."""
    if type(raw) is not dict or not set(map(type, raw.values())) <= {dict}:
        return None
    workflows = workflows_of(raw)
    if workflows is None:
        return None
    paths = [path for path in raw if not is_dropped(path)]
    by_task = list(raw.values()) if len(paths) == len(raw) else [raw[path] for path in paths]
    names = list(chain.from_iterable(by_task))
    codes, code_of = _code_index(names)
    if codes is None:
        return None
    # One row per task and code: which task, which code, and its sites.
    row_task = np.repeat(np.arange(len(paths)), _lengths(by_task))
    row_code = np.fromiter(map(code_of.__getitem__, names), np.int64, len(names))
    keep = row_code >= 0
    by_row = list(compress(chain.from_iterable(map(dict.values, by_task)), keep.tolist()))
    if not set(map(type, by_row)) <= {dict}:
        return None
    return _cells(paths, codes, row_task[keep], row_code[keep], by_row, workflows, rejected)


def _cells(
    paths: list[str], codes: list[int], row_task: Any, row_code: Any, by_row: list[dict[str, Any]],
    workflows: list[str], rejected: tuple[Rejected, ...],
) -> ErrorColumns | None:  # fmt: skip
    counts = list(chain.from_iterable(map(dict.values, by_row)))
    if not set(map(type, counts)) <= {int}:
        return None
    if counts and not 0 <= min(counts) <= max(counts) <= MOST_JOBS:
        return None
    site_of: defaultdict[str, int] = defaultdict(count().__next__)
    site = np.fromiter(map(site_of.__getitem__, chain.from_iterable(by_row)), np.int64, len(counts))
    if not all(name and name.isprintable() and len(name) <= LONGEST_SITE for name in site_of):
        return None
    if len(site_of) > MOST_SITES:
        raise SourceError(f"{len(site_of):,} different sites; expected at most {MOST_SITES:,}: this is no errors file")
    lengths = _lengths(by_row)
    task, code = np.repeat(row_task, lengths), np.repeat(row_code, lengths)
    number = np.array(counts, np.int64)
    if NOT_REPORTED in codes:
        number[(code == codes.index(NOT_REPORTED)) & (number == 0)] = 1
    return _columns(paths, codes, tuple(site_of), task, code, site, number, workflows, rejected)


def _columns(
    paths: list[str], codes: list[int], sites: tuple[str, ...], task: Any, code: Any, site: Any, number: Any,
    workflows: list[str], rejected: tuple[Rejected, ...],
) -> ErrorColumns:  # fmt: skip
    """The columns without zeros, and without tasks that have none but zeros."""
    some = number > 0
    if not some.all():
        task, code, site, number = task[some], code[some], site[some], number[some]
    used = np.zeros(len(paths), bool)
    used[task] = True
    if not used.all():
        task = (np.cumsum(used) - 1)[task]
        paths = list(compress(paths, used.tolist()))
    unread = {r.workflow for r in rejected}
    return ErrorColumns(
        paths, codes, sites, task, code, site, number, rejected,
        workflows=[name for name in workflows if name not in unread] if unread else workflows,
    )  # fmt: skip


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
        raise SourceError(f"{len(codes):,} different exit codes; expected at most {MOST_CODES:,}: this is no errors file")
    return codes, code_of


def _lengths(objects: list[dict[str, Any]]) -> Any:
    return np.fromiter(map(len, objects), np.int64, len(objects))
