from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import peewee
import pytest
from playhouse.schema_diff import diff_models

from wwt_framework.errors import StoreError
from wwt_framework.store import Store, ledger, open_store, opening
from wwt_framework.store.tables import Tables

OPEN = "import sys; from wwt_framework.store import open_store; open_store(sys.argv[1]).close()"


def _sentence(url: str) -> str:
    with pytest.raises(StoreError) as caught:
        open_store(url)
    return str(caught.value)


def test_the_migrations_make_the_tables_that_the_program_uses(store: Store) -> None:
    with store.connection():
        difference = diff_models(store.database, store.tables.models)

    assert not difference


def test_the_migrations_make_columns_of_the_types_that_the_program_uses(store: Store, url: str) -> None:
    fresh, _ = opening.connect(url.replace("wwt.db", "fresh.db"))
    with store.connection():
        migrated = _columns(store.database, store.tables)
        store.database.execute_sql("drop table action_event")
        store.database.drop_tables(store.tables.models)
    with fresh.connection_context():
        fresh.create_tables(Tables(fresh).models)
        wanted = _columns(fresh, Tables(fresh))
    fresh.close_all()

    assert migrated == wanted


def _columns(database: peewee.Database, tables: Tables) -> set[tuple[str, str, str, bool, bool]]:
    names = [model._meta.table_name for model in tables.models]
    columns = [column for name in names for column in database.get_columns(name)]
    return {(c.table, c.name, c.data_type, c.null, c.primary_key) for c in columns}


def test_opening_again_finds_what_was_kept(url: str) -> None:
    first = open_store(url)
    ledger.mark_prep(first, "HIG-1")
    first.close()

    second = open_store(url)
    assert list(ledger.marked_preps(second)) == ["HIG-1"]
    second.close()


def test_two_stores_of_one_process_do_not_see_each_other(tmp_path: Path) -> None:
    one, other = open_store(f"sqlite:///{tmp_path}/one.db"), open_store(f"sqlite:///{tmp_path}/other.db")

    ledger.mark_prep(one, "HIG-1")

    assert ledger.marked_preps(other) == {}
    one.close()
    other.close()


def test_several_processes_may_open_a_new_store_at_once(url: str) -> None:
    starters = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", OPEN, url], stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [starter.communicate(timeout=120)[1] for starter in starters]

    assert [starter.returncode for starter in starters] == [0, 0, 0, 0], said
    store = open_store(url)
    assert store.check() == []
    store.close()


def test_a_folder_in_the_file_s_place_is_named(tmp_path: Path) -> None:
    assert _sentence(f"sqlite:///{tmp_path}") == (
        f"store {tmp_path}: expected a file, found a folder; add a file name, like {tmp_path}/wwt.db"
    )


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/a/b/wwt.db").close()

    assert (tmp_path / "a/b/wwt.db").is_file()


def test_a_file_on_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")

    assert f"store {tmp_path}/a/wwt.db: can not be opened for writing" in _sentence(f"sqlite:///{tmp_path}/a/wwt.db")


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Dear diary, today the grid failed again.")

    assert "expected an SQLite database, found a file that begins with b'Dear diary, toda'" in _sentence(
        f"sqlite:///{path}"
    )
    assert path.read_text() == "Dear diary, today the grid failed again."


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "photos.db")) as other:
        other.execute("create table photo (id)")
    before = (tmp_path / "photos.db").read_bytes()

    assert "belongs to another program: it has the table 'photo'" in _sentence(f"sqlite:///{tmp_path}/photos.db")
    assert (tmp_path / "photos.db").read_bytes()[100:] == before[100:]  # but for WAL mode in the head


def test_a_store_of_a_newer_version_is_left_alone(url: str) -> None:
    store = open_store(url)
    with store.write():
        store.database.execute_sql("insert into wwt_migration (name, applied) values ('9999_hovercraft', '2031-01-01')")
    store.close()

    assert "was last used by a newer version of this program: it has '9999_hovercraft'" in _sentence(url)


def test_a_missing_column_is_named(url: str) -> None:
    store = open_store(url)
    with store.write():
        store.database.execute_sql("alter table refresh_mark drop column user_name")
    store.close()

    assert "the column 'user_name' of the table 'refresh_mark' is missing" in _sentence(url)


def test_a_missing_table_is_named(url: str) -> None:
    store = open_store(url)
    with store.write():
        store.database.execute_sql("drop table refresh_mark")
    store.close()

    assert "the table 'refresh_mark' is missing; restore a backup" in _sentence(url)


def test_a_damaged_file_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "wwt.db"
    store = open_store(f"sqlite:///{path}")
    for number in range(500):
        ledger.mark_prep(store, f"HIG-{number:05d}")
    store.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 8192))

    assert "damaged" in _sentence(f"sqlite:///{path}")


