"""Regular expressions of people over texts of failed jobs, by RE2: none of them can take more than linear time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import re2

#: How large an expression may become when it is unfolded: (x?){999} twenty times is refused.
_MAX_MEMORY = 256 << 10
#: Bytes of one text that are searched; the core keeps 8 KiB of it.
MAX_TEXT = 16_384
#: Characters of one find that are kept.
_LONGEST = 500

_HINTS = (
    ("(?=", "looks ahead"),
    ("(?!", "looks ahead"),
    ("(?<=", "looks behind"),
    ("(?<!", "looks behind"),
)


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> Any:
    """*pattern* for RE2, over bytes, one line at a time. Raises ValueError that says what RE2 does not take."""
    options = re2.Options()
    options.never_nl = True
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    try:
        return re2.compile(f"(?m){pattern}".encode(), options)
    except re2.error as err:
        raise ValueError(f"RE2 does not take this expression: {_refusal(pattern, err)}") from None
    except UnicodeEncodeError:
        raise ValueError("the expression has a character that is half of a pair") from None


def _refusal(pattern: str, err: Exception) -> str:
    said = err.args[0] if err.args else ""
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    for mark, what in _HINTS:
        if mark in pattern:
            return f"it {what} ({mark}...), which can not be done in linear time; capture what you want in a group"
    if "escape sequence: \\" in words and words.rstrip("'\"")[-1:].isdigit():
        return f"it refers back to a group ({words.rpartition(': ')[2]}), which can not be done in linear time"
    return words


def group_names(pattern: str) -> tuple[str, ...]:
    """The names of the groups of *pattern* in their order; "" for one without a name."""
    made = compiled(pattern)
    names = {number: name.decode() for name, number in made.groupindex.items()}
    return tuple(names.get(number, "") for number in range(1, made.groups + 1))


def finds(pattern: str, name: str, text: str) -> Iterator[tuple[str, str, str]]:
    """(name, what was found, the line in which it stands) of every match in *text*, line by line.

    Group 1 goes by *name* unless it has a name of its own; an expression without a group finds its whole match.
    """
    raw = text[:MAX_TEXT].encode("utf-8", "replace")
    names = group_names(pattern)
    wanted = [(0, name)] if not names else [(1, names[0] or name)]
    wanted += [(number, named) for number, named in enumerate(names[1:], 2) if named]
    for match in compiled(pattern).finditer(raw):
        line = _line(raw, match.start(), match.end())
        for number, key in wanted:
            found = match.group(number)
            if found is not None:
                yield key, found.decode("utf-8", "replace").strip()[:_LONGEST], line


def _line(raw: bytes, start: int, end: int) -> str:
    """The line around a match; of a long one what stands near it."""
    first, last = raw.rfind(b"\n", 0, start) + 1, raw.find(b"\n", end)
    first = max(first, start - 60)
    last = min(len(raw) if last < 0 else last, max(end, start + 160), start + 300)
    return " ".join(raw[first:last].decode("utf-8", "replace").split())
