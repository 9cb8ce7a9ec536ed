"""A house with nothing but sources, and sources that say what a test tells them to say."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import FunctionType
from typing import Any, cast

from wwt_framework import hookimpl
from wwt_framework.config import Config, PluginConfig
from wwt_framework.cube import ErrorColumns
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import ErrorCount, Rejected
from wwt_framework.options import HouseOptions
from wwt_framework.services.refresh import RefreshReport, refresh
from wwt_framework.snapshot import STATE_WORDS, Snapshot, open_snapshot
from wwt_framework.store import Store, ledger

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)

#: task, code, site, count -> a cell; the workflow is the first part of the task.
Cell = tuple[str, int, str, int]


def columns(
    *cells: Cell,
    rejected: tuple[Rejected, ...] = (),
    partial: dict[str, str] | None = None,
    workflows: tuple[str, ...] = (),
) -> ErrorColumns:
    return replace(ErrorColumns.of((ErrorCount(*cell) for cell in cells), rejected, partial), workflows=workflows)


_METHODS: dict[str, Callable[..., Any]] = {
    "forget_answers": lambda self, names: self.say("forget_answers", names),
    "list_workflows": lambda self: self.say("list_workflows"),
    "load_errors": lambda self, names: self.say("load_errors", names),
    "fetch_workflows": lambda self, names: self.say("fetch_workflows", names),
    "fetch_family": lambda self, prep_id: self.say("fetch_family", prep_id),
    "fetch_errors": lambda self, workflow: self.say("fetch_errors", workflow),
    "fetch_logs": lambda self, workflow, exit_codes: self.say("fetch_logs", workflow, exit_codes),
    "fetch_recoveries": lambda self, workflow: self.say("fetch_recoveries", workflow),
    "fetch_site_statuses": lambda self: self.say("fetch_site_statuses"),
    "describe_exit_codes": lambda self, at: self.say("describe_exit_codes", at),
    "mine_templates": lambda self, texts: self.say("mine_templates", texts),
    "notify": lambda self, event: self.say("notify", event),
}


class Source:
    """Answers each hook with a value, by a function of its arguments, or by raising."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[Any, ...]] = []
        self._lock = threading.Lock()

    def say(self, hook: str, *arguments: Any) -> Any:
        with self._lock:
            self.asked.append((hook, *arguments))
        answer = self.answers[hook]
        if isinstance(answer, Exception):
            raise answer
        return answer(*arguments) if callable(answer) else answer

    def times(self, hook: str) -> int:
        return sum(1 for asked in self.asked if asked[0] == hook)


def source(**answers: Any) -> Source:
    """A plugin that implements just the hooks that are given."""
    methods = {}
    for hook in answers:
        # A function of its own for every class: hookimpl marks the function itself.
        known = cast(FunctionType, _METHODS[hook])
        methods[hook] = hookimpl(FunctionType(known.__code__, known.__globals__, hook))
    made_class: type[Source] = type("Scripted", (Source,), methods)
    return made_class(answers)


class House:
    """A data folder, a store and a clock; ``refresh`` with whatever sources are in ``sources``."""

    def __init__(self, folder: Path, store: Store, **sources: Source) -> None:
        self.data_dir = folder / "data"
        self.store = store
        self.sources = dict(sources)
        self.absent: set[str] = set()  # in plugins.yml, but not running
        self.now = NOON
        self.options: dict[str, Any] = {}
        self.said: list[tuple[float | None, str]] = []

    def go_on(self, minutes: float = 15) -> None:
        self.now += timedelta(minutes=minutes)

    @property
    def hooks(self) -> Hooks:
        hooks = Hooks()
        for name, plugin in self.sources.items():
            if name not in self.absent:
                hooks.register(f"errors.{name}", plugin)
        return hooks

    @property
    def config(self) -> Config:
        house = HouseOptions.model_validate(
            {"data_dir": str(self.data_dir), "concurrency": 4, "sites_minutes": 0, **self.options}
        )
        plugins = tuple(PluginConfig("errors", name, name) for name in self.sources)
        return Config(self.data_dir / "plugins.yml", house, plugins, "0")

    def report(self, **arguments: Any) -> RefreshReport:
        def progress(fraction: float | None, doing: str) -> None:
            self.said.append((fraction, doing))

        return refresh(
            self.hooks, self.config, self.store, self.data_dir, progress=progress, clock=lambda: self.now, **arguments
        )

    def refresh(self, **arguments: Any) -> Snapshot:
        self.report(**arguments)
        return self.snapshot

    @property
    def snapshot(self) -> Snapshot:
        version = ledger.current_version(self.store)
        assert version is not None
        return open_snapshot(self.data_dir / version.folder)


def cells(snapshot: Snapshot) -> set[Cell]:
    """All that is in the cube."""
    names = range(len(snapshot.cube.workflows))
    return {(e.task, e.exit_code, e.site, e.count) for i in names for e in snapshot.cube.table(i)}


def states(snapshot: Snapshot) -> dict[str, str]:
    """Workflow -> how far its counts can be trusted."""
    found = zip(snapshot.workflow_names(), snapshot.errors_state.tolist(), strict=True)
    return {name: STATE_WORDS[state] for name, state in found}


def line(snapshot: Snapshot, plugin: str, kind: str) -> Any:
    """One line of the freshness strip."""
    return next(report for report in snapshot.sources if (report.plugin, report.kind) == (f"errors.{plugin}", kind))
