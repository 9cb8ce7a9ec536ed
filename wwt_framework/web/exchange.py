"""One request while it is answered: who asks, for what, and of which world; read once and kept."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from email import policy
from email.parser import BytesParser
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import cherrypy

from wwt_framework.errors import WwtError
from wwt_framework.model import User
from wwt_framework.plugin import Visit

if TYPE_CHECKING:
    from wwt_framework.web.room import Room

MAX_BODY = 1_000_000  # bytes
MAX_FIELDS = 5_000
DRAINED = 8 * 1024 * 1024  # bytes; servers in front of us have lower limits of their own

_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NOBODY = User()


class Refused(WwtError):
    """The request is answered with *status* and this sentence instead of a page."""

    def __init__(self, status: int, sentence: str, **headers: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass
class Exchange:
    """What is known of the request that is being answered. ``visitor`` is None until it was asked who this is."""

    app: Any
    house: Any  # read once: a changed plugins.yml concerns the next request
    room: Room
    now: datetime
    visit: Visit
    prefix: str = ""  # where the pages are mounted, "" or "/wwt"
    secure: bool = False  # the visitor came by https
    visitor: Any = None
    stack: ExitStack = field(default_factory=ExitStack)
    cookies: list[str] = field(default_factory=list)  # Set-Cookie lines to send
    for_programs: bool = False  # this address is an endpoint of JSON: so are its errors
    marks: Mapping[str, str] | None = None  # see `marks.recent_marks`, which several parts of a page ask for
    _snapshot: Any = None

    @property
    def snapshot(self) -> Any:
        """The world, as it was when this request first looked at it."""
        self._snapshot = self._snapshot or self.app.board.snapshot
        return self._snapshot

    @property
    def shown(self) -> str:
        """The version of the snapshot that the answer shows, for who may read; "" when it shows none."""
        may_read = self.house.config.house.open_reading or self.user.may("viewer")
        return self._snapshot.version if self._snapshot is not None and may_read else ""

    @property
    def user(self) -> User:
        return self.visitor.user if self.visitor else _NOBODY

    @property
    def cookie(self) -> str:
        """The value of this installation's session cookie; "" without one."""
        return self.cookie_named(self.cookie_name)

    @property
    def cookie_name(self) -> str:
        """Cookies do not know of ports: two installations on one host keep apart by name."""
        return self._cookie_name("session")

    @property
    def device_cookie_name(self) -> str:
        """Of the cookie by which a browser is known again at the next sign-in."""
        return self._cookie_name("device")

    def _cookie_name(self, what: str) -> str:
        """With a prefix that lets nobody but this host, by https, set it (RFC 6265bis, 4.1.3)."""
        prefix = "" if not self.secure else "__Secure-" if self.prefix else "__Host-"
        return f"{prefix}wwt_{what}_{self.house.config.house.port}"

    def cookie_named(self, wanted: str) -> str:
        for pair in self.visit.headers.get("cookie", "").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == wanted:
                return value.strip('"')
        return ""

    @property
    def csrf_token(self) -> str:
        return (self.visitor.csrf_token or "") if self.visitor else ""

    @property
    def address(self) -> str:
        """Path and query as asked for, within the installation: what ``next`` leads back to."""
        query = urlencode(self.visit.query, doseq=True)
        return quote(self.visit.path) + (f"?{query}" if query else "")

    def url(self, path: str, /, **query: Any) -> str:
        """Address of a page of this installation; parameters that are None are left out."""
        pairs = {name.rstrip("_"): value for name, value in query.items() if value is not None}
        text = "&".join(filter(None, map(_pair, pairs.items())))
        return self.prefix + _quoted_path(path) + (f"?{text}" if text else "")

    def wants_html(self) -> bool:
        """Whether the client is a browser, or says that it reads HTML."""
        if self.for_programs or self.visit.query.get("format"):
            return False
        return "text/html" in self.visit.headers.get("accept", "")


#: What an address takes as it stands: nearly every name of a grid. A page holds hundreds of them.
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch


def _pair(pair: tuple[str, Any]) -> str:
    name, value = pair
    if isinstance(value, str) and _UNRESERVED(value):
        return f"{name}={value}"
    return urlencode([pair], doseq=True)


@lru_cache(maxsize=1000)
def _quoted_path(path: str) -> str:
    return quote(path, safe="/:@")


def current_exchange() -> Exchange:
    """The request that this thread answers. LookupError outside of one."""
    exchange = getattr(cherrypy.serving.request, "exchange", None)
    if exchange is None:
        raise LookupError("no request is being answered in this thread")
    return cast(Exchange, exchange)


def decoded(text: str, what: str) -> str:
    """*text* of a WSGI environment (bytes in disguise) as UTF-8. Raises `Refused` with 400."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise Refused(400, f"The {what} of this address is not UTF-8 text. Check how the link was made.") from None


def parsed(text: str, what: str) -> dict[str, str | list[str]]:
    """A query or form as a mapping; what is given more than once is a list. Raises `Refused` with 400."""
    if bad := _BAD_PERCENT.search(text):
        near = text[bad.start() : bad.start() + 3]
        raise Refused(
            400, f"The {what} has {near!r} where two hexadecimal digits should follow the %. Write %25 for a %."
        )
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError:
        raise Refused(400, f"The {what} is not UTF-8 text. Check how the link was made.") from None
    except ValueError:
        raise Refused(400, f"The {what} has more than {MAX_FIELDS} fields. Ask for fewer at once.") from None
    return gathered(pairs)


def gathered(pairs: list[tuple[str, str]]) -> dict[str, str | list[str]]:
    """Pairs as a mapping: one value as it is, several as a list in their order."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def read_body(environ: Mapping[str, Any], limit: int = MAX_BODY) -> bytes:
    """The whole body. Raises `Refused`: 411 without a length, 413 when it is longer than *limit*."""
    if environ.get("HTTP_TRANSFER_ENCODING"):
        raise Refused(411, "Say how long the body is (Content-Length); a body in chunks is not read here.")
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()):
        raise Refused(400, f"Content-Length must be a number of bytes, got {length!r}.")
    if int(length) > limit:
        raise Refused(
            413, f"The body may be {limit:,} bytes long at most; this one has {int(length):,}. Send it in parts."
        )
    if not int(length):
        return b""
    body = bytes(environ["wsgi.input"].read(int(length)))
    if len(body) < int(length):
        raise Refused(400, f"Content-Length said {length} bytes, but only {len(body)} came.")
    return body


