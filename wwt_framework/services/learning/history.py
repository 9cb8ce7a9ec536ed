"""Past decisions, to be read again and again: of the store, of files, parts of them. None holds more than one at a time."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from itertools import islice, takewhile
from typing import Any

from wwt_framework.evidence import case_of, decision_label, plain_case
from wwt_framework.model import Action, ActionState, Case
from wwt_framework.plugin import Decision
from wwt_framework.store import Store, ledger

#: An action that was taken back, or replaced before anybody acted, is no decision.
COUNTED = frozenset({ActionState.QUEUED, ActionState.SENT, ActionState.DONE, ActionState.FAILED})


@dataclass(frozen=True, slots=True)
class Seen:
    """A decision at a glance. To ``make`` it of what is kept takes three times as long as to look at it."""

    id: str  # Action.id
    kind: str
    at: datetime
    family: str
    label: str
    tasks: int  # that had failed jobs
    make: Callable[[], Decision | None]  # None: what is kept can not be read, which was complained of

    @classmethod
    def of(cls, decision: Decision) -> Seen:
        """Of one that is made already."""
        action, case = decision.action, decision.case
        label, tasks = decision_label(action.kind, action.values), len(case.errors.tasks)
        return cls(action.id, action.kind, decision.decided_at, family_of(case), label, tasks, lambda: decision)

    @classmethod
    def of_kept(
        cls, action: Action, at: datetime, case: Mapping[str, Any], make: Callable[[], Decision | None]
    ) -> Seen:
        """Of one that is kept: *case* as `plain_case` made it. Raises KeyError, TypeError when it is not of that shape."""
        workflow = case["workflow"]
        family = workflow.get("prep_id") or workflow.get("original") or str(workflow["name"])
        label = decision_label(action.kind, action.values)
        return cls(action.id, action.kind, at, family, label, len({cell[0] for cell in case.get("errors", ())}), make)


def family_of(case: Case) -> str:
    """What a workflow shares with its ACDCs: the prep id, else the workflow that it recovers, else its own name."""
    workflow = case.workflow
    return workflow.prep_id or workflow.original or workflow.name


class Past:
    """Past decisions, oldest first. *read* begins to read them anew, and gives them in that order."""

    def __init__(self, read: Callable[[], Iterator[Seen]]) -> None:
        self._read = read

    def seen(self) -> Iterator[Seen]:
        """All of them at a glance."""
        return self._read()

    def __iter__(self) -> Iterator[Decision]:
        made = (seen.make() for seen in self._read())
        return (decision for decision in made if decision is not None)

    def __len__(self) -> int:
        return self.identity[1]

    def until(self, at: datetime) -> Past:
        """Only what was decided before *at*."""
        return Past(lambda: takewhile(lambda seen: seen.at < at, self._read()))

    def only(self, wanted: Callable[[Seen], bool]) -> Past:
        """Those that are *wanted*."""
        return Past(lambda: filter(wanted, self._read()))

    @cached_property
    def identity(self) -> tuple[str, int]:
        """An id of what is in it (the same decisions, the same id), and how many they are."""
        digest, count = hashlib.sha256(), 0
        for seen in self._read():
            digest.update(f"{seen.id} {seen.kind} {seen.at.isoformat()}\n".encode())
            count += 1
        return digest.hexdigest()[:16], count


def kept(decisions: Sequence[Decision]) -> Past:
    """A history of *decisions* in memory."""
    ordered = sorted(decisions, key=lambda decision: decision.decided_at)
    return Past(lambda: map(Seen.of, ordered))


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
            by_id = {one.action.id: one for one in batch}
            new = [one for one in by_id.values() if not ledger.has_evidence(store, one.action.id)]
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
    return Past(lambda: heapq.merge(*(one.seen() for one in histories), key=lambda seen: seen.at))


def _of_store(store: Store, since: datetime | None) -> Iterator[Seen]:
    for action, packed in ledger.decided(store, COUNTED, since):
        # without a workflow it was kept when that had left the snapshot: there is nothing to learn from
        case = packed.with_("errors", "workflow")
        if case.get("workflow") and case.get("errors"):
            yield Seen.of_kept(action, action.submitted_at, case, partial(_made, action, packed))


def _made(action: Action, packed: ledger.Packed) -> Decision | None:
    try:
        return Decision(case_of(packed.whole()), action, action.submitted_at)
    except ValueError:  # it was kept by another version
        return None
