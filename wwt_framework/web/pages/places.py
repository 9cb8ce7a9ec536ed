"""Sites and exit codes: a list of each with trends, and a page for every one (`/sites`, `/codes`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from wwt_framework.errors import NotFound
from wwt_framework.model import NOT_REPORTED, ExitCode, Readiness, SiteStatus
from wwt_framework.services import advice
from wwt_framework.services.explaining import read_code
from wwt_framework.services.history.places import (
    CodeLine,
    Place,
    Share,
    SiteLine,
    code_lines,
    code_place,
    site_lines,
    site_place,
)
from wwt_framework.services.history.trend import Span, StatusDay, Trend, TrendDay, last_look
from wwt_framework.snapshot import Snapshot
from wwt_framework.web.charts import Chart, spark, status_chart, trend_chart
from wwt_framework.web.exchange import current_exchange
from wwt_framework.web.filters import plain
from wwt_framework.web.parameters import CODE, DRAWN, Among, Format, Offset
from wwt_framework.web.render import as_json, render, table_response
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import current_app, current_house, current_snapshot, page

SPANS = (30, 90, 365)
#: Lines of a page.
PAGE = 200


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/sites": sites, "/codes": codes}


def _history() -> str:
    """What may change while the snapshot stays: it is taken into the history a moment after it is published."""
    return str(last_look(current_app().history))


_Days = Annotated[str, Among(tuple(map(str, SPANS)))]


def _span(days: str) -> tuple[int, Span]:
    n = int(days)
    return n, Span(current_app().history, current_exchange().now, n, step=7 if n > SPANS[1] else 1)


class _Words:
    """How exit codes are written."""

    codes: Mapping[int, ExitCode]

    def label(self, code: int) -> str:
        return "n.r." if code == NOT_REPORTED else str(code)

    def short(self, code: int) -> str:
        known = self.codes.get(code)
        return known.short if known else "not reported by any agent" if code == NOT_REPORTED else ""


# -- lists --


@dataclass(frozen=True)
class ListPage(_Words):
    """What the templates of both lists show."""

    lines: Sequence[SiteLine | CodeLine]
    count: int
    offset: int
    days: int
    search: str
    codes: Mapping[int, ExitCode]

    @property
    def kept(self) -> dict[str, Any]:
        """The query without the days."""
        return {"search": self.search} if self.search else {}

    @property
    def query(self) -> dict[str, Any]:
        """The query of this list, from its first line."""
        return {**self.kept, **({"days": self.days} if self.days != SPANS[0] else {})}

    def spark(self, trend: Trend) -> Chart:
        return spark(trend)


_TREND = {"trend": str, "since": date | None}
_SITE_HEAD = {"site": str, "readiness": str, "production": str, "failed jobs": int, "workflows": int, **_TREND}
_CODE_HEAD = {"exit code": int, "meaning": str, "failed jobs": int, "workflows": int, **_TREND}
#: The shape of `_plain`.
_PLACE = {
    "failed_jobs": int, "workflows": int, "shares": [Share], "most_failed": [{"workflow": str, "failed_jobs": int}],
    "trend": {"word": str, "words": str, "since": date | None, "days": [TrendDay]},
}  # fmt: skip
_STATE = {"day": date, "readiness": Readiness | None, "production": str | None}
_SITE = {"site": str, "status": (SiteStatus, None), **_PLACE, "readiness": [_STATE]}
_CODE = {"code": int, "meaning": (ExitCode, None), **_PLACE}


def _trend_cells(trend: Trend | None) -> tuple[str, str | None]:
    return ("unknown", None) if trend is None else (trend.word, trend.since.isoformat() if trend.since else None)


def _listed(template: str, lines: Sequence[Any], offset: str, days: int, search: str) -> Response:
    begin = int(offset)
    shown = ListPage(lines[begin : begin + PAGE], len(lines), begin, days, search, current_snapshot().exit_codes)
    return render(template, page=shown)


@page(fresh_by=_history, answers=([_SITE_HEAD], _SITE))
def sites(
    site: str = "",
    search: str = "",
    days: _Days = "30",
    offset: Annotated[Offset, DRAWN] = "0",
    format: Format = "",  # noqa: A002  # as in ?format=
) -> Response:
    """All sites with what fails there and how that moves; with ``site`` everything about one."""
    n, span = _span(days)
    if site:
        return _one_site(site, n, span, format)
    wanted = search.strip().lower()
    lines = [line for line in site_lines(current_snapshot(), span) if wanted in line.site.lower()]
    if format:
        rows = [
            (
                line.site, line.status.readiness.value if line.status else "not known",
                line.status.production if line.status else "not known", line.jobs, line.workflows, *_trend_cells(line.trend),
            )
            for line in lines
        ]  # fmt: skip
        return table_response(_SITE_HEAD, rows, format, "sites")
    return _listed("sites.html", lines, offset, n, search.strip())


@page(fresh_by=_history, answers=([_CODE_HEAD], _CODE))
def codes(
    code: Annotated[str, CODE] = "",
    days: _Days = "30",
    offset: Annotated[Offset, DRAWN] = "0",
    format: Format = "",  # noqa: A002  # as in ?format=
) -> Response:
    """All exit codes with what fails so and how that moves; with ``code`` everything about one."""
    n, span = _span(days)
    if code:
        number = read_code(code.strip())
        assert number is not None
        return _one_code(number, n, span, format)
    lines = code_lines(current_snapshot(), span)
    if format:
        rows = [
            (
                line.code,
                line.meaning.short if line.meaning else "",
                line.jobs,
                line.workflows,
                *_trend_cells(line.trend),
            )
            for line in lines
        ]
        return table_response(_CODE_HEAD, rows, format, "exit-codes")
    return _listed("codes.html", lines, offset, n, "")


# -- one of them --


@dataclass(frozen=True)
class PlacePage(_Words):
    """What the pages of a site and of an exit code have in common."""

    place: Place
    trend: Trend
    days: int
    codes: Mapping[int, ExitCode]
    kept: Mapping[str, Any]  # the query without the days

    @property
    def chart(self) -> Chart:
        return trend_chart(self.trend)

    @property
    def query(self) -> dict[str, Any]:
        return {**self.kept, **({"days": self.days} if self.days != SPANS[0] else {})}


@dataclass(frozen=True)
class SitePage(PlacePage):
    """What the page of a site shows."""

    name: str
    status: SiteStatus | None
    status_days: tuple[StatusDay, ...]

    @property
    def statuses(self) -> Chart:
        return status_chart(self.status_days)

    @property
    def status_url(self) -> str:
        """Where the status is from; "" unless it is an address that a browser may be led to."""
        url = self.status.url if self.status else ""
        return url if url.startswith(("https://", "http://")) else ""


@dataclass(frozen=True)
class CodePage(PlacePage):
    """What the page of an exit code shows."""

    code: int
    meaning: ExitCode | None
    procedures: tuple[Any, ...]  # recommendations for the workflow with most of it
    asked: bool  # there is such a workflow

    @property
    def places(self) -> int:
        """Sites at which jobs fail so now."""
        return sum(share.jobs > 0 for share in self.place.shares)


def _one_site(name: str, days: int, span: Span, kind: str) -> Response:
    snapshot = current_snapshot()
    place, trend = site_place(snapshot, span, name), span.site(name)
    if not place.known:
        raise NotFound(f"There is no site {plain(name)[:100]} in this snapshot or in the last {days} days.")
    status, told = snapshot.sites.get(name), span.statuses(name)
    if kind == "json":
        states = [
            {"day": d.day, "readiness": d.readiness.value if d.readiness else None, "production": d.production or None}
            for d in told
        ]
        return as_json({"site": name, "status": status, **_plain(place, trend), "readiness": states})
    if kind:
        return _days_table(trend, kind, name, told)
    return render(
        "site.html", page=SitePage(place, trend, days, snapshot.exit_codes, {"site": name}, name, status, told)
    )


def _one_code(code: int, days: int, span: Span, kind: str) -> Response:
    snapshot = current_snapshot()
    place, trend = code_place(snapshot, span, code), span.code(code)
    if not place.known:
        raise NotFound(f"No failed job of this snapshot or of the last {days} days has the exit code {code}.")
    meaning = snapshot.exit_codes.get(code)
    if kind == "json":
        return as_json({"code": code, "meaning": meaning, **_plain(place, trend)})
    if kind:
        return _days_table(trend, kind, f"exit-code-{code}", ())
    procedures = _procedures(snapshot, place, code)
    shown = CodePage(
        place, trend, days, snapshot.exit_codes, {"code": code}, code, meaning, procedures, bool(place.top)
    )
    return render("code.html", page=shown)


def _procedures(snapshot: Snapshot, place: Place, code: int) -> tuple[Any, ...]:
    case = snapshot.case(place.top[0][0]) if place.top else None
    if case is None:
        return ()
    advised = advice.advise(current_house().hooks, case)
    return tuple(item.told for item in advised.items if item.code == code)


def _plain(place: Place, trend: Trend) -> dict[str, Any]:
    return {
        "failed_jobs": place.jobs,
        "workflows": place.workflows,
        "shares": place.shares,
        "most_failed": [{"workflow": name, "failed_jobs": jobs} for name, jobs in place.top],
        "trend": {"word": trend.word, "words": trend.words, "since": trend.since, "days": trend.days},
    }


def _days_table(trend: Trend, kind: str, name: str, statuses: Sequence[StatusDay]) -> Response:
    """A line for each day; what is not known is left empty."""
    told = {one.day: one for one in statuses}
    head = ("day", "failed jobs", "workflows", "lower bound", "readiness", "production")[: 6 if statuses else 4]
    rows = []
    for day in trend.days:
        one = told.get(day.day)
        state = (one.readiness.value, one.production) if one and one.readiness else ("", "")
        rows.append((day.day.isoformat(), day.jobs, day.workflows, day.lower, *state)[: len(head)])
    return table_response(head, rows, kind, name)
