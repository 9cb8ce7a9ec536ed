"""Short lists: the third of exit code, site and workflow for two that are given; prep ids with their workflows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wwt_framework.cube import Array
from wwt_framework.errors import NotFound
from wwt_framework.services.overview_query import OverviewQuery
from wwt_framework.services.overview_rows import order_of
from wwt_framework.services.overview_words import Marks, code_words, combined_mark, moment, site_words
from wwt_framework.services.selection import Selection, ranges, ranges_of, select, sums
from wwt_framework.snapshot import OK, STATE_WORDS, Snapshot

#: Entries of a page.
PAGE = 200


@dataclass(frozen=True)
class Entry:
    """One line of a list."""

    name: str
    label: str
    errors: int
    mark: str = ""  # none, pending, acted; "" for what has no actions
    meaning: str = ""  # of an exit code
    colour: str = ""  # readiness of a site
    readiness: str = ""
    production: str = ""
    state: str = "ok"  # of a workflow's counts: ok, old, partial, unknown


@dataclass(frozen=True)
class Listing:
    """What two of exit code, site and workflow leave of the third."""

    of: str  # workflow, code or site
    code: int | None
    code_label: str
    code_meaning: str
    site: str
    workflow: str
    workflow_kind: str  # workflow, task, prep; "" when none was given
    entries: tuple[Entry, ...]
    total: int  # failed jobs, on all pages
    count: int  # entries, on all pages
    offset: int
    next: int | None
    filters: tuple[tuple[str, str], ...] = ()  # of the overview, that restrict this list too


def listing(
    snapshot: Snapshot,
    marks: Marks,
    *,
    code: int | None = None,
    site: str = "",
    workflow: str = "",
    query: OverviewQuery | None = None,
    offset: int = 0,
    size: int = PAGE,
) -> Listing:
    """The list for the two of *code*, *site*, *workflow* that are given, the largest count first.

    *workflow*: a workflow, a task path or a prep id. *query*: its filters restrict the list.
    Raises ValueError unless exactly two are given, `NotFound` for a workflow that the snapshot does not have.
    """
    if sum((code is not None, bool(site), bool(workflow))) != 2:
        raise ValueError("exactly two of exit code, site and workflow make a list")
    selection = select(snapshot, query or OverviewQuery())
    cells, kind = _cells(selection, code, site, workflow)
    if query is not None and query.is_filtered:
        cells = cells[selection.workflows[snapshot.cube.cell_workflow[cells]]]
    of = "workflow" if not workflow else "code" if code is None else "site"
    index, counts = _grouped(snapshot, of, selection.keep(cells))
    order = _largest_first(counts, offset + size)[offset:]
    entries = _ENTRIES[of](snapshot, index[order].tolist(), counts[order].tolist(), marks)
    label, meaning = code_words(snapshot, code) if code is not None else ("", "")
    end = offset + size
    return Listing(
        of, code, label, meaning, site, workflow, kind, tuple(entries), int(counts.sum()), len(index),
        offset, end if end < len(index) else None, tuple(query.filters()) if query else (),
    )  # fmt: skip


def _cells(selection: Selection, code: int | None, site: str, workflow: str) -> tuple[Array, str]:
    cube = selection.snapshot.cube
    code_at = cube.code_index(code) if code is not None else -1
    site_at = cube.site_index(site) if site else -1
    if not workflow:
        none = code_at < 0 or site_at < 0
        return (np.zeros(0, np.int64) if none else cube.cells_at(code_at, site_at)), ""
    cells, kind = _cells_named(selection.snapshot, workflow)
    if code is not None:
        return cells[cube.cell_code[cells] == code_at], kind
    return cells[cube.cell_site[cells] == site_at], kind


def _cells_named(snapshot: Snapshot, name: str) -> tuple[Array, str]:
    """The cells of a task path, workflow or prep id, and which of them it is."""
    cube = snapshot.cube
    if name.startswith("/"):
        return _cells_of_task(snapshot, name), "task"
    workflow = cube.workflows.find(name)
    if workflow >= 0:
        return ranges_of(cube, np.array([workflow])), "workflow"
    prep = snapshot.preps.find(name)
    if prep >= 0:
        return ranges_of(cube, snapshot.prep_workflows(prep)), "prep"
    raise NotFound(f"There is no workflow and no PrepID {name} in this snapshot.")


def _cells_of_task(snapshot: Snapshot, path: str) -> Array:
    cube = snapshot.cube
    owner = cube.workflows.find(path.split("/", 2)[1])
    if owner < 0:
        raise NotFound(f"There is no workflow of the task {path} in this snapshot.")
    tasks = cube.tasks_of(owner)
    names = cube.tasks[tasks.start : tasks.stop]
    if path not in names:
        return np.zeros(0, np.int64)  # the workflow is known, this task of it has no failed jobs
    at = tasks.start + names.index(path)
    return ranges(cube.task_cells[at : at + 1], cube.task_cells[at + 1 : at + 2])


def _grouped(snapshot: Snapshot, of: str, cells: Array) -> tuple[Array, Array]:
    """Indices that occur and their failed jobs."""
    cube = snapshot.cube
    counts = cube.cell_count[cells]
    if of != "workflow":
        column, size = (cube.cell_code, len(cube.codes)) if of == "code" else (cube.cell_site, len(cube.sites))
        whole = sums(column[cells], counts, size)
        found = np.flatnonzero(whole)
        return found, whole[found]
    owner = cube.cell_workflow[cells]  # ascending: cells come by task, and tasks by workflow
    if not len(owner):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    first = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    return owner[first].astype(np.int64), np.add.reduceat(counts, first)


def _largest_first(counts: Array, most: int) -> Array:
    """Where the *most* largest counts stand, the largest first; equal ones in their order."""
    places = np.arange(len(counts))
    if len(counts) > 2 * most:
        places = np.flatnonzero(counts >= np.partition(counts, -most)[-most])
    order: Array = places[np.argsort(-counts[places], kind="stable")][:most]
    return order


def _workflow_entries(snapshot: Snapshot, index: list[int], counts: list[int], marks: Marks) -> list[Entry]:
    names, states = snapshot.cube.workflows.take(index), snapshot.errors_state[index].tolist()
    return [
        Entry(name, name, n, marks.get(name, "none"), state=STATE_WORDS[state])
        for name, n, state in zip(names, counts, states, strict=True)
    ]


def _code_entries(snapshot: Snapshot, index: list[int], counts: list[int], _marks: Marks) -> list[Entry]:
    entries = []
    for i, n in zip(index, counts, strict=True):
        code = int(snapshot.cube.codes[i])
        label, meaning = code_words(snapshot, code)
        entries.append(Entry(str(code), label, n, meaning=meaning))
    return entries


def _site_entries(snapshot: Snapshot, index: list[int], counts: list[int], _marks: Marks) -> list[Entry]:
    entries = []
    for i, n in zip(index, counts, strict=True):
        site = snapshot.cube.sites[i]
        colour, readiness, production = site_words(snapshot.sites.get(site))
        entries.append(Entry(site, site, n, colour=colour, readiness=readiness, production=production))
    return entries


_ENTRIES = {"workflow": _workflow_entries, "code": _code_entries, "site": _site_entries}


# -- prep ids --


@dataclass(frozen=True)
class PrepWorkflow:
    """One workflow of a prep id that has errors."""

    workflow: str
    status: str  # none, pending, acted
    errors: int
    state: str = "ok"  # of the count: ok, old, partial
    asked: Any = None  # request date


@dataclass(frozen=True)
class PrepLine:
    """One line of the list of prep ids."""

    prep_id: str
    errors: int
    workflows: tuple[PrepWorkflow, ...]
    mark: str
    open: bool
    refresh: bool  # marked for refresh
    state: str


@dataclass(frozen=True)
class PrepList:
    """The list of prep ids."""

    lines: tuple[PrepLine, ...]
    total: int  # failed jobs of all that were found
    count: int  # prep ids found
    all: int  # prep ids with errors in the snapshot
    next: int | None
    marked: tuple[str, ...]  # prep ids marked for refresh, wherever they are


def _failing_preps(snapshot: Snapshot) -> Array:
    return np.flatnonzero(sums(snapshot.workflow_prep, snapshot.cube.workflow_total, len(snapshot.preps)))


def _prep_workflows(snapshot: Snapshot, totals: Array, prep: int, marks: Marks) -> list[PrepWorkflow]:
    members = snapshot.prep_workflows(prep)
    members = members[totals[members] > 0]
    return [
        PrepWorkflow(
            name,
            marks.get(name, "none"),
            int(totals[i]),
            STATE_WORDS[int(snapshot.errors_state[i])],
            moment(int(snapshot.requested_at[i])),
        )
        for name, i in zip(snapshot.cube.workflows.take(members), members.tolist(), strict=True)
    ]


def prep_list(snapshot: Snapshot, query: OverviewQuery, marks: Marks, marked: Sequence[str] = ()) -> PrepList:
    """The page of the list of prep ids that *query* asks for."""
    selection = select(snapshot, query)
    return _prep_list(snapshot, selection, query, marks, frozenset(marked))


def _prep_list(
    snapshot: Snapshot, selection: Selection, query: OverviewQuery, marks: Marks, marked: frozenset[str]
) -> PrepList:
    order = order_of(selection, query, "prep")
    lines = []
    for prep in order[query.offset : query.offset + query.size].tolist():
        name = snapshot.preps[prep]
        workflows = tuple(_prep_workflows(snapshot, selection.totals, prep, marks))
        state = next((w.state for w in workflows if w.state != STATE_WORDS[OK]), "ok")
        lines.append(
            PrepLine(
                name, sum(w.errors for w in workflows), workflows, combined_mark([w.status for w in workflows]),
                name in query.open, name in marked, state,
            )
        )  # fmt: skip
    end = query.offset + query.size
    return PrepList(
        tuple(lines), selection.total, len(order), len(_failing_preps(snapshot)), end if end < len(order) else None,
        tuple(sorted(marked)),
    )  # fmt: skip
