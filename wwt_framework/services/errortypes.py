"""What kinds of error the logs of failed jobs name: as their source tells it, as they say themselves, by their message."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wwt_framework.keylines import heading_of
from wwt_framework.model import LogExcerpt
from wwt_framework.services.casetables import label_of, ordered

#: Error types are not an enumeration, whole messages occur; they are cut here.
_LONGEST_TYPE = 160

#: How a message names the kind of error that it tells of.
_KIND = re.compile(r"category '(\w{1,80})'|\b([A-Za-z_]\w{0,79}(?:Error|Exception))\b")
#: Places of anything, one after another.
_PLACES = re.compile(r"<\*>(?: <\*>)+")
#: How CMSSW begins the message of an exception.
_PREAMBLE = re.compile(r"An exception of category '(\w{1,80})' occurred while\s*")


@dataclass(frozen=True)
class ErrorType:
    """A kind of error that logs of one exit code name, written as operators know it."""

    words: str  # "Fatal Exception (Exit code: 8028)"
    count: int  # jobs whose logs name it, as far as the sources know


@dataclass(frozen=True)
class Types:
    """The kinds of error of one exit code, the most frequent first."""

    causes: tuple[ErrorType, ...]  # what went wrong first
    follows: tuple[ErrorType, ...]  # what followed from it
    has_logs: bool


def type_words(error_type: str, exit_code: int | None) -> str:
    """An error type as operators know it: ``Fatal Exception (Exit code: 8028)``.

    >>> type_words("FileReadError", 8021)
    'FileReadError (Exit code: 8021)'
    """
    words = " ".join(error_type.split()) or "error of no named type"
    if len(words) > _LONGEST_TYPE:
        words = words[: _LONGEST_TYPE - 1] + "\u2026"
    return words if exit_code is None else f"{words} (Exit code: {label_of(exit_code)})"


def named(log: LogExcerpt, templates: Mapping[str, str]) -> list[tuple[str, int | None]]:
    """Error types of *log* with their exit codes, the first cause first; empty where nothing names one.

    As the source tells its chain or its type; else as headings in its text do; else as its message does: the template
    (*templates*: id -> text) is looked at rather than the text, which quotes much that is no error of this job.
    The job ended with the exit code of its first cause, also where a report lists what followed before it.
    """
    if log.chain:
        return _cause_first([(link.error_type, link.exit_code) for link in log.chain], log.exit_code)
    if log.error_type:
        return [(log.error_type, log.exit_code)]
    headings = [_heading(line) for line in log.text.split("\n") if heading_of(line)]
    if headings:
        return _cause_first(headings, log.exit_code)
    found = _KIND.search(templates.get(log.template, ""))
    return [(found[1] or found[2], log.exit_code)] if found else []


def _cause_first(links: list[tuple[str, int | None]], code: int) -> list[tuple[str, int | None]]:
    cause = next((i for i, (_, number) in enumerate(links) if number == code), 0)
    return [links[cause], *links[:cause], *links[cause + 1 :]]


def _heading(line: str) -> tuple[str, int | None]:
    words, _, rest = line.strip().rpartition(" (Exit code: ")
    number = rest[:-1]
    return words, int(number) if number.lstrip("-").isdecimal() else None


def message_words(template: str) -> str:
    """A message without the words that most have in common, so that a short piece of it tells which one it is.

    >>> message_words("An exception of category 'FileReadError' occurred while Failed to read the file <file>")
    'FileReadError: Failed to read the file <file>'
    """
    return _PLACES.sub("<*>", _PREAMBLE.sub(r"\1: ", template)).removesuffix(": ")


def chain_words(log: LogExcerpt, templates: Mapping[str, str] | None = None) -> list[str]:
    """What `named` tells, in words."""
    return [type_words(*link) for link in named(log, templates or {})]


def error_types(logs: Iterable[LogExcerpt], templates: Mapping[str, str]) -> Types:
    """First causes and what followed from them, as *logs* of one exit code tell."""
    causes: Counter[str] = Counter()
    follows: Counter[str] = Counter()
    logs = list(logs)
    for log in logs:
        chain = chain_words(log, templates)
        causes.update(dict.fromkeys(chain[:1], log.count))
        follows.update(dict.fromkeys(chain[1:], log.count))
    first, after = ([ErrorType(words, c[words]) for words in ordered(c, "errors")] for c in (causes, follows))
    return Types(tuple(first), tuple(after), bool(logs))
