"""The log index of a PostgreSQL store; an SQLite store has it in a file of its own. Never to be changed."""

from typing import Any

import peewee

_TABLES = (
    """create table log_text (
        id bigserial primary key, digest text not null unique, text text not null, bytes integer not null,
        first_seen double precision not null, last_seen double precision not null
    )""",
    "create index log_text_seen on log_text (last_seen)",
    "create table log_name (id bigserial primary key, kind text not null, name text not null, unique (kind, name))",
    """create table log_place (
        text bigint not null, workflow bigint not null, task bigint not null, site bigint not null,
        module bigint not null, exit_code bigint not null, count bigint not null,
        last_seen double precision not null, at double precision,
        primary key (text, workflow, task, site, module, exit_code)
    )""",
    "create index log_place_workflow on log_place (workflow)",
    "create index log_place_site on log_place (site)",
    "create index log_place_code on log_place (exit_code)",
    "create table log_filled (id integer primary key, at double precision not null)",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the runner calls it so
    if isinstance(db, peewee.SqliteDatabase):
        return
    for statement in _TABLES:
        db.execute_sql(statement)
    try:
        with db.atomic():
            db.execute_sql("create extension if not exists pg_trgm")
            db.execute_sql("create index log_text_trigrams on log_text using gin (text gin_trgm_ops)")
    except peewee.DatabaseError:
        pass  # the account may not, or the server does not have it: searches are slower, and /showlog says why
