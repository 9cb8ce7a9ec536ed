"""Linear: a logistic regression on what fails, where, in which task, what logs say, and how the workflow fails."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from wwt_framework import hookimpl
from wwt_framework.plugin import History, PluginContext, Predictor, Progress, TrainingReport

from .._ml.features import features_of
from .._ml.forecasting import Forecaster, load
from .._ml.learning import Array, Member, linear
from .._ml.training import LearnerOptions, train


class Linear:
    """Expect actions by a logistic regression: quick to train, and it says what weighs how much."""

    class Options(LearnerOptions):
        strength: float = Field(0.05, gt=0, le=100, description="C of the regression: more trusts the data more")

    def __init__(self, context: PluginContext[Options]) -> None:
        self._name = context.name.partition(".")[2]
        self._options = context.options
        self._compute = context.compute

    @hookimpl
    def train_predictor(self, history: History, into: Path, progress: Progress) -> TrainingReport | None:
        return train(history, into, progress, features_of, fit, self._options, self._compute)

    @hookimpl
    def load_predictor(self, folder: Path) -> Predictor:
        return Forecaster(self._name, load(folder), features_of)


def fit(matrix: Array, labels: Array, options: Linear.Options) -> Sequence[Member]:
    """One regression, on all features."""
    return [Member(linear(options.strength).fit(matrix, labels))]
