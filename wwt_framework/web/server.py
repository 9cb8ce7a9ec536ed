"""The built-in server: cheroot on CherryPy's bus, which writes the pid file and hears signals."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cheroot import wsgi
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cherrypy.process import plugins, wspbus

from wwt_framework.errors import WwtError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Serving:
    """How to serve."""

    host: str
    port: int  # 0: any free one
    threads: int = 30
    certificate: Path | None = None  # PEM, with its chain
    key: Path | None = None
    pid_file: Path | None = None
    body_limit: int = 4 * 1024 * 1024  # bytes; the pages have their own, lower one


def run(application: Any, how: Serving, opened: Callable[[str], None], closing: Callable[[], None]) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP; *opened* is told the address, *closing* comes before the end.

    Raises `WwtError` when the address or the certificate can not be used.
    """
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
    bus.subscribe("stop", closing, priority=50)
    if how.pid_file:
        plugins.PIDFile(bus, str(how.pid_file)).subscribe()
    handler = plugins.SignalHandler(bus)
    # A program that a shell started in the background inherits SIGINT ignored; we hear it all the same.
    handler.handlers.update(SIGHUP=bus.exit, SIGINT=bus.exit)
    handler.subscribe()
    bus.start()
    # Said only now: a signal before would find the bus half started, and end the process without any order.
    scheme = "https" if how.certificate else "http"
    opened(f"{scheme}://{_shown(how.host)}:{server.bind_addr[1]}")
    bus.block(interval=0.2)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _server(application: Any, how: Serving) -> wsgi.Server:
    server = wsgi.Server((how.host, how.port), application, numthreads=how.threads, server_name="wwt")
    server.max_request_body_size = how.body_limit
    server.timeout = 20
    server.shutdown_timeout = 5
    if how.certificate and how.key:
        try:
            server.ssl_adapter = BuiltinSSLAdapter(str(how.certificate), str(how.key))
        except (OSError, ssl.SSLError) as err:
            raise WwtError(f"{how.certificate}: can not be used with {how.key} ({err})") from err
        server.ssl_adapter.context.minimum_version = ssl.TLSVersion.TLSv1_2
    return server
