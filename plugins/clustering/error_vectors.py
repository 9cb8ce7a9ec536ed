"""The error vectors of WorkflowWebTools, grouped by k-means: exit codes on one shell, sites on another.

Formula: D. Abercrombie, WorkflowWebTools, clusterworkflows.py. Each part of a vector of failed jobs *v* keeps its
direction and gets the length ``d / 1.4142 + 2 w (|v| / (|v| + m) - 1/2)`` (1.4142 as written there).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from threadpoolctl import threadpool_limits

from wwt_framework import hookimpl
from wwt_framework.model import Clustering, Similar
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import ComputeDoor, Corpus, FitReport, Matrix, PluginContext, Progress

from .._clustering.centres import Centres, corrected, keep, kept
from .._clustering.neighbours import Kept, similar
from .._clustering.vectors import joined, kinds_of, lengths_of, placed, scaled

if TYPE_CHECKING:
    from scipy import sparse

#: Rows on which all starts are tried for a few rounds: who leads then leads at the end, too.
_SAMPLE, _ROUNDS = 1000, 6
#: How many of the best go on, on how many rows; of these the best are finished on all rows, which are few rounds then.
_BEST, _MORE, _FINISHED = 4, 10_000, 2
_LAST_ROUNDS = 300
#: Numbers above which a fit is spread over processes: to start them takes seconds.
_SPREAD = 20_000_000


_Tried = tuple[float, NDArray[np.float32]]  # inertia, centres


class Shell(PluginOptions):
    """Where the vectors of one kind end."""

    distance: float = Field(1.0, ge=0, description="between two workflows with nothing of this kind in common")
    width: float = Field(0.2, ge=0, description="how far apart few and many failed jobs may put them")
    midpoint: float = Field(50.0, gt=0, description="failed jobs that put a workflow into the middle of the shell")


class ErrorVectors:
    """Groups by k-means over how many jobs failed with which exit code and where, as WorkflowWebTools made them."""

    class Options(PluginOptions):
        """As in the original's ``cluster:``."""

        n_clusters: int = Field(20, ge=1, le=1000, description="groups")
        n_init: int = Field(30, ge=1, le=1000, description="starts, of which the best one counts")
        errorcode: Shell = Field(Shell(distance=2.0, width=0.4), description="how exit codes count")
        sitename: Shell = Field(Shell(), description="how sites count")
        skip: bool = Field(False, description="group nothing")
        seed: int = Field(0, ge=0, lt=2**32, description="of the starts: the same one gives the same groups")

    def __init__(self, context: PluginContext[Options]) -> None:
        self._options = context.options
        self._compute = context.compute
        self._kept = Kept(self.vectors)

    def vectors(self, matrix: Matrix) -> sparse.csr_matrix:
        """The vector of each row, under the columns of *matrix*; zeros for a row without errors."""
        return error_vectors(matrix, self._options.errorcode, self._options.sitename)

    @hookimpl
    def fit_clusters(self, corpus: Corpus, into: Path, progress: Progress) -> FitReport:
        """K-means over history and what is there now."""
        if self._options.skip:
            keep(into, _nothing())
            return FitReport("switched off by skip", 0)
        progress(0.05, "making vectors")
        matrix = joined(corpus.history, corpus.current)
        used = [at for at, kind in enumerate(kinds_of(matrix.columns)) if kind in (0, 1)]
        matrix = Matrix(matrix.rows, [matrix.columns[at] for at in used], matrix.values[:, used])
        vectors = self.vectors(matrix)
        points, inertia = fit(
            vectors, self._options.n_clusters, self._options.n_init, self._options.seed, self._compute, progress
        )
        centres = Centres(tuple(matrix.columns), points, np.arange(len(points)))
        centres = corrected(centres, matrix.rows, vectors, corpus.corrections)
        keep(into, centres, inertia=inertia)
        groups = len(set(centres.labels.tolist()))
        text = f"{groups} groups of {len(matrix.rows):,} workflows"
        return FitReport(text, groups, {"inertia": inertia, "workflows": len(matrix.rows)})

    @hookimpl
    def label_workflows(self, matrix: Matrix, model: Path | None) -> Clustering:
        """The nearest centre. Exit codes and sites that the fit has not seen do not count."""
        centres = _nothing() if model is None or self._options.skip else kept(model)[0]
        known = Matrix(matrix.rows, centres.columns, placed(matrix, centres.columns))
        return centres.clustering(matrix, self.vectors(known))

    @hookimpl
    def find_similar(self, workflow: str, matrix: Matrix, n: int) -> Sequence[Similar]:
        """The nearest by vector; their distance is that of the vectors."""
        if self._options.skip:
            return ()
        return similar(self._kept.space(matrix), matrix, workflow, n, lambda distance: distance)


