"""Small charts of days, drawn here: bars with places, sizes and classes, no style and no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wwt_framework.services.history.trend import StatusDay, Trend, TrendDay
from wwt_framework.web.filters import number

_GAP = 1.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle. ``kind``: some, zero, unknown, lower; or a readiness."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True)
class Chart:
    """Bars in a box of *width* and *height*, and what they show in words."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    words: str
    top: int = 0  # what the full height stands for


def trend_chart(trend: Trend, width: int = 480, height: int = 80) -> Chart:
    """The days of *trend*, the oldest on the left; a day on which nobody looked is a pale column as high as the box."""
    step = width / max(1, len(trend.days))
    bars = tuple(_bar(day, i * step, step, height, trend.most) for i, day in enumerate(trend.days))
    return Chart(width, height, bars, trend.words, trend.most)


def spark(trend: Trend) -> Chart:
    """The same in a line of a table."""
    return trend_chart(trend, 120, 20)


def _bar(day: TrendDay, x: float, step: float, box: int, most: int) -> Bar:
    width = round(max(0.5, step - _GAP), 2)
    if day.jobs is None:
        return Bar("unknown", round(x, 2), 0, width, box, f"{day.day}: nobody looked")
    words = f"{day.day}: {'at least ' if day.lower else ''}{number(day.jobs)} failed jobs"
    if not day.jobs:
        return Bar("zero", round(x, 2), box - 1, width, 1, words)
    height = round(max(2.0, box * day.jobs / most), 2)
    return Bar("lower" if day.lower else "some", round(x, 2), round(box - height, 2), width, height, words)


def status_chart(days: Sequence[StatusDay], width: int = 480, height: int = 16) -> Chart:
    """The readiness of a site, day by day."""
    step = width / max(1, len(days))
    bars = []
    for i, day in enumerate(days):
        told = day.readiness is not None
        kind = f"is-{day.readiness.colour}" if day.readiness is not None else "unknown"
        words = (
            f"{day.day}: {day.readiness.value}, {day.production}" if told and day.readiness else f"{day.day}: not known"
        )
        bars.append(Bar(kind, round(i * step, 2), 0, round(max(0.5, step - _GAP), 2), height, words))
    return Chart(width, height, tuple(bars), "Readiness day by day")
