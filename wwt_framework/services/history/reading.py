"""What the history tells to programs that learn from it: a matrix, and the failed jobs of single workflows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import islice

import numpy as np

from wwt_framework.cube import Array
from wwt_framework.model import NOT_REPORTED, Readiness
from wwt_framework.plugin import Matrix
from wwt_framework.services.history.look import key_of
from wwt_framework.services.history.packing import CELL, READINESS, joined, unpack
from wwt_framework.store import Store
from wwt_framework.store.ledger import history as kept
from wwt_framework.store.ledger.history import PastCells, PastWorkflow

_MANY = 2000


@dataclass(frozen=True, slots=True)
class PastCell:
    """Failed jobs of one task, exit code and site, as they were last seen. ``ready``: the site's, when first seen."""

    task: str  # Task.path
    exit_code: int
    site: str
    count: int
    ready: Readiness
    first_seen: datetime
    last_seen: datetime


#: exit code -> site -> failed jobs
Counts = dict[int, dict[str, int]]


@dataclass(frozen=True)
class TaskErrors:
    """The failed jobs of one task of all times. ``good``: at sites that were ready when they were first seen."""

    task: str  # Task.path
    good: Counts = field(default_factory=dict)
    bad: Counts = field(default_factory=dict)


# -- single workflows --


def cells_of(store: Store, workflow: str) -> tuple[PastCell, ...]:
    """Everything that ever failed in *workflow*, by task, exit code and site; empty when nothing is known."""
    return dict(cells_of_each(store, [workflow]))[workflow]


def cells_of_each(store: Store, workflows: Iterable[str]) -> Iterator[tuple[str, tuple[PastCell, ...]]]:
    """Each of *workflows*, in order, with everything that ever failed in it. Read some thousand at a time."""
    names = {number: name for name, number in kept.past_sites(store).items()}
    given = iter(workflows)
    while some := list(islice(given, _MANY)):
        past = kept.past_workflows(store, map(key_of, some))
        cells = kept.past_cells(store, [one.number for one in past.values()])
        for name in some:
            one = past.get(key_of(name))
            yield (
                name,
                _cells(one, cells[one.number], names) if one and one.number in cells else (),
            )


def task_errors(store: Store, workflows: Iterable[str]) -> Iterator[tuple[str, tuple[TaskErrors, ...]]]:
    """Each of *workflows*, in order, with its tasks that ever had failed jobs, by path."""
    for name, cells in cells_of_each(store, workflows):
        tasks: dict[str, TaskErrors] = {}
        for cell in cells:
            task = tasks.setdefault(cell.task, TaskErrors(cell.task))
            counts = task.good if cell.ready is Readiness.GREEN else task.bad
            counts.setdefault(cell.exit_code, {})[cell.site] = cell.count
        yield name, tuple(tasks[path] for path in sorted(tasks))


def _cells(past: PastWorkflow, packed: PastCells, sites: dict[int, str]) -> tuple[PastCell, ...]:
    tasks = [f"/{past.name}/{short}" for short in packed.tasks.split("\n")]
    rows = unpack(packed.packed, CELL, f"the history of {past.name}").tolist()
    found = [
        PastCell(
            tasks[task], code, sites[site], count, READINESS[ready], _time(first),
            _time(past.seen_at if last == past.written_at else last),
        )
        for task, code, site, ready, count, first, last in rows
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda cell: (cell.task, cell.exit_code, cell.site)))


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


# -- all of them --


def history_matrix(store: Store, since: datetime | None = None) -> Matrix:
    """Failed jobs of all times: a row for each workflow by name, columns ``code:N`` by number, then ``site:NAME``.

    ``values``: scipy CSR, int64. *since*: only workflows that were seen then or later. Jobs that no agent reported do
    not count, as in the matrix of what fails now: it is not known how many they are.
    """
    from scipy import sparse  # a third of a second, and few need it

    seen = 0 if since is None else int(since.timestamp())
    names: list[str] = []
    keys: list[Array] = []
    jobs: list[Array] = []
    for past in kept.every_past(store, seen):
        cells = [unpack(one.packed, CELL, f"the history of {name}") for name, *_, one in past]
        owner = np.repeat(np.arange(len(past)) + len(names), [len(one) for one in cells])
        for sums, parts in zip(_sums(owner, joined(cells, CELL)), (keys, jobs), strict=True):
            parts.append(sums)
        names += [name for name, *_ in past]
    empty = np.zeros(0, np.int64)
    owner, feature = np.divmod(np.concatenate([empty, *keys]), _FEATURES)
    features = np.unique(np.concatenate([empty, *(np.unique(some % _FEATURES) for some in keys)]))
    columns, place = _columns(features, {number: name for name, number in kept.past_sites(store).items()})
    # Keys came sorted by owner: these are the rows of a matrix already, of workflows in the order of the store.
    bounds = np.searchsorted(owner, np.arange(len(names) + 1))
    indices = place[np.searchsorted(features, feature)]
    values = sparse.csr_matrix((np.concatenate([empty, *jobs]), indices, bounds), (len(names), len(columns)))
    order = sorted(range(len(names)), key=names.__getitem__)
    values = values[order]
    values.sort_indices()
    return Matrix([names[i] for i in order], columns, values)


#: Keys of features: an exit code, made positive, or a site's number behind all of them.
_CODES = 2**32
_FEATURES = 2**34


def _sums(owner: Array, cells: Array) -> tuple[Array, Array]:
    """Owner and feature as one number, each once, and its failed jobs."""
    reported = cells["code"] != NOT_REPORTED
    owner, cells = owner[reported], cells[reported]
    codes = cells["code"].astype(np.int64) + _CODES // 2
    features = np.concatenate([codes, _CODES + cells["site"].astype(np.int64)])
    key = np.concatenate([owner, owner]) * _FEATURES + features
    order = np.argsort(key, kind="stable")
    key, count = key[order], np.concatenate([cells["count"], cells["count"]])[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    return key[starts], np.add.reduceat(count, starts) if len(starts) else count


def _columns(features: Array, sites: dict[int, str]) -> tuple[list[str], Array]:
    """The names of the columns, and in which of them each of *features* stands."""
    codes = features[features < _CODES]
    names = [sites[number] for number in (features[features >= _CODES] - _CODES).tolist()]
    by_name, order = _sorted(names)
    columns = [f"code:{code}" for code in (codes - _CODES // 2).tolist()] + [f"site:{name}" for name in by_name]
    return columns, np.concatenate([np.arange(len(codes)), order + len(codes)])


def _sorted(names: list[str]) -> tuple[list[str], Array]:
    """*names* sorted, and where each of them stands now."""
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.zeros(len(names), np.int64)
    place[order] = np.arange(len(names))
    return [names[i] for i in order], place
