"""One run of a job, from taking it to its end; and runs whose process died.

Who runs holds a lock on a file of the run, which the system lets go when the process dies, however it dies:
a process number may be somebody else's by then, a lock may not.
"""

from __future__ import annotations

import fcntl
import logging
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from wwt_framework.errors import WwtError
from wwt_framework.plugin import Progress
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import JobRun

log = logging.getLogger(__name__)

#: Whoever runs on another host and was not heard of for so long is taken for dead.
ELSEWHERE = timedelta(hours=24)
#: Seconds between two notes of how far a run is.
_NOTE_EVERY = 0.5


def place(store: Store, data_dir: Path) -> Path:
    """Where the locks of runs lie: beside an SQLite file, whatever *data_dir* its processes have; else there."""
    return store.beside or data_dir


def _lock(where: Path, run_id: str) -> Path:
    return where / "locks" / f"{run_id}.lock"


@contextmanager
def held(where: Path, run_id: str) -> Iterator[bool]:
    """Hold the lock of a run at the `place` *where*; False when somebody else does."""
    path = _lock(where, run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
        path.unlink(missing_ok=True)
    finally:
        os.close(file)


def is_held(where: Path, run_id: str) -> bool:
    """Whether a living process holds the lock of a run."""
    try:
        file = os.open(_lock(where, run_id), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def bury(store: Store, data_dir: Path) -> list[JobRun]:
    """Mark the runs whose process died as lost; gives them as they were."""
    where = place(store, data_dir)
    lost = [run for run in ledger.runs(store, 1000, states=("running",)) if not _alive(store, where, run)]
    for run in lost:
        told = "its process ended without a word"
        log.warning("a run is lost", extra={"run": run.id, "job": run.name, "pid": run.pid, "host": run.host})
        ledger.end_run(store, run.id, "lost", f"{told} (process {run.pid} on {run.host or 'an unknown host'})")
        _lock(where, run.id).unlink(missing_ok=True)
    return lost


def _alive(store: Store, where: Path, run: JobRun) -> bool:
    # An SQLite store has its processes on one host, whatever name that host has today; else the lock may be elsewhere.
    if store.is_sqlite or run.host == platform.node():
        return is_held(where, run.id)
    return run.started_at is None or store.now() - run.started_at < ELSEWHERE


def progress_of(store: Store, run_id: str | None) -> Progress:
    """Notes in the store how far a run is; not more often than anybody looks. None: there is no run, nothing is noted."""
    noted = float("-inf")

    def progress(fraction: float | None, doing: str) -> None:
        nonlocal noted
        if run_id is None or time.monotonic() - noted < _NOTE_EVERY:
            return
        noted = time.monotonic()
        try:
            ledger.progress_run(store, run_id, fraction, doing[:200])
        except WwtError as err:  # how far it is matters less than the job
            log.warning("progress could not be noted", extra={"run": run_id, "error": str(err)})

    return progress


def sentence(err: BaseException) -> str:
    """What an operator reads of a job that failed."""
    text = str(err) if isinstance(err, WwtError) else f"{type(err).__name__}: {err}"
    return one_line(text)


def one_line(text: str) -> str:
    """*text* fit for the table of runs."""
    line = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return line if len(line) <= 1000 else f"{line[:997]}..."
