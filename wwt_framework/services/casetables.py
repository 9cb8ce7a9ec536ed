"""The failed jobs of one workflow as tables: one for each task, exit codes by sites, without empty lines."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote

from wwt_framework.model import NOT_REPORTED, Case, ErrorCount, ExitCode, SiteStatus
from wwt_framework.services.overview_words import site_words

#: In which order rows and columns stand: the largest first, or by name.
ORDERS = ("errors", "name")
#: Steps of the heat of a cell.
HEATS = 5


@dataclass(frozen=True)
class SiteHead:
    """A site as a column of one task's table."""

    site: str
    colour: str  # readiness: green, yellow, red, none
    readiness: str  # the same in words
    production: str  # enabled, drain, ...
    total: int  # failed jobs of the task there
    since: datetime | None = None  # of its status

    @property
    def quoted(self) -> str:
        """The name, fit for an address."""
        return quoted(self.site)

    @property
    def status(self) -> str:
        """Readiness and production status in words; readiness alone where production is as usual."""
        if self.production in ("enabled", self.readiness):
            return self.readiness
        return f"{self.readiness}, {self.production}"


@dataclass(frozen=True)
class CodeRow:
    """One exit code of one task."""

    code: int
    label: str  # the number, or "not reported"
    short: str  # its meaning in five words; "" when nobody told
    total: int
    cells: tuple[int, ...]  # as the sites of the table; 0: none there
    heats: tuple[int, ...]  # the same on a logarithmic scale of the table, 1 to HEATS; 0: none there


class Share(NamedTuple):
    """What part of its code and of its site one cell of a task holds, percent; 0: too little to be marked, or all."""

    of_code: int
    of_site: int


NO_SHARE = Share(0, 0)
#: A share is marked from this percentage on, of cells with so many jobs: it tells whether a code or a site is the trouble.
_SHARE_FROM, _SHARE_JOBS = 50, 5


@dataclass(frozen=True)
class TaskTable:
    """Failed jobs of one task: rows are exit codes, columns are sites, and none of them is empty."""

    task: str  # full path
    short: str
    anchor: str  # of its place on the page; quoted, fit for an address and an id
    task_type: str  # Production, Merge, ...; "" when no source told
    splitting: str
    total: int
    sites: tuple[SiteHead, ...]
    rows: tuple[CodeRow, ...]

    def cells_of(self, row: CodeRow) -> Iterator[tuple[SiteHead, int, int, Share]]:
        """Site, failed jobs, heat and share of each cell of *row*."""
        shares = (self._share(row, head, count) for head, count in zip(self.sites, row.cells, strict=True))
        return zip(self.sites, row.cells, row.heats, shares, strict=True)

    def _share(self, row: CodeRow, head: SiteHead, count: int) -> Share:
        if count < _SHARE_JOBS:
            return NO_SHARE
        up = 100 * count // row.total if count < row.total else 0
        right = 100 * count // head.total if count < head.total else 0
        return Share(up if up >= _SHARE_FROM else 0, right if right >= _SHARE_FROM else 0)


@lru_cache(maxsize=4096)
def quoted(name: str) -> str:
    """*name*, fit for the query of an address; there are few sites, and each stands in many tables."""
    return quote(name, safe="")


def anchor_of(task: str) -> str:
    """Where *task* stands on its workflow's page: the path itself, as the old console had it, where nothing needs quoting.

    >>> anchor_of("/wf/Task 1")
    '/wf/Task%201'
    """
    return quote(task, safe="/")


def short_of(task: str) -> str:
    """What operators read of a task's path; the path itself for one without a task in it."""
    return task.split("/", 2)[2] if task.count("/") > 1 and not task.endswith("/") else task


def label_of(code: int) -> str:
    """How an exit code is written on this page."""
    return "not reported" if code == NOT_REPORTED else str(code)


def meaning_of(exit_codes: Mapping[int, ExitCode], code: int) -> ExitCode:
    """What *code* means; of one that nobody described, nothing."""
    known = exit_codes.get(code)
    if known is None and code == NOT_REPORTED:
        words = (
            "Only the ACDC server knows of these; each site counts at least once, however many jobs were lost there."
        )
        return ExitCode(code, "no agent reported these", words)
    return known or ExitCode(code, "", "")


def task_tables(case: Case, exit_codes: Mapping[int, ExitCode], order: str = "errors") -> tuple[TaskTable, ...]:
    """One table for each task with failed jobs, by path. Not-reported jobs are the last row of theirs."""
    by_task: dict[str, list[ErrorCount]] = defaultdict(list)
    for cell in case.errors:
        by_task[cell.task].append(cell)
    kinds = {task.path: (task.task_type, task.splitting) for task in case.workflow.tasks}
    return tuple(
        _table(task, cells, kinds.get(task, ("", "")), case.sites, exit_codes, order)
        for task, cells in sorted(by_task.items())
    )


def _table(
    task: str,
    cells: list[ErrorCount],
    kind: tuple[str, str],
    statuses: Mapping[str, SiteStatus],
    exit_codes: Mapping[int, ExitCode],
    order: str,
) -> TaskTable:
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    sites: Counter[str] = Counter()
    for cell in cells:
        counts[cell.exit_code][cell.site] = cell.count
        sites[cell.site] += cell.count
    codes = {code: sum(row.values()) for code, row in counts.items()}
    columns = ordered(sites, order)
    heats = _heats(cell.count for cell in cells)
    rows = []
    for code in ordered(codes, order, last=NOT_REPORTED):
        line = tuple(counts[code].get(site, 0) for site in columns)
        short = meaning_of(exit_codes, code).short
        rows.append(CodeRow(code, label_of(code), short, codes[code], line, tuple(map(heats.__getitem__, line))))
    heads = tuple(site_head(site, statuses.get(site), sites[site]) for site in columns)
    return TaskTable(task, short_of(task), anchor_of(task), *kind, sum(codes.values()), heads, tuple(rows))


def _heats(counts: Iterable[int]) -> dict[int, int]:
    """Count -> heat; the largest count of a table is the hottest, but single failures are never hot."""
    different = set(counts)
    top = math.log1p(max(*different, 20))
    return {0: 0, **{n: math.ceil(HEATS * math.log1p(n) / top) for n in different}}


def site_head(site: str, status: SiteStatus | None, total: int) -> SiteHead:
    """A site with its status in words."""
    return SiteHead(site, *site_words(status), total, status.since if status else None)


def ordered(totals: Mapping[Any, int], order: str, last: Any = None) -> list[Any]:
    """Keys of *totals*, the largest first or by name; *last* stands at the end."""
    by: Callable[[Any], Any] = (lambda key: key) if order == "name" else (lambda key: (-totals[key], key))
    return sorted(totals, key=lambda key: (key == last, by(key)))


def wide_rows(table: TaskTable) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of *table* as a sheet: zero is left empty."""
    head = ["exit code", "meaning", "total", *(site.site for site in table.sites)]
    return head, [[row.code, row.short, row.total, *(n or None for n in row.cells)] for row in table.rows]


def long_rows(tables: Iterable[TaskTable]) -> tuple[list[str], list[list[Any]]]:
    """All *tables* as one sheet, a line for each count."""
    rows = [
        [table.task, row.code, head.site, count]
        for table in tables
        for row in table.rows
        for head, count in zip(table.sites, row.cells, strict=True)
        if count
    ]
    return ["task", "exit code", "site", "failed jobs"], rows
