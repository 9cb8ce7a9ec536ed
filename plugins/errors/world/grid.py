"""The workflows of the made-up grid and how they fail.

Workflow number k is born at ``k * step``; at any time the last n of them are alive.
Everything about it follows from the seed and k, how far it is from its age.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache

import numpy as np

from wwt_framework.cube import ErrorColumns
from wwt_framework.model import NOT_REPORTED, Recovery, Task, Workflow

from .sites import NOISE, SITES

_PWGS = ("HIG", "SUS", "B2G", "EXO", "TOP", "SMP", "HIN", "BPH")
_CAMPAIGNS = (
    "RunIISummer20UL16wmLHEGEN", "RunIISummer20UL17wmLHEGEN", "RunIISummer20UL18wmLHEGEN", "RunIIAutumn18DRPremix",
    "RunIIFall18wmLHEGS", "Run3Winter22MiniAOD",
)  # fmt: skip
_REQUESTORS = ("gridprod", "mcfactory", "datateam")
_OUTPUTS = ("RAWSIMoutput", "AODSIMoutput", "MINIAODSIMoutput")


@dataclass(frozen=True)
class Cause:
    """Why a workflow fails: which codes in which shares, and at how many sites."""

    name: str
    share: float
    codes: tuple[tuple[int, float], ...]
    spread: tuple[int, int]  # sites, at least and at most
    size: float  # typical number of failed jobs per cell


CAUSES = (
    Cause("missing input file", 0.24, ((8028, 0.6), (8021, 0.25), (92, 0.15)), (1, 9), 4),
    Cause("memory", 0.14, ((50660, 0.9), (137, 0.1)), (5, 24), 6),
    Cause("wall time", 0.14, ((50664, 0.75), (71304, 0.25)), (1, 8), 8),
    Cause("site outage", 0.14, ((99303, 0.7), (71305, 0.3)), (1, 2), 60),
    Cause("stuck in the queue", 0.1, ((71305, 0.8), (71104, 0.2)), (1, 10), 20),
    Cause("stage-out", 0.09, ((99109, 0.8), (60311, 0.2)), (1, 3), 8),
    Cause("bad configuration", 0.08, ((8001, 0.8), (139, 0.2)), (8, 30), 12),
    Cause("corrupt output", 0.07, ((60450, 0.5), (50115, 0.3), (8501, 0.2)), (1, 4), 3),
)
_SHARES = np.cumsum([cause.share for cause in CAUSES]) / sum(cause.share for cause in CAUSES)
#: How often a site is the one that fails: the busy ones more often.
_BUSY = 1 / np.arange(1, len(SITES) + 1) ** 0.7


@dataclass(frozen=True)
class Made:
    """One workflow and its failed jobs: ``cells`` are (task index, exit code, site index, failed jobs)."""

    workflow: Workflow
    cause: Cause
    cells: tuple[tuple[int, int, int, int], ...]

    def recoveries(self) -> list[Recovery]:
        """One for each task that failed."""
        found = []
        for t, task in enumerate(self.workflow.tasks):
            mine = {SITES[s]: n * 500 for i, _, s, n in self.cells if i == t and s < len(SITES)}
            if mine:
                found.append(Recovery(task.path, frozenset(mine), sum(mine.values()), mine))
        return found


class Grid:
    """The grid of one seed."""

    def __init__(self, size: int, seed: int, lifetime_s: float) -> None:
        self.size = size
        self.seed = seed
        self.lifetime_s = lifetime_s
        self._step = lifetime_s / size
        # Ages are taken in steps, so that one refresh asks for each workflow once.
        self._made = lru_cache(maxsize=4 * size)(self._make)

    def alive(self, now: datetime) -> Iterator[Made]:
        """Workflows and ACDCs alive at *now*, oldest first."""
        newest = int(now.timestamp() // self._step)
        for number in range(newest - self.size + 1, newest + 1):
            yield from self._made(number, self._age(number, now))

    def find(self, name: str, now: datetime) -> Made | None:
        """The workflow called *name*; the number it was born with is at the end of its name."""
        number = name.rpartition("_")[2]
        if not number.isdecimal() or len(number) > 4:
            return None
        newest = int(now.timestamp() // self._step)
        last = newest - (newest - int(number)) % 10_000
        for candidate in range(last, newest - self.size, -10_000):
            for made in self._made(candidate, self._age(candidate, now)):
                if made.workflow.name == name:
                    return made
        return None

    def errors(self, now: datetime, names: set[str] | None) -> ErrorColumns:
        """Failed jobs of everything alive, or of *names*."""
        tasks: list[str] = []
        codes: dict[int, int] = {}
        rows: list[tuple[int, int, int, int]] = []
        for made in self.alive(now):
            if names is None or made.workflow.name in names:
                first = len(tasks)
                tasks += [task.path for task in made.workflow.tasks]
                rows += [(first + t, codes.setdefault(c, len(codes)), s, n) for t, c, s, n in made.cells]
        columns = np.array(rows, np.int64).reshape(len(rows), 4)
        return ErrorColumns(tasks, tuple(codes), SITES + NOISE, *columns.T)

    def _age(self, number: int, now: datetime) -> float:
        """How much of its life a workflow has behind it, 0..1 in steps of a fiftieth."""
        return min(1.0, max(0.0, int((now.timestamp() - number * self._step) / self.lifetime_s * 50) / 50))

    def _make(self, number: int, age: float) -> tuple[Made, ...]:
        rng = np.random.default_rng((self.seed, number))
        cause = CAUSES[int(np.searchsorted(_SHARES, rng.random()))]
        born = datetime.fromtimestamp(int(number * self._step), timezone.utc)
        campaign = _CAMPAIGNS[int(rng.integers(len(_CAMPAIGNS)))]
        prep = f"{_PWGS[int(rng.integers(len(_PWGS)))]}-{campaign}-{number // 2 % 100_000:05d}"
        jobs = int(np.exp(rng.normal(6.5, 1.2))) + 10
        depth = 1 + int(rng.choice(4, p=(0.4, 0.3, 0.2, 0.1)))
        original = self._workflow(number, prep, campaign, born, "", depth, jobs, age)
        acdc_at = 0.5 + 0.4 * float(rng.random())
        cells = self._cells(rng, cause, depth, min(1.0, age / 0.4) if rng.random() < 0.93 else 0.0)
        made = [Made(self._with_rate(original, cells, jobs, age), cause, cells)]
        if age > acdc_at and cells and rng.random() < 0.35:
            later = born.timestamp() + acdc_at * self.lifetime_s
            when = datetime.fromtimestamp(int(later), timezone.utc)
            acdc = self._workflow(number, prep, campaign, when, original.name, depth, jobs // 10, age - acdc_at)
            few = self._cells(rng, cause, depth, 0.1 if rng.random() < 0.6 else 0.0)
            made.append(Made(self._with_rate(acdc, few, jobs // 10 + 1, age), cause, few))
        return tuple(made)

    def _workflow(
        self, number: int, prep: str, campaign: str, born: datetime, original: str, depth: int, jobs: int, age: float
    ) -> Workflow:
        requestor = _REQUESTORS[number % len(_REQUESTORS)]
        head = f"{requestor}_ACDC0_task" if original else f"{requestor}_task"
        name = f"{head}_{prep}__v1_T_{born:%y%m%d_%H%M%S}_{number % 10_000}"
        paths = [f"/{name}/{prep}_0"]
        for level in range(1, depth):
            paths.append(f"{paths[-1]}/{prep}_{level - 1}Merge{_OUTPUTS[(level - 1) % len(_OUTPUTS)]}")
        tasks = tuple(
            Task(path, "Merge" if i else "Production", "EventAwareLumiBased" if i else "EventBased")
            for i, path in enumerate(paths)
        )
        return Workflow(
            name=name, prep_id=prep, campaign=campaign, request_type="Resubmission" if original else "TaskChain",
            status="completed" if age > 0.8 else "running-closed", priority=85_000 + number * 7919 % 40_000,
            requested_at=born, original=original, estimated_jobs=jobs, tasks=tasks,
            parameters={
                "RequestName": name, "PrepID": prep, "Campaign": campaign, "Memory": 2000 + number % 5 * 500,
                "Multicore": (1, 4, 8)[number % 3], "SubRequestType": "MC", "TotalEstimatedJobs": jobs,
                "Requestor": requestor, "OriginalRequestName": original,
            },
        )  # fmt: skip

    @staticmethod
    def _with_rate(workflow: Workflow, cells: tuple[tuple[int, int, int, int], ...], jobs: int, age: float) -> Workflow:
        failed = sum(n for *_, n in cells)
        done = int(jobs * max(age, 0.02)) + failed
        values = {name: getattr(workflow, name) for name in workflow.__dataclass_fields__}
        return Workflow(**{**values, "failure_rate": failed / done if done else None})

    @staticmethod
    def _cells(
        rng: np.random.Generator, cause: Cause, depth: int, grown: float
    ) -> tuple[tuple[int, int, int, int], ...]:
        """Failed jobs of a workflow that has *grown* to this part of its errors; heavy tails as in life."""
        cells: dict[tuple[int, int, int], int] = {}
        scale = cause.size * float(np.exp(rng.normal(0, 1.3)))
        n_sites = int(rng.integers(cause.spread[0], cause.spread[1] + 1))
        sites = rng.choice(len(SITES), n_sites, replace=False, p=_BUSY / _BUSY.sum())
        for task in range(depth):
            if task and rng.random() < 0.5:
                continue
            for site in sites.tolist():
                for code, share in cause.codes:
                    if rng.random() < share + 0.15:
                        cells[task, code, site] = int(rng.lognormal(np.log(scale * share + 0.5), 0.9) * grown)
            if rng.random() < 0.3:  # there is always something else, too
                code = (8001, 8028, 50660, 71305, 11003)[int(rng.integers(5))]
                site = (
                    len(SITES) + int(rng.integers(len(NOISE))) if rng.random() < 0.2 else int(rng.integers(len(SITES)))
                )
                cells.setdefault((task, code, site), int(rng.integers(1, 4) * grown + 0.5))
            for site in sites[:3].tolist():
                cells[task, NOT_REPORTED, site] = 1 if grown else 0
        return tuple((*key, count) for key, count in sorted(cells.items()) if count > 0)
