"""What sources tell of single workflows and prep ids: parameters, families, logs, recoveries.

Each telling is one line on its source's shelf, so that one workflow can be asked again
and a failure costs only what it is about.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import IO, Generic, TypeVar

import orjson

from wwt_framework.hooks.manager import Answer
from wwt_framework.services.asking import Round, complaint, not_running
from wwt_framework.services.intake import Items, adapter, items

ItemT = TypeVar("ItemT")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Telling(Generic[ItemT]):
    """What one source told of one workflow or prep id, and how far it can be trusted."""

    state: str  # ok, old, partial, unknown
    at: datetime | None
    note: str = ""
    items: tuple[ItemT, ...] = ()


@dataclass(frozen=True)
class Question(Generic[ItemT]):
    """A hook that is asked about single workflows or prep ids."""

    hook: str
    about: str  # the kind in the reports
    kind: type[ItemT]
    check: Callable[[object], Items[ItemT]] | None = None  # None: intake.items
    hold: bool = True  # False: items are many; they stay on the shelf, for ``read_items``

    def checked(self, value: object) -> Items[ItemT]:
        """An answer, looked at. Raises SourceError when it is not a list."""
        return self.check(value) if self.check else items(self.kind, value)


def tellings(
    round_: Round,
    question: Question[ItemT],
    keys: Collection[str],
    answers: Iterable[tuple[str, str, Answer | Items[ItemT] | str]],
) -> dict[str, dict[str, Telling[ItemT]]]:
    """Source -> key -> what it tells, kept line by line. *answers* are (source, key, answer) about *keys*.

    Where there is no answer but a sentence or a failure, what was told last stands in.
    When only some workflows are asked again, what was told of all other keys goes on.
    """
    keys = set(keys)
    with ExitStack() as stack:
        book = _Notebook(round_, question, stack)
        for source, key, answer in answers:
            book.note(source, key, answer)
        for source in _resting(round_, question.hook):
            for key, line in book.earlier(source).items():
                if key in book.told.get(source, ()):
                    continue
                if round_.asked is not None:
                    if key not in keys:
                        book.carry(source, key, line)
                elif key in keys:
                    book.stand_in(source, key, not_running(source))
    for source, shelf in round_.shelves.items():
        if source not in book.told:
            shelf.drop(question.hook)
    return book.told


def _resting(round_: Round, hook: str) -> list[str]:
    """The sources whose earlier tellings may go on: all when a few workflows are asked again, else those that do not run."""
    shelves = round_.shelves.items()
    return [s for s, shelf in shelves if (round_.asked is not None or round_.missing(s)) and hook in shelf.hooks()]


class _Notebook(Generic[ItemT]):
    """The new lines of one question, written while answers come in."""

    def __init__(self, round_: Round, question: Question[ItemT], stack: ExitStack) -> None:
        self.told: dict[str, dict[str, Telling[ItemT]]] = {}
        self._round = round_
        self._question = question
        self._stack = stack
        self._files: dict[str, IO[bytes]] = {}
        self._earlier: dict[str, dict[str, bytes]] = {}
        self._heads: dict[tuple[str, datetime | None, str], bytes] = {}  # the same for most lines

    def earlier(self, source: str) -> dict[str, bytes]:
        """Key -> line of the last time."""
        if source not in self._earlier:
            self._earlier[source] = self._round.shelves[source].lines(self._question.hook)
        return self._earlier[source]

    def note(self, source: str, key: str, answer: Answer | Items[ItemT] | str) -> None:
        """Take one answer in."""
        tally = self._round.tally(source, self._question.about)
        if isinstance(answer, Answer):
            tally.seconds += answer.seconds
            tally.told(answer.value)
            try:
                if answer.error is not None:
                    raise answer.error
                answer = self._question.checked(answer.value)
            except Exception as err:  # noqa: BLE001  # whatever the plugin raised
                answer = complaint(err)
        if isinstance(answer, str):
            self.stand_in(source, key, answer)
            return
        tally.answered += 1
        tally.reject(answer.rejected)
        first = next(iter(answer.rejected), None)
        note = f"{first.path}: {first.why}" if first else ""
        at = min(answer.as_of or self._round.now, self._round.now)  # no source tells the future
        tally.told_of = min(tally.told_of or at, at)
        told = Telling("partial" if first else "ok", at, note, answer.good)
        self._put(source, key, told, answer.json)

    def stand_in(self, source: str, key: str, why: str) -> None:
        """Without an answer: what was told last, if anything was."""
        line = self.earlier(source).get(key)
        last = read_line(line, self._question.kind) if line else None
        if last is None or last.state == "unknown":
            told: Telling[ItemT] = Telling("unknown", None, why)
        else:
            told = Telling("old", last.at, why, last.items)
        self._round.tally(source, self._question.about).fail(why, told.at)
        self._put(source, key, told, adapter(self._question.kind).dump_json(told.items))

    def carry(self, source: str, key: str, line: bytes) -> None:
        """Take over a line as it is."""
        told = read_line(line, self._question.kind, self._question.hold)
        if told is not None:
            self._file(source).write(line + b"\n")
            self.told.setdefault(source, {})[key] = told

    def _put(self, source: str, key: str, told: Telling[ItemT], json: bytes) -> None:
        word = (told.state, told.at, told.note)
        if (head := self._heads.get(word)) is None:
            at = -1 if told.at is None else int(told.at.timestamp())
            head = self._heads[word] = orjson.dumps([told.state, at, told.note])[:-1]
        self._file(source).write(b"%b\t%b,%b]\n" % (key.encode(), head, json))
        held: Telling[ItemT] = told if self._question.hold else Telling(told.state, told.at, told.note)
        self.told.setdefault(source, {})[key] = held

    def _file(self, source: str) -> IO[bytes]:
        if source not in self._files:
            writing = self._round.shelves[source].writing_lines(self._question.hook)
            self._files[source] = self._stack.enter_context(writing)
        return self._files[source]


def read_line(line: bytes, kind: type[ItemT], hold: bool = True) -> Telling[ItemT] | None:
    """What was kept in *line*; None when it can not be read."""
    try:
        state, at, note, raw = orjson.loads(line.partition(b"\t")[2])
        when = None if at < 0 else datetime.fromtimestamp(at, timezone.utc)
        return Telling(state, when, note, adapter(kind).validate_python(raw) if hold else ())
    except (ValueError, TypeError) as err:
        log.warning(
            "a kept line can not be read and is lost", extra={"line": repr(line[:80]), "error": type(err).__name__}
        )
        return None


def read_items(round_: Round, question: Question[ItemT], sources: Iterable[str]) -> Iterator[tuple[str, ItemT]]:
    """(key, item) of all that *sources* tell, read from their shelves."""
    for source in sources:
        for key, line in round_.shelves[source].lines(question.hook).items():
            told = read_line(line, question.kind)
            yield from ((key, item) for item in (told.items if told else ()))
