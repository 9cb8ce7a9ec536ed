"""How much failed day by day, since when, and whether it grows: of all, of a workflow, a site, an exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from wwt_framework.cube import Array
from wwt_framework.model import Readiness
from wwt_framework.services.history.days import ALL_CODES, ALL_SITES
from wwt_framework.services.history.look import key_of
from wwt_framework.services.history.packing import DAY, PAIR, PRODUCTION, READINESS, SITE_DAY, WORKFLOW_DAY, unpack
from wwt_framework.store import Store
from wwt_framework.store.ledger import history as kept
from wwt_framework.store.ledger.history import PastDay

_EPOCH = date(1970, 1, 1)
_WEEK = 7
#: A trend is said to grow or fade by this factor and this many failed jobs at least.
_GROWS, _FADES, _LEAST = 1.25, 0.8, 5


@dataclass(frozen=True, slots=True)
class TrendDay:
    """The last look of one day, or of the days to which *day* is the last."""

    day: date
    jobs: int | None  # failed jobs; None: nobody looked, which is not zero
    workflows: int | None = None  # with some; None: not known, or not counted
    lower: bool = False  # a lower bound: not all sources could tell


@dataclass(frozen=True)
class Trend:
    """Oldest day first. ``word``: growing, fading, steady, new, gone, none, or unknown."""

    days: tuple[TrendDay, ...]
    word: str
    words: str  # the same in a sentence
    since: date | None  # first day of the last unbroken run of days with failed jobs
    longer: bool  # that run began before the days that are shown

    @property
    def most(self) -> int:
        """The highest number of failed jobs of any day."""
        return max((day.jobs or 0 for day in self.days), default=0)


@dataclass(frozen=True, slots=True)
class StatusDay:
    """How a site was on a day; None: nobody looked, or no source told."""

    day: date
    readiness: Readiness | None
    production: str = ""


def trend_of(days: Sequence[TrendDay]) -> Trend:
    """What *days* say. Grows or fades: today's number against the median of the week before."""
    known = [day for day in days if day.jobs is not None]
    if not known:
        return Trend(tuple(days), "unknown", "Nobody looked on any of these days.", None, longer=False)
    now = known[-1].jobs or 0
    run = _last_run(known)
    since, longer = (run[0].day, len(run) == len(known)) if run else (None, False)
    before = [day.jobs or 0 for day in known[:-1] if day.day >= known[-1].day - timedelta(days=_WEEK)]
    last = known[-1].day
    word, words = _direction(now, before, since == last, "now" if last == days[-1].day else f"on {last}")
    return Trend(tuple(days), word, words, since, longer)


def _last_run(known: Sequence[TrendDay]) -> list[TrendDay]:
    run: list[TrendDay] = []
    for day in reversed(known):
        if not day.jobs:
            break
        run.insert(0, day)
    return run


def _direction(now: int, before: Sequence[int], begins: bool, when: str) -> tuple[str, str]:
    if not now:
        return ("gone", f"None {when}.") if any(before) else ("none", f"None {when} and in the week before.")
    if not before:
        return "unknown", "There is no day before it to compare with."
    usual = median(before)
    against = f"{now:,} {when}, {usual:,.0f} on most days of the week before"
    if begins and not any(before):
        return "new", "New: none in the week before."
    if now >= _GROWS * usual and now - usual >= _LEAST:
        return "growing", f"Growing: {against}."
    if now <= _FADES * usual and usual - now >= _LEAST:
        return "fading", f"Fading: {against}."
    return "steady", f"Steady: {against}."


