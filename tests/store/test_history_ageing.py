"""What becomes of the history as it gets old, on every database."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from wwt_framework.cube import ErrorColumns
from wwt_framework.model import ErrorCount
from wwt_framework.options import HouseOptions
from wwt_framework.services.history import Look, cells_of, history_matrix, take_in
from wwt_framework.services.history.ageing import Ageing
from wwt_framework.store.ledger import history as kept

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)  # a Monday
DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def fail(store, at, workflow="w"):
    errors = ErrorColumns.of([ErrorCount(f"/{workflow}/A", 85, "T1_US_FNAL", 3)])
    take_in(store, Look.of_columns(errors, at, {}, whole=True))


def aged(store, clock, **options):
    clock.now = NOW
    house = HouseOptions.model_validate({"history_days": 200, "history_daily_days": 100, **options})
    return Ageing(store, lambda: house).run(lambda *_: None)


def days(store):
    """Days before NOW -> whether it has pairs."""
    return {(NOW - EPOCH).days - day: pairs for day, pairs in kept.day_numbers(store).items()}


def test_old_days_are_thinned_out_to_the_last_of_each_week_without_pairs(store, clock):
    for before in (0, 1, 99, 100, 101, 105, 106, 107, 201):  # 105 days before a Monday is a Monday
        fail(store, NOW - before * DAY)

    assert aged(store, clock) == "2 days thinned out; 3 days and 0 workflows forgotten"
    assert days(store) == {106: False, 101: False, 100: True, 99: True, 1: True, 0: True}


def test_ageing_twice_is_ageing_once(store, clock):
    for before in range(0, 230, 3):
        fail(store, NOW - before * DAY)
    aged(store, clock)
    once = days(store)

    assert aged(store, clock).startswith("0 days thinned out; 0 days and 0 workflows")
    assert days(store) == once


def test_a_workflow_not_seen_for_long_is_forgotten_with_its_cells_and_no_other(store, clock):
    fail(store, NOW - 201 * DAY, "old")
    fail(store, NOW - 199 * DAY, "young")

    assert aged(store, clock).endswith("1 days and 1 workflows forgotten")
    assert (cells_of(store, "old"), history_matrix(store).rows) == ((), ["young"])
    with store.connection():
        assert store.tables.history_cells.select().count() == 1


def test_it_is_due_once_a_day_and_when_the_clock_was_set_back(store, clock):
    clock.now = NOW
    seconds = [0.0]
    ageing = Ageing(store, HouseOptions, lambda: seconds[0])

    def due(after):
        seconds[0] += 3600
        clock.now = NOW + after
        return ageing.due()

    assert due(timedelta()) is True
    clock.now = NOW
    ageing.run(lambda *_: None)
    assert (due(timedelta(hours=23)), due(DAY), due(-DAY)) == (False, True, True)
