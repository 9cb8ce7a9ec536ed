"""The overview: which rows and columns an operator sees, in which order, and what stands in them.

Rows and columns by ``pievar`` (the original's name): errorcode shows tasks by site, sitename tasks by exit code,
stepname exit codes by site; a cell is split by what is left over.
Tasks are grouped PrepID > workflow > task, and unfold.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from wwt_framework.cube import Array
from wwt_framework.errors import NotFound
from wwt_framework.services.overview_cells import (
    TOP,
    Cell,
    Plan,
    rows_of_tasks,
    rows_of_workflows,
    split_codes,
    split_rows,
    tasks_at,
)
from wwt_framework.services.overview_query import ORIENTATIONS, OverviewQuery
from wwt_framework.services.overview_rows import Outline, code_outline, outline, subtree
from wwt_framework.services.overview_words import (
    Choice,
    Column,
    Marks,
    Part,
    Row,
    choices_of,
    code_words,
    column_of_code,
    column_of_site,
)
from wwt_framework.services.selection import Selection, select, unknown_workflows
from wwt_framework.snapshot import Snapshot

#: Columns that hold less than this share of the failed jobs are folded into one.
FOLDED_SHARE = 0.02
#: So many are shown whatever they hold: they fit beside the names on a laptop, so that folding them saves nothing.
ROOM = 16


@dataclass(frozen=True)
class Overview:
    """One page of the overview."""

    query: OverviewQuery
    taken_at: datetime
    row_axis: str  # task or code
    column_axis: str  # site or code
    split_axis: str  # code, site or task
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    parts: tuple[Part, ...]  # the third variable by rank; of tasks only the first TOP
    choices: dict[str, list[Choice]]
    total: int  # failed jobs left
    found: int  # workflows with errors left
    workflows: int  # workflows with errors in the snapshot
    unknown: int  # workflows of the snapshot whose errors are not known
    outermost: int  # rows there are, this page's and all others
    next: int | None  # offset of the next page; None: this is the last


def overview(snapshot: Snapshot, query: OverviewQuery, marks: Marks) -> Overview:
    """The page that *query* asks for."""
    selection = select(snapshot, query)
    found = _outline(selection, query)
    return _page(selection, query, marks, found, choices_of(selection, query))


def more_rows(snapshot: Snapshot, query: OverviewQuery, marks: Marks) -> Overview:
    """The same without the choices of the filters: rows for a page that is already there."""
    selection = select(snapshot, query)
    return _page(selection, query, marks, _outline(selection, query), {})


def rows_below(snapshot: Snapshot, query: OverviewQuery, marks: Marks, name: str) -> Overview:
    """Only the rows below *name*, a prep id or workflow. Raises `NotFound` when there is none such."""
    selection = select(snapshot, query)
    return _page(selection, query, marks, subtree(selection, query, name), {})


def _outline(selection: Selection, query: OverviewQuery) -> Outline:
    if ORIENTATIONS[query.pievar][0] == "code":
        return code_outline(selection, query)
    return outline(selection, query)


def _page(
    selection: Selection, query: OverviewQuery, marks: Marks, found: Outline, choices: dict[str, list[Choice]]
) -> Overview:
    snapshot = selection.snapshot
    row_axis, column_axis, split_axis = ORIENTATIONS[query.pievar]
    columns, column_of = _columns(selection, column_axis, query.columns == "all")
    parts, rank_of = _parts(selection, split_axis)
    plan = Plan(column_of, len(columns), rank_of)
    totals, cells = _cells(selection, found, column_axis, plan)
    rows = found.rows(selection, marks, totals, cells)
    end = query.offset + query.size
    return Overview(
        query, snapshot.taken_at, row_axis, column_axis, split_axis, columns, rows, parts, choices,
        selection.total, selection.found, int(np.count_nonzero(snapshot.cube.workflow_total)),
        unknown_workflows(snapshot), found.outermost, end if end < found.outermost else None,
    )  # fmt: skip


def _cells(selection: Selection, found: Outline, column_axis: str, plan: Plan) -> tuple[list[int], list[list[Cell]]]:
    if found.codes is not None:
        return split_codes(selection, found.codes, plan)
    cube = selection.snapshot.cube
    totals: list[int] = [0] * len(found.specs)
    cells: list[list[Cell]] = [[] for _ in found.specs]
    groups = [i for i, spec in enumerate(found.specs) if spec.kind != "task"]
    tasks = [i for i, spec in enumerate(found.specs) if spec.kind == "task"]
    kinds = (
        (groups, rows_of_workflows(cube, [found.specs[i].members for i in groups])),
        (tasks, rows_of_tasks(cube, np.array([found.specs[i].index for i in tasks], np.int64))),
    )
    for places, where in kinds:
        if places:
            some_totals, some_cells = split_rows(selection, where, len(places), column_axis, plan)
            for place, total, line in zip(places, some_totals, some_cells, strict=True):
                totals[place], cells[place] = total, line
    return totals, cells


# -- columns and the third variable --


def _axis_totals(selection: Selection, axis: str) -> Array:
    totals: Array = selection.matrix.sum(axis=0 if axis == "site" else 1)
    return totals


def _columns(selection: Selection, axis: str, unfolded: bool) -> tuple[tuple[Column, ...], Array]:
    """The columns, the largest first, and for each site or code the position of its column (-1: it has none)."""
    totals = _axis_totals(selection, axis)
    order = np.argsort(-totals, kind="stable")
    order = order[totals[order] > 0]
    few = totals[order] < FOLDED_SHARE * totals.sum()
    few[:ROOM] = False
    if unfolded or np.count_nonzero(few) < 2:  # one column folded into one column saves nothing
        few = np.zeros(len(order), bool)
    shown, folded = order[~few], order[few]
    column_of = np.full(len(totals), -1, np.int64)
    column_of[shown] = np.arange(len(shown))
    column_of[folded] = len(shown)
    columns = [_column(selection.snapshot, axis, i, int(totals[i])) for i in shown.tolist()]
    if len(folded):
        words = f"{len(folded)} {'sites' if axis == 'site' else 'exit codes'} with few errors"
        columns.append(Column("", "other", words, total=int(totals[folded].sum()), folded=len(folded)))
    return tuple(columns), column_of


def _column(snapshot: Snapshot, axis: str, index: int, total: int) -> Column:
    if axis == "site":
        return column_of_site(snapshot, snapshot.cube.sites[index], total)
    return column_of_code(snapshot, int(snapshot.cube.codes[index]), total)


def _parts(selection: Selection, axis: str) -> tuple[tuple[Part, ...], Array]:
    """The third variable by rank, and the rank of each of its values; a value keeps its rank on all pages."""
    snapshot = selection.snapshot
    if axis == "task":
        return _task_parts(selection)
    totals = _axis_totals(selection, axis)
    order = np.argsort(-totals, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    if axis == "site":
        names = [(site, site) for site in snapshot.cube.sites]
    else:
        names = [(str(c), " ".join(filter(None, code_words(snapshot, c)))) for c in snapshot.cube.codes.tolist()]
    return tuple(Part(names[i][0], names[i][1], int(totals[i])) for i in order.tolist() if totals[i]), rank


def _task_parts(selection: Selection) -> tuple[tuple[Part, ...], Array]:
    found = selection.kept.get("task parts")
    if found is None:
        tasks, totals = selection.snapshot.cube.tasks, selection.task_totals
        some = np.argpartition(-totals, TOP - 1)[:TOP] if len(totals) > TOP else np.arange(len(totals))
        some = some[np.lexsort((some, -totals[some]))]
        some = some[totals[some] > 0]
        rank = np.full(len(totals), TOP, np.int64)  # all others are grey
        rank[some] = np.arange(len(some))
        found = (tuple(Part(tasks[i], tasks[i], int(totals[i])) for i in some.tolist()), rank)
        selection.kept["task parts"] = found
    return found


def tasks_of_cell(snapshot: Snapshot, query: OverviewQuery, code: int, site: str) -> list[tuple[str, int]]:
    """The tasks with most failed jobs of one exit code at one site: what a cell of the stepname matrix is split into.

    Raises `NotFound` when no job failed there with it.
    """
    selection = select(snapshot, query)
    cube = snapshot.cube
    code_at, site_at = cube.code_index(code), cube.site_index(site)
    if code_at < 0 or site_at < 0:
        raise NotFound(f"No failed job of exit code {code} at {site} in this snapshot.")
    tasks, counts = tasks_at(selection, code_at, site_at, TOP)
    return list(zip(cube.tasks.take(tasks), counts.tolist(), strict=True))


def table_of(page: Overview) -> tuple[list[str], list[list[Any]]]:
    """The page as a plain table: names, total, one number per column, empty where there is none."""
    head = [page.row_axis if page.row_axis == "code" else "row", "kind", "parent", "state", "total"]
    names = [column.key or "other" for column in page.columns]
    rows: list[list[Any]] = []
    for row in page.rows:
        numbers: list[int | None] = [None] * len(names)
        for cell in row.cells:
            numbers[cell.column] = cell.total
        rows.append(
            [row.name, row.kind, row.parent, row.state, None if row.state == "unknown" else row.total, *numbers]
        )
    return [*head, *names], rows


__all__ = [
    "Choice",
    "Column",
    "Overview",
    "Part",
    "Row",
    "more_rows",
    "overview",
    "rows_below",
    "table_of",
    "tasks_of_cell",
]
