"""The nearest workflows by the cosine between how they fail."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from pydantic import Field

from wwt_framework import hookimpl
from wwt_framework.model import Similar
from wwt_framework.plugin import Matrix, PluginContext

from .._clustering.neighbours import Kept, similar
from .._clustering.vectors import weighted
from .._clustering.weights import Weights


class Nearest:
    """The workflows that fail most like one: by exit codes, sites, types of tasks and messages."""

    class Options(Weights):
        farthest: float = Field(0.9, ge=0, le=1, description="distance above which nobody is called similar, 0 to 1")

    def __init__(self, context: PluginContext[Options]) -> None:
        self._options = context.options
        self._kept = Kept(lambda matrix: weighted(matrix, self._options.as_list()).astype("float32"))

    @hookimpl
    def find_similar(self, workflow: str, matrix: Matrix, n: int) -> Sequence[Similar]:
        """The nearest; the distance is 1 - cosine: 0 the same mixture, 1 nothing in common."""
        space = self._kept.space(matrix)
        # Of two vectors of length 1 the square of the distance is 2 - 2 cosine.
        most = sqrt(2 * self._options.farthest)
        return similar(space, matrix, workflow, n, lambda distance: min(1.0, distance * distance / 2), most)
