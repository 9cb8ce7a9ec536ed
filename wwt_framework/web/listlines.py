"""Writes the lines of a list as HTML: two hundred of them are too many for a template.

Nothing else is decided here.
"""

from __future__ import annotations

from html import escape
from urllib.parse import quote_plus

from markupsafe import Markup

from wwt_framework.services.listing import Entry, Listing
from wwt_framework.web.filters import middle_cut, number, plain, short

_STATES = {
    "partial": '<span class="state" title="A lower bound: not every source answered in full">≥</span>',
    "old": '<span class="state" title="Kept from an earlier answer">◷</span>',
}
_MARKS = {
    "none": '<span class="muted">nobody acted</span>',
    "pending": '<span class="mark pending">… pending</span>',
    "acted": '<span class="mark acted">✓ acted</span>',
}


def list_lines(shown: Listing, prefix: str, may_act: bool = False) -> Markup:
    """The rows of *shown*. *prefix*: where the pages are mounted; *may_act*: workflows can be ticked."""
    if shown.of == "workflow":
        rows = [_row(entry, _workflow(entry, prefix, may_act), _MARKS[entry.mark]) for entry in shown.entries]
    elif shown.of == "code":
        step = _step(shown)
        rows = [
            _row(entry, _code(entry, prefix, step), escape(plain(entry.meaning)) or "no meaning known")
            for entry in shown.entries
        ]
    else:
        rows = [_row(entry, escape(plain(entry.label)), _site(entry)) for entry in shown.entries]
    return Markup("".join(rows))  # noqa: S704  # every name was escaped


def _row(entry: Entry, head: str, about: str) -> str:
    return (
        f'<tr data-row class="m-{entry.mark or "none"}"><th scope="row">{head}</th>\n'
        f'<td class="number">{_STATES.get(entry.state, "")}{number(entry.errors)}</td>\n<td>{about}</td></tr>\n'
    )


def _workflow(entry: Entry, prefix: str, may_act: bool) -> str:
    link = f'<a data-open href="{prefix}/seeworkflow?workflow={quote_plus(entry.name)}">{short(entry.label, 100)}</a>'
    # A name that had to be spelt out can not be sent back by a form as what it is.
    if not may_act or plain(entry.name) != entry.name:
        return link
    return (
        f'<input type="checkbox" class="tick" data-tick form="act-form" name="workflows" value="{escape(entry.name)}"'
        f' aria-label="select workflow {escape(middle_cut(entry.name, 60))}">{link}'
    )


def _step(shown: Listing) -> str:
    """What of the given task or workflow the addresses of logs carry on."""
    step = {"task": shown.workflow, "workflow": f"/{shown.workflow}/"}.get(shown.workflow_kind, "")
    return f"&amp;workflowstep={quote_plus(step)}" if step else ""


def _code(entry: Entry, prefix: str, step: str) -> str:
    return f'<a data-open href="{prefix}/explainerror?errorcode={entry.name}{step}">{escape(entry.label)}</a>'


def _site(entry: Entry) -> str:
    lamp = f'<span class="ready-{entry.colour}"><i class="lamp" aria-hidden="true"></i>{escape(entry.readiness)}</span>'
    return f"{lamp} · {escape(plain(entry.production))}"
