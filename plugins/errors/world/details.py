"""Particulars of workflows and of their failures: parameters, jobs, files, memory, hosts."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

import numpy as np

from wwt_framework.model import Task, Workflow

from .draws import Array, below, bits, normal, uniform
from .effects import needed_memory
from .failures import UNSAID, Failed
from .families import Families
from .growth import RAMP, Grown
from .made import CAUSES, Failing
from .parameters import load
from .sites import NOISE, SITES

_RATE, _JOBS, _FILE, _WALL, _TIME, _UNSEEN = range(801, 807)
#: Codes whose jobs wanted a file that they could not have or read.
FILE_CODES = frozenset({73, 84, 85, 92, 8003, 8016, 8020, 8021, 8022, 8023, 8026, 8027, 8028, 8033})
MEMORY_CODES = frozenset({137, 8004, 50660, 50661})
WALL_CODES = frozenset({50664, 71304})
#: Soft limit of the time that a job may take, seconds (REALISM 4).
WALL_LIMIT_S = 159_600
_SIZES = {
    "EventBased": "EventsPerJob",
    "EventAwareLumiBased": "EventsPerJob",
    "ParentlessMergeBySize": "MaxMergeEvents",
}


def failing_of(
    grown: Grown, failed: Failed, pair: int, slot: int, code: int, cells: list[tuple[int, int]], row: int, life: float
) -> Failing:
    """Why one exit code of one task failed."""
    places = SITES + NOISE
    family = int(grown.works.family[row])
    key = failed.pair_key[pair : pair + 1]
    cause, evidence = int(failed.pair_cause[pair]), int(failed.pair_evidence[pair])
    sites = tuple((places[s], n) for s, n in sorted(cells, key=lambda cell: (-cell[1], cell[0])))
    limit = int(grown.families.memory[family])
    born = float(grown.works.born[row])
    onset = float(grown.families.onset[family]) * RAMP * life * (grown.works.generation[row] == 0)
    began = born + onset + float(uniform(key, _TIME)[0]) * 0.2 * RAMP * life
    site = next((name for name, _ in sites if name in _PLACES), sites[0][0])
    in_memory, in_time = code in MEMORY_CODES, code in WALL_CODES
    return Failing(
        task=slot, exit_code=code, cause=CAUSES[cause], evidence="" if evidence == UNSAID else CAUSES[evidence],
        sites=sites, lfns=_files(grown, family, key) if code in FILE_CODES else (),
        memory_mb=int(needed_memory(key, np.array([limit]))[0]) if in_memory else 0,
        memory_limit_mb=limit if in_memory else 0,
        wall_s=WALL_LIMIT_S + int(uniform(key, _WALL)[0] * 9000) if in_time else 0,
        wall_limit_s=WALL_LIMIT_S if in_time else 0,
        site=site, host=f"se.{site.lower().replace('_', '-')}.example.org",
        began=datetime.fromtimestamp(int(began), timezone.utc), key=int(key[0] >> np.uint64(1)),
    )  # fmt: skip


_PLACES = frozenset(SITES)


def _files(grown: Grown, family: int, key: Any) -> tuple[str, ...]:
    """One to three input files, the same for all who ask."""
    part = grown.part(family)
    number = int(bits(key, _FILE)[0])
    found = []
    for i in range(1 + number % 3):
        word = f"{int(bits(key, _FILE, i + 1)[0]):016X}"
        tail = f"{int(bits(key, _FILE, i + 9)[0]):016X}"
        kind = "data" if part.chain == "data" else "mc"
        uuid = f"{word[:8]}-{word[8:12]}-E{tail[:3]}-{tail[3:7]}-{tail[4:16]}"
        found.append(f"/store/{kind}/{part.campaign}/{number % 97:05d}/{uuid}.root")
    return tuple(found)


def unseen(key: Array) -> Array:
    """Failed jobs of workflows of which only tasks fail that nobody triages, in the end."""
    parameters = load()
    jobs = np.exp(np.interp(uniform(key, _UNSEEN), parameters.knots, parameters.quiet_jobs))
    found: Array = np.floor(jobs + 0.5).astype(np.int64)
    return found


def estimated_jobs(key: Array, at_last: Array, now: Array, part: Array, alone: Array) -> tuple[Array, Array]:
    """Jobs of workflows, and their failure rates now, NaN where nothing is done yet.

    *key*: of their families; *at_last*: jobs that will have failed; *now*: those that have;
    *part*: how much of the work is done, 0..1; *alone*: whether only tasks fail that nobody triages.
    The rates are those that were counted.
    """
    parameters = load()
    u = below(0.4 * normal(key, _JOBS) + 0.917 * normal(key, _RATE))
    points = np.linspace(0, 1, len(parameters.failure_rates))
    usual, of_alone = (np.interp(u, points, rates) for rates in (parameters.failure_rates, parameters.quiet_rates))
    rate = np.exp(np.where(alone, of_alone, usual))
    well = 20 + np.floor(np.exp(6 + 1.2 * normal(key, _JOBS)))
    jobs = np.where(at_last > 0, np.maximum(at_last, np.round(at_last / rate)), well).astype(np.int64)
    done = now + (jobs - at_last) * part
    with np.errstate(invalid="ignore", divide="ignore"):
        return jobs, np.where(done > 0, now / done, np.nan)


@lru_cache(maxsize=32)
def whitelist(number: int) -> tuple[str, ...]:
    """Where a request may run: all that run jobs, but for a few."""
    small = load().populations["running"].small
    usual = [site for site, share in zip(load().sites, small, strict=True) if share > 0 and not site.endswith("_Disk")]
    return tuple(site for i, site in enumerate(usual) if (i * 7 + number) % 13)


def parameters_of(f: Families, family: int, workflow: Workflow, kind: str) -> dict[str, Any]:
    """What ReqMgr2 would say of a request; *kind* is the type of the original."""
    memory, cores = int(f.memory[family]), int(f.cores[family])
    at, number = workflow.requested_at, int(f.number[family])
    found = {
        "RequestName": workflow.name, "PrepID": workflow.prep_id, "Campaign": workflow.campaign,
        "RequestType": workflow.request_type, "SubRequestType": "ReReco" if kind == "ReReco" else "MC",
        "RequestStatus": workflow.status, "RequestPriority": workflow.priority,
        "RequestDate": [at.year, at.month, at.day, at.hour, at.minute, at.second] if at else [],
        "Requestor": workflow.name.split("_", 1)[0], "Memory": memory, "Multicore": cores,
        "TimePerEvent": round(0.5 + number % 97 * 0.4, 1), "SizePerEvent": 512,
        "TotalEstimatedJobs": workflow.estimated_jobs, "SiteWhitelist": whitelist(number % 26),
    }  # fmt: skip
    if workflow.original:
        found["OriginalRequestName"] = workflow.original
        found["InitialTaskPath"] = workflow.tasks[0].path.replace(workflow.name, workflow.original)
    if kind != "ReReco":
        found |= _chain(kind, workflow.tasks, memory, cores)
    return found


def _chain(kind: str, tasks: tuple[Task, ...], memory: int, cores: int) -> dict[str, Any]:
    """TaskChain and Task1, Task2 ...: the tasks that are no merges."""
    word = "Step" if kind == "StepChain" else "Task"
    steps = [task for task in tasks if task.task_type != "Merge"]
    found: dict[str, Any] = {kind: len(steps)}
    for i, task in enumerate(steps):
        own = {
            "TaskName": task.path.rsplit("/", 1)[1], "SplittingAlgo": task.splitting,
            _SIZES[task.splitting]: 500, "Memory": memory, "Multicore": cores,
        }  # fmt: skip
        found[f"{word}{i + 1}"] = {**own, "InputTask": steps[i - 1].path.rsplit("/", 1)[1]} if i else own
    return found
