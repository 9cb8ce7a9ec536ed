"""The patience that ends, and what came of asking."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from wwt_framework.model import Rejected, SourceReport
from wwt_framework.services.gathering import Patience, Tally, renewed

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


def test_patience_ends_after_failures_in_a_row() -> None:
    patience = Patience(3)
    for failure in ("a", "b", "", "c", "d"):
        patience.note(failure)
    before = patience.over
    patience.note("e")

    assert not before
    assert patience.over
    assert patience.last == "e"


@pytest.mark.parametrize(
    ("answered", "failures", "rejected", "state", "as_of"),
    [
        (1, [], 0, "ok", NOON),
        (1, [], 2, "partial", NOON),
        (2, [None], 0, "partial", NOON),
        (0, [NOON.replace(hour=9), NOON.replace(hour=8), None], 0, "kept", NOON.replace(hour=8)),
        (0, [None], 0, "failed", None),
    ],
)
def test_a_tally_becomes_a_line(
    answered: int, failures: list[datetime | None], rejected: int, state: str, as_of: datetime | None
) -> None:
    tally = Tally("errors.one", "errors", NOON, answered=answered)
    for when in failures:
        tally.fail("timed out", when)
    tally.reject([Rejected("/a", "why", "a")] * rejected)
    report = tally.report()

    assert (report.state, report.as_of, report.rejected_count) == (state, as_of, rejected)


def _line(state: str, note: str = "", rejected: tuple[Rejected, ...] = (), count: int | None = None) -> SourceReport:
    n = len(rejected) if count is None else count
    return SourceReport("errors.one", "errors", state, NOON, NOON, 1.0, note, rejected, n)


A, B = Rejected("/a/x", "why", "a"), Rejected("/b/x", "why", "b")


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (None, _line("ok"), ("ok", "", ())),
        (_line("ok"), _line("ok"), ("ok", "", ())),
        (_line("ok"), _line("failed", "timed out"), ("partial", "timed out", ())),
        (_line("kept", "gone"), _line("ok"), ("kept", "gone", ())),
        (_line("partial", "", (A, B)), _line("ok"), ("partial", "", (B,))),
        (_line("partial", "", (A,)), _line("ok"), ("ok", "", ())),
        (_line("ok"), _line("partial", "", (A,)), ("partial", "", (A,))),
    ],
)
def test_a_line_after_one_workflow_was_asked_again(
    before: SourceReport | None, now: SourceReport, expected: tuple[str, str, tuple[Rejected, ...]]
) -> None:
    line = renewed(before, now, frozenset({"a"}))

    assert (line.state, line.note, line.rejected) == expected
    assert line.rejected_count == len(line.rejected)


def test_paths_that_were_counted_and_not_named_stay_counted() -> None:
    line = renewed(_line("partial", "", (A, B), 500), _line("ok"), frozenset({"a"}))

    assert line.rejected_count == 499
