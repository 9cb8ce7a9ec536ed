"""A stand-in for the services of the grid: HTTPS with client certificates, their formats, and their bad days.

It serves what ``wwt world export --format services`` wrote, or answers that a test gives::

    with GridServices(Written(folder), authority).open() as services:
        services.mood.misbehave("jobdetail", "503")
        ... services.url ...
"""

from __future__ import annotations

import hashlib
import json
import re
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from wwt_framework.testing.certificates import Authority
from wwt_framework.testing.faults import CONTENT, TRANSPORT, Mood

#: What is answered about a workflow that is not known, by the first part of the path.
NOTHING = {"reqmgr2": b'{"result": []}', "wmstatsserver": b'{"result": [{}]}', "couchdb": b'{"rows": []}'}

#: What ReqMgr2 says of itself; no file has it.
INFO = {"/reqmgr2/data/info": b'{"result": [{"wmcore_reqmgr_version": "a stand-in"}]}'}

#: For whom the wrong certificate is.
_ANOTHER = "another.example.org"
_CHUNK = 16_384
_SIGN_IN = b"<!DOCTYPE html><html><title>Sign in</title><form action='/auth'><input name='username'></form></html>"


class Answers(Protocol):
    """What the services have to say."""

    def answer(self, address: str) -> bytes | None:
        """The body at *address* (path and query, unquoted); None: there is no such address."""


class Given:
    """Answers that a test gives: address -> body or plain data; what else is asked is not known."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.told = dict(told)

    def answer(self, address: str) -> bytes | None:
        if address not in self.told:
            return NOTHING.get(address.split("/")[1])
        found = self.told[address]
        return bytes(found) if isinstance(found, bytes) else json.dumps(found).encode()


class Written:
    """Answers in a folder, with an ``addresses.json`` that says which file answers which address."""

    def __init__(self, folder: Path) -> None:
        told = json.loads((folder / "addresses.json").read_text(encoding="utf-8"))
        self._folder = folder.resolve()
        self._patterns: list[tuple[re.Pattern[str], str]] = [
            (re.compile(re.escape(address).replace(r"\{name\}", '(?P<name>[^/&?"]+)')), file)
            for address, file in told["addresses"].items()
        ]

    def answer(self, address: str) -> bytes | None:
        for pattern, file in self._patterns:
            if (match := pattern.fullmatch(address)) is not None:
                path = (self._folder / file.format(**match.groupdict())).resolve()
                if path.is_relative_to(self._folder) and path.is_file():
                    return path.read_bytes()
                return NOTHING.get(file.partition("/")[0])
        return INFO.get(address)


class GridServices:
    """The server, in threads of this process, on a free port of 127.0.0.1.

    *authority* None: plain HTTP. Otherwise clients must show a certificate that it signed.
    *latency_s*: seconds before each answer. ``asked`` counts questions by their first two parts of the path.
    """

    def __init__(
        self, answers: Answers, authority: Authority | None = None, *, latency_s: float = 0.0, seed: int = 0,
        host: str = "localhost", port: int = 0,
    ) -> None:  # fmt: skip
        self.mood = Mood(seed)
        self.asked: Counter[str] = Counter()
        self.confirmed = 0  # answers "304 not modified"
        self.connections = 0
        self.latency_s = latency_s
        self._answers = answers
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.services = self
        if authority is not None:
            self._server.context = _context(authority, host)
            self._server.wrong = _context(authority, _ANOTHER)
        self.url = f"http{'s' if authority else ''}://localhost:{self._server.server_address[1]}"

    def body(self, address: str) -> bytes | None:
        """What stands at *address*, before any fault."""
        return self._answers.answer(address)

    def wait(self, seconds: float) -> bool:
        """Wait; True when the server is closed meanwhile."""
        return self._closing.wait(seconds)

    @contextmanager
    def open(self) -> Iterator[GridServices]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._closing.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def _context(authority: Authority, host: str) -> ssl.SSLContext:
    """TLS with a certificate for *host*, for clients that *authority* knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(authority.server(host))
    context.load_verify_locations(authority.path)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    services: GridServices
    context: ssl.SSLContext | None = None
    wrong: ssl.SSLContext | None = None  # with another server's certificate
    wrongs = 0  # connections that will get it

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the thread of the connection, so that a slow handshake keeps nobody else waiting."""
        if self.context is not None:
            request.settimeout(30)
            wrong, self.wrongs = self.wrongs > 0, max(0, self.wrongs - 1)
            context = self.wrong if wrong and self.wrong else self.context
            try:
                request = context.wrap_socket(request, server_side=True)
            except OSError:
                return  # a client that we do not trust, or that does not trust us, was told so
        self.services.connections += 1
        with request:
            super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is its own business."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # What is written is sent at once and together: small pieces would each wait 40 ms for the client's "received".
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def do_GET(self) -> None:
        services = self.server.services
        address = unquote(self.path)
        services.asked["/".join(urlsplit(address).path.split("/")[1:4])] += 1
        if services.latency_s:
            time.sleep(services.latency_s)
        fault = services.mood.of(address)
        body = services.body(address)
        if body is None:
            self._whole(404, b'{"error": "no such address"}')
        elif fault in TRANSPORT:
            self._fail(fault, body)
        else:
            self._answer(CONTENT[fault](body) if fault else body)

    def _answer(self, body: bytes) -> None:
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if self.headers.get("If-None-Match") == etag:
            self.server.services.confirmed += 1
            self.send_response(304)
            self.send_header("ETag", etag)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("ETag", etag)
        self.send_header("X-REST-Status", "100")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, len(body), _CHUNK):
            piece = body[start : start + _CHUNK]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _whole(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", headers.pop("kind", "application/json"))
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _fail(self, fault: str, body: bytes) -> None:
        if fault == "500":
            self._whole(500, b"<html>Internal Server Error</html>", kind="text/html")
        elif fault == "503":
            self._whole(503, b"", Retry_After="0")
        elif fault == "sign-in page":
            self._whole(200, _SIGN_IN, kind="text/html")
        elif fault == "redirect":
            self._whole(302, b"", Location="/auth/realms/cern?next=/")
        else:
            self._break(fault, body)

    def _break(self, fault: str, body: bytes) -> None:
        """What ends the connection: nothing at all, a byte now and then, half of the answer."""
        self.close_connection = True
        if fault == "wrong certificate":
            self.server.wrongs += 1  # seen by whoever connects next, which is the one that asked here
            return
        if fault == "time out":
            self.server.services.wait(60)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault == "cut off":
            self.wfile.write(body[: len(body) // 2])
            return
        for byte in body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.server.services.wait(0.2):
                return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class has it
        """Nothing: tests say what they want to know."""
