"""The first tables. A frozen copy of what ``tables.py`` was then; never to be changed."""

from typing import Any

from peewee import (
    SQL,
    AutoField,
    BigIntegerField,
    BooleanField,
    CompositeKey,
    DoubleField,
    IntegerField,
    Model,
    TextField,
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the runner calls it so
    people = _people(db)
    work = _work(db)
    db.create_tables([*people, *work], safe=False)


def _people(db: Any) -> list[type[Model]]:
    class Base(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Account(Base):
        key = TextField(unique=True)
        name = TextField()
        secret = TextField()
        full_name = TextField()
        email = TextField()
        roles = TextField()
        active = BooleanField()
        created_at = BigIntegerField()

    class Session(Base):
        digest = TextField(primary_key=True)
        user_name = TextField(index=True)
        user = TextField()
        vouched = TextField()
        created_at = BigIntegerField(index=True)
        last_seen = BigIntegerField(index=True)
        roles_at = BigIntegerField()
        csrf = TextField()
        scratch = TextField()
        remote = TextField()

    class PluginMemory(Base):
        plugin = TextField()
        key = TextField()
        value = TextField()

        class Meta:
            primary_key = CompositeKey("plugin", "key")

    class Deed(Base):
        number = AutoField()
        at = BigIntegerField(index=True)
        user_name = TextField()
        deed = TextField()
        subject = TextField(index=True)
        details = TextField()
        remote = TextField()

    class Secret(Base):
        name = TextField(primary_key=True)
        value = TextField()
        created_at = BigIntegerField()

    return [Account, Session, PluginMemory, Deed, Secret]


def _work(db: Any) -> list[type[Model]]:
    class Base(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Action(Base):
        number = AutoField()
        id = TextField(unique=True)
        draft = TextField(index=True)
        kind = TextField()
        workflow = TextField(index=True)
        field_values = TextField()
        task_values = TextField()
        reasons = TextField()
        user_name = TextField()
        state = TextField(index=True)
        submitted_at = BigIntegerField()
        changed_at = BigIntegerField()
        reference = TextField()
        note = TextField()
        handed_event = IntegerField(null=True)
        reported_at = BigIntegerField(null=True)
        rehearsed = BooleanField()

    class ActionEvent(Base):
        number = AutoField()
        action_id = TextField(index=True, constraints=[SQL("REFERENCES action (id)")])
        workflow = TextField(index=True)
        at = BigIntegerField()
        user_name = TextField()
        from_state = TextField()
        to_state = TextField()
        note = TextField()

    class JobRun(Base):
        number = AutoField()
        id = TextField(unique=True)
        name = TextField()
        arguments = TextField()
        user_name = TextField()
        state = TextField(index=True)
        progress = DoubleField(null=True)
        doing = TextField()
        text = TextField()
        requested_at = BigIntegerField()
        started_at = BigIntegerField(null=True)
        ended_at = BigIntegerField(null=True)
        host = TextField()
        pid = IntegerField(null=True)
        attempt = IntegerField()

    class RefreshMark(Base):
        prep_id = TextField(primary_key=True)
        user_name = TextField()
        at = BigIntegerField()

    class SnapshotVersion(Base):
        number = AutoField()
        version = TextField(unique=True)
        taken_at = BigIntegerField()
        folder = TextField()
        published_at = BigIntegerField()

    return [Action, ActionEvent, JobRun, RefreshMark, SnapshotVersion]
