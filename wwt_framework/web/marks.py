"""What became of workflows, in the original's words: none, pending (queued or sent), acted (done)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from wwt_framework.store import ledger
from wwt_framework.web.exchange import current_exchange


def recent_marks() -> Mapping[str, str]:
    """Workflow -> pending or acted, as far back as the installation wants to be reminded."""
    exchange = current_exchange()
    if exchange.marks is None:
        days = exchange.house.config.house.submit_history_days
        exchange.marks = ledger.marks(exchange.app.store, exchange.now - timedelta(days=days))
    return exchange.marks


def marks_of(names: Sequence[str]) -> dict[str, str]:
    """Workflow -> none, pending or acted, for *names* only, however long ago."""
    store = current_exchange().app.store
    return {**dict.fromkeys(names, "none"), **ledger.marks(store, workflows=names)}