class Span:
    """Some days that end with the day of *now*, read once; a trend of them is a matter of microseconds."""

    def __init__(self, store: Store, now: datetime, days: int, step: int = 1) -> None:
        self._store = store
        self.step = step  # days to a point
        self.last = int(now.timestamp()) // DAY
        self.first = self.last - days + 1
        self._days = kept.past_days(store, self.first, self.last)
        self._numbers = kept.past_sites(store)
        self._totals = [unpack(one.totals, PAIR, f"the history of day {one.day}") for one in self._days]

    @property
    def stamp(self) -> int:
        """When the last look was, in seconds; 0: there was none."""
        return self._days[-1].at if self._days else 0

    def all(self) -> Trend:
        """Of all failed jobs."""
        return self._trend(lambda one, _: (one.jobs, one.failing))

    def code(self, code: int) -> Trend:
        """Of one exit code."""
        return self._trend(lambda _, totals: _of(totals, code, ALL_SITES))

    def site(self, site: str) -> Trend:
        """Of one site."""
        number = self._numbers.get(site, -1)
        return self._trend(lambda _, totals: _of(totals, ALL_CODES, number))

    def codes(self) -> dict[int, Trend]:
        """Of every exit code of these days."""
        return {code: self._of_row(row) for code, row in self._rows("code", "site", ALL_SITES).items()}

    def sites(self) -> dict[str, Trend]:
        """Of every site of these days."""
        names = {number: name for name, number in self._numbers.items()}
        return {names[number]: self._of_row(row) for number, row in self._rows("site", "code", ALL_CODES).items()}

    def workflow(self, name: str) -> Trend | None:
        """Of one workflow; None when it never had failed jobs. Of days on which it was not told, nothing is known."""
        past = kept.past_workflows(self._store, [key_of(name)]).get(key_of(name))
        if past is None:
            return None
        rows = unpack(past.days, WORKFLOW_DAY, f"the history of {name}")
        told = dict(zip(rows["day"].tolist(), rows["jobs"].tolist(), strict=True))
        return trend_of(self._points({day: TrendDay(_date(day), jobs) for day, jobs in told.items()}))

    def statuses(self, site: str) -> tuple[StatusDay, ...]:
        """How *site* was, day by day."""
        number, found = self._numbers.get(site, -1), {}
        for one in self._days:
            rows = unpack(one.sites, SITE_DAY, f"the history of day {one.day}")
            for _, ready, production in rows[rows["site"] == number].tolist():
                found[one.day] = StatusDay(_date(one.day), READINESS[ready], PRODUCTION[production])
        every = range(self.first, self.last + 1)
        return tuple(found.get(day) or StatusDay(_date(day), None) for day in every)

    def week_ago(self, *, code: int | None = None, site: str | None = None) -> dict[Any, int] | None:
        """Failed jobs of a *code* by site name, or of a *site* by exit code, a week before the last day.

        As of the last day until then that has them; None when there is none in the week before that.
        """
        before = [
            one
            for one in kept.past_days(self._store, self.last - 2 * _WEEK, self.last - _WEEK, pairs=True)
            if one.pairs
        ]
        if not before:
            return None
        pairs = unpack(before[-1].pairs, PAIR, f"the history of day {before[-1].day}")
        if code is not None:
            names = {number: name for name, number in self._numbers.items()}
            rows = pairs[pairs["code"] == code]
            return {
                names[number]: jobs for number, jobs in zip(rows["site"].tolist(), rows["jobs"].tolist(), strict=True)
            }
        rows = pairs[pairs["site"] == self._numbers.get(site or "", -1)]
        return dict(zip(rows["code"].tolist(), rows["jobs"].tolist(), strict=True))

    # -- how it is made --

    def _trend(self, count: Callable[[PastDay, Array], tuple[int, int]]) -> Trend:
        found = {}
        for one, totals in zip(self._days, self._totals, strict=True):
            jobs, workflows = count(one, totals)
            found[one.day] = TrendDay(_date(one.day), jobs, workflows, lower=one.unsure > 0)
        return trend_of(self._points(found))

    def _rows(self, key: str, other: str, every: int) -> dict[int, list[tuple[int, int]]]:
        """Key -> failed jobs and workflows of each day that has a row."""
        found: dict[int, list[tuple[int, int]]] = {}
        for i, totals in enumerate(self._totals):
            rows = totals[totals[other] == every]
            for name, jobs, workflows in zip(*(rows[n].tolist() for n in (key, "jobs", "workflows")), strict=True):
                found.setdefault(name, [(0, 0)] * len(self._totals))[i] = (jobs, workflows)
        return found

    def _of_row(self, row: list[tuple[int, int]]) -> Trend:
        told = zip(self._days, row, strict=True)
        return trend_of(
            self._points(
                {d.day: TrendDay(_date(d.day), jobs, workflows, lower=d.unsure > 0) for d, (jobs, workflows) in told}
            )
        )

    def _points(self, found: dict[int, TrendDay]) -> list[TrendDay]:
        """One point for every ``step`` days: the last of them that is known."""
        points = []
        for end in range(self.last, self.first - 1, -self.step):
            days = (found.get(day) for day in range(end, end - self.step, -1))
            points.append(next((day for day in days if day is not None), TrendDay(_date(end), None)))
        return points[::-1]


def _of(totals: Array, code: int, site: int) -> tuple[int, int]:
    rows = totals[(totals["code"] == code) & (totals["site"] == site)] if site >= 0 else totals[:0]
    return (int(rows["jobs"][0]), int(rows["workflows"][0])) if len(rows) else (0, 0)


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=day)


def last_look(store: Store) -> int:
    """Of when the newest day is, in seconds; 0: there is none. Changes whenever a trend may have changed."""
    return kept.last_day_at(store)


__all__ = ["Span", "StatusDay", "Trend", "TrendDay", "last_look", "trend_of"]
