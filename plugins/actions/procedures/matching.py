"""Which procedures apply to a case, and what they recommend there. No I/O; the logs of a case are searched up to a bound."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from wwt_framework.model import NOT_REPORTED, Case, LogExcerpt, Recommendation

from .conditions import Facts, holds
from .filling import filled
from .library import Library, Listed
from .patterns import MAX_TEXT, finds

#: Characters of logs that are searched for one case; what is beyond is not looked at.
_MAX_SEARCHED = 2_000_000
#: Finds of one name, and lines of evidence, that are kept.
_MOST_FINDS, _MOST_LINES = 40, 3
#: Matches of one expression in one text that are looked at.
_MOST_MATCHES = 200
#: Recommendations for one case: the heaviest.
_MOST = 200

_DOUBTS = {
    "partial": "counts are lower bounds",
    "old": "counts are kept from an earlier answer",
    "unknown": "how many jobs failed is not known",
}


@dataclass
class Finds:
    """What the expressions of one procedure found in the logs of one exit code of one task."""

    captured: dict[str, tuple[str, ...]] = field(default_factory=dict)
    lines: tuple[str, ...] = ()  # evidence: the line, and where it comes from
    missed: bool = False  # a required expression matched nowhere


def recommend(library: Library, case: Case) -> list[Recommendation]:
    """What *library* says about *case*: for each exit code of each task, the most failed jobs first."""
    searched = [0]
    found: list[Recommendation] = []
    for facts, logs in sorted(_all_facts(case), key=lambda item: -item[0].jobs):
        for listed in library.by_code.get(facts.code, ()):
            if len(found) >= _MOST or not holds(listed.procedure.when, facts):
                continue
            finds_here = search(listed, logs, searched)
            if not finds_here.missed:
                found.append(_recommendation(listed, facts, finds_here))
                if not listed.procedure.go_on:
                    break
    return found


def _all_facts(case: Case) -> Iterator[tuple[Facts, Sequence[LogExcerpt]]]:
    cells: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for cell in case.errors:
        cells[cell.task, cell.exit_code][cell.site] += cell.count
    reported: Counter[str] = Counter()
    for (task, code), sites in cells.items():
        reported[task] += sites.total() if code != NOT_REPORTED else 0
    logs: dict[tuple[str, int], list[LogExcerpt]] = defaultdict(list)
    for log in case.logs:
        logs[log.task, log.exit_code].append(log)
    types = {task.path: task.task_type for task in case.workflow.tasks}
    acdc_round = _round(case)
    state = case.known["errors"].state if "errors" in case.known else "ok"
    for (task, code), sites in cells.items():
        yield Facts(
            case, task, types.get(task, ""), code, sites, reported[task], acdc_round, _DOUBTS.get(state, "")
        ), logs[task, code]  # fmt: skip


def _round(case: Case) -> int:
    """Which ACDC of its prep id the workflow is, by date; 0 for one that is none."""
    mine = case.workflow.requested_at
    if not case.workflow.is_acdc:
        return 0
    return 1 + sum(w.is_acdc and (not mine or not w.requested_at or w.requested_at < mine) for w in case.family)


def search(listed: Listed, logs: Sequence[LogExcerpt], searched: list[int] | None = None) -> Finds:
    """What the expressions of *listed* find in *logs*. *searched*: characters so far, of a bound for the whole case."""
    searched = [0] if searched is None else searched
    expressions = listed.procedure.look_for
    captured: dict[str, dict[str, None]] = defaultdict(dict)
    lines: dict[str, None] = {}
    hit: set[int] = set()
    for log in logs if expressions else ():
        text, first_line = text_of(log), ""
        for number, expression in enumerate(expressions):
            if searched[0] > _MAX_SEARCHED:
                break
            searched[0] += min(len(text), MAX_TEXT)
            for name, found, line in islice(finds(expression.pattern, expression.name, text), _MOST_MATCHES):
                hit.add(number)
                if found and len(captured[name]) < _MOST_FINDS:
                    captured[name][found] = None
                first_line = first_line or line
        if first_line and len(lines) < _MOST_LINES:
            lines[f"{_where(log)}: {first_line[:300]}"] = None
    names = dict.fromkeys(name for expression in expressions for name in expression.names)
    return Finds(
        {name: tuple(captured[name]) for name in names if captured[name]},
        tuple(lines),
        any(expression.required and number not in hit for number, expression in enumerate(expressions)),
    )


def text_of(log: LogExcerpt) -> str:
    """What is searched: the type of the error, then what the job said."""
    return f"{log.error_type} (Exit code: {log.exit_code})\n{log.text}" if log.error_type else log.text


def _where(log: LogExcerpt) -> str:
    jobs = f"{log.count:,} jobs" if log.count != 1 else "1 job"
    return f"{log.site or 'no site'}, {jobs}"


def _recommendation(listed: Listed, facts: Facts, found: Finds) -> Recommendation:
    procedure = listed.procedure
    action = procedure.action
    parameters, left = filled(action.parameters, found.captured) if action else ({}, ())
    reason = facts.sentence
    if left:
        reason += f" No log says what {' and '.join(left)} should be: that is left to you."
    return Recommendation(
        action=action.kind if action else "",
        reason=reason,
        parameters=parameters,
        task=facts.task,
        evidence=(facts.where, *found.lines),
        exit_code=facts.code,
        title=procedure.title,
        cause=procedure.cause,
        normal=procedure.normal,
        additional=procedure.additional,
        captured=found.captured,
        procedure=procedure.id,
        page=f"/procedures#{procedure.id}",
        source="; ".join(filter(None, [listed.source, f"by {listed.author}" if listed.author else ""])),
        reviewed=date.fromisoformat(listed.reviewed) if listed.reviewed else None,
        doubt=facts.doubt,
    )
