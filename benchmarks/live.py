"""``python -m benchmarks.live [WORKFLOWS ...]``: a refresh over HTTPS against the stand-in for the grid's services.

Requests per refresh, seconds per 1,000 workflows at 0, 50 and 200 ms per answer, memory: of a first refresh and of the
next one, when nothing has changed. ``--data FOLDER``: the rebuilt answers of real workflows in the place of made-up ones.
Server and console are processes of their own. Times are by the clock: they are mostly waiting.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wwt_framework.app import App
from wwt_framework.services.refresh import refresh
from wwt_framework.testing.certificates import Authority
from wwt_framework.testing.grid_services import Answers, Given, GridServices, Written
from wwt_framework.testing.running import running

LATENCIES_MS = (0, 50, 200)


def rebuilt(folder: Path) -> Given:
    """The answers about the real workflows in *folder*."""
    told: dict[str, Any] = {}
    preps: dict[str, dict[str, Any]] = {}
    for request in _lines(next((folder / "reqmgr2").glob("reconstructed_requests*.gz"))):
        name = request["RequestName"]
        told[f"/reqmgr2/data/request?name={name}"] = {"result": [{name: request}]}
        preps.setdefault(request.get("PrepID") or "", {})[name] = request
    for prep_id, family in preps.items():
        told[f"/reqmgr2/data/request?prep_id={prep_id}&detail=true"] = {"result": [family]}
    names = []
    for line in _lines(next((folder / "wmstats").glob("reconstructed_jobdetail*.gz"))):
        answer = line["body"]
        (name,) = answer["result"][0]
        names.append(name)
        told[f"/wmstatsserver/data/jobdetail/{name}"] = answer
        told[f"/wmstatsserver/data/request/{name}"] = {"result": [{name: {"AgentJobInfo": {"a": _counts(answer)}}}]}
    told["/cms-unified/statuses.json"] = {name: ["assistance-manual", "completed"] for name in names}
    return Given({address: json.dumps(answer).encode() for address, answer in told.items()})


def _lines(path: Path) -> Iterator[Any]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def _counts(answer: Any) -> dict[str, Any]:
    """What the details come to, so that they are complete."""
    failed = sum(
        cell["errorCount"]
        for tasks in answer["result"][0].values()
        for states in tasks.values()
        for sites in states.get("jobfailed", {}).values()
        for cell in sites.values()
    )
    return {"status": {"success": 1000, "failure": {"exception": failed}}}


def export(folder: Path, workflows: int) -> None:
    """Write the answers about a made-up grid."""
    it = running("errors.world", {"workflows": workflows}, folder / "plugin")
    (command,) = it.ask("register_commands")
    with contextlib.redirect_stdout(sys.stderr):
        command.command.main(["export", "--format", "services", str(folder / "answers")], standalone_mode=False)
    it.stop()


# -- the console, a process of its own --


def take(path: Path) -> None:
    """One refresh of the installation at *path*, as its job does it."""
    app = App.build(path)
    began, used = time.perf_counter(), time.process_time()
    report = refresh(app.house.hooks, app.house.config, app.store, app.house.config.house.data_dir)
    told = {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - used,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "workflows": report.workflows,
        "cells": report.cells,
    }
    app.close()
    print(json.dumps(told))


def refreshed(path: Path, services: GridServices) -> dict[str, Any]:
    """What a refresh cost, the next one in a row, and what it asked."""
    services.asked.clear()
    services.confirmed = services.connections = 0
    words = [sys.executable, "-m", "benchmarks.live", "--take", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the refresh failed:\n{done.stderr}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    asked = sum(services.asked.values())
    return {**told, "asked": asked, "confirmed": services.confirmed, "connections": services.connections}


def installation(folder: Path, services: GridServices, authority: Authority) -> Path:
    """A plugins.yml of the shipped sources, asking *services*."""
    folder.mkdir()
    about = {"certificate": str(authority.person("console")), "ca": str(authority.path)}
    errors = {
        "unified_status": {"path": f"{services.url}/cms-unified/statuses.json", **about},
        "cmsweb": {"url": services.url, **about},
    }
    path = folder / "plugins.yml"
    path.write_text(json.dumps({"wwt": {"data_dir": str(folder / "data")}, "errors": errors}))
    return path


def measure(answers: Answers, folder: Path, latencies_ms: tuple[float, ...]) -> Iterator[str]:
    """One line for each refresh."""
    authority = Authority(folder / "certificates")
    for latency in latencies_ms:
        with GridServices(answers, authority, latency_s=latency / 1000).open() as services:
            path = installation(folder / f"console-{latency:g}", services, authority)
            for which in ("first", "next"):
                told = refreshed(path, services)
                n = told["workflows"]
                yield (
                    f"{latency:4g} ms  {which:5}  {n:6,} workflows  {told['cells']:8,} cells  {told['asked']:6,} requests "
                    f"({told['asked'] / n:.2f} each, {told['confirmed']:,} unchanged)  {told['connections']:3} connections  "
                    f"{told['seconds']:6.1f} s  {told['seconds'] / n * 1000:6.1f} s per 1,000  "
                    f"{told['cpu']:5.1f} s of the processor  {told['mb']:4.0f} MB"
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workflows", nargs="*", type=int, help="sizes of made-up grids; 1000 when none is given")
    parser.add_argument("--data", type=Path, help="folder with rebuilt answers of real workflows")
    parser.add_argument("--latency", type=float, nargs="+", default=LATENCIES_MS, help="milliseconds before an answer")
    parser.add_argument("--take", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.take:
        take(given.take)
        return
    with tempfile.TemporaryDirectory(prefix="wwt-live-") as name:
        for i, size in enumerate([0] if given.data else given.workflows or [1000]):
            folder = Path(name) / str(i)
            folder.mkdir()
            if not given.data:
                export(folder, size)
            answers: Answers = rebuilt(given.data) if given.data else Written(folder / "answers")
            for line in measure(answers, folder, tuple(given.latency)):
                print(line, flush=True)


if __name__ == "__main__":
    main()
