"""What json_file makes of the database of the old console, and of files that only look like one."""

from __future__ import annotations

import gzip
import sqlite3
import threading
from contextlib import closing

import pytest
import responses

from wwt_framework.errors import SourceError

TABLE = (
    "CREATE TABLE workflows (fullkey varchar(1023) UNIQUE, stepname varchar(255), errorcode int,"
    " sitename varchar(255), numbererrors int, sitereadiness varchar(15))"
)
ROWS = [
    ("k1", "/wf/task", 8028, "T1_US_FNAL", 3, "green"),
    ("k2", "/wf/task", -1, "T2_CH_CERN", 1, "none"),
    ("k3", "/wf/task/merge", "60450", "T1_US_FNAL", 2, "red"),
    ("k4", "/wf/LogCollect", 85, "T1_US_FNAL", 2, "red"),
    ("k5", "/other/task", 85, "T1_US_FNAL", 9, "red"),
]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "workflow_history.db"


def write(file, rows=ROWS, table=TABLE, *more):
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(table)
        for row in rows:
            connection.execute(f"INSERT INTO workflows VALUES ({','.join('?' * len(row))})", row)
        for statement in more:
            connection.execute(statement)


def load(wwt_plugin, path):
    return wwt_plugin("errors.json_file", path=str(path)).ask("load_errors", names=None)


def cells(e):
    rows = zip(e.task, e.code, e.site, e.count, strict=True)
    return {(e.tasks[t], e.codes[c], e.sites[s]): n for t, c, s, n in rows}


EXPECTED = {
    ("/wf/task", 8028, "T1_US_FNAL"): 3,
    ("/wf/task", -1, "T2_CH_CERN"): 1,
    ("/wf/task/merge", 60450, "T1_US_FNAL"): 2,
    ("/other/task", 85, "T1_US_FNAL"): 9,
}


def test_d_a_database_of_the_old_console_is_read(wwt_plugin, file):
    write(file)

    assert cells(load(wwt_plugin, file)) == EXPECTED


def test_table_of_2016_without_the_outer_columns_is_read(wwt_plugin, file):
    table = "CREATE TABLE workflows (stepname varchar(255), errorcode int, sitename varchar(255), numbererrors int)"
    write(file, [row[1:5] for row in ROWS], table)

    assert cells(load(wwt_plugin, file)) == EXPECTED


def test_database_is_told_by_its_content_and_not_by_its_name(wwt_plugin, tmp_path):
    write(tmp_path / "errors.json")

    assert cells(load(wwt_plugin, tmp_path / "errors.json")) == EXPECTED


def test_database_in_gzip_is_read(wwt_plugin, file):
    write(file)
    packed = file.with_suffix(".db.gz")
    packed.write_bytes(gzip.compress(file.read_bytes()))

    assert cells(load(wwt_plugin, packed)) == EXPECTED


@responses.activate
def test_database_at_an_address_is_read_and_no_copy_stays(wwt_plugin, file, tmp_path):
    write(file)
    responses.get("https://example.org/h.db", body=file.read_bytes())
    file.unlink()

    assert cells(load(wwt_plugin, "https://example.org/h.db")) == EXPECTED
    assert list(tmp_path.rglob("*.db")) == []


def test_strange_name_of_the_file_is_no_part_of_an_address(wwt_plugin, tmp_path):
    file = tmp_path / "a?mode=rwc#%20b.db"
    write(file)

    assert cells(load(wwt_plugin, file)) == EXPECTED


def test_database_is_not_changed(wwt_plugin, file):
    write(file)
    before = file.read_bytes()
    load(wwt_plugin, file)

    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir() if path.is_file()] == [file.name]


def test_database_that_another_program_writes_in_wal_mode_is_read(wwt_plugin, file):
    write(file)
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        with writer:
            writer.execute("INSERT INTO workflows VALUES ('k9', '/new/task', 1, 'A', 1, '')")

        assert ("/new/task", 1, "A") in cells(load(wwt_plugin, file))


@pytest.mark.parametrize(
    ("row", "path", "why"),
    [
        ((None, 85, "A", 1), "row 6", "expected task, exit code and site, got null, 85, 'A'"),
        ((b"/wf/b", 85, "A", 1), "row 6", "expected task, exit code and site, got bytes, 85, 'A'"),
        (("/wf/b", None, "A", 1), "row 6", "expected task, exit code and site, got '/wf/b', null, 'A'"),
        (("/wf/b", 8.5, "A", 1), "row 6", "expected task, exit code and site, got '/wf/b', 8.5, 'A'"),
        (("/wf/b", 85, None, 1), "row 6", "expected task, exit code and site, got '/wf/b', 85, null"),
        (("/wf/b", 85, "A", None), "/wf/b > 85 > A", "expected a number of failed jobs, got null"),
        (("/wf/b", 85, "A", "x"), "/wf/b > 85 > A", "expected a number of failed jobs, got 'x'"),
        (("/wf/b", 85, "A", -4), "/wf/b > 85 > A", "expected a number of failed jobs from 0 to 1,000,000,000, got -4"),
        (
            ("/other/task", 85, "T1_US_FNAL", 9),
            "/other/task > 85 > T1_US_FNAL",
            "comes again in another row; expected once",
        ),
    ],
)
def test_row_that_can_not_be_read_is_named_and_the_others_are_kept(wwt_plugin, file, row, path, why):
    write(file, [*ROWS, ("k9", *row, "green")])

    columns = load(wwt_plugin, file)

    assert [(r.path, r.why) for r in columns.rejected] == [(path, why)]
    assert cells(columns) == EXPECTED


