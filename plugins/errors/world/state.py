"""The made-up grid at one time, as the sources of a real one would tell it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import numpy as np

from wwt_framework.cube import ErrorColumns
from wwt_framework.model import NOT_REPORTED, Workflow

from .details import estimated_jobs, failing_of, parameters_of, unseen
from .draws import Array, uniform
from .failures import Failed, quiet
from .growth import RAMP, Grown
from .made import Made
from .names import shorts, tasks
from .parameters import Population
from .sites import NOISE, SITES

_GROW = 701


class State:
    """Families at a time. Workflows are rows; those that are not born yet or archived are not among ``rows``.

    *whole*: all that ever were are among them.
    """

    def __init__(self, grown: Grown, population: Population, at: float, lifetime_s: float, whole: bool = False) -> None:
        self.grown = grown
        self.at = at
        self._population = population
        self._life = lifetime_s
        works = grown.works
        over = np.minimum(grown.archived, grown.families.born + lifetime_s)
        self.rows = np.flatnonzero((works.born <= at) & (whole | (at < over[works.family])))
        self._alive = np.zeros(len(works), bool)
        self._alive[self.rows] = True
        self._shown = [self._now(failed) for failed in grown.failed]
        self._row_of: dict[str, int] = {}
        self._rows_of: dict[str, list[int]] = {}
        key = grown.families.key[works.family]
        done = self._part_grown(np.arange(len(works)))
        alone = quiet(key, population) & (works.generation == 0)
        untold = np.where(alone, unseen(key), 0)
        self._untold = np.floor(untold * done).astype(np.int64)
        total = self._failed() + np.stack([untold, self._untold], 1)
        self._jobs, self._rates = estimated_jobs(key, total[:, 0], total[:, 1], done, alone)

    def _now(self, failed: Failed) -> tuple[Array, Array]:
        """Failed jobs by now of each cell, and whether anything of each task has failed."""
        grown = self._part_grown(failed.step_work)[failed.pair_step]
        grown = grown * self._alive[failed.step_work][failed.pair_step]
        part = grown[failed.cell_pair]
        u = uniform(failed.pair_key, _GROW)[failed.cell_pair]
        count = np.where(part > 0, np.floor(failed.cell_count * part + u * (part < 1)), 0).astype(np.int64)
        some = np.zeros(len(failed.step_slot), bool)
        some[failed.pair_step[failed.cell_pair[count > 0]]] = True
        return count, some

    def _part_grown(self, work: Array) -> Array:
        """How much of its failures each workflow has behind it, 0..1."""
        works, families = self.grown.works, self.grown.families
        onset = families.onset[works.family] * (works.generation == 0) * RAMP * self._life
        grown: Array = np.clip((self.at - works.born - onset) / (RAMP * self._life) + 1e-9, 0, 1)
        return grown[work]

    # -- all at once --

    def columns(self, rows: Sequence[int] | None = None) -> ErrorColumns:
        """Failed jobs of all workflows, or of those in *rows*."""
        wanted = self._alive if rows is None else np.isin(np.arange(len(self._alive)), rows) & self._alive
        names = {row: self.grown.name(row) for row in np.flatnonzero(wanted).tolist()}
        tree: dict[int, list[str]] = {}
        paths: list[str] = []
        parts: list[tuple[Array, Array, Array, Array]] = []
        minus = len(self._population.codes)
        for failed, (count, some) in zip(self.grown.failed, self._shown, strict=True):
            steps = np.flatnonzero(some & wanted[failed.step_work])
            number = np.full(len(failed.step_slot), -1)
            number[steps] = len(paths) + np.arange(len(steps))
            family = self.grown.works.family[failed.step_work[steps]].tolist()
            for f, row, slot in zip(
                family, failed.step_work[steps].tolist(), failed.step_slot[steps].tolist(), strict=True
            ):
                if f not in tree:
                    tree[f] = shorts(self.grown.part(f))
                paths.append(f"/{names[row]}/{tree[f][slot]}")
            of = number[failed.pair_step]
            cells = np.flatnonzero((count > 0) & (of[failed.cell_pair] >= 0))
            pair = failed.cell_pair[cells]
            parts.append((of[pair], failed.pair_code[pair], failed.cell_site[cells], count[cells]))
            missing = np.flatnonzero(number[failed.missing_step] >= 0)
            ones = np.ones(len(missing), np.int64)
            parts.append((number[failed.missing_step[missing]], ones * minus, failed.missing_site[missing], ones))
        task, code, site, jobs = (np.concatenate(axis) for axis in zip(*parts, strict=True))
        codes = (*self._population.codes.tolist(), NOT_REPORTED)
        return ErrorColumns(paths, codes, SITES + NOISE, task, code, site, jobs, workflows=tuple(names.values()))

    def workflows(self) -> Iterator[Workflow]:
        """Every workflow there is now, originals first."""
        return (self.workflow(row) for row in self.rows.tolist())

    def _failed(self) -> Array:
        """Failed jobs of each workflow: in the end, and by now; (workflows, 2)."""
        total = np.zeros((len(self.grown.works), 2), np.int64)
        for failed, (count, _) in zip(self.grown.failed, self._shown, strict=True):
            work = failed.step_work[failed.pair_step[failed.cell_pair]]
            for i, jobs in enumerate((failed.cell_count, count)):
                total[:, i] += np.bincount(work, jobs, minlength=len(total)).astype(np.int64)
        return total

    # -- one by one --

    def row(self, name: str) -> int | None:
        """The row of the workflow called *name*; None when it is not there now."""
        if not self._row_of:
            self._row_of = {self.grown.name(row): row for row in self.rows.tolist()}
        return self._row_of.get(name)

    def family(self, prep_id: str) -> list[int]:
        """The rows of the workflows of *prep_id* that are there now."""
        if not self._rows_of:
            for row in self.rows.tolist():
                prep = self.grown.part(int(self.grown.works.family[row])).prep_id
                self._rows_of.setdefault(prep, []).append(row)
        return self._rows_of.get(prep_id, [])

    def made(self, name: str) -> Made | None:
        """The workflow called *name*; None when it is not there now."""
        row = self.row(name)
        return None if row is None else self.made_row(row)

    def made_row(self, row: int) -> Made:
        """One workflow with all that is known of it."""
        works = self.grown.works
        generation = self._of(row)
        cells: list[tuple[int, int, int, int]] = []
        failings: list[Any] = []
        fake: set[int] = set()
        if generation is not None:
            failed, (count, some) = self.grown.failed[generation], self._shown[generation]
            first, last = np.searchsorted(failed.step_work, [row, row + 1]).tolist()
            for step in range(first, last):
                if some[step]:
                    found, reasons = self._step(failed, count, step, row)
                    cells += found
                    failings += reasons
                    if step in failed.fake_step:
                        fake.add(int(failed.step_slot[step]))
        workflow = self.workflow(row)
        family = int(works.family[row])
        number = int(self.grown.families.number[family])
        events = {t: 100 + 37 * ((number + t) % 19) for t in range(len(workflow.tasks))}
        return Made(workflow, tuple(failings), tuple(sorted(cells)), frozenset(fake), events, int(self._untold[row]))

    def _of(self, row: int) -> int | None:
        """Which part of ``failed`` has what fails in this workflow."""
        for i, failed in enumerate(self.grown.failed):
            at = int(np.searchsorted(failed.step_work, row))
            if at < len(failed.step_work) and failed.step_work[at] == row:
                return i
        return None

    def _step(
        self, failed: Failed, count: Array, step: int, row: int
    ) -> tuple[list[tuple[int, int, int, int]], list[Any]]:
        """Cells and failings of one task."""
        slot = int(failed.step_slot[step])
        cells, failings = [], []
        a, b = np.searchsorted(failed.pair_step, [step, step + 1]).tolist()
        for pair in range(a, b):
            c, d = np.searchsorted(failed.cell_pair, [pair, pair + 1]).tolist()
            code = int(self._population.codes[failed.pair_code[pair]])
            mine = [(int(s), int(n)) for s, n in zip(failed.cell_site[c:d], count[c:d], strict=True) if n > 0]
            if mine:
                cells += [(slot, code, s, n) for s, n in mine]
                failings.append(failing_of(self.grown, failed, pair, slot, code, mine, row, self._life))
        a, b = np.searchsorted(failed.missing_step, [step, step + 1]).tolist()
        return cells + [(slot, NOT_REPORTED, int(s), 1) for s in failed.missing_site[a:b]], failings

    def workflow(self, row: int) -> Workflow:
        """One workflow, as ReqMgr2 would tell it."""
        grown, works = self.grown, self.grown.works
        family = int(works.family[row])
        name, part = grown.name(row), grown.part(family)
        is_acdc = bool(works.acdc[row] >= 0)
        original = grown.name(int(works.parent[row])) if is_acdc else ""
        tree = tasks(name, part)
        rate = float(self._rates[row])
        kind = "ReReco" if part.chain == "data" else "StepChain" if grown.families.stepchain[family] else "TaskChain"
        workflow = Workflow(
            name=name,
            prep_id=part.prep_id,
            campaign="Run2018" if part.chain == "data" else part.campaign,
            request_type="Resubmission" if is_acdc else kind,
            status=self._status(row),
            priority=int(grown.families.priority[family]) * (1 + is_acdc),
            requested_at=datetime.fromtimestamp(int(works.born[row]), timezone.utc),
            original=original,
            estimated_jobs=int(self._jobs[row]),
            failure_rate=None if math.isnan(rate) else rate,
            tasks=tree,
        )
        return replace(workflow, parameters=parameters_of(grown.families, family, workflow, kind))

    def age(self, row: int) -> float:
        """How much of its time a workflow has behind it, 0..1."""
        return min(1.0, max(0.0, (self.at - float(self.grown.works.born[row])) / self._life))

    def _status(self, row: int) -> str:
        works, age = self.grown.works, self.age(row)
        family = int(works.family[row])
        if self.grown.archived[family] < np.inf and self.at > self.grown.archived[family] - 0.05 * self._life:
            return "closed-out"
        if self._population.name == "acted" and works.generation[row] == 0:
            return "completed"
        if works.generation[row]:
            return "acquired" if age < 0.01 else "running-closed" if age < 0.12 else "completed"
        return "running-open" if age < 0.016 else "running-closed" if age < 0.963 else "completed"
