"""Linear: a logistic regression on what fails, where, in which task, what logs say, and how the workflow fails."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from wwt_framework.plugin import PluginContext

from .._ml.features import features_of
from .._ml.learning import Array, Member, linear
from .._ml.training import Learner, LearnerOptions


class Linear(Learner):
    """Expect actions by a logistic regression: quick to train, and it says what weighs how much."""

    class Options(LearnerOptions):
        strength: float = Field(0.05, gt=0, le=100, description="C of the regression: more trusts the data more")

    def __init__(self, context: PluginContext[Options]) -> None:
        super().__init__(context, features_of, fit)


def fit(matrix: Array, labels: Array, options: Linear.Options) -> Sequence[Member]:
    """One regression, on all features."""
    return [Member(linear(options.strength).fit(matrix, labels))]
