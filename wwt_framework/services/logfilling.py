"""The log index follows the snapshots: each refresh adds what is new, and forgets what is old or too much."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from wwt_framework.errors import WwtError
from wwt_framework.options import HouseOptions
from wwt_framework.snapshot import Snapshot
from wwt_framework.store.logs import LogIndex, Said

log = logging.getLogger(__name__)

#: Excerpts of one transaction.
_BATCH = 1_000


def fill(index: LogIndex, snapshot: Snapshot, now: datetime, house: HouseOptions) -> str:
    """Take over the logs of *snapshot*; a sentence when that did not work, "" when it did.

    The snapshot is published by then: an index that can not be written costs the search of newer logs, and nothing else.
    """
    try:
        for batch in _said(snapshot):
            index.keep(batch, now)
        index.prune(now - timedelta(days=house.keep_logs_days), house.keep_logs_mb * 1_000_000)
        index.note_filled(now)
    except WwtError as err:
        log.warning("logs can not be searched as of now", extra={"why": str(err)})
        return str(err)
    return ""


def _said(snapshot: Snapshot) -> Iterator[list[Said]]:
    if snapshot.detail is None:
        return
    names = list(snapshot.cube.workflows)
    for batch in snapshot.detail.every_log(_BATCH):
        yield [
            Said(
                one.text, names[workflow], one.task, one.exit_code, one.site, _module(one.error_type), one.count, one.at
            )
            for workflow, one in batch
            if one.text
        ]  # fmt: skip


def _module(error_type: str) -> str:
    """Error types are not an enumeration, whole messages occur."""
    return " ".join(error_type.split())[:120]
