"""The book of reasons (`/reasons`): why operators act, in words that are used again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wwt_framework.model import Reason
from wwt_framework.store import ledger
from wwt_framework.store.ledger import BookEntry
from wwt_framework.web.exchange import Refused
from wwt_framework.web.parameters import Drawn, Format
from wwt_framework.web.render import redirect, render, table_response
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import current_app, current_user, page

LONGEST_SHORT, LONGEST = 200, 10_000  # characters


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/reasons": (reasons, write)}


@dataclass(frozen=True)
class BookPage:
    """What the page shows."""

    entries: Sequence[BookEntry]
    edit: str = ""  # short name of the reason whose text is being changed
    done: str = ""
    complaint: str = ""
    short: str = ""  # what was filled in
    long: str = ""


COLUMNS = {
    "short": str, "long": str, "user": str, "created_at": datetime, "used_at": datetime | None, "uses": int,
}  # fmt: skip


@page(answers=[COLUMNS])
def reasons(edit: Drawn = "", done: Drawn = "", format: Format = "") -> Response:  # noqa: A002  # as in ?format=
    """All reasons of the book, with who wrote them and how often they were used."""
    if not format:
        return _draw(edit=edit, done=done)
    rows = [
        (e.reason.short, e.reason.long, e.user, e.created_at.isoformat(), e.used_at and e.used_at.isoformat(), e.uses)
        for e in ledger.book_entries(current_app().store)
    ]
    return table_response(COLUMNS, rows, format, "reasons")


def _draw(status: int = 200, **shown: str) -> Response:
    return render("reasons.html", status, page=BookPage(ledger.book_entries(current_app().store), **shown))


@page(role="operator", methods=("POST",))
def write(step: str = "add", short: str = "", long: str = "") -> Response:
    """Add a reason, or give one another text."""
    short, long = short.strip(), long.replace("\r\n", "\n").strip()
    if complaint := _complaint(short, long):
        return _draw(422, complaint=complaint, short=short, long=long, edit=short if step == "change" else "")
    store = current_app().store
    if step == "change":
        ledger.change_reason(store, short, long or short)
        return redirect("/reasons", done=f"{short} has its new text.")
    if step != "add":
        raise Refused(400, f"step can be add or change, not {step[:40]!r}.")
    if not ledger.add_reasons(store, [Reason(short, long)], current_user().name):
        (old,) = ledger.reasons_named(store, [short]).values()
        taken = f"The short name {old.short} is taken; it says: {old.long}"
        return _draw(422, complaint=taken, short=short, long=long, edit="")
    return redirect("/reasons", done=f"{short} is in the book.")


def _complaint(short: str, long: str) -> str:
    if not short:
        return "A reason in the book needs a short name, by which it is picked."
    if len(short) > LONGEST_SHORT or "\n" in short:
        return f"A short name is one line of at most {LONGEST_SHORT} characters; this one has {len(short)}."
    if len(long) > LONGEST:
        return f"A reason has at most {LONGEST:,} characters; this one has {len(long):,}."
    return ""
