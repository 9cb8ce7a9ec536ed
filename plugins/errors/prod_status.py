"""Readiness and production status of sites, from the Site Support Team's ProdStatus.txt or the older SSB JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from pydantic import Field, field_validator

from wwt_framework import hookimpl
from wwt_framework.errors import SourceError
from wwt_framework.model import Readiness, Rejected, SiteStatus, SiteStatuses
from wwt_framework.options import ConfigPath, Location, PluginOptions
from wwt_framework.plugin import Health, PluginContext

from .._cms import reading
from .._cms.parsing import parse, plain_text, shown, shown_text

_COLOURS = {
    "green": Readiness.GREEN,
    "yellow": Readiness.YELLOW,
    "red": Readiness.RED,
    "none": Readiness.NONE,
    "grey": Readiness.NONE,
    "gray": Readiness.NONE,
    "white": Readiness.NONE,
}
_PRODUCTION = ("enabled", "drain", "disabled", "test", "unknown")
_LONGEST_SITE = 200
#: Faults that are told one by one.
_LISTED = 200

#: Where a row stands, and what it says; a sentence when it can not be read.
Row = tuple[str, SiteStatus | str]


class ProdStatus:
    """Read which sites are ready, in the waiting room or in the morgue, and which take production jobs.

    Of several rows about one site the latest counts.
    """

    class Options(PluginOptions):
        path: Location = Field(
            "https://test-cmssst.web.cern.ch/ssb_metric/ProdStatus.txt",
            description="file or URL of ProdStatus.txt, or of the older JSON with csvdata",
        )
        certificate: ConfigPath | None = Field(
            None, description="PEM file of a grid proxy, where the address wants one"
        )
        ca: ConfigPath | None = Field(None, description="file or folder of the authorities that sign the server's one")
        max_mb: int = Field(16, ge=1, le=1024, description="refuse what is larger, in megabytes, unpacked")

        _by_http = field_validator("path")(reading.check_location)

    def __init__(self, context: PluginContext[Options]) -> None:
        self._context = context
        reading.identify(context.http, context.options.certificate, context.options.ca)

    @hookimpl
    def fetch_site_statuses(self) -> SiteStatuses:
        """Statuses of all sites in the source, and the lines of it that could not be read."""
        options = self._context.options
        data = reading.read(options.path, self._context.http, options.max_mb << 20)
        return read_statuses(data, reading.shown(options.path))

    @hookimpl
    def report_health(self) -> Health:
        """Whether there is anything to read."""
        return reading.health(self._context.options.path, self._context.http)


def read_statuses(data: bytes, where: str) -> SiteStatuses:
    """The site statuses in *data*. Raises SourceError when not one can be read."""
    data = plain_text(data, where, "lines of text")
    rows = _csvdata(parse(data, where), where) if data.lstrip()[:1] in (b"{", b"[") else _lines(data)
    latest: dict[str, SiteStatus] = {}
    rejected: list[Rejected] = []
    for place, row in rows:
        fault = row if isinstance(row, str) else _keep_latest(latest, row)
        if fault:
            rejected.append(Rejected(place, fault))
    if not latest:
        first = f"; the first fault, in {rejected[0].path}: {rejected[0].why}" if rejected else ""
        raise SourceError(f"{where} tells of no site{first}")
    if len(rejected) > _LISTED:
        rejected[_LISTED:] = [Rejected("...", f"and {len(rejected) - _LISTED:,} more like these")]
    return SiteStatuses(tuple(latest.values()), tuple(rejected))


def _keep_latest(latest: dict[str, SiteStatus], status: SiteStatus) -> str:
    """Put *status* into *latest* when it is newer; returns the fault, if there is one."""
    known = latest.get(status.site)
    oldest = datetime.min.replace(tzinfo=timezone.utc)
    if known is None or (status.since or oldest) > (known.since or oldest):
        latest[status.site] = status
    elif status.since == known.since and (status.production, status.readiness) != (known.production, known.readiness):
        return f"{status.site}: was {known.production} in an earlier row of the same time, which counts"
    return ""


def _lines(data: bytes) -> Iterator[Row]:
    """Rows of ProdStatus.txt: date, time, site, status, colour and address, with white space between them."""
    for n, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) == 6:
            yield f"line {n}", _status(f"{words[0]} {words[1]}", *words[2:])
        else:
            expected = "expected date, time, site, status, colour and address"
            yield f"line {n}", f"{expected}, got {len(words)} words: {shown_text(line)}"


def _csvdata(raw: Any, where: str) -> Iterator[Row]:
    """Rows of the JSON that the Site Status Board gave until 2020."""
    rows = raw.get("csvdata") if isinstance(raw, Mapping) else None
    if not isinstance(rows, list):
        raise SourceError(f'{where}: expected {{"csvdata": [...]}} or the lines of ProdStatus.txt, got {shown(raw)}')
    for n, row in enumerate(rows):
        if isinstance(row, Mapping):
            names = ("Time", "VOName", "Status", "COLORNAME", "URL")
            yield f"csvdata > {n}", _status(*map(row.get, names))
        else:
            yield f"csvdata > {n}", f"expected an object with VOName, Status and COLORNAME, got {shown(row)}"


def _status(time: Any, site: Any, status: Any, colour: Any, url: Any) -> SiteStatus | str:
    """The status that a row tells, or the sentence that says what was expected of it."""
    if not isinstance(site, str) or not site or not site.isprintable() or len(site) > _LONGEST_SITE:
        return f"expected the name of a site, got {shown(site)}"
    production = status.lower() if isinstance(status, str) else ""
    if production not in _PRODUCTION:
        return f"{site}: expected {', '.join(_PRODUCTION)}, got {shown(status)}"
    readiness = _COLOURS.get(colour.lower()) if isinstance(colour, str) else None
    if readiness is None:
        return f"{site}: expected green, yellow, red or none, got {shown(colour)}"
    since = _since(time) if time else None
    if time and since is None:
        return f"{site}: expected a time like 2021-03-01 00:15:00, got {shown(time)}"
    address = url if isinstance(url, str) and url.isprintable() and url.startswith(("https://", "http://")) else ""
    return SiteStatus(site, readiness, production, since, address)


def _since(time: Any) -> datetime | None:
    """*time* in UTC, as the Site Support Team writes it; None when it is none."""
    try:
        return datetime.strptime(time.replace("T", " ")[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
    except (AttributeError, ValueError, TypeError):
        return None
