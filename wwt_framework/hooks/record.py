"""What the house remembers of one plugin: how long it took, how it failed, and which of its hooks are not asked."""

from __future__ import annotations

import logging
import reprlib
import threading
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any

from wwt_framework.errors import WwtError

log = logging.getLogger(__name__)

#: Late answers in a row after which a hook of a plugin is no longer asked.
LATE_IN_A_ROW = 3

#: After this time a quarantined hook is asked once more; an answer in time ends the quarantine.
QUARANTINE = timedelta(seconds=60)

_KEPT = 20
_MESSAGE = 500


@dataclass(frozen=True)
class Failure:
    """One way in which a plugin failed; the same way again only counts."""

    plugin: str
    hook: str
    message: str  # of the last time; at most 500 characters, hostile
    at: datetime  # the last time
    count: int = 1
    late: bool = False
    where: str = ""  # file:line that raised
    traceback: str = field(default="", repr=False)  # for the log and for admins


@dataclass(frozen=True)
class Timing:
    """How long one hook of one plugin takes, in seconds."""

    count: int = 0
    last: float = 0.0
    max: float = 0.0
    total: float = 0.0


@dataclass(frozen=True)
class Quarantine:
    """A hook that is not asked because its answers were late."""

    plugin: str
    hook: str
    since: datetime
    next_try: datetime


@dataclass(frozen=True)
class Noted:
    """What a shadow plugin answered: noted, and of no effect."""

    plugin: str
    hook: str
    at: datetime
    text: str  # shortened


_SHORT = reprlib.Repr()
_SHORT.maxother = _SHORT.maxstring = _SHORT.maxlong = 200


def shorten(value: Any) -> str:
    """*value* in words of Python, short enough for a message: the beginning and the end of it."""
    return _SHORT.repr(value)[:_MESSAGE]


def message_of(error: BaseException) -> str:
    """What an operator reads of *error*: a sentence of ours as it is, anything else after its class."""
    text = str(error) if isinstance(error, WwtError) else f"{type(error).__name__}: {error}".removesuffix(": ")
    shown = text if len(text) <= _MESSAGE else text[:_MESSAGE] + "..."
    return shown if shown.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown)


class Record:
    """The memory of one plugin. Every method may be called from any thread."""

    def __init__(self, plugin: str, now: Callable[[], datetime]) -> None:
        self._plugin = plugin
        self._now = now
        self._lock = threading.Lock()
        self._failures: dict[tuple[str, str, bool], Failure] = {}
        self._failure_count = 0
        self._timings: dict[str, Timing] = {}
        self._late: dict[str, int] = {}
        self._quarantined: dict[str, Quarantine] = {}
        self._noted: deque[Noted] = deque(maxlen=_KEPT)

    # -- what there is to see --

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The last 20 ways in which it failed, the newest last."""
        with self._lock:
            return tuple(self._failures.values())

    @property
    def failure_count(self) -> int:
        """How often it failed, all in all."""
        return self._failure_count

    @property
    def timings(self) -> Mapping[str, Timing]:
        """Hook -> how long it takes."""
        with self._lock:
            return dict(self._timings)

    @property
    def quarantined(self) -> tuple[Quarantine, ...]:
        """Hooks that are not asked."""
        with self._lock:
            return tuple(self._quarantined.values())

    @property
    def noted(self) -> tuple[Noted, ...]:
        """The last 20 answers given in shadow, the newest last."""
        with self._lock:
            return tuple(self._noted)

    # -- what happens --

    def took(self, hook: str, seconds: float) -> None:
        """A call came back, late or not."""
        with self._lock:
            old = self._timings.get(hook, Timing())
            self._timings[hook] = Timing(old.count + 1, seconds, max(old.max, seconds), old.total + seconds)

    def failed(self, hook: str, error: BaseException, late: bool = False) -> None:
        """Keep and log a failure. The same failure from the same line is kept once, with a count."""
        trace = _in_the_plugin(error.__traceback__)
        where = _innermost(trace)
        key = (hook, f"{type(error).__name__} {where}", late)
        with self._lock:
            self._failure_count += 1
            old = self._failures.pop(key, None)
            if old is None and len(self._failures) == _KEPT:
                del self._failures[next(iter(self._failures))]
            failure = Failure(
                self._plugin,
                hook,
                message_of(error),
                self._now(),
                old.count + 1 if old else 1,
                late,
                where,
                "".join(traceback.format_tb(trace, limit=-3)),
            )
            self._failures[key] = failure
        fields = {"plugin": self._plugin, "hook": hook, "error": failure.message, "count": failure.count}
        foreseen = isinstance(error, WwtError)  # its sentence says it all
        first_time = old is None and trace is not None and not foreseen
        log.error("a plugin failed", extra=fields, exc_info=(type(error), error, trace) if first_time else None)

    def in_time(self, hook: str) -> None:
        """An answer came in time: what was late before is forgiven."""
        if hook in self._late:
            with self._lock:
                self._late.pop(hook, None)
                ended = self._quarantined.pop(hook, None)
            if ended:
                log.info("a plugin is asked again", extra={"plugin": self._plugin, "hook": hook})

    def late(self, hook: str) -> None:
        """An answer did not come in time; the third time in a row the hook is quarantined."""
        with self._lock:
            self._late[hook] = self._late.get(hook, 0) + 1
            if self._late[hook] < LATE_IN_A_ROW or hook in self._quarantined:
                return
            now = self._now()
            self._quarantined[hook] = Quarantine(self._plugin, hook, now, now + QUARANTINE)
        log.error("a plugin is no longer asked: its answers were late", extra={"plugin": self._plugin, "hook": hook})

    def hangs(self, hook: str, error: BaseException) -> None:
        """A call is given up by those who waited; *hook* is quarantined until it comes back, or an admin releases it."""
        self.failed(hook, error, late=True)
        with self._lock:
            now = self._now()
            self._late[hook] = LATE_IN_A_ROW
            self._quarantined.setdefault(hook, Quarantine(self._plugin, hook, now, now + QUARANTINE))

    def resting(self, hook: str) -> Quarantine | None:
        """The quarantine that keeps *hook* from being asked now; None: ask. Once a minute it may be tried."""
        if hook not in self._quarantined:
            return None
        with self._lock:
            quarantine = self._quarantined.get(hook)
            if quarantine is None or quarantine.next_try > self._now():
                return quarantine
            self._quarantined[hook] = replace(quarantine, next_try=self._now() + QUARANTINE)
            return None

    def release(self) -> None:
        """End every quarantine and forget what was late."""
        with self._lock:
            self._late.clear()
            self._quarantined.clear()

    def note(self, hook: str, value: Any) -> None:
        """Keep what a shadow plugin answered."""
        noted = Noted(self._plugin, hook, self._now(), shorten(value))
        with self._lock:
            self._noted.append(noted)


def _in_the_plugin(trace: TracebackType | None) -> TracebackType | None:
    """*trace* without the steps that lead from the house into the plugin."""
    inside = trace
    while inside and inside.tb_frame.f_globals.get("__name__", "").startswith(("wwt_framework.hooks.", "pluggy.")):
        inside = inside.tb_next
    return inside


def _innermost(trace: TracebackType | None) -> str:
    if trace is None:
        return ""
    while trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
