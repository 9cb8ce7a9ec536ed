"""The trend that stands on the pages of the overview and of a workflow."""

from __future__ import annotations

from dataclasses import dataclass

from wwt_framework.errors import WwtError
from wwt_framework.services.history.trend import Span, Trend
from wwt_framework.web.charts import Chart, trend_chart
from wwt_framework.web.exchange import current_exchange

#: Days that are shown beside something else.
DAYS = 30


@dataclass(frozen=True)
class ShownTrend:
    """A trend with its chart; or why there is none."""

    trend: Trend | None
    chart: Chart | None = None
    complaint: str = ""


def shown_trend(workflow: str = "") -> ShownTrend:
    """Of *workflow*, or of everything. A history that can not be read costs its chart and not the page."""
    exchange = current_exchange()
    try:
        span = Span(exchange.app.history, exchange.now, DAYS)
        trend = span.workflow(workflow) if workflow else span.all()
    except WwtError as err:
        return ShownTrend(None, complaint=str(err))
    return ShownTrend(trend, trend_chart(trend) if trend else None)
