"""What the desk keeps: drafts, the reason book, evidence, and what executors say. Never to be changed."""

from typing import Any

from peewee import AutoField, BigIntegerField, BlobField, IntegerField, Model, TextField
from playhouse.migrate import migrate


def up(migrator: Any, db: Any) -> None:
    migrate(
        migrator.add_column("action", "acdcs", TextField(default="[]")),
        migrator.add_column("action", "expires_at", BigIntegerField(null=True, index=True)),
    )
    db.create_tables(_tables(db), safe=False)


def _tables(db: Any) -> list[type[Model]]:
    class Base(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Draft(Base):
        id = TextField(primary_key=True)
        user_name = TextField(index=True)
        content = TextField()
        created_at = BigIntegerField(index=True)
        changed_at = BigIntegerField()
        submitted_at = BigIntegerField(null=True)

    class Reason(Base):
        number = AutoField()
        key = TextField(unique=True)
        short = TextField()
        long = TextField()
        user_name = TextField()
        created_at = BigIntegerField()
        used_at = BigIntegerField(null=True)
        uses = IntegerField(default=0)

    class Evidence(Base):
        action_id = TextField(primary_key=True)
        workflow = TextField(index=True)
        snapshot = TextField()
        at = BigIntegerField(index=True)
        content = BlobField()

    class Executor(Base):
        name = TextField(primary_key=True)
        manifest = TextField()
        manifest_at = BigIntegerField(null=True)
        seen_at = BigIntegerField()
        doing = TextField()

    class ExecutorWord(Base):
        number = AutoField()
        action_id = TextField(index=True)
        task = TextField()
        at = BigIntegerField()
        executor = TextField()
        word = TextField()
        why = TextField()
        request = TextField()

    return [Draft, Reason, Evidence, Executor, ExecutorWord]
