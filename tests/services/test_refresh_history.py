"""What a refresh leaves in the history of failed jobs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.services.refresh_house import NOON, House, columns, source
from wwt_framework.errors import SourceError, StoreError
from wwt_framework.model import Readiness, SiteStatus
from wwt_framework.services import refresh as refreshing
from wwt_framework.services.history import cells_of
from wwt_framework.store import Store
from wwt_framework.store.ledger import history as kept

FNAL = SiteStatus("T1_US_FNAL", Readiness.GREEN, "enabled")
HOUR = timedelta(hours=1)


def told(store: Store, workflow: str = "w") -> list[tuple[Any, ...]]:
    """Everything that is kept of *workflow*."""
    found = cells_of(store, workflow)
    return [(c.task, c.exit_code, c.site, c.count, c.ready, c.first_seen, c.last_seen) for c in found]


def test_d_b_every_refresh_is_taken_into_the_history(house: House, store: Store) -> None:
    house.sources["file"] = source(load_errors=columns(("/w/A", 85, "T1_US_FNAL", 3)), fetch_site_statuses=[FNAL])
    house.refresh()
    house.go_on(60)
    house.refresh()

    assert told(store) == [("/w/A", 85, "T1_US_FNAL", 3, Readiness.GREEN, NOON, NOON + HOUR)]
    assert [(day.jobs, day.workflows, day.at) for day in kept.past_days(store, 0, 10**6)] == [
        (3, 1, int((NOON + HOUR).timestamp()))
    ]


def test_a_workflow_that_is_shown_from_earlier_was_last_seen_then(house: House, store: Store) -> None:
    house.sources["file"] = source(load_errors=columns(("/w/A", 85, "T1_US_FNAL", 3)))
    house.refresh()
    house.go_on(60)
    house.sources["file"] = source(load_errors=SourceError("it is away"))
    house.refresh()

    assert [last for *_, last in told(store)] == [NOON]


def test_a_history_that_can_not_be_written_is_told_and_fails_no_refresh(
    house: House, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise StoreError("store x: the disk is full")

    house.sources["file"] = source(load_errors=columns(("/w/A", 85, "T1_US_FNAL", 3)))
    monkeypatch.setattr(refreshing, "take_in", full)
    report = house.report()

    assert report.text.endswith("; the history was not written: store x: the disk is full")
    assert list(house.snapshot.workflow_names()) == ["w"]
