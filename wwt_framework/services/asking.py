"""Asking the sources: what each one tells, or told last where it does not answer now.

Everything that is asked goes through a ``Round``; every answer is looked at, kept on its source's shelf,
and counted for the freshness strip.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from wwt_framework.errors import SourceError
from wwt_framework.hooks.manager import Answer, Hooks
from wwt_framework.model import SourceReport
from wwt_framework.plugin import Progress
from wwt_framework.pool import as_done
from wwt_framework.services.gathering import Patience, Tally
from wwt_framework.services.intake import Items, as_json, items
from wwt_framework.services.kept import Shelf, Whole

ItemT = TypeVar("ItemT")

#: Where each source's lines of the strip are kept on its shelf.
REPORTS = "reports"


@dataclass
class Round:
    """One refresh on its way."""

    hooks: Hooks
    shelves: Mapping[str, Shelf]  # source -> what is kept of it, in the order of plugins.yml
    now: datetime
    threads: int
    asked: frozenset[str] | None  # only these workflows are asked again; None: all
    progress: Progress
    rests: Mapping[str, timedelta] = field(default_factory=dict)  # kind -> for how long a whole answer is not asked for
    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)

    def tally(self, plugin: str, kind: str) -> Tally:
        """The count of *plugin*'s answers to questions of *kind*."""
        found = self.tallies.get((plugin, kind))
        if found is None:
            found = self.tallies[plugin, kind] = Tally(plugin, kind, self.now)
        return found

    def forget(self, names: list[str] | None) -> None:
        """Have sources ask anew about the workflows and prep ids *names*; None: about everything."""
        if names is None or names:
            self.hooks.each("forget_answers", names=names)

    def missing(self, source: str) -> bool:
        """Whether *source* is in plugins.yml and does not run."""
        return source not in self.hooks.plugins

    def reports(self) -> dict[tuple[str, str], SourceReport]:
        """The lines of the freshness strip."""
        return {key: tally.report() for key, tally in self.tallies.items()}


def not_running(source: str) -> str:
    """The sentence for a source that could not be loaded."""
    return f"{source} is in plugins.yml but does not run; /plugins says why"


# -- questions without arguments ----------------------------------------------


def ask_whole(
    round_: Round, hook: str, kind: type[ItemT], about: str, **arguments: Any
) -> list[tuple[str, tuple[ItemT, ...]]]:
    """(source, what it tells) in the order of plugins.yml; *about* is the kind of question in the reports.

    When only some workflows are asked again, nobody is asked: what is kept is what they tell.
    Neither is a source whose last whole answer is younger than *about* rests.
    """
    answers: dict[str, Answer] = {}
    resting: dict[str, Whole[ItemT]] = {}
    if round_.asked is None:
        resting = _resting(round_, hook, kind, about)
        asked = [source for source in round_.hooks.implementing(hook) if source not in resting]
        answers = {source: round_.hooks.only(source, hook, **arguments) for source in asked}
    told: list[tuple[str, tuple[ItemT, ...]]] = []
    for source, shelf in round_.shelves.items():
        if source in answers:
            told.append((source, _answer(round_, answers[source], shelf, kind, about)))
        elif source in resting:
            told.append((source, resting[source].items))
        elif round_.asked is not None or round_.missing(source):
            if (kept := shelf.whole(hook, kind)) is not None:
                told.append((source, kept.items))
                if round_.asked is None:
                    round_.tally(source, about).fail(not_running(source), kept.at)
        else:
            shelf.drop(hook)
    return told


def _resting(round_: Round, hook: str, kind: type[ItemT], about: str) -> dict[str, Whole[ItemT]]:
    """Source -> its last answer, of those that need not be asked yet; each keeps its line on the strip."""
    rest = round_.rests.get(about)
    found: dict[str, Whole[ItemT]] = {}
    for source in round_.hooks.implementing(hook) if rest else ():
        shelf = round_.shelves.get(source)
        kept = shelf.whole(hook, kind) if shelf else None
        if shelf is None or kept is None or rest is None or not timedelta(0) <= round_.now - kept.at < rest:
            continue
        reports = shelf.whole(REPORTS, SourceReport)
        last = next((r for r in (reports.items if reports else ()) if (r.kind, r.state) == (about, "ok")), None)
        if last is not None:
            found[source] = kept
            tally = round_.tallies[source, about] = Tally(source, about, last.asked_at)
            tally.answered, tally.told_of, tally.seconds, tally.warning = 1, last.as_of, last.seconds, last.warning
    return found


