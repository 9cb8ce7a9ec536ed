"""A few threads for one plugin, so that a plugin that hangs holds up nobody else."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

#: Calls of one plugin that may run at the same time; the next ones wait for their turn.
WIDTH = 4

#: Seconds after which a thread without work ends.
IDLE_S = 30.0


class Call:
    """One piece of work in a lane: wait for it as long as you can afford."""

    __slots__ = ("_done", "_work", "error", "started", "value")

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._done = threading.Event()
        self.started = time.perf_counter()
        self.value: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Do the work; what it raises is kept, to be looked at by whoever waits."""
        try:
            self.value = self._work()
        except BaseException as err:  # noqa: BLE001  # handed to the thread that asked
            self.error = err
        self._done.set()

    def fail(self, error: BaseException) -> None:
        """End without having begun."""
        self.error = error
        self._done.set()

    def wait(self, seconds: float) -> bool:
        """Whether the work is done *seconds* after it was asked for."""
        return self._done.wait(max(0.0, self.started + seconds - time.perf_counter()))


class Lane:
    """At most *width* calls at once, each in a daemon thread: one that never ends keeps nothing else from ending."""

    def __init__(self, name: str, width: int = WIDTH) -> None:
        self._name = name
        self._width = width
        self._open()

    def _open(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._waiting: deque[Call] = deque()
        self._threads = 0
        self._idle = 0

    def submit(self, work: Callable[[], Any]) -> Call:
        """Have *work* done as soon as a thread is free."""
        if self._process != os.getpid():  # threads stay behind when a server forks its workers
            self._open()
        call = Call(work)
        with self._changed:
            self._waiting.append(call)
            if self._idle >= len(self._waiting):
                self._changed.notify()
            elif self._threads < self._width:
                self._add_thread(call)
        return call

    def _add_thread(self, call: Call) -> None:
        try:
            threading.Thread(target=self._serve, name=f"wwt-{self._name}", daemon=True).start()
        except RuntimeError as err:  # the system gives no more threads
            if not self._threads:
                self._waiting.remove(call)
                call.fail(err)
            return
        self._threads += 1

    def forget(self, call: Call) -> None:
        """Nobody waits for *call* any more; when it has not begun, it never will."""
        with self._changed:
            if call in self._waiting:
                self._waiting.remove(call)

    def _serve(self) -> None:
        while call := self._next():
            call.run()

    def _next(self) -> Call | None:
        """The next call; None ends the thread."""
        with self._changed:
            self._idle += 1
            came = self._changed.wait_for(lambda: self._waiting, timeout=IDLE_S)
            self._idle -= 1
            if came:
                return self._waiting.popleft()
            self._threads -= 1
            return None
