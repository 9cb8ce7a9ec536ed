"""The log index on each database: parts of words are found, identical texts are once, what is old or too much goes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wwt_framework.errors import StoreError
from wwt_framework.store import Store, open_store
from wwt_framework.store.logs import LogIndex, Said, Wanted, common, open_log_index, split_words
from wwt_framework.store.logs.sqlite import SqliteLogs

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
WF = "pdmvserv_task_HIG-Run_181126_083424_8286"


def said(text: str, workflow: str = WF, site: str = "T1_US_FNAL", code: int = 85, **more: Any) -> Said:
    return Said(text, workflow, f"/{workflow}/T", code, site, **{"module": "FileReadError", **more})


@pytest.fixture
def index(store: Store, tmp_path: Path) -> LogIndex:
    return open_log_index(store, tmp_path)


def texts(index: LogIndex, *words: str, **more: Any) -> list[str]:
    return [hit.text for hit in index.search(Wanted(words, **more), 50)[0]]


def test_o1_nothing_is_found_before_anything_was_kept(index: LogIndex) -> None:
    assert index.search(Wanted(("x",)), 50) == ([], 0, False)
    assert index.filled_at() is None


@pytest.mark.parametrize("word", ["open", "OPEN", "ile 'roo", "xyz.root", "/store/a", "50%_", "é", "to"])
def test_o1_parts_of_words_are_found_whatever_their_case(index: LogIndex, word: str) -> None:
    index.keep([said("Failed to open file 'root://x//store/a/xyz.root' 50%_ é"), said("another text")], NOON)

    assert texts(index, word) == ["Failed to open file 'root://x//store/a/xyz.root' 50%_ é"]


@pytest.mark.parametrize("word", ["opens", "50%x_", "o_en", '"', "' or 1=1", "\\", "*", "OPEN AND", "NEAR("])
def test_o1_what_is_not_there_is_not_found_and_no_sign_means_anything(index: LogIndex, word: str) -> None:
    index.keep([said("Failed to open the file")], NOON)

    assert texts(index, word) == []


def test_o1_all_words_have_to_be_there(index: LogIndex) -> None:
    index.keep([said("open the door"), said("open the file"), said("close the file")], NOON)

    assert texts(index, "file", "open") == ["open the file"]


def test_o1_identical_texts_are_found_once_with_all_their_places(index: LogIndex) -> None:
    index.keep([said("same", site="T2_A", count=2), said("same", workflow="wf_b", count=3, at=NOON)], NOON)

    (hit,), found, more = index.search(Wanted(("same",)), 50)

    assert (hit.jobs, hit.places, found, more) == (5, 2, 1, False)
    assert [(s.workflow, s.site, s.count, s.at) for s in hit.spots] == [
        ("wf_b", "T1_US_FNAL", 3, NOON),
        (WF, "T2_A", 2, None),
    ]


def test_o1_part_of_a_workflow_s_name_finds_what_its_jobs_said(index: LogIndex) -> None:
    index.keep([said("open the file"), said("open the door", workflow="wf_b")], NOON)

    assert texts(index, "HIG-Run_1811") == ["open the file"]
    assert texts(index, "HIG-Run_1811", "file") == ["open the file"]
    assert texts(index, "HIG-Run_1811", "door") == []
    assert texts(index, "hig-rUN_1811") == ["open the file"]


def test_o1_each_text_of_a_page_has_places_of_its_own_the_most_jobs_first(index: LogIndex) -> None:
    index.keep([said("everywhere", workflow=f"wf_{n:02}", count=n) for n in range(1, 26)], NOON)
    index.keep([said("once", workflow="wf_03", count=7)], NOON)

    once, everywhere = index.search(Wanted(), 50)[0]

    assert [(spot.workflow, spot.count) for spot in once.spots] == [("wf_03", 7)]
    assert [spot.count for spot in everywhere.spots] == list(range(25, 5, -1))
    assert (everywhere.places, everywhere.jobs) == (25, 325)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"exit_code": 85}, ["a", "c"]), ({"exit_code": 86}, ["b"]), ({"site": "T2_X"}, ["c"]), ({"workflow": "wf_b"}, ["b"]),
        ({"module": "readerr"}, ["a", "c"]), ({"module": "kill"}, ["b"]), ({"since": NOON}, ["b", "c"]), ({"until": NOON}, ["a"]),
        ({"workflow": "nobody"}, []), ({"exit_code": 85, "site": "T2_X", "module": "read"}, ["c"]), ({}, ["a", "b", "c"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("words", [(), ("text",)])
def test_o1_filters_leave_what_fits(index: LogIndex, words: tuple[str, ...], wanted: Any, found: list[str]) -> None:
    index.keep(
        [
            said("text a", at=NOON - timedelta(hours=1)),
            said("text b", workflow="wf_b", code=86, module="JobKilled", at=NOON),
            said("text c", site="T2_X", at=NOON),
        ],
        NOON,
    )  # fmt: skip

    assert sorted(text[-1] for text in texts(index, *words, **wanted)) == found


def test_o1_what_was_seen_last_comes_first_and_pages_go_on(index: LogIndex) -> None:
    for i in range(5):
        index.keep([said(f"text {i}")], NOON + timedelta(minutes=i))
    index.keep([said("text 1")], NOON + timedelta(hours=2))

    pages = [[hit.text[-1] for hit in index.search(Wanted(("text",)), 2, offset)[0]] for offset in (0, 2, 4)]

    assert pages == [["1", "4"], ["3", "2"], ["0"]]
    assert index.search(Wanted(("text",)), 2)[1] == 5


def test_o1_text_that_is_seen_again_keeps_its_first_time_and_is_counted_anew(index: LogIndex) -> None:
    index.keep([said("same", count=9)], NOON)
    index.keep([said("same", count=4)], NOON + timedelta(hours=2))

    ((hit,), _, _) = index.search(Wanted(), 50)

    assert (hit.first_seen, hit.last_seen, hit.jobs) == (NOON, NOON + timedelta(hours=2), 4)


def writing(index: LogIndex, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The SQL of every row that is written from now on, and of every statement that writes texts."""
    wrote: list[str] = []
    rows = index._rows

    def look(db: Any, sql: str, values: Any) -> list[tuple[Any, ...]]:
        if sql.startswith(("insert", "update", "delete")):
            before = changed(db)
            found = rows(db, sql, values)
            head, rows_of_it = sql.partition(" (")[0], changed(db) - before
            wrote.extend([head] * (min(rows_of_it, 1) if "log_text" in head else rows_of_it))  # full text has its own
            return found
        return rows(db, sql, values)

    def changed(db: Any) -> int:
        if isinstance(db, sqlite3.Connection):
            return db.total_changes
        of_all = "select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_xact_user_tables where starts_with(relname, 'log')"
        return int(rows(db, of_all, [])[0][0])

    monkeypatch.setattr(index, "_rows", look)
    return wrote


