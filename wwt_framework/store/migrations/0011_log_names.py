"""A PostgreSQL store finds workflows by parts of their names as it finds texts. Never to be changed."""

from typing import Any

import peewee


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the runner calls it so
    if isinstance(db, peewee.SqliteDatabase):
        return
    try:
        with db.atomic():
            # Of the lower case: an index of the bare name would be taken for "name = ...", too, and is slow at that.
            db.execute_sql(
                "create index log_name_trigrams on log_name using gin (lower(name) gin_trgm_ops) where kind = 'w'"
            )
    except peewee.DatabaseError:
        pass  # there is no pg_trgm: searches are slower, and /showlog says why
