"""Groups of workflows that fail by one pattern; what fits no pattern is like no other."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from wwt_framework import hookimpl
from wwt_framework.model import Clustering, Similar
from wwt_framework.plugin import Corpus, FitReport, Matrix, PluginContext, Progress

from .._clustering.centres import Centres, corrected, keep, kept
from .._clustering.neighbours import Kept, similar
from .._clustering.vectors import joined, placed, weighted
from .._clustering.weights import Weights

if TYPE_CHECKING:
    from scipy import sparse

#: Patterns at most: below them every workflow would be its own.
_MOST = 500


class Patterns:
    """Groups around patterns of exit codes, sites, types of tasks and messages; there are as many as there are."""

    class Options(Weights):
        cut: float = Field(0.55, gt=0, lt=1, description="1 - cosine above which a workflow does not fit a pattern")
        smallest: int = Field(3, ge=1, description="workflows that make a pattern at least")
        rounds: int = Field(
            5, ge=0, le=50, description="times that patterns are moved into the middle of their workflows"
        )

    def __init__(self, context: PluginContext[Options]) -> None:
        self._options = context.options
        self._kept = Kept(lambda matrix: weighted(matrix, self._options.as_list()).astype("float32"))

    @hookimpl
    def fit_clusters(self, corpus: Corpus, into: Path, progress: Progress) -> FitReport:
        """Workflows with most failed jobs found patterns; then each pattern moves into the middle of its own."""
        matrix = joined(corpus.history, corpus.current)
        vectors = weighted(matrix, self._options.as_list())
        progress(0.2, "looking for patterns")
        jobs = np.asarray(matrix.values.sum(axis=1)).ravel()
        order = np.lexsort((np.asarray(matrix.rows, object), -jobs)) if len(jobs) else np.zeros(0, np.int64)
        leaders = _leaders(vectors[order], self._options.cut, self._options.smallest)
        points = vectors[order[leaders]].toarray()
        centres = Centres(tuple(matrix.columns), points, np.arange(len(points)), sqrt(2 * self._options.cut))
        for number in range(self._options.rounds):
            progress(0.4 + 0.5 * number / self._options.rounds, "moving patterns")
            centres = _moved(centres, vectors, self._options.smallest)
        centres = corrected(centres, matrix.rows, vectors, corpus.corrections)
        keep(into, centres)
        groups = len(set(centres.labels.tolist()))
        return FitReport(
            f"{groups} patterns of {len(matrix.rows):,} workflows", groups, {"workflows": len(matrix.rows)}
        )

    @hookimpl
    def label_workflows(self, matrix: Matrix, model: Path | None) -> Clustering:
        """The nearest pattern, unless it is too far."""
        if model is None:
            return Clustering(dict.fromkeys(matrix.rows, -1))
        centres, _ = kept(model)
        # Lengths are of all that is known of a workflow: what is new to the model makes it fit less.
        vectors = weighted(matrix, self._options.as_list())
        return centres.clustering(matrix, placed(Matrix(matrix.rows, matrix.columns, vectors), centres.columns))

    @hookimpl
    def find_similar(self, workflow: str, matrix: Matrix, n: int) -> Sequence[Similar]:
        """The nearest, as near as the members of a pattern are to its middle."""
        most = sqrt(2 * self._options.cut)
        return similar(self._kept.space(matrix), matrix, workflow, n, lambda d: min(1.0, d * d / 2), most)


def _leaders(vectors: sparse.csr_matrix, cut: float, smallest: int) -> list[int]:
    """Rows that found a pattern, in their order: each is far from those before it, and has enough rows near it."""
    found: list[int] = []
    left = np.flatnonzero(np.diff(vectors.indptr))
    rows = vectors[left]
    while len(left) and len(found) < _MOST:
        near = np.asarray(rows @ rows[0].toarray().ravel()) >= 1 - cut
        near[0] = True
        if np.count_nonzero(near) >= smallest:
            found.append(int(left[0]))
        left, rows = left[~near], rows[~near]
    return found


def _moved(centres: Centres, vectors: sparse.csr_matrix, smallest: int) -> Centres:
    """Each centre in the middle of its rows; those with too few are gone."""
    from scipy import sparse  # a third of a second, and few need it

    nearest = centres.nearest(vectors)
    near: NDArray[Any] = np.flatnonzero(nearest >= 0)
    members = sparse.csr_matrix(
        (np.ones(len(near)), (nearest[near], near)), shape=(len(centres.points), vectors.shape[0])
    )
    enough = np.flatnonzero(np.bincount(nearest[near], minlength=len(centres.points)) >= smallest)
    points = (members[enough] @ vectors).toarray()
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    points = np.divide(points, lengths, out=np.zeros_like(points), where=lengths > 0)
    return Centres(centres.columns, points, np.arange(len(points)), centres.cut)
