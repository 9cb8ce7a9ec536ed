"""Boosting: trees that correct one another, averaged with a linear model; the best of those that were measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from wwt_framework.plugin import PluginContext

from .._ml.features import features_of
from .._ml.learning import Array, Member, linear
from .._ml.training import Learner, LearnerOptions


class Boosting(Learner):
    """Expect actions by boosted trees and a linear model together: what weighs may depend on what else is seen."""

    class Options(LearnerOptions):
        rounds: int = Field(80, ge=1, le=2000, description="trees that are grown one after the other, for each class")
        rate: float = Field(0.08, gt=0, le=1, description="how much each tree corrects")
        leaves: int = Field(12, ge=2, le=256, description="leaves of a tree")
        columns: int = Field(300, ge=1, le=5000, description="features that trees see, those that most tasks have")

    def __init__(self, context: PluginContext[Options]) -> None:
        super().__init__(context, features_of, fit)


def fit(matrix: Array, labels: Array, options: Boosting.Options) -> Sequence[Member]:
    """Trees on the features that most tasks have, and a regression on all."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    often = np.bincount(matrix.indices, minlength=matrix.shape[1])
    columns = np.sort(np.argsort(-often, kind="stable")[: options.columns])
    trees = HistGradientBoostingClassifier(
        max_iter=options.rounds, learning_rate=options.rate, max_leaf_nodes=options.leaves, l2_regularization=5.0,
        early_stopping=False, random_state=1,
    )  # fmt: skip
    dense = matrix[:, columns].toarray()
    return [Member(trees.fit(dense, labels), columns), Member(linear(0.05).fit(matrix, labels))]
