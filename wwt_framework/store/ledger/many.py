"""Thousands of rows in one statement, in plain SQL: making the same of 10,000 rows takes peewee two seconds.

PostgreSQL gets a whole column as one array; SQLite, which has none, a place for each value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import attrgetter
from typing import Any

import peewee

#: Rows, or names, in one statement.
_MANY = 2000
_KINDS = {"INT": "integer", "AUTO": "integer", "BIGINT": "bigint", "BLOB": "bytea", "TEXT": "text"}


def put(table: Any, rows: Sequence[Any]) -> None:
    """Write *rows*, objects with the fields of *table*, by their first field, in the place of what was there."""
    meta = table._meta  # noqa: SLF001 - peewee's public name for it
    names, database = meta.sorted_field_names, meta.database
    renewed = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    into, instead = (
        f"insert into {meta.table_name} ({', '.join(names)})",
        f"on conflict ({names[0]}) do update set {renewed}",
    )
    fields_of = attrgetter(*names)
    places = f"({', '.join('?' * len(names))})"
    arrays = ", ".join(f"%b::{_kind(table, name)}[]" for name in names)
    for some in _parts(rows):
        values = map(fields_of, some)
        if isinstance(database, peewee.SqliteDatabase):
            statement = f"{into} values {', '.join([places] * len(some))} {instead}"
            database.execute_sql(statement, list(chain.from_iterable(values)))
        else:
            columns = [list(column) for column in zip(*values, strict=True)]
            database.execute_bound(f"{into} select * from unnest({arrays}) {instead}", columns)  # noqa: S608 - names of ours


def among(table: Any, field: str, values: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """The rows whose *field* is one of *values*, each in the order of the table's fields; in no order."""
    names = ", ".join(table._meta.sorted_field_names)  # noqa: SLF001 - peewee's public name for it
    for some in _parts(values):
        yield from _where(table, f"select {names} from {table._meta.table_name}", field, some, ())  # noqa: S608, SLF001 - names of ours


def change_among(table: Any, changed: str, to: Any, field: str, values: Iterable[Any]) -> None:
    """Set the field *changed* to *to* in the rows whose *field* is one of *values*."""
    for some in _parts(values):
        _where(table, f"update {table._meta.table_name} set {changed} = ?", field, some, (to,))  # noqa: S608, SLF001 - names of ours


def ask(database: Any, statement: str, values: Sequence[Any]) -> Any:
    """A cursor over what *statement* gives; its places are question marks, and it has no others."""
    if isinstance(database, peewee.SqliteDatabase):
        return database.execute_sql(statement, values)
    return database.execute_bound(statement.replace("?", "%b"), values)


def _where(table: Any, statement: str, field: str, values: list[Any], before: tuple[Any, ...]) -> Any:
    database = table._meta.database  # noqa: SLF001 - peewee's public name for it
    if isinstance(database, peewee.SqliteDatabase):
        places = ", ".join("?" * len(values))
        return ask(database, f"{statement} where {field} in ({places})", [*before, *values])
    return ask(database, f"{statement} where {field} = any(?::{_kind(table, field)}[])", [*before, values])


def _kind(table: Any, field: str) -> str:
    """What PostgreSQL calls the type of *field*."""
    return _KINDS[getattr(table, field).field_type]


def _parts(values: Iterable[Any]) -> Iterator[list[Any]]:
    given = iter(values)
    while some := list(islice(given, _MANY)):
        yield some
