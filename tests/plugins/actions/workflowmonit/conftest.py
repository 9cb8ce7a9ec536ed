"""Cases to watch, the plugin, and a real broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from wwt_framework.model import Case, ErrorCount, ErrorTable, Known, Workflow
from wwt_framework.testing.doors import SnapshotInMemory
from wwt_framework.testing.running import Running

from .rabbit import Rabbit, rabbit

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
TEAM = "team@example.org"


def case(
    name: str = "wf_A", failed: int = 3, status: str = "running-open", rate: float | None = 0.6, since_days: float = 3
) -> Case:
    since = int((NOON - timedelta(days=since_days)).timestamp())
    workflow = Workflow(
        name, request_type="TaskChain", status=status, failure_rate=rate,
        parameters={"RequestTransition": [{"Status": "running-open", "UpdateTime": since}]},
    )  # fmt: skip
    errors = ErrorTable([ErrorCount(f"/{name}/T_0", 8028, "T1_US_FNAL", failed)] if failed else [])
    return Case(workflow, errors, known={"errors": Known("errors", "errors.cmsweb", "ok", NOON)})


def world(*cases: Case, minutes: float = 0) -> SnapshotInMemory:
    """A snapshot, taken so many minutes after noon."""
    return SnapshotInMemory({case.workflow.name: case for case in cases}, NOON + timedelta(minutes=minutes))


@pytest.fixture
def watch(wwt_plugin: Callable[..., Running]) -> Callable[..., Running]:
    """``watch(case(...), brokers=[...])``: the plugin before a snapshot of these cases."""

    def make(*cases: Case, **options: Any) -> Running:
        it = wwt_plugin("extras.workflowmonit", **options)
        it.doors.snapshot = world(*cases)
        return it

    return make


def collect(it: Running, minutes: float = 5) -> str:
    """One round, so many minutes after noon."""
    return str(it.plugin.collect(lambda *_: None, NOON + timedelta(minutes=minutes)))


@pytest.fixture(scope="session")
def broker(component: Callable[[str], str]) -> Iterator[Rabbit]:
    with rabbit(component("rabbitmq")) as running:
        yield running
