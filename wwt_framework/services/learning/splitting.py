"""Splitting the past by time and by family: what is judged is later than all that was learnt, and of other families."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from wwt_framework.errors import WwtError
from wwt_framework.evidence import decision_label
from wwt_framework.model import Case
from wwt_framework.plugin import Decision
from wwt_framework.services.learning.history import Past

#: Fewer families than this can not be split.
LEAST = 10


@dataclass(frozen=True)
class Part:
    """One part of the past, from *since* (None: the beginning) until before *until* (None: the end)."""

    history: Past
    families: frozenset[str]
    decisions: int
    since: datetime | None
    until: datetime | None
    labels: Mapping[str, int]  # what was decided -> tasks


def family_of(case: Case) -> str:
    """What a workflow shares with its ACDCs: the prep id, else the workflow that it recovers, else its own name."""
    workflow = case.workflow
    return workflow.prep_id or workflow.original or workflow.name


@dataclass(frozen=True, slots=True)
class _Seen:
    """What must be remembered of one decision."""

    at: datetime
    family: str
    label: str
    tasks: int

    @classmethod
    def of(cls, decision: Decision) -> _Seen:
        label = decision_label(decision.action.kind, decision.action.values)
        return cls(decision.decided_at, family_of(decision.case), label, len(decision.case.errors.tasks))


def split(history: Past, shares: Sequence[float]) -> list[Part]:
    """Parts of *history*, the oldest first, with about these *shares* of the decisions.

    A family is where its last decision is; what was decided about it in an earlier part is in no part at all.
    So no family is in two parts, and nothing in a part was decided before the end of an earlier one.
    Raises `WwtError` when there is too little to split.
    """
    seen = [_Seen.of(decision) for decision in history]
    last = {one.family: one.at for one in seen}  # oldest first: the last one stays
    if len(last) < LEAST:
        raise WwtError(
            f"expected decisions about at least {LEAST} families of workflows, got {len(last)}; "
            "more is needed before anything can be learnt and judged"
        )
    cuts = _cuts([one.at for one in seen], shares)
    edges = [None, *cuts, None]
    place = {family: sum(at >= cut for cut in cuts) for family, at in last.items()}
    return [
        _part(history, place, number, since, until, seen)
        for number, (since, until) in enumerate(pairwise(edges))
    ]  # fmt: skip


def _cuts(times: Sequence[datetime], shares: Sequence[float]) -> list[datetime]:
    """When each part but the first begins."""
    total, ends, gone = sum(shares), [], 0.0
    for share in shares[:-1]:
        gone += share / total
        ends.append(times[min(len(times) - 1, int(gone * len(times)))])
    return ends


def _part(
    history: Past,
    place: Mapping[str, int],
    number: int,
    since: datetime | None,
    until: datetime | None,
    seen: Sequence[_Seen],
) -> Part:
    def is_in(at: datetime, family: str) -> bool:
        return place.get(family) == number and (since is None or at >= since)

    def wanted(decision: Decision) -> bool:
        return is_in(decision.decided_at, family_of(decision.case))

    mine = [one for one in seen if is_in(one.at, one.family)]
    labels: Counter[str] = Counter()
    for one in mine:
        labels[one.label] += one.tasks
    families = frozenset(family for family, where in place.items() if where == number)
    whole = history if until is None else history.until(until)
    return Part(whole.only(wanted), families, len(mine), since, until, labels)
