"""Writes the rows of the matrix as HTML: fifty rows of a hundred cells are too many for a template.

Names are escaped once per row or column. Nothing else is decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import quote_plus, urlencode

from markupsafe import Markup

from wwt_framework.services.casetables import anchor_of
from wwt_framework.services.overview import Overview
from wwt_framework.services.overview_cells import TOP, Cell
from wwt_framework.services.overview_query import OverviewQuery
from wwt_framework.services.overview_words import Row
from wwt_framework.web.filters import middle_cut, number, plain, utc

_KINDS = {"prep": "PrepID", "workflow": "workflow", "task": "task", "code": "exit code"}
_MARKS = {
    "none": "",
    "pending": '<span class="mark pending" title="An action is open">… pending</span>',
    "acted": '<span class="mark acted" title="An action was done">✓ acted</span>',
}
_STATES = {
    "ok": "",
    "old": '<span class="state" title="Kept from an earlier answer{at}">◷</span>',
    "partial": '<span class="state" title="A lower bound: not every source answered in full">≥</span>',
    "unknown": '<span class="state" title="No source could tell; this is not the same as none">not known</span>',
}
_LONGEST = 200  # characters of a name; what does not fit its column is cut in the middle by the script
_HEAT_STEPS = 9


class Writer:
    """Writes rows of one page."""

    def __init__(self, page: Overview, prefix: str, may_act: bool = False) -> None:
        """*prefix*: where the pages are mounted; *may_act*: rows can be ticked, and have a button that asks for new data."""
        self.page, self.query, self.prefix, self.may_act = page, page.query, prefix, may_act
        self.heat = page.query.draw == "heat"
        tail = urlencode(page.query.filters())
        self.filters = escape(f"&{tail}" if tail else "")
        self.unfold = escape(prefix + page.query.address(columns="all"))
        self.labels = [escape(plain(column.label)) for column in page.columns]
        self.keys = [quote_plus(column.key) for column in page.columns]
        self.column_name = "sitename" if page.column_axis == "site" else "errorcode"
        closed = page.query.with_(open=())
        base = closed.address()
        self.closed = prefix + base + ("&" if "?" in base else "?")
        self.opened = [(name, f"open={quote_plus(name)}") for name in page.query.open]

    def rows(self) -> Markup:
        """All rows of the page."""
        return Markup("".join([self._row(row) for row in self.page.rows]))  # noqa: S704  # every name was escaped

    # -- one row --

    def _row(self, row: Row) -> str:
        cells: list[str] = ["<td></td>"] * len(self.page.columns)
        start = self._cell_address(row)
        for cell in row.cells:
            cells[cell.column] = self._cell(cell, start)
        below = (
            f'<tr class="more" data-level="{row.level + 1}"><th scope="row">{self._more(row)}</th>' if row.more else ""
        )
        rest = f'<td colspan="{len(cells) + 1}"></td></tr>' if below else ""
        return (
            f'<tr data-row class="l{row.level} {row.kind} m-{row.mark}" data-level="{row.level}" data-of="{quote_plus(row.name)}">'
            f'<th scope="row">{self._head(row)}</th>{self._total(row)}{"".join(cells)}</tr>\n{below}{rest}'
        )

    def _head(self, row: Row) -> str:
        cut = escape(middle_cut(row.label, _LONGEST))
        title = f' title="{escape(plain(row.name))}"'
        # A name that had to be spelt out can not be sent back by a box or a button as what it is.
        by_form = self.may_act and row.kind in ("prep", "workflow") and plain(row.name) == row.name
        parts = [
            f'<span class="head">{self._tick(row) if by_form else ""}{self._fold(row)}<a data-open class="name" href="{self.address(row)}"{title}>{cut}</a>'
        ]
        if row.meaning:
            parts.append(f'<span class="meaning">{escape(plain(row.meaning))}</span>')
        if row.workflows > 1 and row.kind == "prep":
            parts.append(f'<span class="count" title="workflows with errors">{row.workflows}</span>')
        parts.append(_MARKS[row.mark])
        if by_form:
            field, name = "prepid" if row.kind == "prep" else "workflow", escape(row.name)
            parts.append(
                f'<button class="reset quiet" form="reset-form" name="{field}" value="{name}" '
                f'title="Ask the sources again for {name}">Reset</button>'
            )
        return "".join([*parts, "</span>"])

    def _tick(self, row: Row) -> str:
        field = "preps" if row.kind == "prep" else "workflows"
        label = f"select {_KINDS[row.kind]} {middle_cut(row.name, 60)}"
        return (
            f'<input type="checkbox" class="tick" data-tick form="act-form" name="{field}" value="{escape(row.name)}" '
            f'aria-label="{escape(label)}">'
        )

    def _fold(self, row: Row) -> str:
        if row.open is None:
            return '<span class="fold"></span>'
        label = f"{'fold' if row.open else 'unfold'} {_KINDS[row.kind]} {middle_cut(row.name, 60)}"
        return (
            f'<a class="fold" data-fold href="{escape(self._toggled(row))}" aria-expanded="{str(row.open).lower()}" '
            f'aria-label="{escape(label)}">{"▾" if row.open else "▸"}</a>'
        )

    def _toggled(self, row: Row) -> str:
        kept = [text for name, text in self.opened if name != row.name]
        return self.closed + "&".join(kept if row.open else [*kept, f"open={quote_plus(row.name)}"])

    def _more(self, row: Row) -> str:
        if row.kind == "workflow":
            return f'<a href="{self.address(row)}">and {number(row.more)} more tasks, on the page of the workflow</a>'
        address = self.query.address(rows="workflow", search=row.name, open=())
        return (
            f'<a href="{escape(self.prefix + address)}">and {number(row.more)} more workflows, as rows of their own</a>'
        )

    def _total(self, row: Row) -> str:
        at = f" from {escape(utc(row.at).striptags())}" if row.at else ""
        sign = _STATES[row.state].replace("{at}", at)
        if row.state == "unknown":
            return f'<td class="total">{sign}</td>'
        zero = "" if row.total else ' title="No failed jobs"'
        return f'<td class="total"{zero}>{sign}<a href="{self._total_address(row)}">{number(row.total)}</a></td>'

    def _cell(self, cell: Cell, start: str) -> str:
        column = cell.column
        folded = self.page.columns[column].folded
        address = self.unfold if folded else f"{start}{self.keys[column]}{self.filters}"
        split = " ".join([f"{rank}.{n}" for rank, n in cell.split])
        rest = f" x.{cell.rest}" if cell.rest else ""
        heat = f' class="h{heat_step(cell.total)}"' if self.heat else ""
        return f'<td data-c="{self.labels[column]}"{heat}><a href="{address}" data-s="{split}{rest}">{number(cell.total)}</a></td>'

    # -- addresses --

    def _cell_address(self, row: Row) -> str:
        """The address of the list behind a cell, but for the name of its column."""
        if row.kind == "code":
            return f"{self.prefix}/listpage?errorcode={row.name}&amp;{self.column_name}="
        return f"{self.prefix}/listpage?workflow={quote_plus(row.name)}&amp;{self.column_name}="

    def address(self, row: Row) -> str:
        """The page of what the row stands for."""
        if row.kind == "code":
            return f"{self.prefix}/explainerror?errorcode={row.name}"
        if row.kind == "workflow":
            return f"{self.prefix}/seeworkflow?workflow={quote_plus(row.name)}"
        if row.kind == "task":
            return f"{self.prefix}/seeworkflow?workflow={quote_plus(row.parent)}#{escape(anchor_of(row.name))}"
        return escape(self.prefix + self.query.address(search=row.name, open=(row.name,)))

    def _total_address(self, row: Row) -> str:
        if row.kind == "code":
            return escape(self.prefix + self.query.address(code=(int(row.name),), pievar="errorcode", open=()))
        return self.address(row)


def heat_step(total: int) -> int:
    """How hot a cell is, 0..9: two steps for each factor of ten, the same on every page."""
    step, bound = 0, 3
    while total >= bound and step < _HEAT_STEPS:
        step += 1
        bound = bound * 10 // 3 if step % 2 else bound * 3
    return step


def vocabulary(page: Overview) -> list[str]:
    """What the ranks in ``data-s`` stand for, in order; of tasks only those that have a colour."""
    return [plain(part.label) for part in page.parts]


def hidden_pairs(query: OverviewQuery) -> Sequence[tuple[str, str]]:
    """What the form of the page keeps without showing it."""
    return [(name, value) for name, value in query.pairs() if name in ("open", "columns", "view", "limit")]


__all__ = ["TOP", "Writer", "heat_step", "hidden_pairs", "vocabulary"]
