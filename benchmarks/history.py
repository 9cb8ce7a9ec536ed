"""``python -m benchmarks history [--cells N] [--store URL]``: the history of failed jobs, each figure beside its bound.

Fills the history with looks at N cells in all, then takes in looks of 10,000 workflows: new, again, changed, and reads.
The bound of taking in is to sort the same cells and to deflate them workflow by workflow; of dating, to hash them;
of reading, to inflate what is read. Seconds of the processor, of this process; on PostgreSQL the server's own stand beside.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.house import Cost, cost
from benchmarks.table import time_words
from wwt_framework.cube import ErrorColumns
from wwt_framework.services.history import Look, cells_of, history_matrix, take_in
from wwt_framework.services.history.packing import CELL, pack
from wwt_framework.services.history.trend import Span
from wwt_framework.store import open_store
from wwt_framework.store.ledger import history as kept

WORKFLOWS = 10_000
CELLS_OF_A_TASK = 12
TASKS = 4
BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)
GOALS = {"taking in, all of it changed": 10.0, "taking in, all of it new": 10.0, "again, nothing changed": 3.0}


def look(first: int, at: datetime, more: int = 0) -> Look:
    """What fails at *at* in WORKFLOWS workflows from number *first* on; *more* failed jobs in each cell."""
    chance = np.random.default_rng(first)
    names = [f"pdmvserv_task_HIG-RunIIFall18wmLHEGS-{first + i:07d}__v1_T_181126_083424_8286" for i in range(WORKFLOWS)]
    tasks = [f"/{name}/HIG-RunIIFall18wmLHEGS-00388_0/Sub_{i}" for name in names for i in range(TASKS)]
    task = np.repeat(np.arange(len(tasks)), CELLS_OF_A_TASK)
    n = len(task)
    counts = chance.integers(1, 1000, n) + more
    codes, sites = [8000 + i for i in range(50)], [f"T2_XX_Site{i:03d}" for i in range(120)]
    columns = ErrorColumns(tasks, codes, sites, task, chance.integers(0, 50, n), chance.integers(0, 120, n), counts)
    return Look.of_columns(columns, at, {}, whole=True)


def bound_of_taking(one: Look) -> None:
    """Sort the cells, and deflate them workflow by workflow."""
    cube = one.cube
    rows = np.zeros(len(cube), CELL)
    order = np.lexsort((cube.cell_site, cube.cell_code, cube.cell_task))
    rows["task"], rows["code"], rows["site"] = cube.cell_task[order], cube.cell_code[order], cube.cell_site[order]
    rows["count"] = cube.cell_count[order]
    for i in range(len(cube.workflows)):
        pack(rows[cube.cells_of(i)])


def bound_of_dating(one: Look) -> None:
    """Hash the cells workflow by workflow."""
    cube = one.cube
    data = np.stack([cube.cell_task, cube.cell_code, cube.cell_site, cube.cell_count], 1).tobytes()
    for i in range(len(cube.workflows)):
        cells = cube.cells_of(i)
        blake2b(data[cells.start * 32 : cells.stop * 32], digest_size=16).digest()


def server_ticks() -> dict[str, int]:
    """What each process of the PostgreSQL servers of this machine has had of the processor."""
    ticks = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().rpartition(")")
        except OSError:
            continue
        if name.endswith("(postgres"):
            ticks[path.parent.name] = sum(map(int, rest.split()[11:13]))
    return ticks


def server_seconds(before: dict[str, int]) -> float:
    """Seconds since ``server_ticks`` told *before*; of processes that have ended since nobody knows."""
    return sum(ticks - before.get(process, 0) for process, ticks in server_ticks().items()) / 100


def measure(url: str, cells: int) -> Iterator[tuple[str, Cost, float, Cost | None]]:
    """What, its cost, the server's seconds, and the bound."""
    store = open_store(url)
    postgresql = not store.is_sqlite

    def timed(work: Callable[[], Any]) -> tuple[Cost, float]:
        before = server_ticks() if postgresql else {}
        found = cost(work)
        return found, server_seconds(before) if postgresql else 0.0

    try:
        for number in range(1, max(1, cells // (WORKFLOWS * TASKS * CELLS_OF_A_TASK))):
            take_in(store, look(number * WORKFLOWS, BEGIN + timedelta(days=number)))
        at = BEGIN + timedelta(days=60)
        first = look(0, at)
        yield "taking in, all of it new", *timed(lambda: take_in(store, first)), cost(lambda: bound_of_taking(first))
        again = look(0, at + timedelta(hours=1))
        yield "again, nothing changed", *timed(lambda: take_in(store, again)), cost(lambda: bound_of_dating(again))
        day = look(0, at + timedelta(days=1))
        yield "the same, first look of a day", *timed(lambda: take_in(store, day)), cost(lambda: bound_of_dating(day))
        new = look(0, at + timedelta(days=1, hours=1), more=1)
        yield "taking in, all of it changed", *timed(lambda: take_in(store, new)), cost(lambda: bound_of_taking(new))
        now = at + timedelta(days=2)
        days = [one.totals for one in kept.past_days(store, 0, 10**6)][-30:]
        inflated = cost(lambda: [zlib.decompress(one) for one in days])
        yield "trends of all codes, 30 days", *timed(lambda: Span(store, now, 30).codes()), inflated
        name = str(first.cube.workflows[7])
        yield "trend of one workflow", *timed(lambda: Span(store, now, 30).workflow(name)), None
        yield "all cells of one workflow", *timed(lambda: cells_of(store, name)), None
        packed = [one.packed for some in kept.every_past(store, 0) for *_, one in some]
        inflated = cost(lambda: [zlib.decompress(one) for one in packed])
        yield f"the matrix of {len(packed):,} workflows", *timed(lambda: history_matrix(store)), inflated
    finally:
        store.close()


@contextmanager
def _somewhere(url: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="wwt-bench-") as folder:
        yield url or f"sqlite:///{folder}/history.db"


def main(words: list[str]) -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks history", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", type=int, default=10_000_000, help="cells in the history")
    parser.add_argument("--store", default="", help="URL of an empty database; otherwise SQLite in a new folder")
    how = parser.parse_args(words)
    with _somewhere(how.store) as url:
        print(f"{how.cells:,} cells, {url.partition(':')[0]}\n")
        print(
            "| what | goal | measured | of the server | bound | ratio | by the clock |\n|---|---|---|---|---|---|---|"
        )
        for what, taken, server, bound in measure(url, how.cells):
            goal = f"{GOALS[what]:.0f} s" if what in GOALS else ""
            beside = (time_words(bound.cpu), f"{taken.cpu / max(bound.cpu, 1e-6):.1f}") if bound else ("", "")
            of_server = time_words(server) if how.store else ""
            print(
                f"| {what} | {goal} | {time_words(taken.cpu)} | {of_server} | {beside[0]} | {beside[1]} "
                f"| {time_words(taken.wall)} |",
                flush=True,
            )
        if url.startswith("sqlite"):
            size = sum(path.stat().st_size for path in Path(url.partition(":///")[2]).parent.glob("*.db*"))
            print(f"\n{size / 1e6:,.0f} MB on disk")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
