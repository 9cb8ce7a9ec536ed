"""The job "clusters": has every clusterer learn anew from history, from what is there now, and from corrections."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from wwt_framework.config import Config
from wwt_framework.errors import WwtError
from wwt_framework.hooks.manager import Hooks
from wwt_framework.plugin import Corpus, FitReport, Matrix, Progress
from wwt_framework.services.alike.features import matrix_of
from wwt_framework.services.alike.models import Models
from wwt_framework.snapshot import Snapshot
from wwt_framework.store import Store, ledger

log = logging.getLogger(__name__)

JOB = "clusters"
#: How often the age of models is looked at, and how long a fit that failed is left alone.
_LOOK, _REST = timedelta(minutes=1), timedelta(hours=1)


class House(Protocol):
    """What the job needs of a house."""

    @property
    def hooks(self) -> Hooks: ...
    @property
    def config(self) -> Config: ...


#: Gives how workflows failed in the past.
HistoryOf = Callable[[], Matrix]


class Fitting:
    """``due`` is asked every second by the clock; ``run`` is the job, which never overlaps itself."""

    def __init__(
        self,
        store: Store,
        house: Callable[[], House],
        snapshot: Callable[[], Snapshot],
        models: Models,
        history: HistoryOf,
    ) -> None:
        self._store = store
        self._house = house
        self._snapshot = snapshot
        self._models = models
        self._history = history
        self._next_look: datetime | None = None

    def due(self) -> bool:
        """Whether a clusterer has no model yet, or an old one: cheap."""
        now = self._store.now()
        if self._next_look is not None and now < self._next_look <= now + _REST:  # further off: the clock was set back
            return False
        self._next_look = now + _LOOK
        house = self._house()
        plugins = house.hooks.implementing("fit_clusters")
        if not plugins or self._snapshot().is_empty:
            return False
        oldest = now - timedelta(hours=house.config.house.fit_hours)
        fitted = [self._models.current(plugin).fitted_at for plugin in plugins]
        if all(at is not None and oldest < at <= now for at in fitted):  # later than now: the clock was set back
            return False
        self._next_look = now + _REST
        return True

    def run(self, progress: Progress) -> str:
        """Fit all; returns what it came to in a line. Raises `WwtError` when one failed; the others are kept."""
        hooks, snapshot = self._house().hooks, self._snapshot()
        plugins = hooks.implementing("fit_clusters")
        if not plugins:
            return "no plugin that fits is listed under clustering:"
        if snapshot.is_empty:  # a model of nothing would count for a day
            return "nothing was fetched yet, so there is nothing to learn from; groups are made after the first refresh"
        progress(0.0, "collecting what failed")
        corpus = self._corpus(snapshot)
        told, failed = [], []
        for number, plugin in enumerate(plugins):
            part = partial(_part_of, progress, plugin, number, len(plugins))
            try:
                told.append(f"{plugin}: {self._fit(hooks, plugin, corpus, part).text}")
            except WwtError as err:
                failed.append(str(err))
        if failed:
            raise WwtError("; ".join([*failed, *told]))
        return "; ".join(told)

    def _corpus(self, snapshot: Snapshot) -> Corpus:
        corrections = tuple(kept.correction for kept in ledger.corrections(self._store))
        return Corpus(matrix_of(snapshot), self._history(), corrections, dict(snapshot.log_templates().texts))

    def _fit(self, hooks: Hooks, plugin: str, corpus: Corpus, progress: Progress) -> FitReport:
        try:
            with self._models.making(plugin, self._store.now()) as into:
                answer = hooks.only(plugin, "fit_clusters", corpus=corpus, into=into, progress=progress)
                if answer.error is not None:
                    raise WwtError(answer.complaint)
        except OSError as error:  # a full disk, a folder that is not ours
            raise WwtError(f"{plugin}: what it learns can not be kept: {error}") from error
        report: FitReport = answer.value
        log.info("a clusterer was fitted", extra={"plugin": plugin, **report.numbers})
        return report


def _part_of(progress: Progress, plugin: str, number: int, of: int, fraction: float | None, doing: str) -> None:
    """Tell how far all plugins are, when *plugin* tells how far it is."""
    progress((number + (fraction or 0.0)) / of, f"{plugin}: {doing}")
