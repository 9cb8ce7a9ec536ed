"""``wwt update-history``: files, addresses, the original's database, or the configured sources."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime, timezone

import pytest

from wwt_framework.model import Readiness
from wwt_framework.services.history import cells_of, history_matrix
from wwt_framework.store import open_store

ERRORS = {"/wf/A": {"85": {"T1_US_FNAL": 3}, "NotReported": {"T2_CH_CERN": 0}}, "/wf/LogCollect": {"85": {"T1_X": 1}}}
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def kept(wwt):
    """The history of the installation, opened when it is called."""
    opened = []

    def history():
        opened.append(open_store(f"sqlite:///{wwt.folder / 'wwt-data' / 'wwt.db'}"))
        return opened[-1]

    yield history
    for store in opened:
        store.close()


def written(path, errors):
    path.write_text(json.dumps(errors))
    os.utime(path, (NOON.timestamp(), NOON.timestamp()))
    return path


def told(store, workflow="wf"):
    return [(c.task, c.exit_code, c.site, c.count, c.ready, c.first_seen) for c in cells_of(store, workflow)]


def test_c2_a_file_is_taken_in_once_however_often_it_is_given(wwt, kept):
    wwt.write()
    written(wwt.folder / "all_errors.json", ERRORS)
    first = wwt.run("update-history", "all_errors.json", "all_errors.json").stdout
    again = wwt.run("update-history", "all_errors.json").stdout

    assert "1 workflows seen, 1 changed, 1 of them new" in first
    assert "1 workflows seen, 0 changed, 0 of them new" in again
    assert told(kept()) == [
        ("/wf/A", -1, "T2_CH_CERN", 1, Readiness.NONE, NOON),
        ("/wf/A", 85, "T1_US_FNAL", 3, Readiness.NONE, NOON),
    ]


def test_c2_without_a_file_the_configured_sources_are_asked(wwt, kept):
    wwt.write()

    assert "from 1 source" in wwt.run("update-history").stdout
    assert len(history_matrix(kept()).rows) > 5


def test_d_b_the_database_of_the_original_is_taken_over_with_the_readiness_of_its_time(wwt, kept):
    wwt.write()
    file = wwt.folder / "history.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            "CREATE TABLE workflows (fullkey varchar(1023) UNIQUE, stepname varchar(255), errorcode int,"
            " sitename varchar(255), numbererrors int, sitereadiness varchar(15))"
        )
        rows = [
            ("/wf/A", 85, "T1_US_FNAL", 3, "green"),
            ("/wf/A", 85, "T2_CH_CERN", 2, "red"),
            ("/wf/B", -1, "T3", 1, "none"),
        ]
        connection.executemany(
            "INSERT INTO workflows VALUES (?,?,?,?,?,?)", [(f"{r[0]}_{r[2]}_{r[1]}", *r) for r in rows]
        )
    os.utime(file, (NOON.timestamp(), NOON.timestamp()))
    wwt.run("update-history", "history.db")
    wwt.run("update-history", "history.db")

    assert told(kept()) == [
        ("/wf/A", 85, "T1_US_FNAL", 3, Readiness.GREEN, NOON),
        ("/wf/A", 85, "T2_CH_CERN", 2, Readiness.RED, NOON),
        ("/wf/B", -1, "T3", 1, Readiness.NONE, NOON),
    ]


def test_c2_what_can_not_be_read_is_named_and_the_rest_is_taken_in(wwt, kept):
    wwt.write()
    written(wwt.folder / "good.json", ERRORS)
    written(wwt.folder / "part.json", {"/v/A": {"85": {"T1_US_FNAL": "many"}}, "/u/A": {"85": {"T1_US_FNAL": 2}}})
    (wwt.folder / "bad.json").write_text("{")
    (wwt.folder / "names.json").write_text('{"wf": ["assistance-manual"]}')
    done = wwt.run("update-history", "bad.json", "none.json", "names.json", "part.json", "good.json", code=1)

    lines = done.stderr.splitlines()
    assert [line.split(":")[1].strip() for line in lines] == ["bad.json", "none.json", "names.json", "part.json"]
    assert "/v/A > 85 > T1_US_FNAL" in lines[3]
    assert told(kept(), "u") == [("/u/A", 85, "T1_US_FNAL", 2, Readiness.NONE, NOON)]
    assert len(told(kept())) == 2


def test_c2_the_history_can_be_a_database_of_its_own(wwt):
    wwt.write("wwt: {workflow_history: 'sqlite:///apart/history.db'}\nerrors:\n  world: {workflows: 5}\n")
    wwt.run("update-history")
    apart = open_store(f"sqlite:///{wwt.folder / 'apart' / 'history.db'}")
    inside = open_store(f"sqlite:///{wwt.folder / 'wwt-data' / 'wwt.db'}")

    try:
        assert len(history_matrix(apart).rows) > 0
        assert history_matrix(inside).rows == []
    finally:
        apart.close()
        inside.close()


def test_d_b_the_real_errors_of_a_day_taken_in_twice_are_those_of_once(wwt, kept, test_data):
    wwt.write()
    real = wwt.folder / "real.json.gz"
    shutil.copy(test_data / "workflows" / "real_all_errors_190624.json.gz", real)
    raw = json.loads(gzip.decompress(real.read_bytes()))
    wwt.run("update-history", "real.json.gz")
    once = history_matrix(kept())
    wwt.run("update-history", "real.json.gz", "real.json.gz")
    twice = history_matrix(kept())

    wanted = {}
    for task, codes in raw.items():
        if "LogCollect" in task or "Cleanup" in task:
            continue
        for code, sites in codes.items():
            if code.isdigit():  # what no agent reported says nothing of what failed alike
                wanted[f"code:{code}"] = wanted.get(f"code:{code}", 0) + sum(sites.values())
    sums = dict(zip(once.columns, once.values.sum(axis=0).A1.tolist(), strict=True))
    assert {name: n for name, n in sums.items() if name.startswith("code:")} == {k: n for k, n in wanted.items() if n}
    assert (twice.rows, twice.columns) == (once.rows, once.columns)
    assert (twice.values != once.values).nnz == 0
