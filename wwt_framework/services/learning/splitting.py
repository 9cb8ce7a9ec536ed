"""Splitting the past by time and by family: what is judged is later than all that was learnt, and of other families."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from wwt_framework.errors import WwtError
from wwt_framework.services.learning.history import Past, Seen

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


def split(history: Past, shares: Sequence[float]) -> list[Part]:
    """Parts of *history*, the oldest first, with about these *shares* of the decisions.

    A family is where its last decision is; what was decided about it in an earlier part is in no part at all.
    So no family is in two parts, and nothing in a part was decided before the end of an earlier one.
    Raises `WwtError` when there is too little to split.
    """
    seen = [replace(one, make=_gone) for one in history.seen()]
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


def _gone() -> None:
    """What is only remembered at a glance is not made any more."""


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
    seen: Sequence[Seen],
) -> Part:
    def is_in(at: datetime, family: str) -> bool:
        return place.get(family) == number and (since is None or at >= since)

    def wanted(one: Seen) -> bool:
        return is_in(one.at, one.family)

    mine = [one for one in seen if is_in(one.at, one.family)]
    labels: Counter[str] = Counter()
    for one in mine:
        labels[one.label] += one.tasks
    families = frozenset(family for family, where in place.items() if where == number)
    whole = history if until is None else history.until(until)
    return Part(whole.only(wanted), families, len(mine), since, until, labels)
