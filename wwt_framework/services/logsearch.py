"""Searching what logs say: what we hold ourselves, and what log stores outside hold, side by side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from wwt_framework.errors import WwtError
from wwt_framework.model import LogHit, LogHits, LogQuestion
from wwt_framework.services.casetables import label_of, short_of
from wwt_framework.services.saylines import Piece
from wwt_framework.store.logs import Hit, LogIndex, Wanted

if TYPE_CHECKING:
    from wwt_framework.hooks.manager import Hooks

#: Lines of a text around the first hit that are shown at once.
_BEFORE, _AFTER = 1, 8
#: Characters of a line, and of a whole text, that are shown.
_LINE, _TEXT = 600, 20_000
#: Words that are marked in one text.
_MARKS = 500

#: All that we hold was said by jobs that failed; this word of the older addresses asks for just that.
_ERRORS = "error"

_LEVEL = re.compile(r"^\s*level:\s*(\w+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Shown:
    """One text, with the words marked that were looked for."""

    part: tuple[Piece, ...]  # its lines around the first hit
    whole: tuple[Piece, ...]  # all of it; () when the part is all


@dataclass(frozen=True)
class OwnHit:
    """A text that we hold."""

    hit: Hit
    subject: str  # type of its error
    code: int
    label: str  # of the exit code
    short: str  # of the task
    at: datetime  # when jobs last said it, as far as that is known; else when it was last seen
    shown: Shown


@dataclass(frozen=True)
class StoreHit:
    """An entry of a log store outside; identical texts once."""

    hit: LogHit
    level: str
    times: int  # entries that say the same
    shown: Shown


@dataclass(frozen=True)
class StoreAnswer:
    """What one log store outside answered."""

    plugin: str
    hits: tuple[StoreHit, ...] = ()
    total: int | None = None
    note: str = ""
    complaint: str = ""  # why there is no answer


@dataclass(frozen=True)
class LogSearch:
    """The answers to one search."""

    asked: LogQuestion
    own: tuple[OwnHit, ...]
    found: int  # texts that we hold, on all pages
    more: bool  # there may be older ones that were not looked at
    filled_at: datetime | None  # of when ours are; None: nothing was filled yet
    complaint: str  # why ours are missing
    slow: str  # why it takes longer than it could
    stores: tuple[StoreAnswer, ...]
    offset: int

    @property
    def next(self) -> int | None:
        """From where the next page goes on."""
        end = self.offset + self.asked.limit
        return end if end < self.found else None

    @property
    def empty(self) -> bool:
        """Whether nobody found anything."""
        return not self.own and not any(store.hits for store in self.stores)


def search(hooks: Hooks, index: LogIndex, asked: LogQuestion, offset: int = 0) -> LogSearch:
    """What we and every log store outside hold of *asked*. One that does not answer is named, and costs its own answer."""
    own: tuple[OwnHit, ...] = ()
    found, more, filled, complaint, slow = 0, False, None, "", ""
    try:
        hits, found, more = index.search(_wanted(asked), asked.limit, offset)
        own = tuple(_own(hit, asked.words) for hit in hits)
        filled, slow = index.filled_at(), index.slow()
    except WwtError as err:
        complaint = str(err)
    answers = hooks.each("search_logs", asked=asked) if not offset else []
    stores = tuple(
        _store(answer.plugin, answer.value or LogHits(), asked) if answer.ok
        else StoreAnswer(answer.plugin, complaint=answer.complaint)
        for answer in answers
    )  # fmt: skip
    return LogSearch(asked, own, found, more, filled, complaint, slow, stores, offset)


def _wanted(asked: LogQuestion) -> Wanted:
    module = "" if asked.module.lower() == _ERRORS else asked.module
    return Wanted(asked.words, module, asked.exit_code, asked.site, asked.workflow, asked.since, asked.until)


def _own(hit: Hit, words: Sequence[str]) -> OwnHit:
    spot = hit.spots[0]
    at = max((spot.at for spot in hit.spots if spot.at is not None), default=hit.last_seen)
    return OwnHit(
        hit, spot.module, spot.exit_code, label_of(spot.exit_code), short_of(spot.task), at, shown(hit.text, words)
    )


def _store(plugin: str, told: LogHits, asked: LogQuestion) -> StoreAnswer:
    groups: dict[str, list[LogHit]] = {}
    for hit in told.hits[: asked.limit]:
        groups.setdefault(hit.text, []).append(hit)
    hits = tuple(
        StoreHit(some[0], some[0].level or _level(some[0].meta), len(some), shown(text, asked.words))
        for text, some in groups.items()
    )
    return StoreAnswer(plugin, hits, told.total, told.note)


def _level(meta: str) -> str:
    found = _LEVEL.search(meta[:2_000])
    return found[1].lower() if found else ""


def shown(text: str, words: Sequence[str]) -> Shown:
    """*text* with *words* marked: the lines around the first that has most of them, and all of it."""
    whole = text[:_TEXT] + ("\n[... cut here]" if len(text) > _TEXT else "")
    lines = whole.split("\n")
    looked = [word.casefold() for word in words]
    first = max(range(len(lines)), key=lambda i: (sum(word in lines[i].casefold() for word in looked), -i))
    begin = max(0, first - _BEFORE)
    part = [line[:_LINE] + ("…" if len(line) > _LINE else "") for line in lines[begin : first + _AFTER]]
    if part == lines:
        return Shown(_pieces(whole, words), ())
    return Shown(_pieces("\n".join(part), words), _pieces(whole, words))


def _pieces(text: str, words: Sequence[str]) -> tuple[Piece, ...]:
    """*text* in parts; those that are one of *words* are of the kind "hit". Nothing is lost."""
    if not words:
        return (Piece(text),)
    parts: list[Piece] = []
    end = 0
    pattern = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)), re.IGNORECASE)
    for found in pattern.finditer(text):
        if len(parts) >= 2 * _MARKS:
            break
        if found.start() > end:
            parts.append(Piece(text[end : found.start()]))
        parts.append(Piece(found[0], "hit"))
        end = found.end()
    if end < len(text):
        parts.append(Piece(text[end:]))
    return tuple(parts)
