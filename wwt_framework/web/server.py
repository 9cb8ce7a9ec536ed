"""The built-in server: cheroot on CherryPy's bus, which writes the pid file and hears signals."""

from __future__ import annotations

import ctypes
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cheroot import wsgi
from cheroot.server import HeaderReader, HTTPConnection, HTTPRequest
from cherrypy.process import plugins, wspbus

from wwt_framework.errors import WwtError
from wwt_framework.web.encrypted import Keys, greeted, make_adapter

log = logging.getLogger(__name__)

#: glibc's name for how many pools of memory there may be (malloc.h), and our number.
_M_ARENA_MAX, _POOLS = -8, 2


@dataclass(frozen=True)
class Serving:
    """How to serve."""

    host: str
    port: int  # 0: any free one
    threads: int = 30
    keys: Keys | None = None  # None: plain HTTP
    pid_file: Path | None = None
    body_limit: int = 4 * 1024 * 1024  # bytes; the pages have their own, lower one
    head_limit: int = 256 * 1024  # bytes of address and headers; the address of a page holds its whole state
    reading_s: float = 30  # for a whole request, head and body, to come in


def few_pools() -> None:
    """Have the C library keep freed memory in few pools, before threads begin.

    It gives each thread one of its own, up to eight for each processor, and what one has freed no other takes:
    the memory of thirty threads grows for hours, though nothing is kept. A C library without the switch has no such pools.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _POOLS)


def run(application: Any, how: Serving, opened: Callable[[str], None], closing: Callable[[], None]) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP; *opened* is told the address, *closing* comes before the end.

    Raises `WwtError` when the address or the certificate can not be used.
    """
    few_pools()
    server = _server(application, how)
    try:
        server.prepare()
    except OSError as err:
        raise WwtError(
            f"{how.host}:{how.port}: can not listen here ({err}); is another wwt running? --port takes another port"
        ) from err
    bus = wspbus.Bus()
    bus.subscribe("log", lambda message, level: log.log(level, "the server says", extra={"line": message}))
    thread = threading.Thread(target=server.serve, name="server")
    bus.subscribe("start", thread.start, priority=75)
    bus.subscribe("stop", server.stop, priority=25)
    bus.subscribe("main", lambda: hurry(server))  # five times a second
    bus.subscribe("stop", closing, priority=50)
    if how.pid_file:
        plugins.PIDFile(bus, str(how.pid_file)).subscribe()
    handler = plugins.SignalHandler(bus)
    # A program that a shell started in the background inherits SIGINT ignored; we hear it all the same.
    handler.handlers.update(SIGHUP=bus.exit, SIGINT=bus.exit)
    handler.subscribe()
    bus.start()
    # Said only now: a signal before would find the bus half started, and end the process without any order.
    scheme = "https" if how.keys else "http"
    opened(f"{scheme}://{_shown(how.host)}:{server.bind_addr[1]}")
    bus.block(interval=0.2)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class _Headers(HeaderReader):
    """Leaves out headers like ``X_Remote_User``: WSGI takes them for ``X-Remote-User``, which only a proxy may set."""

    def _allow_header(self, key_name: bytes) -> bool:
        return b"_" not in key_name


class _Request(HTTPRequest):
    header_reader = _Headers()


class _Connection(HTTPConnection):
    """A connection that knows until when its request has to have come in."""

    RequestHandlerClass = _Request
    is_greeted = False

    def communicate(self) -> Any:
        """Read one request and answer it, in a thread of the server. False: nothing more is to be had of this client."""
        self.server.reading[self] = time.monotonic() + self.server.reading_s
        try:
            if self.server.ssl_adapter and not self.is_greeted:
                self.ssl_env = greeted(self.server.ssl_adapter, self.socket)
                if self.ssl_env is None:
                    return False
                self.is_greeted = True
            return super().communicate()  # type: ignore[no-untyped-call]  # cheroot has few types
        finally:
            self.server.reading.pop(self, None)


class Server(wsgi.Server):
    """cheroot, where a client that sends a byte now and then can not hold a thread for ever."""

    ConnectionClass = _Connection

    def __init__(self, application: Any, how: Serving) -> None:
        super().__init__((how.host, how.port), application, numthreads=how.threads, server_name="wwt")
        self.reading: dict[_Connection, float] = {}  # connection -> until when
        self.reading_s = how.reading_s


def hurry(server: Server) -> None:
    """End the reading of requests that take too long to come in; an answer that is on its way goes on."""
    now = time.monotonic()
    for connection, until in list(server.reading.items()):
        if now >= until and server.reading.pop(connection, None) is not None:
            try:
                # Not the method of the TLS socket: that would end the writing, too.
                socket.socket.shutdown(connection.socket, socket.SHUT_RD)
            except OSError as err:  # the client was quicker
                log.debug("a slow client had gone", extra={"error": str(err)})


def _server(application: Any, how: Serving) -> Server:
    server = Server(application, how)
    server.max_request_body_size = how.body_limit
    server.max_request_header_size = how.head_limit
    server.timeout = 20
    server.shutdown_timeout = 5
    if how.keys:
        server.ssl_adapter = make_adapter(how.keys)
    return server
