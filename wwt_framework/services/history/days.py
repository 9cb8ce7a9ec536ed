"""The last look of each day, summed: what trends are drawn of."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from wwt_framework.cube import Array
from wwt_framework.services.history.look import Look
from wwt_framework.services.history.packing import DAY, PAIR, pack
from wwt_framework.store.ledger.history import PastDay

#: The number of a site that stands for all of them; numbers of the store begin with 1.
ALL_SITES = 0
#: The exit code that stands for all of them: no job ends with it.
ALL_CODES = -(2**31)


def day_of_look(look: Look, numbers: Mapping[str, int]) -> PastDay:
    """The sums of *look*."""
    cube = look.cube
    site_number = np.fromiter((numbers[name] for name in cube.sites), np.uint32, len(cube.sites))
    codes, sites = len(cube.codes), len(cube.sites)
    code, site = cube.cell_code.astype(np.int64), cube.cell_site.astype(np.int64)
    by_code = _sums(cube.cell_workflow, code, cube.cell_count, codes)
    by_site = _sums(cube.cell_workflow, site, cube.cell_count, sites)
    by_pair = _sums(cube.cell_workflow, code * sites + site, cube.cell_count, codes * sites)
    some = np.flatnonzero(by_pair[1])
    totals = np.concatenate(
        [
            _rows(cube.codes, np.full(codes, ALL_SITES), *by_code),
            _rows(np.full(sites, ALL_CODES), site_number, *by_site),
        ]
    )
    pairs = _rows(cube.codes[some // sites], site_number[some % sites], by_pair[0][some], by_pair[1][some])
    return PastDay(
        look.taken_at // DAY, look.taken_at, cube.total, len(cube.workflows),
        int(np.count_nonzero(cube.workflow_total)), int(np.count_nonzero(look.unknown | look.partial)),
        pack(totals[totals["workflows"] > 0]), pack(look.site_days(numbers)), pack(pairs),
    )  # fmt: skip


def _sums(workflow: Array, key: Array, count: Array, keys: int) -> tuple[Array, Array]:
    """Failed jobs, and workflows that have some, for each of *keys* keys."""
    jobs = np.zeros(keys, np.int64)
    np.add.at(jobs, key, count)
    each = np.sort(workflow.astype(np.int64) * max(keys, 1) + key)
    once = each[np.flatnonzero(np.diff(each, prepend=-1))]  # a workflow once for a key
    return jobs, np.bincount(once % max(keys, 1), minlength=keys)[:keys]


def _rows(code: Array, site: Array, jobs: Array, workflows: Array) -> Array:
    rows = np.zeros(len(jobs), PAIR)
    rows["code"], rows["site"], rows["jobs"], rows["workflows"] = code, site, jobs, workflows
    return rows
