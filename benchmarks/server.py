"""A real server and what real readers ask of it: processes, connections, mixed pages, memory as the system sees it."""

from __future__ import annotations

import gzip
import http.client
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

PATIENCE_S = 120


class Served:
    """``wwt serve`` in a process of its own, until ``end``."""

    def __init__(self, folder: Path, *more: str) -> None:
        """Raises RuntimeError with what it said when it does not come up."""
        words = [sys.executable, "-m", "wwt_framework.cli", "serve", "--port", "0", *more]
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ()
        )
        assert self.process.stdout
        self.said: list[str] = []
        self.address = ""
        for line in self.process.stdout:
            self.said.append(line)
            if found := re.search(r"https?://[\w.:\[\]]+", line):
                self.address = found.group()
                break
        if not self.address:
            raise RuntimeError("the server did not come up:\n" + "".join(self.said))
        # Whoever does not read what a process says stops it when the pipe is full.
        self._reader = threading.Thread(target=lambda: self.said.extend(self.process.stdout or ()), daemon=True)
        self._reader.start()

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(10)
        if self.process.stdout:
            self.process.stdout.close()


#: Of the caller's environment: they would change what is measured. Whoever forbids Python to keep what it
#: compiled makes every start of a process three times as long.
_LEFT_OUT = ("WWT_CONFIG", "PYTHONDONTWRITEBYTECODE")


def environ() -> dict[str, str]:
    """What a measured process gets; what Python compiles is kept outside the tree."""
    kept = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    return {"PYTHONPYCACHEPREFIX": str(Path("build/bench/compiled").resolve()), **kept}


@contextmanager
def serving(folder: Path, *more: str) -> Iterator[Served]:
    """A server of the installation in *folder*."""
    server = Served(folder, *more)
    try:
        yield server
    finally:
        server.end()


# -- memory --


