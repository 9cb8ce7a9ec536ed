"""An installation with every shipped plugin that has pages, full of texts that mean harm."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

from tests.services.alike.alike_world import Grouper
from tests.test_docs import tool
from tests.web.house import HOSTILE, Client
from wwt_framework import hookimpl
from wwt_framework.app import App
from wwt_framework.cube import ErrorColumns
from wwt_framework.model import (
    Action,
    ActionState,
    Case,
    ChainLink,
    ErrorCount,
    ExitCode,
    LogExcerpt,
    LogHit,
    LogHits,
    LogQuestion,
    Mined,
    Readiness,
    Reason,
    Recommendation,
    Recovery,
    Rejected,
    Similar,
    SiteStatus,
    SourceReport,
    Task,
    Template,
    User,
    Workflow,
)  # fmt: skip
from wwt_framework.plugin import Credential, ExecutorWord, Health, Link
from wwt_framework.snapshot import SnapshotParts, write
from wwt_framework.store import Store, ledger
from wwt_framework.web import wsgi

PASSWORD = "correct horse battery"
#: Who walks: an admin sees most, a machine what is the executor's.
ADMIN, OPERATOR, MACHINE = "adam", "olga", "max"
ROLES = {ADMIN: ["admin"], OPERATOR: ["operator"], MACHINE: ["machine"]}

#: Every text that an element of it would betray: see `BETRAYED`.
MARK = "xss7191"
HARM = (
    *HOSTILE,
    f"<b id={MARK}>&<img src=/{MARK} onerror=alert(1)><!--",
    f"\"><svg onload=alert(1) id={MARK}><script>alert('{MARK}')</script>",
    f"' autofocus onfocus=alert(1) data-{MARK}='",
    f"</title></textarea></script><iframe srcdoc='<script>alert(1)</script>' id={MARK}>",
    f"${{7*7}}{{{{7*7}}}}<%= 7 %>{MARK}`",
    "\x1b[31mred\x1b[0m\ud800"[:-1],
)
#: Words that an attribute or element made of such a text would have.
BETRAYED = (MARK, "onerror", "onload", "onfocus", "srcdoc")
#: One workflow among them that can be acted on: the house acts on no name that no grid would give.
FINE, FINE_PREP = "olga_Run2018A_v1_211104_103015_1234", "HIG-RunIISummer20-00001"
_CHEAP = "{time_cost: 1, memory_kib: 8, parallelism: 1, domains: [example.org], deadline_s: 60}"
_KINDS = ("acdc", "clone", "recovery", "special", "mail")
NOW = datetime.now(timezone.utc).replace(microsecond=0)


def besieged(folder: Path) -> App:
    """The installation; rate limits are far away, so that the walk gets behind them."""
    more = {f"actions.{kind}": "{}" for kind in _KINDS if kind != "mail"}
    app: App = tool("roles").everything(folder, {**more, "auth.local": _CHEAP})
    config = app.house.config
    far = {"per_account": 10**6, "per_address": 10**6, "minutes": 60}
    limits = type(config.house.limits).model_validate(dict.fromkeys(("sign_in", "registration", "reset"), far))
    house = config.house.model_copy(update={"limits": limits})
    app.house = type(app.house)(
        type(config)(config.path, house, config.plugins, config.checksum), app.house.hooks, app.house.loaded
    )
    names = workflows()
    grouper = Grouper({name: i % 4 for i, name in enumerate([*names, FINE])}, dict(enumerate(HARM[-4:])))
    grouper.near = tuple(Similar(name, 0.1, HARM[-3:], HARM[:2]) for name in names[:5])
    app.house.hooks.register("clustering.harm", grouper, deadline_s=60)
    app.house.hooks.register("extras.harm", Harm(), deadline_s=60)
    _publish(app, folder / "data")
    _people(app)
    _deeds(app.store, names)
    app.clockwork.run_now("clusters", ADMIN)
    return app


def client_of(app: App) -> Client:
    return Client(wsgi.build(app), app, dict.fromkeys(ROLES, PASSWORD))


def workflows() -> list[str]:
    """Names of workflows; a slash would end them."""
    return [f"wf{i}{_inner(text)}" for i, text in enumerate(HARM)]


def _inner(text: str) -> str:
    return text.replace("/", "|")


class Harm:
    """A plugin that passes on what somebody wrote."""

    @hookimpl
    def search_logs(self, asked: LogQuestion) -> LogHits:  # whatever is asked
        return LogHits(tuple(LogHit(text, text, NOW, text, text, text) for text in HARM), len(HARM), HARM[-2])

    @hookimpl
    def recommend_actions(self, case: Case) -> Sequence[Recommendation]:
        task = next((row.task for row in case.errors), "")
        return [
            Recommendation("acdc", text, {"memory": text}, task, (text,), 8028, text, text, text, text, {text: (text,)},
                           f"p{i}", "/procedures#x", text, None, text)
            for i, text in enumerate(HARM[:2] + HARM[-3:])
        ]  # fmt: skip

    @hookimpl
    def show_links(self, case: Case) -> Sequence[Link]:
        return [Link(text, "https://example.org/" + case.workflow.name[:50], text) for text in HARM]

    @hookimpl
    def report_health(self) -> Health:
        return Health(False, HARM[-2])


def _publish(app: App, data: Path) -> None:
    """A snapshot in which every name means harm."""
    taken = datetime.now(timezone.utc)
    version = taken.strftime("%Y%m%dT%H%M%S.%fZ")
    names, folder = workflows(), data / "snapshots" / version
    folder.mkdir(parents=True)
    logs = [
        (name, LogExcerpt(f"/{name}/{_inner(text)}", 8028 + i, text, text, f"{text} {n}", text, 3 + n,
                          (ChainLink(text, 8028),), NOW, (text,)))
        for i, (name, text) in enumerate(zip(names, HARM, strict=True)) for n in (1, 2)
    ]  # fmt: skip
    parts = SnapshotParts(
        version, taken,
        [
            Workflow(name, text, text, text, text, 5, NOW, tasks=(Task(f"/{name}/{_inner(text)}", text, text),),
                     parameters={text: text, "SiteWhitelist": [text]}, assistance=text)
            for name, text in zip(names, HARM, strict=True)
        ]
        + [Workflow(FINE, FINE_PREP, tasks=(Task(f"/{FINE}/Production", "Production"),))],
        ErrorColumns.of([
            ErrorCount(f"/{name}/{_inner(text)}", 8028 + i, text, 5 + i)
            for i, (name, text) in enumerate(zip(names, HARM, strict=True))
        ] + [ErrorCount(f"/{FINE}/Production", 8028, "T2_CH_CERN", 7)]),
        errors_state={name: i % 4 for i, name in enumerate(names)},
        logs=logs,
        recoveries=[(n, Recovery(f"/{n}/{_inner(t)}", frozenset({t}), 3)) for n, t in zip(names, HARM, strict=True)],
        sites=[SiteStatus(text, Readiness.RED, text, NOW, text) for text in HARM],
        exit_codes=[ExitCode(8028 + i, text, text, text, text, source=text) for i, text in enumerate(HARM)],
        sources=[
            SourceReport(text, text, "failed", taken, None, 0.1, text, (Rejected(text, text, text),), 1, text)
            for text in HARM
        ],
    )  # fmt: skip
    write(folder, parts, _mine)
    ledger.publish_version(app.store, version, taken, f"snapshots/{version}")


def _mine(texts: Sequence[str]) -> Mined:
    known = Template("harm", f"{HARM[-3]} <file> {HARM[-2]}")
    return Mined(("harm",) * len(texts), (known,), tuple((text[:500],) for text in texts))


def _people(app: App) -> None:
    local: Any = app.house.hooks.plugins["auth.local"]
    for name, roles in ROLES.items():
        local.add(name, PASSWORD, roles, email=f"{name}@example.org")
    for i, text in enumerate(HARM):
        shown = "".join(char for char in text if char.isprintable())[:200]
        ledger.meet(app.store, User(f"{i} {shown}", shown, shown, frozenset({"viewer"}), "auth.ldap"), seen=True)
    number = count()
    for owner in (ADMIN, *HARM[:1]):
        for text in HARM:
            details = {
                "digest": "0" * 64, "owner": owner, "scope": "viewer", "label": text[:400], "backend": "auth.local",
                "email": text, "full_name": text, "roles": ["viewer"],
            }  # fmt: skip
            later = NOW + timedelta(days=9)
            ledger.add_credential(
                app.store, "auth.token", Credential("token", f"{next(number):012x}", owner, details, later)
            )
            passkey = {"label": text, "public_key": "", "sign_count": 0}
            ledger.add_credential(
                app.store, "auth.passkey", Credential("passkey", f"k{next(number)}", ADMIN, passkey, None)
            )


def _deeds(store: Store, names: Sequence[str]) -> None:
    """What operators, executors and mails said."""
    for i, (name, text) in enumerate(zip(names, HARM, strict=True)):
        action = Action(
            uuid.uuid4().hex, ("acdc", "clone", "special", text)[i % 4], name, {"comment": text, "memory": text},
            {_inner(text): {"memory": text, "sites": [text]}}, (Reason(text[:200], text),), text, ActionState.QUEUED,
            NOW, NOW, text, text, (text,),
        )  # fmt: skip
        ledger.submit(store, [action])
        ledger.note(store, action.id, text, text)
        ledger.say(store, text, {action.id: [ExecutorWord("rejected", text, text, text)]})
        ledger.heard(
            store, text, text, {"kinds": {text: {"fields": [text], "choices": {text: [text]}}}, "version": text[:200]}
        )
        ledger.use_reasons(store, [Reason(text, text)], text)
        ledger.write_down(store, text, text[:100], text, remote=text, why=text, k=text)
        run = ledger.request_run(store, f"harm{i}", {"x": text}, text)
        ledger.start_run(store, run)
        ledger.progress_run(store, run, 0.5, text)
        ledger.end_run(store, run, "failed", text)
        to = f"{ADMIN}@example.org"
        ledger.queue_mail(store, [to], [to], " ".join(text.split()), text, text, asked_by=text)
    ledger.keep_correction(store, "merge", [names[0], names[1]], [], HARM[-3])
    ledger.keep_correction(store, "split", [names[2]], [names[3]], HARM[-2])
