"""Tokens, passkeys and codes of mails. A frozen copy of what ``tables.py`` was then; never to be changed."""

from typing import Any

from peewee import AutoField, BigIntegerField, Model, TextField


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the runner calls it so
    class Credential(Model):
        number = AutoField()
        plugin = TextField()
        kind = TextField()
        name = TextField()
        owner = TextField(index=True)
        details = TextField()
        created_at = BigIntegerField()
        expires_at = BigIntegerField(null=True, index=True)
        used_at = BigIntegerField(null=True)

        class Meta:
            database = db
            legacy_table_names = False
            indexes = ((("plugin", "kind", "name"), True),)

    db.create_tables([Credential], safe=False)