def _answer(round_: Round, answer: Answer, shelf: Shelf, kind: type[ItemT], about: str) -> tuple[ItemT, ...]:
    tally = round_.tally(answer.plugin, about)
    tally.seconds += answer.seconds
    try:
        if answer.error is not None:
            raise answer.error
        checked = items(kind, answer.value)
    except Exception as err:  # noqa: BLE001  # whatever the plugin raised
        kept = shelf.whole(answer.hook, kind)
        tally.fail(complaint(err), kept.at if kept else None)
        return kept.items if kept else ()
    tally.answered += 1
    tally.told(answer.value)
    tally.reject(checked.rejected)
    tally.told_of = of = min(checked.as_of or round_.now, round_.now)  # no source tells the future
    if checked.rejected:
        checked = _mended(checked, shelf.whole(answer.hook, kind))
    shelf.put_whole(answer.hook, of, checked.json)
    return checked.good


def _mended(checked: Items[ItemT], kept: Whole[ItemT] | None) -> Items[ItemT]:
    """*checked*, where what could not be read is as it last was.

    Where nobody can tell what a broken part was about, whatever vanished may be meant.
    """
    if kept is None:
        return checked
    broken = {r.workflow for r in checked.rejected}
    here = {_name(item) for item in checked.good}
    earlier = tuple(
        item for item in kept.items if (_name(item) in broken if "" not in broken else _name(item) not in here)
    )
    if not earlier:
        return checked
    return Items(checked.good + earlier, as_json(checked.good + earlier), checked.rejected)


def _name(item: Any) -> Any:
    """What *item* is about: a workflow, a site, an exit code."""
    return next(getattr(item, name) for name in ("name", "site", "code") if hasattr(item, name))


def complaint(err: BaseException) -> str:
    """What an operator reads of *err*."""
    text = str(err) if isinstance(err, SourceError) else f"{type(err).__name__}: {err}"
    shown = text.encode("utf-8", "replace").decode("utf-8")
    return shown if len(shown) <= 500 else f"{shown[:497]}..."


# -- questions about single workflows or prep ids -----------------------------


def ask_each(
    round_: Round, hook: str, questions: Iterable[tuple[str, dict[str, Any]]], span: tuple[float, float], doing: str
) -> Iterator[tuple[str, str, Answer | str]]:
    """Ask every source that implements *hook* every question, (key, arguments), in the pool.

    Gives (source, key, answer) as they come; a sentence in place of an answer when a source is not asked any more
    because it failed too often in a row. *span*: from where to where this moves the progress.
    """
    sources = [source for source in round_.hooks.implementing(hook) if source in round_.shelves]
    given = list(questions) if sources else []
    if not given:
        return
    patience = {source: Patience(max(20, 2 * round_.threads)) for source in sources}

    def ask(question: tuple[str, str, dict[str, Any]]) -> Answer | str:
        source, _, arguments = question
        if patience[source].over:
            return f"not asked after many failures in a row, the last one: {patience[source].last}"
        answer = round_.hooks.only(source, hook, **arguments)
        patience[source].note("" if answer.error is None else complaint(answer.error))
        return answer

    work = ((source, key, arguments) for key, arguments in given for source in sources)
    total = len(sources) * len(given)
    said = -1.0
    for done, ((source, key, _), answer) in enumerate(as_done(ask, work, min(round_.threads, total))):
        if time.monotonic() - said > 1:
            said = time.monotonic()
            round_.progress(span[0] + (span[1] - span[0]) * done / total, f"{doing}: {done:,} of {total:,}")
        yield source, key, answer
