"""A store's address -> a database that is ours, of this version, whole and writable; or a sentence that says why not."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import peewee
from playhouse.db_url import parse
from playhouse.migrations import Runner
from playhouse.pool import PooledDatabase, PooledSqliteDatabase

from wwt_framework.errors import StoreError
from wwt_framework.store.tables import Tables
from wwt_framework.store.trouble import TROUBLE, in_words

MIGRATIONS = Path(__file__).with_name("migrations")
HISTORY = "wwt_migration"  # the table of applied migrations; its presence says that the database is ours
LOCK = 0x777774  # "wwt": the first number of our advisory locks on PostgreSQL
_PATIENCE = 60.0  # seconds to wait for another process that migrates
_QUICK = 64 << 20  # bytes; files up to this size are checked whole at each opening


def connect(url: str, *, durable: bool = True) -> tuple[PooledDatabase, str]:
    """The database at *url*, not yet opened, and its address fit for messages.

    *durable* False: for a store that nobody needs after a crash of the machine.
    """
    scheme = url.partition("://")[0].partition("+")[0]
    if scheme == "sqlite":
        return _sqlite(url, durable=durable)
    if scheme in {"psycopg3", "postgres", "postgresql"}:
        return _postgresql(url)
    raise StoreError(
        f"store: expected sqlite:///FILE or psycopg3+pool://USER@HOST/NAME, got {scheme + '://...' if '://' in url else url!r}"
    )


class _Sqlite(PooledSqliteDatabase):
    def rollback(self) -> None:
        """SQLite has rolled back by itself when the disk is full: a second time would hide why."""
        if self.connection().in_transaction:
            super().rollback()


def _sqlite(url: str, *, durable: bool) -> tuple[PooledDatabase, str]:
    name = url.partition(":///")[2]
    if not name or name.startswith((":memory:", "?")):
        raise StoreError(f"store: expected sqlite:///FILE, got {url!r}; a store in memory would forget every action")
    path = Path(name)
    _look_at_file(path)
    database = _Sqlite(
        str(path),
        max_connections=0,  # one for each thread that asks
        timeout=10,
        check_same_thread=False,  # the pool hands a connection from thread to thread, one at a time
        autoconnect=False,
        pragmas={
            "journal_mode": "wal",
            "synchronous": "full" if durable else "off",
            "busy_timeout": 10_000,
            "foreign_keys": 1,
        },
    )
    return database, f"store {path}"


def _look_at_file(path: Path) -> None:
    """Refuse what can not be an SQLite file of ours; make an empty one where there is none.

    Password hashes and sessions are in it: nobody but the owner may read a file that we make.
    """
    try:
        if path.is_dir():
            raise StoreError(f"store {path}: expected a file, found a folder; add a file name, like {path / 'wwt.db'}")
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        with path.open("rb") as file:
            begin = file.read(16)
    except OSError as err:
        raise StoreError(f"store {path}: can not be opened for writing: {err.strerror}") from err
    except ValueError as err:  # NUL in the name
        raise StoreError(f"store {str(path)!r}: can not be a file name: {err}") from err
    if begin and begin != b"SQLite format 3\0":
        raise StoreError(f"store {path}: expected an SQLite database, found a file that begins with {begin!r}")


def _postgresql(url: str) -> tuple[PooledDatabase, str]:
    try:
        from wwt_framework.store.postgresql import Postgresql
    except ImportError as err:
        raise StoreError("store: PostgreSQL needs psycopg; run pip install 'wwt-framework[scale]'") from err
    try:
        given: dict[str, Any] = parse(url, unquote_password=True, unquote_user=True)
        port = urlsplit(url).port
    except ValueError as err:
        raise StoreError(f"store: expected psycopg3+pool://USER:PASSWORD@HOST:PORT/NAME: {err}") from err
    if not given.get("database"):
        raise StoreError("store: the address has no database name; expected psycopg3+pool://USER@HOST/NAME")
    host = given.get("host", "")
    where = f"store {given['database']} on PostgreSQL at {host or 'the local socket'}{f':{port}' if port else ''}"
    options = {"max_connections": 40, "timeout": 10, "connect_timeout": 10} | given
    return Postgresql(options.pop("database"), autoconnect=False, **options), where


def prepare(database: PooledDatabase, where: str) -> None:
    """Migrate *database*, one process at a time, and check it. Raises `StoreError`; then it is closed again."""
    try:
        with database.connection_context():
            with _one_at_a_time(database, where):
                _refuse_strangers(database, where)
                Runner(database, str(MIGRATIONS), table_name=HISTORY).up()
            problems = inspect(database, where, Tables(database), _QUICK)
        if problems:
            raise StoreError("\n".join(problems))
    except TROUBLE as err:
        database.close_all()
        raise in_words(where, err) from err
    except BaseException:
        database.close_all()
        raise


def inspect(database: PooledDatabase, where: str, tables: Tables, limit: int | None = None) -> list[str]:
    """Everything that is wrong, as sentences. An SQLite file is read whole unless it is larger than *limit* bytes."""
    return _shape(database, where, tables) + _damage(database, where, limit) + _unfit(database, where)


@contextmanager
def _one_at_a_time(database: PooledDatabase, where: str) -> Iterator[None]:
    """Keep out other processes that want to migrate the same database."""
    if not isinstance(database, peewee.SqliteDatabase):
        database.execute_sql(f"set lock_timeout = '{int(_PATIENCE)}s'")
        database.execute_sql("select pg_advisory_lock(%s, 0)", (LOCK,))
        try:
            yield
        finally:
            database.execute_sql("select pg_advisory_unlock(%s, 0)", (LOCK,))
            database.execute_sql("reset lock_timeout")
        return
    lock = os.open(f"{database.database}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait_for(lock, where)
        yield
    finally:
        os.close(lock)


def _wait_for(lock: int, where: str) -> None:
    until = time.monotonic() + _PATIENCE
    while not _locked(lock):
        if time.monotonic() > until:
            raise StoreError(f"{where}: another process has been changing its tables for {_PATIENCE:.0f} s; try again")
        time.sleep(0.02)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _refuse_strangers(database: PooledDatabase, where: str) -> None:
    """Touch neither another program's tables nor those of a newer version of ours."""
    there = set(database.get_tables())
    if HISTORY not in there:
        # On PostgreSQL others may live in the same database, as long as they leave our names free.
        foreign = there if isinstance(database, peewee.SqliteDatabase) else there & _our_names(database)
        if foreign:
            raise StoreError(
                f"{where}: belongs to another program: it has the table {min(foreign)!r} but not {HISTORY!r}; "
                "choose another address"
            )
        return
    known = {path.stem for path in MIGRATIONS.glob("[0-9]*.py")}
    applied = set(Runner(database, str(MIGRATIONS), table_name=HISTORY).applied())
    if newer := sorted(applied - known):
        raise StoreError(
            f"{where}: was last used by a newer version of this program: it has {newer[-1]!r}, this version knows "
            f"{max(known)!r} at most. Install the newer version again, or restore a backup from before"
        )