def test_bytes_in_a_number_are_named(wwt_plugin, file):
    write(file, [*ROWS, ("k9", "/wf/b", 85, "A", b"\0\1", "green")])

    assert [r.why for r in load(wwt_plugin, file).rejected] == ["expected a number of failed jobs, got bytes"]


def test_text_that_is_not_utf8_is_named(wwt_plugin, file):
    write(file, ROWS, TABLE, "INSERT INTO workflows VALUES ('k9', '/wf/b', 85, CAST(x'41ff' AS TEXT), 1, '')")

    columns = load(wwt_plugin, file)

    assert len(columns.rejected) == 1
    assert columns.rejected[0].path.isprintable()


# -- files that are refused --


def refusal(wwt_plugin, file):
    with pytest.raises(SourceError) as refused:
        load(wwt_plugin, file)
    return str(refused.value).replace(f"{file} can not be read as a database: ", "").replace(f"{file}", "history.db")


def test_database_that_is_locked_is_refused(wwt_plugin, file, monkeypatch):
    monkeypatch.setattr("wwt_plugins.errors.json_file.database._PATIENCE", 0.01)
    write(file)
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("BEGIN EXCLUSIVE")

        assert refusal(wwt_plugin, file) == (
            "another program has been writing to it for 0.01 s; it is read again at the next refresh"
        )


@pytest.mark.parametrize("keep", [100, 4096, 5000])
def test_database_that_is_cut_off_is_refused(wwt_plugin, file, keep):
    write(file, [(f"k{i}", f"/wf/task{i}", 85, "A", 1, "") for i in range(500)])
    file.write_bytes(file.read_bytes()[:keep])

    assert refusal(wwt_plugin, file)


def test_database_of_noise_is_refused(wwt_plugin, file):
    file.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 100)

    assert refusal(wwt_plugin, file) == "file is not a database"


def test_database_without_the_table_is_refused(wwt_plugin, file):
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE users (name)")

    assert refusal(wwt_plugin, file) == "history.db has no table workflows; expected a database of the old console"


def test_table_without_the_columns_is_refused(wwt_plugin, file):
    write(file, [], "CREATE TABLE workflows (stepname, errorcode, sitename)")

    assert refusal(wwt_plugin, file) == (
        "history.db: workflows has no column numbererrors; expected stepname, errorcode, sitename, numbererrors"
    )


ENDLESS = (
    "CREATE VIEW workflows AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    " SELECT '/wf/' || i AS stepname, 85 AS errorcode, 'A' AS sitename, 1 AS numbererrors FROM n"
)
VIRTUAL = "CREATE VIRTUAL TABLE workflows USING fts5(stepname, errorcode, sitename, numbererrors)"
FORMULA = "CREATE TABLE workflows (stepname, errorcode, sitename, numbererrors AS (length(zeroblob(errorcode))))"


@pytest.mark.parametrize("trick", [ENDLESS, VIRTUAL, FORMULA])
def test_table_that_is_a_program_is_refused(wwt_plugin, file, trick):
    write(file, [], trick)

    assert refusal(wwt_plugin, file) == (
        "history.db: workflows is no plain table; expected a database of the old console"
    )


def test_database_larger_than_allowed_is_refused(wwt_plugin, file):
    write(file)
    with file.open("r+b") as other:
        other.truncate(3 << 20)

    with pytest.raises(SourceError, match="has 3 MB, more than the 1 MB that max_mb allows"):
        wwt_plugin("errors.json_file", path=str(file), max_mb=1).ask("load_errors", names=None)


def test_reading_from_two_threads_gives_both_everything(wwt_plugin, file):
    write(file)
    plugin = wwt_plugin("errors.json_file", path=str(file))
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(plugin.plugin.load_errors(names=None))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [cells(answer) for answer in answers] == [EXPECTED] * 4


def test_d_b_the_readiness_that_a_row_was_written_with_is_told(wwt_plugin, file):
    write(file)
    errors = load(wwt_plugin, file)

    told = zip(errors.task, errors.code, errors.site, errors.ready, strict=True)
    assert {(errors.tasks[t], errors.codes[c], errors.sites[s]): colour for t, c, s, colour in told} == {
        ("/wf/task", 8028, "T1_US_FNAL"): "green",
        ("/wf/task", -1, "T2_CH_CERN"): "none",
        ("/wf/task/merge", 60450, "T1_US_FNAL"): "red",
        ("/other/task", 85, "T1_US_FNAL"): "red",
    }
