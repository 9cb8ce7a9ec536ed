"""What `wwt check` and `wwt plugins` say."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from wwt_framework import config as configuration
from wwt_framework.app import App
from wwt_framework.errors import ConfigError, NotFound, WwtError
from wwt_framework.hooks import loader
from wwt_framework.hooks.loader import Loaded, Offer
from wwt_framework.services.access.admins import warning
from wwt_framework.services.mailing import JOB, NO_SERVER
from wwt_framework.store import ledger


def check(path: Path, say: Callable[[str], None]) -> list[str]:
    """Build the house of *path* and ask its plugins how they are; returns what is wrong, one sentence each."""
    try:
        configuration.load(path)
        app = App.build(path)
    except ConfigError as err:
        return list(err.problems)
    except WwtError as err:
        return str(err).splitlines()
    try:
        problems = [item.complaint for item in app.house.loaded if not item.ok]
        for item in app.house.loaded:
            if item.ok:
                say(f"{item.full_name}: ready ({item.distribution} {item.version})")
        problems += _mail(app, say)
        if locked_out := warning(app.house.hooks, app.store):
            say(f"warning: {locked_out}")
        for answer in app.house.hooks.each("report_health"):
            if not answer.ok:
                problems.append(answer.complaint)
            elif answer.value and not answer.value.ok:
                problems.append(f"{answer.plugin}: {answer.value.text}")
            elif answer.value:
                say(f"{answer.plugin}: {answer.value.text}")
        return problems
    finally:
        app.close()


def _mail(app: App, say: Callable[[str], None]) -> list[str]:
    """What is wrong with the mail server."""
    if not app.post.has_server:
        waiting = ledger.mail_counts(app.store)["waiting"]
        say("mail: no mail server is named (wwt.mail), so plugins can not send mail")
        return [f"mail: {waiting} waiting from before, and no mail server is named (wwt.mail)"] if waiting else []
    try:
        say(f"mail: {app.post.greet()}")
    except WwtError as err:
        return [f"mail: {err}"]
    return []


def send_test(path: Path, to: str, say: Callable[[str], None]) -> bool:
    """Send a mail that says that mail works; whether the mail server has taken it. Raises `WwtError`."""
    app = App.build(path)
    try:
        if not app.post.has_server:
            raise WwtError(f"{NO_SERVER}; wwt.mail in plugins.yml names one")
        text = (
            "This mail was asked for by `wwt mail test`.\n\nWho reads it knows that mail of this installation arrives."
        )
        mail_id = app.post.queue("wwt mail test", [to], "A test: mail of this installation arrives", text)
        run = _when_ended(app, app.clockwork.run_now(JOB, user="wwt mail test"))
        mail = ledger.mail(app.store, mail_id)
        if mail.state == "sent":
            say(
                f"the mail server {app.post.state().server} has taken a mail to {to}; whether it arrives, its reader knows"
            )
            return True
        if run.state != "failed" and not mail.reason:
            say("queued, and not sent yet: so many mails go out in an hour (per_hour), or another process is sending")
            return False
        say(
            f"not sent: {mail.reason or run.text}" + ("; it is kept and tried again" if mail.state == "waiting" else "")
        )
        return False
    finally:
        app.close()


def _when_ended(app: App, run: ledger.JobRun, seconds: float = 30) -> ledger.JobRun:
    """*run* when it has ended, perhaps in another process that is sending just now, or after *seconds*."""
    end = time.monotonic() + seconds
    while run.state in ("queued", "running") and time.monotonic() < end:
        time.sleep(0.2)
        run = ledger.run(app.store, run.id)
    return run


def describe(path: Path | None, name: str | None) -> str:
    """What is installed and what runs; with *name*, the options of that plugin. Raises `NotFound`."""
    loaded: tuple[Loaded, ...] = ()
    if path is not None:
        app = App.build(path)
        loaded = app.house.loaded
        app.close()
    if name is None:
        return "\n".join(_lines(loaded, loader.offers()))
    for item in loaded:
        if name in (item.full_name, item.name):
            return _details(item)
    known = ", ".join(item.full_name for item in loaded) or "none"
    raise NotFound(f"no plugin {name!r} in {path or 'any plugins.yml'}; listed there: {known}")


def _lines(loaded: tuple[Loaded, ...], offers: list[Offer]) -> list[str]:
    lines = [f"{item.full_name:<28} {item.state:<10} {item.complaint or item.text}" for item in loaded]
    used = {(item.namespace, item.config.use) for item in loaded}
    lines += [
        f"{offer.namespace + '.' + offer.name:<28} {'not used':<10} installed by {offer.distribution} {offer.version}"
        for offer in offers
        if (offer.namespace, offer.name) not in used
    ]
    return lines or ["no plugin is installed"]


def _details(item: Loaded) -> str:
    lines = [
        f"{item.full_name}: {item.state}" + (f" ({item.reason})" if item.reason else ""),
        item.text,
        f"from {item.distribution} {item.version}, {item.target}, {item.config.where}",
        f"hooks: {', '.join(item.hooks) or 'none'}",
        "options:" if item.options else "no options",
    ]
    for row in item.options:
        lines.append(f"  {row.name} ({row.type}): {row.description}")
        lines.append(
            f"    {'is ' + row.value if row.given else 'default ' + row.default if row.default else 'must be given'}"
        )
    return "\n".join(lines)
