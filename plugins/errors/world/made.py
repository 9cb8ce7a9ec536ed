"""One workflow of the made-up grid with all that there is to know about it, also what nobody may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from wwt_framework.model import NOT_REPORTED, Recovery, Workflow

from .parameters import load
from .sites import SITES

#: What may be behind failed jobs.
CAUSES: tuple[str, ...] = load().causes


@dataclass(frozen=True, slots=True)
class Failing:
    """One exit code of one task, and why: what texts are written from.

    Texts may use ``evidence`` and never ``cause``: what plugins can see is worked out from that.
    """

    task: int  # index into the tasks of the workflow
    exit_code: int
    cause: str  # one of CAUSES
    evidence: str  # the cause that the logs speak of; "": a text that any cause of this code may have
    sites: tuple[tuple[str, int], ...]  # site, failed jobs; the largest first
    lfns: tuple[str, ...]  # input files that are missing or can not be read; () for codes that have none
    memory_mb: int  # what a job took
    memory_limit_mb: int
    wall_s: int  # how long a job ran
    wall_limit_s: int
    site: str  # the site in question
    host: str  # its storage, made up
    began: datetime  # when the first of them failed
    key: int  # of this workflow, task and code for ever, below 2**63


@dataclass(frozen=True)
class Made:
    """One workflow: ``cells`` are task index, exit code, index into SITES + NOISE, failed jobs."""

    workflow: Workflow
    failings: tuple[Failing, ...] = ()
    cells: tuple[tuple[int, int, int, int], ...] = ()
    fake: frozenset[int] = frozenset()  # tasks without input
    events_per_job: Mapping[int, int] = field(default_factory=dict)  # task -> events
    untold: int = 0  # failed jobs of tasks that nobody triages, where nothing else failed

    def recoveries(self) -> list[Recovery]:
        """What an ACDC would rerun, for each task that failed: the events of its failed jobs, by site of the input."""
        found = []
        for t, task in enumerate(self.workflow.tasks):
            places = [SITES[s] for i, code, s, _ in self.cells if (i, code) == (t, NOT_REPORTED) and s < len(SITES)]
            jobs = sum(n for i, code, _, n in self.cells if i == t and code != NOT_REPORTED)
            if jobs and places:
                found.append(self._recovery(t, task.path, jobs, places))
        return found

    def _recovery(self, t: int, path: str, jobs: int, places: list[str]) -> Recovery:
        events = jobs * self.events_per_job.get(t, 500)
        if t in self.fake:
            return Recovery(path, frozenset(places), events, fake_files=True)
        part, rest = divmod(events, len(places))
        return Recovery(path, frozenset(places), events, {p: part + (i < rest) for i, p in enumerate(places)})
