"""``python -m benchmarks soak``: readers on all pages of a real server, refreshes in between, for as long as one likes.

What must hold: every answer is whole (status 200), memory is flat, the server lets go of old snapshots, and no page
shows numbers of two snapshots.

How the last is seen: ``benchmarks.marked``.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks import generate
from benchmarks.marked import complaint, marked, prime_of, primes
from benchmarks.server import (
    Got,
    Served,
    addresses,
    memory_mb,
    read_on,
    refresh,
    serving,
    share,
    snapshots_held,
)
from wwt_framework.snapshot import open_snapshot

CONFIG = """\
wwt: {{data_dir: house, refresh_minutes: {minutes}, keep_snapshots: 2}}
errors:
  json_file: {{path: all_errors.json}}
  prod_status: {{path: prodstatus.txt}}
  cms_names: {{}}
  cms_exit_codes: {{}}
auth:
  local: {{}}
"""

#: Memory may rise by this much in a whole run after the warm-up, by the fitted line: MB, and part of the mean.
RISE_MB, RISE_PART = 10.0, 0.05
#: Snapshots that a server may hold at once: the one shown, the one before that a page is still made from, and one
#: that the garbage collector has not come to.
HELD = 3
#: Part of the run that is warm-up: caches fill, threads take their share of memory.
WARM_UP = 1 / 3


# -- what came of it --


@dataclass
class Watched:
    """What was seen so far; readers and the driver write, each under the lock."""

    began: float = field(default_factory=time.perf_counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    primes: dict[str, int] = field(default_factory=dict)  # version -> prime
    waiting: list[Got] = field(default_factory=list)  # of a version whose prime is not known yet
    kinds: Counter[str] = field(default_factory=Counter)
    versions: set[str] = field(default_factory=set)  # that were shown
    seconds: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    samples: list[tuple[float, float, float, int]] = field(default_factory=list)  # seconds, rss, private MB, snapshots

    def see(self, got: Got) -> None:
        """Count one answer, and look at it."""
        with self.lock:
            self.kinds[got.kind] += 1
            self.seconds.append(got.seconds)
        self._look_at(got)

    def _look_at(self, got: Got) -> None:
        problem = ""
        if got.status != 200:
            problem = f"{got.address}: status {got.status}: {got.body[:200]!r}"
        elif "x-snapshot" not in got.headers:
            problem = f"{got.address}: does not say of which snapshot it is"
        prime = self.primes.get(got.headers.get("x-snapshot", ""))
        if not problem and prime:
            problem = complaint(got, prime)
        with self.lock:
            if problem:
                self.problems.append(problem)
            elif prime:
                self.versions.add(got.headers["x-snapshot"])
            else:
                self.waiting.append(got)

    def learn(self, folder: Path) -> bool:
        """Read the primes of snapshots that are new in *folder*; whether there were any."""
        new = {
            path.name: prime_of(path)
            for path in folder.iterdir()
            if path.name not in self.primes and path.name[0] != "."
        }
        with self.lock:
            self.primes.update(new)
            waiting, self.waiting = self.waiting, []
        for got in waiting:
            self._look_at(got)
        return bool(new)

    def sample(self, pid: int) -> None:
        told = memory_mb(pid)
        at = time.perf_counter() - self.began
        self.samples.append((at, told["rss"], told["private"], len(snapshots_held(pid))))


@dataclass(frozen=True)
class Soaked:
    """What a soak came to."""

    seconds: float
    pages: int
    kinds: int
    snapshots: int
    median: float
    p99: float
    rise_mb: float  # of what the server shares with nobody, after the warm-up, by the fitted line
    mean_mb: float
    rss_mb: float  # the largest
    held: int  # snapshots, at most at once after the warm-up
    problems: tuple[str, ...]

    @property
    def flat(self) -> bool:
        return self.rise_mb <= max(RISE_MB, RISE_PART * self.mean_mb)

    @property
    def complaints(self) -> list[str]:
        """Why this is not as it must be, in sentences."""
        found = list(self.problems)
        if not self.flat:
            found.append(f"memory rose by {self.rise_mb:.1f} MB, of {self.mean_mb:.0f} MB on average")
        if self.held > HELD:
            found.append(f"the server held {self.held} snapshots at once, more than {HELD}")
        return found

    def words(self) -> str:
        return (
            f"{self.pages:,} pages of {self.kinds} kinds in {self.seconds:.0f} s over {self.snapshots} snapshots, "
            f"median {self.median * 1000:.0f} ms, p99 {self.p99 * 1000:.0f} ms; memory {self.rise_mb:+.1f} MB of "
            f"{self.mean_mb:.0f} MB after the warm-up (resident at most {self.rss_mb:.0f} MB), "
            f"at most {self.held} snapshots held; {len(self.problems)} pages were wrong"
        )


def soak(folder: Path, workflows: int, seconds: float, every: float, readers: int, pause: float) -> Soaked:
    """Run it in the empty *folder*: a refresh every *every* seconds, *readers* that look at a page for *pause* seconds."""
    cells = generate.cells(workflows)
    coming = primes()
    generate.write(folder, workflows)
    (folder / "plugins.yml").write_text(CONFIG.format(minutes=every / 60))
    _put(folder, marked(cells, next(coming)))
    refresh(folder)
    snapshots = folder / "house" / "snapshots"
    seen, until = Watched(), threading.Event()
    seen.learn(snapshots)
    pages = addresses(open_snapshot(max(snapshots.iterdir())))
    with serving(folder) as server:
        _put(folder, marked(cells, next(coming)))
        seen.began = time.perf_counter()
        threads = read_on(server.address, pages, readers, seen.see, until, pause)
        while time.perf_counter() - seen.began < seconds:
            if seen.learn(snapshots):
                _put(folder, marked(cells, next(coming)))
            seen.sample(server.process.pid)
            until.wait(0.5)
        until.set()
        for thread in threads:
            thread.join()
        seen.learn(snapshots)
        _still(server, seen)
    return _came_to(seen)


def _put(folder: Path, data: bytes) -> None:
    """Replace the errors file as a whole: a refresh that reads it meanwhile reads the one before."""
    path = folder / "all_errors.json.new"
    path.write_bytes(data)
    path.replace(folder / "all_errors.json")


def _still(server: Served, seen: Watched) -> None:
    if server.process.poll() is not None:
        seen.problems.append(f"the server ended with {server.process.returncode}:\n{''.join(server.said[-20:])}")


def _came_to(seen: Watched) -> Soaked:
    last = seen.samples[-1][0]
    warm = [sample for sample in seen.samples if sample[0] >= WARM_UP * last]
    at, private = (np.array(column) for column in list(zip(*warm, strict=True))[0:3:2])
    slope = float(np.polyfit(at, private, 1)[0])
    problems = [
        *seen.problems,
        *(f"{got.address}: {got.headers['x-snapshot']} was never published" for got in seen.waiting),
    ]
    return Soaked(
        last, sum(seen.kinds.values()), len(seen.kinds), len(seen.versions), statistics.median(seen.seconds),
        share(seen.seconds, 0.99), slope * (at[-1] - at[0]), float(private.mean()),
        max(sample[1] for sample in seen.samples), max(sample[3] for sample in warm), tuple(problems),
    )  # fmt: skip


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workflows", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--every", type=float, default=60, metavar="SECONDS", help="between two refreshes")
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument(
        "--pause", type=float, default=0.1, metavar="SECONDS", help="for which a reader looks at a page"
    )
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="wwt-soak-") as folder:
        came = soak(Path(folder), given.workflows, 60 * given.minutes, given.every, given.readers, given.pause)
    print(came.words())
    for sentence in came.complaints[:50]:
        print(sentence, file=sys.stderr)
    return 1 if came.complaints else 0
