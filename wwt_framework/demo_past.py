"""What `wwt demo` shows of the days before it began: the same made-up grid, looked at once on each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from wwt_framework import config as configuration
from wwt_framework.app import App
from wwt_framework.config import Config, PluginConfig
from wwt_framework.hooks import loader
from wwt_framework.services.history import Look, take_in
from wwt_framework.store import Store, open_store

#: Days of the past, fewer for a large grid: nobody waits for a demo. On one of them nobody looked, so that it is seen
#: what that looks like.
DAYS = 30
_WORKFLOWS = 30_000
_NOBODY_LOOKED = 11


def fill(path: Path, world: Mapping[str, Any], now: datetime) -> None:
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
