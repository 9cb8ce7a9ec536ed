"""Past decisions, to be read again and again: of the store, of files, parts of them. None holds more than one at a time."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from itertools import islice

from wwt_framework.evidence import case_of, plain_case
from wwt_framework.model import ActionState
from wwt_framework.plugin import Decision
from wwt_framework.store import Store, ledger

#: An action that was taken back, or replaced before anybody acted, is no decision.
COUNTED = frozenset({ActionState.QUEUED, ActionState.SENT, ActionState.DONE, ActionState.FAILED})


class Past:
    """Past decisions, oldest first. *read* begins to read them anew, and gives them in that order."""

    def __init__(self, read: Callable[[], Iterator[Decision]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[Decision]:
        return self._read()

    def __len__(self) -> int:
        return self.identity[1]

    def until(self, at: datetime) -> Past:
        """Only what was decided before *at*."""
        return Past(lambda: _before(self, at))

    def only(self, wanted: Callable[[Decision], bool]) -> Past:
        """Those that are *wanted*."""
        return Past(lambda: filter(wanted, iter(self)))

    @cached_property
    def identity(self) -> tuple[str, int]:
        """An id of what is in it (the same decisions, the same id), and how many they are."""
        digest, count = hashlib.sha256(), 0
        for decision in self:
            digest.update(f"{decision.action.id} {decision.action.kind} {decision.decided_at.isoformat()}\n".encode())
            count += 1
        return digest.hexdigest()[:16], count


def _before(decisions: Iterable[Decision], at: datetime) -> Iterator[Decision]:
    for decision in decisions:
        if decision.decided_at >= at:
            return
        yield decision


def kept(decisions: Sequence[Decision]) -> Past:
    """A history of *decisions* in memory."""
    ordered = sorted(decisions, key=lambda decision: decision.decided_at)
    return Past(lambda: iter(ordered))


def stored(store: Store, since: datetime | None = None) -> Past:
    """What operators of this installation asked for since then, of which it is kept what was on the page.

    Rehearsals, and what was taken back, are left out.
    """
    return Past(lambda: _of_store(store, since))


def take_over(store: Store, decisions: Iterable[Decision], user: str, at_once: int = 200) -> tuple[int, int]:
    """Keep *decisions* with their evidence, in the order given; how many, and how many were here already.

    They count as carried out: nobody is to do them now.
    """
    kept_, known = 0, 0
    source = iter(decisions)
    while batch := list(islice(source, at_once)):
        with store.write(alone="actions"):
            new = [one for one in batch if not ledger.has_evidence(store, one.action.id)]
            done = [replace(one.action, state=ActionState.DONE) for one in new]
            ledger.import_actions(store, done, user)
            packed = [(one.action.id, one.action.workflow, ledger.pack(plain_case(one.case))) for one in new]
            ledger.keep_evidence(store, "imported", packed)
        kept_ += len(new)
        known += len(batch) - len(new)
    return kept_, known


def joined(*histories: Past) -> Past:
    """Several histories as one; they may overlap in time, and are merged by it."""
    if len(histories) == 1:
        return histories[0]
    return Past(lambda: heapq.merge(*histories, key=lambda decision: decision.decided_at))


def _of_store(store: Store, since: datetime | None) -> Iterator[Decision]:
    for action, content in ledger.decided(store, COUNTED, since):
        try:
            case = case_of(content)
        except ValueError:  # kept when the workflow had left the snapshot: there is nothing to learn from
            continue
        if case.errors:
            yield Decision(case, action, action.submitted_at)
