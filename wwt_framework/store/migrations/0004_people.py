"""Who is who, and what must not be forgotten: persons, browsers, tries, break-glass. Never to be changed."""

from typing import Any

from peewee import AutoField, BigIntegerField, BooleanField, IntegerField, Model, SqliteDatabase, TextField
from playhouse.migrate import migrate

_REFUSAL = "the audit is only added to: nothing in it is changed or deleted"


def up(migrator: Any, db: Any) -> None:
    migrate(
        migrator.add_column("session", "agent", TextField(default="")),
        migrator.add_column("session", "ends_at", BigIntegerField(null=True)),
    )
    db.create_tables(_tables(db), safe=False)
    for statement in _sqlite() if isinstance(db, SqliteDatabase) else _postgresql():
        db.execute_sql(statement)


def _tables(db: Any) -> list[type[Model]]:
    class Base(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class Person(Base):
        number = AutoField()
        key = TextField(unique=True)
        name = TextField()
        full_name = TextField()
        email = TextField()
        roles = TextField()
        disabled_at = BigIntegerField(null=True)
        disabled_by = TextField()
        alias_of = IntegerField(null=True, index=True)
        created_at = BigIntegerField()

    class Identity(Base):
        number = AutoField()
        backend = TextField()
        login = TextField()
        person = IntegerField(index=True)
        origin = IntegerField()
        account = BooleanField()
        vouched = TextField()
        linked_at = BigIntegerField()
        linked_by = TextField()
        seen_at = BigIntegerField(null=True)

        class Meta:
            indexes = ((("backend", "login"), True),)

    class Device(Base):
        number = AutoField()
        digest = TextField()
        person = TextField()
        agent = TextField()
        first_at = BigIntegerField()
        seen_at = BigIntegerField(index=True)

        class Meta:
            indexes = ((("digest", "person"), True),)

    class Attempt(Base):
        number = AutoField()
        key = TextField(index=True)
        at = BigIntegerField(index=True)

    class BreakGlass(Base):
        digest = TextField(primary_key=True)
        made_by = TextField()
        made_at = BigIntegerField()
        ends_at = BigIntegerField(index=True)
        used_at = BigIntegerField(null=True)

    return [Person, Identity, Device, Attempt, BreakGlass]


def _sqlite() -> list[str]:
    return [
        f"CREATE TRIGGER deed_no_{verb} BEFORE {verb.upper()} ON deed BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        for verb in ("update", "delete")
    ]


def _postgresql() -> list[str]:
    refuse = f"RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'"
    return [
        f"CREATE FUNCTION deed_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {refuse}; END $$",
        "CREATE TRIGGER deed_no_change BEFORE UPDATE OR DELETE ON deed FOR EACH ROW EXECUTE FUNCTION deed_refuse()",
        "CREATE TRIGGER deed_no_truncate BEFORE TRUNCATE ON deed FOR EACH STATEMENT EXECUTE FUNCTION deed_refuse()",
    ]
