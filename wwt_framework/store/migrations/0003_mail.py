"""Mails that are to be sent. A frozen copy of what ``tables.py`` was then; never to be changed."""

from typing import Any

from peewee import AutoField, BigIntegerField, IntegerField, Model, TextField


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the runner calls it so
    class Base(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Mail(Base):
        number = AutoField()
        id = TextField(unique=True)
        once = TextField(null=True, unique=True)
        asked_by = TextField()
        recipients = TextField()
        copies = TextField()
        reply_to = TextField()
        subject = TextField()
        text = TextField()
        html = TextField()
        state = TextField(index=True)
        left = TextField()
        refused = TextField()
        reason = TextField()
        attempts = IntegerField()
        created_at = BigIntegerField()
        fresh_at = BigIntegerField()
        next_at = BigIntegerField(index=True)
        tried_at = BigIntegerField(null=True, index=True)
        ended_at = BigIntegerField(null=True, index=True)

    db.create_tables([Mail], safe=False)