def memory_mb(pid: int) -> dict[str, float]:
    """``rss`` (all that is resident), ``private`` (what nobody shares: its heap), MB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    told = {name: int(value) / 1024 for name, value in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)}
    return {"rss": told["Rss"], "private": told["Anonymous"]}


def snapshots_held(pid: int) -> set[str]:
    """Versions of the snapshots that a process has mapped, removed ones among them."""
    return set(re.findall(r"/snapshots/([^/\n]+)/columns\.bin", Path(f"/proc/{pid}/maps").read_text()))


# -- a refresh beside it --


class Refreshed(NamedTuple):
    """What one ``wwt refresh`` cost, the start of the program included."""

    cpu: float
    wall: float
    peak_mb: float


def refresh(folder: Path) -> Refreshed:
    """Take a snapshot in a process of its own, as the clockwork does. Raises RuntimeError when it fails."""
    began = time.perf_counter()
    words = [sys.executable, "-m", "wwt_framework.job_child", str(os.getpid()), "refresh"]
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environ())
    assert process.stdout
    with process.stdout as out:
        said = out.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the refresh failed:\n{said.decode(errors='replace')}")
    return Refreshed(used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 1024)


# -- readers --


@dataclass(frozen=True)
class Addresses:
    """Pages of one world by kind. All bear numbers of failed jobs but those of ``QUIET``."""

    by_kind: dict[str, Sequence[str]]

    def of(self, kinds: Collection[str]) -> Addresses:
        """Those of *kinds* only."""
        return Addresses({kind: some for kind, some in self.by_kind.items() if kind in kinds})

    def mixed(self, seed: int) -> Iterator[tuple[str, str]]:
        """Kind and address, for ever, every kind as often."""
        dice = random.Random(seed)
        kinds = list(self.by_kind)
        while True:
            dice.shuffle(kinds)
            for kind in kinds:
                yield kind, dice.choice(self.by_kind[kind])


#: Kinds that people look at; the others are for programs.
LOOKED_AT = ("home", "overview", "filtered", "rows", "unfolded", "prep list", "list", "workflow", "sources")
#: Kinds that hold no numbers of failed jobs.
QUIET = frozenset({"sources", "prep ids"})


def addresses(snapshot: Any) -> Addresses:
    """Every kind of page of *snapshot*, some of each."""
    cube = snapshot.cube
    names = [cube.workflows[len(cube.workflows) * i // 40] for i in range(40)]
    totals = cube.workflow_total
    failing = [name for name in names if totals[cube.workflows.find(name)]]
    busy = (cube.code_site_total.argsort()[::-1][:20]).tolist()
    pairs = [(int(cube.codes[at // len(cube.sites)]), cube.sites[at % len(cube.sites)]) for at in busy]
    pairs = [(code, site) for code, site in pairs if code >= 0]
    preps = sorted({snapshot.preps[int(snapshot.workflow_prep[cube.workflows.find(name)])] for name in failing})
    by_kind: dict[str, Sequence[str]] = {
        "home": ["/"],
        "overview": [f"/globalerror?pievar={pievar}" for pievar in ("errorcode", "sitename", "stepname")],
        "filtered": [f"/globalerror?site={quote(site)}" for _, site in pairs[:4]],
        "rows": ["/globalerror?part=rows&offset=50", "/globalerror?part=rows&rows=workflow&offset=100"],
        "unfolded": [f"/globalerror?part=below&of={quote(prep)}" for prep in preps[:10]],
        "cell": [f"/globalerror?pievar=stepname&part=cell&code={c}&column={quote(s)}" for c, s in pairs[:5]],
        "prep list": ["/globalerror?view=list"],
        "list": [f"/listpage?errorcode={code}&sitename={quote(site)}" for code, site in pairs],
        "list json": [f"/listpage?workflow={quote(name)}&errorcode={pairs[0][0]}&format=json" for name in failing[:5]],
        "workflow": [f"/seeworkflow?workflow={quote(name)}" for name in failing],
        "workflow json": [f"/workflowerrors?workflow={quote(name)}" for name in failing[:10]],
        "prep json": [f"/getworkflows?prepid={quote(prep)}" for prep in preps[:10]],
        "sources": ["/freshness"],
        "prep ids": ["/getprepids"],
    }
    return Addresses({kind: some for kind, some in by_kind.items() if some})


@dataclass(frozen=True)
class Got:
    """One answer, and by the clock when it was asked for and how long it took, seconds."""

    kind: str
    address: str
    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    at: float
    seconds: float


class Reader:
    """One connection that is kept, as a browser keeps it."""

    def __init__(self, address: str) -> None:
        self._host = urlsplit(address).netloc
        self._connection = http.client.HTTPConnection(self._host, timeout=PATIENCE_S)

    def get(self, kind: str, address: str) -> Got:
        """The answer, unpacked; the time is that until it had come whole."""
        headers = {"Accept": "application/json" if "json" in kind else "text/html", "Accept-Encoding": "gzip"}
        began = time.perf_counter()
        try:
            self._connection.request("GET", address, headers=headers)
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError):  # a kept connection has its end
            self._connection.close()
            self._connection.request("GET", address, headers=headers)
            answer = self._connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - began
        if answer.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        told = {name.lower(): value for name, value in answer.headers.items()}
        return Got(kind, address, answer.status, told, body, began, seconds)

    def close(self) -> None:
        self._connection.close()


def once(server: str, kind: str, address: str) -> Got:
    """The answer to somebody who comes for one page."""
    reader = Reader(server)
    try:
        return reader.get(kind, address)
    finally:
        reader.close()


def read_on(
    server: str, pages: Addresses, readers: int, seen: Callable[[Got], None], until: threading.Event, pause: float = 0.0
) -> list[threading.Thread]:
    """*readers* threads that ask for mixed pages until *until* is set; *seen* gets every answer, from any of them."""

    def read(seed: int) -> None:
        dice, reader = random.Random(seed), Reader(server)
        until.wait(dice.uniform(0, pause))  # people do not come all at the same moment
        for kind, address in pages.mixed(seed):
            if until.is_set():
                break
            seen(reader.get(kind, address))
            if pause:
                until.wait(dice.uniform(0.5, 1.5) * pause)
        reader.close()

    threads = [
        threading.Thread(target=read, args=(seed,), name=f"reader {seed}", daemon=True) for seed in range(readers)
    ]
    for thread in threads:
        thread.start()
    return threads


def share(seconds: Sequence[float], part: float) -> float:
    """The time that *part* of *seconds* stay under (0.99: all but one in a hundred)."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
