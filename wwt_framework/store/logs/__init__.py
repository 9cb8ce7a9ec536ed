"""What failed jobs said, to be searched by parts of words: identical texts once, with where and when they were said.

Filled by the refresh, never changed by a page, and made anew from the next refreshes when it is lost: nothing here
is the only copy of anything. An SQLite store has it in a file of its own, ``logs.db``, so that actions never wait for it.
"""

from __future__ import annotations

from pathlib import Path

from wwt_framework.store import Store
from wwt_framework.store.logs.common import LogIndex
from wwt_framework.store.logs.postgres import PostgresLogs
from wwt_framework.store.logs.sqlite import SqliteLogs
from wwt_framework.store.logs.words import Hit, Said, Spot, Wanted, split_words

__all__ = ["Hit", "LogIndex", "Said", "Spot", "Wanted", "open_log_index", "split_words"]


def open_log_index(store: Store, data_dir: Path) -> LogIndex:
    """The index that belongs to *store*; nothing is written before something is kept."""
    return SqliteLogs(data_dir / "logs.db") if store.is_sqlite else PostgresLogs(store)
