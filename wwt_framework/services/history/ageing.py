"""What becomes of the history as it gets old: less of each day, then fewer days, then nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from wwt_framework.options import HouseOptions
from wwt_framework.plugin import Progress
from wwt_framework.services.history.packing import DAY
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import history as kept

JOB = "history"
_EVERY = timedelta(days=1)
#: Seconds between two looks at whether a day has passed: the clock asks every second.
_LOOK_EVERY = 600.0
_WEEK = 7
#: The first day of 1970 was a Thursday: weeks that begin on Monday begin three days before it.
_THURSDAY = 3


class Ageing:
    """The work of the job "history", once a day."""

    def __init__(
        self, store: Store, house: Callable[[], HouseOptions], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._house = house
        self._clock = clock
        self._memory = ledger.Memory(store, "wwt.history")
        self._next_look = float("-inf")

    def due(self) -> bool:
        """Whether it was not done for a day, or the clock was set back."""
        if self._clock() < self._next_look:
            return False
        self._next_look = self._clock() + _LOOK_EVERY
        last, now = self._memory.get("aged_at"), self._store.now().timestamp()
        return last is None or not last <= now < last + _EVERY.total_seconds()

    def run(self, progress: Progress) -> str:
        """Do it now; gives what it came to."""
        house, now = self._house(), int(self._store.now().timestamp())
        thinned, forgotten = _age_days(self._store, now, house.history_days, house.history_daily_days)
        before, workflows = now - int(house.history_days * DAY), 0
        while some := kept.forget_past(self._store, before):
            workflows += some
            progress(None, f"forgetting: {workflows:,} workflows")
        self._memory["aged_at"] = now
        return f"{thinned:,} days thinned out; {forgotten:,} days and {workflows:,} workflows forgotten"


def _age_days(store: Store, now: int, forget: float, daily: float) -> tuple[int, int]:
    """How many days lost their pairs, and how many are gone: too old, or not the last of their week."""
    today = now // DAY
    whole = kept.day_numbers(store)
    old = [day for day in whole if day < today - daily]
    last = {(day + _THURSDAY) // _WEEK: day for day in sorted(old)}
    gone = [day for day in old if day < today - forget or last[(day + _THURSDAY) // _WEEK] != day]
    thin = [day for day in old if whole[day] and day not in set(gone)]
    kept.thin_days(store, thin, gone)
    return len(thin), len(gone)


__all__ = ["JOB", "Ageing"]
