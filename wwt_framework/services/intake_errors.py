"""Counts of failed jobs that sources hand over, looked at before they become part of a cube."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np

from wwt_framework.cube import Array, ErrorColumns, workflow_of
from wwt_framework.errors import SourceError
from wwt_framework.model import NOT_REPORTED, ErrorCount, Errors, Rejected
from wwt_framework.services.cells import Cells
from wwt_framework.services.intake import (
    COUNT_LIMIT,
    INT32,
    NAME_LIMIT,
    name_trouble,
    path_trouble,
    printable,
    shown,
    time_told,
)

#: Tasks that are not counted: they only tidy up after others.
_TIDYING = ("LogCollect", "Cleanup")


@dataclass(frozen=True)
class Counted:
    """Errors as a source gave them: cells fit for the cube, and what could not be read."""

    cells: Cells
    rejected: tuple[Rejected, ...] = ()
    partial: Mapping[str, str] = field(default_factory=dict)  # workflow -> why its counts are lower bounds
    workflows: tuple[str, ...] = ()  # looked at and found without errors
    as_of: datetime | None = None  # None: of the moment of asking

    @property
    def unread(self) -> dict[str, str]:
        """The workflows of which something is missing, and the first reason."""
        return {r.workflow: f"{r.path}: {r.why}" for r in reversed(self.rejected) if r.workflow}


def counts_of(workflow: str, answer: Errors) -> list[ErrorCount]:
    """What ``fetch_errors`` gave. Raises SourceError when it is not of *workflow*, or has no shape."""
    for e in answer.counts:
        if not str(e.task).startswith(f"/{workflow}/"):
            raise SourceError(f"expected tasks of {workflow}, got {shown(e.task)}")
        if type(e.exit_code) is not int or type(e.count) is not int or not isinstance(e.site, str):
            raise SourceError(f"{printable(e.task)}: expected an exit code, a site and a count, got {shown(e)}")
        if not -INT32 < e.exit_code < INT32 or not -INT32 < e.count <= COUNT_LIMIT:
            raise SourceError(f"{printable(e.task)}: expected an exit code and a count in bounds, got {shown(e)}")
    return list(answer.counts)


def counted(answer: ErrorColumns) -> Counted:
    """What ``load_errors`` gave, checked, with the rules of counting applied.

    Tidying tasks are left out, a NOT_REPORTED cell counts at least one job, cells without failed jobs are left out.
    Raises SourceError when the columns do not fit together.
    """
    rejected = list(answer.rejected)
    given = _fitting(answer)
    readable = _readable_tasks(given.tasks, rejected)
    wanted = readable & _counted_tasks(given.tasks, readable)
    sites = _readable_sites(given, readable, rejected)
    not_reported = (given.codes == NOT_REPORTED)[given.code]
    count = np.where(not_reported, np.maximum(given.count, 1), given.count)
    keep = wanted[given.task] & sites[given.site]
    broken = keep & ((count < 0) | (count > COUNT_LIMIT))
    for i in np.flatnonzero(broken).tolist():
        task = given.tasks[given.task[i]]
        path = f"{task} > {given.codes[given.code[i]]} > {given.sites[given.site[i]]}"
        why = f"expected 0 to {COUNT_LIMIT} failed jobs, got {count[i]}"
        rejected.append(Rejected(printable(path), why, workflow_of(task)))
    cells = replace(given, count=count).where(keep & ~broken & (count > 0)).of_tasks(wanted)
    partial = {w: str(why) for w, why in answer.partial.items() if not path_trouble(f"/{w}/task")}
    named = tuple(answer.workflows)
    if not _all_paths([f"/{w}/task" for w in named]):
        named = tuple(w for w in named if not path_trouble(f"/{w}/task"))
    return Counted(cells, tuple(rejected), partial, named, time_told(answer.as_of))


def _fitting(answer: ErrorColumns) -> Cells:
    task, code, site, count = (_integers(getattr(answer, name), name) for name in ("task", "code", "site", "count"))
    if not len(task) == len(code) == len(site) == len(count):
        lengths = f"{len(task)}, {len(code)}, {len(site)} and {len(count)}"
        raise SourceError(f"expected columns task, code, site and count of one length, got {lengths}")
    codes = _integers(answer.codes, "codes")
    if len(codes) and not -INT32 < int(codes.min()) <= int(codes.max()) < INT32:
        raise SourceError(f"codes: expected exit codes of 32 bits, got {codes.min()} to {codes.max()}")
    for column, words, name in ((task, answer.tasks, "task"), (code, codes, "code"), (site, answer.sites, "site")):
        if len(column) and not 0 <= int(column.min()) <= int(column.max()) < len(words):
            got = f"{column.min()} to {column.max()}"
            raise SourceError(f"{name}: expected indices from 0 to {len(words) - 1}, got {got}")
    task, code, site = (column.astype(np.int32, copy=False) for column in (task, code, site))
    return Cells(tuple(answer.tasks), codes, tuple(answer.sites), task, code, site, count)


def _integers(column: Any, name: str) -> Array:
    try:
        array: Array = np.asarray(column)
    except (ValueError, TypeError, OverflowError) as err:
        raise SourceError(f"{name}: expected a column of integers ({err})") from None
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise SourceError(f"{name}: expected a column of integers, got {array.dtype} in {array.ndim} dimensions")
    if array.dtype.kind == "u" and array.size and int(array.max()) >= 2**63:
        raise SourceError(f"{name}: expected integers of 63 bits, got {array.max()}")
    return array.astype(np.int64, copy=False)


def _readable_tasks(tasks: Sequence[Any], rejected: list[Rejected]) -> Array:
    """A mask of the tasks that are paths; the others are added to *rejected*."""
    readable = np.ones(len(tasks), bool)
    if _all_paths(tasks):
        return readable
    for i, task in enumerate(tasks):
        if why := path_trouble(task):
            readable[i] = False
            rejected.append(Rejected(printable(task), why, _owner(task)))
    return readable


def _all_paths(tasks: Sequence[Any]) -> bool:
    """The quick look at all of them: the usual answer is without fault."""
    try:
        if not "".join(tasks).isprintable() or max(map(len, tasks), default=0) > NAME_LIMIT:
            return False
        for task in tasks:
            root, workflow, path = task.split("/", 2)
            if root or not workflow or not path:
                return False
    except (TypeError, ValueError):
        return False
    return True


def _owner(task: Any) -> str:
    parts = task.split("/", 2) if isinstance(task, str) else []
    return parts[1] if len(parts) == 3 and not parts[0] and not name_trouble(parts[1]) else ""


def _counted_tasks(tasks: Sequence[Any], readable: Array) -> Array:
    if readable.all() and not any(word in "\n".join(tasks) for word in _TIDYING):
        return readable
    below = (task.split("/", 2)[2] if ok else "" for task, ok in zip(tasks, readable.tolist(), strict=True))
    return np.fromiter((not any(word in path for word in _TIDYING) for path in below), bool, len(tasks))


def _readable_sites(given: Cells, readable_tasks: Array, rejected: list[Rejected]) -> Array:
    """A mask of the sites that are names; workflows with errors at another one are added to *rejected*."""
    troubles = [_site_trouble(site) for site in given.sites]
    readable = np.array([not trouble for trouble in troubles], bool)
    for at in np.flatnonzero(~readable).tolist():
        tasks = np.unique(given.task[given.site == at]).tolist()
        for owner in sorted({workflow_of(given.tasks[i]) for i in tasks if readable_tasks[i]}):
            path = f"{owner} > {printable(given.sites[at])}"
            rejected.append(Rejected(path, troubles[at], owner))
    return readable


def _site_trouble(site: Any) -> str:
    if not isinstance(site, str):
        return f"expected the name of a site, got {shown(site)}"
    return "" if site == "" else name_trouble(site)
