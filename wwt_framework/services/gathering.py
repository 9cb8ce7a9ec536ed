"""Asking several sources with patience that ends, and counting what came of it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from wwt_framework.model import Rejected, SourceReport, Told

#: A report names this many paths; all are counted.
PATHS_NAMED = 200


class Patience:
    """Counts failures in a row; whoever fails *limit* times without a success between is not asked any more."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._in_a_row = 0
        self._lock = threading.Lock()
        self.last = ""

    @property
    def over(self) -> bool:
        """Whether asking on is a waste of time."""
        return self._in_a_row >= self._limit

    def note(self, failure: str) -> None:
        """One more answer; *failure* is empty when it was one."""
        with self._lock:
            self._in_a_row = self._in_a_row + 1 if failure else 0
            self.last = failure or self.last


@dataclass
class Tally:
    """How one source answers one kind of question; it ends as a line of the freshness strip."""

    plugin: str
    kind: str
    asked_at: datetime
    seconds: float = 0.0
    answered: int = 0
    failed: int = 0
    as_of: datetime | None = None  # of what stands in for answers that failed
    told_of: datetime | None = None  # of when the answers are, where that is not the moment of asking
    note: str = ""
    rejected: list[Rejected] = field(default_factory=list)
    rejected_count: int = 0
    warning: str = ""

    def reject(self, rejected: Iterable[Rejected]) -> None:
        """Count what could not be read."""
        for one in rejected:
            self.rejected_count += 1
            if len(self.rejected) < PATHS_NAMED:
                self.rejected.append(one)

    def told(self, answer: object) -> None:
        """Take down what an answer says of itself."""
        if isinstance(answer, Told) and answer.warning:
            self.warning = str(answer.warning)

    def fail(self, why: str, as_of: datetime | None) -> None:
        """Count a failure; *as_of*: of when the data is that stands in, None when there is none."""
        self.failed += 1
        self.note = self.note or why
        if as_of is not None:
            self.as_of = as_of if self.as_of is None else min(self.as_of, as_of)

    def report(self) -> SourceReport:
        """The line."""
        note = self.note
        if not self.failed:
            state, as_of = ("partial" if self.rejected_count else "ok"), self.told_of or self.asked_at
        elif self.answered:
            state, as_of = "partial", self.told_of or self.asked_at
            note = f"{self.failed} of {self.failed + self.answered} not answered: {note}"
        else:
            state, as_of = ("kept" if self.as_of else "failed"), self.as_of  # type: ignore[assignment]
        return SourceReport(
            self.plugin, self.kind, state, self.asked_at, as_of, round(self.seconds, 3), note,
            tuple(self.rejected), self.rejected_count, self.warning,
        )  # fmt: skip


def renewed(before: SourceReport | None, now: SourceReport, asked: frozenset[str]) -> SourceReport:
    """The line after only the workflows *asked* were asked again: what was known of all others goes on."""
    if before is None:
        return now
    still = tuple(r for r in before.rejected if r.workflow not in asked)
    count = before.rejected_count - (len(before.rejected) - len(still)) + now.rejected_count
    state, note = before.state, before.note
    if now.state in {"failed", "kept"} or now.note:
        state, note = (state if state != "ok" else "partial"), now.note
    elif state in {"ok", "partial"}:
        state = "partial" if count or note else "ok"
    return SourceReport(
        before.plugin, before.kind, state, before.asked_at, before.as_of, before.seconds, note,
        (still + now.rejected)[:PATHS_NAMED], count, now.warning or before.warning,
    )  # fmt: skip
