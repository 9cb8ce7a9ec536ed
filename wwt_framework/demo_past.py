"""What `wwt demo` has of the time before it began: the same made-up grid, looked at once a day, and decisions of years."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from wwt_framework import config as configuration
from wwt_framework import demo_live
from wwt_framework.app import App
from wwt_framework.config import Config, PluginConfig
from wwt_framework.errors import WwtError
from wwt_framework.hooks import loader
from wwt_framework.running import app_of
from wwt_framework.services.history import Look, take_in
from wwt_framework.services.learning.files import read_history
from wwt_framework.services.learning.history import take_over
from wwt_framework.store import Store, open_store

#: Days of the past, fewer for a large grid: nobody waits for a demo. On one of them nobody looked, so that it is seen
#: what that looks like.
DAYS = 30
_WORKFLOWS = 30_000
_NOBODY_LOOKED = 11
#: Tasks on which operators acted before the demo began.
_TASKS = 1200


def look(path: Path, world: Mapping[str, Any], now: datetime) -> None:
    """Take the last days of the grid *world* into the history of the installation at *path*."""
    config = configuration.load(path)
    store = open_store(config.house.store)
    try:
        for ago in range(min(DAYS, _WORKFLOWS // world["workflows"]), 0, -1):
            if ago != _NOBODY_LOOKED:
                _look(config, store, world, now - timedelta(days=ago))
    finally:
        store.close()


def _look(config: Config, store: Store, world: Mapping[str, Any], at: datetime) -> None:
    """One look at the grid as it was *at* that time, at which it stands still."""
    then = {**world, "start": at.isoformat(), "time_lapse": 0}
    plugin = PluginConfig("errors", "world", "world", required=True, options=then)
    hooks = App(config.path, replace(config, plugins=(plugin,)), store).house.hooks
    try:
        (errors,) = hooks.each("load_errors", names=None)
        (sites,) = hooks.each("fetch_site_statuses")
        take_in(store, Look.of_columns(errors.value, at, {one.site: one for one in sites.value}, whole=True))
    finally:
        loader.stop(hooks)


def decide(path: Path, grid: Path, folder: Path) -> None:
    """Decisions of the last years, so that there is something to learn from: models are trained while one looks.

    *grid*: the plugins.yml that has the made-up grid; a console that only asks its services can not make its past.
    """
    file = folder / "history.jsonl.gz"
    with app_of(grid) as app:
        world = demo_live.command(app, "world")
        assert isinstance(world, click.Group)
        if told := demo_live.invoke(world, ["history", "--tasks", str(_TASKS), str(file)]):
            raise WwtError(f"the demo's past could not be made: {told}")
    with app_of(path) as app:
        take_over(app.store, read_history(file), "demo")
