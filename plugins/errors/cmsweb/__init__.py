"""The grid as cmsweb tells it: requests of ReqMgr2, failed jobs of WMStats, what the ACDC server keeps."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from wwt_framework import hookimpl
from wwt_framework.errors import SourceError
from wwt_framework.model import Errors, LogExcerpt, Recovery, Rejected, Told, Workflow, Workflows
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import Health, PluginContext

from . import acdc, certificate, reqmgr2, wmstats
from .asking import Services
from .cache import Cache
from .looks import Looks
from .pulse import Pulse

REQUEST = "/reqmgr2/data/request"
DETAIL = "/wmstatsserver/data/jobdetail/"
COUNTS = "/wmstatsserver/data/request/"
ACDC = "/couchdb/acdcserver/_design/ACDC/_view/byCollectionName"

#: Seconds after which an answer that nobody asked for again is dropped.
_FORGET = 3 * 86_400
#: Statuses of requests of which no job can have run: nothing failed, and WMStats tells nothing.
_NOT_BEGUN = frozenset({"new", "assignment-approved", "assigned", "staging", "staged", "acquired", "rejected"})


class Cmsweb:
    """Ask ReqMgr2, WMStats and the ACDC server behind one address, with a grid certificate.

    Which workflows are looked at is said by ``statuses``, or by other sources that list them (unified_status).
    """

    class Options(PluginOptions):
        url: str = Field("https://cmsweb.cern.ch", description="the address of the services")
        certificate: Path | None = Field(
            None, description="PEM file of the grid proxy; null: $X509_USER_PROXY, or /tmp/x509up_u<uid>"
        )
        key: Path | None = Field(None, description="PEM file of the key, where the certificate's file does not hold it")
        ca: Path | None = Field(
            None, description="file or folder of the authorities that sign the server's certificate"
        )
        verify: bool = Field(True, description="false: take any server for cmsweb; /plugins warns of it")
        statuses: tuple[str, ...] = Field((), description="list all requests in these ReqMgr2 statuses: running-closed")
        parameters_age_s: int = Field(
            0, ge=0, description="seconds for which parameters are not asked for again, but by a reset; 0: each refresh"
        )
        listing_age_s: int = Field(0, ge=0, description="the same of the requests in a status")
        rate_age_s: int = Field(0, ge=0, description="the same of the counts of all jobs: the failure rate")
        family_age_s: int = Field(0, ge=0, description="the same of the workflows of a prep id")
        errors_age_s: int = Field(0, ge=0, description="the same of failed jobs and their logs, which are one answer")
        recoveries_age_s: int = Field(0, ge=0, description="the same of what the ACDC server keeps")
        believed_after_h: float = Field(
            6, ge=0, description='hours for which "there is nothing" is not believed where there was something'
        )
        warn_hours: float = Field(12, ge=0, description="hours before the certificate ends from which this is said")
        max_mb: int = Field(256, ge=1, le=4096, description="refuse a larger answer, in megabytes")
        timeout_s: float = Field(60, gt=0, description="seconds after which an answer that only trickles is given up")

        @field_validator("url")
        @classmethod
        def _https(cls, value: str) -> str:
            if not value.startswith(("https://", "http://")):
                raise ValueError("expected an address that begins with https://")
            return value

    def __init__(self, context: PluginContext[Options], now: Callable[[], float] = time.time) -> None:
        options = context.options
        self._context = context
        self._options = options
        self._now = now
        self._path = certificate.where(options.certificate, os.environ)
        session = context.http
        session.cert = (str(self._path), str(options.key)) if options.key else str(self._path)
        session.verify = (str(options.ca) if options.ca else True) if options.verify else False
        self._looks = Looks(now)
        self._cache = Cache(context.data_dir / "answers.db", now)
        self._services = Services(
            options.url, session, self._cache, Pulse(context.memory, time.monotonic),
            max_bytes=options.max_mb << 20, deadline_s=options.timeout_s,
            believed_after_s=options.believed_after_h * 3600, clock=now,
        )  # fmt: skip

    # -- hooks --

    @hookimpl
    def forget_answers(self, names: Sequence[str] | None) -> None:
        """From now on no age of the options holds for *names*."""
        self._looks.forget(names)

    @hookimpl
    def list_workflows(self) -> Workflows:
        """Requests in one of the statuses of the options; what is wrong with how we ask is said with them."""
        self._looks.begin()
        warning = "; ".join(filter(None, (self._check_certificate(), self._not_verified())))
        self._cache.forget(_FORGET)
        found: dict[str, Workflow] = {}
        since = self._looks.since("", self._options.listing_age_s)
        for status in self._options.statuses:
            query = {"status": status, "detail": "false"}
            listed = self._services.get(REQUEST, query, reqmgr2.names, since, lasting=True)
            found.update((name, Workflow(name, status=status)) for name in listed)
        return Workflows(tuple(found.values()), warning=warning)

    @hookimpl
    def fetch_workflows(self, names: Sequence[str]) -> Workflows:
        """Parameters and failure rate of each of *names*; one that can not be fetched stays as it was."""
        self._check_certificate()
        found: list[Workflow] = []
        rejected: list[Rejected] = []
        for name, told in zip(names, self._context.gather(self._workflow, names), strict=True):
            if isinstance(told, SourceError):
                rejected.append(Rejected(f"request > {name}", str(told), name))
            elif isinstance(told, Exception):
                raise told
            elif told is not None:
                found.append(told)
        if names and len(rejected) == len(names):
            raise SourceError(rejected[0].why)  # nobody answered: that is the service, not the workflows
        return Workflows(tuple(found), tuple(rejected), as_of=self._as_of(self._options.parameters_age_s, found))

    @hookimpl
    def fetch_family(self, prep_id: str) -> Workflows:
        """All requests of *prep_id*."""
        query, age_s = {"prep_id": prep_id, "detail": "true"}, self._options.family_age_s
        told = self._services.get(REQUEST, query, reqmgr2.documents, self._looks.since(prep_id, age_s), lasting=True)
        members = tuple(reqmgr2.read(name, document) for name, document in told.items())
        return Workflows(members, as_of=self._services.as_of(REQUEST, query) if age_s else None)

    @hookimpl
    def fetch_errors(self, workflow: Workflow) -> Errors:
        """Failed jobs that agents reported, and those that only the ACDC server knows."""
        details = wmstats.read_details(self._details(workflow.name))
        as_of = self._services.as_of(DETAIL + workflow.name, {}) if self._options.errors_age_s else None
        notes = [f"{len(details.faults)} counts can not be read: {details.faults[0]}"] if details.faults else []
        notes += self._doubts(workflow, details)
        try:
            files = self._files(workflow.name)
            unreported = acdc.not_reported(files)
            notes += acdc.doubts(files)
        except SourceError as error:
            unreported = []
            notes.append(f"jobs that were not reported are missing here: {error}")
        return Errors((*details.counts, *unreported), not notes, "; ".join(notes), as_of)

    @hookimpl
    def fetch_logs(self, workflow: Workflow, exit_codes: frozenset[int]) -> Sequence[LogExcerpt]:
        """What the samples of failed jobs say."""
        told = wmstats.read_logs(self._details(workflow.name, again=True), exit_codes)
        age_s = self._options.errors_age_s
        return Told(tuple(told), as_of=self._services.as_of(DETAIL + workflow.name, {}) if age_s else None)

    @hookimpl
    def fetch_recoveries(self, workflow: Workflow) -> Sequence[Recovery]:
        """Missing events by task and site."""
        told = acdc.read_recoveries(self._files(workflow.name, again=True))
        age_s = self._options.recoveries_age_s
        return Told(tuple(told), as_of=self._services.as_of(ACDC, _collection(workflow.name)) if age_s else None)

    @hookimpl
    def report_health(self) -> Health:
        """Whether the certificate is good, and ReqMgr2 answers."""
        try:
            warning = self._check_certificate()
            self._services.get("/reqmgr2/data/info", {}, lambda answer, _: answer)
        except SourceError as error:
            return Health(False, str(error))
        warning = "; ".join(filter(None, (warning, self._not_verified())))
        return Health(not warning, warning or f"{self._options.url} answers")

    # -- what the hooks share --

    def _not_verified(self) -> str:
        if self._options.verify or self._options.url.startswith("http://"):
            return ""
        return "the server's certificate is not verified (verify: false): whoever answers is taken for the grid"

    def _as_of(self, age_s: int, workflows: Sequence[Workflow]) -> datetime | None:
        """Of when the oldest request among *workflows* is; None: of now."""
        if not age_s or not workflows:
            return None
        return min(self._services.as_of(REQUEST, {"name": workflow.name}) for workflow in workflows)

    def _check_certificate(self) -> str:
        """A warning about the certificate, "" without one. Raises SourceError when nothing can be asked with it."""
        if self._options.url.startswith("http://"):
            return ""
        found = certificate.read(self._path, self._options.key)
        now = datetime.fromtimestamp(self._now(), timezone.utc)
        warning = found.words(now, timedelta(hours=self._options.warn_hours))
        if found.ends <= now:
            raise SourceError(warning)
        if warning:
            self._context.log.warning("the grid certificate ends soon", extra={"why": warning})
        return warning

    def _workflow(self, name: str) -> Workflow | None:
        """What ReqMgr2 and WMStats tell of *name*; None when ReqMgr2 does not know it."""
        query = {"name": name}
        since = self._looks.since(name, self._options.parameters_age_s)
        told = self._services.get(REQUEST, query, reqmgr2.documents, since, lasting=True)
        document = told.get(name)
        if document is None:
            return None
        try:
            counts = self._counts(name)
        except SourceError as error:
            self._context.log.warning("no failure rate", extra={"workflow": name, "why": str(error)})
            counts = None
        return reqmgr2.read(name, document, counts.failure_rate if counts else None)

    def _details(self, name: str, again: bool = False) -> Mapping[str, Any]:
        since = self._looks.since(name, self._options.errors_age_s, again)
        return self._services.get(DETAIL + name, {}, lambda answer, where: wmstats.inside(answer, name, where), since)

    def _counts(self, name: str, again: bool = False) -> wmstats.JobCounts | None:
        def read(answer: Any, where: str) -> wmstats.JobCounts | None:
            return wmstats.read_counts(wmstats.inside(answer, name, where), where)

        return self._services.get(COUNTS + name, {}, read, self._looks.since(name, self._options.rate_age_s, again))

    def _files(self, name: str, again: bool = False) -> acdc.Files:
        def read(answer: Any, where: str) -> acdc.Files:
            return acdc.read_files(answer, name, where)

        since = self._looks.since(name, self._options.recoveries_age_s, again)
        return self._services.get(ACDC, _collection(name), read, since, lasting=True)

    def _doubts(self, workflow: Workflow, details: wmstats.Details) -> list[str]:
        """Why the counts may be too low: WMStats's own count of failed jobs is another service's word.

        Raises SourceError when there are no details at all and nobody says that nothing failed: that is not zero.
        """
        name, nothing = workflow.name, not details.counts
        try:
            counts = self._counts(name, again=True)
        except SourceError as error:
            if nothing:
                raise
            return [f"whether the counts are complete is not known: {error}"]
        if counts is None:
            if nothing and workflow.status not in _NOT_BEGUN:
                raise SourceError(f"WMStats does not know {name} (any more), or no agent tells of it")
            return []
        if counts.failed <= details.total:
            return []
        if nothing:
            raise SourceError(
                f"WMStats counts {counts.failed:,} failed jobs of {name} and tells no details: an agent may be down"
            )
        silent = sorted(counts.agents - details.agents)
        missing = f"; no detail comes from {', '.join(silent[:5])}" if silent and details.agents else ""
        return [f"WMStats counts {counts.failed:,} failed jobs, its details {details.total:,}{missing}"]


def _collection(name: str) -> dict[str, str]:
    """The query for the documents of the workflow *name*."""
    return {"key": f'"{name}"', "include_docs": "true", "reduce": "false"}