def drain(environ: Mapping[str, Any]) -> None:
    """Read a body in chunks to its end, and forget it: what is left unread would be taken for the next request."""
    if not environ.get("HTTP_TRANSFER_ENCODING"):
        return
    for _ in range(DRAINED // 65536):
        if not environ["wsgi.input"].read(65536):
            return


def understood(body: bytes, content_type: str) -> tuple[dict[str, str | list[str]], Any]:
    """Form and JSON of *body*; empty and None for any other kind. Raises `Refused` with 400."""
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        return {}, None
    if kind == "application/x-www-form-urlencoded":
        return parsed(_text(body), "form"), None
    if kind == "multipart/form-data":
        return gathered(_parts(body, content_type)), None
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return {}, json.loads(_text(body))
        except (ValueError, RecursionError) as error:
            raise Refused(400, f"The body says it is JSON, but can not be read as such: {error}.") from None
    return {}, None


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(400, "The body is not UTF-8 text.") from None


def _parts(body: bytes, content_type: str) -> list[tuple[str, str]]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=policy.HTTP).parsebytes(head + body)
    pairs: list[tuple[str, str]] = []
    for part in message.iter_parts():
        if part.get_filename() is not None:
            raise Refused(400, "Files can not be sent to this page; send the fields of the form only.")
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str):
            pairs.append((name, _text(cast(bytes, part.get_payload(decode=True)))))
    return pairs


def visit_of(request: Any, base_url: str, proxies: Collection[str] = ()) -> Visit:
    """The `Visit` of a CherryPy request, of which path, query and body are still to be read, since they may be bad.

    *proxies*: addresses and networks of those whose X-Forwarded-For is believed.
    """
    environ = request.wsgi_environ
    headers, peer = _headers(environ), environ.get("REMOTE_ADDR", "")
    return Visit(
        method=request.method,
        path="/",
        headers=headers,
        remote=origin_of(peer, headers.get("x-forwarded-for", ""), proxies),
        peer=peer,
        base_url=base_url or request.base,
        remote_user=environ.get("REMOTE_USER", ""),
        variables=_variables(environ),
        client_certificate=_certificate(environ),
    )


def origin_of(peer: str, forwarded: str, proxies: Collection[str]) -> str:
    """The address of who asks: the last one that no trusted proxy has, as each of them adds whom it heard.

    What stands further left was sent by the visitor, and may be anything.
    """
    trusted = _networks(tuple(proxies))
    origin = peer
    for hop in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
        try:
            if not any(ip_address(origin) in network for network in trusted):
                break
            origin = str(ip_address(hop))
        except ValueError:  # a proxy of ours would have written an address
            break
    return origin


@lru_cache(maxsize=16)
def _networks(proxies: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(proxy) for proxy in proxies)


def with_address(visit: Visit, environ: Mapping[str, Any]) -> Visit:
    """*visit* with path and query. Raises `Refused` with 400."""
    path = decoded(environ.get("PATH_INFO", "") or "/", "path")
    return replace(visit, path=path, query=parsed(decoded(environ.get("QUERY_STRING", ""), "query"), "query"))


def with_body(visit: Visit, environ: Mapping[str, Any]) -> Visit:
    """*visit* with its body, and what it says. Raises `Refused`: 400, 411, 413."""
    body = read_body(environ)
    form, said = understood(body, visit.headers.get("content-type", ""))
    return replace(visit, body=body, form=form, json=said)


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    headers = {"cookie": environ["wwt.cookie"]} if environ.get("wwt.cookie") else {}
    headers |= {
        name[5:].replace("_", "-").lower(): str(value).strip()
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    return headers


def _variables(environ: Mapping[str, Any]) -> dict[str, str]:
    """What the server in front says of its own accord: not what a visitor sent, nor what TLS has to say."""
    others = ("HTTP_", "SSL_", "SERVER_", "REQUEST_", "wsgi.", "wwt.")
    return {name: value for name, value in environ.items() if isinstance(value, str) and not name.startswith(others)}


def _certificate(environ: Mapping[str, Any]) -> dict[str, str]:
    """What the server says of the client's certificate; empty when there was none."""
    names = {
        "subject": "SSL_CLIENT_S_DN",
        "issuer": "SSL_CLIENT_I_DN",
        "serial": "SSL_CLIENT_M_SERIAL",
        "verified": "SSL_CLIENT_VERIFY",
        "pem": "SSL_CLIENT_CERT",
    }
    found = {key: str(environ[name]) for key, name in names.items() if environ.get(name)}
    return found if found.get("subject") or found.get("pem") else {}


def same_origin(exchange: Exchange) -> bool:
    """Whether nothing in the request says that another place on the web sent it."""
    headers = exchange.visit.headers
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    ours = {urlsplit(exchange.visit.base_url).netloc, headers.get("host", "")}
    there = urlsplit(origin)
    return there.netloc in ours - {""} and (there.scheme == "https" or not exchange.secure)
