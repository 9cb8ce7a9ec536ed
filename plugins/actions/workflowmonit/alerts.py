"""Who is told by mail: that a workflow fails for days, and that the watching itself does not work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any

from wwt_framework.model import Case
from wwt_framework.plugin import MailDoor

from .documents import running_since

#: Workflows that one mail lists; its head has the number of all.
_LISTED = 100
_TOLD = "alerted"
_BROKEN = "broken"


@dataclass(frozen=True)
class Limits:
    """From when on a workflow fails too much for too long."""

    failure_rate: float
    days: float
    status: str
    again_days: float


@dataclass(frozen=True)
class Failing:
    """A workflow over the limits."""

    workflow: str
    failure_rate: float
    since: datetime
    failed: int  # jobs


def failing(cases: Iterable[Case], limits: Limits, now: datetime) -> list[Failing]:
    """Workflows over *limits*, the highest rate first. One whose rate or whose time is not known is none of them."""
    found = []
    for case in cases:
        rate, since = case.workflow.failure_rate, running_since(case, limits.status)
        if case.workflow.status != limits.status or rate is None or since is None or rate < limits.failure_rate:
            continue
        began = datetime.fromtimestamp(since, now.tzinfo)
        if now - began >= timedelta(days=limits.days):
            found.append(Failing(case.workflow.name, rate, began, case.errors.total))
    return sorted(found, key=lambda one: (-one.failure_rate, one.workflow))


class Alerts:
    """Mails that nobody gets twice: what was told is kept in *memory*."""

    def __init__(
        self, memory: MutableMapping[str, Any], mail: MailDoor, url: Callable[..., str], recipients: Sequence[str]
    ) -> None:
        self._memory = memory
        self._mail = mail
        self._url = url
        self._recipients = recipients

    def workflows(self, found: Sequence[Failing], limits: Limits, now: datetime, version: str) -> int:
        """Tell of those of *found* that were not told of lately; returns how many. Raises `PluginError`.

        *version*: of the snapshot; after a crash the same mail is not queued twice.
        """
        told: dict[str, str] = dict(self._memory.get(_TOLD, {}))
        again = now - timedelta(days=limits.again_days)
        fresh = [
            one for one in found if one.workflow not in told or datetime.fromisoformat(told[one.workflow]) <= again
        ]
        if fresh and self._recipients:
            self._send_workflows(fresh, limits, version)
        # One that is below the limits again is told of at once when it fails anew.
        still = {one.workflow: told[one.workflow] for one in found if one.workflow in told}
        self._memory[_TOLD] = still | {one.workflow: now.isoformat() for one in fresh}
        return len(fresh)

    def broken(self, why: str, now: datetime, again_hours: float) -> None:
        """Tell that the watching failed, unless it was told *again_hours* ago or less. Raises `PluginError`."""
        last = self._memory.get(_BROKEN)
        if last is not None and datetime.fromisoformat(last["told"]) > now - timedelta(hours=again_hours):
            return
        since = last["since"] if last else now.isoformat()
        if self._recipients:
            text = (
                f"No documents about running workflows could be made or sent:\n\n{why}\n\n"
                f"It has been so since {datetime.fromisoformat(since):%Y-%m-%d %H:%M} UTC, and is tried again and again; "
                f"what waits is kept. What jobs say: {self._url('/jobs')}"
            )
            self._mail.send(
                self._recipients, "Watching workflows fails", text, _html(text), once=f"broken:{now.isoformat()}"
            )
        self._memory[_BROKEN] = {"since": since, "told": now.isoformat()}

    def works(self, now: datetime) -> None:
        """Tell that the watching works again, if it was told that it does not. Raises `PluginError`."""
        last = self._memory.get(_BROKEN)
        if last is None:
            return
        if self._recipients:
            text = f"Documents about running workflows are made and sent again, after {_span(last['since'], now)}."
            self._mail.send(
                self._recipients, "Watching workflows works again", text, _html(text), once=f"works:{now.isoformat()}"
            )
        del self._memory[_BROKEN]

    def _send_workflows(self, fresh: Sequence[Failing], limits: Limits, version: str) -> None:
        number = "1 workflow fails" if len(fresh) == 1 else f"{len(fresh)} workflows fail"
        head = (
            f"{number}: at least {limits.failure_rate:.0%} of the jobs, and {limits.status} for at least "
            f"{limits.days:g} days."
        )
        lines = [(one, self._url("/seeworkflow", workflow=one.workflow)) for one in fresh[:_LISTED]]
        foot = f"and {len(fresh) - _LISTED} more" if len(fresh) > _LISTED else ""
        text = "\n\n".join([head, *(f"{_line(one)}\n{link}" for one, link in lines), *([foot] if foot else [])])
        rows = "\n".join(
            f'<tr><td><a href="{escape(link)}">{escape(one.workflow)}</a></td><td>{one.failure_rate:.1%}</td>'
            f"<td>{one.failed:,}</td><td>{one.since:%Y-%m-%d %H:%M} UTC</td></tr>"
            for one, link in lines
        )
        columns = "".join(
            f'<th scope="col">{name}</th>' for name in ("workflow", "failure rate", "failed jobs", "since")
        )
        html = f"<p>{escape(head)}</p>\n<table>\n<tr>{columns}</tr>\n{rows}\n</table>\n<p>{escape(foot)}</p>"
        self._mail.send(self._recipients, f"{number} for days", text, html, once=f"failing:{version}")


def _line(one: Failing) -> str:
    name = "".join(c if c.isprintable() else "?" for c in one.workflow)
    return (
        f"{name}: {one.failure_rate:.1%} fail, {one.failed:,} failed jobs known, since {one.since:%Y-%m-%d %H:%M} UTC"
    )


def _html(text: str) -> str:
    return "\n".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n"))


def _span(since: str, now: datetime) -> str:
    minutes = int((now - datetime.fromisoformat(since)).total_seconds() // 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
