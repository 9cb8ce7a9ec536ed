"""What clusterers learnt: a folder for each fit, which takes its name when it is whole. The newest one counts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

#: Models of one plugin that are kept: somebody may still read the one before.
KEPT = 2
_STAMP = "%Y%m%dT%H%M%S.%fZ"
_UNFINISHED = "unfinished-"


@dataclass(frozen=True)
class Model:
    """The model that counts; without a folder there is none yet."""

    folder: Path | None = None
    fitted_at: datetime | None = None

    @property
    def stamp(self) -> str:
        return self.folder.name if self.folder else ""


class Models:
    """The models of every plugin, below *folder*."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def current(self, plugin: str) -> Model:
        """The newest model of *plugin* that is whole."""
        whole = self._whole(plugin)
        if not whole:
            return Model()
        return Model(whole[-1], datetime.strptime(whole[-1].name, _STAMP).replace(tzinfo=timezone.utc))

    @contextmanager
    def making(self, plugin: str, now: datetime) -> Iterator[Path]:
        """An empty folder; when the block ends well it is the current model, otherwise it is gone."""
        mine = self._folder / plugin
        name = now.astimezone(timezone.utc).strftime(_STAMP)
        into = mine / f"{_UNFINISHED}{name}"
        for left in mine.glob(f"{_UNFINISHED}*"):  # by a process that was killed; a fit never overlaps itself
            shutil.rmtree(left, ignore_errors=True)
        into.mkdir(parents=True)
        try:
            yield into
            into.rename(mine / name)
        finally:
            shutil.rmtree(into, ignore_errors=True)
        whole = self._whole(plugin)
        ahead = [other for other in whole if other.name > name]  # the clock was set back: what was made last counts
        for old in [*ahead, *whole[: len(whole) - len(ahead)][:-KEPT]]:
            shutil.rmtree(old, ignore_errors=True)

    def _whole(self, plugin: str) -> list[Path]:
        found = []
        for folder in (self._folder / plugin).glob("*Z"):
            try:
                datetime.strptime(folder.name, _STAMP)  # noqa: DTZ007  # only whether it is one of ours
            except ValueError:
                continue
            found.append(folder)
        return sorted(found)
