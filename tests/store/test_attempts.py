"""Tries that are counted for all processes together, on every database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from wwt_framework.store import Store, ledger, open_store
from wwt_framework.store.ledger import Bound

THREE = Bound("olga", 3, timedelta(minutes=10))


def taken(store: Store, *bounds: Bound) -> bool:
    return ledger.take_turn(store, bounds or (THREE,)).again_at is None


def test_after_the_last_try_one_waits_until_the_first_is_out_of_the_window(store: Store, clock: Any) -> None:
    began = clock.now
    for _ in range(3):
        assert taken(store)
        clock.go_on(minutes=1)
    refused = ledger.take_turn(store, [THREE])

    assert refused.again_at == began + timedelta(minutes=10)
    clock.go_on(minutes=7)  # 10 minutes after the first
    assert taken(store)
    assert not taken(store)


def test_a_refused_try_does_not_count(store: Store, clock: Any) -> None:
    for _ in range(50):
        taken(store)
    clock.go_on(minutes=10)

    assert [taken(store) for _ in range(4)] == [True, True, True, False]


def test_the_try_that_reaches_a_bound_says_so(store: Store) -> None:
    assert [ledger.take_turn(store, [THREE]).last for _ in range(3)] == [False, False, True]


def test_all_bounds_have_to_hold_and_the_longest_wait_is_told(store: Store, clock: Any) -> None:
    address = Bound("10.0.0.1", 1, timedelta(hours=1))
    assert taken(store, THREE, address)
    refused = ledger.take_turn(store, [THREE, address])

    assert refused.again_at == clock.now + timedelta(hours=1)
    assert taken(store, THREE)  # nothing was counted against the account


def test_what_turned_out_well_is_given_back(store: Store) -> None:
    for _ in range(10):
        turn = ledger.take_turn(store, [THREE])
        ledger.give_back(store, turn.numbers)

    assert taken(store)


def test_two_processes_can_not_both_take_the_last_try(store: Store, url: str, clock: Any) -> None:
    other = open_store(url, clock)
    try:
        with ThreadPoolExecutor(8) as threads:
            came = list(threads.map(lambda number: taken((store, other)[number % 2]), range(24)))
    finally:
        other.close()

    assert came.count(True) == 3


def test_old_tries_are_forgotten(store: Store, clock: Any) -> None:
    taken(store)
    clock.go_on(days=1)
    taken(store, Bound("somebody else", 1, timedelta(minutes=1)))

    with store.connection():
        assert store.tables.attempt.select().count() == 1
