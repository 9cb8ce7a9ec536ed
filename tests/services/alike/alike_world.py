"""Workflows that fail in two ways, and clusterers that do as they are told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from wwt_framework import hookimpl
from wwt_framework.cube import ErrorColumns
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Clustering, ErrorCount, Similar, Task, Workflow
from wwt_framework.options import HouseOptions
from wwt_framework.plugin import Corpus, FitReport, Matrix
from wwt_framework.snapshot import Snapshot, SnapshotParts, open_snapshot, write

TAKEN = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
#: Two that fail alike, one that fails otherwise, one without errors.
COUNTS = (
    ErrorCount("/wf_a/T", 8028, "T1_DE_KIT", 10), ErrorCount("/wf_a/T/M", 8028, "T2_US_MIT", 2),
    ErrorCount("/wf_b/T", 8028, "T1_DE_KIT", 20), ErrorCount("/wf_c/T", 85, "T2_US_MIT", 5),
    ErrorCount("/wf_c/T", -1, "T2_US_MIT", 1),
)  # fmt: skip
WORKFLOWS = (
    Workflow("wf_a", tasks=(Task("/wf_a/T", "Production"), Task("/wf_a/T/M", "Merge"))),
    Workflow("wf_b", tasks=(Task("/wf_b/T", "Production"),)),
    Workflow("wf_c"),
    Workflow("wf_none"),
)


def taken(
    folder: Path, counts: tuple[ErrorCount, ...] = COUNTS, workflows: tuple[Workflow, ...] = WORKFLOWS
) -> Snapshot:
    folder.mkdir(parents=True)
    write(folder, SnapshotParts(folder.name, TAKEN, workflows, ErrorColumns.of(counts)))
    return open_snapshot(folder)


class Grouper:
    """Answers with what it was given; counts how often it is asked."""

    def __init__(self, labels: Mapping[str, int], names: Mapping[int, str] | None = None) -> None:
        self.labels = dict(labels)
        self.names = names or {}
        self.asked = 0
        self.models: list[Path | None] = []
        self.corpus: Corpus | None = None
        self.near: tuple[Similar, ...] = ()
        self.fails: Exception | None = None
        self.waits: threading.Event | None = None

    def _answer(self) -> None:
        self.asked += 1
        if self.waits is not None:
            self.waits.wait(60)
        if self.fails is not None:
            raise self.fails

    @hookimpl
    def fit_clusters(self, corpus: Corpus, into: Path, progress: Any) -> FitReport:
        self._answer()
        self.corpus = corpus
        progress(0.5, "half way")
        (into / "model").write_text("learnt")
        return FitReport("2 groups", 2, {"inertia": 1.5})

    @hookimpl
    def label_workflows(self, matrix: Matrix, model: Path | None) -> Clustering:
        self._answer()
        self.models.append(model)
        return Clustering({name: self.labels[name] for name in matrix.rows if name in self.labels}, self.names)

    @hookimpl
    def find_similar(self, workflow: str, n: int) -> tuple[Similar, ...]:
        self._answer()
        return self.near[:n]


@dataclass
class House:
    hooks: Hooks
    config: Any = field(default_factory=lambda: SimpleNamespace(house=HouseOptions()))


def hooks_of(**plugins: object) -> Hooks:
    hooks = Hooks()
    for name, plugin in plugins.items():
        hooks.register(f"clustering.{name}", plugin, deadline_s=30)
    return hooks


def silent(fraction: float | None, doing: str) -> None:
    return None


Progress = Callable[[float | None, str], None]
