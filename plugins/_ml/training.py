"""From a history to a model in a folder, as every trained predictor does it."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from wwt_framework.options import PluginOptions
from wwt_framework.plugin import ComputeDoor, History, Progress, TrainingReport

from .forecasting import save
from .learning import Describe, Fit, Table, learn
from .search import searched

#: The table that was read last: predictors that describe cases alike learn one after the other from the same history.
_LAST: list[tuple[weakref.ref[Any], Describe, Table]] = []


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


def train(
    history: History, into: Path, progress: Progress, describe: Describe, fit: Fit, options: LearnerOptions,
    compute: ComputeDoor,
) -> TrainingReport | None:  # fmt: skip
    """Learn from *history* and keep the model in *into*; None when there are too few tasks, or one decision only."""

    def told(what: str) -> None:
        progress(None, what)

    table = _table(history, describe, progress)
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


def _table(history: History, describe: Describe, progress: Progress) -> Table:
    """The rows of *history*; read once where several learn from it."""
    for seen, how, table in _LAST:
        if seen() is history and how is describe:
            return table
    _LAST.clear()
    table = Table.of(history, describe, lambda rows: progress(None, f"reading, {rows:,} tasks"))
    _LAST.append((weakref.ref(history), describe, table))
    return table
