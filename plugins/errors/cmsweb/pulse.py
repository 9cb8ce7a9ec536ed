"""Whether a service is worth asking: one that failed often in a row is tried now and then, by one question at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from wwt_framework.errors import SourceError

#: Failures in a row after which a service is taken for dead.
LIMIT = 12
#: Seconds between two questions to a dead service.
TRY_EVERY_S = 15.0

_MEMORY = "silent services"


@dataclass
class _Service:
    failures: int = 0  # in a row
    last: str = ""
    next_try: float = 0.0  # by the clock, while it is dead
    tried: bool = False  # somebody asks it just now, to see whether it lives


class Pulse:
    """Counts failures in a row, service by service. What is dead is remembered from refresh to refresh.

    *memory* is kept when the process ends; *clock*: seconds that only go on. Safe for many threads.
    """

    def __init__(self, memory: MutableMapping[str, Any], clock: Callable[[], float]) -> None:
        self._memory = memory
        self._clock = clock
        self._changed = threading.Condition()
        silent = memory.get(_MEMORY) or {}
        self._services = {name: _Service(LIMIT, why) for name, why in silent.items()}

    def check(self, service: str) -> None:
        """Raise SourceError while *service* is dead and it is not yet time to try again.

        Whoever comes while somebody tries waits for what comes of it: a service that lives again serves all of them.
        Every call that returns must be followed by ``failed`` or ``answered``.
        """
        with self._changed:
            self._changed.wait_for(lambda: not (service in self._services and self._services[service].tried))
            known = self._services.get(service)
            if known is None or known.failures < LIMIT:
                return
            now = self._clock()
            if now < known.next_try:
                raise SourceError(f"not asked after {known.failures} failures in a row, the last one: {known.last}")
            known.tried = True

    def failed(self, service: str, why: str) -> None:
        """One more question that *service* did not answer."""
        with self._changed:
            known = self._services.setdefault(service, _Service())
            known.failures += 1
            known.last = why
            known.tried = False
            if known.failures >= LIMIT:  # from now on, not from when it was asked: whoever hangs does so for longer
                known.next_try = self._clock() + TRY_EVERY_S
            if known.failures == LIMIT:
                self._remember()
            self._changed.notify_all()

    def answered(self, service: str) -> None:
        """*service* is alive."""
        with self._changed:
            known = self._services.pop(service, None)
            if known is not None and known.failures >= LIMIT:
                self._remember()
            self._changed.notify_all()

    def _remember(self) -> None:
        self._memory[_MEMORY] = {name: s.last for name, s in self._services.items() if s.failures >= LIMIT}
