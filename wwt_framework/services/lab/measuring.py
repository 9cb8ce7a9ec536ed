"""One trial: the decisions of some days are put to a voice that knows only what was before them."""

from __future__ import annotations

import tempfile
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from wwt_framework.errors import WwtError
from wwt_framework.evidence import BY_TASK, decision_label
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Case, Task
from wwt_framework.plugin import Decision, Progress
from wwt_framework.services.lab.subjects import Speaker, Subject, speaker
from wwt_framework.services.lab.words import SILENT, LabResult, Opinion, Row, Tally
from wwt_framework.services.learning.history import Past, family_of
from wwt_framework.services.learning.scoring import Interval, gain, share

#: Rows in which it differs that are kept, and lines of a table.
DIFFERS, LINES = 500, 200
#: Probabilities from which on agreement is told, of voices that say how sure they are.
_SURE = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


#: Days that are offered, and how many decisions make a result that says something.
SPANS, ENOUGH = (7, 30, 90, 180, 365), 100


@dataclass(frozen=True)
class Span:
    """The days of a trial."""

    since: datetime
    until: datetime
    days: float


def days_for(newest: datetime | None, now: datetime) -> int:
    """The fewest of `SPANS` that reach back to *newest*: what `newest_decided` tells of `ENOUGH`. Of nothing all."""
    return next((days for days in SPANS if newest and now - timedelta(days=days) <= newest), SPANS[-1])


@dataclass
class _Before:
    """What operators usually did before the span: by exit code, and at all."""

    by_code: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    all: Counter[str] = field(default_factory=Counter)

    def add(self, decision: Decision) -> None:
        for task in _tasks(decision):
            code, _ = _main(decision.case, task)
            label = decision_label(decision.action.kind, decision.action.values)
            self.by_code[code][label] += 1
            self.all[label] += 1

    @property
    def most(self) -> str:
        return _first(self.all)

    def usual(self, code: int) -> str:
        return _first(self.by_code[code]) if code in self.by_code else self.most


def measure(
    hooks: Hooks, subject: Subject, history: Past, span: Span, user: str, made_at: datetime, progress: Progress
) -> LabResult:
    """What *subject* would have said of the decisions of *span*, and how often operators did the same.

    Whatever it learns was decided before *span*, about other families of workflows than those in it.
    Raises `WwtError` when there is nothing to compare, or the subject can not speak.
    """
    progress(None, "reads the past")
    within = history.until(span.until).only(lambda seen: seen.at >= span.since)
    families, decisions = set(), 0
    for seen in within.seen():
        families.add(seen.family)
        decisions += 1
    if not decisions:
        raise WwtError(
            f"Nobody decided anything between {span.since:%Y-%m-%d} and {span.until:%Y-%m-%d} of which it was kept "
            "what was on the page; choose more days."
        )
    earlier = history.until(span.since)
    before = _Before()
    for decision in earlier:
        before.add(decision)
    with tempfile.TemporaryDirectory(prefix="wwt-lab-") as folder:
        past = earlier.only(lambda seen: seen.family not in families)
        voice = speaker(hooks, subject, past, Path(folder), progress)
        rows = list(_rows(within, decisions, voice, before, progress))
    return _result(subject, span, user, made_at, decisions, voice, rows, before)


def _rows(within: Past, decisions: int, voice: Speaker, before: _Before, progress: Progress) -> Iterator[Row]:
    for number, decision in enumerate(within):
        if number % 20 == 0:
            progress(number / decisions, f"{number:,} of {decisions:,} decisions")
        case, action = decision.case, decision.action
        said = voice.say(case)
        for task in _tasks(decision):
            code, site = _main(case, task)
            opinion = said.get(task, Opinion())
            yield Row(
                action.id, action.workflow, Task(task).short, family_of(case), code, site, action.user,
                decision.decided_at, decision_label(action.kind, action.values), opinion.label, before.usual(code),
                opinion.probability, opinion.why,
            )  # fmt: skip


def _tasks(decision: Decision) -> list[str]:
    """The tasks with failed jobs that were decided about: an action by task that leaves one out says nothing of it."""
    tasks = decision.case.errors.tasks
    named = decision.action.task_values
    if decision.action.kind not in BY_TASK or not named:
        return tasks
    return [task for task in tasks if Task(task).short in named]


