"""What is kept: actions, people, sessions, job runs, marks, which snapshot is current. The only room with peewee.

``open_store(url)`` opens and migrates; ``ledger`` reads and writes, and answers with frozen dataclasses.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import weakref
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import peewee
from playhouse.pool import MaxConnectionsExceeded, PooledDatabase

from wwt_framework.store import opening
from wwt_framework.store.tables import Tables
from wwt_framework.store.trouble import NOT_TROUBLE, TROUBLE, in_words

__all__ = ["Store", "open_store"]


def utcnow() -> datetime:
    return datetime.now(timezone.utc)


class Store:
    """An open database. Safe for many threads; a forked child gets connections of its own."""

    def __init__(
        self, database: PooledDatabase, where: str, clock: Callable[[], datetime] = utcnow, folder: Path | None = None
    ) -> None:
        self.where = where  # for messages: the address without its password
        self.clock = clock
        self.tables = Tables(database)
        self.database = database
        # The folder of a memory store goes with it, also when nobody closes it.
        self._remove_folder = weakref.finalize(self, _remove, folder, os.getpid())
        self._begin()

    @property
    def is_sqlite(self) -> bool:
        return isinstance(self.database, peewee.SqliteDatabase)

    @property
    def beside(self) -> Path | None:
        """The folder of an SQLite file, which all who use the store have in common; None: the store is on a server."""
        return Path(self.database.database).resolve().parent if self.is_sqlite else None

    @classmethod
    def memory(cls, clock: Callable[[], datetime] = utcnow) -> Store:
        """The twin for tests and trials: the same in every respect, but gone when it is closed."""
        folder = Path(tempfile.mkdtemp(prefix="wwt-store-"))
        try:
            database, where = opening.connect(f"sqlite:///{folder / 'wwt.db'}", durable=False)
            opening.prepare(database, where)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return cls(database, where, clock, folder)

    @contextmanager
    def connection(self) -> Iterator[None]:
        """One connection for this thread until the outermost of nested blocks ends."""
        if self._pid != os.getpid():
            self._leave_to_parent()
        with self._in_words():
            if self._here.depth == 0:
                self.database.connect()
            self._here.depth += 1
            try:
                yield
            finally:
                self._here.depth -= 1
                if self._here.depth == 0:
                    self.database.close()

    @contextmanager
    def write(self, alone: str = "") -> Iterator[None]:
        """A transaction: all of it or nothing. Nested blocks belong to the outermost.

        On SQLite one thread writes at a time, and other processes are waited for.
        On PostgreSQL writers run side by side, but one at a time among those that are *alone* with the same word.
        """
        with self.connection():
            if self.database.in_transaction():
                yield
            elif self.is_sqlite:
                # IMMEDIATE: a transaction that reads first and writes then would fail at once when another
                # process writes, whatever the busy timeout says. The lock is fair to threads, SQLite is not.
                with self._writing, self.database.atomic("IMMEDIATE"):
                    yield
            else:
                with self.database.atomic():
                    if alone:
                        self.database.execute_sql(
                            "select pg_advisory_xact_lock(%s, %s)",
                            (opening.LOCK, zlib.crc32(alone.encode()) & 0x7FFFFFFF),
                        )
                    yield

    def now(self) -> datetime:
        return self.clock()

    def check(self) -> list[str]:
        """What is wrong with the store, in sentences; reads all of an SQLite file."""
        with self.connection():
            return opening.inspect(self.database, self.where, self.tables)

    def close(self) -> None:
        """Close all connections, also those that other threads still use."""
        if self._pid == os.getpid():
            self.database.close_all()
            self._remove_folder()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._writing = threading.Lock()
        self._here = _Here()

    def _leave_to_parent(self) -> None:
        """In a forked child: begin without connections and locks, those we were born with are the parent's.

        They are kept out of reach and open: SQLite must not even close what another process opened.
        """
        database = self.database
        self._of_parent = (database._connections, database._in_use)  # noqa: SLF001 - dispose() would let go of them
        database.dispose()
        self._begin()

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except NOT_TROUBLE:
            raise
        except (*TROUBLE, MaxConnectionsExceeded) as err:
            raise in_words(self.where, err) from err


def _remove(folder: Path | None, owner: int) -> None:
    if folder is not None and os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


class _Here(threading.local):
    """How many ``connection()`` blocks this thread is in."""

    depth = 0


def open_store(url: str, clock: Callable[[], datetime] = utcnow) -> Store:
    """Open the store at *url*, bring it up to date, check that it fits.

    ``sqlite:////var/lib/wwt/wwt.db`` (the file is made when there is none),
    or ``psycopg3+pool://user:password@host/name?max_connections=40``.
    Several processes may do this at once.
    Raises `StoreError` with a sentence that says what is wrong and what to do.
    """
    database, where = opening.connect(url)
    opening.prepare(database, where)
    return Store(database, where, clock)
