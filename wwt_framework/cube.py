"""The errors cube: task x exit code x site -> failed jobs, for every workflow of a snapshot.

Columnar, sorted, immutable; numpy only.
Built once per refresh, kept as ``.npy`` files, mapped into memory by every process that reads it.
A page of rows is one slice, a pivot is one ``bincount``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise, starmap
from typing import Any, overload

import numpy as np

from wwt_framework.model import ErrorCount, ErrorTable, Rejected

Array = np.ndarray[Any, np.dtype[Any]]


class Names(Sequence[str]):
    """An immutable column of strings: one blob and its offsets, so that it can be mapped from a file.

    A list of 400,000 task paths costs ten times its text in Python; this costs the text.
    """

    __slots__ = ("_blob", "_offsets")

    def __init__(self, blob: Array, offsets: Array) -> None:
        self._blob = blob  # uint8, UTF-8
        self._offsets = offsets  # int64, (n + 1,)

    @classmethod
    def of(cls, strings: Iterable[str]) -> Names:
        """Keep *strings* in their order."""
        texts = list(strings)
        joined = "".join(texts)
        if joined.isascii():
            data = joined.encode("ascii")
            lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        else:
            parts = [text.encode("utf-8", "surrogatepass") for text in texts]
            data = b"".join(parts)
            lengths = np.fromiter(map(len, parts), np.int64, len(parts))
        offsets = np.zeros(len(texts) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return cls(np.frombuffer(data, np.uint8), offsets)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return self.take(range(*index.indices(len(self))))
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(f"no name {index} among {len(self)}")
        start, end = self._offsets[index], self._offsets[index + 1]
        return self._blob[start:end].tobytes().decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        data, bounds = self._blob.tobytes(), self._offsets.tolist()
        return (data[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(bounds))

    def take(self, indices: Iterable[int] | Array) -> list[str]:
        """The strings at *indices*, all at least 0, in that order."""
        places = np.asarray(indices if isinstance(indices, np.ndarray) else list(indices), np.int64)
        starts, ends = self._offsets[places].tolist(), self._offsets[places + 1].tolist()
        view = self._blob.data
        return [str(view[a:b], "utf-8", "surrogatepass") for a, b in zip(starts, ends, strict=True)]

    def find(self, text: str) -> int:
        """Where *text* stands, -1 when it is not there. The column must be sorted."""
        at = bisect_left(self, text)
        return at if at < len(self) and self[at] == text else -1

    def arrays(self, stem: str) -> dict[str, Array]:
        """The column as plain numbers, to be kept: ``<stem>.blob`` and ``<stem>.offsets``."""
        return {f"{stem}.blob": self._blob, f"{stem}.offsets": self._offsets}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Array], stem: str) -> Names:
        """The column that ``arrays`` gave. Raises KeyError when it is not among *arrays*."""
        return cls(arrays[f"{stem}.blob"], arrays[f"{stem}.offsets"])


@dataclass(frozen=True)
class ErrorColumns:
    """Failed-job counts of many workflows as columns: what a bulk source answers.

    ``task``, ``code``, ``site``, ``count`` are equally long integer columns, one row per cell;
    the first three are indices into ``tasks`` (full paths), ``codes`` and ``sites``, in any order.
    Counts are positive.
    ``partial`` names workflows whose counts are lower bounds, and why.
    ``workflows`` are those that the answer speaks for beside the ones in ``tasks``:
    without a cell they have no errors, which is not the same as unknown.
    ``as_of`` says of when the counts are, with a zone, where that is not the moment of asking: the age of a file.
    ``ready``, one word for each cell as `Readiness.colour` has them: how its site was then. It says, too, that the cells
    are of many times, as in a history; empty: they are all that fails at one time.
    """

    tasks: Sequence[str] = ()
    codes: Sequence[int] = ()
    sites: Sequence[str] = ()
    task: Any = ()
    code: Any = ()
    site: Any = ()
    count: Any = ()
    rejected: tuple[Rejected, ...] = ()
    partial: Mapping[str, str] = field(default_factory=dict)
    workflows: Sequence[str] = ()
    as_of: datetime | None = None
    ready: Any = ()

    @classmethod
    def of(
        cls,
        counts: Iterable[ErrorCount],
        rejected: tuple[Rejected, ...] = (),
        partial: Mapping[str, str] | None = None,
    ) -> ErrorColumns:
        """Columns of single counts, for sources that do not have columns themselves."""
        tasks: dict[str, int] = {}
        codes: dict[int, int] = {}
        sites: dict[str, int] = {}
        rows = [
            (
                tasks.setdefault(e.task, len(tasks)),
                codes.setdefault(e.exit_code, len(codes)),
                sites.setdefault(e.site, len(sites)),
                e.count,
            )
            for e in counts
        ]
        cells = np.array(rows, np.int64).reshape(len(rows), 4)
        return cls(
            tuple(tasks), tuple(codes), tuple(sites), cells[:, 0], cells[:, 1], cells[:, 2], cells[:, 3],
            rejected, dict(partial or {}),
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.count)


def workflow_of(task: str) -> str:
    """The workflow of a task path.

    >>> workflow_of("/wf/task/merge")
    'wf'
    """
    return task.split("/", 2)[1]


def owners_of(tasks: Iterable[str]) -> list[str]:
    """The workflow of each of *tasks*; a call for each of them would double the time."""
    return [task.split("/", 2)[1] for task in tasks]


_ARRAYS = (
    "task_workflow", "workflow_tasks", "workflow_cells", "task_cells", "codes",
    "cell_workflow", "cell_task", "cell_code", "cell_site", "cell_count", "code_site_cells", "code_site_start",
    "workflow_total", "task_total", "code_site_total",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class ErrorCube:
    """All failed jobs of a snapshot; one cell per (task, exit code, site), sorted by workflow, task, code, site.

    ``workflows`` holds every workflow of the snapshot, also those without a cell.
    Pointers are as in a CSR matrix: cells of workflow *i* are ``workflow_cells[i]:workflow_cells[i + 1]``.
    """

    workflows: Names  # sorted
    tasks: Names  # sorted by workflow, then path
    sites: tuple[str, ...]  # sorted
    codes: Array  # int64, sorted
    task_workflow: Array  # int32, (n_tasks,)
    workflow_tasks: Array  # int64, (n_workflows + 1,)
    workflow_cells: Array  # int64, (n_workflows + 1,)
    task_cells: Array  # int64, (n_tasks + 1,)
    cell_workflow: Array  # int32, (n_cells,)
    cell_task: Array  # int32
    cell_code: Array  # int32, index into codes
    cell_site: Array  # int32, index into sites
    cell_count: Array  # int64, failed jobs, > 0
    code_site_cells: Array  # int32, (n_cells,): cells sorted by code, site, task
    code_site_start: Array  # int64, (n_codes * n_sites + 1,): where each (code, site) begins in it
    # Sums that every page begins with: summed once here, not by the first visitor of each process.
    workflow_total: Array  # int64, failed jobs, (n_workflows,)
    task_total: Array  # int64, (n_tasks,)
    code_site_total: Array  # int64, (n_codes * n_sites,)

    @classmethod
    def build(cls, workflows: Iterable[str], errors: ErrorColumns) -> ErrorCube:
        """Sort *errors* into a cube over *workflows* and whatever workflows the tasks name.

        Where a cell comes twice the first count is kept.
        """
        paths, task_rank = _ranked_tasks(errors.tasks)
        owners = owners_of(paths)
        names = sorted({*workflows, *owners})
        position = {name: i for i, name in enumerate(names)}
        task_workflow = np.fromiter(map(position.__getitem__, owners), np.int32, len(owners))
        codes, code_rank = _ranked(np.asarray(errors.codes, np.int64), np.asarray(errors.code, np.int64))
        sites, site_rank = _ranked_strings(errors.sites, np.asarray(errors.site, np.int64))
        ranked = task_rank[np.asarray(errors.task, np.int64)], code_rank[np.asarray(errors.code, np.int64)]
        task, code, site, count = _sorted_cells(
            *ranked, site_rank[np.asarray(errors.site, np.int64)], errors.count, (len(codes), len(sites))
        )
        cell_workflow = task_workflow[task] if len(task) else np.zeros(0, np.int32)
        every = np.arange(len(names) + 1)
        workflow_cells = np.searchsorted(cell_workflow, every).astype(np.int64)
        task_cells = np.searchsorted(task, np.arange(len(paths) + 1)).astype(np.int64)
        key = code.astype(np.int64) * len(sites) + site
        # Numpy sorts integers of 16 bits by counting them.
        order = np.argsort(key.astype(np.min_scalar_type(len(codes) * len(sites))), kind="stable").astype(np.int32)
        code_site_start = np.searchsorted(key[order], np.arange(len(codes) * len(sites) + 1)).astype(np.int64)
        return cls(
            Names.of(names), Names.of(paths), tuple(sites), codes, task_workflow,
            np.searchsorted(task_workflow, every).astype(np.int64), workflow_cells, task_cells,
            cell_workflow, task, code, site, count, order, code_site_start,
            _sums(count, workflow_cells), _sums(count, task_cells), _sums(count[order], code_site_start),
        )  # fmt: skip

    def __len__(self) -> int:
        """The number of cells."""
        return len(self.cell_count)

    @property
    def total(self) -> int:
        """Failed jobs in all."""
        return int(self.workflow_total.sum())

    def cells_of(self, workflow: int) -> slice:
        """The cells of a workflow, by its index."""
        return slice(int(self.workflow_cells[workflow]), int(self.workflow_cells[workflow + 1]))

    def tasks_of(self, workflow: int) -> range:
        """The indices of a workflow's tasks that have errors."""
        return range(int(self.workflow_tasks[workflow]), int(self.workflow_tasks[workflow + 1]))

    def code_index(self, code: int) -> int:
        """Where *code* stands in ``codes``; -1 when no job failed with it."""
        at = int(np.searchsorted(self.codes, code))
        return at if at < len(self.codes) and self.codes[at] == code else -1

    def site_index(self, site: str) -> int:
        """Where *site* stands in ``sites``; -1 when no job failed there."""
        at = bisect_left(self.sites, site)
        return at if at < len(self.sites) and self.sites[at] == site else -1

    def cells_at(self, code: int, site: int) -> Array:
        """The cells of one exit code at one site, by their indices; sorted by task."""
        at = code * len(self.sites) + site
        return self.code_site_cells[self.code_site_start[at] : self.code_site_start[at + 1]]

    def table(self, workflow: int) -> ErrorTable:
        """The errors of one workflow, for plugins that look at one case."""
        cells = self.cells_of(workflow)
        first = int(self.workflow_tasks[workflow])
        paths = self.tasks[first : int(self.workflow_tasks[workflow + 1])]
        rows = zip(
            (paths[t - first] for t in self.cell_task[cells].tolist()),
            self.codes[self.cell_code[cells]].tolist(),
            (self.sites[s] for s in self.cell_site[cells].tolist()),
            self.cell_count[cells].tolist(),
            strict=True,
        )
        return ErrorTable(starmap(ErrorCount, rows))

    def columns(self, workflows: Array | None = None) -> ErrorColumns:
        """The cube as columns; only what belongs to *workflows* (a boolean mask over workflows) when given."""
        wanted = np.ones(len(self.workflows), bool) if workflows is None else workflows
        tasks = wanted[self.task_workflow]
        keep = wanted[self.cell_workflow]
        return ErrorColumns(
            self.tasks.take(np.flatnonzero(tasks)), self.codes.tolist(), self.sites,
            (np.cumsum(tasks) - 1)[self.cell_task[keep]], self.cell_code[keep], self.cell_site[keep],
            self.cell_count[keep],
        )  # fmt: skip

    def arrays(self) -> dict[str, Array]:
        """The cube as columns of plain numbers, to be kept."""
        plain = {name: getattr(self, name) for name in _ARRAYS}
        sites = Names.of(self.sites)
        return {**plain, **self.workflows.arrays("workflows"), **self.tasks.arrays("tasks"), **sites.arrays("sites")}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Array]) -> ErrorCube:
        """The cube that ``arrays`` gave. Raises KeyError when a column is not among *arrays*."""
        workflows, tasks, sites = (Names.of_arrays(arrays, name) for name in ("workflows", "tasks", "sites"))
        return cls(workflows=workflows, tasks=tasks, sites=tuple(sites), **{name: arrays[name] for name in _ARRAYS})


