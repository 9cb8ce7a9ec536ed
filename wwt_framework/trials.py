"""What `wwt lab` does: one trial, kept, and told in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from wwt_framework.errors import NotFound
from wwt_framework.job_runs import progress_of
from wwt_framework.running import app_of
from wwt_framework.services.lab import (
    ENOUGH,
    Interval,
    LabResult,
    Span,
    days_for,
    find_subject,
    measure,
    plain_result,
    subjects,
)
from wwt_framework.services.learning.files import read_history
from wwt_framework.services.learning.history import COUNTED, stored
from wwt_framework.store import ledger
from wwt_framework.store.ledger import KeptResult

#: Days for which results are kept.
KEPT_DAYS = 400


def lab(
    path: Path,
    subject: str,
    days: float | None,
    user: str = "",
    history: Path | None = None,
    complain: Callable[[str], None] = lambda _: None,
    run_id: str | None = None,
    text: str | None = None,
) -> LabResult:
    """Try *subject* on the last *days*, None: on as many as tell something. The result is kept.

    *history*: a file of past decisions in the place of the store's; then the last of its days count, nothing is kept.
    Raises `WwtError` in words.
    """
    with app_of(path, text) as app:
        tried = find_subject(app.house.hooks, subject)
        past = read_history(history, complain) if history else stored(app.store)
        now = app.store.now()
        times = sorted(seen.at for seen in past.seen()) if history else []
        last = times[-1] if times else now
        if days is None:
            number = min(ENOUGH, -(-len(times) // 3))
            days = days_for(times[-number] if number else ledger.newest_decided(app.store, COUNTED, ENOUGH), last)
        span = Span(last - timedelta(days=days), last + timedelta(seconds=1), days)
        result = measure(app.house.hooks, tried, past, span, user, now, progress_of(app.store, run_id))
        if history is None:
            kept = KeptResult(result.id, result.subject, result.fingerprint, result.made_at, user, plain_result(result))
            ledger.keep_lab_result(app.store, kept)
            ledger.forget_lab_results(app.store, now - timedelta(days=KEPT_DAYS))
        return result


def names(path: Path) -> list[str]:
    """What can be tried, a line each. Raises `NotFound` when nothing can."""
    with app_of(path) as app:
        found = [f"{one.name}  {one.label}" for one in subjects(app.house.hooks)]
    if not found:
        raise NotFound("No plugin of this installation predicts, recommends or has rules: there is nothing to try.")
    return found


def line(result: LabResult) -> str:
    """*result* in one line."""
    if not result.spoke:
        return f"{result.subject} said nothing about {result.tasks:,} tasks of {result.decisions:,} decisions"
    return (
        f"{result.subject} spoke of {result.spoke:,} of {result.tasks:,} tasks and agreed in "
        f"{share(result.agreement)}; what is usual for the exit code agrees in {share(result.usual)}"
    )


def share(told: Interval) -> str:
    """A share with its interval, as people read it."""
    if told.value is None:
        return "-"
    if told.low is None or told.high is None:
        return f"{told.value:.1%}"
    return f"{told.value:.1%} ({told.low:.1%} to {told.high:.1%})"


def report(result: LabResult) -> Iterator[str]:
    """*result* as lines for a terminal."""
    yield f"{result.subject}: {result.since:%Y-%m-%d} to {result.until:%Y-%m-%d}, {result.decisions:,} decisions, "
    yield f"{result.tasks:,} tasks, {result.families:,} families of workflows; in brackets: 95 % intervals"
    if result.learnt:
        yield f"learnt from {result.learnt:,} earlier ones" + (f" as {result.model}" if result.model else "")
    yield from (f"note: {note}" for note in result.notes)
    yield ""
    spoke = f" ({result.coverage:.1%})" if result.coverage is not None else ""
    yield f"spoke of            {result.spoke:,} of {result.tasks:,} tasks{spoke}; said nothing of {result.silent:,}"
    yield f"agreed              {share(result.agreement)}"
    yield f"usual for the code  {share(result.usual)}"
    yield f"usual of all        {share(result.most)}"
    yield f"better by           {share(result.gain)}"
    for head, tallies in (
        ("decided", result.by_action), ("exit code", result.by_code), ("site", result.by_site),
        ("at least so sure", result.by_sureness),
    ):  # fmt: skip
        if tallies:
            yield ""
            yield f"{head:<22} {'tasks':>8} {'spoke':>8} {'agreed':>8} {'usual':>8}"
            for tally in tallies[:20]:
                yield f"{tally.key[:22]:<22} {tally.tasks:>8,} {tally.spoke:>8,} {tally.agreed:>8,} {tally.usual:>8,}"
    if result.differs:
        yield ""
        yield f"It differs in {result.differs_total:,} tasks; the newest:"
        for row in result.differs[:10]:
            why = f"; {row.why}" if row.why else ""
            yield f"  {row.at:%Y-%m-%d} {row.workflow}/{row.task}: decided {row.decided}, it says {row.said}{why}"
