"""One recipe for talking HTTP: every request ends in time, tries again politely, and says nothing it should not.

web = session(certificate="/tmp/x509up_u1000")
raw = fetch_bytes(web, "https://example.org/all_errors.json.gz", limit_bytes=200_000_000)
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from requests.utils import get_auth_from_url
from urllib3 import exceptions
from urllib3.util.retry import Retry

from wwt_framework.errors import SourceError

Timeout = tuple[float, float]

_CHUNK = 65_536
_GZIP = b"\x1f\x8b"
_MAX_PAUSE_S = 30
_REDIRECTS = 5
_REASONS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (  # the first that fits
    (
        (requests.exceptions.SSLError, exceptions.SSLError),
        "the server's certificate is not trusted, or it asks for another one of ours",
    ),
    ((requests.exceptions.ProxyError, exceptions.ProxyError), "the proxy does not answer"),
    ((exceptions.NewConnectionError,), "no connection; is the name right, and does the server run?"),
    ((requests.Timeout, exceptions.TimeoutError), "did not answer in time"),
    ((requests.exceptions.InvalidHeader, exceptions.InvalidHeader), "the headers of its answer can not be understood"),
    ((exceptions.ProtocolError,), "the connection broke before everything had arrived"),
    ((exceptions.DecodeError,), "what arrived can not be unpacked"),
    ((requests.ConnectionError,), "no connection"),
    (
        (requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema),
        "expected an address that begins with http:// or https://",
    ),
    ((ValueError,), "is not an address that can be asked"),  # InvalidURL and its kin
    ((requests.RequestException,), "can not be fetched"),
    ((OSError,), "our certificate, or the file of those we trust, can not be read"),
)


class _Retry(Retry):
    """Waits as long as a server's Retry-After asks, but never longer than a page's patience."""

    def get_retry_after(self, response: Any) -> float | None:
        try:
            asked = super().get_retry_after(response)
        except exceptions.InvalidHeader:  # "Retry-After: soon"
            return None
        return None if asked is None else min(asked, _MAX_PAUSE_S)


class _Adapter(HTTPAdapter):
    """Gives every request a timeout; requests itself would wait for ever."""

    def __init__(self, timeout: Timeout, retries: int, connections: int) -> None:
        self._timeout = timeout
        super().__init__(
            pool_maxsize=connections,
            max_retries=_Retry(
                total=retries,
                read=min(retries, 1),  # a connection that was kept open may have died; a slow server stays slow
                status_forcelist=(429, 502, 503, 504),
                allowed_methods=("GET", "HEAD", "OPTIONS"),  # what changes something is never sent twice
                backoff_factor=0.3,
                backoff_jitter=0.3,
                backoff_max=_MAX_PAUSE_S,
                raise_on_status=False,
            ),
        )

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self._timeout
        return super().send(request, *args, **kwargs)


class _UrlAuth(AuthBase):
    """User and password of the URL itself, and never those of somebody's ~/.netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        user, password = get_auth_from_url(request.url or "")
        return HTTPBasicAuth(user, password)(request) if user or password else request


