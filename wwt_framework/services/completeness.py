"""How complete is what is known about one workflow: which kinds are whole, of when, and what the numbers hide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from wwt_framework.model import NOT_REPORTED, Case, ExitCode, Known, SourceReport

#: Kinds of knowledge, in the order in which they are told, as operators call them.
KINDS = {
    "errors": "failed jobs",
    "logs": "logs",
    "recoveries": "what an ACDC would rerun",
    "parameters": "parameters",
    "family": "family",
}
#: State -> how the line says it; the best last. "nobody": no source here tells this kind.
_WORDS = {
    "unknown": "not known",
    "partial": "lower bounds or parts",
    "old": "kept from earlier",
    "ok": "whole",
    "nobody": "no source here tells",
}
#: Codes and sites that a remark names.
_NAMED = 4


@dataclass(frozen=True)
class KindLine:
    """One kind of knowledge."""

    kind: str
    label: str
    state: str  # ok, old, partial, unknown; nobody: no source here tells it
    word: str
    at: datetime | None  # of when it is
    source: str  # plugins, "" where nobody said
    note: str


@dataclass(frozen=True)
class Group:
    """Kinds in the same state."""

    state: str
    word: str
    labels: tuple[str, ...]
    at: datetime | None  # of when the oldest of them is


@dataclass(frozen=True)
class Completeness:
    """The line, and what stands behind it."""

    kinds: tuple[KindLine, ...]
    groups: tuple[Group, ...]  # the worst first
    remarks: tuple[str, ...]  # what whole numbers may still hide, in sentences without their full stop

    @property
    def whole(self) -> bool:
        """Whether all that sources here tell is whole and of now."""
        return all(line.state in ("ok", "nobody") for line in self.kinds)


def completeness(case: Case, exit_codes: Mapping[int, ExitCode], reports: Iterable[SourceReport] = ()) -> Completeness:
    """How complete *case* is. *exit_codes*: what codes mean now; *reports*: who was asked, where nobody says who told."""
    asked: dict[str, str] = {}
    for report in reports:
        asked[report.kind] = f"{asked[report.kind]}, {report.plugin}" if report.kind in asked else report.plugin
    extra = [kind for kind in case.known if kind not in KINDS]
    kinds = tuple(_line(kind, case.known.get(kind), asked.get(kind, "")) for kind in (*KINDS, *extra))
    groups = []
    for state, word in _WORDS.items():
        mine = [line for line in kinds if line.state == state]
        if mine:
            oldest = min((line.at for line in mine if line.at), default=None)
            groups.append(Group(state, word, tuple(line.label for line in mine), oldest))
    return Completeness(kinds, tuple(groups), tuple(_remarks(case, exit_codes)))


def _line(kind: str, known: Known | None, asked: str) -> KindLine:
    label = KINDS.get(kind, kind)
    if known is None:
        return KindLine(kind, label, "nobody", _WORDS["nobody"], None, "", "")
    return KindLine(
        kind, label, known.state, _WORDS.get(known.state, known.state), known.at, known.source or asked, known.note
    )


def _remarks(case: Case, exit_codes: Mapping[int, ExitCode]) -> Iterator[str]:
    codes: Counter[int] = Counter()
    sites: Counter[str] = Counter()
    for cell in case.errors:
        codes[cell.exit_code] += cell.count
        sites[cell.site] += cell.count
    told = {log.exit_code for log in case.logs}
    silent = [code for code, _ in codes.most_common() if code not in told and code not in (NOT_REPORTED, 0)]
    if silent and "logs" in case.known:
        yield f"no log of {_some(len(silent), 'exit code')}: {_named(map(str, silent))}"
    strange = [site for site, _ in sites.most_common() if site not in case.sites]
    if strange and case.sites:
        jobs = sum(sites[site] for site in strange)
        yield f"{_some(jobs, 'failed job')} at places that are not in the list of sites: {_named(strange)}"
    asked = case.workflow.requested_at
    for code in codes:
        since = exit_codes[code].since if code in exit_codes else None
        if since and asked and asked < since:
            yield f"{code} meant something else before {since:%Y-%m-%d}, and this workflow is older"
    if case.workflow.failure_rate is None and case.errors:
        yield "the failure rate is not known"


def _some(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _named(names: Iterable[str]) -> str:
    some = list(names)
    more = len(some) - _NAMED
    return ", ".join(some[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
