"""From what all sources tell to the parts of one snapshot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, timezone
from operator import attrgetter
from typing import Any

import numpy as np

from wwt_framework.model import ExitCode, Known, LogExcerpt, SiteStatus, Workflow
from wwt_framework.services.merge import Combined
from wwt_framework.services.telling import Telling
from wwt_framework.snapshot import OK, STATE_WORDS, UNKNOWN

#: Excerpts that are kept of one exit code in one task.
EXCERPTS = 20

_FIELDS = tuple(f.name for f in fields(Workflow) if f.name != "name")
#: A workflow that lacks one of these is asked for (``fetch_workflows``); the others not every source can know.
_WANTED = ("prep_id", "campaign", "request_type", "status", "priority", "requested_at", "parameters")
_SEVERITY = ("ok", "old", "partial", "unknown")

_values = attrgetter(*_FIELDS)
_wanted = attrgetter(*_WANTED)
#: What a workflow holds of which only the name is known.
_NOTHING = _values(Workflow("only a name"))


def _empty(value: Any) -> bool:
    return value is None or (not value and not isinstance(value, int | float))


def lacks(workflow: Workflow) -> bool:
    """Whether somebody should be asked about *workflow*."""
    return any(map(_empty, _wanted(workflow)))


def filled(base: Workflow, more: Workflow) -> Workflow:
    """*base*; what it leaves empty is taken from *more*."""
    values = _values(base)
    if values == _NOTHING and base.name == more.name:
        return more
    new = {
        name: value
        for name, old, value in zip(_FIELDS, values, _values(more), strict=True)
        if _empty(old) and not _empty(value)
    }
    return replace(base, **new) if new else base


def merged(lists: Iterable[Iterable[Workflow]]) -> dict[str, Workflow]:
    """Name -> workflow; where several tell of the same one, the first one's fields win."""
    found: dict[str, Workflow] = {}
    for workflows in lists:
        for workflow in workflows:
            before = found.get(workflow.name)
            found[workflow.name] = workflow if before is None else filled(before, workflow)
    return found


def codes_of(combined: Combined, wanted: Collection[str]) -> dict[str, frozenset[int]]:
    """Workflow -> the exit codes it has, of those among *wanted* that have errors."""
    cells, n = combined.cells, len(combined.cells.codes)
    index = {name: i for i, name in enumerate(combined.workflows)}
    owners = np.fromiter(map(index.__getitem__, cells.owners), np.int64, len(cells.tasks))
    seen = np.zeros(len(combined.workflows) * n, bool)
    seen[owners[cells.task] * n + cells.code] = True
    found: dict[str, set[int]] = {}
    codes = cells.codes.tolist()
    for at in np.flatnonzero(seen).tolist():
        name = combined.workflows[at // n]
        if name in wanted:
            found.setdefault(name, set()).add(codes[at % n])
    return {name: frozenset(some) for name, some in found.items()}


def error_states(combined: Combined, names: Collection[str], unheard: bool) -> dict[str, int]:
    """Workflow -> how far its counts can be trusted, of all that are not simply OK.

    *unheard*: a source that has errors to tell never told any, so all counts are lower bounds.
    """
    states = dict.fromkeys(names, UNKNOWN)
    for name, state in zip(combined.workflows, combined.state.tolist(), strict=True):
        if name in states:
            states[name] = STATE_WORDS.index("partial") if unheard and state != UNKNOWN else state
    return {name: state for name, state in states.items() if state != OK}


def error_times(combined: Combined, now: datetime) -> dict[str, datetime]:
    """Workflow -> of when its counts are, where it is not now."""
    at = combined.at.tolist()
    there, this = combined.state != UNKNOWN, int(now.timestamp())
    return {
        combined.workflows[i]: datetime.fromtimestamp(at[i], timezone.utc)
        for i in np.flatnonzero(there & (combined.at != this)).tolist()
    }


def known_errors(
    combined: Combined,
    states: Mapping[str, int],
    times: Mapping[str, datetime],
    now: datetime,
    unheard: Sequence[tuple[str, str]],
) -> Iterator[tuple[str, Known]]:
    """What is to be said of counts that are not simply OK. *unheard*: (source, why) of who never answered at all."""
    for name, state in states.items():
        notes = [*combined.notes.get(name, ()), *unheard]
        at = None if state == UNKNOWN else times.get(name, now)
        sources = ", ".join(dict.fromkeys(source for source, _ in notes))
        yield (
            name,
            Known("errors", sources, STATE_WORDS[state], at, "; ".join(dict.fromkeys(note for _, note in notes))),
        )


#: How far one source's telling can be trusted: source, state, of when, note.
_Word = tuple[str, str, datetime | None, str]


def known_tellings(
    kind: str, told: Mapping[str, Mapping[str, Telling[Any]]], owners: Callable[[str], Iterable[str]]
) -> Iterator[tuple[str, Known]]:
    """How far one kind of knowledge can be trusted. *owners*: the workflows of a key (itself, or those of a prep id)."""
    by_key: dict[str, tuple[_Word, ...]] = {}
    for source, tellings in told.items():
        for key, telling in tellings.items():
            by_key[key] = (*by_key.get(key, ()), (source, telling.state, telling.at, telling.note))
    said: dict[tuple[_Word, ...], Known] = {}  # what is said of one is mostly said of all others, too
    for key, words in by_key.items():
        known = said.get(words)
        if known is None:
            known = said[words] = _in_sum(kind, words)
        for owner in owners(key):
            yield owner, known


def _in_sum(kind: str, words: tuple[_Word, ...]) -> Known:
    states = {state for _, state, _, _ in words}
    state = max(states, key=_SEVERITY.index)
    if state == "unknown" and len(states) > 1:
        state = "partial"
    at = min((at for _, _, at, _ in words if at), default=None)
    told_by = [source for source, state, _, _ in words if state != "ok"] or [source for source, _, _, _ in words]
    notes = dict.fromkeys(note for _, _, _, note in words if note)
    return Known(kind, ", ".join(told_by), state, at, "; ".join(notes))


def a_few(logs: Iterable[tuple[str, LogExcerpt]]) -> Iterator[tuple[str, LogExcerpt]]:
    """The first excerpts of each exit code in each task."""
    seen: Counter[tuple[str, str, int]] = Counter()
    for workflow, log in logs:
        key = (workflow, log.task, log.exit_code)
        seen[key] += 1
        if seen[key] <= EXCERPTS:
            yield workflow, log


def first_sites(told: Sequence[tuple[str, Iterable[SiteStatus]]]) -> list[SiteStatus]:
    """The status of every site; the first source that knows a site wins."""
    found: dict[str, SiteStatus] = {}
    for _, statuses in told:
        for status in statuses:
            found.setdefault(status.site, status)
    return list(found.values())


def first_codes(told: Sequence[tuple[str, Iterable[ExitCode]]]) -> list[ExitCode]:
    """What every exit code means; the first source that knows a code wins."""
    found: dict[int, ExitCode] = {}
    for _, codes in told:
        for code in codes:
            found.setdefault(code.code, code)
    return list(found.values())
