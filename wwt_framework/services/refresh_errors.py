"""Asking for failed jobs: all at once from those who have columns, workflow by workflow from the others.

What a source does not answer, or what can not be read, is as that source last told it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone

import numpy as np

from wwt_framework.cube import ErrorColumns
from wwt_framework.errors import SourceError
from wwt_framework.hooks.manager import Answer
from wwt_framework.model import ErrorCount, Workflow
from wwt_framework.services.asking import Round, ask_each, complaint, not_running
from wwt_framework.services.intake import time_told
from wwt_framework.services.intake_errors import Counted, counted, counts_of
from wwt_framework.services.merge import KEPT, SourceErrors, answered, exchanged, with_last_good

LOAD, FETCH = "load_errors", "fetch_errors"
_ABOUT = "errors"


@dataclass(frozen=True)
class Unheard:
    """A source that has errors to tell and never told any."""

    source: str
    why: str


# -- all at once --------------------------------------------------------------


def load_errors(round_: Round, names: Collection[str] | None) -> tuple[dict[str, SourceErrors], list[Unheard]]:
    """Source -> its word on *names* (None: on all it has), from the sources that answer columns."""
    answers = {
        answer.plugin: answer for answer in round_.hooks.each(LOAD, names=None if names is None else sorted(names))
    }
    words: dict[str, SourceErrors] = {}
    unheard: list[Unheard] = []
    for source, shelf in round_.shelves.items():
        if source in answers:
            if answers[source].ok and answers[source].value is None:
                continue  # nothing to say
            word, why = _loaded(round_, answers[source], names)
            if word is not None:
                words[source] = word
            else:
                unheard.append(Unheard(source, why))
        elif round_.missing(source) and (old := shelf.errors(LOAD)) is not None:
            words[source] = _unanswered(round_, source, old, old.workflows, not_running(source))
    return words, unheard


def _loaded(round_: Round, answer: Answer, names: Collection[str] | None) -> tuple[SourceErrors | None, str]:
    tally = round_.tally(answer.plugin, _ABOUT)
    tally.seconds += answer.seconds
    shelf = round_.shelves[answer.plugin]
    try:
        if answer.error is not None:
            raise answer.error
        told = counted(answer.value)
    except Exception as err:  # noqa: BLE001  # whatever the plugin raised
        why = complaint(err)
        old = shelf.errors(LOAD)
        if old is None:
            tally.fail(why, None)
            return None, why
        return _unanswered(round_, answer.plugin, old, old.workflows if names is None else names, why), why
    tally.answered += 1
    tally.told_of = of = min(told.as_of or round_.now, round_.now)  # no source tells the future
    if names is None:
        tally.reject(told.rejected)
        return _all_told(told, of, lambda: shelf.errors(LOAD) or SourceErrors()), ""
    wanted = set(names)
    tally.reject(r for r in told.rejected if r.workflow in wanted)
    old = shelf.errors(LOAD) or SourceErrors()
    unread = {w: why for w, why in told.unread.items() if w in wanted}
    new = answered(told.cells, told.workflows, of, told.partial).only(wanted)
    return exchanged(old, with_last_good(new, old, unread), wanted), ""


def _all_told(told: Counted, of: datetime, last: Callable[[], SourceErrors]) -> SourceErrors:
    new = answered(told.cells, told.workflows, of, told.partial)
    if not told.rejected:
        return new
    old, unread = last(), told.unread
    if stray := next((r for r in told.rejected if not r.workflow), None):
        # Something could not be read and nobody can tell whose it was: whoever vanished may be meant.
        vanished = old.good().difference(new.workflows, unread)
        unread.update(dict.fromkeys(vanished, f"{stray.path}: {stray.why}"))
    return with_last_good(new, old, unread)


def _unanswered(round_: Round, source: str, old: SourceErrors, names: Collection[str], why: str) -> SourceErrors:
    """*old*, where the workflows *names* are marked as not answered now."""
    wanted = set(names)
    hit = np.fromiter((name in wanted for name in old.workflows), bool, len(old.workflows))
    times = old.at[hit & (old.at > 0)]
    round_.tally(source, _ABOUT).fail(why, _time(int(times.min())) if len(times) else None)
    flags = old.flags | np.where(hit, np.uint8(KEPT), np.uint8(0))
    return replace(old, flags=flags, notes={**old.notes, **{name: why for name in old.workflows if name in wanted}})


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def keep_loaded(round_: Round, words: Mapping[str, SourceErrors]) -> None:
    """Put the words on the shelves; take from there what a source no longer tells."""
    for source, shelf in round_.shelves.items():
        if source in words:
            shelf.put_errors(LOAD, words[source])
        elif not round_.missing(source) and not _failed_now(round_, source):
            shelf.drop(LOAD)


def _failed_now(round_: Round, source: str) -> bool:
    tally = round_.tallies.get((source, _ABOUT))
    return tally is not None and tally.failed > 0


# -- workflow by workflow -----------------------------------------------------


def fetch_errors(round_: Round, workflows: Iterable[Workflow], span: tuple[float, float]) -> dict[str, SourceErrors]:
    """Source -> its word, from the sources that are asked workflow by workflow; not yet on the shelves."""
    asked = {workflow.name: workflow for workflow in workflows}
    collected: dict[str, _Collected] = {}
    questions = ((name, {"workflow": workflow}) for name, workflow in asked.items())
    for source, name, answer in ask_each(round_, FETCH, questions, span, "asking for failed jobs"):
        collected.setdefault(source, _Collected()).take(round_, source, name, answer)
    words: dict[str, SourceErrors] = {}
    for source, shelf in round_.shelves.items():
        if source in collected:
            words[source] = collected[source].word(round_, source, shelf.errors(FETCH) or SourceErrors(), asked)
        elif round_.missing(source) and (old := shelf.errors(FETCH)) is not None:
            wanted = old.workflows if round_.asked is not None else asked.keys()
            words[source] = _unanswered(round_, source, old, wanted, not_running(source))
        elif round_.asked is not None and source in round_.hooks.implementing(FETCH):
            words[source] = shelf.errors(FETCH) or SourceErrors()
    return words


class _Collected:
    """The answers of one source."""

    def __init__(self) -> None:
        self.counts: list[ErrorCount] = []
        self.answered: list[str] = []
        self.as_of: dict[str, datetime] = {}  # workflow -> of when its counts are, where that is not now
        self.partial: dict[str, str] = {}
        self.unread: dict[str, str] = {}

    def take(self, round_: Round, source: str, name: str, answer: Answer | str) -> None:
        """Look at one answer."""
        tally = round_.tally(source, _ABOUT)
        try:
            if isinstance(answer, str):
                raise SourceError(answer)
            tally.seconds += answer.seconds
            if answer.error is not None:
                raise answer.error
            if answer.value is None:
                return  # nothing to say
            counts, of = counts_of(name, answer.value), time_told(answer.value.as_of)
        except Exception as err:  # noqa: BLE001  # whatever the plugin raised
            self.unread[name] = complaint(err)
            return
        tally.answered += 1
        self.counts += counts
        self.answered.append(name)
        if of is not None and of < round_.now:
            self.as_of[name] = of
        if not answer.value.complete:
            self.partial[name] = answer.value.note or "the source says that this is not all"

    def word(self, round_: Round, source: str, old: SourceErrors, asked: Collection[str]) -> SourceErrors:
        """All of it, with what was told last where there is no answer now."""
        told = counted(ErrorColumns.of(self.counts, partial=self.partial))
        tally = round_.tally(source, _ABOUT)
        tally.reject(told.rejected)
        good = old.good()
        at = dict(zip(old.workflows, old.at.tolist(), strict=True)) if self.unread else {}
        for name, why in self.unread.items():
            tally.fail(why, _time(at[name]) if name in good else None)
        new = self._dated(answered(told.cells, self.answered, round_.now, told.partial))
        if self.as_of:
            tally.told_of = min(self.as_of.values())
        new = with_last_good(new, old, {**told.unread, **self.unread})
        return new if round_.asked is None else exchanged(old, new, set(asked))

    def _dated(self, word: SourceErrors) -> SourceErrors:
        """*word*, where counts that are not of now say of when they are."""
        if not self.as_of:
            return word
        of = (self.as_of.get(name) for name in word.workflows)
        now = word.at.tolist()
        at = np.fromiter((int(t.timestamp()) if t else n for t, n in zip(of, now, strict=True)), np.int64, len(now))
        return replace(word, at=at)


def with_cells(word: SourceErrors) -> set[str]:
    """The workflows that have a failed job."""
    return {word.workflows[i] for i in np.unique(word.task_workflow[word.cells.task]).tolist()}
