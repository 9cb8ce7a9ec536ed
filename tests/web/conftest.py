"""A whole installation's pages, asked in process: ``client.get("/globalerror", user="olga")``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.web.house import PEOPLE, TAKEN, Client, Installation, People, hostile_snapshot, make_snapshot
from wwt_framework.model import ErrorCount
from wwt_framework.snapshot import Snapshot
from wwt_framework.web import wsgi


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Callable[..., Client]]:
    """``installation(plugins={...}, snapshot=..., open_reading=False)`` gives a client of a new installation."""
    opened: list[Installation] = []

    def build(plugins: dict[str, object] | None = None, snapshot: Snapshot | None = None, **options: Any) -> Client:
        seats = {"auth.people": People(), **(plugins or {})}
        app = Installation(tmp_path, snapshot or Snapshot.empty(), seats, **options)
        opened.append(app)
        return Client(wsgi.build(app), app, {name: name[::-1] for name in PEOPLE})

    yield build
    for app in opened:
        app.clockwork.stop()
        app.store.close()


@pytest.fixture
def client(installation: Callable[..., Client]) -> Client:
    """A visitor of an installation that has not looked at anything yet."""
    return installation()


@pytest.fixture
def snapshot(tmp_path: Path) -> Callable[..., Snapshot]:
    """``snapshot(counts=[ErrorCount(...)], workflows=[...], sources=[...])``: a world of one's own."""
    numbers = count(1)

    def build(counts: Sequence[ErrorCount] = (), taken_at: datetime = TAKEN, **parts: Any) -> Snapshot:
        return make_snapshot(tmp_path / f"v{next(numbers)}", counts, taken_at, **parts)

    return build


@pytest.fixture
def hostile_world(tmp_path: Path) -> Snapshot:
    """Every name in it means harm."""
    return hostile_snapshot(tmp_path / "hostile")