def _ranked_tasks(tasks: Sequence[str]) -> tuple[list[str], Array]:
    """Tasks sorted by workflow and path, each once; and the new index of each old one."""
    texts = list(tasks)
    # "/a-1/x" sorts before "/a/x" as text, but workflow a comes before a-1: let what ends a workflow's name sort first.
    # (Sorting by parts would say the same, in five times the time.)
    order = sorted(range(len(texts)), key=[text.replace("/", "\0", 2) for text in texts].__getitem__)
    rank = np.zeros(len(texts), np.int64)
    paths: list[str] = []
    for i in order:
        if not paths or paths[-1] != texts[i]:
            paths.append(texts[i])
        rank[i] = len(paths) - 1
    return paths, rank


def _sums(counts: Array, bounds: Array) -> Array:
    """Sums of *counts* between neighbours among *bounds*, int64, (len(bounds) - 1,)."""
    before = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=before[1:])
    return np.diff(before[bounds])


def _ranked(values: Array, used: Array) -> tuple[Array, Array]:
    """Values that occur in *used*, sorted, each once; and the new index of each old one."""
    present = np.bincount(used, minlength=len(values)) > 0 if len(used) else np.zeros(len(values), bool)
    kept, inverse = np.unique(values[present], return_inverse=True)
    rank = np.zeros(len(values), np.int64)
    rank[present] = inverse.reshape(-1)
    return kept, rank


def _ranked_strings(values: Sequence[str], used: Array) -> tuple[list[str], Array]:
    present = np.bincount(used, minlength=len(values)) > 0 if len(used) else np.zeros(len(values), bool)
    kept = sorted({value for value, there in zip(values, present.tolist(), strict=True) if there})
    position = {value: i for i, value in enumerate(kept)}
    return kept, np.fromiter((position.get(value, 0) for value in values), np.int64, len(values))


def _sorted_cells(
    task: Array, code: Array, site: Array, count: Any, shape: tuple[int, int]
) -> tuple[Array, Array, Array, Array]:
    """The cells in order, the first of each kept; *shape*: how many codes and sites there are."""
    if not len(task):
        empty = np.zeros(0, np.int32)
        return empty, empty, empty, np.zeros(0, np.int64)
    key = (task * shape[0] + code) * shape[1] + site
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.ones(len(key), bool)
    first[1:] = key[1:] != key[:-1]
    task_code, sites = np.divmod(key[first], shape[1])
    tasks, codes = np.divmod(task_code, shape[0])
    counts = np.asarray(count, np.int64)[order][first]
    return tasks.astype(np.int32), codes.astype(np.int32), sites.astype(np.int32), counts
