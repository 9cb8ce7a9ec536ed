"""A console with the shipped sources, asking a stand-in for the grid's services over HTTPS, and what its pages say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.web.house import Client
from wwt_framework.app import App
from wwt_framework.services.refresh import RefreshReport, refresh
from wwt_framework.testing.certificates import Authority
from wwt_framework.testing.grid_services import GridServices
from wwt_framework.web.wsgi import build

#: When the weather was good: pages tell ages by the clock on the wall.
AT = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(hours=3)

Cell = tuple[str, int, str]


@dataclass(frozen=True)
class Shown:
    """What the page of one workflow says, as its JSON twin."""

    page: dict[str, Any]

    @property
    def cells(self) -> dict[Cell, int]:
        return {
            (table["task"], row["code"], site): n
            for table in self.page["tasks"]
            for row in table["codes"]
            for site, n in row["sites"].items()
        }

    @property
    def state(self) -> str:
        return str(self.page["errors"]["state"])

    @property
    def total(self) -> int:
        return sum(self.cells.values())

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.page["errors"]["at"])

    @property
    def missing(self) -> dict[str, int | None] | None:
        """Task -> missing events; None: it is not known what is missing."""
        told = self.page["missing"]
        return None if told is None else {one["task"]: one["events"] for one in told}

    @property
    def doubts(self) -> dict[str, dict[str, Any]]:
        return {doubt["kind"]: doubt for doubt in self.page["doubts"]}


class Live:
    """One console over *services*, with a clock of its own; ``refresh`` as its job does."""

    def __init__(self, folder: Path, services: GridServices, authority: Authority, at: datetime = AT) -> None:
        self.now = at
        self.services = services
        proxy = authority.person("console")
        about = {"certificate": str(proxy), "ca": str(authority.path)}
        statuses = {"path": f"{services.url}/cms-unified/statuses.json", **about}
        cmsweb = {"url": services.url, **about}
        written = {
            "wwt": {"data_dir": str(folder / "data"), "include_all_acdcs": True, "concurrency": 16},
            "errors": {"unified_status": statuses, "cmsweb": cmsweb},
        }
        path = folder / "plugins.yml"
        path.write_text(json.dumps(written))  # which is YAML, too
        self.app = App.build(path)
        plugins = self.app.house.hooks.plugins
        self._cmsweb: Any = plugins["errors.cmsweb"]
        self._listing: Any = plugins["errors.unified_status"]
        asking = self._cmsweb._services
        self._cmsweb._now = self._cmsweb._looks._now = asking._clock = asking._pulse._clock = (
            self._cmsweb._cache._now
        ) = self._seconds
        for plugin in (self._cmsweb, self._listing):  # a test does not wait between two tries
            retries = plugin._context.http.get_adapter("https://").max_retries
            retries.backoff_factor = retries.backoff_jitter = 0
        self.client = Client(build(self.app), self.app, {})

    def give_up_after(self, seconds: float) -> None:
        """How long the sources wait for an answer."""
        self._cmsweb._services._timeout = (seconds, seconds)
        self._cmsweb._services._deadline_s = seconds
        context = self._listing._context
        context.http.get_adapter("https://")._timeout = (seconds, seconds)
        options = context.options.model_copy(update={"timeout_s": seconds})
        self._listing._context = replace(context, options=options)

    def misbehave(self, part: str, fault: str) -> None:
        """From now on every address that contains *part* gets *fault*."""
        self.services.mood.misbehave(part, fault)
        self.give_up_after(0.3 if fault in ("time out", "drip") else 20)

    def behave(self) -> None:
        """All is well again."""
        self.services.mood.behave()
        self.give_up_after(20)

    def _seconds(self) -> float:
        return self.now.timestamp()

    def refresh(self, minutes: float = 15, **only: list[str]) -> RefreshReport:
        """A refresh, *minutes* after whatever was before; *only* some workflows or prep ids, as a reset wants it."""
        self.now += timedelta(minutes=minutes)
        house = self.app.house
        data_dir = house.config.house.data_dir
        report = refresh(house.hooks, house.config, self.app.store, data_dir, clock=lambda: self.now, **only)
        self.app.board._next_look = float("-inf")
        return report

    # -- what the pages say --

    def json(self, path: str) -> Any:
        got = self.client.get(path)
        assert got.status == 200, f"{path}: {got.text[:300]}"
        return got.json

    def names(self) -> list[str]:
        return list(self.app.board.snapshot.workflow_names())

    def shown(self, name: str) -> Shown:
        return Shown(self.json(f"/seeworkflow?workflow={quote(name)}&format=json"))

    def all_shown(self) -> dict[str, Shown]:
        return {name: self.shown(name) for name in self.names()}

    def strip(self) -> dict[tuple[str, str], dict[str, Any]]:
        """(source, kind) -> its line of /freshness."""
        return {(line["plugin"], line["kind"]): line for line in self.json("/freshness?format=json")}

    def list_states(self) -> dict[str, str]:
        """Workflow -> the state of its count in the list of prep ids."""
        lines = self.json("/globalerror?view=list&format=json")
        return {line["workflow"]: line["state"] for line in lines}


@contextmanager
def live(folder: Path, services: GridServices, authority: Authority, at: datetime = AT) -> Iterator[Live]:
    house = Live(folder, services, authority, at)
    try:
        yield house
    finally:
        house.app.close()


def copied(prepared: Path, folder: Path) -> None:
    """Another console that has seen what the *prepared* one has seen."""
    shutil.copytree(prepared / "data", folder / "data")
