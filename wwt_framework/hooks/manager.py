"""Where the core meets plugins: the only module that imports pluggy's manager.

Three verbs, and the house uses nothing else::

    hooks.each("fetch_errors", workflow=workflow)                # ask every plugin
    hooks.first("authenticate", username=name, password=word)    # ask in order, stop at an answer
    hooks.only("actions.acdc", "follow_action", action=action)   # ask this one

A plugin that raises, that answers something else than the hook declares, or that is late
loses its own answer and nothing else.
Each plugin has a pluggy manager of its own: one that was refused leaves no trace,
and no plugin can wrap, stop or reorder another.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import pluggy

from wwt_framework.errors import Denied, PluginError
from wwt_framework.hooks import NAME, specs
from wwt_framework.hooks.fitting import implementations
from wwt_framework.hooks.lane import Call, Lane
from wwt_framework.hooks.record import Failure, Quarantine, Record, Timing, message_of
from wwt_framework.hooks.table import HOOKS, Hook

#: Hooks that do something outside; a shadow plugin is not asked these.
_EFFECTS = frozenset({"notify"})


@dataclass(frozen=True)
class Answer:
    """What one plugin said to one hook call.

    ``value`` is what the hook declares: for a hook that returns a sequence never None, but empty.
    When ``error`` is set there is no value.
    ``late``: it did not answer within its deadline, or is not asked because it was late too often.
    """

    plugin: str
    hook: str
    value: Any = None
    error: Exception | None = None
    seconds: float = 0.0
    late: bool = False

    @property
    def ok(self) -> bool:
        """Whether this is an answer at all."""
        return self.error is None

    @property
    def complaint(self) -> str:
        """One sentence for the place where the answer is missing; empty when it is there."""
        return "" if self.error is None else f"{self.plugin}, {self.hook}: {message_of(self.error)}"


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class Hooks:
    """Registered plugins, asked in the order in which they were registered.

    May be called from any thread. *now* gives the time written beside failures.
    """

    def __init__(self, now: Callable[[], datetime] = _utc_now) -> None:
        self._now = now
        self._seats: dict[str, _Seat] = {}
        self._askable: dict[str, tuple[_Seat, ...]] = {}

    # -- who is here --

    def register(self, name: str, plugin: object, deadline_s: float | None = None, shadow: bool = False) -> None:
        """Check *plugin* against the hook specifications and keep it under *name*.

        *deadline_s* takes the place of the house's deadline for those hooks that have one.
        A *shadow* plugin is asked, its answers are noted, and nobody gets them.
        Raises `PluginError` when the plugin does not fit; then it leaves no trace.
        """
        if name in self._seats:
            raise PluginError(f"plugin '{name}' is registered already; give the second one another name in plugins.yml")
        self._take_seats({**self._seats, name: _Seat(name, plugin, deadline_s, shadow, self._now)})

    def adopt(self, name: str, other: Hooks) -> None:
        """Keep a plugin of *other* as it is, with its failures, timings and quarantine."""
        if name in self._seats:
            raise PluginError(f"plugin '{name}' is registered already")
        self._take_seats({**self._seats, name: other._seat(name)})

    def unregister(self, name: str) -> None:
        """Let go of a plugin."""
        self._seat(name)
        self._take_seats({other: seat for other, seat in self._seats.items() if other != name})

    @property
    def plugins(self) -> Mapping[str, object]:
        """Name -> plugin, in the order of asking."""
        return {name: seat.plugin for name, seat in self._seats.items()}

    def implementing(self, hook: str) -> list[str]:
        """Names of the plugins that implement *hook* and whose answers count, in the order of asking."""
        return [seat.name for seat in self._askable.get(_known(hook).name, ()) if not seat.shadow]

    def implemented_by(self, plugin: str) -> tuple[str, ...]:
        """The hooks of one plugin, in the order of specs.py."""
        return tuple(hook for hook in HOOKS if hook in self._seat(plugin).hooks)

    # -- the three verbs --

    def each(self, hook: str, **arguments: Any) -> list[Answer]:
        """Ask every plugin that implements *hook*; those with a deadline at the same time."""
        seats = self._who(hook, "each", arguments)
        if not seats:
            return []
        asked = HOOKS[hook]
        if hook in _EFFECTS:
            seats = tuple(seat for seat in seats if not seat.shadow)
        if asked.deadline_s is None:
            answers = [seat.ask(asked, arguments) for seat in seats]
        else:
            calls = [(seat, seat.begin(asked, arguments)) for seat in seats]
            answers = [seat.finish(asked, call) for seat, call in calls]
        return [answer for seat, answer in zip(seats, answers, strict=True) if not seat.in_shadow(answer)]

    def first(self, hook: str, **arguments: Any) -> Answer | None:
        """Ask in order until a plugin answers other than None, or raises `Denied`.

        Where nobody answered but somebody failed, the first failure is returned, with ``error`` set:
        "nobody knows" (None) and "somebody could not say" are different things to tell a user.
        """
        failure = None
        for seat in self._who(hook, "first", arguments):
            answer = seat.ask(HOOKS[hook], arguments)
            if seat.in_shadow(answer):
                continue
            if isinstance(answer.error, Denied) or (answer.ok and answer.value is not None):
                return answer
            if not answer.ok and failure is None:
                failure = answer
        return failure

    def only(self, plugin: str, hook: str, **arguments: Any) -> Answer:
        """Ask one plugin. A plugin without that hook has nothing to say, where that is an answer."""
        _check_arguments(_known(hook), arguments)
        return self._seat(plugin).ask(HOOKS[hook], arguments)

    # -- what is remembered --

    def record(self, plugin: str) -> Record:
        """What is remembered of one plugin."""
        return self._seat(plugin).record

    @property
    def failures(self) -> dict[str, tuple[Failure, ...]]:
        """Plugin -> the last 20 ways in which it failed, the newest last; plugins without a failure are left out."""
        return {name: failures for name, seat in self._seats.items() if (failures := seat.record.failures)}

    @property
    def timings(self) -> dict[tuple[str, str], Timing]:
        """(plugin, hook) -> how long it takes."""
        return {(name, hook): t for name, seat in self._seats.items() for hook, t in seat.record.timings.items()}

    @property
    def quarantined(self) -> tuple[Quarantine, ...]:
        """Hooks of plugins that are not asked because their answers were late."""
        return tuple(quarantine for seat in self._seats.values() for quarantine in seat.record.quarantined)

    def hangs(self, plugin: str, hook: str, seconds: float) -> None:
        """Remember that nobody waits any more for a call that went on for *seconds*; as late as can be, it is quarantined."""
        error = PluginError(f"did not answer within {seconds:g} s, and may never; nobody waits for it any more")
        self._seat(plugin).record.hangs(_known(hook).name, error)

    def release(self, plugin: str) -> None:
        """Ask a quarantined plugin again, in threads of which none is stuck."""
        self._seat(plugin).release()

    # -- inside --

    def _take_seats(self, seats: dict[str, _Seat]) -> None:
        """Replace both references whole: whoever is asking meanwhile goes on with the old ones."""
        self._askable = {
            hook: askable for hook in HOOKS if (askable := tuple(s for s in seats.values() if hook in s.hooks))
        }
        self._seats = seats

    def _who(self, hook: str, verb: str, arguments: Mapping[str, Any]) -> tuple[_Seat, ...]:
        known = _known(hook)
        if known.asked != verb:
            right = {"owner": "only", "each": "each", "first": "first"}[known.asked]
            raise TypeError(f"{hook} is asked by hooks.{right}, not by hooks.{verb}")
        _check_arguments(known, arguments)
        return self._askable.get(hook, ())

    def _seat(self, name: str) -> _Seat:
        try:
            return self._seats[name]
        except KeyError:
            raise PluginError(f"no plugin '{name}'; there are: {', '.join(self._seats) or 'none'}") from None


def _known(hook: str) -> Hook:
    try:
        return HOOKS[hook]
    except KeyError:
        raise TypeError(f"there is no hook '{hook}' in specs.py") from None


def _check_arguments(hook: Hook, given: Mapping[str, Any]) -> None:
    """A call without all arguments would only fail for plugins that take them: it fails here, for all."""
    if len(given) != len(hook.arguments) or not all(name in given for name in hook.arguments):
        raise TypeError(f"{hook.name} takes ({', '.join(hook.arguments)}), was asked with ({', '.join(given)})")


class _Seat:
    """One plugin in the house: its pluggy manager, its lane, what is remembered of it."""

    def __init__(
        self, name: str, plugin: object, deadline_s: float | None, shadow: bool, now: Callable[[], datetime]
    ) -> None:
        self.name = name
        self.plugin = plugin
        self.shadow = shadow
        self.record = Record(name, now)
        self._deadline_s = deadline_s
        self._lane = Lane(name)
        manager = pluggy.PluginManager(NAME)
        manager.add_hookspecs(specs)
        try:
            self.hooks: frozenset[str] = frozenset(implementations(name, plugin, manager.parse_hookimpl_opts))
            manager.register(plugin, name=name)
        except (pluggy.PluginValidationError, ValueError) as err:
            raise PluginError(f"plugin '{name}' does not fit: {err}") from err
        self._callers = {hook: getattr(manager.hook, hook) for hook in self.hooks}

    def ask(self, hook: Hook, arguments: Mapping[str, Any]) -> Answer:
        """Ask, in the caller's thread or, where the hook has a deadline, in the lane."""
        if hook.deadline_s is not None and hook.name in self.hooks:
            return self.finish(hook, self.begin(hook, arguments))
        started = time.perf_counter()
        try:
            value = self._call(hook, arguments)
        except (Exception, SystemExit) as err:  # noqa: BLE001  # a plugin may raise anything
            return self._failed(hook, err, time.perf_counter() - started)
        finally:
            self.record.in_time(hook.name)
        return self._checked(hook, value, time.perf_counter() - started)

    def begin(self, hook: Hook, arguments: Mapping[str, Any]) -> Call | Quarantine:
        """Start a call in the lane, unless the hook is quarantined."""
        if quarantine := self.record.resting(hook.name):
            return quarantine
        return self._lane.submit(functools.partial(self._call, hook, arguments))

    def finish(self, hook: Hook, call: Call | Quarantine) -> Answer:
        """Wait for a call as long as its deadline allows."""
        if isinstance(call, Quarantine):
            error = PluginError(
                f"not asked since {call.since:%H:%M} UTC because its answers were late; "
                "an admin may have it asked again on /plugins"
            )
            return Answer(self.name, hook.name, None, error, 0.0, late=True)
        assert hook.deadline_s is not None
        deadline_s = self._deadline_s or hook.deadline_s
        in_time = call.wait(deadline_s)
        seconds = time.perf_counter() - call.started
        if not in_time:
            self._lane.forget(call)
            return self._too_late(hook, deadline_s, seconds)
        self.record.in_time(hook.name)
        if call.error is None:
            return self._checked(hook, call.value, seconds)
        if isinstance(call.error, Exception | SystemExit):
            return self._failed(hook, call.error, seconds)
        raise call.error

    def release(self) -> None:
        self._lane = Lane(self.name)
        self.record.release()

    def in_shadow(self, answer: Answer) -> bool:
        """Whether *answer* is only noted."""
        if self.shadow and answer.ok:
            self.record.note(answer.hook, answer.value)
        return self.shadow

    def _call(self, hook: Hook, arguments: Mapping[str, Any]) -> Any:
        caller = self._callers.get(hook.name)
        if caller is None:
            return None
        started = time.perf_counter()
        try:
            value = caller(**arguments)
        finally:
            self.record.took(hook.name, time.perf_counter() - started)
        if hook.asked != "first":  # pluggy's list of those who said something
            return value[0] if value else None
        return value

    def _checked(self, hook: Hook, value: Any, seconds: float) -> Answer:
        try:
            return Answer(self.name, hook.name, hook.returns.check(value), None, seconds)
        except PluginError as err:
            what = "answered" if hook.name in self.hooks else "does not implement it"
            return self._failed(hook, PluginError(f"{what}: {err}"), seconds)

    def _failed(self, hook: Hook, error: Exception | SystemExit, seconds: float) -> Answer:
        if isinstance(error, SystemExit):
            wanted = PluginError(f"wanted to end the program (SystemExit: {error.code})")
            error = wanted.with_traceback(error.__traceback__)
        if not isinstance(error, Denied):  # a refusal is an answer
            self.record.failed(hook.name, error)
        return Answer(self.name, hook.name, None, error, seconds)

    def _too_late(self, hook: Hook, deadline_s: float, seconds: float) -> Answer:
        error = PluginError(f"did not answer within {deadline_s:g} s")
        self.record.failed(hook.name, error, late=True)
        self.record.late(hook.name)
        return Answer(self.name, hook.name, None, error, seconds, late=True)
