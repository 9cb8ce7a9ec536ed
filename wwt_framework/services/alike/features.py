"""How workflows fail, as a sparse matrix: a row for each workflow, a column for each exit code, site, type and template.

Cells that no agent reported are left out: how many jobs they stand for is not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wwt_framework.cube import Array
from wwt_framework.model import NOT_REPORTED
from wwt_framework.plugin import Matrix
from wwt_framework.snapshot import Snapshot

if TYPE_CHECKING:
    from scipy import sparse

#: Counters that are summed up at a time: they stay in the processor's cache.
_BLOCK = 1 << 20


def matrix_of(snapshot: Snapshot) -> Matrix:
    """The matrix of *snapshot*. Rows are sorted by name."""
    from scipy import sparse  # a third of a second, and few need it

    cube = snapshot.cube
    reported = np.flatnonzero(cube.codes != NOT_REPORTED)
    codes = np.full(len(cube.codes), -1)
    codes[reported] = np.arange(len(reported))
    n_codes, n_sites, n_types = len(reported), len(cube.sites), len(snapshot.task_types)
    code, count, work = codes[cube.cell_code], cube.cell_count, cube.cell_workflow
    if len(reported) < len(cube.codes):
        kept = code >= 0
        code, count, work, site, task = code[kept], count[kept], work[kept], cube.cell_site[kept], cube.cell_task[kept]
    else:
        site, task = cube.cell_site, cube.cell_task
    parts = [(code, n_codes), (site, n_sites), (snapshot.task_type[task], n_types)]
    n = len(cube.workflows)
    blocks = [summed(work, column, count, (n, size)) for column, size in parts]
    templates = snapshot.log_templates()
    said = (templates.count.astype(np.float64), (templates.workflow, templates.template))
    blocks.append(sparse.csr_matrix(said, shape=(n, len(templates.ids))))
    columns = [
        *(f"code:{c}" for c in cube.codes[reported].tolist()),
        *(f"site:{s}" for s in cube.sites),
        *(f"type:{t}" for t in snapshot.task_types),
        *(f"log:{t}" for t in templates.ids),
    ]
    return Matrix(cube.workflows, columns, sparse.hstack(blocks, "csr"))


def summed(row: Array, column: Array, count: Array, shape: tuple[int, int]) -> sparse.csr_matrix:
    """Counts by row and column, float64 CSR; rows come in order, columns below 0 are left out.

    Block by block through a dense one: to sort millions of coordinates takes longer.
    """
    from scipy import sparse

    rows, width = shape
    if not width or not len(row):
        return sparse.csr_matrix(shape, dtype=np.float64)
    step = max(1, _BLOCK // width)
    bounds = np.searchsorted(row, np.arange(0, rows + step, step))
    data, indices, lengths = [], [], []
    for block, (first, last) in enumerate(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)):
        height = min(step, rows - block * step)
        at, weight = (row[first:last] - block * step).astype(np.int64) * width + column[first:last], count[first:last]
        if (column[first:last] < 0).any():
            there = column[first:last] >= 0
            at, weight = at[there], weight[there]
        dense = np.bincount(at, weight, height * width)
        found = np.flatnonzero(dense)
        data.append(dense[found])
        indices.append((found % width).astype(np.int32))
        lengths.append(np.bincount(found // width, minlength=height))
    indptr = np.zeros(rows + 1, np.int64)
    np.cumsum(np.concatenate(lengths), out=indptr[1:])
    return sparse.csr_matrix((np.concatenate(data), np.concatenate(indices), indptr), shape=shape)
