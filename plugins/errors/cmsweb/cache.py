"""Answers kept between refreshes, so that what did not change is not sent again. One SQLite file; losing it costs time only."""

from __future__ import annotations

import sqlite3
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: Seconds that a thread waits for another one that writes.
_PATIENCE = 30


@dataclass(frozen=True)
class Kept:
    """One answer: when it was last confirmed (seconds since 1970), its ETag ("" without one), and its bytes."""

    at: float
    etag: str
    body: bytes


class Cache:
    """Address -> answer. Safe for many threads and for several processes."""

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self._path = path
        self._now = now
        self._here = threading.local()

    def find(self, address: str) -> Kept | None:
        """What is kept of *address*; an answer that can not be unpacked any more is as good as none."""
        row = self._connection().execute("select at, etag, body from answer where address = ?", (address,)).fetchone()
        try:
            return Kept(row[0], row[1], zlib.decompress(row[2])) if row else None
        except zlib.error:
            return None

    def at(self, address: str) -> float | None:
        """When what is kept of *address* was last confirmed; None: nothing is."""
        row = self._connection().execute("select at from answer where address = ?", (address,)).fetchone()
        return float(row[0]) if row else None

    def keep(self, address: str, etag: str, body: bytes) -> None:
        """Keep an answer in the place of an earlier one."""
        packed = zlib.compress(body, 1)
        with self._connection() as connection:
            connection.execute("replace into answer values (?, ?, ?, ?)", (address, self._now(), etag, packed))

    def confirm(self, address: str) -> None:
        """The service says that its answer is still the same."""
        with self._connection() as connection:
            connection.execute("update answer set at = ? where address = ?", (self._now(), address))

    def forget(self, older_than: float) -> None:
        """Drop what was not asked for during *older_than* seconds."""
        with self._connection() as connection:
            connection.execute("delete from answer where at < ?", (self._now() - older_than,))

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._here, "connection", None)
        if found is None:
            found = self._here.connection = self._open()
        return found

    def _open(self) -> sqlite3.Connection:
        try:
            return self._opened()
        except sqlite3.DatabaseError:  # a file of something else, or a damaged one: what it held can be asked for again
            self._path.unlink(missing_ok=True)
            return self._opened()

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_PATIENCE)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = off")
        connection.execute(
            "create table if not exists answer (address text primary key, at real, etag text, body blob) without rowid"
        )
        return connection
