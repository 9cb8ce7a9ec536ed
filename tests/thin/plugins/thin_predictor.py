"""Predicts what operators did most often about the same main exit code."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from wwt_framework import hookimpl
from wwt_framework.model import Case, Prediction
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import History, PluginContext, Predictor, Progress, TrainingReport


class Habits:
    """Predict what operators did most often about the same exit code."""

    class Options(PluginOptions):
        least: int = Field(2, ge=1, description="decisions below which nothing is learned")

    def __init__(self, context: PluginContext[Options]) -> None:
        self._context = context

    @hookimpl
    def train_predictor(self, history: History, into: Path, progress: Progress) -> TrainingReport | None:
        if len(history) < self._context.options.least:
            return None
        seen: dict[str, Counter[str]] = defaultdict(Counter)
        for number, decision in enumerate(history, 1):
            seen[str(decision.case.errors.main_exit_code)][decision.action.kind] += 1
            progress(number / len(history), "reading history")
        ids = "".join(decision.action.id for decision in history)  # it can be read again
        training_set = hashlib.sha256(ids.encode()).hexdigest()[:12]
        (into / "habits.json").write_text(json.dumps({"habits": seen, "training_set": training_set}))
        return TrainingReport(f"{len(seen)} exit codes", len(history), training_set)

    @hookimpl
    def load_predictor(self, folder: Path) -> Predictor:
        kept = json.loads((folder / "habits.json").read_text())
        return _Loaded(kept["habits"], kept["training_set"])


class _Loaded:
    on_view = False

    def __init__(self, habits: Mapping[str, Mapping[str, int]], training_set: str) -> None:
        self._habits = habits
        self._training_set = training_set

    def predict(self, cases: Sequence[Case]) -> Sequence[Sequence[Prediction]]:
        return [self._of(case) for case in cases]

    def _of(self, case: Case) -> list[Prediction]:
        code = case.errors.main_exit_code
        counts = Counter(self._habits.get(str(code), {}))
        return [
            Prediction(
                action, times / counts.total(), "habits", why=(f"exit code {code}",), training_set=self._training_set
            )
            for action, times in counts.most_common()
        ]
