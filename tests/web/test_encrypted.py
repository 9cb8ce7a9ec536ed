"""HTTPS of the built-in server, over real connections."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wwt_framework.errors import WwtError
from wwt_framework.testing.certificates import Authority
from wwt_framework.web.encrypted import Keys, make_adapter
from wwt_framework.web.server import Server, Serving, _server, hurry

SHOWN = ("wsgi.url_scheme", "SSL_CLIENT_VERIFY", "SSL_CLIENT_CERT", "HTTP_X_REMOTE_USER", "HTTP_X_OTHER")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    body = "\n".join(f"{name}={environ[name]}" for name in SHOWN if name in environ).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def pem(authority: Authority) -> Path:
    return authority.server()


@pytest.fixture
def serve() -> Iterator[Callable[[Keys | None], Server]]:
    running: list[tuple[Server, threading.Thread]] = []

    def start(keys: Keys | None, threads: int = 2) -> Server:
        made = _server(application, Serving("127.0.0.1", 0, threads=threads, keys=keys))
        made.prepare()
        thread = threading.Thread(target=made.serve)
        thread.start()
        running.append((made, thread))
        return made

    yield start
    for made, thread in running:
        made.stop()
        thread.join()


def trusting(authority: Authority, person: Path | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.path))
    if person:
        context.load_cert_chain(person)
    return context


def get(server: Server, context: ssl.SSLContext, headers: dict[str, str] | None = None) -> str:
    connection = http.client.HTTPSConnection("127.0.0.1", server.bind_addr[1], context=context, timeout=60)
    try:
        connection.request("GET", "/", headers=headers or {})
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(authority, pem, serve, version) -> None:
    context = trusting(authority)
    context.minimum_version = context.maximum_version = version

    assert "wsgi.url_scheme=https" in get(serve(Keys(pem, pem)), context)


def test_tls_1_1_is_refused(authority, pem, serve) -> None:
    server = serve(Keys(pem, pem))
    context = trusting(authority)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1

    with pytest.raises(ssl.SSLError):
        get(server, context)


def test_a_client_that_does_not_shake_hands_keeps_nobody_waiting(authority, pem, serve) -> None:
    server = serve(Keys(pem, pem))
    with socket.create_connection(server.bind_addr):  # says nothing
        assert "wsgi.url_scheme=https" in get(server, trusting(authority))


def test_plain_http_is_answered_in_words(pem, serve) -> None:
    server = serve(Keys(pem, pem))
    connection = http.client.HTTPConnection("127.0.0.1", server.bind_addr[1], timeout=60)
    connection.request("GET", "/")
    answer = connection.getresponse()

    assert (answer.status, answer.read()[:29]) == (400, b"This address speaks HTTPS onl")
    connection.close()


def test_without_client_ca_nobody_is_asked_for_a_certificate(authority, pem, serve) -> None:
    assert "SSL_CLIENT_VERIFY=NONE" in get(serve(Keys(pem, pem)), trusting(authority, authority.person("olga")))


def test_with_client_ca_a_certificate_is_handed_on_and_none_is_fine(authority, pem, serve) -> None:
    server = serve(Keys(pem, pem, client_ca=authority.path))
    person = authority.person("olga")

    told = get(server, trusting(authority, person))
    assert "SSL_CLIENT_VERIFY=SUCCESS" in told
    assert told.partition("SSL_CLIENT_CERT=")[2].split()[2][:60] in person.read_text()
    assert "SSL_CLIENT_VERIFY=NONE" in get(server, trusting(authority))


def test_a_certificate_of_a_strange_authority_is_refused(authority, pem, serve, tmp_path) -> None:
    server = serve(Keys(pem, pem, client_ca=authority.path))
    stranger = Authority(tmp_path / "strange").person("olga")

    with pytest.raises((ssl.SSLError, ConnectionError)):
        get(server, trusting(authority, stranger))
    assert "SSL_CLIENT_VERIFY=NONE" in get(server, trusting(authority))


def test_headers_with_underscores_are_dropped(authority, pem, serve) -> None:
    told = get(serve(Keys(pem, pem)), trusting(authority), {"X_Remote_User": "admin", "X-Other": "kept"})

    assert "HTTP_X_REMOTE_USER" not in told
    assert "HTTP_X_OTHER=kept" in told


@pytest.mark.parametrize(
    ("certificate", "key", "words"),
    [("server", "nonsense", "can not be used with"), ("nonsense", "server", "can not be used with")],
)
def test_files_that_are_no_keys_are_named(pem, tmp_path, certificate, key, words) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nothing\n")
    files = {"server": pem, "nonsense": nonsense}

    with pytest.raises(WwtError, match=words) as raised:
        make_adapter(Keys(files[certificate], files[key]))
    assert "nonsense.pem" in str(raised.value)


def test_authorities_that_are_none_are_named(pem, tmp_path) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nothing\n")

    with pytest.raises(WwtError, match=r"nonsense\.pem: expected PEM certificates of authorities"):
        make_adapter(Keys(pem, pem, client_ca=nonsense))


def test_a_handshake_that_never_ends_is_ended(authority, pem, serve) -> None:
    server = serve(Keys(pem, pem))
    server.reading_s = 0
    with socket.create_connection(server.bind_addr, timeout=0.05) as client:
        client.sendall(b"\x16\x03\x01")  # the beginning of a greeting
        end, ended = time.monotonic() + 60, False
        while not ended and time.monotonic() < end:
            hurry(server)
            try:
                ended = not client.recv(65536)
            except TimeoutError:
                continue
            except ConnectionError:
                ended = True

    assert ended


def test_clients_that_come_and_go_leave_the_server_as_it_was(authority, pem, serve) -> None:
    server = serve(Keys(pem, pem))
    for said in (b"", b"\x00", b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.0\r\n\r\n", b"\xff" * 4096):
        with socket.create_connection(server.bind_addr) as client:
            client.sendall(said)

    assert "wsgi.url_scheme=https" in get(server, trusting(authority))
