"""What runs here: plugins that are loaded, failed, missing or late; and whether the house is well."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from wwt_framework import __version__
from wwt_framework.errors import PluginError, WwtError
from wwt_framework.hooks.loader import Loaded
from wwt_framework.hooks.option_rows import OptionRow
from wwt_framework.hooks.record import Failure, Quarantine, Timing
from wwt_framework.services.access.admins import warning
from wwt_framework.services.mailing import NO_SERVER
from wwt_framework.store import ledger
from wwt_framework.web.exchange import Exchange, Refused, current_exchange
from wwt_framework.web.filters import age_words
from wwt_framework.web.frame import STATES
from wwt_framework.web.parameters import JsonFormat
from wwt_framework.web.render import as_json, redirect, render
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import page

HEALTH_SECONDS = 15  # plugins are asked how they are once in this time, however often /health is read


def mount(app: Any) -> dict[str, Any]:
    return {"/plugins": plugins, "/plugins/release": release, "/health": Doctor(app).health}


@dataclass(frozen=True)
class PluginLine:
    """One plugin of plugins.yml."""

    loaded: Loaded
    name: str
    state: str  # ready, quarantined, missing, failed, ambiguous
    sentence: str  # why it does not work, or not fully; "" when all is well
    role: str  # "required", "in shadow", ""
    options: tuple[OptionRow, ...]
    timings: Mapping[str, Timing]
    failures: tuple[Failure, ...]
    quarantined: tuple[Quarantine, ...]
    pages: tuple[str, ...] = ()
    said: tuple[str, ...] = ()  # what the last refresh says of it as a source, when something is wrong


@dataclass(frozen=True)
class PluginsPage:
    """What /plugins shows."""

    lines: tuple[PluginLine, ...]
    checksum: str
    config_path: str  # "" for who may not know
    problems: tuple[str, ...]  # why the plugins.yml on disk is not the one that runs
    restart_needed: tuple[str, ...]
    refused_pages: tuple[str, ...]
    is_admin: bool
    locked_out: str = ""  # that no admin can sign in, for who may know


def page_of(exchange: Exchange) -> PluginsPage:
    """Everything about plugins that this visitor may know. Values of options and places on disk are for admins."""
    house, app = exchange.house, exchange.app
    is_admin = exchange.user.may("admin")
    return PluginsPage(
        lines=tuple(line_of(exchange, loaded, is_admin) for loaded in house.loaded),
        checksum=str(house.config.checksum),
        config_path=str(house.config.path) if is_admin else "",
        problems=tuple(app.problems),
        restart_needed=tuple(app.restart_needed),
        refused_pages=exchange.room.refused,
        is_admin=is_admin,
        locked_out=warning(house.hooks, app.store) if exchange.user.may("operator") else "",
    )


def line_of(exchange: Exchange, loaded: Loaded, is_admin: bool) -> PluginLine:
    name = loaded.full_name
    hooks = exchange.house.hooks
    record = hooks.record(name) if name in hooks.plugins else None
    resting = record.quarantined if record else ()
    sentence = "" if loaded.ok else loaded.complaint
    if resting:
        sentence = "Not asked for " + ", ".join(one.hook for one in resting) + ": its answers came too late."
    config = loaded.config
    options = loaded.options if is_admin else tuple(replace(row, value="") for row in loaded.options)
    return PluginLine(
        loaded,
        name,
        "quarantined" if resting else loaded.state,
        sentence,
        "required" if config.required else "in shadow" if config.shadow else "",
        options,
        record.timings if record else {},
        tuple(reversed(record.failures)) if record else (),
        resting,
        tuple(path for path, several in exchange.room.pages.items() if several[0].plugin == name),
        tuple(_said_of(name, exchange.snapshot)),
    )


def _said_of(plugin: str, snapshot: Any) -> Iterator[str]:
    """What is wrong with a source in the snapshot that pages show, in sentences."""
    reports = [report for report in snapshot.sources if report.plugin == plugin]
    yield from dict.fromkeys(report.warning for report in reports if report.warning)
    for report in reports:
        if report.state in STATES and STATES[report.state][1]:
            yield f"{report.kind}: {STATES[report.state][0]}" + (f" ({report.note})" if report.note else "")


_LINE = {
    "name": str, "state": str, "sentence": str, "as_source": [str], "distribution": str, "version": str, "hooks": [str],
    "seconds": {str: Timing}, "failures": [{"hook": str, "message": str, "at": datetime, "count": int}],
}  # fmt: skip


@page(answers=[_LINE])
def plugins(format: JsonFormat = "") -> Response:  # noqa: A002  # as in ?format=
    """What runs here, what does not and why, how long each plugin takes."""
    shown = page_of(current_exchange())
    if format == "json":
        return as_json([_as_data(line) for line in shown.lines])
    return render("plugins.html", page=shown)


def _as_data(line: PluginLine) -> dict[str, Any]:
    return {
        "name": line.name,
        "state": line.state,
        "sentence": line.sentence,
        "as_source": list(line.said),
        "distribution": line.loaded.distribution,
        "version": line.loaded.version,
        "hooks": list(line.loaded.hooks),
        "seconds": {hook: asdict(timing) for hook, timing in line.timings.items()},
        "failures": [
            {"hook": f.hook, "message": f.message, "at": f.at.isoformat(), "count": f.count} for f in line.failures
        ],
    }


@page(role="admin", methods=("POST",))
def release(plugin: str) -> Response:
    """Have a plugin asked again that was quarantined."""
    try:
        current_exchange().house.hooks.release(plugin)
    except PluginError as error:
        raise Refused(404, str(error)) from None
    return redirect("/plugins")


# -- health --------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: str  # ok, degraded, down
    text: str


def _is_inside(check: Check) -> bool:
    """Whether its text names servers that no reader of pages has to do with; `wwt plugins` tells it."""
    return check.name == "mail" or check.name.startswith("auth.")


_HEALTH = {"state": Literal["ok", "degraded", "down"], "version": str, "checks": [Check]}


class Doctor:
    """Looks whether the house is well; asks plugins now and then only."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self._asked: tuple[float, Any, tuple[Check, ...]] = (float("-inf"), None, ())

    @page(role="anyone", identify=False, json=True, answers=dict.fromkeys((200, 503), _HEALTH))
    def health(self) -> Response:
        """Whether this process can serve (200) or not (503), and what is not as it should be, with reasons."""
        exchange = current_exchange()
        checks = [self.store(), self.snapshot(exchange), *self.configuration(exchange), *self.mail()]
        checks += self.plugins(exchange.house)
        states = {check.state for check in checks}
        state = next((word for word in ("down", "degraded") if word in states), "ok")
        open_reading = exchange.house.config.house.open_reading
        told = [check if open_reading and not _is_inside(check) else replace(check, text="") for check in checks]
        version = __version__ if open_reading else ""
        body = {"state": state, "version": version, "checks": [asdict(check) for check in told]}
        return as_json(body, 503 if state == "down" else 200)

    def store(self) -> Check:
        try:
            ledger.current_version(self.app.store)
        except WwtError as error:
            return Check("store", "down", str(error))
        return Check("store", "ok", "answers")

    def snapshot(self, exchange: Exchange) -> Check:
        snapshot = exchange.snapshot
        if snapshot.is_empty:
            return Check("snapshot", "degraded", "no refresh has ended yet")
        seconds = (exchange.now - snapshot.taken_at).total_seconds()
        text = f"{snapshot.version}, {age_words(seconds)}"
        old = seconds > 180 * exchange.house.config.house.refresh_minutes
        failing = sorted({report.plugin for report in snapshot.sources if report.state in ("failed", "kept")})
        if failing:
            return Check("snapshot", "degraded", f"{text}; did not answer: {', '.join(failing)}")
        return Check("snapshot", "degraded" if old else "ok", text)

    def configuration(self, exchange: Exchange) -> list[Check]:
        app = exchange.app
        checks = [Check("configuration", "degraded", problem) for problem in app.problems]
        if app.restart_needed:
            checks.append(Check("configuration", "degraded", f"restart needed for: {', '.join(app.restart_needed)}"))
        return checks or [Check("configuration", "ok", str(exchange.house.config.checksum))]

    def mail(self) -> list[Check]:
        """How the mail server is, where there is one or a mail waits for one; nothing while the store is away."""
        try:
            post = self.app.post.state()
        except WwtError:
            return []
        waiting = post.counts["waiting"]
        waits = f"{waiting} mail{' waits' if waiting == 1 else 's wait'}"
        if not post.server:
            return [Check("mail", "degraded", f"{NO_SERVER}, and {waits}")] if waiting else []
        if post.trouble_in_short:
            return [Check("mail", "degraded", f"{post.trouble_in_short}; {waits}")]
        return [Check("mail", "ok", waits if waiting else "nothing waits")]

    def plugins(self, house: Any) -> tuple[Check, ...]:
        """What plugins say of themselves; asked anew when the last answers are old, or of another house."""
        at, of, checks = self._asked
        if of is house and time.monotonic() - at < HEALTH_SECONDS:
            return checks
        bad = [Check(one.full_name, "degraded", one.complaint) for one in house.loaded if not one.ok]
        late = [Check(q.plugin, "degraded", f"{q.hook}: its answers were late") for q in house.hooks.quarantined]
        said = [
            Check(answer.plugin, "ok" if answer.ok and answer.value and answer.value.ok else "degraded", words)
            for answer in house.hooks.each("report_health")
            if (words := answer.complaint or (answer.value.text if answer.value else ""))
        ]
        checks = (*bad, *late, *said)
        self._asked = (time.monotonic(), house, checks)
        return checks
