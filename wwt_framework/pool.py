"""Many things at once, by a bounded number of threads: what waits for others is asked in parallel."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_here = threading.local()


def as_done(work: Callable[[T], R], things: Iterable[T], threads: int) -> Iterator[tuple[T, R]]:
    """Each of *things* with ``work(thing)``, as they are done; at most *threads* at a time.

    Things are taken as threads become free, so that many of them cost no memory.
    What *work* raises ends the iteration.
    """
    pool = _Pool(work, things, threads)
    try:
        yield from pool.results()
    finally:
        pool.stop()


def in_order(work: Callable[[T], R], things: Iterable[T], threads: int) -> Iterator[R | Exception]:
    """The results in the order of *things*; a call that raised gives its exception in place of a result.

    From within such a call, calls are made one after the other: waiting for threads
    while holding one is how pools stop for ever.
    """

    def tried(numbered: tuple[int, T]) -> R | Exception:
        try:
            return work(numbered[1])
        except Exception as err:  # noqa: BLE001  # it is the caller's answer for this thing
            return err

    if getattr(_here, "inside", False):
        yield from (tried((0, thing)) for thing in things)
        return
    early: dict[int, R | Exception] = {}
    due = 0
    for (number, _), result in as_done(tried, enumerate(things), threads):
        early[number] = result
        while due in early:
            yield early.pop(due)
            due += 1


class _Pool(Generic[T, R]):
    def __init__(self, work: Callable[[T], R], things: Iterable[T], threads: int) -> None:
        self._work = work
        self._things = iter(things)
        self._taking = threading.Lock()
        self._stopped = threading.Event()
        self._done: queue.Queue[tuple[T, R] | BaseException | None] = queue.Queue(threads * 2)
        self._threads = threads
        for i in range(threads):
            # Daemons: a source that hangs for ever does not keep the process from ending.
            threading.Thread(target=self._serve, name=f"wwt-pool-{i}", daemon=True).start()

    def results(self) -> Iterator[tuple[T, R]]:
        ended = 0
        while ended < self._threads:
            result = self._done.get()
            if result is None:
                ended += 1
            elif isinstance(result, BaseException):
                raise result
            else:
                yield result

    def stop(self) -> None:
        self._stopped.set()

    def _serve(self) -> None:
        _here.inside = True
        try:
            while not self._stopped.is_set():
                with self._taking:
                    thing = next(self._things)
                self._put((thing, self._work(thing)))
        except StopIteration:
            self._put(None)
        except BaseException as err:  # noqa: BLE001  # raised again by whoever waits for results
            self._put(err)

    def _put(self, result: tuple[T, R] | BaseException | None) -> None:
        while not self._stopped.is_set():
            try:
                self._done.put(result, timeout=1)
            except queue.Full:
                continue
            return
