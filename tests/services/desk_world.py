"""A small world for the desk: a chain of tasks to recover, sites in drain, old ACDCs, odd request types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from wwt_framework.config import Config, PluginConfig
from wwt_framework.config_reading import Tree
from wwt_framework.cube import ErrorColumns
from wwt_framework.hooks import loader
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import ErrorCount, LogExcerpt, Readiness, Recovery, SiteStatus, Task, User, Workflow
from wwt_framework.options import HouseOptions
from wwt_framework.services import desk
from wwt_framework.snapshot import Snapshot, SnapshotParts, open_snapshot, write
from wwt_framework.store import Store
from wwt_framework.testing.running import Doors

TAKEN = datetime(2026, 11, 23, 11, 50, tzinfo=timezone.utc)
PREP = "TOP-RunIISummer20UL17wmLHEGEN-00398"
WF = f"olga_task_{PREP}__v1_T_261101_080000_1"
ACDC1 = f"olga_ACDC0_task_{PREP}__v1_T_261110_080000_2"
OTHER = "olga_task_HIG-RunIISummer20UL18wmLHEGEN-00007__v1_T_261102_080000_3"
GEN, MERGE = f"{PREP}_0", f"{PREP}_0/{PREP}_0MergeLHEoutput"
LOG = f"{GEN}/LogCollectForX"
OLGA = User("olga", roles=frozenset({"operator"}))
IVAN = User("ivan", roles=frozenset({"operator"}))
VISITOR = User()

#: Everything that the shipped installation has of actions, without guards; and with them.
KINDS = ("actions.acdc", "actions.clone", "actions.recovery", "actions.special", "actions.sites_to_run")
ALL = (*KINDS, "actions.drain_guard", "actions.task_guard", "actions.memory_guard", "actions.overlap_guard")

SITES = [
    SiteStatus("T1_US_FNAL", Readiness.GREEN, "enabled"),
    SiteStatus("T2_CH_CERN", Readiness.GREEN, "enabled"),
    SiteStatus("T2_US_Purdue", Readiness.RED, "drain"),
    SiteStatus("T2_DE_DESY", Readiness.NONE, "unknown"),
]


def at(day: int) -> datetime:
    return datetime(2026, 11, day, 8, tzinfo=timezone.utc)


def workflow(name: str, *shorts: str, **more: Any) -> Workflow:
    """A TaskChain with these tasks, the first a production, others merges."""
    tasks = tuple(
        Task(f"/{name}/{short}", "Merge" if i else "Production", "EventAwareLumiBased")
        for i, short in enumerate(shorts)
    )
    return Workflow(name, **{"request_type": "TaskChain", "requested_at": at(1), "tasks": tasks, **more})


@dataclass
class World:
    """What the snapshot is made of; change it before ``open``."""

    workflows: list[Workflow] = field(
        default_factory=lambda: [
            workflow(WF, GEN, MERGE, prep_id=PREP, parameters={"Memory": 4000, "Multicore": 4}),
            workflow(ACDC1, GEN, prep_id=PREP, request_type="Resubmission", original=WF, requested_at=at(10)),
            workflow(OTHER, "Other_0", prep_id="HIG-RunIISummer20UL18wmLHEGEN-00007"),
        ]
    )
    counts: list[ErrorCount] = field(
        default_factory=lambda: [
            ErrorCount(f"/{WF}/{GEN}", 8028, "T2_US_Purdue", 600),
            ErrorCount(f"/{WF}/{GEN}", 71305, "T1_US_FNAL", 30),
            ErrorCount(f"/{WF}/{MERGE}", 8028, "T2_CH_CERN", 20),
            ErrorCount(f"/{OTHER}/Other_0", 85, "T1_US_FNAL", 5),
        ]
    )
    recoveries: list[tuple[str, Recovery]] = field(
        default_factory=lambda: [
            (WF, Recovery(f"/{WF}/{GEN}", frozenset({"T1_US_FNAL_Disk", "T2_US_Purdue", "T2_CH_CERN", "T0_CH_CERN"}))),
            (WF, Recovery(f"/{WF}/{MERGE}", frozenset({"T2_CH_CERN", "T1_US_FNAL_MSS"}))),
            (OTHER, Recovery(f"/{OTHER}/Other_0", frozenset({"T1_US_FNAL"}))),
        ]
    )
    logs: list[tuple[str, LogExcerpt]] = field(
        default_factory=lambda: [
            (WF, LogExcerpt(f"/{WF}/{GEN}", 8028, "T2_US_Purdue", "FileReadError", "Failed to open the file", count=9))
        ]
    )
    sites: list[SiteStatus] = field(default_factory=lambda: list(SITES))

    def open(self, folder: Path, version: str = "v1", **parts: Any) -> Snapshot:
        folder.mkdir(parents=True)
        write(
            folder,
            SnapshotParts(
                version, TAKEN, self.workflows, ErrorColumns.of(self.counts), logs=self.logs,
                recoveries=self.recoveries, sites=self.sites, **parts,
            ),
        )  # fmt: skip
        return open_snapshot(folder)


def hooks_with(folder: Path, plugins: Sequence[str] | Mapping[str, dict[str, Any]], *more: tuple[str, object]) -> Hooks:
    """Shipped *plugins* ("actions.acdc"), as an installation loads them, and *more* of the test's own.

    Those without options are loaded once for all tests: they keep nothing.
    """
    options = plugins if isinstance(plugins, Mapping) else {name: {} for name in plugins}
    hooks = Hooks()
    for name, given in options.items():
        hooks.adopt(name, _load(folder, name, given) if given else _loaded(folder.parent, name))
    for name, plugin in more:
        hooks.register(name, plugin, deadline_s=30.0)
    return hooks


_LOADED: dict[str, Hooks] = {}


def _loaded(folder: Path, name: str) -> Hooks:
    if name not in _LOADED:
        _LOADED[name] = _load(folder, name, {})
    return _LOADED[name]


def _load(folder: Path, name: str, options: dict[str, Any]) -> Hooks:
    hooks, tree, doors = Hooks(), Tree("test", folder), Doors(folder)
    namespace, _, entry = name.partition(".")
    block = PluginConfig(namespace, entry, entry, deadline_s=30.0, options=options, where="test:1", tree=tree)
    config = Config(folder / "plugins.yml", HouseOptions(data_dir=folder), (block,), "")
    loaded = loader.load(hooks, config, lambda p, o, group: doors.context(p.full_name, o, group))
    failed = [item.complaint for item in loader.start(hooks, loaded) if not item.ok]
    assert not failed, failed
    return hooks


@dataclass
class Desk:
    """The desk of one test, as one operator sees it."""

    hooks: Hooks
    snapshot: Snapshot
    store: Store
    user: User = OLGA
    house: HouseOptions = field(default_factory=HouseOptions)

    def read(self, form: Mapping[str, Any]) -> tuple[desk.Intent, tuple[Any, ...]]:
        return desk.read_form(self.hooks, self.snapshot, self.store, self.user, form)

    def plan(self, form: Mapping[str, Any] | desk.Intent, **more: Any) -> desk.Plan:
        intent, problems = (form, ()) if isinstance(form, desk.Intent) else self.read(form)
        return desk.plan(
            self.hooks, self.snapshot, self.store, intent, self.user, problems=problems, house=self.house, **more
        )

    def submit(self, form: Mapping[str, Any] | desk.Intent | desk.Plan, **more: Any) -> desk.Result:
        planned = form if isinstance(form, desk.Plan) else self.plan(form)
        return desk.submit(self.hooks, self.snapshot, self.store, planned, **more)
