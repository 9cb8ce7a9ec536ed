"""The queue of job runs: huey on a small SQLite file, with its consumer in threads of this process.

It carries ids of runs and nothing else: what a run is, and what became of it, stands in the store.
So the file has nothing of value in it; where it is missing or damaged, a new one is made.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from huey import SqliteHuey
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer

log = logging.getLogger(__name__)

#: Runs that may be at work at the same time, of different jobs.
WORKERS = 4


class _Json(Serializer):  # type: ignore[misc]  # huey has no types
    """Messages as JSON: a file that somebody else wrote can not make us run anything."""

    def _serialize(self, data: Any) -> bytes:
        return orjson.dumps(list(data))

    def _deserialize(self, data: bytes) -> Any:
        return Message(*orjson.loads(data))


class _Consumer(Consumer):  # type: ignore[misc]  # huey has no types
    """A guest in this process: signals belong to the host."""

    def _set_signal_handlers(self) -> None:
        pass


class Queue:
    """``put`` a run's id in any process; ``perform(id)`` is called in the one that was told to ``start``."""

    def __init__(self, path: Path, perform: Callable[[str], None]) -> None:
        self._path = path
        self._perform = perform
        self._opening = threading.Lock()
        self._huey: Any = None
        self._send: Any = None
        self._consumer: _Consumer | None = None
        self._thread: threading.Thread | None = None

    def put(self, run_id: str) -> None:
        """Hand over a run."""
        self._open()
        try:
            self._send(run_id)
        except sqlite3.DatabaseError as err:
            self._renew(err)
            self._send(run_id)

    def start(self) -> None:
        """Begin to perform runs, in threads."""
        self._open()
        self._consumer = _Consumer(
            self._huey, workers=WORKERS, periodic=False, initial_delay=0.05, max_delay=0.5, scheduler_interval=60,
            shutdown_timeout=5,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._consumer.run, name="jobs", daemon=True)
        self._thread.start()

    def stop(self) -> bool:
        """End; whether all runs had ended within a few seconds."""
        ended = True
        if self._consumer is not None and self._thread is not None:
            self._consumer.stop(graceful=True)
            self._thread.join(5)
            ended = not any(thread.is_alive() for _, thread in self._consumer.worker_threads)
            self._consumer = self._thread = None
        if self._huey is not None and ended:
            self._huey.storage.close()
        return ended

    def _open(self) -> None:
        with self._opening:
            if self._huey is not None:
                return
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._check()
                self._connect()
            except sqlite3.DatabaseError as err:
                self._remove(err)
                self._connect()

    def _check(self) -> None:
        if self._path.exists():
            with sqlite3.connect(self._path) as db:
                (told,) = db.execute("pragma quick_check(1)").fetchone()
            db.close()
            if told != "ok":
                raise sqlite3.DatabaseError(told)

    def _connect(self) -> None:
        huey = SqliteHuey(
            "wwt", filename=str(self._path), results=False, serializer=_Json(), timeout=10, fsync=False
        )
        # The name under which runs lie in the file, whatever this module is called.
        self._send = huey.task(name="run")(_Perform(self._perform))
        self._huey = huey

    def _renew(self, err: Exception) -> None:
        with self._opening:
            self._huey.storage.close()
            self._remove(err)
            self._connect()

    def _remove(self, err: Exception) -> None:
        log.warning(
            "the queue of jobs was damaged and is made anew; runs that waited are taken from the store",
            extra={"path": str(self._path), "error": str(err)},
        )
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


class _Perform:
    """A function for huey, which names tasks after the module and doc of what it calls."""

    __name__ = "run"
    __module__ = "wwt"
    __doc__ = "One run of a job."

    def __init__(self, perform: Callable[[str], None]) -> None:
        self._perform = perform

    def __call__(self, run_id: str) -> None:
        self._perform(run_id)
