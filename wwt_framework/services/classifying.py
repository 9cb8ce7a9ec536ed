"""What the old console told of a workflow's errors: the dominant exit code in four texts, and files that make trouble.

Source: D. Abercrombie, WorkflowWebTools, classifyerrors.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import re2

from wwt_framework.model import NOT_REPORTED, Case, LogExcerpt, Recommendation
from wwt_framework.services.caselines import code_lines
from wwt_framework.services.errortypes import named

#: The exit codes that mean: an input file could not be had.
FILE_CODES = frozenset({84, 85, 92, 8020, 8021, 8028})

_FILE = re2.compile(r"root://\S+|/store/\S+")


def classified(case: Case, told: Sequence[tuple[str, Recommendation]], templates: Mapping[str, str]) -> dict[str, Any]:
    """``{maxerror, types, recommended, params}`` of the dominant exit code; lines are parted by ``<br>``.

    *told*: plugin and recommendation; *templates*: id -> text of the message templates of the logs.
    Clients put these texts into pages as they are, so what comes from logs is escaped. ``maxerror`` 0: nothing failed.
    """
    lines = [line for line in code_lines(case, {}) if line.code != NOT_REPORTED]
    code = lines[0].code if lines else 0
    mine = [one for _, one in told if one.exit_code == code]
    logs = _by_message(log for log in case.logs if lines and log.exit_code == code)
    first = next(iter(mine), None)
    params = _captured(mine) or (_in_places(logs) if code in FILE_CODES else [])
    return {
        "maxerror": code,
        "types": "<br>".join(map(escape, _types(logs, templates))),
        "recommended": escape(first.normal or first.reason) if first else "No instructions for this error code",
        "params": "<br>".join([escape(first.additional), "Problems:", *map(escape, params)])
        if first and params
        else "",
    }


def problem_files(case: Case, told: Sequence[tuple[str, Recommendation]]) -> list[str]:
    """Files that logs name for exit codes of input files, each once.

    As procedures find them in logs; else as sources name them; else what stands in the places of log messages.
    """
    codes = {line.code for line in code_lines(case, {})} & FILE_CODES
    found: dict[str, None] = {}
    for code in sorted(codes):
        mine = [one for _, one in told if one.exit_code == code]
        logs = _by_message(log for log in case.logs if log.exit_code == code)
        captured = [value for one in mine for values in one.captured.values() for value in values]
        files = [value for value in captured if _FILE.fullmatch(value)]
        urls = [file for file in files if file.startswith("root://")]
        sources = [file for log in logs for file in log.files]
        found.update(dict.fromkeys(urls or files or sources or _in_places(logs)))
    return list(found)


def _by_message(logs: Iterable[LogExcerpt]) -> list[LogExcerpt]:
    """*logs*, those of the message that most jobs said first; one without a template is a message of its own.

    In whatever order they come.
    """
    some = list(logs)
    jobs: Counter[str] = Counter()
    for log in some:
        jobs[log.template or log.text] += log.count

    def place(log: LogExcerpt) -> tuple[Any, ...]:
        message = log.template or log.text
        return -jobs[message], message, -log.count, log.text, log.error_type, str(log.chain), log.values

    return sorted(some, key=place)


def _types(logs: list[LogExcerpt], templates: Mapping[str, str]) -> list[str]:
    """Types with their exit codes, by exit code; of each the one that the commonest message names."""
    types: dict[int, str] = {}
    for log in logs:
        for kind, number in named(log, templates):
            if kind.strip() and number is not None:
                types.setdefault(number, f"{' '.join(kind.split())} (Exit code: {number})")
    return [types[number] for number in sorted(types)]


def _captured(told: list[Recommendation]) -> list[str]:
    """What the first expression of the first procedure found, in all tasks, each once."""
    found: dict[str, None] = {}
    name = next((key for one in told for key, values in one.captured.items() if values), "")
    for one in told:
        found.update(dict.fromkeys(one.captured.get(name, ())))
    return list(found)


def _in_places(logs: list[LogExcerpt]) -> list[str]:
    """Files that stand in the places of messages, each once, without the signs around them."""
    stripped = [value.strip("'\",.;:()[]") for log in logs for value in log.values]
    return list(dict.fromkeys(value for value in stripped if _FILE.fullmatch(value)))
