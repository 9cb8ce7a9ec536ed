"""The log index in a PostgreSQL store: full text by pg_trgm, so that parts of words are found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from wwt_framework.store import Store
from wwt_framework.store.logs.common import MOST, LogIndex
from wwt_framework.store.logs.words import like


class PostgresLogs(LogIndex):
    """The index in the tables that a migration has made."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        with self._store.write("logs"):
            yield self._store.database

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        with self._store.connection():
            yield self._store.database

    def _rows(self, db: Any, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        # No text of others stands in the SQL: its question marks are places, and it has no percent sign.
        cursor = db.execute_sql(sql.replace("?", "%s"), [_clean(value) for value in values])
        return list(cursor.fetchall()) if cursor.description else []

    def _having(self, words: Sequence[str]) -> tuple[str, list[Any]]:
        tests = " and ".join(self._like() for _ in words)
        return f"select id from log_text where {tests} order by id desc limit {MOST}", [*map(like, words)]

    def _like(self) -> str:
        return "text ilike ? escape '\\'"

    def _name_like(self) -> str:
        return "lower(name) like lower(?) escape '\\'"

    def _many(self, db: Any, words: Sequence[str]) -> bool:
        having, values = self._having(words)
        return int(self._rows(db, f"select count(*) from ({having}) as c", values)[0][0]) >= MOST

    def slow(self) -> str:
        with self._reading() as db:
            if self._rows(db, "select 1 from pg_indexes where indexname = 'log_text_trigrams'", []):
                return ""
        return (
            "searches read every text, since the database has no pg_trgm: have its owner run CREATE EXTENSION pg_trgm; "
            "CREATE INDEX log_text_trigrams ON log_text USING gin (text gin_trgm_ops); "
            "CREATE INDEX log_name_trigrams ON log_name USING gin (lower(name) gin_trgm_ops) WHERE kind = 'w'"
        )


def _clean(value: Any) -> Any:
    """PostgreSQL has no NUL in its texts."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
