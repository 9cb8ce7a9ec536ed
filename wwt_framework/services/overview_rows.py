"""Which rows a page of the overview has, in which order, and what unfolds below them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from wwt_framework.cube import Array
from wwt_framework.errors import NotFound
from wwt_framework.services.overview_cells import Cell
from wwt_framework.services.overview_query import OverviewQuery
from wwt_framework.services.overview_words import Marks, Row, code_words, combined_mark, moment
from wwt_framework.services.selection import Selection, sums
from wwt_framework.snapshot import OK, OLD, PARTIAL, STATE_WORDS, UNKNOWN, UNKNOWN_TIME

#: Rows unfolded below one row; what is beyond is counted, and found by rows=workflow.
MOST_BELOW = 200

_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Spec:
    """One row before it has numbers."""

    level: int
    kind: str  # prep, workflow, task
    index: int  # into preps, workflows or tasks
    members: Array = field(default_factory=lambda: _NONE)  # workflows whose failed jobs it sums
    open: bool | None = None
    more: int = 0


@dataclass(frozen=True)
class Outline:
    """The rows of a page before they have numbers. ``codes``: the rows are these exit codes, by index."""

    specs: tuple[Spec, ...]
    outermost: int
    codes: Array | None = None

    def rows(self, selection: Selection, marks: Marks, totals: list[int], cells: list[list[Cell]]) -> tuple[Row, ...]:
        """The rows, with their numbers."""
        if self.codes is not None:
            return tuple(
                _code_row(selection, code, total, line)
                for code, total, line in zip(self.codes.tolist(), totals, cells, strict=True)
            )
        makers = {"prep": _prep_row, "workflow": _workflow_row, "task": _task_row}
        return tuple(
            makers[spec.kind](selection, spec, marks, total, tuple(line))
            for spec, total, line in zip(self.specs, totals, cells, strict=True)
        )


def outline(selection: Selection, query: OverviewQuery) -> Outline:
    """The rows of the page that *query* asks for, unfolded ones with what is below them."""
    kind = "workflow" if query.rows == "workflow" else "prep"
    order = order_of(selection, query, kind)
    specs: list[Spec] = []
    for index in order[query.offset : query.offset + query.size].tolist():
        specs += _with_below(selection, query, kind, index, 0)
    return Outline(tuple(specs), len(order))


def subtree(selection: Selection, query: OverviewQuery, name: str) -> Outline:
    """The rows below the prep id or workflow *name*. Raises `NotFound`."""
    snapshot = selection.snapshot
    workflow = snapshot.cube.workflows.find(name)
    prep = snapshot.preps.find(name)
    if workflow >= 0:
        level = 0 if query.rows == "workflow" else 1
        return Outline(tuple(_tasks(selection, workflow, level + 1)), 0)
    if prep >= 0:
        found = _with_below(selection, query.with_(open=(*query.open, name)), "prep", prep, 0)
        return Outline(tuple(found[1:]), 0)
    raise NotFound(f"There is no PrepID and no workflow {name} in this snapshot.")


def code_outline(selection: Selection, query: OverviewQuery) -> Outline:
    """Exit codes as rows; "by date" says nothing of them and is by errors."""
    totals = selection.matrix.sum(axis=1)
    found = np.flatnonzero(totals)
    if query.sort != "name":
        found = found[np.argsort(-totals[found] if query.descending else totals[found], kind="stable")]
    elif query.descending:
        found = found[::-1]
    return Outline((), len(found), found[query.offset : query.offset + query.size])


# -- order --


def order_of(selection: Selection, query: OverviewQuery, kind: str) -> Array:
    key = ("order", kind, query.sort, query.descending)
    if key not in selection.kept:
        selection.kept[key] = _ordered(selection, query, kind)
    found: Array = selection.kept[key]
    return found


def _ordered(selection: Selection, query: OverviewQuery, kind: str) -> Array:
    snapshot = selection.snapshot
    if kind == "workflow":
        totals, passing, dates = selection.totals, selection.workflows, snapshot.requested_at
    else:
        totals = prep_totals(selection)
        owners = snapshot.workflow_prep[selection.workflows]
        passing = np.zeros(len(snapshot.preps), bool)
        passing[owners] = True
        dates = np.full(len(snapshot.preps), UNKNOWN_TIME, np.int64)
        if query.sort == "date":
            np.maximum.at(dates, owners, snapshot.requested_at[selection.workflows])
    found = np.flatnonzero(passing if query.zero else totals > 0)
    if query.sort == "name":
        return found[::-1] if query.descending else found
    keys = totals[found] if query.sort == "errors" else dates[found]
    order = np.argsort(-keys if query.descending and query.sort == "errors" else keys, kind="stable")
    if query.sort == "date":
        if query.descending:
            order = np.lexsort((np.arange(len(keys)), -keys.astype(np.float64)))
        unknown = keys[order] == UNKNOWN_TIME
        order = np.r_[order[~unknown], order[unknown]]  # last, whichever way one sorts
    return found[order]


def prep_totals(selection: Selection) -> Array:
    """Failed jobs left per prep id, int64 (n_preps,)."""
    return sums(selection.snapshot.workflow_prep, selection.totals, len(selection.snapshot.preps))


# -- what is below --


def _with_below(selection: Selection, query: OverviewQuery, kind: str, index: int, level: int) -> list[Spec]:
    if kind == "workflow":
        return _workflow_specs(selection, query, index, level)
    snapshot = selection.snapshot
    everybody = snapshot.prep_workflows(index)
    members = everybody[selection.workflows[everybody]]
    if snapshot.preps[index] not in query.open:
        return [Spec(level, "prep", index, members, open=False)]
    # Whoever unfolds a PrepID wants the family whole: members that never failed are shown with it,
    # those whose errors lie elsewhere (another site, another code) are not.
    below = members[(selection.totals[members] > 0) | (snapshot.cube.workflow_total[members] == 0)]
    specs = [Spec(level, "prep", index, members, open=True, more=max(0, len(below) - MOST_BELOW))]
    for workflow in below[:MOST_BELOW].tolist():
        specs += _workflow_specs(selection, query, workflow, level + 1)
    return specs


def _workflow_specs(selection: Selection, query: OverviewQuery, index: int, level: int) -> list[Spec]:
    members = np.array([index], np.int64)
    has_tasks = bool(selection.totals[index] > 0)
    is_open = has_tasks and selection.snapshot.cube.workflows[index] in query.open
    if not is_open:
        return [Spec(level, "workflow", index, members, open=False if has_tasks else None)]
    tasks = _tasks(selection, index, level + 1)
    whole = int(np.count_nonzero(_task_counts(selection, index)))
    return [Spec(level, "workflow", index, members, open=True, more=whole - len(tasks)), *tasks]


def _tasks(selection: Selection, workflow: int, level: int) -> list[Spec]:
    first = int(selection.snapshot.cube.workflow_tasks[workflow])
    found = np.flatnonzero(_task_counts(selection, workflow)) + first
    return [Spec(level, "task", task) for task in found[:MOST_BELOW].tolist()]


def _task_counts(selection: Selection, workflow: int) -> Array:
    cube = selection.snapshot.cube
    tasks = cube.tasks_of(workflow)
    if not selection.workflows[workflow]:
        return np.zeros(len(tasks), np.int64)
    cells = selection.keep(np.arange(int(cube.workflow_cells[workflow]), int(cube.workflow_cells[workflow + 1])))
    return sums(cube.cell_task[cells] - tasks.start, cube.cell_count[cells], len(tasks))


# -- rows --


def _prep_row(selection: Selection, spec: Spec, marks: Marks, total: int, cells: tuple[Cell, ...]) -> Row:
    snapshot = selection.snapshot
    failing = spec.members[selection.totals[spec.members] > 0]
    # A mark is a matter of few names: nothing is looked up when nobody acted on anything.
    told = [marks.get(name, "none") for name in snapshot.cube.workflows.take(failing)] if marks else []
    newest = int(snapshot.requested_at[spec.members].max()) if len(spec.members) else UNKNOWN_TIME
    name = snapshot.preps[spec.index]
    return Row(
        spec.level, "prep", name, name, "", total, cells, combined_mark(told), len(failing),
        _group_state(snapshot.errors_state[spec.members]), asked=moment(newest), open=spec.open, more=spec.more,
    )  # fmt: skip


def _group_state(states: Array) -> str:
    """How far the sum over several workflows can be trusted: one that is not known makes it a lower bound."""
    here = np.bincount(states, minlength=4) > 0
    if here[UNKNOWN] and not (here[OK] or here[OLD] or here[PARTIAL]):
        return STATE_WORDS[UNKNOWN]
    if here[UNKNOWN] or here[PARTIAL]:
        return STATE_WORDS[PARTIAL]
    return STATE_WORDS[OLD] if here[OLD] else STATE_WORDS[OK]


def _workflow_row(selection: Selection, spec: Spec, marks: Marks, total: int, cells: tuple[Cell, ...]) -> Row:
    snapshot = selection.snapshot
    name = snapshot.cube.workflows[spec.index]
    state = int(snapshot.errors_state[spec.index])
    tasks = int(snapshot.cube.workflow_tasks[spec.index + 1] - snapshot.cube.workflow_tasks[spec.index])
    return Row(
        spec.level, "workflow", name, name, snapshot.preps[int(snapshot.workflow_prep[spec.index])], total, cells,
        marks.get(name, "none"), tasks, STATE_WORDS[state],
        moment(int(snapshot.errors_at[spec.index])) if state != OK else None,
        moment(int(snapshot.requested_at[spec.index])), spec.open, spec.more,
    )  # fmt: skip


def _task_row(selection: Selection, spec: Spec, _marks: Marks, total: int, cells: tuple[Cell, ...]) -> Row:
    cube = selection.snapshot.cube
    path = cube.tasks[spec.index]
    workflow = int(cube.task_workflow[spec.index])
    state = STATE_WORDS[int(selection.snapshot.errors_state[workflow])]
    label = path.split("/", 2)[2] if path.count("/") > 1 else path
    return Row(spec.level, "task", path, label, cube.workflows[workflow], total, cells, state=state)


def _code_row(selection: Selection, index: int, total: int, cells: list[Cell]) -> Row:
    code = int(selection.snapshot.cube.codes[index])
    label, meaning = code_words(selection.snapshot, code)
    return Row(0, "code", str(code), label, "", total, tuple(cells), meaning=meaning)
