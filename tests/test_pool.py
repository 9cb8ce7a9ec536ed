"""The shared pool of threads."""

from __future__ import annotations

import threading

import pytest
from wwt_framework.pool import Pool


@pytest.fixture
def pool():
    pool = Pool(3)
    yield pool
    pool.close()


def test_results_come_in_the_order_of_the_items(pool):
    assert list(pool.gather(lambda n: n * n, range(20))) == [n * n for n in range(20)]


def test_a_call_that_raised_gives_its_exception_and_the_others_go_on(pool):
    first, second, third = pool.gather(lambda n: 1 // n, [1, 0, 2])

    assert (first, type(second), third) == (1, ZeroDivisionError, 0)


def test_a_call_within_a_call_does_not_wait_for_threads_for_ever(pool):
    nested = pool.gather(lambda n: sum(pool.gather(lambda m: m, range(n))), [10] * 12)

    assert list(nested) == [45] * 12


def test_never_more_calls_at_once_than_the_pool_has_threads(pool):
    lock, now, most = threading.Lock(), [0], [0]
    full = threading.Barrier(3)

    def call(_item):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        full.wait(10)
        with lock:
            now[0] -= 1

    list(pool.gather(call, range(9)))

    assert most[0] == 3


def test_items_are_taken_as_they_are_needed(pool):
    taken = []
    results = pool.gather(lambda n: n, (taken.append(n) or n for n in range(1000)))

    next(results)

    assert len(taken) <= 7
