"""Thousands of rows in one statement, alike on both databases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wwt_framework.errors import StoreError
from wwt_framework.store import Store
from wwt_framework.store.ledger import history
from wwt_framework.store.ledger.history import PastCells, PastWorkflow

#: More than go into one statement.
ROWS = 2_345


def row(number: int) -> PastWorkflow:
    key = number.to_bytes(4, "big")
    return PastWorkflow(number, key, f"wf {number} '\\\" é {{}}", b"\x00\xff'\\", number, 1, 0, 2**40, 7, b"")


def test_rows_come_back_as_they_were_written_however_many(store: Store) -> None:
    rows = [row(number) for number in range(1, ROWS + 1)]
    cells = [PastCells(one.number, "a\nb,\"{'", bytes(range(256))) for one in rows]

    history.keep_past(store, rows, cells)

    assert history.past_workflows(store, (one.key for one in rows)) == {one.key: one for one in rows}
    assert history.past_cells(store, (one.number for one in rows)) == {one.number: one for one in cells}


def test_row_of_the_same_number_takes_the_place_of_what_was_there(store: Store) -> None:
    history.keep_past(store, [row(1), row(2)], [])
    history.keep_past(store, [replace(row(2), jobs=99), row(3)], [])

    found = history.past_workflows(store, [row(n).key for n in (1, 2, 3, 4)])
    assert sorted((one.number, one.jobs) for one in found.values()) == [(1, 1), (2, 99), (3, 3)]


def test_only_rows_that_are_named_are_changed(store: Store) -> None:
    rows = [row(number) for number in range(1, ROWS + 1)]
    history.keep_past(store, rows, [])

    history.touch_past(store, range(2, ROWS + 5), 2**41)

    found = history.past_workflows(store, [one.key for one in rows])
    assert {one.number for one in found.values() if one.seen_at == 7} == {1}


def test_nothing_asked_for_is_nothing_found(store: Store) -> None:
    history.keep_past(store, [], [])
    history.touch_past(store, [], 1)

    assert history.past_workflows(store, []) == {}


@pytest.mark.needs("postgresql")
def test_trouble_of_the_server_is_said_in_words(postgresql: object, clock: object) -> None:
    from wwt_framework.store import open_store

    store = open_store(postgresql(), clock)  # type: ignore[operator, arg-type]  # fixtures
    with store.connection():
        pid = store.database.connection().info.backend_pid
        other = open_store(postgresql(), clock)  # type: ignore[operator, arg-type]  # fixtures
        with other.connection():
            other.database.execute_sql("select pg_terminate_backend(%s)", (pid,))
        with pytest.raises(StoreError, match="the server closed the connection"):
            history.past_workflows(store, [b"x"])
    other.close()
    store.close()
