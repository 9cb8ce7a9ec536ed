"""What a task can be told by: its exit codes and sites, what it is, what its logs say, and how its workflow fails."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import lru_cache

from wwt_framework.model import NOT_REPORTED, Case, LogExcerpt

#: Feature name -> value; every value is between 0 and about 2, so that none weighs more by its unit.
Features = dict[str, float]

_WORD = re.compile(r"[A-Za-z_]{3,}")
#: Lines of a text that are looked at, and words of a line.
_LINES, _WORDS = 6, 8
#: What was seen is remembered: most texts come again and again.
_REMEMBERED = 20_000


def features_of(case: Case) -> list[tuple[str, Features]]:
    """The features of each task of *case* that has failed jobs, by path."""
    tasks = case.errors.tasks
    codes = {task: Counter[int]() for task in tasks}
    sites: dict[str, dict[int, set[str]]] = {task: defaultdict(set) for task in tasks}
    unusable: Counter[str] = Counter()
    for cell in case.errors:
        codes[cell.task][cell.exit_code] += cell.count
        sites[cell.task][cell.exit_code].add(cell.site)
        status = case.sites.get(cell.site)
        if status is not None and not status.usable and cell.exit_code != NOT_REPORTED:
            unusable[cell.task] += cell.count
    types = {task.path: task.task_type or "unknown" for task in case.workflow.tasks}
    said = _said(case)
    found = []
    for task in tasks:
        own = _own(task, types.get(task, "unknown"), codes[task], sites[task], unusable[task])
        own.update((f"log:{word}", 1.0) for word in said[task])
        own[f"request:{case.workflow.request_type or 'unknown'}"] = 1.0
        own[f"campaign:{case.workflow.campaign or 'unknown'}"] = 0.3
        own["tasks"] = len(tasks) / 3
        for other in tasks:
            if other != task:
                own[f"beside type:{types.get(other, 'unknown')}"] = 1.0
                own.update((f"beside code:{code}", 1.0) for code in codes[other])
                own.update((f"beside log:{word}", 0.5) for word in said[other])
        found.append((task, own))
    return found


def _own(task: str, kind: str, codes: Mapping[int, int], sites: Mapping[int, set[str]], unusable: int) -> Features:
    """Features of one task by itself."""
    told = {code: count for code, count in codes.items() if code != NOT_REPORTED}
    total = sum(told.values())
    where = {site for code, names in sites.items() if code != NOT_REPORTED for site in names}
    own: Features = {
        f"type:{kind}": 1.0,
        "depth": task.count("/") / 5,
        "failed jobs": math.log1p(total) / 5,
        "sites": math.log1p(len(where)),
        "exit codes": math.log1p(len(told)),
        "not reported": math.log1p(codes.get(NOT_REPORTED, 0)) / 5,
        "at closed sites": unusable / total if total else 0.0,
    }
    for code, count in told.items():
        own[f"code:{code}"] = 1.0
        own[f"code:{code} in {kind}"] = 1.0
        own[f"jobs:{code}"] = math.log1p(count) / 5
        own[f"share:{code}"] = count / total
        own[f"spread:{code}"] = math.log1p(len(sites[code])) / 3
    own.update((f"site:{site}", 0.3) for site in where)
    return own


def _said(case: Case) -> dict[str, set[str]]:
    """Task -> types of errors, and beginnings of lines without numbers, of its logs."""
    said: dict[str, set[str]] = defaultdict(set)
    for log in case.logs:
        said[log.task] |= _words_of(log)
    return said


def _words_of(log: LogExcerpt) -> set[str]:
    return {*_lines(log.text[:600]), f"{log.error_type[:60]} of {log.exit_code}"}


@lru_cache(maxsize=_REMEMBERED)
def _lines(text: str) -> frozenset[str]:
    lines = (" ".join(_WORD.findall(line)[:_WORDS]) for line in text.split("\n")[:_LINES])
    return frozenset(line[:80] for line in lines if " " in line)


#: Kinds of features that tell of one exit code, and are left out together.
_OF_CODE = frozenset({"code", "jobs", "share", "spread"})
_WORDS_OF = {
    "site": "fails at {}", "type": "a task of type {}", "log": "logs say “{}”", "request": "request type {}",
    "campaign": "campaign {}", "beside code": "another task has {}", "beside type": "a task of type {} fails, too",
    "beside log": "logs of another task say “{}”", "good": "{} at a ready site", "bad": "{} at a site that is not ready",
}  # fmt: skip
_PLAIN = {"tasks": "how many tasks fail", "depth": "where it is in the tree of tasks", "sites": "how many sites fail",
          "exit codes": "how many exit codes there are", "failed jobs": "how many jobs failed",
          "not reported": "jobs that were not reported"}  # fmt: skip


def reason_of(name: str) -> str:
    """What a feature is about, in an operator's words; several features may be about the same."""
    kind, colon, what = name.partition(":")
    if not colon:
        return _PLAIN.get(kind, kind)
    if kind in _OF_CODE:
        return f"exit code {what.partition(' ')[0]}"
    return _WORDS_OF.get(kind, "{}").format(what)
