"""The world as files that plugins read back: errors, statuses, parameters, site statuses, logs, recoveries."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wwt_framework.model import NOT_REPORTED, SiteStatus

from .export_requests import request_document
from .made import Made
from .sites import NOISE, SITES
from .words import excerpts

#: Of a workflow that waits for an operator: what Unified says of it, and what of an ACDC's.
MANUAL = ("assistance-manual", "assistance-manual-recovered")


def errors_of(made: Made) -> dict[str, dict[str, dict[str, int]]]:
    """``{task: {exit code: {site: failed jobs}}}`` of one workflow."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    places = SITES + NOISE
    for task, code, site, count in made.cells:
        name = "NotReported" if code == NOT_REPORTED else str(code)
        found.setdefault(made.workflow.tasks[task].path, {}).setdefault(name, {})[places[site]] = count
    return found


def statuses_of(made: Made) -> tuple[str, str]:
    """The two statuses of a workflow: Unified's, ReqMgr2's."""
    return MANUAL[made.workflow.is_acdc], made.workflow.status


def recoveries_of(made: Made) -> list[dict[str, Any]]:
    """What is missing, task by task, as JSON."""
    return [{**asdict(recovery), "sites": sorted(recovery.sites)} for recovery in made.recoveries()]


def logs_of(made: Made, acted_on: bool) -> list[dict[str, Any]]:
    """Excerpts of all exit codes, as JSON."""
    codes = {failing.exit_code for failing in made.failings}
    found = []
    for log in excerpts(made, codes, acted_on):
        plain = asdict(log)
        plain["at"] = log.at.isoformat() if log.at else None
        found.append(plain)
    return found


def production_status(statuses: Iterable[SiteStatus]) -> Iterator[str]:
    """Lines of ProdStatus.txt: time, site, status, colour and an address, with tabs between them."""
    yield "#txt\n#\n# Site Support Team, Prod Status of a made-up grid\n#\n"
    for status in statuses:
        since = f"{status.since:%Y-%m-%d %H:%M:%S}" if status.since else "2017-01-01 00:00:00"
        colour = status.readiness.colour
        yield f"{since}\t{status.site}\t{status.production}\t{colour}\thttps://sites.example.org/{status.site}\n"


@contextmanager
def members(path: Path) -> Iterator[Callable[[str, Any], None]]:
    """Write a JSON object member by member with ``add(name, value)``, so that it is never whole in memory.

    A name may come once.
    """
    with path.open("w", encoding="utf-8") as file:
        before = "{\n"

        def add(name: str, value: Any) -> None:
            nonlocal before
            file.write(f"{before}{json.dumps(name)}: {json.dumps(value)}")
            before = ",\n"

        yield add
        file.write("{}\n" if before == "{\n" else "\n}\n")


def write_files(folder: Path, made: Iterable[Made], sites: Iterable[SiteStatus], acted_on: bool) -> dict[str, int]:
    """Write the world into the existing *folder*; returns how many lines or members each file has."""
    counts = dict.fromkeys(("all_errors.json", "statuses.json"), 0)
    lines: dict[str, Callable[[Made], Iterable[Any]]] = {
        "workflows.jsonl": lambda one: (request_document(one.workflow),),
        "logs.jsonl": lambda one: logs_of(one, acted_on),
        "recoveries.jsonl": recoveries_of,
    }
    counts |= dict.fromkeys(lines, 0)
    files = {name: (folder / name).open("w", encoding="utf-8") for name in lines}
    try:
        with members(folder / "all_errors.json") as errors, members(folder / "statuses.json") as statuses:
            for one in made:
                for task, codes in errors_of(one).items():
                    errors(task, codes)
                    counts["all_errors.json"] += 1
                statuses(one.workflow.name, statuses_of(one))
                counts["statuses.json"] += 1
                for name, told in lines.items():
                    for item in told(one):
                        files[name].write(json.dumps(item) + "\n")
                        counts[name] += 1
    finally:
        for file in files.values():
            file.close()
    (folder / "ProdStatus.txt").write_text("".join(production_status(sites)), encoding="utf-8")
    return counts
