"""What may take longer than a page can wait: worked out in a thread, and there for whoever comes next."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from wwt_framework.errors import WwtError

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass
class _Work:
    key: Hashable
    began: float
    done: threading.Event = field(default_factory=threading.Event)
    value: Any = None
    error: Exception | None = None


@dataclass(frozen=True)
class Soon(Generic[T]):
    """A value, or why it is not there: ``error``; neither of them: it is being worked out, for ``seconds`` by now."""

    value: T | None = None
    error: str = ""
    seconds: float = 0.0


class Later(Generic[T]):
    """One value, of the key that was asked for last. At most one thread works at a time, so a slow one holds up none."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._work: _Work | None = None

    def get(self, key: Hashable, make: Callable[[], T], patience_s: float) -> Soon[T]:
        """The value of *key*; *make* is called in a thread unless it is there, or a thread works for another key."""
        with self._lock:
            work = self._work
            if work is None or (work.key != key and work.done.is_set()):
                work = self._work = _Work(key, self._clock())
                threading.Thread(target=self._run, args=(work, make), name=self._name, daemon=True).start()
        if not work.done.wait(patience_s) or work.key != key:
            return Soon(seconds=self._clock() - work.began)
        return Soon(work.value, _sentence(work.error) if work.error else "")

    def has(self, key: Hashable) -> bool:
        """Whether the value of *key* is there, or why it is not."""
        work = self._work
        return work is not None and work.key == key and work.done.is_set()

    def _run(self, work: _Work, make: Callable[[], T]) -> None:
        try:
            work.value = make()
        except WwtError as err:  # foreseen: its sentence says it all
            work.error = err
        except Exception as err:
            log.exception("what pages wait for could not be worked out", extra={"what": self._name})
            work.error = err
        finally:
            work.done.set()


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, WwtError) else f"{type(error).__name__}: {error}"
