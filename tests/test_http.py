"""Against a real server on loopback: what a mock would answer is what we believe, not what happens."""

from __future__ import annotations

import base64
import gzip
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from wwt_framework.errors import SourceError
from wwt_framework.http import fetch_bytes, gunzip, public_url, session

Answer = Callable[["Handler"], None]
LIMIT = 10_000


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        answers = self.server.answers
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, *args: object) -> None:
        pass

    def reply(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = []
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.open = threading.Event()  # what waits, waits for the end of the test

    def url(self, path: str = "/errors.json", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server_port}{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients that go away in the middle are what is tested


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.open.set()
        made.shutdown()
        thread.join()


@pytest.fixture
def web() -> Iterator[requests.Session]:
    """One that waits for a server on a busy machine."""
    with session(timeout=(60, 60), retries=2) as made:
        yield made


@pytest.fixture
def hasty() -> Iterator[requests.Session]:
    """One that gives up soon, for servers that never answer."""
    with session(timeout=(60, 0.1), retries=2) as made:
        yield made


def reply(status: int = 200, body: bytes = b"", **headers: str) -> Answer:
    return lambda handler: handler.reply(status, body, **headers)


def refused(web: requests.Session, url: str, limit: int = LIMIT, deadline_s: float = 60) -> str:
    with pytest.raises(SourceError) as caught:
        fetch_bytes(web, url, limit, deadline_s)
    assert caught.value.__cause__ is None  # the libraries quote the whole URL
    return str(caught.value)


class TestAnswers:
    def test_bytes_come_as_they_are(self, server: Server, web: requests.Session):
        server.answers = [reply(body=b'{"a": 1}')]

        assert fetch_bytes(web, server.url(), LIMIT) == b'{"a": 1}'

    def test_a_gzip_file_is_unpacked(self, server: Server, web: requests.Session):
        server.answers = [reply(body=gzip.compress(b"one") + gzip.compress(b"two"))]

        assert fetch_bytes(web, server.url("/errors.json.gz"), LIMIT) == b"onetwo"

    def test_a_gzip_transfer_of_a_gzip_file_is_unpacked_twice(self, server: Server, web: requests.Session):
        server.answers = [reply(body=gzip.compress(gzip.compress(b"one")), Content_Encoding="gzip")]

        assert fetch_bytes(web, server.url("/errors.json.gz"), LIMIT) == b"one"

    def test_a_chunked_answer_is_whole(self, server: Server, web: requests.Session):
        def chunked(handler: Handler) -> None:
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            handler.wfile.write(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")

        server.answers = [chunked]

        assert fetch_bytes(web, server.url(), LIMIT) == b"onetwo"

    def test_nothing_is_nothing(self, server: Server, web: requests.Session):
        server.answers = [reply()]

        assert fetch_bytes(web, server.url(), LIMIT) == b""

    def test_it_says_who_asks(self, server: Server, web: requests.Session):
        server.answers = [reply()]

        fetch_bytes(web, server.url(), LIMIT, headers={"Accept": "application/json"})
        fetch_bytes(session(user_agent="mine/1"), server.url(), LIMIT)

        assert server.seen[0][2]["User-Agent"].startswith("wwt-framework")
        assert server.seen[0][2]["Accept"] == "application/json"
        assert server.seen[1][2]["User-Agent"] == "mine/1"


class TestRefusals:
    def test_404_is_named(self, server: Server, web: requests.Session):
        server.answers = [reply(404)]

        assert refused(web, server.url()) == f"{server.url()}: expected data, got 404 Not Found"

    def test_too_large_is_not_read_to_its_end(self, server: Server, web: requests.Session):
        def endless(handler: Handler) -> None:
            handler.send_response(200)
            handler.end_headers()
            while not handler.server.open.is_set():
                handler.wfile.write(b"x" * 1000)

        server.answers = [endless]

        assert refused(web, server.url()) == f"{server.url()}: larger than 10,000 bytes, the limit"

    def test_exactly_the_limit_is_not_too_large(self, server: Server, web: requests.Session):
        server.answers = [reply(body=b"x" * LIMIT)]

        assert len(fetch_bytes(web, server.url(), LIMIT)) == LIMIT

    def test_a_file_that_grows_when_unpacked_stops_at_the_limit(self, server: Server, web: requests.Session):
        server.answers = [reply(body=gzip.compress(b"\0" * 5_000_000))]  # 5 kB

        assert refused(web, server.url()).endswith(": unpacked larger than 10,000 bytes, the limit")

    def test_a_transfer_that_grows_when_unpacked_stops_at_the_limit(self, server: Server, web: requests.Session):
        server.answers = [reply(body=gzip.compress(b"\0" * 5_000_000), Content_Encoding="gzip")]

        assert refused(web, server.url()).endswith(": larger than 10,000 bytes, the limit")

    def test_half_an_answer_is_none(self, server: Server, web: requests.Session):
        def half(handler: Handler) -> None:
            handler.reply(body=b"x" * 500, Content_Length="1000")
            handler.close_connection = True

        server.answers = [half]

        assert refused(web, server.url()).endswith(": the connection broke before everything had arrived")

    def test_an_answer_of_two_lengths_is_none(self, server: Server, web: requests.Session):
        server.answers = [reply(body=b"x", **{"content-length": "2"})]

        assert refused(web, server.url()).endswith(": the headers of its answer can not be understood")

    def test_half_a_gzip_file_is_none(self, server: Server, web: requests.Session):
        server.answers = [reply(body=gzip.compress(bytes(range(256)) * 4)[:-100])]

        assert refused(web, server.url()).endswith(": the gzip file is cut off")

    def test_a_gzip_transfer_that_is_none(self, server: Server, web: requests.Session):
        server.answers = [reply(body=b"not packed", Content_Encoding="gzip")]

        assert refused(web, server.url()).endswith(": what arrived can not be unpacked")

    def test_silence_ends(self, server: Server, hasty: requests.Session):
        server.answers = [lambda handler: handler.server.open.wait(30) and None]

        assert refused(hasty, server.url()).endswith(": did not answer in time")

    def test_silence_in_the_middle_ends(self, server: Server, hasty: requests.Session):
        def stops(handler: Handler) -> None:
            handler.reply(body=b"x", Content_Length="1000")
            handler.wfile.flush()
            handler.server.open.wait(30)

        server.answers = [stops]

        assert refused(hasty, server.url()).endswith(": did not answer in time")

    def test_a_trickle_ends(self, server: Server, web: requests.Session):
        def trickles(handler: Handler) -> None:
            handler.reply(Content_Length="100000")
            while not handler.server.open.wait(0.01):
                handler.wfile.write(b"x")

        server.answers = [trickles]

        assert ": not finished after 0.2 s, with " in refused(web, server.url(), deadline_s=0.2)

    def test_a_circle_of_redirects_ends(self, server: Server, web: requests.Session):
        server.answers = [reply(302, Location="/again")]

        assert refused(web, server.url()).endswith(": more than 5 redirects; it leads in a circle")
        assert len(server.seen) == 6

    def test_nobody_there_is_said(self, web: requests.Session):
        with Server() as closed:
            url = closed.url()

        assert refused(web, url).endswith(": no connection; is the name right, and does the server run?")

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("errors.json", "expected an address that begins with http:// or https://"),
            ("ftp://example.org/x", "expected an address that begins with http:// or https://"),
            ("file:///etc/passwd", "expected an address that begins with http:// or https://"),
            ("http://[::1", "is not an address that can be asked"),
            ("http://", "is not an address that can be asked"),
            ("http://exa mple/", "is not an address that can be asked"),
        ],
    )
    def test_what_is_no_address_is_said(self, web: requests.Session, url: str, said: str):
        assert refused(web, url).endswith(said)

    def test_a_missing_certificate_of_ours_is_said(self, tmp_path: Path):
        with session(certificate=tmp_path / "gone.pem") as web:
            assert "certificate" in refused(web, "https://127.0.0.1:9/")

    def test_a_server_that_speaks_no_tls_is_said(self, server: Server, web: requests.Session):
        server.answers = [reply()]

        assert "certificate" in refused(web, server.url().replace("http:", "https:"))

    def test_passwords_and_queries_are_not_said(self, server: Server, web: requests.Session):
        server.answers = [reply(404)]
        url = server.url("/x?key=hunter2#hunter3").replace("//", "//joe:hunter4@")

        said = refused(web, url)

        assert "hunter" not in said
        assert said.startswith(server.url("/x?...: "))


class TestTryingAgain:
    @pytest.mark.parametrize("status", [429, 502, 503, 504])
    def test_a_tired_server_is_asked_again(self, server: Server, web: requests.Session, status: int):
        server.answers = [reply(status), reply(body=b"awake")]

        assert fetch_bytes(web, server.url(), LIMIT) == b"awake"
        assert len(server.seen) == 2

    def test_but_not_for_ever(self, server: Server, web: requests.Session):
        server.answers = [reply(503)]

        assert refused(web, server.url()).endswith(": expected data, got 503 Service Unavailable")
        assert len(server.seen) == 3

    @pytest.mark.parametrize("status", [400, 404, 500])
    def test_other_answers_are_final(self, server: Server, web: requests.Session, status: int):
        server.answers = [reply(status)]

        refused(web, server.url())

        assert len(server.seen) == 1

    def test_retry_after_is_waited_for(self, server: Server, web: requests.Session):
        server.answers = [reply(503, Retry_After="1"), reply(body=b"awake")]

        started = time.monotonic()

        assert fetch_bytes(web, server.url(), LIMIT) == b"awake"
        assert time.monotonic() - started >= 1

    def test_retry_after_is_bounded(self, server: Server, web: requests.Session, monkeypatch: pytest.MonkeyPatch):
        server.answers = [reply(503, Retry_After="86400"), reply(body=b"awake")]
        monkeypatch.setattr("wwt_framework.http._MAX_PAUSE_S", 0.01)

        assert fetch_bytes(web, server.url(), LIMIT) == b"awake"

    def test_a_retry_after_that_is_no_time_is_passed_over(self, server: Server, web: requests.Session):
        server.answers = [reply(503, Retry_After="soon"), reply(body=b"awake")]

        assert fetch_bytes(web, server.url(), LIMIT) == b"awake"

    def test_a_connection_that_dies_is_made_again(self, server: Server, web: requests.Session):
        def hangs_up(handler: Handler) -> None:
            handler.close_connection = True

        server.answers = [hangs_up, reply(body=b"awake")]

        assert fetch_bytes(web, server.url(), LIMIT) == b"awake"

    def test_what_changes_something_is_sent_once(self, server: Server, web: requests.Session):
        server.answers = [reply(503)]

        assert web.post(server.url(), data=b"x").status_code == 503
        assert len(server.seen) == 1


class TestSigningIn:
    @pytest.fixture(autouse=True)
    def netrc(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "netrc"
        path.write_text("default login joe password hunter2\n")
        path.chmod(0o600)
        monkeypatch.setenv("NETRC", str(path))

    def test_the_netrc_of_whoever_runs_it_is_not_sent(self, server: Server, web: requests.Session):
        server.answers = [reply()]

        fetch_bytes(web, server.url(), LIMIT)

        assert "Authorization" not in server.seen[0][2]

    def test_not_after_a_redirect_either(self, server: Server, web: requests.Session):
        server.answers = [reply(302, Location=server.url(host="localhost")), reply()]

        fetch_bytes(web, server.url(), LIMIT)

        assert ["Authorization" in headers for _, _, headers in server.seen] == [False, False]

    def test_the_user_of_the_address_is_sent(self, server: Server, web: requests.Session):
        server.answers = [reply()]

        fetch_bytes(web, server.url().replace("//", "//joe:pw@"), LIMIT)

        assert server.seen[0][2]["Authorization"] == "Basic " + base64.b64encode(b"joe:pw").decode()

    def test_the_user_does_not_follow_to_another_host(self, server: Server, web: requests.Session):
        server.answers = [reply(302, Location=server.url(host="localhost")), reply()]

        fetch_bytes(web, server.url().replace("//", "//joe:pw@"), LIMIT)

        assert ["Authorization" in headers for _, _, headers in server.seen] == [True, False]

    def test_what_a_caller_sends_is_sent(self, server: Server, web: requests.Session):
        server.answers = [reply()]

        web.get(server.url(), headers={"Authorization": "Bearer abc"})
        web.get(server.url(), auth=("ann", "pw"))

        assert server.seen[0][2]["Authorization"] == "Bearer abc"
        assert server.seen[1][2]["Authorization"] == "Basic " + base64.b64encode(b"ann:pw").decode()


class TestTheSession:
    def test_every_request_ends_in_time(self, server: Server):
        server.answers = [lambda handler: handler.server.open.wait(30) and None]

        with session(timeout=(1, 0.1), retries=0) as web, pytest.raises(requests.RequestException):
            web.post(server.url())

    def test_what_was_asked_for_is_trusted_whatever_the_environment_says(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/elsewhere.pem")

        def trusted(verify: bool | Path) -> object:
            web = session(verify=verify)
            return web.merge_environment_settings("https://x.org", {}, None, None, None)["verify"]

        assert trusted(tmp_path) == str(tmp_path)
        assert trusted(False) is False
        assert trusted(True) == "/elsewhere.pem"

    def test_what_the_environment_says_is_read_once_for_each_place_and_goes_for_every_question(
        self, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:1")
        monkeypatch.setenv("NO_PROXY", "near.example.org")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/elsewhere.pem")
        web = session(certificate="a.pem")

        def settings(url: str, **given: Any) -> Any:
            told = web.merge_environment_settings(
                url, given.get("proxies", {}), given.get("stream"), None, given.get("cert")
            )
            return told["proxies"].get("https"), told["verify"], told["stream"], told["cert"]

        far, near = "https://far.example.org/a", "https://near.example.org/a"
        first, again = settings(far), settings(far + "/b?c=1", stream=True, cert="b.pem")

        assert first == ("http://proxy.example.org:1", "/elsewhere.pem", False, "a.pem")
        assert again == ("http://proxy.example.org:1", "/elsewhere.pem", True, "b.pem")
        assert settings(near)[0] is None
        assert settings(far, proxies={"https": "http://mine:2"})[0] == "http://mine:2"

    def test_certificates_are_files_with_or_without_their_key(self):
        assert session(certificate="~/x509").cert == str(Path.home() / "x509")
        assert session(certificate=("a.pem", "b.pem")).cert == ("a.pem", "b.pem")
        assert session().cert is None


class TestHelpers:
    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("https://joe:pw@x.org:8443/a/b?key=1#f", "https://x.org:8443/a/b?..."),
            ("https://x.org", "https://x.org"),
            ("http://[::1]:80/a", "http://[::1]:80/a"),
            ("http://[::1", "an address that can not be read"),
            ("http://x:99999999/", "an address that can not be read"),
        ],
    )
    def test_an_address_for_eyes_has_no_secrets(self, url: str, shown: str):
        assert public_url(url) == shown

    def test_padding_after_a_gzip_file_is_passed_over(self):
        assert gunzip(gzip.compress(b"one") + b"\0" * 512, LIMIT, "f.gz") == b"one"

    def test_garbage_after_a_gzip_file_is_damage(self):
        with pytest.raises(SourceError, match=r"^f\.gz: the gzip file is damaged$"):
            gunzip(gzip.compress(b"one") + b"two", LIMIT, "f.gz")

    def test_a_wrong_checksum_is_damage(self):
        packed = bytearray(gzip.compress(b"one"))
        packed[-5] ^= 1

        with pytest.raises(SourceError, match="damaged"):
            gunzip(bytes(packed), LIMIT, "f.gz")

    def test_a_bomb_stops_at_the_limit(self):
        with pytest.raises(SourceError, match="unpacked larger than 10,000 bytes, the limit"):
            gunzip(gzip.compress(b"\0" * 50_000_000), LIMIT, "f.gz")


def test_as_many_connections_are_kept_as_threads_ask_at_once():
    web = session(connections=24)

    pool = web.get_adapter("https://example.org").poolmanager.connection_from_url("https://example.org")

    assert pool.pool.maxsize == 24
