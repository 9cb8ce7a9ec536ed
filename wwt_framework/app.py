"""Builds the house: wires every room, in order, visibly. Nothing but wiring happens here."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from wwt_framework import config as configuration
from wwt_framework import http
from wwt_framework.compute import Compute
from wwt_framework.config import Config, PluginConfig
from wwt_framework.errors import WwtError
from wwt_framework.hooks import loader
from wwt_framework.hooks.loader import Loaded
from wwt_framework.hooks.manager import Hooks
from wwt_framework.job_refresh import LIMIT
from wwt_framework.jobs import Chore, Clockwork, aside
from wwt_framework.plugin import Job, PluginContext
from wwt_framework.pool import in_order
from wwt_framework.services.access import Access, Limits
from wwt_framework.services.access.admins import warning
from wwt_framework.services.access.notices import Notices
from wwt_framework.services.alike.fitting import JOB as CLUSTERS
from wwt_framework.services.alike.fitting import Fitting
from wwt_framework.services.alike.likeness import Likenesses
from wwt_framework.services.alike.models import Models
from wwt_framework.services.automatic import JOB as AUTOMATIC
from wwt_framework.services.automatic import AutoWork
from wwt_framework.services.board import Board
from wwt_framework.services.desk.working import JOB as ACTIONS
from wwt_framework.services.desk.working import ActionWork
from wwt_framework.services.doors import Pulling, lend
from wwt_framework.services.history.ageing import JOB as HISTORY
from wwt_framework.services.history.ageing import Ageing
from wwt_framework.services.history.reading import history_matrix
from wwt_framework.services.learning.daily import Daily
from wwt_framework.services.learning.forecasts import Forecasts
from wwt_framework.services.learning.training import TRAIN
from wwt_framework.services.mailing import JOB as MAIL
from wwt_framework.services.mailing import Post
from wwt_framework.store import Store, open_store

log = logging.getLogger(__name__)

#: The job that tries things in the lab, and the command that does it.
LAB = "lab"
#: A training that takes longer hangs.
TRAINING_HANGS = timedelta(hours=2)
#: What a running house can not take up from a changed plugins.yml.
FIXED = ("listen", "tls", "threads", "store", "workflow_history", "data_dir", "pid_file", "log_dir")


@dataclass(frozen=True)
class House:
    """What a plugins.yml came to. Swapped as a whole; read once per request."""

    config: Config
    hooks: Hooks
    loaded: tuple[Loaded, ...]


class App:
    """One running installation. Several live in one process without seeing each other."""

    def __init__(self, path: Path, config: Config, store: Store) -> None:
        self.path = path
        self.store = store
        apart = config.house.workflow_history
        self.history = open_store(apart) if apart else store  # of failed jobs
        self.problems: tuple[str, ...] = ()  # why the plugins.yml on disk is not the one that runs
        self.restart_needed: tuple[str, ...] = ()  # keys that changed and wait for a restart
        self._lock = threading.Lock()
        self._stamp = _stamp(path)
        self._first = config
        self._config = config  # the one that runs; plugins may ask before there is a house
        self.board = Board(config.house.data_dir, store)
        self.compute = Compute(lambda: self._config.house.compute)
        self.limits = Limits(store, lambda: self._config.house)
        self.post = Post(store, lambda: self._config.house)
        self.forecasts = Forecasts(lambda: self.house, config.house.data_dir)
        self.alike = Likenesses(store, Models(config.house.data_dir / "models"))
        self.clockwork = Clockwork(self, tuple(self._chores()))
        self.house: House = self._build(config, None)
        self.notices = Notices(self.post, self.url)
        self.access = Access(lambda: self.house.hooks, store, lambda: self.house.config.house, self.notices.new_device)

    @classmethod
    def build(cls, path: Path, text: str | None = None) -> App:
        """Read *path*, or *text* in its place, and build what it says. Raises `ConfigError`, `PluginError`, `StoreError` in words."""
        config = configuration.load(path, text=text)
        config.house.data_dir.mkdir(parents=True, exist_ok=True)
        return cls(path, config, open_store(config.house.store))

    def _chores(self) -> Iterator[Chore]:
        """The house's own jobs, beside those of plugins; each says when it is due."""
        work = ActionWork(self.store, lambda: self.house, lambda: self.board.snapshot)
        ageing = Ageing(self.history, lambda: self._config.house)
        fitting = Fitting(
            self.store,
            lambda: self.house,
            lambda: self.board.snapshot,
            self.alike.models,
            lambda: history_matrix(self.history),
        )
        rules = AutoWork(self.store, lambda: self.house, lambda: self.board.snapshot)
        daily = Daily(self.store, lambda: self.house)

        yield Chore(Job(MAIL, self.post.deliver, help="sends the mails that wait"), self.post.due)
        yield Chore(
            Job(ACTIONS, work.run, help="carries out, follows and ends actions, and tells who listens"), work.due
        )
        yield Chore(
            Job(HISTORY, ageing.run, help="thins out and forgets what is old in the history of failed jobs"), ageing.due
        )
        yield Chore(
            Job(CLUSTERS, fitting.run, help="has clusterers learn anew which workflows fail alike"), fitting.due
        )
        yield Chore(Job(AUTOMATIC, rules.run, help="rules that were switched on in the lab ask for actions"), rules.due)
        yield Chore(Job(LAB, aside, help="tries a predictor, procedures or a rule on past decisions"), aside=LIMIT)
        yield Chore(
            Job(TRAIN, aside, help="trains the predictors on what operators did, once a day"),
            daily.due,
            aside=TRAINING_HANGS,
        )

    def _build(self, config: Config, before: House | None) -> House:
        hooks = Hooks()
        loaded = loader.load(hooks, config, self._context, (before.hooks, before.loaded) if before else None)
        return House(config, hooks, tuple(loader.start(hooks, loaded)))

    def _context(self, plugin: PluginConfig, options: Any, _group: str) -> PluginContext[Any]:
        folder = self._first.house.data_dir / plugin.full_name
        folder.mkdir(parents=True, exist_ok=True)
        return PluginContext(
            name=plugin.full_name,
            options=options,
            log=logging.getLogger(f"wwt_plugins.{plugin.full_name}"),
            http=http.session(connections=self._first.house.concurrency),
            data_dir=folder,
            url=self.url,
            gather=partial(in_order, threads=self._first.house.concurrency),
            snapshot=lambda: self.board.snapshot,
            **lend(
                self.store,
                plugin.namespace,
                plugin.full_name,
                self.clockwork,
                self._pulling,
                self.post,
                self.compute,
                self.limits,
            ),
        )

    def _pulling(self) -> Pulling:
        """What executors can fetch at this moment."""
        house = self.house
        kinds = [kind for answer in house.hooks.each("register_actions") for kind in answer.value or ()]
        return Pulling(kinds, house.config.house.dry_run)

    def url(self, path: str, **query: Any) -> str:
        """*path* as others reach it."""
        first = self._first.house
        base = self.house.config.house.base_url or f"{'https' if first.tls else 'http'}://{first.listen}"
        return base + path + (f"?{urlencode(query, doseq=True)}" if query else "")

    # -- while running --

    def look(self) -> bool:
        """Take up plugins.yml if it changed and still checks; otherwise keep what runs, and say why."""
        with self._lock:
            stamp = _stamp(self.path)
            if stamp == self._stamp:
                return False
            self._stamp = stamp
            try:
                config = configuration.load(self.path)
                house = self._build(config, self.house)
            except WwtError as err:
                self.problems = tuple(str(err).splitlines())
                log.warning("changed configuration was not taken up", extra={"problems": self.problems})
                return False
            self.problems = ()
            self.restart_needed = tuple(
                key for key in FIXED if getattr(config.house, key) != getattr(self._first.house, key)
            )
            before, self.house, self._config = self.house, house, config
            loader.stop(before.hooks, house.hooks)
            log.info("changed configuration was taken up", extra={"checksum": config.checksum})
            if locked_out := warning(house.hooks, self.store):
                log.warning("no admin can sign in", extra={"why": locked_out})
            if _sources(before.config) != _sources(config):
                self.clockwork.request("refresh")  # what another source tells is not waited for until the clock comes
            return True

    @contextmanager
    def watching(self, seconds: float = 1.0) -> Iterator[None]:
        """Look at plugins.yml every now and then, in a thread, until the block ends."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(seconds):
                self.look()

        thread = threading.Thread(target=watch, name="configuration", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def close(self) -> None:
        """Close plugins, jobs and store."""
        self.clockwork.stop()
        loader.stop(self.house.hooks)
        if self.history is not self.store:
            self.history.close()
        self.store.close()


def _sources(config: Config) -> list[PluginConfig]:
    return [plugin for plugin in config.plugins if plugin.namespace == "errors"]


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