def error_vectors(matrix: Matrix, codes: Shell, sites: Shell) -> sparse.csr_matrix:
    """The vectors of all rows, float64, in the order of rows and columns; columns of other kinds are zero."""
    values = matrix.values.tocsr()
    lengths, place = lengths_of(values, kinds_of(matrix.columns))
    factors = np.zeros_like(lengths)
    for at, shell in enumerate((codes, sites)):
        length = lengths[:, at]
        to = shell.distance / 1.4142 + 2.0 * shell.width * (length / (length + shell.midpoint) - 0.5)
        factors[:, at] = np.divide(to, length, out=np.zeros_like(length), where=length > 0)
    return scaled(values, factors, place)


def fit(
    vectors: sparse.csr_matrix, n_clusters: int, n_init: int, seed: int, compute: ComputeDoor, progress: Progress
) -> tuple[NDArray[np.float64], float]:
    """Centres, and the inertia: starts are tried on few rows, the best on more, the best of these on all of them."""
    if not vectors.shape[0] or not vectors.shape[1]:
        return np.zeros((0, vectors.shape[1])), 0.0
    dense = vectors.astype(np.float32).toarray()
    order = np.random.default_rng(seed).permutation(len(dense))
    sample, more = (dense[np.sort(order[:size])] for size in (_SAMPLE, _MORE))
    k = min(n_clusters, len(np.unique(sample, axis=0)))
    progress(0.2, f"{n_init} starts")
    with threadpool_limits(1):  # threads that wait for each other beside busy ones take longer than one alone
        tried = _sorted([_start(start, sample, k) for start in range(seed, seed + n_init)])
        progress(0.5, "going on with the best")
        best = _sorted([_finish(points, more) for _, points in tried[:_BEST]])
        if len(more) < len(dense):
            progress(0.7, "finishing the best")
            starts = [points for _, points in best[:_FINISHED]]
            spread = dense.size > _SPREAD
            done = compute.map(_finish, starts, dense) if spread else [_finish(points, dense) for points in starts]
            best = _sorted(done)
    inertia, points = best[0]
    return points.astype(np.float64), inertia


def _sorted(tried: list[_Tried]) -> list[_Tried]:
    """The best first; of equals the one that was tried first."""
    return sorted(tried, key=lambda one: one[0])


def _start(seed: int, rows: NDArray[np.float32], k: int) -> _Tried:
    from sklearn.cluster import KMeans

    found = KMeans(k, n_init=1, max_iter=_ROUNDS, random_state=seed).fit(rows)
    return float(found.inertia_), found.cluster_centers_


def _finish(points: NDArray[np.float32], rows: NDArray[np.float32]) -> _Tried:
    from sklearn.cluster import KMeans

    found = KMeans(len(points), init=points, n_init=1, max_iter=_LAST_ROUNDS).fit(rows)
    return float(found.inertia_), found.cluster_centers_


def _nothing() -> Centres:
    none: Any = ()
    return Centres(none, np.zeros((0, 0)), np.zeros(0, np.int64))