def test_o1_what_is_told_again_as_it_was_is_not_written_again(index: LogIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    some = [said("a", at=NOON), said("b", site="T2_X"), said("a", workflow="wf_b")]
    index.keep(some, NOON)
    wrote = writing(index, monkeypatch)

    index.keep(some, NOON + timedelta(minutes=45))
    assert wrote == []
    index.keep([*some[:2], said("a", workflow="wf_b", count=7)], NOON + timedelta(minutes=50))
    assert wrote == ["insert into log_place"]
    index.keep([said("a", at=NOON + timedelta(minutes=1)), *some[1:2]], NOON + timedelta(minutes=55))
    assert wrote == ["insert into log_place"] * 2
    index.keep([said("b", site="T2_X"), said("c", site="T2_X")], NOON + timedelta(minutes=55))
    assert wrote[2:] == ["insert into log_text", "insert into log_place"]
    assert [(hit.text, hit.jobs) for hit in index.search(Wanted(), 50)[0]] == [("c", 1), ("a", 8), ("b", 1)]


def test_o1_that_a_text_is_still_said_is_noted_every_hour(index: LogIndex) -> None:
    for minutes in (0, 45, 60, 75):
        index.keep([said("same")], NOON + timedelta(minutes=minutes))

    ((hit,), _, _) = index.search(Wanted(), 50)
    assert (hit.first_seen, hit.last_seen) == (NOON, NOON + timedelta(hours=1))
    assert index.prune(NOON + timedelta(minutes=59), 10**9) == 0


def test_o1_more_than_are_looked_through_is_said(index: LogIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("common", "sqlite", "postgres"):
        monkeypatch.setattr(f"wwt_framework.store.logs.{module}.MOST", 3)
    index.keep([said(f"text {i}") for i in range(5)], NOON)

    hits, found, more = index.search(Wanted(("text",)), 50)

    assert ([hit.text for hit in hits], found, more) == (["text 4", "text 3", "text 2"], 3, True)


def test_o1_texts_that_were_not_seen_for_long_are_forgotten(index: LogIndex) -> None:
    index.keep([said("old"), said("seen again")], NOON)
    index.keep([said("seen again")], NOON + timedelta(days=2))

    gone = index.prune(NOON + timedelta(days=1), 10**9)

    assert gone == 1
    assert texts(index) == ["seen again"]
    assert texts(index, "old") == []


def test_o1_the_longest_unseen_go_when_there_is_too_much(index: LogIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "_FORGOTTEN", 2)
    for i in range(6):
        index.keep([said(f"{i}" * 10)], NOON + timedelta(minutes=i))

    assert index.prune(NOON - timedelta(days=1), 25) == 4
    assert texts(index) == ["5" * 10, "4" * 10]


def test_o1_of_when_it_is_is_kept(index: LogIndex) -> None:
    index.note_filled(NOON)
    index.note_filled(NOON + timedelta(minutes=15))

    assert index.filled_at() == NOON + timedelta(minutes=15)


@pytest.mark.parametrize("text", ["", "a\0b", "\x1b[31m\u202e<script>", "x" * 100_000, "\U0001f4a5"])
def test_d9_hostile_texts_are_kept_and_found(index: LogIndex, text: str) -> None:
    index.keep([said(f"begin{text}end")], NOON)

    assert len(texts(index, "begin")) == 1
    assert len(texts(index, "end")) == 1


def test_o1_postgresql_uses_its_trigrams(index: LogIndex, store: Store) -> None:
    assert index.slow() == ""
    if not store.is_sqlite:
        with store.connection():
            store.database.execute_sql("drop index log_text_trigrams")
        assert "CREATE EXTENSION pg_trgm" in index.slow()


@pytest.mark.needs("postgresql")
def test_postgresql_finds_parts_of_names_by_trigrams(postgresql: Any, tmp_path: Path) -> None:
    store = open_store(postgresql())
    index = open_log_index(store, tmp_path)
    index.keep([said("text")], NOON)
    fits = index._name_like().replace("?", "%s")
    with store.connection():
        ask = store.database.execute_sql
        ask(
            "insert into log_name (kind, name) select 'w', 'task_HIG-Run' || md5(n::text) from generate_series(1, 20000) as n"
        )
        ask("select gin_clean_pending_list('log_name_trigrams')")  # as a vacuum does in time
        ask("analyze log_name")
        plan = ask(f"explain select id from log_name where kind = 'w' and {fits}", ["%Run_181126%"]).fetchall()
    store.close()

    assert any("log_name_trigrams" in row[0] for row in plan), plan


# -- the file of its own --


def test_o1_index_killed_while_it_is_filled_is_whole(tmp_path: Path) -> None:
    program = """
import os, sys
from datetime import datetime, timezone
from pathlib import Path
from wwt_framework.store.logs import Said
from wwt_framework.store.logs.sqlite import SqliteLogs
index = SqliteLogs(Path(sys.argv[1]))
index.keep([Said(f"text {i}", "wf", "/wf/T", 85, "S") for i in range(500)], datetime.now(timezone.utc))
upsert = index._upsert
def die(db, head, rows, tail):
    if "log_place" in head:
        os.kill(os.getpid(), 9)
    return upsert(db, head, rows, tail)
index._upsert = die
index.keep([Said(f"more {i}", "wf", "/wf/T", 85, "S") for i in range(500)], datetime.now(timezone.utc))
"""
    path = tmp_path / "logs.db"
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    index = SqliteLogs(path)

    assert done.returncode == -9
    assert index.search(Wanted(("text",)), 1)[1] == 500
    assert index.search(Wanted(("more",)), 1)[1] == 0
    index.keep([said("more to come")], NOON)
    assert index.search(Wanted(("more",)), 1)[1] == 1
    with closing(sqlite3.connect(path)) as db:
        db.execute("insert into log_words (log_words) values ('integrity-check')")


def test_o1_file_of_another_layout_is_made_anew(tmp_path: Path) -> None:
    index = SqliteLogs(tmp_path / "logs.db")
    index.keep([said("before")], NOON)
    with closing(sqlite3.connect(index.path)) as db:
        db.execute("pragma user_version = 99")

    assert index.search(Wanted(), 50) == ([], 0, False)
    index.keep([said("after")], NOON)
    assert texts(index) == ["after"]


def test_o1_file_that_is_none_of_ours_is_told_in_words(tmp_path: Path) -> None:
    index = SqliteLogs(tmp_path / "logs.db")
    index.path.write_bytes(b"no database at all, but long enough to be looked at" * 20)

    with pytest.raises(StoreError, match="the file is not an SQLite database"):
        index.search(Wanted(), 50)


@given(st.text(st.sampled_from("abcAB '\"%_*\\\n<>é"), min_size=1, max_size=12), st.data())
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_o1_every_part_of_a_text_finds_it(tmp_path_factory: Any, text: str, data: Any) -> None:
    begin = data.draw(st.integers(0, len(text) - 1))
    part = text[begin : data.draw(st.integers(begin + 1, len(text)))]
    index = SqliteLogs(tmp_path_factory.mktemp("logs") / "logs.db")
    index.keep([said(text)], NOON)

    assert texts(index, part) == [text]


@pytest.mark.parametrize(
    ("search", "words"),
    [("", ()), ("a  b a", ("a", "b")), ('"no such file" x', ("no such file", "x")), ('"open', ("open",)), ('" "', ())],
)
def test_o1_search_is_words_and_what_is_quoted(search: str, words: tuple[str, ...]) -> None:
    assert split_words(search) == words
