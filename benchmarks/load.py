"""Readers and refreshes at once: G11, G14, the first page after a restart, and whether a refresh shows.

``python -m benchmarks.load FOLDER [--hasty]`` prints one JSON object about the installation in FOLDER, which has a
snapshot.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.server import (
    LOOKED_AT,
    Addresses,
    Got,
    Reader,
    Refreshed,
    Served,
    addresses,
    memory_mb,
    once,
    read_on,
    refresh,
    serving,
    share,
)

#: Readers of G14.
CLIENTS = 8
#: Pages that are asked for before anything is measured, and by one client alone.
WARM, ALONE = 60, 200
#: Seconds of the load before the refresh, and after it.
BEFORE_S = 5.0
#: Seconds for which a hasty reader looks at a page.
PAUSE_S = 0.5


def _world(folder: Path) -> Addresses:
    from wwt_framework.snapshot import open_snapshot

    return addresses(open_snapshot(max((folder / "house" / "snapshots").iterdir())))


def alone(server: Served, pages: Addresses, count: int, until: Callable[[], bool] | None = None) -> list[Got]:
    """What one client gets, asking for one page after the other: *count* of them, or as long as *until* is not."""
    reader, found = Reader(server.address), []
    for kind, address in pages.mixed(1000):
        found.append(reader.get(kind, address))
        if until() if until else len(found) >= count:
            break
    reader.close()
    return found


def beside(folder: Path) -> tuple[threading.Thread, list[Refreshed]]:
    """A refresh that has begun; what it cost stands in the list when the thread has ended."""
    costs: list[Refreshed] = []
    thread = threading.Thread(target=lambda: costs.append(refresh(folder)), name="refresh")
    thread.start()
    return thread, costs


def measure(folder: Path, seconds: float = BEFORE_S, count: int = ALONE) -> dict[str, Any]:
    """Everything; *seconds* of load before and after a refresh, *count* pages for one reader alone."""
    pages = _world(folder).of(LOOKED_AT)
    found: dict[str, Any] = {}
    with serving(folder, "--no-jobs"):
        pass  # what Python compiles is kept by now
    with serving(folder, "--no-jobs") as server:
        first = once(server.address, "overview", "/globalerror")
        found["restart_wall"] = time.perf_counter() - server.began
        found["restart_page_wall"] = first.seconds
        alone(server, pages, min(WARM, count))
        quiet = alone(server, pages, count)
        found |= _with_a_refresh(server, folder, pages, quiet)
        found["pausing"] = _with_clients(server, folder, pages, PAUSE_S, 3 * seconds)
        found["driving"] = _with_clients(server, folder, pages, 0.0, seconds)
        found |= {f"web_{name}_mb": value for name, value in memory_mb(server.process.pid).items()}
    return found


def _slower(during: list[Got], quiet: list[Got]) -> float:
    """How many times as long a page takes: the median over kinds of pages, each by its own medians."""
    kinds = {got.kind for got in during} & {got.kind for got in quiet}
    return statistics.median(
        statistics.median(got.seconds for got in during if got.kind == kind)
        / statistics.median(got.seconds for got in quiet if got.kind == kind)
        for kind in kinds
    )


def _with_a_refresh(server: Served, folder: Path, pages: Addresses, quiet: list[Got]) -> dict[str, Any]:
    """One client, a refresh beside it: what it sees of that."""
    thread, costs = beside(folder)
    during = alone(server, pages, 0, until=lambda: not thread.is_alive())
    thread.join()
    time.sleep(1.2)  # the board looks for a newer snapshot once a second
    after = once(server.address, "overview", "/globalerror")
    versions = {got.headers["x-snapshot"] for got in quiet if "x-snapshot" in got.headers}
    return {
        "alone": statistics.median(got.seconds for got in quiet),
        "alone_p99": share([got.seconds for got in quiet], 0.99),
        "alone_errors": sum(got.status != 200 for got in (*quiet, *during)),
        "during": statistics.median(got.seconds for got in during),
        "slower": _slower(during, quiet),
        "during_worst": max(got.seconds for got in during),
        "during_pages": len(during),
        "swapped": after.headers["x-snapshot"] not in versions,
        "swap_page": after.seconds,
        "refresh_process_cpu": costs[0].cpu,
        "refresh_process_wall": costs[0].wall,
        "refresh_process_peak_mb": costs[0].peak_mb,
    }


def _with_clients(server: Served, folder: Path, pages: Addresses, pause: float, seconds: float) -> dict[str, Any]:
    """G14: eight clients who look at each page for *pause* seconds, a refresh in the middle."""
    answers: list[Got] = []
    until = threading.Event()
    readers = read_on(server.address, pages, CLIENTS, answers.append, until, pause)
    time.sleep(seconds)
    began = time.perf_counter()
    thread, _ = beside(folder)
    thread.join()
    ended = time.perf_counter()
    time.sleep(max(seconds, 1.5))  # the newer snapshot is shown, and everybody's next page is made from it
    until.set()
    for reader in readers:
        reader.join()
    before = [got.seconds for got in answers if got.at + got.seconds < began]
    during = [got.seconds for got in answers if began <= got.at < ended]
    after = [got.seconds for got in answers if got.at >= ended]
    return {
        "pages": len(answers),
        "errors": sum(got.status != 200 for got in answers),
        "snapshots": len({got.headers.get("x-snapshot") for got in answers} - {None}),
        "median": statistics.median(before),
        "p99": share(before, 0.99),
        "p99_during": share(during, 0.99),
        "p99_after": share(after, 0.99),
    }


if __name__ == "__main__":
    how_long, how_many = (0.5, 20) if "--hasty" in sys.argv else (BEFORE_S, ALONE)
    print(json.dumps(measure(Path(sys.argv[1]), how_long, how_many)))
