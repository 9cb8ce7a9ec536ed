"""The lists behind the numbers of the overview: of two of exit code, site and workflow the third (`/listpage`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from wwt_framework.errors import NotFound
from wwt_framework.services import listing as lists
from wwt_framework.services.overview_query import FILTERS, MOST, OverviewQuery
from wwt_framework.web.exchange import Refused, current_exchange
from wwt_framework.web.listlines import list_lines
from wwt_framework.web.marks import recent_marks
from wwt_framework.web.overviewing import ASKS, freshness
from wwt_framework.web.parameters import Format
from wwt_framework.web.render import redirect, render, table_response
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import current_snapshot, current_user, page


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/listpage": listpage, "/listworkflows": listworkflows}


@dataclass(frozen=True)
class ListPage:
    """What the template of a list shows; ``list`` is None when too little was given."""

    list: lists.Listing | None
    given: tuple[tuple[str, str], ...]  # what the address said
    problems: tuple[str, ...] = ()
    lines: str = ""  # HTML

    @property
    def parameters(self) -> dict[str, Any]:
        """What the address said, values of the same name together."""
        found: dict[str, Any] = {}
        for name, value in self.given:
            found.setdefault(name, []).append(value)
        return found

    @property
    def query_text(self) -> str:
        """What the address said, as a query."""
        return urlencode(self.given)

    @property
    def next_query(self) -> dict[str, Any]:
        """The parameters of the next page."""
        return {**self.parameters, "offset": self.list.next} if self.list else {}


_ABOUT = {"workflow": "status", "site": "readiness", "code": "meaning"}
_LISTED = {"errors": int, "production": str, "state": str}
_LISTS = tuple([{of: (int, str), **_LISTED, about: str}] for of, about in _ABOUT.items())


@page(fresh_by=freshness, answers=_LISTS, asks={name: ASKS[name] for name in FILTERS})
def listpage(
    errorcode: str = "",
    sitename: str = "",
    workflow: str = "",
    offset: str = "",
    format: Format = "",  # noqa: A002  # as in ?format=
    **asked: Any,
) -> Response:
    """For two of exit code, site and workflow: the third, with failed jobs, the most first."""
    asked = {name: value for name, value in asked.items() if name in FILTERS}
    query, problems = OverviewQuery.parse({**asked, "offset": offset})
    mine = (("errorcode", errorcode), ("sitename", sitename), ("workflow", workflow))
    given = (*((name, value) for name, value in mine if value), *query.filters())
    told = sum(bool(value) for _, value in mine)
    if told == len(mine):
        raise NotFound("An exit code, a site and a workflow together leave nothing to list. Take one of them away.")
    if told < len(mine) - 1 and not current_exchange().wants_html():
        raise Refused(400, "Give two of errorcode, sitename and workflow: what they leave is listed.")
    if told < len(mine) - 1:
        return render("listpage.html", 400, page=ListPage(None, given, problems))
    code = _code(errorcode)
    found = lists.listing(
        current_snapshot(), recent_marks(), code=code, site=sitename, workflow=workflow, query=query, offset=query.offset,
        size=MOST if format else lists.PAGE,
    )  # fmt: skip
    if format:
        rows = [(e.name, e.errors, e.mark or e.readiness or e.meaning, e.production, e.state) for e in found.entries]
        return table_response((found.of, "errors", _ABOUT[found.of], "production", "state"), rows, format, "list")
    written = list_lines(found, current_exchange().prefix, current_user().may("operator"))
    return render("listpage.html", page=ListPage(found, given, problems, written))


def _code(text: str) -> int | None:
    if not text:
        return None
    codes = OverviewQuery.parse({"code": text})[0].code
    if not codes:
        raise Refused(400, f"errorcode: expected a whole number or NotReported, got {text[:40]!r}.")
    return codes[0]


@page()
def listworkflows(errorcode: str = "", sitename: str = "") -> Response:
    """The original's older address of the list of workflows."""
    return redirect("/listpage", 301, errorcode=errorcode or None, sitename=sitename or None)
