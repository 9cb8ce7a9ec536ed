"""From a history to a model in a folder, as every trained predictor does it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from wwt_framework.options import PluginOptions
from wwt_framework.plugin import History, Progress, TrainingReport

from .forecasting import save
from .learning import Describe, Fit, Table, learn


class LearnerOptions(PluginOptions):
    """What each of them can be told."""

    least_tasks: int = Field(100, ge=10, description="tasks below which nothing is learnt")
    least_seen: int = Field(5, ge=1, description="tasks that must show a feature before it counts")
    parameters: tuple[str, ...] = Field(
        ("memory", "splitting", "xrootd"), description="parameters of reruns that are expected, too"
    )


def train(
    history: History, into: Path, progress: Progress, describe: Describe, fit: Fit, options: LearnerOptions
) -> TrainingReport | None:
    """Learn from *history* and keep the model in *into*; None when there are too few tasks, or one decision only."""
    table = Table.of(history, describe, lambda rows: progress(None, f"reading, {rows:,} tasks"))
    if len(table) < options.least_tasks:
        return None
    learnt = learn(table, fit, options.least_seen, options.parameters, lambda what: progress(None, what))
    if learnt is None:
        return None
    save(into, learnt)
    text = f"learnt from {len(table):,} tasks, {len(learnt.names):,} features, {', '.join(learnt.classes)}"
    return TrainingReport(text, len(table), learnt.training_set, {"features": float(len(learnt.names))})
