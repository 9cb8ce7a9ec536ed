"""Answers of WMStats: which jobs of a workflow failed, with a report of one of them, and how many of them did well.

Shapes: dmwm/WMCore, Services/WMStatsServer and JobStateMachine/ChangeState.py; dmwm/WMCore issues 6858, 7905, 9047.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any

from wwt_framework.model import NOT_REPORTED

from .made import Failing, Made
from .sites import NOISE
from .texts import Said, job, named_files
from .words import has_message, scene

_AGENTS = tuple(f"vocms{number:04d}.example.org" for number in (250, 251, 255, 259, 281, 283))
#: Share of tasks of which jobs succeeded after they had failed; of workflows whose logs could not be collected.
_HEALED, _UNCOLLECTED = 0.15, 0.25
_SUBMISSION = range(71100, 71200)


def jobdetail(made: Made, acted_on: bool) -> dict[str, Any]:
    """``{workflow: {task: {state: {exit code: {site: {errorCount, samples}}}}}}``; only tasks with failed jobs."""
    tasks: dict[str, Any] = {}
    for failing in made.failings:
        path = made.workflow.tasks[failing.task].path
        states = tasks.setdefault(path, {"jobfailed": {}})
        codes = states["jobfailed"].setdefault(str(failing.exit_code), {})
        for site, count in failing.sites:
            key = _site_key(failing.exit_code, site)
            codes[key] = {"errorCount": count, "samples": [_sample(made, failing, site, acted_on)]}
        _others(states, made, failing, acted_on)
    _log_collect(tasks, made)
    return {made.workflow.name: tasks}


def _site_key(code: int, site: str) -> str:
    """Jobs that were never made have no site: None, which JSON makes a word of."""
    return "null" if code == 99305 and site in NOISE else site  # a site called null is none, too


def _others(states: dict[str, Any], made: Made, failing: Failing, acted_on: bool) -> None:
    """States that are none of the failed jobs: jobs that wait to be tried again, that failed and then succeeded."""
    rng = Random(f"{failing.key} states")
    site, count = failing.sites[0]
    if failing.exit_code in _SUBMISSION:
        again = {"errorCount": count, "samples": [_sample(made, failing, site, acted_on, "submitfailed", 1)]}
        states.setdefault("submitfailed", {}).setdefault(str(failing.exit_code), {})[site] = again
    elif rng.random() < _HEALED:
        waiting = {
            "errorCount": rng.randrange(1, 4),
            "samples": [_sample(made, failing, site, acted_on, "jobcooloff", 1)],
        }
        states.setdefault("jobcooloff", {}).setdefault(str(failing.exit_code), {})[site] = waiting
        done = {"errorCount": rng.randrange(1, 9), "samples": [_healed(made, failing, site)]}
        states.setdefault("success", {}).setdefault("0", {})[site] = done


def _log_collect(tasks: dict[str, Any], made: Made) -> None:
    """Tasks that collect logs or clean up fail, too; nobody triages them, but they are told."""
    rng = Random(f"{made.workflow.name} logs")
    if not made.failings or rng.random() > _UNCOLLECTED:
        return
    failing = made.failings[0]
    parent = made.workflow.tasks[failing.task].path
    path = f"{parent}/LogCollectFor{parent.rpartition('/')[2]}"
    site, _ = failing.sites[0]
    report = {**_frame(made, failing, site, "jobfailed", 9), "task": path, "jobtype": "LogCollect", "exitcode": 60307}
    report["errors"] = {"logCollect1": [{"type": "LogCollectFailure", "details": "'lfn-prefix'", "exitCode": 60307}]}
    tasks[path] = {"jobfailed": {"60307": {site: {"errorCount": 1, "samples": [report]}}}}


# -- one job's report ----------------------------------------------------------------


def _sample(
    made: Made, failing: Failing, site: str, acted_on: bool, state: str = "jobfailed", number: int = 0
) -> dict[str, Any]:
    what = scene(made, failing, site, acted_on, number)
    said = job(what) if has_message(failing, site, acted_on) else ()
    report = _frame(made, failing, site, state, number)
    report["inputfiles"] = [{"lfn": lfn, "input_type": "primaryFiles"} for lfn in named_files(what, said)]
    report["errors"] = _errors(said)
    return report


def _errors(said: tuple[Said, ...]) -> dict[str, list[dict[str, Any]]]:
    """Errors by step; what the application reports of itself has its code as a string. A step may have none."""
    steps: dict[str, list[dict[str, Any]]] = {"logArch1": []} if said else {}
    for one in said:
        code: int | str = str(one.exit_code) if one.error_type == "Fatal Exception" else one.exit_code
        steps.setdefault(one.step, []).append({"type": one.error_type, "details": one.details, "exitCode": code})
    return steps


def _healed(made: Made, failing: Failing, site: str) -> dict[str, Any]:
    return {**_frame(made, failing, site, "success", 2), "exitcode": 0, "errors": {}}


def _frame(made: Made, failing: Failing, site: str, state: str, number: int) -> dict[str, Any]:
    """What every report has: ids, places and times."""
    rng = Random(f"{failing.key} {site} {state} {number} report")
    task = made.workflow.tasks[failing.task]
    nowhere = _site_key(failing.exit_code, site) == "null" or failing.exit_code in _SUBMISSION
    at = int((failing.began + timedelta(minutes=rng.randrange(600))).timestamp())
    identity = sha256(f"{failing.key} {site} {state} {number}".encode()).hexdigest()
    agent, tries = rng.choice(_AGENTS), rng.randrange(1, 4)
    last = rng.choice(failing.sites)[0] if rng.random() < 0.05 else site  # reports name another site now and then
    return {
        "_id": f"{identity[:8]}-{identity[8:12]}-11e9-{identity[12:16]}-{identity[16:28]}-{rng.randrange(2000)}",
        "_rev": f"{rng.randrange(2, 20)}-{identity[:32]}", "type": "jobsummary", "wmbsid": rng.randrange(10**3, 10**7),
        "retrycount": tries, "workflow": made.workflow.name, "task": task.path, "jobtype": task.task_type,
        "state": state, "site": None if nowhere else site, "cms_location": {} if nowhere else site,
        "exitcode": failing.exit_code, "eos_log_url": None, "worker_node_info": {}, "lumis": [], "outputdataset": None,
        "inputfiles": [], "acdc_url": "https://couch.example.org/couchdb/acdcserver", "agent_name": agent, "output": [],
        "timestamp": at, "errors": {},
        "state_history": [
            {"oldstate": "executing", "newstate": "jobcooloff", "location": site, "timestamp": at - 7200 * tries},
            {"oldstate": "complete", "newstate": state, "location": last, "timestamp": at},
        ],
    }  # fmt: skip


# -- how many did well ---------------------------------------------------------------


def request(made: Made, document: dict[str, Any]) -> dict[str, Any]:
    """``{workflow: request document and AgentJobInfo}``: counters per agent, task and site; none of them is zero."""
    failed = made.untold + sum(count for _, code, _, count in made.cells if code != NOT_REPORTED)
    rate = made.workflow.failure_rate
    if rate is None:
        return {made.workflow.name: {**document, "AgentJobInfo": {}}}
    succeeded = round(failed * (1 - rate) / rate) if rate else max(made.workflow.estimated_jobs or 1, 1)
    rng = Random(f"{made.workflow.name} agents")
    agents = rng.sample(_AGENTS, 1 if failed < 20 else rng.randrange(1, 4))
    shares: dict[str, list[Failing]] = defaultdict(list)
    for failing in made.failings:
        shares[rng.choice(agents)].append(failing)
    info = {
        f"https://{agent}:9999": _agent(
            made, agent, shares[agent], succeeded // len(agents) + (n < succeeded % len(agents)), made.untold * (n == 0)
        )
        for n, agent in enumerate(agents)
    }
    return {made.workflow.name: {**document, "AgentJobInfo": info}}


def _agent(made: Made, agent: str, failings: list[Failing], succeeded: int, untold: int) -> dict[str, Any]:
    sites: dict[str, Counter[str]] = defaultdict(Counter)
    tasks: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for failing in failings:
        kind = "create" if failing.exit_code == 99305 else "submit" if failing.exit_code in _SUBMISSION else "exception"
        path = made.workflow.tasks[failing.task].path
        for site, count in failing.sites:
            sites[site][kind] += count
            tasks[path][site][kind] += count
    whole = sum(sites.values(), Counter({"exception": untold} if untold else {}))
    name = made.workflow.name
    return {
        "_id": sha256(f"{agent} {name}".encode()).hexdigest()[:32], "_rev": "1-" + sha256(name.encode()).hexdigest()[:32],
        "agent": "WMAgent", "agent_team": "production", "agent_url": f"{agent}:9999", "workflow": name,
        "type": "agent_request", "timestamp": int(max((f.began for f in failings), default=_requested(made)).timestamp()),
        "status": {**_status(whole, succeeded), **({"inWMBS": whole.total() + succeeded} if succeeded else {})},
        "sites": {site: _status(counter, 0) for site, counter in sites.items()},
        "tasks": {path: _task(made, path, by_site) for path, by_site in tasks.items()}, "skipped": False,
    }  # fmt: skip


def _requested(made: Made) -> datetime:
    requested = made.workflow.requested_at
    assert requested is not None, "the world knows when each workflow was requested"
    return requested


def _status(failed: Counter[str], succeeded: int) -> dict[str, Any]:
    """Only counters that count something are told."""
    found: dict[str, Any] = {"failure": dict(failed)} if failed else {}
    return {**found, "success": succeeded} if succeeded else found


def _task(made: Made, path: str, by_site: dict[str, Counter[str]]) -> dict[str, Any]:
    kind = next(task.task_type for task in made.workflow.tasks if task.path == path)
    return {
        "jobtype": kind, "status": _status(sum(by_site.values(), Counter()), 0),
        "sites": {site: {**_status(counter, 0), "dataset": {}, "inputEvents": 0} for site, counter in by_site.items()},
        "subscription_status": {"finished": 0, "open": 1, "total": 1, "updated": int(_requested(made).timestamp())},
    }  # fmt: skip
