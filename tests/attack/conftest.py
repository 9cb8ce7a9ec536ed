"""What is attacked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attack.besieged import besieged
from wwt_framework.app import App


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An installation with all shipped plugins; shared by the tests of a module."""
    app = besieged(tmp_path_factory.mktemp("besieged"))
    yield app
    app.close()