def _main(case: Case, task: str) -> tuple[int, str]:
    """Exit code and site of most failed jobs of *task*, which has some."""
    mine = case.errors.only(task=task)
    assert mine.main_exit_code is not None
    return mine.main_exit_code, _first(Counter({site: count for (site,), count in mine.by("site").items()}))


def _first(counter: Counter[str]) -> str:
    """The most frequent; the first by name where several are; "" of nothing."""
    return min(counter, key=lambda key: (-counter[key], key)) if counter else SILENT


# -- what it comes to ----------------------------------------------------------


def _result(
    subject: Subject, span: Span, user: str, made_at: datetime, decisions: int, voice: Speaker, rows: Sequence[Row],
    before: _Before,
) -> LabResult:  # fmt: skip
    spoke = [row for row in rows if row.said]
    differs = sorted((row for row in spoke if row.said != row.decided), key=lambda row: row.at, reverse=True)
    usual = "most" if _hits(spoke, lambda _: before.most) > _hits(spoke, lambda row: row.usual) else "usual"
    best = (lambda _: before.most) if usual == "most" else (lambda row: row.usual)
    return LabResult(
        id=uuid.uuid4().hex, subject=subject.name, kind=subject.kind, fingerprint=subject.fingerprint, made_at=made_at,
        user=user, days=span.days, since=span.since, until=span.until, decisions=decisions, tasks=len(rows),
        families=len({row.family for row in rows}), spoke=len(spoke), agreed=len(spoke) - len(differs),
        agreement=_share(spoke, lambda row: float(row.said == row.decided)),
        usual=_share(spoke, lambda row: float(row.usual == row.decided)),
        most=_share(spoke, lambda row: float(before.most == row.decided)),
        gain=gain(
            [float(row.said == row.decided) - float(best(row) == row.decided) for row in spoke],
            [row.family for row in spoke],
        ),
        by_code=_tallies(rows, lambda row: str(row.code)), by_site=_tallies(rows, lambda row: row.site),
        by_action=_tallies(rows, lambda row: row.decided),
        confusion=tuple(
            (decided, said, n)
            for (decided, said), n in sorted(
                Counter((row.decided, row.said) for row in rows).items(), key=lambda item: (-item[1], item[0])
            )
        ),
        by_sureness=_by_sureness(rows), differs=tuple(differs[:DIFFERS]), differs_total=len(differs),
        learnt=voice.learnt, model=voice.model, notes=_notes(voice, before, rows),
    )  # fmt: skip


def _hits(rows: Iterable[Row], guess: Callable[[Row], str]) -> int:
    return sum(guess(row) == row.decided for row in rows)


def _notes(voice: Speaker, before: _Before, rows: Sequence[Row]) -> tuple[str, ...]:
    notes = list(voice.notes)
    if voice.failed:
        notes.append(f"Of {voice.failed:,} workflows it could not be asked, which counts as silence: {voice.complaint}")
    if not before.all:
        notes.append("Nothing was decided before these days, so there is no usual action to compare with.")
    if len({row.family for row in rows if row.said}) < 30:
        notes.append("It spoke of few families of workflows: the intervals are wide, and may be too narrow still.")
    return tuple(notes)


def _tallies(rows: Sequence[Row], key: Callable[[Row], str]) -> tuple[Tally, ...]:
    """A line for each *key*, those with most tasks first."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    lines = [_tally(name, several) for name, several in groups.items()]
    return tuple(sorted(lines, key=lambda line: (-line.tasks, line.key))[:LINES])


def _tally(name: str, rows: Sequence[Row]) -> Tally:
    spoke = [row for row in rows if row.said]
    agreed = sum(row.said == row.decided for row in spoke)
    return Tally(name, len(rows), len(spoke), agreed, sum(row.usual == row.decided for row in spoke))


def _by_sureness(rows: Sequence[Row]) -> tuple[Tally, ...]:
    """How often it agrees when only what it is so sure of counts."""
    if not any(row.probability is not None for row in rows):
        return ()
    return tuple(
        _tally(f"{least:g}", [row if (row.probability or 0.0) >= least else replace(row, said=SILENT) for row in rows])
        for least in _SURE
    )


def _share(rows: Sequence[Row], value: Callable[[Row], float]) -> Interval:
    return share([value(row) for row in rows], [row.family for row in rows])
