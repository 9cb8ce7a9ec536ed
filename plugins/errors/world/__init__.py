"""A made-up grid, good enough to look at: it moves with time and needs nothing from outside.

Names of sites and exit codes are those of a real grid, since that is what operators know;
requestors, workflows, files and hosts are made up.
The same seed at the same time is the same grid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone

from pydantic import Field

from wwt_framework import hookimpl
from wwt_framework.cube import ErrorColumns
from wwt_framework.model import LogExcerpt, Recovery, SiteStatus, SiteStatuses, Workflow
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import Health, PluginContext

from .grid import Grid
from .sites import statuses
from .words import excerpts


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class World:
    """A made-up grid: workflows come, fail, are recovered and go; sites have their bad days."""

    class Options(PluginOptions):
        """How big, and which one."""

        workflows: int = Field(300, ge=1, le=1_000_000, description="workflows alive at a time, ACDCs not counted")
        seed: int = Field(1, ge=0, lt=2**32, description="another number is another grid")
        days: float = Field(14.0, gt=0.01, le=365, description="days that a workflow stays")

    def __init__(self, context: PluginContext[Options], now: Callable[[], datetime] = _utc_now) -> None:
        self._grid = Grid(context.options.workflows, context.options.seed, context.options.days * 86400)
        self._seed = context.options.seed
        self._now = now

    @hookimpl
    def list_workflows(self) -> Sequence[Workflow]:
        """Every workflow that is alive, and its ACDCs."""
        return [made.workflow for made in self._grid.alive(self._now())]

    @hookimpl
    def fetch_workflows(self, names: Sequence[str]) -> Sequence[Workflow]:
        """Those of *names* that are alive."""
        wanted = set(names)
        return [made.workflow for made in self._grid.alive(self._now()) if made.workflow.name in wanted]

    @hookimpl
    def load_errors(self, names: Sequence[str] | None) -> ErrorColumns:
        """All failed jobs of the grid, or of *names*."""
        return self._grid.errors(self._now(), None if names is None else set(names))

    @hookimpl
    def fetch_logs(self, workflow: Workflow, exit_codes: frozenset[int]) -> Sequence[LogExcerpt]:
        """A few excerpts for each exit code and task."""
        made = self._grid.find(workflow.name, self._now())
        return excerpts(made, exit_codes) if made else ()

    @hookimpl
    def fetch_recoveries(self, workflow: Workflow) -> Sequence[Recovery]:
        """What is missing, task by task."""
        made = self._grid.find(workflow.name, self._now())
        return made.recoveries() if made else ()

    @hookimpl
    def fetch_site_statuses(self) -> SiteStatuses:
        """Readiness and production status as they are now."""
        found: list[SiteStatus] = statuses(self._seed, self._now())
        return SiteStatuses(tuple(found))

    @hookimpl
    def report_health(self) -> Health:
        """A made-up grid is always well."""
        return Health(True, "this grid is made up")
