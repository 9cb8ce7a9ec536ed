"""A store and a house for tests of services."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.refresh_house import House
from wwt_framework.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store.memory()
    yield store
    store.close()


@pytest.fixture
def house(tmp_path: Path, store: Store) -> House:
    return House(tmp_path, store)
