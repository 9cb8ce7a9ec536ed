"""What the overview and the lists behind its numbers share: what they read of the address, and when they change."""

from __future__ import annotations

from dataclasses import fields

from wwt_framework.services.history.trend import last_look
from wwt_framework.services.overview_query import OverviewQuery
from wwt_framework.store import ledger
from wwt_framework.web.marks import recent_marks
from wwt_framework.web.parameters import Parameter
from wwt_framework.web.tools import current_app

#: What chooses workflows and says how they are shown, as `OverviewQuery` reads it.
ASKS = {
    one.name: Parameter(one.name, () if isinstance(one.default, tuple) else "") for one in fields(OverviewQuery)
}  # fmt: skip


def freshness() -> str:
    """Changes when actions or marks for a refresh change, or the history."""
    app = current_app()
    return f"{sorted(recent_marks().items())} {sorted(ledger.marked_preps(app.store))} {last_look(app.history)}"
