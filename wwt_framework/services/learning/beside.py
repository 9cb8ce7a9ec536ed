"""A model in shadow beside the one that counts: what both expected, and what operators then did.

Counted before every training, when both models are older than what is counted: of each decision since the last count
both are asked what they would have said. A family about which something was decided before that may have been
learnt from, and is left out. Kept in ``data_dir/<plugin>/models/beside.json``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from wwt_framework.errors import WwtError
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Task
from wwt_framework.plugin import Predictor
from wwt_framework.services.learning.history import Past
from wwt_framework.services.learning.judging import judge
from wwt_framework.services.learning.models import Models
from wwt_framework.services.learning.scoring import Interval, Said, gain, share

_FILE = "beside.json"
#: Tasks of which it is kept what was said, the newest; of those on which the two differ, how many are shown.
KEPT, SHOWN = 5000, 20
#: Below so many families nothing is said about which one is better.
_FEW = 20


@dataclass(frozen=True)
class Told:
    """One task that was decided about, and what each model gave most for it."""

    at: str  # of the decision, ISO
    workflow: str
    task: str  # Task.short
    family: str
    decided: str
    shadow: str
    current: str
    shadow_gave: float  # to what was decided
    current_gave: float

    @property
    def when(self) -> datetime:
        return datetime.fromisoformat(self.at)


@dataclass(frozen=True)
class Beside:
    """What was counted of one shadow."""

    shadow: str  # its version
    current: str  # the version that counted when it was counted last
    since: datetime
    until: datetime
    rows: tuple[Told, ...] = ()  # oldest first
    trouble: str = ""  # why the last count came to nothing


@dataclass(frozen=True)
class Compared:
    """What a page shows of it."""

    since: datetime
    until: datetime
    tasks: int
    families: int
    alike: int  # tasks of which both expected the same
    shadow_right: int
    current_right: int
    gain: Interval  # shares of right ones: the shadow's minus the other's
    surprise: Interval  # log-loss: the shadow's minus the other's; below zero is better
    differs: tuple[Told, ...]  # the newest on which they differ, newest first
    differs_total: int
    verdict: str
    trouble: str = ""


# -- counting ------------------------------------------------------------------


def count(hooks: Hooks, data_dir: Path, history: Past, now: datetime, tell: Callable[[str], None]) -> None:
    """Count what was decided until *now* for every predictor that has a shadow; of others *history* is not read."""
    for plugin in hooks.implementing("train_predictor"):
        models = Models(data_dir, plugin)
        try:
            which = models.which()
        except WwtError:  # the training that follows tells it
            continue
        if which.shadow:
            tell(f"{plugin}: putting the model in shadow beside the one that counts")
            keep(models, _counted(hooks, models, history, now))


def _counted(hooks: Hooks, models: Models, history: Past, now: datetime) -> Beside:
    which, before = models.which(), of(models)
    since = before.until if before else now
    try:
        made = [models.about(version).made_at for version in (which.shadow, which.current) if version]
        since = max([*made, before.until] if before else made)
        both = {version: _load(hooks, models, version) for version in (which.shadow, which.current)}
        rows = _rows(_later(history, since, now), both, which.shadow, which.current)
    except WwtError as error:  # what is not counted now is counted when it can be
        return replace(before or Beside(which.shadow, which.current, since, since), trouble=str(error))
    began, earlier = (before.since, before.rows) if before else (since, ())
    return Beside(which.shadow, which.current, began, now, (*earlier, *rows)[-KEPT:])


def _later(history: Past, since: datetime, now: datetime) -> Past:
    """What was decided from *since* on, about families of which nothing was decided before."""
    known = {seen.family for seen in history.until(since).seen()}
    return history.until(now).only(lambda seen: seen.at >= since and seen.family not in known)


def _load(hooks: Hooks, models: Models, version: str) -> Predictor:
    if not version:
        raise WwtError("no model counts yet, so there is nothing to put it beside")
    answer = hooks.only(models.plugin, "load_predictor", folder=models.checked(version))
    if not answer.ok:
        raise WwtError(answer.complaint)
    predictor: Predictor = answer.value
    return predictor


def _rows(later: Past, both: dict[str, Predictor], shadow: str, current: str) -> list[Told]:
    found = judge(later, both)
    if found.failed:
        version, why = next(iter(found.failed.items()))
        raise WwtError(f"the model {version}: {why}")
    at = {seen.id: seen.at for seen in later.seen()}
    one, other = found.said[shadow], found.said[current]
    return [
        Told(
            at[row.action].isoformat(), row.workflow, Task(row.task).short, row.family, row.label,
            _most(one, i), _most(other, i), _gave(one, i, row.label), _gave(other, i, row.label),
        )
        for i, row in enumerate(found.rows)
    ]  # fmt: skip


def _most(said: Said, row: int) -> str:
    return said.classes[int(said.probability[row].argmax())]


def _gave(said: Said, row: int, label: str) -> float:
    return round(float(said.probability[row, said.classes.index(label)]), 6) if label in said.classes else 0.0


# -- kept, and shown -----------------------------------------------------------


def keep(models: Models, beside: Beside) -> None:
    """Keep what was counted, in the place of what is there."""
    models.note(_FILE, orjson.dumps(asdict(beside)))


def of(models: Models) -> Beside | None:
    """What was counted of the model that is in shadow now; None when nothing was, or it can not be read."""
    try:
        told: dict[str, Any] = orjson.loads(models.noted(_FILE))
        times = {key: datetime.fromisoformat(told[key]) for key in ("since", "until")}
        found = Beside(**{**told, **times, "rows": tuple(Told(**row) for row in told["rows"])})
    except (OSError, ValueError, TypeError, KeyError):  # it is counted anew from here on
        return None
    return found if found.shadow == models.which().shadow else None


def compared(beside: Beside) -> Compared:
    """The numbers of *beside*."""
    rows = beside.rows
    families = [row.family for row in rows]
    right = gain([float(r.shadow == r.decided) - float(r.current == r.decided) for r in rows], families)
    apart = (_surprise(rows, "shadow_gave") - _surprise(rows, "current_gave")).tolist()
    surprise = share(apart, families) if any(apart) else Interval(0.0 if apart else None)
    differs = [row for row in reversed(rows) if row.shadow != row.current]
    return Compared(
        beside.since, beside.until, len(rows), len(set(families)), len(rows) - len(differs),
        sum(row.shadow == row.decided for row in rows), sum(row.current == row.decided for row in rows), right, surprise,
        tuple(differs[:SHOWN]), len(differs), _verdict(len(set(families)), surprise), beside.trouble,
    )  # fmt: skip


def _surprise(rows: Sequence[Told], name: str) -> Any:
    return -np.log(np.clip([getattr(row, name) for row in rows], 1e-6, 1))


def _verdict(families: int, surprise: Interval) -> str:
    if families < _FEW:
        return f"too little to tell: decisions about {_FEW} families of workflows are needed, there are {families}"
    if surprise.low is None or surprise.high is None:
        return "no difference can be told: both gave the same to all that was decided"
    if surprise.high < 0:
        return "the shadow is better: its log-loss is lower, and the interval of the difference is below zero"
    if surprise.low > 0:
        return "the shadow is worse: its log-loss is higher, and the interval of the difference is above zero"
    return "no difference can be told: the interval of the difference in log-loss includes zero"
