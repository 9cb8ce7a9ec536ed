"""What is to be sent, and what was: a compressed file for each round, so that nothing is lost with a process."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from wwt_framework.errors import PluginError

Message = dict[str, Any]

_STAMP = "%Y%m%dT%H%M%SZ"
_ENDING = ".jsonl.gz"


class Outbox:
    """Two folders: ``copies`` has every round whole, ``waiting`` what no broker has confirmed. One process writes."""

    def __init__(self, folder: Path) -> None:
        self._copies = folder / "copies"
        self._waiting = folder / "waiting"

    def put(self, messages: Sequence[Message], at: datetime, *, to_send: bool) -> Path:
        """Keep a round; returns its copy. It waits from then on when it is *to_send*."""
        name = at.astimezone(timezone.utc).strftime(_STAMP) + _ENDING
        if to_send:
            _write(self._waiting / name, messages)
        _write(self._copies / name, messages)
        return self._copies / name

    def waiting(self) -> list[Path]:
        """Rounds of which something waits, oldest first."""
        return _files(self._waiting)

    def confirm(self, round_: Path, sent: Collection[str]) -> int:
        """Forget of *round_* the messages whose uuids were *sent*; returns how many still wait."""
        left = [message for message in read(round_) if uuid_of(message) not in sent]
        if left:
            _write(round_, left)
        else:
            round_.unlink(missing_ok=True)
        return len(left)

    def prune(self, now: datetime, keep_days: float, unsent_days: float) -> int:
        """Delete old copies, and rounds that waited too long; returns how many messages were given up."""
        for copy in _files(self._copies):
            if _time(copy) < now - timedelta(days=keep_days):
                copy.unlink(missing_ok=True)
        given_up = 0
        for round_ in self.waiting():
            if _time(round_) < now - timedelta(days=unsent_days):
                given_up += len(read(round_))
                round_.unlink(missing_ok=True)
        return given_up


def uuid_of(message: Message) -> str:
    """What tells this message from all others; the same when it is sent again."""
    return str(message["body"]["metadata"]["uuid"])


def read(path: Path) -> list[Message]:
    """The messages of a round. Raises `PluginError` when the file is damaged."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]
    except (OSError, EOFError, ValueError) as err:
        raise PluginError(f"{path}: can not be read ({err}); move it away to go on without its documents") from err


def _write(path: Path, messages: Sequence[Message]) -> None:
    """Replace *path* as a whole: it is there with all of it, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as raw:
            with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
                for message in messages:
                    packed.write(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            raw.flush()
            os.fsync(raw.fileno())
        part.replace(path)
    except OSError as err:
        raise PluginError(f"{path}: can not be written: {err.strerror or err}") from err


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"*{_ENDING}") if not path.name.startswith("."))


def _time(path: Path) -> datetime:
    try:
        return datetime.strptime(path.name.removesuffix(_ENDING), _STAMP).replace(tzinfo=timezone.utc)
    except ValueError:  # somebody put it there
        return datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
