"""From a history to a model in a folder, as every trained predictor does it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wwt_framework.plugin import History, Progress, TrainingReport

from .forecasting import save
from .learning import Describe, Fit, Table, learn


def train(
    history: History,
    into: Path,
    progress: Progress,
    describe: Describe,
    fit: Fit,
    least_tasks: int,
    least_seen: int,
    parameters: Sequence[str],
) -> TrainingReport | None:
    """Learn from *history* and keep the model in *into*; None when there are too few tasks, or one decision only."""
    table = Table.of(history, describe, lambda rows: progress(None, f"reading, {rows:,} tasks"))
    if len(table) < least_tasks:
        return None
    learnt = learn(table, fit, least_seen, parameters, lambda what: progress(None, what))
    if learnt is None:
        return None
    save(into, learnt)
    text = f"learnt from {len(table):,} tasks, {len(learnt.names):,} features, {', '.join(learnt.classes)}"
    return TrainingReport(text, len(table), learnt.training_set, {"features": float(len(learnt.names))})
