"""The built-in server does not wait for ever, nor does it read without end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from wwt_framework.web.server import Server, Serving, _server, hurry


def application(environ: dict, start_response: Callable) -> list[bytes]:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture
def server() -> Iterator[Server]:
    made = _server(application, Serving("127.0.0.1", 0, threads=1, reading_s=0))
    made.prepare()
    thread = threading.Thread(target=made.serve)
    thread.start()
    yield made
    made.stop()
    thread.join()


def asked(server: Server, text: bytes) -> socket.socket:
    client = socket.create_connection(server.bind_addr, timeout=60)
    client.sendall(text)
    return client


def answered(server: Server, client: socket.socket, hurrying: bool) -> bytes:
    """What comes until the server closes the connection."""
    client.settimeout(0.05)
    end, got = time.monotonic() + 60, b""
    with client:
        while time.monotonic() < end:
            if hurrying:
                hurry(server)
            try:
                piece = client.recv(65536)
            except TimeoutError:
                continue
            if not piece:
                return got
            got += piece
    raise AssertionError(f"the server still waits after {got!r}")


@pytest.mark.parametrize(
    "text", [b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nslow"]
)
def test_a_request_that_never_ends_does_not_hold_its_thread(server: Server, text: bytes) -> None:
    answered(server, asked(server, text), hurrying=True)
    client = asked(server, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert answered(server, client, hurrying=False).startswith(b"HTTP/1.1 200 OK")


def test_a_head_without_an_end_is_refused(server: Server) -> None:
    client = asked(server, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Long: yes\r\n" * 25_000)

    assert answered(server, client, hurrying=False).startswith(b"HTTP/1.1 413 ")