def test_a_file_cut_in_half_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "wwt.db"
    open_store(f"sqlite:///{path}").close()
    os.truncate(path, path.stat().st_size // 2)

    assert "damaged" in _sentence(f"sqlite:///{path}")


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "wwt.db").write_bytes(b"")

    store = open_store(f"sqlite:///{tmp_path}/wwt.db")
    assert store.check() == []
    store.close()


def test_only_the_owner_may_read_a_new_file(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/wwt.db").close()

    assert stat.S_IMODE((tmp_path / "wwt.db").stat().st_mode) == 0o600


AS_NOBODY = """
import os, sys
from wwt_framework.errors import StoreError
from wwt_framework.store import open_store
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
try:
    open_store(sys.argv[1]).close()
except StoreError as err:
    print(err)
"""


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user can reach; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="wwt-public-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def _opened_by_nobody(path: Path) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, f"sqlite:///{path}"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_file_that_may_not_be_written_is_named(public: Path) -> None:
    path = public / "wwt.db"
    open_store(f"sqlite:///{path}").close()
    path.chmod(0o444)

    assert _opened_by_nobody(path) == f"store {path}: can not be opened for writing: Permission denied\n"


def test_a_folder_that_may_not_be_written_is_said_in_words(public: Path) -> None:
    path = public / "wwt.db"
    open_store(f"sqlite:///{path}").close()
    path.chmod(0o666)
    public.chmod(0o555)

    said = _opened_by_nobody(path)
    assert said.startswith(f"store {path}: ")
    assert "needs the right to write" in said


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("wwt.db", "expected sqlite:///FILE or psycopg3+pool://USER@HOST/NAME, got 'wwt.db'"),
        ("oracle://scott:tiger@host/x", "got 'oracle://...'"),
        ("sqlite:///", "expected sqlite:///FILE"),
        ("sqlite:///:memory:", "would forget every action"),
        ("sqlite://wwt.db", "expected sqlite:///FILE"),
        ("sqlite:///a\0b", "can not be a file name"),
        ("psycopg3://host", "the address has no database name"),
        ("psycopg3://host:port/wwt", "expected psycopg3+pool://USER:PASSWORD@HOST:PORT/NAME"),
    ],
)
def test_an_address_that_is_none_is_said_in_words(url: str, says: str) -> None:
    assert says in _sentence(url)


def test_a_password_stays_out_of_messages() -> None:
    assert "tiger" not in _sentence("psycopg3+pool://scott:tiger@127.0.0.1:1/wwt?connect_timeout=2")


def test_a_server_that_is_not_there_is_said_in_words(tmp_path: Path) -> None:
    assert _sentence("psycopg3+pool://wwt@127.0.0.1:1/wwt?connect_timeout=2").startswith(
        "store wwt on PostgreSQL at 127.0.0.1:1: the server does not answer; is it running there?"
    )


@pytest.mark.needs("postgresql")
def test_a_database_that_the_server_lacks_is_said_in_words(postgresql: Callable[[], str]) -> None:
    url = postgresql().replace("@/wwt", "@/nothing")

    assert "the server does not have it" in _sentence(url)


@pytest.mark.needs("postgresql")
def test_other_tables_in_the_same_postgresql_database_do_no_harm(postgresql: Callable[[], str]) -> None:
    url = postgresql()
    database, _ = opening.connect(url)
    with database.connection_context():
        database.execute_sql("create table huey_task (id integer)")
    database.close_all()

    store = open_store(url)
    assert store.check() == []
    store.close()


@pytest.mark.needs("postgresql")
def test_a_table_of_our_name_that_is_not_ours_is_left_alone(postgresql: Callable[[], str]) -> None:
    url = postgresql()
    database, _ = opening.connect(url)
    with database.connection_context():
        database.execute_sql("create table account (iban text)")
    database.close_all()

    assert "belongs to another program: it has the table 'account'" in _sentence(url)


def test_every_table_says_what_it_is_for(store: Store) -> None:
    assert all(model.__doc__ for model in Tables(store.database).models)


def _folder_of(store: Store) -> Path:
    return Path(store.database.database).parent


def test_the_memory_twin_is_gone_when_it_is_closed() -> None:
    store = Store.memory()
    folder = _folder_of(store)
    assert folder.is_dir()

    store.close()

    assert not folder.exists()


def test_a_memory_twin_that_nobody_closes_is_gone_when_the_program_ends() -> None:
    forget = "from wwt_framework.store import Store; store = Store.memory(); print(store.database.database)"
    ran = subprocess.run([sys.executable, "-c", forget], capture_output=True, text=True, check=True)

    assert not Path(ran.stdout.strip()).parent.exists()
