"""Snapshots on disk: written beside the others, published by one row in the store, removed when nobody needs them.

A refresh may be killed at any point: what is current stays current and whole.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from wwt_framework.errors import WwtError
from wwt_framework.snapshot import Snapshot, SnapshotParts, open_snapshot, write
from wwt_framework.snapshot_templates import Miner, nobody
from wwt_framework.store import Store, ledger

log = logging.getLogger(__name__)

FOLDER = "snapshots"
_WRITING = ".writing-"


@contextmanager
def alone(data_dir: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """One refresh at a time in *data_dir*; others wait, and say so by *waiting*. A killed one does not hold up anybody."""
    data_dir.mkdir(parents=True, exist_ok=True)
    lock = os.open(data_dir / "refresh.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def sweep(data_dir: Path) -> None:
    """Remove what a killed refresh left half written."""
    for path in (data_dir / FOLDER).glob(f"{_WRITING}*"):
        shutil.rmtree(path, ignore_errors=True)


def publish(store: Store, data_dir: Path, parts: SnapshotParts, mine: Miner = nobody) -> Snapshot:
    """Write *parts* and make them what pages read. The version is made unique and later than all before.

    Raises `WwtError` when it can not be written; then nothing has changed.
    """
    folder = data_dir / FOLDER
    parts = replace(parts, version=_version(store, parts.taken_at))
    final = folder / parts.version
    writing = folder / f"{_WRITING}{parts.version}"
    try:
        writing.mkdir(parents=True)
        write(writing, parts, mine)
        for path in [*writing.iterdir(), writing]:
            _sync(path)
        writing.rename(final)
        _sync(folder)
    except OSError as err:
        shutil.rmtree(writing, ignore_errors=True)
        raise WwtError(
            f"{final}: the snapshot could not be written: {err.strerror or err}; the one before stays"
        ) from err
    except BaseException:
        shutil.rmtree(writing, ignore_errors=True)
        raise
    try:
        snapshot = open_snapshot(final)
        ledger.publish_version(store, parts.version, parts.taken_at, f"{FOLDER}/{parts.version}")
    except BaseException:
        shutil.rmtree(final, ignore_errors=True)
        raise
    return snapshot


def _version(store: Store, taken_at: datetime) -> str:
    """A name that sorts behind all published ones, also when the clock was set back."""
    newest = max((version.version for version in ledger.versions(store, limit=1000)), default="")
    name = _name(taken_at)
    if name > newest:
        return name
    try:
        last = datetime.strptime(newest, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise WwtError(f"the store knows a snapshot {newest!r} that no refresh of ours has named") from None
    return _name(last + timedelta(microseconds=1))


def _name(when: datetime) -> str:
    return when.astimezone(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def prune(store: Store, data_dir: Path, keep: int) -> None:
    """Remove all but the current snapshot and *keep* before it, and folders that were never published.

    Whoever still reads a removed one goes on reading: its files are gone only when the last reader has let go.
    """
    versions = ledger.versions(store, limit=100_000)
    stay = {version.version for version in versions[: keep + 1]}
    for version in versions[keep + 1 :]:
        ledger.forget_version(store, version.version)
    for path in (data_dir / FOLDER).iterdir():
        if path.name not in stay:
            shutil.rmtree(path, ignore_errors=True)
