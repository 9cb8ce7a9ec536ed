"""A made-up snapshot for the overview, and the same facts as plain Python for an independent count."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from wwt_framework.cube import ErrorColumns
from wwt_framework.model import ErrorCount, ExitCode, Readiness, SiteStatus, Workflow
from wwt_framework.snapshot import Snapshot, SnapshotParts, open_snapshot, write

TAKEN = datetime(2019, 6, 24, 12, 3, tzinfo=timezone.utc)

SITES = [
    "T1_US_FNAL", "T2_US_Purdue", "T2_CH_CERN", "T0_CH_CERN", "T2_DE_DESY", "T3_US_NotreDame", "T1_IT_CNAF",
    "T2_FR_IPHC", "T2_UK_London_IC", "CLOUD_Somewhere",
]  # fmt: skip
CODES = [-1, 85, 92, 8001, 8028, 50660, 50664, 71305, 99303]
STATUSES = [
    SiteStatus("T1_US_FNAL", Readiness.GREEN, "enabled"),
    SiteStatus("T2_US_Purdue", Readiness.RED, "drain"),
    SiteStatus("T2_CH_CERN", Readiness.YELLOW, "enabled"),
]
MEANINGS = [
    ExitCode(8028, "file could not be opened", "Neither at the site nor by fallback."),
    ExitCode(50660, "used too much memory", "The watchdog stopped it."),
    ExitCode(71305, "waited too long in queue", "Removed by the agent."),
]


@dataclass(frozen=True)
class Made:
    """A snapshot and what it was made of."""

    snapshot: Snapshot
    workflows: dict[str, Workflow]
    counts: list[ErrorCount]

    def total(self, counts: Iterable[ErrorCount] | None = None) -> int:
        return sum(e.count for e in (self.counts if counts is None else counts))

    def of(self, **wanted: object) -> list[ErrorCount]:
        """Counts by workflow, prep, task, site, exit_code."""

        def told(e: ErrorCount, name: str) -> object:
            workflow = self.workflows[e.task.split("/")[1]]
            return {"workflow": workflow.name, "prep": workflow.prep_id}.get(name) or getattr(e, name)

        return [e for e in self.counts if all(told(e, k) == v for k, v in wanted.items())]

    def by(self, key: object, counts: Iterable[ErrorCount] | None = None) -> Counter[object]:
        found: Counter[object] = Counter()
        for e in self.counts if counts is None else counts:
            found[key(e)] += e.count  # type: ignore[operator]
        return found


def workflow_of(e: ErrorCount) -> str:
    return e.task.split("/")[1]


def taken(
    folder: Path, workflows: Iterable[Workflow], counts: Iterable[ErrorCount], version: str = "v1", **more: object
) -> Made:
    """A snapshot of just these."""
    listed, cells = {w.name: w for w in workflows}, list(counts)
    folder.mkdir(parents=True)
    parts = SnapshotParts(
        version, TAKEN, list(listed.values()), ErrorColumns.of(cells), sites=STATUSES, exit_codes=MEANINGS, **more
    )
    write(folder, parts)
    return Made(open_snapshot(folder), listed, cells)


def random_world(folder: Path, preps: int = 60, seed: int = 7) -> Made:
    """Some hundred workflows with skewed counts; every tenth workflow has no errors."""
    dice = random.Random(seed)
    workflows, counts = [], {}
    for p in range(preps):
        prep = f"{dice.choice(['HIG', 'SUS', 'TOP', 'B2G'])}-RunII{dice.choice(['Fall18', 'Summer16'])}-{p:05d}"
        for k in range(dice.choice([1, 1, 1, 2, 3, 5])):
            name = f"{dice.choice(['pdmvserv', 'cmsunified_ACDC0'])}_task_{prep}__v{k}_T_{dice.randrange(10**6):06d}"
            workflows.append(
                Workflow(
                    name,
                    prep,
                    f"Campaign{p % 5}",
                    dice.choice(["TaskChain", "StepChain", "ReReco"]),
                    dice.choice(["running-closed", "completed", ""]),
                    requested_at=TAKEN - timedelta(minutes=dice.randrange(10**5)) if dice.random() > 0.1 else None,
                )
            )
            if dice.random() < 0.1:
                continue
            for t in range(dice.choice([1, 2, 4])):
                task = f"/{name}/Task{t}" + ("/Merge" if t % 2 else "")
                for _ in range(dice.choice([1, 5, 30])):
                    code = dice.choice(CODES[: dice.choice([3, 6, 9])])
                    site = dice.choice(SITES[: dice.choice([2, 5, 10])])
                    most = 5000 if site in SITES[:6] else 3
                    counts[task, code, site] = int(dice.paretovariate(0.7)) % most + 1
    return taken(folder, workflows, (ErrorCount(t, c, s, n) for (t, c, s), n in counts.items()))
