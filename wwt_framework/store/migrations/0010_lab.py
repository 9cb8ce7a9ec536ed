"""Results of the lab and the rules that act. A frozen copy of what ``tables.py`` was then; never to be changed."""

from typing import Any

from peewee import AutoField, BigIntegerField, BlobField, Model, TextField


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the runner calls it so
    class Base(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class LabResult(Base):
        number = AutoField()
        id = TextField(unique=True)
        subject = TextField(index=True)
        fingerprint = TextField()
        made_at = BigIntegerField(index=True)
        user_name = TextField()
        content = BlobField()

    class RuleSwitch(Base):
        rule = TextField(primary_key=True)
        fingerprint = TextField()
        result = TextField()
        user_name = TextField()
        at = BigIntegerField()

    db.create_tables([LabResult, RuleSwitch], safe=False)
