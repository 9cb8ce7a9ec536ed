"""How much failed day by day: what a trend says, and of which days nothing is known."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from wwt_framework.cube import ErrorColumns
from wwt_framework.model import ErrorCount, Readiness, SiteStatus
from wwt_framework.services.history import Look, take_in
from wwt_framework.services.history.trend import Span, TrendDay, last_look, trend_of
from wwt_framework.store import Store

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
FIRST = date(2026, 11, 1)


def days(*jobs: int | None) -> list[TrendDay]:
    """One day after the other, from the first of November on."""
    return [TrendDay(FIRST + i * DAY, n) for i, n in enumerate(jobs)]


@pytest.mark.parametrize(
    ("jobs", "word"),
    [
        ((100, 100, 100, 126), "growing"),
        ((100, 100, 100, 79), "fading"),
        ((100, 100, 100, 120), "steady"),
        ((100, 100, 100, 81), "steady"),
        ((2, 2, 2, 5), "steady"),  # three jobs more are nothing
        ((0, 0, 0, 1), "new"),
        ((0, 0, 3, 0), "gone"),
        ((0, 0, 0), "none"),
        ((7,), "unknown"),
        ((None, None), "unknown"),
        ((), "unknown"),
        ((100, None, None, 200), "growing"),  # compared with the days of which something is known
        ((500, *[None] * 9, 100), "unknown"),  # the week before is not known
    ],
)
def test_a_trend_compares_the_last_day_with_the_week_before(jobs: tuple[int | None, ...], word: str) -> None:
    assert trend_of(days(*jobs)).word == word


@pytest.mark.parametrize(
    ("jobs", "since", "longer"),
    [
        ((0, 3, 4), date(2026, 11, 2), False),
        ((5, 0, 4), date(2026, 11, 3), False),
        ((5, None, 4), FIRST, True),  # a day on which nobody looked breaks no run
        ((5, 4, 0), None, False),
    ],
)
def test_failed_jobs_are_there_since_the_first_day_of_the_last_unbroken_run(
    jobs: tuple[int | None, ...], since: date | None, longer: bool
) -> None:
    trend = trend_of(days(*jobs))

    assert (trend.since, trend.longer) == (since, longer)


def fail(store: Store, at: datetime, *cells: tuple[str, int, str, int], partial: tuple[str, ...] = ()) -> None:
    errors = ErrorColumns.of((ErrorCount(*cell) for cell in cells), partial=dict.fromkeys(partial, "half"))
    fnal = SiteStatus("T1_US_FNAL", Readiness.GREEN if at.day % 2 else Readiness.RED, "enabled")
    take_in(store, Look.of_columns(errors, at, {"T1_US_FNAL": fnal}, whole=True))


@pytest.fixture
def past(store: Store) -> Store:
    """Four looks on three of four days: the 20th twice, the 21st nobody, the 22nd, the 23rd."""
    fail(store, NOW - 3 * DAY - timedelta(hours=5), ("/w/A", 85, "T1_US_FNAL", 99))
    fail(store, NOW - 3 * DAY, ("/w/A", 85, "T1_US_FNAL", 3), ("/v/A", 85, "T2_CH_CERN", 2))
    fail(store, NOW - DAY, ("/w/A", 85, "T1_US_FNAL", 5), ("/w/B", 8, "T1_US_FNAL", 1), partial=("w",))
    fail(store, NOW, ("/v/A", 85, "T2_CH_CERN", 4))
    return store


def told(trend: object) -> list[tuple[int, int | None, int | None]]:
    return [(day.day.day, day.jobs, day.workflows) for day in trend.days]  # type: ignore[attr-defined]


def test_the_last_look_of_a_day_counts_and_a_day_without_a_look_is_not_zero(past: Store) -> None:
    span = Span(past, NOW, 5)

    assert told(span.all()) == [(19, None, None), (20, 5, 2), (21, None, None), (22, 6, 1), (23, 4, 1)]
    assert told(span.code(8)) == [(19, None, None), (20, 0, 0), (21, None, None), (22, 1, 1), (23, 0, 0)]
    assert told(span.site("T1_US_FNAL")) == [(19, None, None), (20, 3, 1), (21, None, None), (22, 6, 1), (23, 0, 0)]
    assert [day.lower for day in span.all().days] == [False, False, False, True, False]


def test_lists_of_codes_and_sites_have_the_trends_of_each(past: Store) -> None:
    span = Span(past, NOW, 5)

    assert span.codes() == {85: span.code(85), 8: span.code(8)}
    assert span.sites() == {name: span.site(name) for name in ("T1_US_FNAL", "T2_CH_CERN")}


def test_a_workflow_has_the_days_on_which_it_was_told(past: Store) -> None:
    trend = Span(past, NOW, 5).workflow("w")

    assert trend is not None
    assert [(day.day.day, day.jobs) for day in trend.days] == [(19, None), (20, 3), (21, None), (22, 6), (23, None)]
    assert Span(past, NOW, 5).workflow("nobody") is None


def test_weeks_are_told_by_their_last_known_day(past: Store) -> None:
    weeks = Span(past, NOW, 28, step=7).all().days

    assert [(day.day, day.jobs) for day in weeks[-2:]] == [(date(2026, 11, 16), None), (date(2026, 11, 23), 4)]
    assert len(weeks) == 4


def test_the_readiness_of_a_site_is_told_day_by_day(past: Store) -> None:
    statuses = Span(past, NOW, 4).statuses("T1_US_FNAL")

    assert [(one.day.day, one.readiness) for one in statuses] == [
        (20, Readiness.RED), (21, None), (22, Readiness.RED), (23, Readiness.GREEN)
    ]  # fmt: skip


def test_a_week_ago_is_the_last_day_until_then_that_has_it(past: Store) -> None:
    later = Span(past, NOW + 8 * DAY, 5)  # a week before that was the 24th

    assert later.week_ago(code=85) == {"T2_CH_CERN": 4}
    assert later.week_ago(site="T2_CH_CERN") == {85: 4}
    assert Span(past, NOW, 5).week_ago(code=85) is None


def test_the_time_of_the_last_look_is_known(past: Store) -> None:
    assert last_look(past) == NOW.timestamp()


def test_nothing_is_known_of_an_empty_history(store: Store) -> None:
    span = Span(store, NOW, 3)

    assert (span.all().word, span.codes(), span.sites(), last_look(store)) == ("unknown", {}, {}, 0)
