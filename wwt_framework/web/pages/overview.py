"""The matrix of failed jobs, and the list of prep ids."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from wwt_framework.services import listing as lists
from wwt_framework.services import overview as matrix
from wwt_framework.services.overview_query import LIST_PAGE, MOST, OverviewQuery
from wwt_framework.store import ledger
from wwt_framework.web.exchange import Refused, current_exchange
from wwt_framework.web.frame import nothing_known
from wwt_framework.web.marks import recent_marks
from wwt_framework.web.matrix import Writer, hidden_pairs, vocabulary
from wwt_framework.web.overviewing import ASKS, freshness
from wwt_framework.web.parameters import Drawn, Format
from wwt_framework.web.render import as_json, redirect, render, show_panels, table_response
from wwt_framework.web.responses import HTML, Response
from wwt_framework.web.tools import current_app, current_snapshot, current_user, page
from wwt_framework.web.trends import ShownTrend, shown_trend

_FILTER_LABELS = (
    ("campaign", "Campaign"), ("type", "Type"), ("site", "Site"), ("code", "Exit code"), ("tier", "Tier"),
    ("status", "Status"),
)  # fmt: skip
_SPLITS = (("errorcode", "exit code"), ("sitename", "site"), ("stepname", "task"))
_SORTS = (
    ("errors", "most errors first"), ("errors-asc", "fewest errors first"), ("name", "name A to Z"),
    ("name-desc", "name Z to A"), ("date", "newest request first"), ("date-asc", "oldest request first"),
)  # fmt: skip


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {
        "/globalerror": globalerror,
        "/globalerror2": (globalerror2, update_table),
    }


class _Linked:
    """Addresses of other states of the same page."""

    query: OverviewQuery

    def link(self, address: str) -> str:
        """*address* as it is from outside."""
        return current_exchange().prefix + address

    @property
    def filter_query(self) -> str:
        """What chooses workflows, as a query: the name of a selection."""
        return urlencode(self.query.filters())

    def exported(self, kind: str) -> str:
        """Everything that is chosen, as a file."""
        address = self.query.address(open=(), offset=0, limit=0)
        return self.link(f"{address}{'&' if '?' in address else '?'}format={kind}")


@dataclass(frozen=True)
class MatrixPage(_Linked):
    """What the template of the matrix shows."""

    query: OverviewQuery
    overview: matrix.Overview
    rows: Markup
    problems: tuple[str, ...]
    unasked: str  # why nothing can be said about failed jobs at all; "" when something can
    vocabulary: str  # JSON: labels of the third variable by rank
    hidden: tuple[tuple[str, str], ...]
    trend: ShownTrend  # of everything, whatever is chosen
    filters: tuple[tuple[str, str], ...] = _FILTER_LABELS
    splits: tuple[tuple[str, str], ...] = _SPLITS
    sorts: tuple[tuple[str, str], ...] = _SORTS

    @property
    def sort(self) -> str:
        """The value of the sort box."""
        natural = "asc" if self.query.sort == "name" else "desc"
        given = self.query.direction or natural
        return self.query.sort if given == natural else f"{self.query.sort}-{given}"

    @property
    def next_address(self) -> str:
        """Where the next rows are; "" when these are the last."""
        return "" if self.overview.next is None else self.query.address(offset=self.overview.next)


_PREPS = {"prepid": str, "workflow": str, "status": str, "errors": int | None, "state": str}
#: Columns of the matrix are sites, or exit codes; the first says what the rows are.
_ROWS = {str: (str, int, None)}


@page(fresh_by=freshness, answers=([_PREPS], [_ROWS]), asks=ASKS)
def globalerror(part: Drawn = "", of: Drawn = "", format: Format = "", **asked: Any) -> Response:  # noqa: A002  # as in ?format=
    """Where jobs fail: rows by columns, each number split by the third of task, site and exit code."""
    query, problems = OverviewQuery.parse(asked)
    if format:
        return _table(query, format)
    if part:
        return _part(query, part, of, asked)
    if query.view == "list":
        return _list_page(query, problems, str(asked.get("updated", "")))
    shown = matrix.overview(current_snapshot(), query, recent_marks())
    writer = _writer(shown)
    shown_page = MatrixPage(
        query,
        shown,
        writer.rows(),
        problems,
        nothing_known(current_snapshot()),
        json.dumps(vocabulary(shown)),
        tuple(hidden_pairs(query)),
        shown_trend(),
    )
    return render("overview.html", page=shown_page, panels=show_panels("overview"))


def _writer(shown: matrix.Overview) -> Writer:
    return Writer(shown, current_exchange().prefix, current_user().may("operator"))


def _part(query: OverviewQuery, part: str, of: str, asked: Mapping[str, Any]) -> Response:
    """What a script puts into a page that is already there."""
    snapshot = current_snapshot()
    if part == "cell":
        if not query.code or not asked.get("column"):
            raise Refused(400, "part=cell needs code=<exit code> and column=<site>.")
        rest = query.with_(code=())
        return as_json(matrix.tasks_of_cell(snapshot, rest, query.code[0], str(asked["column"])))
    if query.view == "list":
        return render("_preps.html", page=_prep_page(query, ()))
    if part == "rows":
        shown = matrix.more_rows(snapshot, query, recent_marks())
    elif part == "below":
        shown = matrix.rows_below(snapshot, query, recent_marks(), of)
    else:
        raise Refused(400, f"part can be rows, below or cell, not {part[:40]!r}.")
    body = f"<table><tbody>{_writer(shown).rows()}</tbody></table>"
    # Where the next rows begin: the script asks, people see a link.
    headers = {} if shown.next is None else {"X-Next-Offset": str(shown.next)}
    return Response(body.encode("utf-8", "replace"), HTML, 200, headers)


def _table(query: OverviewQuery, kind: str) -> Response:
    query = query.with_(limit=query.limit or MOST, columns="all", offset=query.offset)
    if query.view == "list":
        lines = lists.prep_list(current_snapshot(), query, recent_marks()).lines
        rows: list[Any] = [
            (line.prep_id, w.workflow, w.status, w.errors, w.state) for line in lines for w in line.workflows
        ]
        return table_response(_PREPS, rows, kind, "prepids")
    head_of, rows = matrix.table_of(matrix.more_rows(current_snapshot(), query, recent_marks()))
    return table_response(head_of, rows, kind, f"errors-{query.pievar}")


# -- the list of prep ids --


@dataclass(frozen=True)
class PrepPage(_Linked):
    """What the template of the list of prep ids shows."""

    query: OverviewQuery
    list: lists.PrepList
    problems: tuple[str, ...]
    unasked: str  # as in `MatrixPage`
    updated: int | None = None  # prep ids just asked for by "Update the table"; None: this page was not reached by it
    more_step: int = LIST_PAGE
    most: int = MOST

    @property
    def more_address(self) -> str:
        """The same list with as many more lines."""
        return self.query.address(limit=self.query.size + LIST_PAGE)

    @property
    def all_address(self) -> str:
        return self.query.address(limit=MOST)


def _prep_page(query: OverviewQuery, problems: tuple[str, ...]) -> PrepPage:
    marked = ledger.marked_preps(current_app().store)
    found = lists.prep_list(current_snapshot(), query, recent_marks(), tuple(marked))
    return PrepPage(query, found, problems, nothing_known(current_snapshot()))


def _list_page(query: OverviewQuery, problems: tuple[str, ...], updated: str) -> Response:
    shown = replace(_prep_page(query, problems), updated=int(updated) if updated.isdecimal() else None)
    return render("overview_list.html", page=shown, panels=show_panels("overview"))


@page()
def globalerror2(reset: str = "", **asked: Any) -> Response:
    """The original's address of the list of prep ids. With ``reset`` it leads to the button that asks for new data."""
    query, _ = OverviewQuery.parse({**asked, "view": "list"})
    address = query.address().partition("?")[2]
    anchor = "#update" if reset and reset.lower() not in ("0", "false") else ""
    return Response(b"", HTML, 302, {"Location": f"{current_exchange().url('/globalerror')}?{address}{anchor}"})


@page(role="operator", methods=("POST",))
def update_table() -> Response:
    """Ask the sources again for every prep id that is marked, and take the marks away."""
    app = current_app()
    marked = sorted(ledger.marked_preps(app.store))
    if marked:
        app.clockwork.request("refresh", current_user().name, prep_ids=marked)
        ledger.clear_marks(app.store, marked)
    return redirect("/globalerror", view="list", updated=str(len(marked)))
