"""What is kept of a log, what is asked for, and what is found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

#: Words of one search, and characters of each.
_WORDS, _LONGEST = 16, 200


@dataclass(frozen=True, slots=True)
class Said:
    """One text as some jobs of one task at one site said it."""

    text: str
    workflow: str
    task: str
    exit_code: int
    site: str
    module: str = ""  # the type of its error
    count: int = 1
    at: datetime | None = None  # when the jobs failed; None: not known


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which texts are wanted; what is empty does not matter."""

    words: tuple[str, ...] = ()  # each is part of the text, or of the workflow's name, without case
    module: str = ""  # part of an error type
    exit_code: int | None = None
    site: str = ""
    workflow: str = ""
    since: datetime | None = None  # seen then or later
    until: datetime | None = None  # seen before


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a text was said."""

    workflow: str
    task: str
    exit_code: int
    site: str
    module: str
    count: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Hit:
    """One text that was found, once, whoever said it."""

    id: int
    text: str
    first_seen: datetime
    last_seen: datetime
    spots: tuple[Spot, ...]  # those that fit, the most jobs first; a few
    places: int  # how many fit in all
    jobs: int


def split_words(search: str) -> tuple[str, ...]:
    """What is searched for: words, and what stands in double quotes as one.

    >>> split_words('open "no such file" T2_US')
    ('open', 'no such file', 'T2_US')
    """
    found = (quoted or bare for quoted, bare in re.findall(r'"([^"]+)"|([^\s"]+)', search))
    return tuple(dict.fromkeys(word[:_LONGEST] for word in found if word.strip()))[:_WORDS]


def like(word: str) -> str:
    r"""The LIKE pattern of a part, with ``\`` as the escape.

    >>> like("50%_a")
    '%50\\%\\_a%'
    """
    return "%" + re.sub(r"([\\%_])", r"\\\1", word) + "%"
