"""Many things at once, by a bounded number of threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from wwt_framework.pool import as_done, in_order


def test_results_come_in_the_order_of_the_things():
    assert list(in_order(lambda n: n * n, range(20), 3)) == [n * n for n in range(20)]


def test_a_call_that_raised_gives_its_exception_and_the_others_go_on():
    first, second, third = in_order(lambda n: 1 // n, [1, 0, 2], 3)

    assert (first, type(second), third) == (1, ZeroDivisionError, 0)


def test_a_call_within_a_call_does_not_wait_for_threads_for_ever():
    nested = in_order(lambda n: sum(in_order(lambda m: m, range(n), 2)), [10] * 12, 2)

    assert list(nested) == [45] * 12


def test_everything_is_done_once() -> None:
    assert sorted(as_done(lambda n: n * n, range(100), 7)) == [(n, n * n) for n in range(100)]


def test_nothing_to_do_is_done_at_once() -> None:
    assert list(as_done(lambda n: n, [], 3)) == []


def test_as_many_as_allowed_work_at_the_same_time_and_no_more() -> None:
    together = threading.Barrier(3)  # breaks when three do not meet
    inside: list[int] = []
    most = 0
    counting = threading.Lock()

    def work(_: int) -> None:
        nonlocal most
        with counting:
            inside.append(1)
            most = max(most, len(inside))
        together.wait(10)
        with counting:
            inside.pop()

    list(as_done(work, range(6), 3))
    assert most == 3


def test_things_are_taken_as_threads_become_free() -> None:
    taken: list[int] = []

    def things() -> Iterator[int]:
        for n in range(10_000):
            taken.append(n)
            yield n

    results = as_done(lambda n: n, things(), 2)
    next(results)
    results.close()  # type: ignore[attr-defined]  # a generator

    assert len(taken) < 100


def test_what_work_raises_comes_out() -> None:
    def work(n: int) -> int:
        raise ValueError(f"no {n}")

    with pytest.raises(ValueError, match="no 1"):
        list(as_done(work, [1], 2))


def test_what_the_things_raise_comes_out() -> None:
    def things() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        list(as_done(lambda n: n, things(), 2))
