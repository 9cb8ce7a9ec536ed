"""What the procedures leave open: exit codes without one, and those that contradict each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from wwt_framework.model import NOT_REPORTED

from .conditions import covers, overlap
from .library import Library, Listed


@dataclass(frozen=True)
class Gap:
    """An exit code of the snapshot without a procedure."""

    code: int
    jobs: int
    workflows: int


@dataclass(frozen=True)
class Conflict:
    """Two procedures for one exit code whose conditions can hold together, with different actions."""

    codes: tuple[int, ...]
    first: Listed  # the one that is asked first
    second: Listed
    words: str  # what comes of it


def gaps(library: Library, totals: Mapping[int, tuple[int, int]], frequent_jobs: int) -> list[Gap]:
    """Frequent exit codes without a procedure, those of most failed jobs first. *totals*: of a snapshot."""
    found = [
        Gap(code, jobs, workflows)
        for code, (jobs, workflows) in totals.items()
        if code != NOT_REPORTED and code not in library.by_code and jobs >= frequent_jobs
    ]
    return sorted(found, key=lambda gap: (-gap.jobs, gap.code))


def conflicts(library: Library) -> list[Conflict]:
    """Pairs that contradict each other, in the order of asking.

    A procedure with narrower conditions that is asked before a general one is an exception, and no contradiction.
    """
    found: dict[tuple[str, str], Conflict] = {}
    for code, several in sorted(library.by_code.items()):
        for first, second in combinations(several, 2):
            words = _contradiction(first, second)
            if not words:
                continue
            before = found.get((first.id, second.id))
            codes = (*before.codes, code) if before else (code,)
            found[first.id, second.id] = Conflict(codes, first, second, words)
    return list(found.values())


def _contradiction(first: Listed, second: Listed) -> str:
    """What is wrong with asking *first* before *second*; "" for nothing."""
    one, other = first.procedure, second.procedure
    if _does(first) == _does(second) or not overlap(one.when, other.when):
        return ""
    if one.go_on:
        return "Where both apply, both are shown, with different actions."
    narrowed = any(expression.required for expression in one.look_for)
    if not narrowed and covers(one.when, other.when):
        return f"The second is never shown: the first applies wherever it does, and is asked before ({_orders(one.order, other.order)})."
    if one.order == other.order and not narrowed and not covers(other.when, one.when):
        return f"Where both apply only the first is shown, by chance: both have the order {one.order}."
    return ""


def _orders(one: int, other: int) -> str:
    return f"both have the order {one}" if one == other else f"order {one} before {other}"


def _does(listed: Listed) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The action of a procedure, comparable: its kind and parameters."""
    action = listed.procedure.action
    if action is None:
        return "", ()
    return action.kind, tuple(sorted((field, str(value)) for field, value in action.parameters.items()))
