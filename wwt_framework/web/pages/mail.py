"""Mail on its way: what waits and why, what failed, what went out. For admins; what mails say is not shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from wwt_framework.store import ledger
from wwt_framework.store.ledger import Mail
from wwt_framework.web.exchange import current_exchange
from wwt_framework.web.parameters import Format
from wwt_framework.web.render import redirect, render, table_response
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import current_app, current_user, page

OPEN = ("waiting", "sending", "failed")
SHOWN = 200  # mails that wait or failed
SHOWN_SENT = 50

#: state -> the word an admin reads, and its colour.
STATES = {
    "waiting": ("waiting", "warn"),
    "sending": ("being sent", "good"),
    "sent": ("sent", "good"),
    "failed": ("failed !", "bad"),
}

COLUMNS = {
    "id": str, "state": str, "to": [str], "cc": [str], "subject": str, "asked_by": str, "created_at": datetime | None,
    "attempts": int, "tried_at": datetime | None, "next_at": datetime | None, "ended_at": datetime | None, "reason": str,
    "left": [str], "refused": {str: str},
}  # fmt: skip


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/mail": mail, "/mail/retry": retry}


@page(role="admin", answers=[COLUMNS])
def mail(format: Format = "") -> Response:  # noqa: A002  # as in ?format=
    """Mails that wait, failed or went out, and how the mail server is."""
    app = current_exchange().app
    lying = ledger.mails(app.store, SHOWN, OPEN)
    sent = ledger.mails(app.store, SHOWN_SENT, ("sent",))
    if format:
        return table_response(COLUMNS, [_row(one) for one in (*lying, *sent)], format, "mail")
    return render("mail.html", post=app.post.state(), lying=lying, sent=sent, states=STATES, shown=SHOWN)


def _row(one: Mail) -> tuple[Any, ...]:
    next_at = one.next_at if one.state == "waiting" else None
    times = (one.created_at, one.tried_at, next_at, one.ended_at)
    created, tried, later, ended = (at.isoformat() if at else None for at in times)
    return (
        one.id, one.state, list(one.recipients), list(one.copies), one.subject, one.asked_by, created, one.attempts,
        tried, later, ended, one.reason, list(one.left), dict(one.refused),
    )  # fmt: skip


@page(role="admin", methods=("POST",))
def retry(id: str = "") -> Response:  # noqa: A002  # as the form has it
    """Try one mail again, or all that wait, with the mail server as it is now."""
    app = current_app()
    with app.store.write():
        count = app.post.retry(id)
        ledger.write_down(app.store, current_user().name, "tried mail again", id or "all that wait", mails=count)
    return redirect("/mail")
