"""Sites and exit codes of a snapshot: how much fails there now, beside what the history says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from wwt_framework.cube import Array
from wwt_framework.model import ExitCode, SiteStatus
from wwt_framework.services.history.trend import Span, Trend
from wwt_framework.snapshot import Snapshot

#: Workflows that the page of a site or an exit code names; a link leads to all.
MOST_WORKFLOWS = 20


@dataclass(frozen=True)
class SiteLine:
    """A site in the list of sites. ``trend`` is None when the history has no day on which anything failed there."""

    site: str
    status: SiteStatus | None  # None: no source told
    jobs: int
    workflows: int
    trend: Trend | None


@dataclass(frozen=True)
class CodeLine:
    """An exit code in the list of exit codes."""

    code: int
    meaning: ExitCode | None
    jobs: int
    workflows: int
    trend: Trend | None


@dataclass(frozen=True)
class Share:
    """What of a site is of one exit code, or the other way round. ``before``: a week ago; None: not known."""

    name: str  # exit code as text, or site
    jobs: int
    before: int | None


@dataclass(frozen=True)
class Place:
    """One site or one exit code."""

    jobs: int
    workflows: int
    shares: tuple[Share, ...]  # by exit code or by site, the most failed jobs first
    top: tuple[tuple[str, int], ...]  # workflows with most failed jobs
    known: bool  # it is in the snapshot, or in the history


def site_lines(snapshot: Snapshot, span: Span) -> list[SiteLine]:
    """Every site that is known, the most failed jobs first."""
    jobs, workflows = _sums(snapshot, "site")
    trends = span.sites()
    now = {site: i for i, site in enumerate(snapshot.cube.sites)}
    lines = [
        SiteLine(site, snapshot.sites.get(site), *_at(jobs, workflows, now.get(site)), trends.get(site))
        for site in {*now, *snapshot.sites, *trends}
    ]
    return sorted(lines, key=lambda line: (-line.jobs, line.site))


def code_lines(snapshot: Snapshot, span: Span) -> list[CodeLine]:
    """Every exit code that failed jobs have, or had in these days, the most failed jobs first."""
    jobs, workflows = _sums(snapshot, "code")
    trends = span.codes()
    now = {code: i for i, code in enumerate(snapshot.cube.codes.tolist())}
    lines = [
        CodeLine(code, snapshot.exit_codes.get(code), *_at(jobs, workflows, now.get(code)), trends.get(code))
        for code in {*now, *trends}
    ]
    return sorted(lines, key=lambda line: (-line.jobs, line.code))


def site_place(snapshot: Snapshot, span: Span, site: str) -> Place:
    """What fails at *site*."""
    cube = snapshot.cube
    index, before = cube.site_index(site), span.week_ago(site=site)
    table = _table(snapshot)
    now = dict(zip(cube.codes.tolist(), table[:, index].tolist(), strict=True)) if index >= 0 else {}
    return _place(snapshot, "site", index, now, before, bool(site in snapshot.sites or span.site(site).most))


def code_place(snapshot: Snapshot, span: Span, code: int) -> Place:
    """Where jobs fail with exit code *code*, and in what."""
    cube = snapshot.cube
    index, before = cube.code_index(code), span.week_ago(code=code)
    table = _table(snapshot)
    now = dict(zip(cube.sites, table[index].tolist(), strict=True)) if index >= 0 else {}
    return _place(snapshot, "code", index, now, before, bool(code in snapshot.exit_codes or span.code(code).most))


def _place(
    snapshot: Snapshot, axis: str, index: int, now: Mapping[Any, int], before: Mapping[Any, int] | None, known: bool
) -> Place:
    names = [name for name in {**now, **(before or {})} if now.get(name) or (before or {}).get(name)]
    shares = [Share(str(n), now.get(n, 0), None if before is None else before.get(n, 0)) for n in names]
    shares.sort(key=lambda share: (-share.jobs, -(share.before or 0), share.name))
    jobs, workflows = _at(*_sums(snapshot, axis), index if index >= 0 else None)
    top = _top(snapshot, axis, index) if index >= 0 else ()
    return Place(jobs, workflows, tuple(shares), top, known or index >= 0)


def _top(snapshot: Snapshot, axis: str, index: int) -> tuple[tuple[str, int], ...]:
    cube = snapshot.cube
    cells = np.flatnonzero((cube.cell_site if axis == "site" else cube.cell_code) == index)
    owners, at = np.unique(cube.cell_workflow[cells], return_inverse=True)
    jobs = np.zeros(len(owners), np.int64)
    np.add.at(jobs, at, cube.cell_count[cells])
    most = np.lexsort((owners, -jobs))[:MOST_WORKFLOWS]
    return tuple(zip(cube.workflows.take(owners[most]), jobs[most].tolist(), strict=True))


def _table(snapshot: Snapshot) -> Array:
    """Failed jobs, exit codes by sites."""
    cube = snapshot.cube
    table: Array = np.asarray(cube.code_site_total).reshape(len(cube.codes), len(cube.sites))
    return table


def _sums(snapshot: Snapshot, axis: str) -> tuple[Array, Array]:
    """Failed jobs, and workflows that have some, of every site or exit code."""

    def count() -> tuple[Array, Array]:
        cube = snapshot.cube
        column, n = (cube.cell_site, len(cube.sites)) if axis == "site" else (cube.cell_code, len(cube.codes))
        # Sorted, not np.unique: that takes ten times as long for millions.
        each = np.sort(cube.cell_workflow.astype(np.int64) * max(n, 1) + column)
        once = each[np.flatnonzero(np.diff(each, prepend=-1))]  # a workflow once
        return _table(snapshot).sum(0 if axis == "site" else 1), np.bincount(once % max(n, 1), minlength=n)

    return snapshot.remember(("history", "sums", axis), count)


def _at(jobs: Array, workflows: Array, index: int | None) -> tuple[int, int]:
    return (0, 0) if index is None else (int(jobs[index]), int(workflows[index]))
