"""The document of one workflow as CMS's monitoring takes it: what fails, in which task, where, and what jobs said.

Shape: WorkflowWebTools, workflowmonit/workflowCollector.py. ``asOf`` and ``counts`` are ours:
the original could not tell an old or a partial number from a good one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from wwt_framework.model import NOT_REPORTED, Case, ErrorCount, LogExcerpt

#: Characters of one description: documents are for searching, pages have the texts.
_SHORT = 400
_CODE = " (Exit code: "
#: Seconds since 1970 at the end of the year 9999: what is later, milliseconds for example, is no time.
_END = 253_402_300_799
_KEYWORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{3,99}")
_CATEGORY = re.compile(r"exception of category '?([A-Za-z][A-Za-z0-9_]{3,99})")

Document = dict[str, Any]


def document(case: Case) -> Document | None:
    """The document of *case*; None when no failed job of it is known."""
    if not case.errors.total:
        return None
    workflow, known = case.workflow, case.known.get("errors")
    tasks = list(_tasks(case))
    return {
        "name": workflow.name,
        "type": workflow.request_type or None,
        "status": workflow.status or None,
        "failureRate": workflow.failure_rate,  # null: not known
        "totalError": sum(count.count for count in case.errors if count.exit_code != NOT_REPORTED),
        "failureKeywords": _most_common(tasks),
        "transitions": list(_transitions(workflow.parameters)),
        "tasks": tasks,
        "asOf": int(known.at.timestamp()) if known and known.at else None,
        "counts": known.state if known else "unknown",  # ok; old; partial: lower bounds
    }


def running_since(case: Case, status: str) -> int | None:
    """When *case* came into *status* last, in seconds since 1970; None when nobody told."""
    times = [step["UpdateTime"] for step in _transitions(case.workflow.parameters) if step["Status"] == status]
    return max(times, default=None)


def _transitions(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The statuses of the request with their times. Who moved it is left out: monitoring needs no names of people."""
    told = parameters.get("RequestTransition")
    for step in told if isinstance(told, (list, tuple)) else ():
        if not isinstance(step, Mapping):
            continue
        status, at = step.get("Status"), step.get("UpdateTime")
        if isinstance(status, str) and isinstance(at, int) and not isinstance(at, bool) and 0 <= at <= _END:
            yield {"Status": status, "UpdateTime": at}


def _tasks(case: Case) -> Iterator[dict[str, Any]]:
    types = {task.path: task.task_type for task in case.workflow.tasks}
    said: dict[tuple[str, int, str], list[LogExcerpt]] = defaultdict(list)
    for log in case.logs:
        said[log.task, log.exit_code, log.site].append(log)
    for path, counts in groupby(sorted(case.errors, key=lambda count: count.task), key=lambda count: count.task):
        names = path.split("/")[2:]
        yield {"name": names[-1], "inputTask": names[-2] if len(names) > 1 else None, "jobType": types.get(path) or None,
               **_failures(list(counts), said)}  # fmt: skip


def _failures(counts: Sequence[ErrorCount], said: Mapping[tuple[str, int, str], list[LogExcerpt]]) -> dict[str, Any]:
    """What is told of one task."""
    sites: Counter[str] = Counter()
    silent: set[str] = set()
    errors: list[dict[str, Any]] = []
    for count in counts:
        if count.exit_code == NOT_REPORTED:
            silent.add(count.site)
            continue
        sites[count.site] += count.count
        errors += _errors(count, said.get((count.task, count.exit_code, count.site), ()))
    return {
        "siteErrors": [{"site": site, "counts": n} for site, n in sorted(sites.items(), key=lambda s: (-s[1], s[0]))],
        "errors": sorted(errors, key=lambda error: (-error["counts"], error["errorCode"], error["siteName"])),
        "siteNotReported": sorted(silent),
    }


def _errors(count: ErrorCount, logs: Sequence[LogExcerpt]) -> Iterator[dict[str, Any]]:
    """The errors of one cell; together they count what the cell counts."""
    left = count.count
    for number, log in enumerate(sorted(logs, key=lambda log: -log.count)):
        if not left:
            break  # samples that no job is left for
        others = len(logs) - number - 1
        mine = max(1, min(log.count, left - others)) if others else left  # each keeps at least one job
        left -= mine
        chain = list(_chain(log))
        codes = [link["exitCode"] for link in chain if link["exitCode"] not in (None, count.exit_code)]
        at = int(log.at.timestamp()) if log.at else None
        yield _error(count, mine, chain, list(dict.fromkeys(codes)), _keywords(log), at)
    if left and not logs:
        yield _error(count, left, [], [], [], None)  # nobody heard what these jobs said


def _error(
    count: ErrorCount, jobs: int, chain: list[dict[str, Any]], codes: list[int], words: list[str], at: int | None
) -> dict[str, Any]:
    return {
        "errorCode": count.exit_code, "siteName": count.site, "counts": jobs, "secondaryErrorCodes": codes,
        "errorKeywords": words, "errorChain": chain, "timeStamp": at,
    }  # fmt: skip


def _chain(log: LogExcerpt) -> Iterator[dict[str, Any]]:
    """Every error of a job with what it said, first cause first."""
    if not log.chain:
        yield {"errorType": log.error_type, "exitCode": log.exit_code, "description": _shortened(log.text)}
        return
    begins = list(_begins(log))
    for number, link in enumerate(log.chain):
        ends = next((begin for begin, _ in begins[number + 1 :] if begin >= 0), len(log.text))
        text = log.text[begins[number][1] : ends] if begins[number][0] >= 0 else ""
        yield {"errorType": link.error_type, "exitCode": link.exit_code, "description": _shortened(text)}


def _begins(log: LogExcerpt) -> Iterator[tuple[int, int]]:
    """For each error of the chain, where its head "type (Exit code: n)" begins in the text and where it ends; or -1."""
    at = 0
    for link in log.chain:
        begin = log.text.find(link.error_type, at)
        head = log.text.find(_CODE, begin) if begin >= 0 else -1
        end = log.text.find(")", head) if head >= 0 else -1
        if end < 0:
            yield -1, -1
        else:
            at = end + 1
            yield begin, at


def _shortened(text: str) -> str:
    """The first lines that say something, on one line."""
    lines = [line.strip() for line in text.splitlines()]
    told = "; ".join(dict.fromkeys(line for line in lines if any(c.isalnum() for c in line)))
    return told if len(told) <= _SHORT else told[: _SHORT - 3] + "..."


def _keywords(log: LogExcerpt) -> list[str]:
    """Types of errors that are one word, and categories of exceptions that the text names."""
    types = [link.error_type for link in log.chain] or [log.error_type]
    words = [kind for kind in types if _KEYWORD.fullmatch(kind)]
    return list(dict.fromkeys([*words, *_CATEGORY.findall(log.text)]))


def _most_common(tasks: Iterable[Mapping[str, Any]]) -> list[str]:
    """Keywords of all errors, those of most jobs first."""
    jobs: Counter[str] = Counter()
    for task in tasks:
        for error in task["errors"]:
            jobs.update(dict.fromkeys(error["errorKeywords"], error["counts"]))
    return [word for word, _ in sorted(jobs.items(), key=lambda item: (-item[1], item[0]))]
