"""Why operators act: new reasons, and those of the book that are picked by their short names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wwt_framework.model import Problem, Reason
from wwt_framework.store import Store, ledger


def book(store: Store) -> list[Reason]:
    """Every reason that can be picked, by short name."""
    return ledger.reasons(store)


def settle(
    store: Store, reasons: Iterable[Reason], picked: Iterable[str]
) -> tuple[tuple[Reason, ...], tuple[Problem, ...]]:
    """The reasons of an action, and what is to be said about them.

    A short name that is in the book already keeps its text there. One without a long text says what it is called.
    """
    wanted, names = list(reasons), list(picked)
    known = ledger.reasons_named(store, [*names, *(reason.short for reason in wanted if reason.short)])
    settled, problems = [], []
    for name in names:
        if (old := known.get(ledger.reason_key(name))) is None:
            problems.append(Problem(f"There is no reason called {name!r} in the book any more.", "reasons"))
        else:
            settled.append(old)
    for reason in wanted:
        told, problem = _settled(reason, known)
        settled += [told] if told else []
        problems += [problem] if problem else []
    return tuple(dict.fromkeys(settled)), tuple(problems)


def _settled(reason: Reason, known: Mapping[str, Reason]) -> tuple[Reason | None, Problem | None]:
    short, long = reason.short.strip(), reason.long.strip()
    if not short and not long:
        return None, None
    old = known.get(ledger.reason_key(short)) if short else None
    if old is None:
        return Reason(short, long or short), None
    if long in ("", old.long):
        return old, None
    taken = f"The short name {old.short!r} is taken; its text in the book is used: {old.long}"
    return old, Problem(taken, "reasons", blocking=False, fix="Give the new reason another short name.")