class _Session(requests.Session):
    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, Any], Any] = {}  # (origin, verify) -> what the environment makes of it

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Take the sign-in away when a redirect leaves the host; requests would look into ~/.netrc, too."""
        old, new = response.request.url or "", prepared_request.url or ""
        leaves: bool = self.should_strip_auth(old, new)  # type: ignore[no-untyped-call]  # its stub has no types
        if leaves and "Authorization" in prepared_request.headers:
            del prepared_request.headers["Authorization"]

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """``verify`` as it was asked for; requests lets REQUESTS_CA_BUNDLE override a session's own.

        The environment is read once for each origin; requests would read it for each question, a sixth of the work.
        """
        asked = self.verify if verify is None else verify
        if proxies:
            return super().merge_environment_settings(url, proxies, stream, asked, cert)
        key = "/".join(str(url).split("/", 3)[:3]), asked
        if key not in self._told:
            self._told[key] = super().merge_environment_settings(url, proxies, None, asked, None)
        stream, cert = (self.stream if stream is None else stream), (self.cert if cert is None else cert)
        return {**self._told[key], "stream": stream, "cert": cert}


def session(
    certificate: str | Path | tuple[str, str] | None = None,
    verify: bool | str | Path = True,
    timeout: Timeout = (5, 30),
    retries: int = 3,
    user_agent: str = "",
    connections: int = 10,
) -> requests.Session:
    """A session for one plugin or one fetch.

    *certificate*: one PEM file with certificate and key (a grid proxy), or a pair of files. *verify*: a file or
    folder of authorities to trust in the place of the system's. *timeout*: seconds to connect, and seconds of
    silence while reading. *retries*: of GET after 429, 502, 503, 504 and broken connections.
    *connections*: kept open to one host, as many as threads ask at once; more would be made anew each time.
    """
    made = _Session()
    adapter = _Adapter(timeout, retries, connections)
    made.mount("http://", adapter)
    made.mount("https://", adapter)
    made.auth = _UrlAuth()
    made.cert = str(Path(certificate).expanduser()) if isinstance(certificate, str | Path) else certificate
    made.verify = verify if isinstance(verify, bool) else str(verify)
    made.max_redirects = _REDIRECTS
    made.headers["User-Agent"] = user_agent or f"wwt-framework ({requests.utils.default_user_agent()})"
    return made


def fetch_bytes(
    session: requests.Session,
    url: str,
    limit_bytes: int,
    deadline_s: float = 300,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """What stands at *url*, unpacked when it is a gzip file.

    Never more than *limit_bytes*, packed or not, and never longer than *deadline_s* seconds.
    Raises SourceError, which names the URL without user, password and query.
    """
    name, ends = public_url(url), time.monotonic() + deadline_s
    try:
        with session.get(url, stream=True, headers=headers) as response:
            if not response.ok:
                raise SourceError(f"{name}: expected data, got {response.status_code} {response.reason or ''}".rstrip())
            raw = _collect(_pieces(response), name, limit_bytes, ends, deadline_s)
    except requests.TooManyRedirects:
        raise SourceError(f"{name}: more than {session.max_redirects} redirects; it leads in a circle") from None
    except (requests.RequestException, exceptions.HTTPError, OSError, ValueError) as err:
        raise SourceError(f"{name}: {_reason(err)}") from None
    return gunzip(raw, limit_bytes, name) if raw.startswith(_GZIP) else raw


def gunzip(raw: bytes, limit_bytes: int, name: str) -> bytes:
    """The content of a gzip file of one or more members; *name* stands in the message of a SourceError."""
    parts: list[bytes] = []
    room = limit_bytes
    while raw:
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            parts.append(member.decompress(raw, room + 1))
        except zlib.error:
            raise SourceError(f"{name}: the gzip file is damaged") from None
        room -= len(parts[-1])
        if room < 0:
            raise SourceError(f"{name}: unpacked larger than {limit_bytes:,} bytes, the limit")
        if not member.eof:
            raise SourceError(f"{name}: the gzip file is cut off")
        raw = member.unused_data.lstrip(b"\0")  # tar and tape pad with zeros
    return b"".join(parts)


def public_url(url: str) -> str:
    """*url* for eyes and logs: without user, password, query and fragment."""
    try:
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that can not be read"
    return f"{parts.scheme}://{host}{port}{parts.path}" + ("?..." if parts.query else "")


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """What arrives, as it arrives: whoever sends one byte a minute must not outwit the deadline."""
    while piece := response.raw.read1(_CHUNK, decode_content=True):
        yield piece


def _collect(pieces: Iterator[bytes], name: str, limit_bytes: int, ends: float, deadline_s: float) -> bytes:
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > limit_bytes:
            raise SourceError(f"{name}: larger than {limit_bytes:,} bytes, the limit")
        if time.monotonic() > ends:
            raise SourceError(f"{name}: not finished after {deadline_s:g} s, with {len(body):,} bytes")
    return bytes(body)


def _reason(err: Exception) -> str:
    """In a sentence, without the URL that both libraries like to quote."""
    inner = getattr(err.args[0], "reason", None) if err.args else None  # what the last retry died of
    for cause in (inner, err):
        for kinds, words in _REASONS:
            if isinstance(cause, kinds):
                return words
    return f"can not be fetched ({type(err).__name__})"
