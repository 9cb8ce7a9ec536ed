"""Watches running workflows: a document about the failures of each, sent to a broker and kept, and mails when it is bad."""

from __future__ import annotations

import fnmatch
import hashlib
import re
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone

from pydantic import Field, SecretStr, field_validator, model_validator

from wwt_framework import hookimpl
from wwt_framework.errors import PluginError
from wwt_framework.model import Case
from wwt_framework.options import ConfigPath, MailAddress, PluginOptions
from wwt_framework.plugin import Health, Job, PluginContext, Progress, Snapshot

from .alerts import Alerts, Failing, Limits, failing
from .documents import Document, document
from .outbox import Message, Outbox, read

try:
    from .sending import Broker, send
except ImportError as err:  # only who sends needs it
    _MISSING = f"stomp.py is not installed ({err}); run: pip install 'wwt-framework[stomp]'"
else:
    _MISSING = ""

#: Version of the shape of documents, as the original's.
_VERSION = "0.1"
_LAST = "last_version"


class WorkflowMonit:
    """Send a document about each running workflow that fails to a STOMP broker, and mail what fails for days."""

    class Options(PluginOptions):
        brokers: tuple[str, ...] = Field(
            (), description="host:port of STOMP brokers, tried in this order; empty: documents are only kept as files"
        )
        topic: str = Field("/topic/cms.toolsandint.workflowsinfo", description="where documents are sent")
        producer: str = Field("toolsandint-workflows-collector", description="the name under which they are sent")
        tls: bool = Field(True, description="false: plain STOMP, for a broker on this machine")
        certificate: ConfigPath | None = Field(None, description="PEM file of the certificate to show to the broker")
        key: ConfigPath | None = Field(
            None, description="PEM file of its key, where the certificate's does not hold it"
        )
        ca: ConfigPath | None = Field(None, description="PEM file of who vouches for the broker; null: the system's")
        user: str = Field("", description="name with which to sign in at the broker; empty: the certificate says it")
        password: SecretStr = Field(SecretStr(""), description="its password; best {$file: PATH} or {$env: NAME}")
        timeout_s: float = Field(30, gt=0, le=600, description="seconds to wait for the broker")
        minutes: float = Field(30, ge=1, le=1440, description="minutes between two rounds")
        statuses: tuple[str, ...] = Field(
            ("running*",), description="workflows in these statuses are watched; * stands for anything"
        )
        keep_days: float = Field(14, gt=0, description="days for which copies of what was sent are kept")
        keep_unsent_days: float = Field(7, gt=0, description="days after which what can not be sent is given up")
        stale_hours: float = Field(
            3, gt=0, description="hours after which it is a failure that nothing new was fetched"
        )
        alert_recipients: tuple[MailAddress, ...] = Field((), description="who is told by mail; empty: nobody")
        alert_failure_rate: float = Field(0.5, gt=0, le=1, description="share of failed jobs from which mails tell")
        alert_days: float = Field(2, ge=0, description="days in alert_status from which they do")
        alert_status: str = Field("running-open", description="the status that is meant")
        alert_again_days: float = Field(7, gt=0, description="days after which the same workflow is told of again")
        broken_again_hours: float = Field(
            24, gt=0, description="hours after which a failure of the watching is told again"
        )

        @field_validator("brokers")
        @classmethod
        def _host_and_port(cls, brokers: tuple[str, ...]) -> tuple[str, ...]:
            for text in brokers:
                if not re.fullmatch(r"[A-Za-z0-9_.-]+:([0-9]{1,5})", text, re.ASCII) or not _port(text):
                    raise ValueError(f"expected host:port like broker.example.org:61614, got '{text}'")
            return brokers

        @model_validator(mode="after")
        def _signs_in(self) -> WorkflowMonit.Options:
            if bool(self.user) != bool(self.password.get_secret_value()):
                raise ValueError("user and password belong together; give both or neither")
            if self.key and not self.certificate:
                raise ValueError("key is given without certificate")
            return self

    def __init__(self, context: PluginContext[Options]) -> None:
        options = context.options
        if options.brokers and _MISSING:
            raise PluginError(_MISSING)
        self._context = context
        self._outbox = Outbox(context.data_dir)
        self._alerts = Alerts(context.memory, context.mail, context.url, options.alert_recipients)
        self._limits = Limits(
            options.alert_failure_rate, options.alert_days, options.alert_status, options.alert_again_days
        )

    # -- hooks --

    @hookimpl
    def register_jobs(self) -> Sequence[Job]:
        every = timedelta(minutes=self._context.options.minutes)
        return [Job(f"{self._context.name}.collect", self.collect, every, help="documents about running workflows")]

    @hookimpl
    def report_health(self) -> Health:
        """Whether what was made was sent, and mails go out."""
        told, problems = [], []
        if rounds := self._outbox.waiting():
            problems.append(
                f"documents of {len(rounds)} rounds wait to be sent, the oldest of {rounds[0].name[:13]} UTC"
            )
        if self._context.options.alert_recipients and (trouble := self._context.mail.trouble()):
            problems.append(f"alerts can not be mailed: {trouble}")
        brokers = self._context.options.brokers
        told.append(f"sends to {', '.join(brokers)}" if brokers else "keeps documents as files; no broker is named")
        return Health(not problems, "; ".join(problems or told))

    # -- the round --

    def collect(self, progress: Progress, now: datetime | None = None) -> str:
        """Make, keep and send the documents of the newest snapshot, and tell what is bad. A failure is mailed, too."""
        now = now or datetime.now(timezone.utc)
        try:
            said = self._round(progress, now)
        except Exception as err:  # whatever it is, somebody must hear of it
            self._tell_broken(err, now)
            raise
        self._alerts.works(now)
        return said

    def _round(self, progress: Progress, now: datetime) -> str:
        """One round. What goes wrong in it does not keep the rest from being done. Raises `PluginError`."""
        options, snapshot = self._context.options, self._context.snapshot()
        said: list[str] = []
        problems: list[str] = []
        if snapshot.version == self._context.memory.get(_LAST) or not snapshot.workflow_names():
            said, problems = self._old(snapshot, now)
        else:
            bad = self._take(snapshot, progress, now, said)
            try:
                said += self._alert(bad, now, snapshot.version)
            except PluginError as err:
                problems.append(f"{len(bad)} workflows fail for days and nobody could be told: {err}")
        if given_up := self._outbox.prune(now, options.keep_days, options.keep_unsent_days):
            said.append(f"{given_up} documents were too old to be sent and are given up")
        if options.brokers:
            try:
                said.append(self._send(progress))
            except PluginError as err:
                problems.append(str(err))
        if problems:
            raise PluginError("; ".join(problems))
        return "; ".join(said)

    def _old(self, snapshot: Snapshot, now: datetime) -> tuple[list[str], list[str]]:
        """What is to be said where there is nothing new: words, and problems."""
        if not snapshot.workflow_names():
            return ["there are no workflows"], []
        since, hours = snapshot.taken_at, self._context.options.stale_hours
        if now - since > timedelta(hours=hours):
            return [], [f"nothing new was fetched for more than {hours:g} hours, since {since:%Y-%m-%d %H:%M} UTC"]
        return [f"nothing new since {since:%H:%M} UTC"], []

    def _take(self, snapshot: Snapshot, progress: Progress, now: datetime, said: list[str]) -> list[Failing]:
        """Make and keep the documents of *snapshot*; returns what fails for days."""
        made: list[Document] = []
        bad = failing(self._watched(snapshot, progress, made), self._limits, now)
        messages = [self._message(one, snapshot.taken_at) for one in made]
        self._outbox.put(messages, snapshot.taken_at, to_send=bool(self._context.options.brokers and messages))
        self._context.memory[_LAST] = snapshot.version
        said.append(f"{len(made)} documents about workflows that fail")
        return bad

    def _alert(self, bad: Sequence[Failing], now: datetime, version: str) -> list[str]:
        told = self._alerts.workflows(bad, self._limits, now, version)
        nobody = "" if self._context.options.alert_recipients else ", and nobody is to be told"
        return [f"{told} fail for days{nobody}"] if told else []

    def _watched(self, snapshot: Snapshot, progress: Progress, made: list[Document]) -> Iterator[Case]:
        """The cases of running workflows, one after the other; their documents go into *made*."""
        patterns = self._context.options.statuses
        names = [
            name
            for name in snapshot.workflow_names()
            if any(fnmatch.fnmatchcase(snapshot.status(name), pattern) for pattern in patterns)
        ]
        for number, name in enumerate(names):
            if number % 50 == 0:
                progress(number / len(names), "makes documents")
            case = snapshot.case(name)
            if case is None:
                continue
            if (told := document(case)) is not None:
                made.append(told)
            yield case

    def _message(self, told: Document, taken_at: datetime) -> Message:
        """*told* as CMSMonitoring's StompAMQ wraps it. ``_id`` is the same for whoever makes it again."""
        producer = self._context.options.producer
        about = f"{producer}\n{told['name']}\n{taken_at.isoformat()}".encode("utf-8", "surrogatepass")
        metadata = {
            "timestamp": int(taken_at.timestamp() * 1000), "producer": producer,
            "_id": hashlib.sha256(about).hexdigest()[:32], "uuid": str(uuid.uuid4()),
        }  # fmt: skip
        return {
            "type": f"workflowmonit_{producer}", "version": _VERSION, "producer": producer,
            "body": {"data": told, "metadata": metadata},
        }  # fmt: skip

    def _send(self, progress: Progress) -> str:
        """Send all that waits, the oldest first. Raises `PluginError` when something still waits then."""
        sent = 0
        for round_ in self._outbox.waiting():
            progress(None, f"sends the documents of {round_.name[:13]}")
            confirmed, why = send(self._broker(), read(round_))
            left = self._outbox.confirm(round_, confirmed)
            sent += len(confirmed)
            if left:
                raise PluginError(f"{sent} documents were sent, {left} of this round wait: {why}")
        return f"{sent} sent"

    def _broker(self) -> Broker:
        options = self._context.options
        return Broker(
            tuple((text.rpartition(":")[0], _port(text)) for text in options.brokers), options.topic, options.tls,
            options.certificate, options.key, options.ca, options.user, options.password.get_secret_value(),
            options.timeout_s,
        )  # fmt: skip

    def _tell_broken(self, err: Exception, now: datetime) -> None:
        why = str(err) if isinstance(err, PluginError) else f"{type(err).__name__}: {err}"
        try:
            self._alerts.broken(why[:2000], now, self._context.options.broken_again_hours)
        except PluginError as other:  # the job fails with the first reason all the same
            self._context.log.warning("nobody could be told that watching fails", extra={"why": str(other)})


def _port(text: str) -> int:
    """The port of host:port; 0 where it can be none."""
    port = int(text.rpartition(":")[2])
    return port if port < 65536 else 0
