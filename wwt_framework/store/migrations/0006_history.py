"""The history of failed jobs. A frozen copy of what ``tables.py`` was then; never to be changed."""

from typing import Any

from peewee import AutoField, BigIntegerField, BlobField, IntegerField, Model, TextField


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the runner calls it so
    class Base(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class HistorySite(Base):
        number = AutoField()
        name = TextField()

    class HistoryWorkflow(Base):
        number = AutoField()
        key = BlobField(unique=True)
        name = TextField()
        digest = BlobField()
        jobs = BigIntegerField()
        cells = IntegerField()
        first_at = BigIntegerField()
        written_at = BigIntegerField()
        seen_at = BigIntegerField(index=True)
        days = BlobField()

    class HistoryCells(Base):
        number = IntegerField(primary_key=True)
        tasks = TextField()
        packed = BlobField()

    class HistoryDay(Base):
        day = IntegerField(primary_key=True)
        at = BigIntegerField()
        jobs = BigIntegerField()
        workflows = IntegerField()
        failing = IntegerField()
        unsure = IntegerField()
        totals = BlobField()
        sites = BlobField()
        pairs = BlobField()

    db.create_tables([HistorySite, HistoryWorkflow, HistoryCells, HistoryDay], safe=False)
