"""Groups of workflows by what they mostly fail with; learns which features ever mattered, and heeds operators."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wwt_framework import hookimpl
from wwt_framework.model import Clustering, Similar
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import Corpus, FitReport, Matrix, PluginContext, Progress


class Clusterer:
    """Group workflows by their heaviest feature."""

    class Options(PluginOptions):
        pass

    def __init__(self, context: PluginContext[Options]) -> None:
        self._context = context

    @hookimpl
    def fit_clusters(self, corpus: Corpus, into: Path, progress: Progress) -> FitReport:
        """Features of history and of today, and who was put together by hand."""
        features = sorted(set(_seen(corpus.history)) | set(_seen(corpus.current)))
        progress(0.5, "features collected")
        merged = [sorted(c.workflows) for c in corpus.corrections if c.kind == "merge"]
        (into / "model.json").write_text(json.dumps({"features": features, "merged": merged}))
        rows = len(corpus.history.rows) + len(corpus.current.rows)
        return FitReport(f"{len(features)} features of {rows} workflows", len(features), {"features": len(features)})

    @hookimpl
    def label_workflows(self, matrix: Matrix, model: Path | None) -> Clustering:
        learned = json.loads((model / "model.json").read_text()) if model else {"features": [], "merged": []}
        features = {name: label for label, name in enumerate(learned["features"])}
        labels = {row: features.get(_heaviest(matrix, at), -1) for at, row in enumerate(matrix.rows)}
        for together in learned["merged"]:
            there = [name for name in together if name in labels]
            labels.update(dict.fromkeys(there, labels[there[0]]) if there else {})
        return Clustering(labels, {label: name for name, label in features.items()})

    @hookimpl
    def find_similar(self, workflow: str, matrix: Matrix, n: int) -> Sequence[Similar]:
        if workflow not in matrix.rows:
            return []
        mine = matrix.values[list(matrix.rows).index(workflow)]
        distances = np.asarray(np.abs(matrix.values - _repeat(mine, len(matrix.rows))).sum(axis=1)).ravel()
        order = sorted(range(len(matrix.rows)), key=lambda at: (distances[at], matrix.rows[at]))
        return [self._similar(matrix, mine, at, distances[at]) for at in order if matrix.rows[at] != workflow][:n]

    def _similar(self, matrix: Matrix, mine: object, at: int, distance: float) -> Similar:
        here, there = (set(row.indices) for row in (mine, matrix.values[at]))  # type: ignore[attr-defined]  # CSR rows
        names = [matrix.columns[index] for index in sorted(here & there)]
        other = [matrix.columns[index] for index in sorted(here ^ there)]
        return Similar(matrix.rows[at], float(distance), tuple(names), tuple(other))


def _seen(matrix: Matrix) -> list[str]:
    return [matrix.columns[index] for index in np.unique(matrix.values.indices)]


def _heaviest(matrix: Matrix, at: int) -> str:
    row = matrix.values[at]
    return matrix.columns[row.indices[int(np.argmax(row.data))]] if row.nnz else ""


def _repeat(row: object, times: int) -> object:
    from scipy import sparse

    return sparse.vstack([row] * times, format="csr") if times else row
