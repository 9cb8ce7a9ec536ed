"""Background work: what runs, how far it is, who asked for it, and what failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wwt_framework.jobs import REFRESH
from wwt_framework.store import ledger
from wwt_framework.store.ledger import JobRun
from wwt_framework.web.exchange import current_exchange
from wwt_framework.web.parameters import Format
from wwt_framework.web.render import redirect, render, table_response
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import current_app, current_user, page

SHOWN = 200  # runs

#: state -> the word an operator reads, and its colour.
STATES = {
    "queued": ("waiting", "warn"),
    "running": ("running", "good"),
    "done": ("done", "good"),
    "failed": ("failed !", "bad"),
    "lost": ("lost !", "bad"),
}


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/jobs": jobs, "/jobs/refresh": refresh}


@dataclass(frozen=True)
class RunLine:
    """One run as a line of the table."""

    run: JobRun
    word: str
    colour: str
    since: datetime  # when its state began
    arguments: str
    seconds: float | None  # how long it ran or has been running; None: it has not started


def line_of(run: JobRun, now: datetime) -> RunLine:
    word, colour = STATES.get(run.state, (run.state, "warn"))
    began = run.started_at
    seconds = ((run.ended_at or now) - began).total_seconds() if began else None
    arguments = ", ".join(f"{name} {_short(value)}" for name, value in run.arguments.items() if value)
    return RunLine(run, word, colour, run.ended_at or began or run.requested_at, arguments, seconds)


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value[:3])) + (f" and {len(value) - 3} more" if len(value) > 3 else "")
    return str(value)


COLUMNS = {
    "id": str, "name": str, "state": str, "user": str, "requested_at": datetime, "started_at": datetime | None,
    "ended_at": datetime | None, "progress": float | None, "doing": str, "text": str, "arguments": {str: Any}, "attempt": int,
}  # fmt: skip


@page(answers=[COLUMNS])
def jobs(format: Format = "") -> Response:  # noqa: A002  # as in ?format=
    """What runs, how far, who asked for it, since when, and what failed and why."""
    exchange = current_exchange()
    runs = ledger.runs(exchange.app.store, SHOWN)
    if format:
        return table_response(COLUMNS, [_row(run) for run in runs], format, "jobs")
    lines = [line_of(run, exchange.now) for run in runs]
    active: Sequence[RunLine] = [line for line in lines if line.run.state in ("queued", "running")]
    ended = [line for line in lines if line.run.state not in ("queued", "running")]
    return render("jobs.html", active=active, ended=ended, shown=SHOWN)


def _row(run: JobRun) -> tuple[Any, ...]:
    times = (run.requested_at, run.started_at, run.ended_at)
    requested, started, ended = (at.isoformat() if at else None for at in times)
    return (
        run.id, run.name, run.state, run.user, requested, started, ended, run.progress, run.doing, run.text,
        {str(key): value for key, value in run.arguments.items()}, run.attempt,
    )  # fmt: skip


@page(role="operator", methods=("POST",))
def refresh() -> Response:
    """Ask for a refresh of everything; one that waits already is not asked for again."""
    current_app().clockwork.request(REFRESH, user=current_user().name)
    return redirect("/jobs")
