"""Cells of the errors cube on their way through a refresh: columns over vocabularies, checked, of one source or of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from wwt_framework.cube import Array, ErrorColumns, owners_of


def no_indices() -> Array:
    """An empty column of indices."""
    return np.zeros(0, np.int32)


def no_numbers() -> Array:
    """An empty column of numbers."""
    return np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class Cells:
    """``task``, ``code``, ``site``, ``count``: equally long, one row per cell; the first three index the vocabularies."""

    tasks: tuple[str, ...] = ()  # paths
    codes: Array = field(default_factory=no_numbers)
    sites: tuple[str, ...] = ()
    task: Array = field(default_factory=no_indices)
    code: Array = field(default_factory=no_indices)
    site: Array = field(default_factory=no_indices)
    count: Array = field(default_factory=no_numbers)  # failed jobs, > 0

    def __len__(self) -> int:
        return len(self.count)

    @cached_property
    def owners(self) -> list[str]:
        """The workflow of each task."""
        return owners_of(self.tasks)

    def columns(self) -> ErrorColumns:
        """The same for ``ErrorCube.build``; tasks without a cell are left out."""
        cells = self.pruned()
        return ErrorColumns(
            tasks=cells.tasks, codes=cells.codes.tolist(), sites=cells.sites,
            task=cells.task, code=cells.code, site=cells.site, count=cells.count,
        )  # fmt: skip

    def pruned(self) -> Cells:
        """The same over the tasks that have a cell."""
        used = np.zeros(len(self.tasks), bool)
        used[self.task] = True
        return self.of_tasks(used)

    def of_tasks(self, wanted: Array) -> Cells:
        """The tasks where *wanted* (a mask over tasks) is true, with their cells."""
        if wanted.all():
            return self
        rows = wanted[self.task]
        rank = np.cumsum(wanted, dtype=np.int32) - np.int32(1)
        return Cells(
            tuple(self.tasks[i] for i in np.flatnonzero(wanted).tolist()), self.codes, self.sites,
            rank[self.task[rows]], self.code[rows], self.site[rows], self.count[rows],
        )  # fmt: skip

    def where(self, rows: Array) -> Cells:
        """The cells where *rows* (a mask over cells) is true; the vocabularies stay."""
        if rows.all():
            return self
        return Cells(
            self.tasks, self.codes, self.sites, self.task[rows], self.code[rows], self.site[rows], self.count[rows]
        )


def stacked(parts: Sequence[Cells]) -> Cells:
    """All cells of *parts*, one part after the other, over common vocabularies."""
    parts = [part for part in parts if part.tasks]
    if len(parts) < 2:
        return parts[0] if parts else Cells()
    tasks: dict[str, int] = {}
    codes: dict[int, int] = {}
    sites: dict[str, int] = {}
    rows: list[tuple[Array, Array, Array]] = []
    for part in parts:
        task = np.fromiter((tasks.setdefault(t, len(tasks)) for t in part.tasks), np.int32, len(part.tasks))
        code = np.fromiter((codes.setdefault(c, len(codes)) for c in part.codes.tolist()), np.int32, len(part.codes))
        site = np.fromiter((sites.setdefault(s, len(sites)) for s in part.sites), np.int32, len(part.sites))
        rows.append((task[part.task], code[part.code], site[part.site]))
    return Cells(
        tuple(tasks), np.array(list(codes), np.int64), tuple(sites),
        np.concatenate([row[0] for row in rows]), np.concatenate([row[1] for row in rows]),
        np.concatenate([row[2] for row in rows]), np.concatenate([part.count for part in parts]),
    )  # fmt: skip
