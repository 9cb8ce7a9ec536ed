"""Trained models on disk: one folder each, what it was made with beside it, and which one counts.

``data_dir/<plugin>/models/<version>/`` holds about.json and the plugin's files;
``data_dir/<plugin>/models/which.json`` says which count: ``{"current": version, "shadow": version, "previous": version}``.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import orjson

from wwt_framework.errors import WwtError

_ABOUT, _WHICH, _NEW = "about.json", "which.json", ".new-"
#: Models that stay on disk beside those that count.
_STAY = 2


@dataclass(frozen=True)
class About:
    """What is known of one model."""

    plugin: str
    version: str
    made_at: datetime
    training_set: str
    decisions: int
    text: str  # what the training came to
    scikit_learn: str
    believed: Mapping[str, float]  # label -> probability from which on it is sure
    report: Mapping[str, Any] = field(default_factory=dict)  # its scores on the validation set, as `reporting.plain`
    verdict: str = ""  # why it counts, or does not
    files: Mapping[str, str] = field(default_factory=dict)  # name -> SHA-256


@dataclass(frozen=True)
class Which:
    """The versions that count; "" for none."""

    current: str = ""
    shadow: str = ""
    previous: str = ""


class Models:
    """The models of one plugin."""

    def __init__(self, data_dir: Path, plugin: str) -> None:
        self.plugin = plugin
        self._folder = data_dir / plugin / "models"

    def begin(self, version: str) -> Path:
        """An empty folder for a new model. Raises `WwtError` when there can be none.

        Folders that a training left which was killed are gone then: whoever begins has the turn (`turn`).
        """
        folder = self._folder / f"{_NEW}{version}"
        with self._told("a new model can not be kept"):
            for left in self._folder.glob(f"{_NEW}*"):
                shutil.rmtree(left, ignore_errors=True)
            folder.mkdir(parents=True)
        return folder

    def keep(self, folder: Path, about: About) -> About:
        """Keep the model in *folder*, which `begin` gave; it does not count yet. Raises `WwtError` when it can not be."""
        with self._told("a new model can not be kept"):
            files = {path.name: _checksum(path) for path in sorted(folder.iterdir()) if path.is_file()}
            about = replace(about, files=files)
            (folder / _ABOUT).write_bytes(orjson.dumps(about, option=orjson.OPT_INDENT_2))
            target = self._folder / about.version
            shutil.rmtree(target, ignore_errors=True)
            folder.rename(target)
        self._tidy()
        return about

    def discard(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    def which(self) -> Which:
        try:
            told = orjson.loads((self._folder / _WHICH).read_bytes())
            return Which(*(str(told.get(name) or "") for name in ("current", "shadow", "previous")))
        except FileNotFoundError:
            return Which()
        except (OSError, ValueError, AttributeError) as error:
            raise WwtError(f"{self._folder / _WHICH} can not be read ({error}); train the model again") from error

    def which_or_none(self) -> Which:
        """The same where a new model is to count: a file that can not be read is about to be replaced, so nothing counts."""
        try:
            return self.which()
        except WwtError:
            return Which()

    def choose(self, which: Which) -> None:
        """Have these versions count, from now on and at once. Raises `WwtError`; then it stays as it was."""
        with self._told("which model counts can not be written down"):
            self.note(_WHICH, orjson.dumps(which))

    def note(self, name: str, content: bytes) -> None:
        """Keep *content* under *name* beside the models, in the place of what is there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        new = self._folder / f".{name}-{os.getpid()}"
        new.write_bytes(content)
        new.replace(self._folder / name)

    def noted(self, name: str) -> bytes:
        """What `note` kept. Raises OSError when there is nothing."""
        return (self._folder / name).read_bytes()

    def take(self, version: str) -> None:
        """Let *version* count in the place of what does."""
        self.about(version)
        before = self.which_or_none()
        if before.current != version:
            shadow = "" if before.shadow == version else before.shadow
            self.choose(Which(version, shadow, before.current))

    def about(self, version: str) -> About:
        """What is known of *version*. Raises `WwtError` when there is no such model."""
        try:
            told = orjson.loads((self._folder / _name(version) / _ABOUT).read_bytes())
            about = About(**{**told, "made_at": datetime.fromisoformat(told["made_at"])})
            if not all(isinstance(part, dict) for part in (about.believed, about.report, about.files)):
                raise TypeError("expected mappings as believed, report and files")
            return about
        except FileNotFoundError:
            raise WwtError(f"{self.plugin} has no model {version!r}") from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise WwtError(f"what is known of the model {version} of {self.plugin} can not be read: {error}") from error

    def versions(self) -> list[str]:
        """All that are on disk, the newest first."""
        if not self._folder.is_dir():
            return []
        return sorted(
            (p.name for p in self._folder.iterdir() if (p / _ABOUT).is_file() and p.name[0] != "."), reverse=True
        )

    def checked(self, version: str) -> Path:
        """The folder of *version*, when it may be loaded. Raises `WwtError` in a sentence when it may not."""
        try:
            about = self.about(version)
        except WwtError as error:
            raise WwtError(f"{error}; train it again with `wwt train`") from error
        here = version_of("scikit-learn")
        if about.scikit_learn != here:
            raise WwtError(
                f"the model {version} of {self.plugin} was made with scikit-learn {about.scikit_learn}, "
                f"this is {here}; train it again with `wwt train`"
            )
        folder = self._folder / version
        with self._told(f"the model {version} can not be read"):
            there = {path.name: path for path in folder.iterdir() if path.name != _ABOUT}
            for name in sorted({*there, *about.files}):
                if name not in there or not there[name].is_file() or about.files.get(name) != _checksum(there[name]):
                    raise WwtError(
                        f"{name} of the model {version} of {self.plugin} is not the file that was written "
                        "(its checksum differs); train it again with `wwt train`"
                    )
        return folder

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """What the system says against it, as a `WwtError`."""
        try:
            yield
        except OSError as error:
            raise WwtError(f"{self.plugin}: {what}: {error}") from error

    def _tidy(self) -> None:
        try:
            which = self.which()
        except WwtError:  # nobody knows what counts: all stay
            return
        counts = {which.current, which.shadow, which.previous}
        for version in [name for name in self.versions() if name not in counts][_STAY:]:
            shutil.rmtree(self._folder / version, ignore_errors=True)


@contextmanager
def turn(data_dir: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Wait until nobody else trains what is kept in *data_dir*; the system ends the turn of whoever dies.

    *tell* is told when there is something to wait for. Raises `WwtError` when the folder can not be written.
    """
    path = data_dir / "locks" / "train.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise WwtError(f"nothing can be trained: {error}") from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("another training runs; this one waits for its end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _name(version: str) -> str:
    """Raises `WwtError` for what is no version: it becomes part of a path."""
    if not version or not all(c.isalnum() or c == "-" for c in version):
        raise WwtError(f"expected the version of a model like 20261129-121501-3f2a9c, got {version[:80]!r}")
    return version


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()
