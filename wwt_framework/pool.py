"""The house's threads for things that wait: as many at once as the installation allows, whoever asks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class Pool:
    """A bounded pool that several callers share."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="fetch")
        self._here = threading.local()

    def gather(
        self, function: Callable[[ItemT], ResultT], items: Iterable[ItemT]
    ) -> Iterator[ResultT | Exception]:
        """The results in the order of *items*; a call that raised gives its exception instead.

        Never more than ``size`` calls run at once; not more than twice that many results wait.
        From within such a call, the calls are made one after the other: waiting for threads
        while holding one is how pools stop for ever.
        """
        if getattr(self._here, "inside", False):
            return (self._try(function, item) for item in items)
        return self._spread(function, items)

    def _spread(self, function: Callable[[ItemT], ResultT], items: Iterable[ItemT]) -> Iterator[ResultT | Exception]:
        waiting: deque[Future[ResultT | Exception]] = deque()
        try:
            for item in items:
                if len(waiting) >= 2 * self.size:
                    yield waiting.popleft().result()
                waiting.append(self._threads.submit(self._inside, function, item))
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _inside(self, function: Callable[[ItemT], ResultT], item: ItemT) -> ResultT | Exception:
        self._here.inside = True
        return self._try(function, item)

    @staticmethod
    def _try(function: Callable[[ItemT], ResultT], item: ItemT) -> ResultT | Exception:
        try:
            return function(item)
        except Exception as err:  # noqa: BLE001  # it is the caller's answer for this item
            return err

    def close(self) -> None:
        """Let go of the threads; what has not begun is not begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)
