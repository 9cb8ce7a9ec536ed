"""One plugin, found by its entry point as an installation finds it, made and started with doors in memory."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from wwt_framework import http
from wwt_framework.config import Config, PluginConfig
from wwt_framework.config_reading import Tree
from wwt_framework.errors import PluginError
from wwt_framework.hooks import loader
from wwt_framework.hooks.loader import Loaded
from wwt_framework.hooks.manager import Answer, Hooks
from wwt_framework.options import HouseOptions
from wwt_framework.plugin import PluginContext, Snapshot
from wwt_framework.testing.doors import (
    GRANTED,
    AccountsInMemory,
    ActionsInMemory,
    AuditInMemory,
    ClosedDoor,
    ComputeHere,
    CredentialsInMemory,
    JobsInMemory,
    LimitsInMemory,
    MailInMemory,
    SnapshotInMemory,
    gather,
)

#: A test does not depend on how busy the machine is.
_PATIENCE_S = 30.0


@dataclass
class Doors:
    """What the plugins of one test share."""

    folder: Path
    actions: ActionsInMemory = field(default_factory=ActionsInMemory)
    accounts: AccountsInMemory = field(default_factory=AccountsInMemory)
    limits: LimitsInMemory = field(default_factory=LimitsInMemory)
    audit: AuditInMemory = field(default_factory=AuditInMemory)
    credentials: CredentialsInMemory = field(default_factory=CredentialsInMemory)
    mail: MailInMemory = field(default_factory=MailInMemory)
    jobs: JobsInMemory = field(default_factory=JobsInMemory)
    compute: ComputeHere = field(default_factory=ComputeHere)
    memories: dict[str, dict[str, Any]] = field(default_factory=dict)
    base_url: str = "https://wwt.example.org"
    snapshot: Snapshot = field(default_factory=SnapshotInMemory)

    def context(self, name: str, options: Any = None, namespace: str = "") -> PluginContext[Any]:
        """What the plugin *name* receives; *namespace* ("wwt.auth") decides which doors open."""
        namespace = namespace or f"wwt.{name.partition('.')[0]}"
        lent: dict[str, Any] = {
            door: getattr(self, door) if namespace in who else ClosedDoor(door, namespace)
            for door, who in GRANTED.items()
        }
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return PluginContext(
            name=name,
            options=options,
            log=logging.getLogger(f"wwt_plugins.{name}"),
            http=http.session(timeout=(2, 5), retries=0),
            data_dir=folder,
            memory=self.memories.setdefault(name, {}),
            jobs=self.jobs,
            compute=self.compute,
            url=self.url,
            gather=gather,
            snapshot=lambda: self.snapshot,
            **lent,
        )

    def url(self, path: str, **query: Any) -> str:
        """*path* as others reach it."""
        return self.base_url + path + (f"?{urlencode(query, doseq=True)}" if query else "")


@dataclass
class Running:
    """A plugin that runs."""

    name: str
    plugin: Any
    hooks: Hooks
    loaded: Loaded
    doors: Doors

    def has(self, hook: str) -> bool:
        """Whether the plugin implements *hook*."""
        return hook in self.loaded.hooks

    def answer(self, hook: str, **arguments: Any) -> Answer:
        """What the plugin says, as the house hears it: with its failures."""
        return self.hooks.only(self.name, hook, **arguments)

    def ask(self, hook: str, **arguments: Any) -> Any:
        """What the plugin says. Raises what it raised."""
        answer = self.answer(hook, **arguments)
        if answer.error is not None:
            raise answer.error
        return answer.value

    def stop(self) -> None:
        """Shut the plugin down."""
        loader.stop(self.hooks)


def running(plugin: str, options: dict[str, Any], folder: Path, doors: Doors | None = None) -> Running:
    """Find ``namespace.name`` by its entry point, make it with *options* and start it.

    Raises `PluginError` with the sentence that /plugins would show.
    """
    namespace, _, name = plugin.partition(".")
    doors = doors or Doors(folder)
    block = PluginConfig(
        namespace, name, name, deadline_s=_PATIENCE_S, options=options, where="test:1", tree=Tree("test", folder)
    )
    config = Config(folder / "plugins.yml", HouseOptions(data_dir=folder), (block,), "")
    hooks = Hooks()
    (item,) = loader.start(hooks, loader.load(hooks, config, lambda p, o, group: doors.context(p.full_name, o, group)))
    if not item.ok:
        raise PluginError(item.complaint)
    return Running(plugin, hooks.plugins[plugin], hooks, item, doors)
