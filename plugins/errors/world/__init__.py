"""A made-up grid, counted from a real one: it moves with time and needs nothing from outside.

Names of sites, campaigns and exit codes are those of a real grid, since that is what operators know;
requests, files and hosts are made up.
The same seed at the same time is the same grid, but for what was done to it (`acts`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Literal

from pydantic import Field, model_validator

from wwt_framework import hookimpl
from wwt_framework.cube import ErrorColumns
from wwt_framework.model import LogExcerpt, Recovery, SiteStatuses, Workflow
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import Command, Health, PluginContext

from .acts import FILE
from .clock import WorldClock
from .command import group
from .grid import Grid
from .sites import statuses
from .state import State
from .words import excerpts

#: Seconds for which the grid stands still, so that the answers of one refresh fit together.
TICK_S = 60
#: Seconds for which questions about one workflow are answered from the last look at all of them.
FRESH_S = 900


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class World:
    """A made-up grid: workflows come, fail, are recovered and go; sites have their bad days."""

    class Options(PluginOptions):
        """How big, and which one."""

        workflows: int = Field(
            300, ge=1, le=1_000_000, description="workflows alive at a time, about; ACDCs not counted"
        )
        seed: int = Field(1, ge=0, lt=2**32, description="another number is another grid")
        days: float = Field(14.0, gt=0.01, le=365, description="days that a workflow stays when nobody mends it")
        population: Literal["acted", "running"] = Field(
            "acted", description="acted: what operators act on; running: all that runs, most of it failing a little"
        )
        time_lapse: float = Field(1.0, ge=0, le=1e6, description="seconds that pass there in a second here")
        start: datetime | None = Field(None, description="when the time lapse starts, UTC; needed for one")

        @model_validator(mode="after")
        def _lapse_has_a_start(self) -> World.Options:
            if self.time_lapse != 1 and self.start is None:
                raise ValueError("time_lapse needs start: the moment at which the time there is the time here")
            return self

    def __init__(self, context: PluginContext[Options], now: Callable[[], datetime] = _utc_now) -> None:
        options = context.options
        self.grid = Grid(
            options.workflows, options.seed, options.days * 86400, options.population, context.data_dir / FILE
        )
        self._seed = options.seed
        self._data_dir = context.data_dir
        self._acted_on = options.population == "acted"
        self._now = now
        self._clock = WorldClock(options.start, options.time_lapse)
        self._looked: tuple[float, datetime, State] | None = None

    def at(self) -> datetime:
        """What time it is in the grid; it goes on in steps."""
        now = self._now()
        return self._clock.at(datetime.fromtimestamp(now.timestamp() // TICK_S * TICK_S, timezone.utc))

    def _all(self) -> State:
        """Everything, now."""
        state = self.grid.state(self.at())
        self._looked = (time.monotonic(), self._now(), state)
        return state

    def _last_look(self) -> State | None:
        """Everything, when it was asked for a short while ago: a refresh asks for everything first."""
        if self._looked is None:
            return None
        monotonic, now, state = self._looked
        fresh = time.monotonic() - monotonic < FRESH_S and abs((self._now() - now).total_seconds()) < FRESH_S
        return state if fresh else None

    def _one(self, name: str) -> tuple[State, int] | None:
        """The state and row of one workflow; None when there is no such workflow."""
        state = self._last_look()
        if state is None:
            return self.grid.alone(name, self.at())
        row = state.row(name)
        return None if row is None else (state, row)

    @hookimpl
    def list_workflows(self) -> Sequence[Workflow]:
        """Every workflow that is there, and its ACDCs and clones."""
        return list(self._all().workflows())

    @hookimpl
    def fetch_workflows(self, names: Sequence[str]) -> Sequence[Workflow]:
        """Those of *names* that are there."""
        found = [self._one(name) for name in names]
        return [state.workflow(row) for state, row in filter(None, found)]

    @hookimpl
    def fetch_family(self, prep_id: str) -> Sequence[Workflow]:
        """The workflow of *prep_id*, and what was made of it."""
        state = self._last_look() or self.grid.family(prep_id, self.at())
        return [state.workflow(row) for row in state.family(prep_id)] if state else ()

    @hookimpl
    def load_errors(self, names: Sequence[str] | None) -> ErrorColumns:
        """All failed jobs of the grid, or of *names*."""
        if names is None:
            return self._all().columns()
        state = self._all()
        return state.columns([row for name in names if (row := state.row(name)) is not None])

    @hookimpl
    def fetch_logs(self, workflow: Workflow, exit_codes: frozenset[int]) -> Sequence[LogExcerpt]:
        """A few excerpts for each exit code and task."""
        found = self._one(workflow.name)
        return excerpts(found[0].made_row(found[1]), exit_codes, self._acted_on) if found else ()

    @hookimpl
    def fetch_recoveries(self, workflow: Workflow) -> Sequence[Recovery]:
        """What is missing, task by task."""
        found = self._one(workflow.name)
        return found[0].made_row(found[1]).recoveries() if found else ()

    @hookimpl
    def fetch_site_statuses(self) -> SiteStatuses:
        """Readiness and production status as they are now."""
        return SiteStatuses(tuple(statuses(self._seed, self.at())))

    @hookimpl
    def register_commands(self) -> Sequence[Command]:
        """``wwt world``: to write the grid out, and to work on it."""
        return [
            Command("world", "Write the made-up grid out, or work on it.", group(self.grid, self.at, self._data_dir))
        ]

    @hookimpl
    def report_health(self) -> Health:
        """A made-up grid is always well."""
        return Health(True, "this grid is made up")
