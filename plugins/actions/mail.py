"""Tells people by mail what became of actions and which plugins failed: one mail for all of it, every few minutes."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from typing import Any, Literal

from pydantic import Field, model_validator

from wwt_framework import hookimpl
from wwt_framework.errors import PluginError
from wwt_framework.model import ActionState
from wwt_framework.options import MailAddress, PluginOptions
from wwt_framework.plugin import Event, Health, Job, PluginContext, Progress

State = Literal["queued", "sent", "done", "failed", "withdrawn", "superseded"]

_LINES = 200  # in one mail; the page of actions has all
_KEPT = 2000  # events that wait while no mail can be sent; older ones are dropped, and their number is told
_TOLD = 500  # ids of events that are remembered, so that none is told twice


@dataclass(frozen=True)
class _Line:
    """One event as the mail tells it."""

    text: str
    link: str
    failed: bool
    subject: str  # what it is about: a workflow, a plugin


class Mail:
    """Mails what became of actions, and failures of plugins: one mail for all that happened in some minutes."""

    class Options(PluginOptions):
        action_changed: tuple[MailAddress, ...] = Field((), description="who is told what became of actions")
        plugin_failed: tuple[MailAddress, ...] = Field((), description="who is told that a plugin failed")
        users: tuple[str, ...] = Field(
            (), description="only actions asked for by these, e.g. [auto]; empty: by anybody"
        )
        states: tuple[State, ...] = Field((), description="only what became one of these, e.g. [failed]; empty: all")
        minutes: float = Field(10, ge=1, le=1440, description="minutes between two mails; what happens is gathered")

        @model_validator(mode="after")
        def _somebody(self) -> Mail.Options:
            if not self.action_changed and not self.plugin_failed:
                raise ValueError("expected addresses under action_changed, plugin_failed, or both; nobody is told else")
            return self

    def __init__(self, context: PluginContext[Options]) -> None:
        self._context = context
        options = context.options
        wanted = {"action_changed": options.action_changed, "plugin_failed": options.plugin_failed}
        self._recipients = {kind: people for kind, people in wanted.items() if people}

    @hookimpl
    def notify(self, event: Event) -> None:
        """Keep what happened until the next mail."""
        if event.name not in self._recipients or not self._wanted(event):
            return
        memory = self._context.memory
        if event.id and event.id in memory.get("told", ()):
            return
        action = event.action
        memory[f"event:{event.id or uuid.uuid4().hex}"] = {
            "kind": event.name,
            "at": time.time_ns(),
            "text": _one_line(event.text),
            "about": action.workflow if action else event.plugin,
            "failed": action is None or action.state is ActionState.FAILED,
        }

    @hookimpl
    def register_jobs(self) -> Sequence[Job]:
        every = timedelta(minutes=self._context.options.minutes)
        return [Job(f"{self._context.name}.digest", self.digest, every, help="mails what happened since the last time")]

    @hookimpl
    def report_health(self) -> Health:
        """Whether what is to be told goes out."""
        people = sorted({one for several in self._recipients.values() for one in several})
        told = f"{', '.join(self._recipients)} to {len(people)} recipient{'s' if len(people) > 1 else ''}"
        trouble = self._context.mail.trouble()
        return Health(not trouble, f"can not tell {told}: {trouble}" if trouble else f"tells {told}")

    def digest(self, progress: Progress) -> str:
        """Mail what waits, one mail for each kind of event. Who can not be told does not keep others from it."""
        waiting = self._waiting()
        told, problems = [], []
        for number, kind in enumerate(self._recipients):
            progress(number / len(self._recipients), kind)
            mine = {key: kept for key, kept in waiting.items() if kept["kind"] == kind}
            try:
                self._tell(kind, mine)
            except PluginError as err:
                problems.append(str(err))
            else:
                told += [f"{len(mine)} {kind}"] if mine else []
        if problems:
            raise PluginError("; ".join(problems))
        return f"mailed: {', '.join(told)}" if told else "nothing happened that is to be mailed"

    def _tell(self, kind: str, waiting: Mapping[str, Mapping[str, Any]]) -> None:
        """One mail for all that waits; for what a process was mailing when it died, the same mail once more.

        The house does not queue that one twice. What came since then is in a mail of its own.
        """
        memory, mark = self._context.memory, f"mailing:{kind}"
        before = [key for key in memory.get(mark, ()) if key in waiting]
        for keys in (before, [key for key in waiting if key not in before]):
            if not keys:
                continue
            memory[mark] = keys
            try:
                self._mail(kind, [waiting[key] for key in keys], once=f"{kind}:{keys[0]}")
            except PluginError:
                del memory[mark]
                self._drop(keys[:-_KEPT])
                raise
            self._forget(keys)
            del memory[mark]

    def _wanted(self, event: Event) -> bool:
        action, options = event.action, self._context.options
        if action is None:
            return True
        return (not options.users or action.user in options.users) and (
            not options.states or action.state.value in options.states
        )

    def _waiting(self) -> dict[str, Mapping[str, Any]]:
        """Key -> event, in the order in which they came."""
        memory = self._context.memory
        kept = {key: memory[key] for key in list(memory) if key.startswith("event:")}
        return dict(sorted(kept.items(), key=lambda item: item[1]["at"]))

    def _mail(self, kind: str, events: Sequence[Mapping[str, Any]], once: str) -> None:
        lines = [self._line(kind, event) for event in events]
        more = len(lines) - _LINES
        page = self._context.url("/actions" if kind == "action_changed" else "/plugins")
        head = _head(kind, lines, self._context.memory.get("dropped", 0))
        foot = f"and {more} more, at {page}" if more > 0 else f"all of it: {page}"
        shown = lines[:_LINES]
        text = "\n\n".join([head, *(f"{line.text}\n{line.link}" for line in shown), foot])
        rows = "\n".join(
            f'<tr><td>{escape(line.text)}</td><td><a href="{escape(line.link)}">{escape(line.subject)}</a></td></tr>'
            for line in shown
        )
        html = f"<p>{escape(head)}</p>\n<table>\n{rows}\n</table>\n<p>{escape(foot)}</p>"
        self._context.mail.send(self._recipients[kind], _subject(kind, lines), text, html, once=once)

    def _line(self, kind: str, event: Mapping[str, Any]) -> _Line:
        about = str(event["about"])
        url = self._context.url
        link = url("/seeworkflow", workflow=about) if kind == "action_changed" else url("/plugins")
        return _Line(str(event["text"]), link, bool(event["failed"]), _one_line(about))

    def _forget(self, keys: Sequence[str]) -> None:
        memory = self._context.memory
        told = [*memory.get("told", ()), *(key.removeprefix("event:") for key in keys)]
        memory["told"] = told[-_TOLD:]
        memory.pop("dropped", None)
        for key in keys:
            del memory[key]

    def _drop(self, keys: Sequence[str]) -> None:
        memory = self._context.memory
        if keys:
            memory["dropped"] = memory.get("dropped", 0) + len(keys)
        for key in keys:
            del memory[key]


def _subject(kind: str, lines: Sequence[_Line]) -> str:
    """How many and how bad; no text from outside."""
    if kind == "plugin_failed":
        return "A plugin failed" if len(lines) == 1 else f"{len(lines)} failures of plugins"
    failed = sum(line.failed for line in lines)
    changed = "1 action changed" if len(lines) == 1 else f"{len(lines)} changes of actions"
    return changed + (f", {failed} failed" if failed else "")


def _head(kind: str, lines: Sequence[_Line], dropped: int) -> str:
    about = Counter(line.subject for line in lines)
    what = "workflow" if kind == "action_changed" else "plugin"
    head = f"{_subject(kind, lines)}: {len(about)} {what}{'s' if len(about) > 1 else ''}."
    return head + (f" {dropped} earlier ones could not be mailed and are not listed." if dropped else "")


def _one_line(text: str) -> str:
    line = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return line if len(line) <= 500 else f"{line[:497]}..."
