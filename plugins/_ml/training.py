"""From a history to a model in a folder, as every trained predictor does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from wwt_framework import hookimpl
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import ComputeDoor, History, PluginContext, Predictor, Progress, TrainingReport

from .forecasting import Forecaster, load, save
from .learning import Describe, Fit, Table, learn
from .search import searched


class LearnerOptions(PluginOptions):
    """What each of them can be told."""

    least_tasks: int = Field(100, ge=10, description="tasks below which nothing is learnt")
    least_seen: int = Field(5, ge=1, description="tasks that must show a feature before it counts")
    parameters: tuple[str, ...] = Field(
        ("memory", "splitting", "xrootd"), description="parameters of reruns that are expected, too"
    )
    search: Mapping[str, tuple[float, ...]] = Field(
        {}, description="options of this plugin, each with values: all combinations are compared, the best one is taken"
    )
    folds: int = Field(3, ge=1, le=10, description="times that each choice is judged, on ever later decisions")

    @model_validator(mode="after")
    def _known(self) -> LearnerOptions:
        own = {name for name in type(self).model_fields if name not in LearnerOptions.model_fields}
        for name, values in self.search.items():
            if name not in own or not values:
                raise ValueError(
                    f"search names {name!r}; expected values of some of: {', '.join(sorted(own))}"
                    if name not in own
                    else f"search has no value of {name}"
                )
            for value in values:
                type(self).model_validate({**self.model_dump(exclude={"search"}), name: value})
        return self


class Learner:
    """A predictor that learns by *fit* from what *describe* sees of each task."""

    def __init__(self, context: PluginContext[Any], describe: Describe, fit: Fit) -> None:
        self._name = context.name.partition(".")[2]
        self._options: LearnerOptions = context.options
        self._compute = context.compute
        self._describe = describe
        self._fit = fit

    @hookimpl
    def train_predictor(self, history: History, into: Path, progress: Progress) -> TrainingReport | None:
        return train(history, into, progress, self._describe, self._fit, self._options, self._compute)

    @hookimpl
    def load_predictor(self, folder: Path) -> Predictor:
        return Forecaster(self._name, load(folder), self._describe)


def train(
    history: History, into: Path, progress: Progress, describe: Describe, fit: Fit, options: LearnerOptions,
    compute: ComputeDoor,
) -> TrainingReport | None:  # fmt: skip
    """Learn from *history* and keep the model in *into*; None when there are too few tasks, or one decision only."""

    def told(what: str) -> None:
        progress(None, what)

    table = _read(_Reading(history, describe, progress))
    if len(table) < options.least_tasks:
        return None
    choice = searched(table, fit, options, compute, told)
    learnt = learn(table, fit, choice.options, compute, told)
    if learnt is None:
        return None
    save(into, learnt)
    text = f"learnt from {len(table):,} tasks, {len(learnt.names):,} features, {', '.join(learnt.classes)}"
    if choice.words:
        text += f"; {choice.words}"
    return TrainingReport(text, len(table), learnt.training_set, {"features": float(len(learnt.names))})


@dataclass(frozen=True, eq=False)
class _Reading:
    """A table to be read: the same one when *history* is the very same, and is described alike."""

    history: History
    describe: Describe
    progress: Progress

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reading) and self.history is other.history and self.describe is other.describe

    def __hash__(self) -> int:
        return hash((id(self.history), self.describe))


@lru_cache(maxsize=1)
def _read(reading: _Reading) -> Table:
    """The rows of a history; read once where several predictors learn from it, one after the other."""
    return Table.of(reading.history, reading.describe, lambda rows: reading.progress(None, f"reading, {rows:,} tasks"))
