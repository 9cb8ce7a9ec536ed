"""The world at one time, as a folder: mapped columns for everything big, read-only SQLite for the rest.

A folder is written once by the refresh, published as a whole, and never changed.
Opening one is a matter of milliseconds at any size; cases are made on demand.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from wwt_framework.cube import Array, ErrorColumns, ErrorCube, Names
from wwt_framework.errors import WwtError
from wwt_framework.model import (
    Case,
    ExitCode,
    Known,
    LogExcerpt,
    Recovery,
    SiteStatus,
    SourceReport,
    Workflow,
)
from wwt_framework.snapshot_columns import map_columns, write_columns
from wwt_framework.snapshot_detail import Detail, write_detail
from wwt_framework.snapshot_meta import Meta, read_meta, write_meta
from wwt_framework.snapshot_templates import LogTemplates, Miner, mine_texts, nobody

T = TypeVar("T")

#: A time that no source told, in columns of seconds.
UNKNOWN_TIME = int(np.iinfo(np.int64).min)
#: The prep id of a workflow that has none, as in the original.
NO_PREP_ID = "NoPrepID"

#: ``errors_state``: how far the counts of a workflow can be trusted.
OK, OLD, PARTIAL, UNKNOWN = range(4)
STATE_WORDS = ("ok", "old", "partial", "unknown")


@dataclass
class SnapshotParts:
    """What a refresh hands over to be written."""

    version: str  # sorts by time, fit for a folder name
    taken_at: datetime
    workflows: Sequence[Workflow] = ()  # each name once, any order
    errors: ErrorColumns = field(default_factory=ErrorColumns)
    errors_state: Mapping[str, int] = field(default_factory=dict)  # workflow -> OK..UNKNOWN; missing: OK
    errors_at: Mapping[str, datetime] = field(default_factory=dict)  # missing: taken_at
    known: Iterable[tuple[str, Known]] = ()  # what is to be said of a workflow beyond its errors_state
    logs: Iterable[tuple[str, LogExcerpt]] = ()
    recoveries: Iterable[tuple[str, Recovery]] = ()
    sites: Sequence[SiteStatus] = ()
    exit_codes: Sequence[ExitCode] = ()
    sources: Sequence[SourceReport] = ()


_COLUMNS = (
    "workflow_prep", "workflow_campaign", "workflow_type", "workflow_status",
    "requested_at", "priority", "errors_state", "errors_at",
)  # fmt: skip
_TASKS = ("task_type",)
_TEMPLATES = ("template_workflow", "template_index", "template_count")


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One snapshot, open for reading from any thread. Row *i* of every column is ``cube.workflows[i]``."""

    version: str
    taken_at: datetime
    folder: Path | None
    cube: ErrorCube
    preps: Names  # sorted
    campaigns: tuple[str, ...]  # sorted; "" is unknown
    types: tuple[str, ...]
    statuses: tuple[str, ...]
    task_types: tuple[str, ...]  # of tasks with errors, sorted; "" is unknown
    columns: Mapping[str, Array]
    sources: tuple[SourceReport, ...]
    exit_codes: Mapping[int, ExitCode]
    sites: Mapping[str, SiteStatus]
    detail: Detail | None
    _memo: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @classmethod
    def empty(cls) -> Snapshot:
        """The snapshot of a house that has not looked at anything yet."""
        none = np.zeros(0, np.int64)
        return cls(
            "none", datetime.fromtimestamp(0, timezone.utc), None, ErrorCube.build((), ErrorColumns()), Names.of(()),
            (), (), (), (), dict.fromkeys((*_COLUMNS, *_TASKS, *_TEMPLATES), none), (), {}, {}, None,
        )  # fmt: skip

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever taken."""
        return self.version == "none"

    # -- columns --

    @property
    def workflow_prep(self) -> Array:
        """int32, index into ``preps``."""
        return self.columns["workflow_prep"]

    @property
    def workflow_campaign(self) -> Array:
        """int32, index into ``campaigns``."""
        return self.columns["workflow_campaign"]

    @property
    def workflow_type(self) -> Array:
        """int32, index into ``types``."""
        return self.columns["workflow_type"]

    @property
    def workflow_status(self) -> Array:
        """int32, index into ``statuses``."""
        return self.columns["workflow_status"]

    @property
    def task_type(self) -> Array:
        """int32, index into ``task_types``, of each of ``cube.tasks``."""
        return self.columns["task_type"]

    @property
    def requested_at(self) -> Array:
        """int64, seconds since 1970 UTC; UNKNOWN_TIME where no source told."""
        return self.columns["requested_at"]

    @property
    def priority(self) -> Array:
        """int64; -1 where no source told."""
        return self.columns["priority"]

    @property
    def errors_state(self) -> Array:
        """uint8: OK, OLD, PARTIAL (lower bounds) or UNKNOWN."""
        return self.columns["errors_state"]

    @property
    def errors_at(self) -> Array:
        """int64, seconds: of when the counts are."""
        return self.columns["errors_at"]

    @cached_property
    def _by_prep(self) -> tuple[Array, Array]:
        order = np.lexsort((self.requested_at, self.workflow_prep))
        return order, np.searchsorted(self.workflow_prep[order], np.arange(len(self.preps) + 1))

    def prep_workflows(self, prep: int) -> Array:
        """The workflows of a prep id, by index, oldest first."""
        order, start = self._by_prep
        return order[start[prep] : start[prep + 1]]

    def remember(self, key: Hashable, make: Callable[[], T]) -> T:
        """``make()``, kept for as long as this snapshot lives: for what many pages need."""
        with self._lock:
            if key not in self._memo:
                self._memo[key] = make()
            found: T = self._memo[key]
            return found

    # -- one workflow --

    def workflow_names(self) -> Names:
        """All workflows, sorted."""
        return self.cube.workflows

    def workflow(self, name: str) -> Workflow | None:
        """Everything the sources told about *name*; None when it is not in the snapshot."""
        index = self.cube.workflows.find(name)
        if index < 0:
            return None
        told = self.detail.workflow(index) if self.detail else None
        return told or self.workflow_at(index)

    def workflow_at(self, index: int) -> Workflow:
        """The workflow at *index*, without parameters and tasks."""
        prep = self.preps[int(self.workflow_prep[index])]
        seconds, priority = int(self.requested_at[index]), int(self.priority[index])
        return Workflow(
            name=self.cube.workflows[index],
            prep_id="" if prep == NO_PREP_ID else prep,
            campaign=self.campaigns[self.workflow_campaign[index]],
            request_type=self.types[self.workflow_type[index]],
            status=self.statuses[self.workflow_status[index]],
            priority=None if priority < 0 else priority,
            requested_at=None if seconds == UNKNOWN_TIME else datetime.fromtimestamp(seconds, timezone.utc),
        )

    def status(self, workflow: str) -> str:
        """ReqMgr2 status of *workflow*; "" where it is not known, or the workflow is not here."""
        index = self.cube.workflows.find(workflow)
        return self.statuses[self.workflow_status[index]] if index >= 0 else ""

    def waiting(self, assistance: str) -> list[str]:
        """The workflows of which Unified says just *assistance*, sorted."""
        return [self.cube.workflows[i] for i in self.detail.waiting(assistance)] if self.detail else []

    def site_statuses(self) -> Mapping[str, SiteStatus]:
        """Site -> status, of the sites that a source told about."""
        return self.sites

    def exit_code_totals(self) -> Mapping[int, tuple[int, int]]:
        """Exit code -> failed jobs, and workflows that have some."""
        return self.remember(("snapshot", "exit code totals"), self._exit_code_totals)

    def _exit_code_totals(self) -> Mapping[int, tuple[int, int]]:
        cube = self.cube
        n = len(cube.codes)
        jobs = np.bincount(cube.cell_code, cube.cell_count, n).astype(np.int64)
        pairs = np.unique(cube.cell_workflow.astype(np.int64) * n + cube.cell_code)  # each workflow once for a code
        workflows = np.bincount(pairs % n, minlength=n) if n else pairs
        return {int(code): (int(jobs[i]), int(workflows[i])) for i, code in enumerate(cube.codes)}

    def logs(self, workflow: str, exit_code: int | None = None, task: str | None = None) -> list[LogExcerpt]:
        """What failed jobs of *workflow* said, by task, exit code and site."""
        index = self.cube.workflows.find(workflow)
        return self.detail.logs(index, exit_code, task) if self.detail and index >= 0 else []

    def log_codes(self, workflow: str) -> set[int]:
        """The exit codes of *workflow* that have an excerpt."""
        index = self.cube.workflows.find(workflow)
        return self.detail.log_codes(index) if self.detail and index >= 0 else set()

    def global_logs(self, exit_code: int, limit: int = 200, site: str = "") -> list[LogExcerpt]:
        """What failed jobs of any workflow said, the texts that most jobs share first. *site*: only there."""
        return self.detail.global_logs(exit_code, limit, site) if self.detail else []

    def count_global_logs(self, exit_code: int, site: str = "") -> int:
        """How many excerpts there are of *exit_code*, of all workflows."""
        return self.detail.count_global_logs(exit_code, site) if self.detail else 0

    def log_templates(self) -> LogTemplates:
        """Message templates of all logs, with the jobs of each workflow that said them."""
        return self.remember(("snapshot", "log templates"), self._log_templates)

    def _log_templates(self) -> LogTemplates:
        if self.detail is None:
            return LogTemplates.none()
        texts = self.detail.templates()
        return LogTemplates(tuple(texts), texts, *(self.columns[name] for name in _TEMPLATES))

    def samples(self, axis: str, name: str) -> tuple[tuple[str, int], ...]:
        """The commonest messages of a "code" or "site", with the jobs that said them; () where nobody told."""
        found = self.remember(("snapshot", "samples"), lambda: self.detail.samples() if self.detail else {})
        return tuple(found.get((axis, name), ()))

    def recoveries(self, workflow: str) -> list[Recovery]:
        """What an ACDC of *workflow* would rerun."""
        index = self.cube.workflows.find(workflow)
        return self.detail.recoveries(index) if self.detail and index >= 0 else []

    def known(self, workflow: str) -> dict[str, Known]:
        """Kind of knowledge -> how far it can be trusted; errors always, other kinds where a source was asked."""
        index = self.cube.workflows.find(workflow)
        if index < 0:
            return {}
        found = self.detail.known(index) if self.detail else {}
        if "errors" not in found:
            at = int(self.errors_at[index])
            when = None if at == UNKNOWN_TIME else datetime.fromtimestamp(at, timezone.utc)
            found["errors"] = Known("errors", "", STATE_WORDS[int(self.errors_state[index])], when)
        return found

    def family(self, workflow: str) -> tuple[Workflow, ...]:
        """The other workflows of the same prep id, oldest first; none for a workflow without prep id."""
        index = self.cube.workflows.find(workflow)
        if index < 0 or self.preps[int(self.workflow_prep[index])] == NO_PREP_ID:
            return ()
        members = self.prep_workflows(int(self.workflow_prep[index])).tolist()
        return tuple(self.workflow_at(i) for i in members if i != index)

    def case(self, workflow: str) -> Case | None:
        """All that is known about *workflow*; None when it is not in the snapshot."""
        index = self.cube.workflows.find(workflow)
        told = self.workflow(workflow)
        if told is None:
            return None
        return Case(
            told, self.cube.table(index), tuple(self.logs(workflow)), tuple(self.recoveries(workflow)),
            self.sites, self.family(workflow), self.known(workflow),
        )  # fmt: skip


# -- writing and opening ------------------------------------------------------


def _seconds(when: datetime | None) -> int:
    return UNKNOWN_TIME if when is None else int(when.timestamp())


def _vocabulary(values: Iterable[str]) -> tuple[list[str], Array]:
    texts = list(values)
    words = sorted(set(texts))
    position = {word: i for i, word in enumerate(words)}
    return words, np.fromiter(map(position.__getitem__, texts), np.int32, len(texts))


def write(folder: Path, parts: SnapshotParts, mine: Miner = nobody) -> None:
    """Write a snapshot into the empty *folder*. Publishing it is the caller's business.

    *mine* tells the message templates of its logs.
    """
    given = {w.name: w for w in parts.workflows}
    cube = ErrorCube.build(given, parts.errors)
    names = list(cube.workflows)
    workflows = [given.get(name) or Workflow(name) for name in names]
    taken = _seconds(parts.taken_at)
    preps, workflow_prep = _vocabulary(w.prep_id or NO_PREP_ID for w in workflows)
    campaigns, workflow_campaign = _vocabulary(w.campaign for w in workflows)
    types, workflow_type = _vocabulary(w.request_type for w in workflows)
    statuses, workflow_status = _vocabulary(w.status for w in workflows)
    kinds = {task.path: task.task_type for w in workflows for task in w.tasks}
    task_types, task_type = _vocabulary(kinds.get(path, "") for path in cube.tasks)
    n = len(names)
    columns = {
        "workflow_prep": workflow_prep,
        "workflow_campaign": workflow_campaign,
        "workflow_type": workflow_type,
        "workflow_status": workflow_status,
        "task_type": task_type,
        "requested_at": np.fromiter((_seconds(w.requested_at) for w in workflows), np.int64, n),
        "priority": np.fromiter((-1 if w.priority is None else w.priority for w in workflows), np.int64, n),
        "errors_state": np.fromiter((parts.errors_state.get(name, OK) for name in names), np.uint8, n),
        "errors_at": np.fromiter(
            (_seconds(parts.errors_at[name]) if name in parts.errors_at else taken for name in names), np.int64, n
        ),
    }
    write_detail(folder / "detail.db", workflows, parts.logs, parts.recoveries, parts.known)
    columns |= mine_texts(folder / "detail.db", mine)
    columns |= {**Names.of(preps).arrays("preps"), **Names.of(task_types).arrays("task_types")}
    write_columns(folder / "columns.bin", {**cube.arrays(), **columns})
    meta = Meta(
        parts.version, parts.taken_at, tuple(campaigns), tuple(types), tuple(statuses), tuple(parts.sources),
        {code.code: code for code in parts.exit_codes}, {status.site: status for status in parts.sites},
    )  # fmt: skip
    write_meta(folder / "meta.json", meta)


def open_snapshot(folder: Path) -> Snapshot:
    """Open the snapshot in *folder*. Raises `WwtError` when it is not whole."""
    try:
        meta = read_meta(folder / "meta.json")
        arrays = map_columns(folder / "columns.bin")
        cube = ErrorCube.of_arrays(arrays)
        columns = {name: arrays[name] for name in (*_COLUMNS, *_TASKS, *_TEMPLATES)}
        preps, task_types = Names.of_arrays(arrays, "preps"), Names.of_arrays(arrays, "task_types")
        detail = Detail(folder / "detail.db")
    except (OSError, ValueError, KeyError, TypeError, EOFError, sqlite3.Error) as err:
        raise WwtError(
            f"{folder}: this snapshot is not whole ({type(err).__name__}: {err}); run `wwt refresh`"
        ) from err
    lengths = {**dict.fromkeys(_COLUMNS, len(cube.workflows)), "task_type": len(cube.tasks)}
    short = [name for name, rows in lengths.items() if len(columns[name]) != rows]
    if short:
        raise WwtError(f"{folder}: this snapshot is not whole: {short[0]} has too few rows; run `wwt refresh`")
    return Snapshot(
        meta.version, meta.taken_at, folder, cube, preps, meta.campaigns, meta.types, meta.statuses,
        tuple(task_types), columns, meta.sources, meta.exit_codes, meta.sites, detail,
    )  # fmt: skip
