"""``python -m benchmarks.live [WORKFLOWS ...]``: a refresh over HTTPS against the stand-in for the grid's services.

Requests per refresh, seconds per 1,000 workflows at 0, 50 and 200 ms per answer, memory: of a first refresh and of the
next one, when nothing has changed, and how often the bound fits into it: the same questions by a plain session of requests,
with as many threads, whose answers nobody looks at. ``--data FOLDER``: the rebuilt answers of real workflows in the place
of made-up ones. Server and console are processes of their own. Times are by the clock: they are mostly waiting.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from wwt_framework import config as configuration
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


def ask_barely(path: Path) -> None:
    """The questions whose answers the installation at *path* keeps, once more, by a plain session."""
    house = configuration.load(path).house
    (kept,) = house.data_dir.rglob("answers.db")
    with contextlib.closing(sqlite3.connect(kept)) as answers:
        addresses = [address for (address,) in answers.execute("select address from answer")]
    options = json.loads(path.read_text())["errors"]["cmsweb"]
    with requests.Session() as session, ThreadPoolExecutor(house.concurrency) as threads:
        session.trust_env = False
        session.cert, session.verify = options["certificate"], options["ca"]
        session.mount("https://", HTTPAdapter(pool_maxsize=house.concurrency))
        began, used = time.perf_counter(), time.process_time()
        answered = sum(threads.map(lambda address: session.get(address).status_code == 200, addresses))
        told = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - used}
    if answered != len(addresses):
        sys.exit(f"{len(addresses) - answered} of {len(addresses)} questions were not answered")
    print(json.dumps(told))


def measured(how: str, path: Path, services: GridServices) -> dict[str, Any]:
    """What ``--take`` or ``--bare`` cost, in a process of its own, and what it asked."""
    services.asked.clear()
    services.confirmed = services.connections = 0
    words = [sys.executable, "-m", "benchmarks.live", how, str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{how} failed:\n{done.stderr}")
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
    """One line for each refresh, after one for its bound."""
    authority = Authority(folder / "certificates")
    for latency in latencies_ms:
        with GridServices(answers, authority, latency_s=latency / 1000).open() as services:
            path = installation(folder / f"console-{latency:g}", services, authority)
            refreshes = {which: measured("--take", path, services) for which in ("first", "next")}
            bare = measured("--bare", path, services)
            yield (
                f"{latency:4g} ms  bound  {bare['asked']:6,} requests  {bare['connections']:3} connections  "
                f"{bare['seconds']:6.1f} s  {bare['cpu']:5.1f} s of the processor"
            )
            for which, told in refreshes.items():
                n = told["workflows"]
                yield (
                    f"{latency:4g} ms  {which:5}  {n:6,} workflows  {told['cells']:8,} cells  {told['asked']:6,} requests "
                    f"({told['asked'] / n:.2f} each, {told['confirmed']:,} unchanged)  {told['connections']:3} connections  "
                    f"{told['seconds']:6.1f} s  {told['seconds'] / bare['seconds']:.2f} x bound  "
                    f"{told['seconds'] / n * 1000:6.1f} s per 1,000  "
                    f"{told['cpu']:5.1f} s of the processor ({told['cpu'] / bare['cpu']:.2f} x)  {told['mb']:4.0f} MB"
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workflows", nargs="*", type=int, help="sizes of made-up grids; 1000 when none is given")
    parser.add_argument("--data", type=Path, help="folder with rebuilt answers of real workflows")
    parser.add_argument("--latency", type=float, nargs="+", default=LATENCIES_MS, help="milliseconds before an answer")
    parser.add_argument("--take", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.take or given.bare:
        take(given.take) if given.take else ask_barely(given.bare)
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
