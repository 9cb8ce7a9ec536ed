"""A grid of thirty workflows as its services tell it, and a console that has seen it once, in good weather."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.live_house import AT, Live, Shown, copied, live
from wwt_framework.testing.certificates import Authority
from wwt_framework.testing.grid_services import GridServices, Written
from wwt_framework.testing.running import running


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `wwt world export --format services` writes of thirty workflows."""
    folder = tmp_path_factory.mktemp("world")
    it = running("errors.world", {"workflows": 30}, folder)
    (command,) = it.ask("register_commands")
    command.command.main(["export", "--format", "services", str(folder / "written")], standalone_mode=False)
    it.stop()
    return folder / "written"


@pytest.fixture(scope="session")
def grid(written: Path, authority: Authority) -> Iterator[GridServices]:
    """One stand-in for all tests: what is kept of an answer is known by its address."""
    with GridServices(Written(written), authority).open() as running:
        yield running


@pytest.fixture(scope="session")
def seen(
    tmp_path_factory: pytest.TempPathFactory, grid: GridServices, authority: Authority
) -> tuple[Path, dict[str, Shown]]:
    """The folder of a console that took one refresh when all was well, and what its pages said."""
    folder = tmp_path_factory.mktemp("seen")
    with live(folder, grid, authority) as house:
        house.refresh(0)
        return folder, house.all_shown()


@pytest.fixture
def good(seen: tuple[Path, dict[str, Shown]]) -> dict[str, Shown]:
    return seen[1]


@pytest.fixture
def services(grid: GridServices) -> Iterator[GridServices]:
    """The stand-in, in good weather at first and at the end."""
    grid.asked.clear()
    grid.mood.given.clear()
    yield grid
    grid.mood.behave()


@pytest.fixture
def house(seen: Any, services: GridServices, authority: Authority, tmp_path: Path) -> Iterator[Live]:
    """A console that saw good weather at AT."""
    copied(seen[0], tmp_path)
    with live(tmp_path, services, authority, AT) as house:
        yield house
