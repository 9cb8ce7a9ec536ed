"""What the house is wired of, where an installation keeps things apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wwt_framework import hookimpl
from wwt_framework.app import App
from wwt_framework.cube import ErrorColumns
from wwt_framework.model import ErrorCount
from wwt_framework.plugin import Corpus, FitReport
from wwt_framework.services.history import Look, take_in


class Clusterer:
    """Keeps what it was given to learn from."""

    def __init__(self) -> None:
        self.corpus: Corpus | None = None

    @hookimpl
    def fit_clusters(self, corpus: Corpus, into: Path, progress: Any) -> FitReport:
        self.corpus = corpus
        return FitReport("kept", 0)


def test_clusterers_learn_from_the_history_wherever_it_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "plugins.yml"
    path.write_text(
        "wwt: {data_dir: data, workflow_history: 'sqlite:///apart.db'}\nerrors: {json_file: {path: all.json}}\n",
        encoding="utf-8",
    )
    (tmp_path / "all.json").write_text('{"/here/task": {"85": {"T1_US_FNAL": 3}}}', encoding="utf-8")
    app, clusterer = App.build(path), Clusterer()
    try:
        app.house.hooks.register("clustering.thin", clusterer)
        counts = ErrorColumns.of([ErrorCount("/gone/task", 85, "T1_US_FNAL", 3)])
        take_in(app.history, Look.of_columns(counts, app.store.now(), {}, whole=True))
        app.clockwork.run_now("refresh")  # before it there is nothing of now, and nothing is learnt
        run = app.clockwork.run_now("clusters")
    finally:
        app.close()

    assert run.state == "done", run.text
    assert clusterer.corpus is not None
    assert "gone" in clusterer.corpus.history.rows
