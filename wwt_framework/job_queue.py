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
        self._changing = threading.RLock()
        self._huey: Any = None
        self._send: Any = None
        self._consumer: _Consumer | None = None
        self._retired: list[_Consumer] = []  # of files that were damaged; what they are at goes on

    def put(self, run_id: str) -> None:
        """Hand over a run. Raises sqlite3.Error or OSError when the file can not be written."""
        self._open()
        self._send(run_id)

    def start(self) -> None:
        """Begin to perform runs, in threads."""
        self._open()
        with self._changing:
            self._consumer = _Consumer(
                self._huey, workers=WORKERS, periodic=False, initial_delay=0.05, max_delay=0.5, scheduler_interval=60,
                shutdown_timeout=5,
            )  # fmt: skip
            self._consumer.start()

    def stop(self) -> bool:
        """End; whether all runs had ended within a few seconds."""
        with self._changing:
            consumers = [*self._retired, *([self._consumer] if self._consumer else [])]
            self._retired, self._consumer = [], None
            ended = True
            for consumer in consumers:
                consumer.stop(graceful=True)
                if any(thread.is_alive() for _, thread in consumer.worker_threads):
                    ended = False
                else:
                    consumer.huey.storage.close()
            if self._huey is not None and not consumers:
                self._huey.storage.close()
            return ended

    def mend(self) -> None:
        """Make the file anew when it is damaged or gone."""
        with self._changing:
            if self._huey is None:
                return
            damage = self._damage()
            if not damage:
                return
            consumer, self._consumer = self._consumer, None
            if consumer is not None:
                consumer.stop()  # its threads take no more
                self._retired.append(consumer)
            self._huey.storage.close()
            self._remove(damage)
            self._connect()
            if consumer is not None:
                self.start()

    def _open(self) -> None:
        with self._changing:
            if self._huey is not None:
                return
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and (damage := self._damage()):
                self._remove(damage)
            self._connect()

    def _damage(self) -> str:
        """What is wrong with the file; empty when nothing is."""
        if not self._path.exists():
            return "it is gone"
        db = sqlite3.connect(self._path, timeout=1)
        try:
            (told,) = db.execute("pragma quick_check(1)").fetchone()
            db.execute("select count(*) from task")
        except sqlite3.DatabaseError as err:
            return "" if "locked" in str(err) else str(err)
        finally:
            db.close()
        return "" if told == "ok" else str(told)

    def _connect(self) -> None:
        huey = SqliteHuey("wwt", filename=str(self._path), results=False, serializer=_Json(), timeout=10, fsync=False)
        # The name under which runs lie in the file, whatever this module is called.
        self._send = huey.task(name="run")(_Perform(self._perform))
        self._huey = huey

    def _remove(self, damage: str) -> None:
        log.warning(
            "the queue of jobs was damaged and is made anew; runs that waited are taken from the store",
            extra={"path": str(self._path), "damage": damage},
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
