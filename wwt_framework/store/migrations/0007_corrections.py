"""What operators said about groups. A frozen copy of what ``tables.py`` was then; never to be changed."""

from typing import Any

from peewee import AutoField, BigIntegerField, Model, TextField


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the runner calls it so
    class Base(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Correction(Base):
        number = AutoField()
        kind = TextField()
        workflows = TextField()
        others = TextField()
        user_name = TextField()
        at = BigIntegerField(index=True)
        ended_by = TextField()
        ended_at = BigIntegerField(null=True, index=True)

    db.create_tables([Correction], safe=False)
