"""What a workflow's page says beside its tables: how complete this is, which codes, whose family, what is missing."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import orjson

from wwt_framework.model import NOT_REPORTED, Case, ErrorCount, ExitCode, Known, LogExcerpt, Recovery, Workflow
from wwt_framework.services.casetables import SiteHead, anchor_of, label_of, meaning_of, ordered, short_of, site_head
from wwt_framework.services.errortypes import ErrorType, Types, error_types
from wwt_framework.snapshot import STATE_WORDS, Snapshot

# -- how complete is this -----------------------------------------------------


@dataclass(frozen=True)
class Doubt:
    """Something about this workflow that is not known, not whole or not of now."""

    kind: str  # errors, logs, recoveries, ...
    state: str  # old, partial, unknown
    words: str  # a sentence without its time
    at: datetime | None  # of when what is shown is
    note: str = ""  # what the source said
    source: str = ""


_DOUBTS = {
    ("errors", "old"): "These counts are kept from an earlier answer",
    ("errors", "partial"): "These counts are lower bounds: there are at least so many failed jobs",
    ("errors", "unknown"): "How many jobs failed is not known: no source has answered for this workflow yet",
}
_STATE_WORDS = {
    "old": "what is shown is kept from an earlier answer",
    "partial": "not all of it could be read",
    "unknown": "not known: no source has answered yet",
}


def doubts(known: Mapping[str, Known]) -> tuple[Doubt, ...]:
    """What is to be said of how complete a case is; nothing when all of it is whole and of now. Errors come first."""
    found = []
    for kind in sorted(known, key=lambda kind: (kind != "errors", kind)):
        told = known[kind]
        if told.state == "ok":
            continue
        general = f"{kind.capitalize()}: {_STATE_WORDS.get(told.state, told.state)}"
        words = _DOUBTS.get((kind, told.state), general)
        found.append(Doubt(kind, told.state, words, told.at, told.note, told.source))
    return tuple(found)


# -- what is wrong ------------------------------------------------------------


@dataclass(frozen=True)
class CodeLine:
    """One exit code of the whole workflow."""

    code: int
    label: str
    short: str
    meaning: str
    category: str
    advice: str
    count: int
    share: float | None  # of the jobs that agents reported, 0..1; None for those that none did
    sites: int
    tasks: int
    worst: SiteHead  # the site that holds most of them
    causes: tuple[ErrorType, ...]  # what went wrong first
    follows: tuple[ErrorType, ...]  # what followed from it
    has_logs: bool
    source: str = ""  # of the meaning, with its date


def code_lines(
    case: Case, exit_codes: Mapping[int, ExitCode], templates: Mapping[str, str] | None = None
) -> tuple[CodeLine, ...]:
    """The exit codes of the workflow, the most frequent first; not-reported jobs last.

    *templates*: id -> text of the message templates of its logs.
    """
    cells: dict[int, list[ErrorCount]] = defaultdict(list)
    for cell in case.errors:
        cells[cell.exit_code].append(cell)
    logs: dict[int, list[LogExcerpt]] = defaultdict(list)
    for log in case.logs:
        logs[log.exit_code].append(log)
    totals = {code: sum(cell.count for cell in mine) for code, mine in cells.items()}
    reported = sum(count for code, count in totals.items() if code != NOT_REPORTED)
    return tuple(
        _code_line(case, meaning_of(exit_codes, code), cells[code], error_types(logs[code], templates or {}), reported)
        for code in ordered(totals, "errors", last=NOT_REPORTED)
    )


def _code_line(case: Case, told: ExitCode, cells: list[ErrorCount], types: Types, reported: int) -> CodeLine:
    count = sum(cell.count for cell in cells)
    sites: Counter[str] = Counter()
    for cell in cells:
        sites[cell.site] += cell.count
    worst = ordered(sites, "errors")[0]
    return CodeLine(
        told.code, label_of(told.code), told.short, told.meaning, told.category, told.advice, count,
        None if told.code == NOT_REPORTED else count / reported, len(sites), len({cell.task for cell in cells}),
        site_head(worst, case.sites.get(worst), sites[worst]), types.causes, types.follows, types.has_logs, told.source,
    )  # fmt: skip


# -- whose family -------------------------------------------------------------


@dataclass(frozen=True)
class Relative:
    """A workflow of the same prep id, the one that is looked at among them."""

    workflow: Workflow
    here: bool  # the one that is looked at
    errors: int | None  # None: not known
    state: str  # of the count: ok, old, partial, unknown
    acdc_round: int  # 1 for the first ACDC of the prep id; 0: not an ACDC


def total_of(snapshot: Snapshot, workflow: int) -> int:
    """Failed jobs of the workflow at this index."""
    return int(snapshot.cube.workflow_total[workflow])


def family_lines(snapshot: Snapshot, case: Case) -> tuple[Relative, ...]:
    """The workflow and its family, oldest first; only itself where no prep id is known."""
    never = datetime.fromtimestamp(0, timezone.utc)
    everybody = sorted((*case.family, case.workflow), key=lambda w: (w.requested_at or never, w.name))
    lines: list[Relative] = []
    rounds = 0
    for workflow in everybody:
        rounds += workflow.is_acdc
        index = snapshot.cube.workflows.find(workflow.name)
        state = STATE_WORDS[int(snapshot.errors_state[index])]
        errors = None if state == "unknown" else total_of(snapshot, index)
        here = workflow.name == case.workflow.name
        lines.append(Relative(workflow, here, errors, state, rounds if workflow.is_acdc else 0))
    return tuple(lines)


def round_words(family: Sequence[Relative]) -> str:
    """Say "ACDC round 1 of 2" of an ACDC, "2 ACDCs so far" of its original; "" where there is none."""
    rounds = max((line.acdc_round for line in family), default=0)
    mine = next((line.acdc_round for line in family if line.here), 0)
    if mine:
        return f"ACDC round {mine} of {rounds}"
    return f"{rounds} ACDC{'' if rounds == 1 else 's'} so far" if rounds else ""


# -- what is missing ----------------------------------------------------------


@dataclass(frozen=True)
class Missing:
    """What an ACDC would rerun for one task."""

    task: str
    short: str
    anchor: str
    events: int | None  # None: not known
    sites: tuple[tuple[str, int | None], ...]  # where the input is, with the events there
    fake_files: bool  # without input: any allowed site will do


def missing_lines(recoveries: Iterable[Recovery]) -> tuple[Missing, ...]:
    """One line for each task, by path."""
    return tuple(
        Missing(
            r.task, short_of(r.task), anchor_of(r.task), r.events,
            tuple((site, r.events_by_site.get(site)) for site in _most_first(r)), r.fake_files,
        )
        for r in sorted(recoveries, key=lambda r: r.task)
    )  # fmt: skip


def _most_first(recovery: Recovery) -> list[str]:
    """The sites that hold the input, those with most missing events first."""
    known = recovery.events_by_site
    return sorted(recovery.sites | set(known), key=lambda site: (-known.get(site, -1), site))


# -- how it was asked for -----------------------------------------------------

#: Keys of ReqMgr2 that an operator looks for first, and how they are read.
_IMPORTANT = {
    "RequestType": "Request type",
    "SubRequestType": "Sub-type",
    "Memory": "Memory (MB)",
    "Multicore": "Cores",
    "TotalEstimatedJobs": "Estimated jobs",
}
_CHAIN = re.compile(r"(Task|Step)\d+")
_LONGEST_VALUE = 2_000


@dataclass(frozen=True)
class Parameter:
    """One parameter of a request. ``value`` is text from outside."""

    name: str  # as ReqMgr2 writes it
    label: str
    value: str  # "" when it is not known
    complaint: str = ""  # a sentence in place of a value that an operator needs


def parameter_lines(workflow: Workflow) -> tuple[tuple[Parameter, ...], tuple[Parameter, ...]]:
    """The parameters that matter first, always all of them; and what else ReqMgr2 sent, by name."""
    given = dict(workflow.parameters)
    told: dict[str, Any] = {
        **{key: given.get(key) for key in _IMPORTANT},
        "RequestType": given.get("RequestType") or workflow.request_type,
        "TotalEstimatedJobs": workflow.estimated_jobs or given.get("TotalEstimatedJobs"),
    }
    for key in ("Memory", "Multicore"):
        if isinstance(told[key], Mapping):  # by task already, as ReqMgr2 writes it of a TaskChain
            continue
        per_task = {
            str(part.get("TaskName") or part.get("StepName") or name): part[key] for name, part in _parts(given, key)
        }
        if per_task and len({told[key], *map(str, per_task.values())} - {None, ""}) > 1:
            told[key] = {"all": told[key], **per_task} if told[key] else per_task
    important = []
    for key, label in _IMPORTANT.items():
        missing = "number of jobs not known" if key == "TotalEstimatedJobs" and not told[key] else ""
        important.append(Parameter(key, label, "" if missing else value_words(told[key]), missing))
    rest = [Parameter(key, key, value_words(given[key])) for key in sorted(given, key=str) if key not in _IMPORTANT]
    return tuple(important), tuple(rest)


def _parts(given: Mapping[str, Any], key: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The tasks or steps of a chain that have a *key* of their own."""
    parts = [(name, part) for name, part in given.items() if _CHAIN.fullmatch(str(name)) and isinstance(part, Mapping)]
    return [(name, part) for name, part in parts if part.get(key)]


def value_words(value: Any) -> str:
    """A value as text, in one line where it is short: "" for none at all."""
    if value is None or value == "":
        return ""
    if isinstance(value, Mapping):
        words = ", ".join(f"{name}: {value_words(inner)}" for name, inner in value.items())
    elif isinstance(value, (list, tuple)):
        words = ", ".join(map(value_words, value))
    elif isinstance(value, bool):
        words = "yes" if value else "no"
    else:
        words = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return (
        words if len(words) <= _LONGEST_VALUE else f"{words[:_LONGEST_VALUE]}\u2026 ({len(words):,} characters in all)"
    )
