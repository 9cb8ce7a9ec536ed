"""Which lines of a log tell most: those that a page marks, and those that a message template is made of."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Lines of a text that are key lines.
KEY_LINES = 6
#: Characters of a line that are looked at.
_LOOKED_AT = 2_000
#: Lines of a text that are looked at, from its beginning and from its end.
_LINES = 400

#: What a line that tells most looks like; the first that matches in a text is searched for first.
_TELLING = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"exception message|an exception of category|exception of type",
        r"\[(error|fatal)\]|\bfatal (system signal|error|exception)|%MSG-e|\bsegmentation (violation|fault)|std::bad_alloc",
        r"has exceeded|has been running for|was killed|\bkilled\b|out of memory|\btimed? ?out\b",
        r"could not|can(no|')t |unable to|no such file|not found|permission denied|failed to|failure|did not answer",
        r"\bexit(ed)?( with)? (code|status)|\breturn code\b",
        r"\berror\b|exception\b",
    )
)
#: All of them in one: a line that does not match it needs no second look.
_ANY = re.compile("|".join(pattern.pattern for pattern in _TELLING), re.IGNORECASE)


#: How the error of a chain is named above what it said: "Fatal Exception (Exit code: 8028)".
_HEADING = re.compile(r".{1,300} \(Exit code: (?:-?\d{1,10}|unknown|n\.r\.)\)\s*")


def heading_of(line: str) -> bool:
    """Whether *line* names an error of a job's chain, and what follows is what it said."""
    return len(line) < 400 and line.rstrip().endswith(")") and _HEADING.fullmatch(line) is not None


def key_lines(lines: Sequence[str]) -> list[int]:
    """The places of the few among *lines* that tell what went wrong, the more telling kinds first.

    The line after "Exception Message:" is the message itself. What an error of a chain is called is not among them.
    Empty when no line tells anything.
    """
    near = range(len(lines)) if len(lines) <= 2 * _LINES else (*range(_LINES), *range(len(lines) - _LINES, len(lines)))
    telling = [i for i in near if _ANY.search(lines[i][:_LOOKED_AT]) and not heading_of(lines[i])]
    keys: list[int] = []
    for pattern in _TELLING if telling else ():
        for i in telling:
            if len(keys) >= KEY_LINES:
                break
            if i not in keys and pattern.search(lines[i][:_LOOKED_AT]):
                keys.append(i)
                if lines[i].strip().lower() == "exception message:" and i + 1 < len(lines):
                    keys.append(i + 1)
        if len(keys) >= 2:
            break  # what is more general only adds noise
    return list(dict.fromkeys(keys))
