"""Asks cmsweb: over HTTPS with a grid certificate, politely, and never takes an error page for an answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode, urlsplit

from urllib3.exceptions import HTTPError

from wwt_framework.errors import SourceError

from ..._cms.parsing import parse
from .cache import Cache, Kept
from .looks import NEVER
from .pulse import Pulse

if TYPE_CHECKING:
    import requests

Told = TypeVar("Told")

_CHUNK = 1 << 16
#: Seconds of silence after which a question is given up, to connect and while reading; ``deadline_s`` may be less.
_CONNECT_S, _READ_S = 5.0, 30.0

#: What a status of the services means, where the number alone would not tell an operator.
_STATUS = {
    401: "does not know us: the grid certificate is missing, expired, or not registered",
    403: "refuses us: the grid certificate has not the role that this needs",
    404: "has nothing under this address",
    429: "asks us to slow down",
    500: "failed",
    502: "is not reached by the front end",
    503: "is out of service",
    504: "did not answer the front end in time",
}

_BROKEN = {
    "ConnectTimeout": "did not answer in time",
    "ReadTimeout": "did not answer in time",
    "SSLError": "the server's certificate is not trusted, or it refuses ours",
    "ProxyError": "the proxy does not answer",
    "TooManyRedirects": "sends from one address to the next without an end; is a sign-in needed?",
    "ContentDecodingError": "what arrived can not be unpacked",
    "ProtocolError": "the answer was cut off half way",
    "IncompleteRead": "the answer was cut off half way",
    "DecodeError": "what arrived can not be unpacked",
    "ReadTimeoutError": "did not answer in time",
}


def _reason(error: Exception) -> str:
    """In words; a time-out while the body arrives comes wrapped in a ConnectionError."""
    if "timed out" in str(error):
        return _BROKEN["ReadTimeout"]
    return _BROKEN.get(type(error).__name__, "no connection, or it broke before everything had arrived")


class Services:
    """The services behind one address."""

    def __init__(
        self, base: str, session: requests.Session, cache: Cache, pulse: Pulse, *, max_bytes: int, deadline_s: float,
        believed_after_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._base = base.rstrip("/")
        self._session = session
        self._cache = cache
        self._pulse = pulse
        self._max_bytes = max_bytes
        self._deadline_s = deadline_s
        self._believed_after_s = believed_after_s
        self._timeout = (min(_CONNECT_S, deadline_s), min(_READ_S, deadline_s))
        self._clock = clock

    def get(
        self, path: str, query: dict[str, str], read: Callable[[Any, str], Told], since: float = NEVER,
        lasting: bool = False,
    ) -> Told:  # fmt: skip
        """What *read* makes of the JSON at *path*; it is given where that is, for its messages.

        An answer that is kept and was given or confirmed at *since* (seconds since 1970) or later is not asked for again.
        One that *read* refuses is not kept. *lasting*: what was there once does not vanish within hours.
        Raises SourceError with a sentence: what was asked, what came.
        """
        address = self._address(path, query)
        where = self.named(path, query)
        kept = self._cache.find(address)
        if kept is not None and since <= kept.at <= self._clock():  # not one of a clock that was wrong
            return read(parse(kept.body, where), where)
        service = path.split("/")[1]
        self._pulse.check(service)
        try:
            headers = {"Accept": "application/json", **({"If-None-Match": kept.etag} if kept and kept.etag else {})}
            status, etag, body = self._ask(address, where, headers)
            same = status == 304 and kept is not None
            told = read(parse(kept.body if same and kept else body, where), where)
        except BaseException as error:
            self._pulse.failed(service, str(error))
            raise
        self._pulse.answered(service)
        if same:
            self._cache.confirm(address)
            return told
        if lasting and not told and kept is not None:
            self._doubt(kept, read, where)
        self._cache.keep(address, etag, body)
        return told

    def as_of(self, path: str, query: dict[str, str]) -> datetime:
        """When the answer that is kept was given or confirmed; now, when there is none."""
        at = self._cache.at(self._address(path, query))
        return datetime.fromtimestamp(self._clock() if at is None else at, timezone.utc)

    def _address(self, path: str, query: dict[str, str]) -> str:
        return f"{self._base}{path}" + (f"?{urlencode(query)}" if query else "")

    def _doubt(self, kept: Kept, read: Callable[[Any, str], Any], where: str) -> None:
        """Raise SourceError when *kept* tells something, and is not so old that it may have gone since."""
        if self._clock() - kept.at < self._believed_after_s and read(parse(kept.body, where), where):
            at = datetime.fromtimestamp(kept.at, timezone.utc)
            raise SourceError(
                f"{where}: says that there is nothing, where there was something at {at:%Y-%m-%d %H:%M} UTC; "
                f"not believed before {self._believed_after_s / 3600:.3g} h have passed"
            )

    def named(self, path: str, query: dict[str, str]) -> str:
        """An address as it stands in messages: short, without what is the same in all."""
        told = next(iter(query.values()), "") if query else ""
        return f"{urlsplit(self._base).netloc}{path}" + (f" of {told}" if told else "")

    def _ask(self, address: str, where: str, headers: dict[str, str]) -> tuple[int, str, bytes]:
        try:
            with self._session.get(
                address, headers=headers, stream=True, allow_redirects=False, timeout=self._timeout
            ) as response:
                if response.status_code == 304 and "If-None-Match" in headers:
                    return 304, "", response.content  # read to its end, which is at once: the connection is kept
                if response.status_code != 200:
                    raise SourceError(f"{where} {self._meaning(response)}")
                return 200, response.headers.get("ETag", ""), self._body(response, where)
        except (OSError, HTTPError) as error:  # every exception of requests is an OSError
            raise SourceError(f"{where}: {_reason(error)}") from None

    def _meaning(self, response: requests.Response) -> str:
        status = response.status_code
        if status in (301, 302, 303, 307, 308):
            return f"leads to another address ({status}), perhaps a sign-in; is the grid certificate registered?"
        return f"{_STATUS.get(status, 'answered with an error')} ({status})"

    def _body(self, response: requests.Response, where: str) -> bytes:
        ends = time.monotonic() + self._deadline_s
        body = bytearray()
        # As it arrives: whoever sends one byte a second must not outwit the deadline.
        while piece := response.raw.read1(_CHUNK, decode_content=True):
            body += piece
            if len(body) > self._max_bytes:
                raise SourceError(f"{where}: larger than {self._max_bytes / (1 << 20):.0f} MB, the most max_mb allows")
            if time.monotonic() > ends:
                raise SourceError(f"{where}: not finished after {self._deadline_s:.0f} s; it only trickles")
        announced = response.headers.get("Content-Length", "")
        encoded = response.headers.get("Content-Encoding", "")
        if announced.isdecimal() and not encoded and len(body) < int(announced):
            raise SourceError(f"{where}: the answer was cut off after {len(body):,} of {int(announced):,} bytes")
        return bytes(body)
