"""The board holds the snapshot that pages read: one reference, replaced as a whole when a newer one was published."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from wwt_framework.errors import WwtError
from wwt_framework.snapshot import Snapshot, open_snapshot
from wwt_framework.store import Store, ledger

log = logging.getLogger(__name__)

#: Seconds between two looks at the store.
LOOK_EVERY = 1.0


class Board:
    """The newest snapshot that can be read. Read ``snapshot`` once into a local name; never twice in one function."""

    def __init__(self, data_dir: Path, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._data_dir = data_dir
        self._store = store
        self._clock = clock
        self._looking = threading.Lock()
        self._next_look = float("-inf")
        self._snapshot = Snapshot.empty()
        self._seen = ""  # the version that the store named last
        self._broken = ""  # what is wrong with its folder
        self.problem = ""  # why the newest snapshot is not the one that is shown, for the freshness strip

    @property
    def snapshot(self) -> Snapshot:
        """What pages show. Looks for a newer one at most once a second; nobody waits for somebody else's look."""
        if self._clock() >= self._next_look and self._looking.acquire(blocking=self._snapshot.is_empty):
            try:
                if self._clock() >= self._next_look:
                    self._look()
                    self._next_look = self._clock() + LOOK_EVERY
            finally:
                self._looking.release()
        return self._snapshot

    def _look(self) -> None:
        try:
            current = ledger.current_version(self._store)
        except WwtError as err:
            self._say(f"the store can not be asked for a newer snapshot: {err}")
            return
        if current is None or current.version == self._seen:
            self._say(self._broken)
            return
        problem = ""
        for version in ledger.versions(self._store, limit=20):
            if version.version == self._snapshot.version:
                break  # what is shown is the newest that can be read
            try:
                self._snapshot = open_snapshot(self._data_dir / version.folder)
                break
            except WwtError as err:
                problem = problem or str(err)
        self._seen = current.version
        self._broken = problem and f"The newest snapshot can not be read, an older one is shown: {problem}"
        self._say(self._broken)

    def _say(self, problem: str) -> None:
        if problem and problem != self.problem:
            log.error("the newest snapshot is not shown", extra={"problem": problem})
        self.problem = problem
