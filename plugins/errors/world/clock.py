"""The time of the made-up grid: as ours, or faster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone


@dataclass(frozen=True)
class WorldClock:
    """At *start* it is the same time here and there; from then on it goes *lapse* times as fast there."""

    start: datetime | None = None
    lapse: float = 1.0

    def at(self, now: datetime) -> datetime:
        """What time it is in the made-up grid when it is *now* here."""
        if self.start is None:
            return now
        start = self.start if self.start.tzinfo else self.start.replace(tzinfo=timezone.utc)
        passed = max(0.0, (now - start).total_seconds())
        return start + timedelta(seconds=passed * self.lapse)


def cern_offset(seconds: float) -> int:
    """Seconds that the clocks of CERN are ahead of UTC: the names of workflows hold their time."""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    begins, ends = (_last_sunday(moment.year, month) for month in (3, 10))
    return 7200 if begins <= moment < ends else 3600


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, 1, tzinfo=timezone.utc)
    return last - timedelta(days=(last.weekday() + 1) % 7)
