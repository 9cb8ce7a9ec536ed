"""The log index in an SQLite file of its own: full text by FTS5 over trigrams, so that parts of words are found."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from wwt_framework.errors import StoreError
from wwt_framework.store.logs.common import MOST, LogIndex
from wwt_framework.store.logs.words import like
from wwt_framework.store.trouble import in_words

#: Of this layout of the file; one of another is made anew.
_LAYOUT = 1
#: Trigrams of a word that are looked up; what they find is looked at anyway.
_TRIGRAMS = 12

# Without positions (detail=none) the index is a third as large, and as quick to fill: what has all trigrams of a word
# is looked through for the word itself.
_SCHEMA = """
create table log_text (
    id integer primary key autoincrement, digest text not null unique, text text not null, bytes integer not null,
    first_seen real not null, last_seen real not null
);
create index log_text_seen on log_text (last_seen);
create virtual table log_words using fts5 (text, content='log_text', content_rowid='id', tokenize='trigram', detail='none');
create trigger log_text_added after insert on log_text begin
    insert into log_words (rowid, text) values (new.id, new.text);
end;
create trigger log_text_gone after delete on log_text begin
    insert into log_words (log_words, rowid, text) values ('delete', old.id, old.text);
end;
create table log_name (id integer primary key, kind text not null, name text not null, unique (kind, name));
create table log_place (
    text integer not null, workflow integer not null, task integer not null, site integer not null,
    module integer not null, exit_code integer not null, count integer not null, last_seen real not null, at real,
    primary key (text, workflow, task, site, module, exit_code)
) without rowid;
create index log_place_workflow on log_place (workflow);
create index log_place_site on log_place (site);
create index log_place_code on log_place (exit_code);
create table log_filled (id integer primary key, at real not null);
"""


class SqliteLogs(LogIndex):
    """The index in the file at *path*."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._in_words(), closing(self._made()) as db:
            db.executescript("pragma journal_mode = wal; pragma synchronous = normal;")
            with db:
                db.execute("begin immediate")
                self._make(db)
                yield db

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        with self._in_words():
            if not self.path.exists():
                yield None
                return
            with closing(self._open("rw")) as db:
                db.execute("begin")  # all of one search is of one moment
                yield db if self._layout(db) == _LAYOUT else None

    def _made(self) -> sqlite3.Connection:
        """The file, made where there is none; nobody but its owner may read it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        return self._open("rw")

    def _open(self, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}", uri=True, timeout=30, isolation_level=None
        )

    def _layout(self, db: sqlite3.Connection) -> int:
        layout: int = db.execute("pragma user_version").fetchone()[0]
        return layout

    def _make(self, db: sqlite3.Connection) -> None:
        """The tables, where there are none; those of another layout are made anew, nothing in them is the only copy."""
        if self._layout(db) == _LAYOUT:
            return
        for kind, name in db.execute(
            "select type, name from sqlite_master where name like 'log\\_%' escape '\\'"
        ).fetchall():
            if kind in ("table", "trigger") and not name.startswith("log_words_"):
                db.execute(f"drop {kind} if exists {name}")
        for statement in _statements(_SCHEMA):
            db.execute(statement)
        db.execute(f"pragma user_version = {_LAYOUT}")

    def _rows(self, db: sqlite3.Connection, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        return db.execute(sql, values).fetchall()

    def _having(self, words: Sequence[str]) -> tuple[str, list[Any]]:
        tests = "".join(f" and {self._like()}" for _ in words)
        grams, values = self._grams(words)
        return f"select id from log_text where id in ({grams}){tests}", [*values, *map(like, words)]

    def _grams(self, words: Sequence[str]) -> tuple[str, list[Any]]:
        """The newest texts that may have *words*: they have their trigrams; all of them where the words are too short."""
        match = " AND ".join(dict.fromkeys(gram for word in words for gram in trigrams(word)))
        if not match:
            return f"select id from log_text order by id desc limit {MOST}", []
        return f"select rowid from log_words where log_words match ? order by rowid desc limit {MOST}", [match]

    def _many(self, db: sqlite3.Connection, words: Sequence[str]) -> bool:
        grams, values = self._grams(words)
        found: int = db.execute(f"select count(*) from ({grams})", values).fetchone()[0]
        return found >= MOST

    def slow(self) -> str:
        return ""

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as err:
            told = in_words(f"log index {self.path}", err)
            if isinstance(err, sqlite3.OperationalError):  # locked, a full disk: the file is whole
                raise told from err
            raise StoreError(
                f"{told}; move the file away: nothing in it is the only copy, refreshes fill it again"
            ) from err
        except OSError as err:
            raise StoreError(f"log index {self.path}: {err.strerror or err}") from err


def trigrams(word: str) -> list[str]:
    """Some three letters of *word* each, as FTS5 is asked for them; none of a shorter word.

    >>> trigrams("Open")
    ['"ope"', '"pen"']
    """
    last = len(word) - 3
    if last < 0:
        return []
    step = max(1, -(-last // (_TRIGRAMS - 1)))
    places = dict.fromkeys([*range(0, last + 1, step), last])
    return ['"' + word[i : i + 3].lower().replace('"', '""') + '"' for i in places]


def _statements(script: str) -> Iterator[str]:
    """The statements of *script*, one by one: ``executescript`` would end the transaction."""
    kept = ""
    for line in script.splitlines():
        kept += line + "\n"
        if sqlite3.complete_statement(kept):
            yield kept
            kept = ""
