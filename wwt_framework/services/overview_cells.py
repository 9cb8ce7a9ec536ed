"""The cells of the rows that are shown: sums by column, each split by the third variable.

Work is in proportion to the failed jobs behind the shown rows, and Python sees only what is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from wwt_framework.cube import Array, ErrorCube
from wwt_framework.services.selection import Selection, ranges, ranges_of, sums

#: Parts of a split that are told one by one, and colours of the palette; what is beyond is "other".
TOP = 8
#: A dense table of sums up to this size is quicker than sorting.
_DENSE = 4_000_000


class Cell(NamedTuple):
    """Failed jobs of one row in one column."""

    column: int  # position among the columns of the page
    total: int
    split: tuple[tuple[int, int], ...]  # (rank of the third variable, failed jobs), the largest first, at most TOP
    rest: int  # failed jobs of the total that are in no part of the split


@dataclass(frozen=True)
class Plan:
    """How cells are laid out: where each site or code goes, and how the third variable ranks."""

    column_of: Array  # int64, index of site or code -> position of its column; -1: not among the columns
    n_columns: int
    rank_of: Array  # int64, index of the third variable -> rank, 0 is the largest


@dataclass(frozen=True)
class RowCells:
    """Where the cells of the rows are in the cube: ranges of cells, each belonging to one row."""

    row: Array  # int64, (n_ranges,)
    start: Array
    end: Array


def rows_of_workflows(cube: ErrorCube, members: Sequence[Array]) -> RowCells:
    """One row for each group of workflows (indices)."""
    sizes = np.array([len(m) for m in members], np.int64)
    every = np.concatenate([*members, np.zeros(0, np.int64)]).astype(np.int64)
    return RowCells(np.repeat(np.arange(len(sizes)), sizes), cube.workflow_cells[every], cube.workflow_cells[every + 1])


def rows_of_tasks(cube: ErrorCube, tasks: Array) -> RowCells:
    """One row for each task (indices)."""
    return RowCells(np.arange(len(tasks)), cube.task_cells[tasks], cube.task_cells[tasks + 1])


def split_rows(
    selection: Selection, where: RowCells, n_rows: int, by: str, plan: Plan
) -> tuple[list[int], list[list[Cell]]]:
    """Total and cells of each row. *by*: what the columns are, "site" or "code"; the split is by the other one."""
    cube = selection.snapshot.cube
    cells = ranges(where.start, where.end)
    row = np.repeat(where.row, where.end - where.start)
    site, code = cube.cell_site[cells], cube.cell_code[cells]
    if not selection.all_cells:
        left = selection.codes[code] & selection.sites[site]
        cells, row, site, code = cells[left], row[left], site[left], code[left]
    column = plan.column_of[site if by == "site" else code]
    rank = plan.rank_of[code if by == "site" else site]
    count = cube.cell_count[cells]
    n_ranks = len(plan.rank_of)
    key, value = _summed((row * plan.n_columns + column) * n_ranks + rank, count, n_rows * plan.n_columns * n_ranks)
    totals = sums(row, count, n_rows).tolist()
    return totals, _as_cells(key // n_ranks, key % n_ranks, value, n_rows, plan.n_columns)


def _summed(key: Array, count: Array, size: int) -> tuple[Array, Array]:
    if size <= _DENSE:
        dense = sums(key, count, size)
        found = np.flatnonzero(dense)
        return found, dense[found]
    found, inverse = np.unique(key, return_inverse=True)
    return found, sums(inverse.reshape(-1), count, len(found))


def _as_cells(where: Array, rank: Array, value: Array, n_rows: int, n_columns: int) -> list[list[Cell]]:
    """Cells by row. *where*: row * n_columns + column, ascending; the parts of a cell are put in order here."""
    made: list[list[Cell]] = [[] for _ in range(n_rows)]
    if not len(where):
        return made
    order = np.lexsort((rank, -value, where))
    where, rank, value = where[order], rank[order], value[order]
    first = np.flatnonzero(np.r_[True, where[1:] != where[:-1]])
    size = np.diff(np.r_[first, len(where)])
    total = np.add.reduceat(value, first)
    top = np.arange(len(where)) - np.repeat(first, size) < TOP
    ranks, values = rank[top].tolist(), value[top].tolist()
    at = 0
    for place, all_of_it, parts in zip(
        where[first].tolist(), total.tolist(), np.minimum(size, TOP).tolist(), strict=True
    ):
        row, column = divmod(place, n_columns)
        mine = values[at : at + parts]
        split = tuple(zip(ranks[at : at + parts], mine, strict=True))
        made[row].append(Cell(column, all_of_it, split, all_of_it - sum(mine)))
        at += parts
    return made


def split_codes(selection: Selection, codes: Array, plan: Plan) -> tuple[list[int], list[list[Cell]]]:
    """Total and cells of the rows *codes* (indices); columns are sites, the split is by task.

    A column that folds several sites has no split: the same task is at many of them.
    """
    sites = np.flatnonzero(plan.column_of >= 0)
    columns = plan.column_of[sites]
    matrix = selection.matrix[codes][:, sites]
    dense = sums(
        (np.arange(len(codes))[:, None] * plan.n_columns + columns).ravel(), matrix.ravel(), len(codes) * plan.n_columns
    )
    alone = np.bincount(columns, minlength=plan.n_columns)[columns] == 1
    row, at = np.nonzero(matrix[:, alone])
    pairs = codes[row] * len(selection.snapshot.cube.sites) + sites[alone][at]
    splits = _top_tasks(selection, pairs)
    place_of = dict(zip((row * plan.n_columns + columns[alone][at]).tolist(), range(len(pairs)), strict=True))
    rows: list[list[Cell]] = [[] for _ in range(len(codes))]
    for place in np.flatnonzero(dense).tolist():
        total, pair = int(dense[place]), place_of.get(place)
        tasks, counts = splits[pair] if pair is not None else _NOTHING
        split = tuple(zip(plan.rank_of[tasks].tolist(), counts.tolist(), strict=True))
        rows[place // plan.n_columns].append(Cell(place % plan.n_columns, total, split, total - int(counts.sum())))
    return [int(n) for n in matrix.sum(axis=1)], rows


_NOTHING = (np.zeros(0, np.int64), np.zeros(0, np.int64))


def _top_tasks(selection: Selection, pairs: Array) -> list[tuple[Array, Array]]:
    """For each (exit code, site) pair the tasks with most failed jobs and these numbers, at most TOP."""
    cube = selection.snapshot.cube
    cells, counts, sizes = _cells_by_pair(selection, pairs)
    bounds = np.r_[0, np.cumsum(sizes)]
    if len(cells) <= _SORTED:
        # One sort for all is quicker than many small ones.
        order = np.lexsort((-counts, np.repeat(np.arange(len(pairs)), sizes)))
        cells, counts = cells[order], counts[order]
        chosen = [(a, min(a + TOP, b)) for a, b in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)]
        tasks = cube.cell_task[cells]
        found = [(tasks[a:b], counts[a:b]) for a, b in chosen]
        return [(t[n > 0], n[n > 0]) for t, n in found]
    return [_largest(cube, cells[a:b], counts[a:b]) for a, b in pairwise(bounds)]


def _cells_by_pair(selection: Selection, pairs: Array) -> tuple[Array, Array, Array]:
    """Cells of (exit code, site) pairs one pair after the other, their failed jobs left, and how many each pair has.

    Taken from the index of pairs, or from the workflows left when these have far fewer cells.
    """
    cube = selection.snapshot.cube
    start, end = cube.code_site_start[pairs], cube.code_site_start[pairs + 1]
    workflows = np.flatnonzero(selection.totals)
    theirs = int((cube.workflow_cells[workflows + 1] - cube.workflow_cells[workflows]).sum())
    if theirs * 2 > int((end - start).sum()):
        cells = cube.code_site_cells[ranges(start, end)]
        counts = np.where(selection.workflows[cube.cell_workflow[cells]], cube.cell_count[cells], 0)
        return cells, counts, end - start
    cells = ranges_of(cube, workflows)
    group_of = np.full(len(cube.codes) * len(cube.sites), len(pairs), np.int64)
    group_of[pairs] = np.arange(len(pairs))
    group = group_of[cube.cell_code[cells].astype(np.int64) * len(cube.sites) + cube.cell_site[cells]]
    cells, group = cells[group < len(pairs)], group[group < len(pairs)]
    # Small integers are sorted by counting them.
    order = np.argsort(group.astype(np.uint16) if len(pairs) < _SMALL else group, kind="stable")
    return cells[order], cube.cell_count[cells[order]], np.bincount(group, minlength=len(pairs))


_SMALL = 1 << 16

#: Up to here all cells are sorted at once; beyond, each pair picks its largest.
_SORTED = 200_000


def _largest(cube: ErrorCube, cells: Array, counts: Array, most: int = TOP) -> tuple[Array, Array]:
    if len(counts) > most:
        # The largest count first; of equal ones the task that comes first.
        bound = np.partition(counts, len(counts) - most)[len(counts) - most]
        near = np.flatnonzero(counts >= bound)
        cells, counts = cells[near], counts[near]
    order = np.argsort(-counts, kind="stable")[:most]
    order = order[counts[order] > 0]
    return cube.cell_task[cells[order]], counts[order]


def tasks_at(selection: Selection, code: int, site: int, most: int) -> tuple[Array, Array]:
    """The *most* tasks with most failed jobs of one exit code at one site, and these numbers; the largest first."""
    cube = selection.snapshot.cube
    cells = cube.cells_at(code, site)
    counts = np.where(selection.workflows[cube.cell_workflow[cells]], cube.cell_count[cells], 0)
    return _largest(cube, cells, counts, most)
