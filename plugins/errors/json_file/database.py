"""The SQLite database in which the old console kept current errors and history, read-only.

Its table: ``workflows (fullkey, stepname, errorcode, sitename, numbererrors, sitereadiness)``;
before 2017 without the first and the last, which is the readiness of the site when the row was written. The file is not trusted: nothing in it is run.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote

from wwt_framework.errors import SourceError

from ..._cms.faults import Faults
from ..._cms.parsing import shown
from .mend import workflow_of

MAGIC = b"SQLite format 3\0"

_COLUMNS = ("stepname", "errorcode", "sitename", "numbererrors")
_READINESS = "sitereadiness"
_ROWS = "SELECT stepname, errorcode, sitename, numbererrors, {} FROM workflows"
#: Seconds to wait for a writer to finish, and for the whole reading.
_PATIENCE = 5.0
_LONGEST = 300
#: No row of four columns is smaller: a file that seems to hold more rows goes in circles.
_SMALLEST_ROW = 8


#: (task, exit code, site) -> readiness of the site then, as it was written
Ready = dict[tuple[str, str, str], str]


def read_database(path: str, where: str, size: int) -> tuple[dict[str, Any], Faults, Ready]:
    """{task: {exit code: {site: n}}} in the database *path* of *size* bytes, rows that are no such thing, and readiness.

    Raises SourceError, which says *where*.
    """
    faults = Faults()
    raw: dict[str, dict[str, dict[str, Any]]] = {}
    ready: Ready = {}
    most = size // _SMALLEST_ROW
    for n, (task, code, site, number, colour) in enumerate(_rows(path, where), 1):
        if n > most:
            raise SourceError(f"{where} is damaged: it seems to hold more rows than its size allows")
        if not (isinstance(task, str) and isinstance(site, str) and isinstance(code, int | str)):
            faults.add(
                (f"row {n}",), f"expected task, exit code and site, got {', '.join(map(shown, (task, code, site)))}"
            )
            continue
        sites = raw.setdefault(task, {}).setdefault(str(code), {})
        if site in sites:
            faults.add((task, str(code), site), "comes again in another row; expected once", workflow_of(task))
        else:
            sites[site] = number
            ready[task, str(code), site] = colour if isinstance(colour, str) else ""
    return raw, faults, ready


def _rows(path: str, where: str) -> Iterator[tuple[Any, ...]]:
    with _said_in_words(where), closing(_open(path)) as connection:
        readiness = _READINESS if _READINESS in _check_table(connection, where) else "NULL"
        connection.set_authorizer(_only_reads)
        deadline = time.monotonic() + _LONGEST
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 100_000)
        yield from connection.execute(_ROWS.format(readiness))


def _check_table(connection: sqlite3.Connection, where: str) -> set[str]:
    """The columns of ``workflows``. Raises SourceError unless ``workflows`` is a plain table with plain columns: a view or a formula would run."""
    found = connection.execute("SELECT type, sql FROM sqlite_master WHERE lower(name) = 'workflows'").fetchall()
    if not found:
        raise SourceError(f"{where} has no table workflows; expected a database of the old console")
    columns = {name.lower(): hidden for _, name, *_, hidden in connection.execute("PRAGMA table_xinfo(workflows)")}
    plain = found[0][0] == "table" and str(found[0][1]).upper().startswith("CREATE TABLE")
    if len(found) > 1 or not plain or any(columns.values()):
        raise SourceError(f"{where}: workflows is no plain table; expected a database of the old console")
    if lacking := [name for name in _COLUMNS if name not in columns]:
        raise SourceError(f"{where}: workflows has no column {lacking[0]}; expected {', '.join(_COLUMNS)}")
    return set(columns)


def _open(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=_PATIENCE)
    connection.text_factory = _text
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")  # what is not UTF-8 is refused later, by its path


def _only_reads(action: int, table: str | None, column: str | None, *_: str | None) -> int:
    """Allow the one query over the plain columns: no function, no view, no other table."""
    if action == sqlite3.SQLITE_SELECT:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_READ and table == "workflows" and str(column).lower() in {*_COLUMNS, _READINESS}:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


@contextmanager
def _said_in_words(where: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        if "locked" in text or "busy" in text:
            text = f"another program has been writing to it for {_PATIENCE:g} s; it is read again at the next refresh"
        elif "interrupted" in text:
            text = f"reading it takes more than {_LONGEST} s"
        raise SourceError(f"{where} can not be read as a database: {text}") from error