def _our_names(database: PooledDatabase) -> set[str]:
    return {model._meta.table_name for model in Tables(database).models}  # noqa: SLF001 - peewee's public name for it


def _shape(database: PooledDatabase, where: str, tables: Tables) -> list[str]:
    """Tables and columns that are missing."""
    problems = []
    there = set(database.get_tables())
    for model in tables.models:
        meta = model._meta  # noqa: SLF001 - peewee's public name for it
        if meta.table_name not in there:
            problems.append(f"{where}: the table {meta.table_name!r} is missing; restore a backup")
            continue
        columns = {column.name for column in database.get_columns(meta.table_name)}
        problems += [
            f"{where}: the column {name!r} of the table {meta.table_name!r} is missing; restore a backup"
            for name in sorted(set(meta.columns) - columns)
        ]
    return problems


def _damage(database: PooledDatabase, where: str, limit: int | None) -> list[str]:
    """What SQLite says about its file."""
    if not isinstance(database, peewee.SqliteDatabase):
        return []
    if limit is not None and Path(database.database).stat().st_size > limit:
        return []
    rows = [row[0] for row in database.execute_sql("pragma quick_check(3)").fetchall()]
    return [] if rows == ["ok"] else [f"{where}: the file is damaged ({'; '.join(rows)}); restore a backup"]


def _unfit(database: PooledDatabase, where: str) -> list[str]:
    """Whether it can be written, safely and in every language."""
    if isinstance(database, peewee.SqliteDatabase):
        mode = database.execute_sql("pragma journal_mode").fetchone()[0]
        if mode != "wal":
            return [f"{where}: SQLite could not switch to its write-ahead log (it says {mode!r}); use a local disk"]
        with database.atomic("IMMEDIATE"):
            return []
    encoding = database.execute_sql("show server_encoding").fetchone()[0]
    if encoding != "UTF8":
        return [f"{where}: expected a database with encoding UTF8, found {encoding}; create it with encoding 'UTF8'"]
    if database.execute_sql("show transaction_read_only").fetchone()[0] == "on":
        return [f"{where}: the server is read-only, a standby for example; give the address of the one that writes"]
    return []
