"""One look at the grid, as the history takes it in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

import numpy as np

from wwt_framework.cube import Array, ErrorColumns, ErrorCube, owners_of
from wwt_framework.model import Readiness, SiteStatus
from wwt_framework.services.history.packing import CELL, PRODUCTION, READINESS, SITE_DAY, readiness_codes
from wwt_framework.snapshot import PARTIAL, UNKNOWN, UNKNOWN_TIME, Snapshot

KEY_BYTES = 16


def key_of(name: str) -> bytes:
    """By what a workflow is found."""
    return blake2b(name.encode(), digest_size=KEY_BYTES).digest()


@dataclass(frozen=True, eq=False)
class Look:
    """What fails at one time, and how the sites were. Row *i* of ``at``, ``partial``, ``unknown``: workflow *i*.

    ``whole``: it is all that fails, so that it can stand for its day.
    """

    cube: ErrorCube
    taken_at: int  # seconds
    at: Array  # int64, seconds: of when its failed jobs are
    partial: Array  # bool: they are lower bounds
    unknown: Array  # bool: nobody could tell them
    statuses: Mapping[str, SiteStatus]
    whole: bool = True

    @classmethod
    def of_snapshot(cls, snapshot: Snapshot) -> Look:
        """The look that *snapshot* is. What a source calls later than the snapshot is of the same time as it."""
        taken = int(snapshot.taken_at.timestamp())
        told = np.minimum(np.asarray(snapshot.errors_at), taken)
        at = np.where(told == UNKNOWN_TIME, taken, told)
        state = np.asarray(snapshot.errors_state)
        return cls(snapshot.cube, taken, at, state == PARTIAL, state == UNKNOWN, snapshot.sites)

    @classmethod
    def of_columns(
        cls, errors: ErrorColumns, when: datetime, statuses: Mapping[str, SiteStatus], *, whole: bool
    ) -> Look:
        """The look that a file is; *when*: of when it is, where it does not say so itself."""
        cube = ErrorCube.build(errors.workflows, errors)
        at = int((errors.as_of or when).timestamp())
        n = len(cube.workflows)
        partial = np.fromiter((name in errors.partial for name in cube.workflows), bool, n)
        return cls(cube, at, np.full(n, at), partial, np.zeros(n, bool), statuses, whole)

    def site_ready(self) -> Array:
        """uint8, place in READINESS, of each site of the cube; that of one whose status nobody told is unknown."""
        found = (self.statuses.get(site) for site in self.cube.sites)
        return readiness_codes(status.readiness if status else Readiness.NONE for status in found)

    def site_days(self, numbers: Mapping[str, int]) -> Array:
        """A row for each site whose status is known, SITE_DAY."""
        place = {word: i for i, word in enumerate(PRODUCTION)}
        last = len(PRODUCTION) - 1
        rows = [
            (numbers[name], READINESS.index(one.readiness), place.get(one.production, last))
            for name, one in self.statuses.items()
        ]
        return np.array(rows, SITE_DAY)


@dataclass(frozen=True, eq=False)
class Part:
    """Some neighbouring workflows of a look, with their cells as rows. ``bounds``: where each one's cells begin."""

    names: list[str]
    at: list[int]
    partial: list[bool]
    keys: list[bytes]
    tasks: list[str]  # one to a line, without the workflow
    cells: Array  # CELL; task is an index into the tasks of the workflow
    bounds: list[int]  # (len(names) + 1,)
    jobs: list[int]
    digests: list[bytes]

    def cells_of(self, i: int) -> Array:
        return self.cells[self.bounds[i] : self.bounds[i + 1]]


def parts(look: Look, site_number: Callable[[str], int], cells: int) -> Iterator[Part]:
    """All workflows whose failed jobs somebody told, in parts of about *cells* cells."""
    numbers = np.fromiter((site_number(name) for name in look.cube.sites), np.uint32, len(look.cube.sites))
    ready = look.site_ready()
    begin, n = 0, len(look.cube.workflows)
    while begin < n:
        upto = int(look.cube.workflow_cells[begin]) + cells
        end = max(begin + 1, int(np.searchsorted(look.cube.workflow_cells, upto)))
        end = min(end, n, begin + cells)
        yield _part(look, numbers, ready, begin, end)
        begin = end


def _part(look: Look, numbers: Array, ready: Array, begin: int, end: int) -> Part:
    cube = look.cube
    known = np.flatnonzero(~look.unknown[begin:end]) + begin
    span = slice(int(cube.workflow_cells[begin]), int(cube.workflow_cells[end]))
    owner = cube.cell_workflow[span]
    keep = ~look.unknown[owner]
    owner, chosen = owner[keep], np.arange(span.start, span.stop)[keep]
    rows = np.zeros(len(chosen), CELL)
    rows["task"] = cube.cell_task[chosen] - cube.workflow_tasks[owner]
    rows["code"] = cube.codes[cube.cell_code[chosen]]
    rows["site"] = numbers[cube.cell_site[chosen]]
    rows["ready"] = ready[cube.cell_site[chosen]]
    rows["count"] = cube.cell_count[chosen]
    rows["first"] = rows["last"] = look.at[owner]
    names = cube.workflows.take(known)
    bounds = np.searchsorted(owner, np.append(known, end)).tolist()
    partial = look.partial[known].tolist()
    tasks = _tasks(cube, known)
    same = np.zeros(len(rows), _SAME)
    for name in _SAME.names or ():
        same[name] = rows[name]
    return Part(
        names, look.at[known].tolist(), partial, [key_of(name) for name in names], tasks, rows, bounds,
        cube.workflow_total[known].tolist(), _digests(tasks, same, bounds, partial),
    )  # fmt: skip


#: What makes two looks at a workflow the same.
_SAME = np.dtype([("task", "<u4"), ("code", "<i4"), ("site", "<u4"), ("count", "<i8")])


def _tasks(cube: ErrorCube, workflows: Array) -> list[str]:
    """The tasks of each of *workflows*, one to a line, without the workflow."""
    found = []
    for i in workflows.tolist():
        mine = cube.tasks_of(i)
        paths = cube.tasks[mine.start : mine.stop]
        cut = len(owners_of(paths[:1])[0]) + 2 if paths else 0
        found.append("\n".join([path[cut:] for path in paths]))
    return found


def _digests(tasks: list[str], same: Array, bounds: list[int], partial: list[bool]) -> list[bytes]:
    data = memoryview(same.tobytes())
    size = _SAME.itemsize
    found = []
    for i, text in enumerate(tasks):
        digest = blake2b(data[bounds[i] * size : bounds[i + 1] * size], digest_size=KEY_BYTES)
        digest.update(b"\1" if partial[i] else b"\0")
        digest.update(text.encode())
        found.append(digest.digest())
    return found
