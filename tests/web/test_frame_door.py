"""What every answer carries, and what the door refuses, in words."""

from __future__ import annotations

import gzip
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import pytest
from cheroot.wsgi import Server

from tests.web.house import call, environ_of
from wwt_framework.errors import StoreError
from wwt_framework.web import wsgi
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import current_exchange, page

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
KINDS_OF_ANSWERS = [
    ("GET", "/"),
    ("GET", "/health"),
    ("GET", "/nothing-here"),
    ("DELETE", "/"),
    ("GET", "/?q=%zz"),
    ("GET", "/static/wwt.css"),
    ("GET", "/static/none.css"),
    ("POST", "/jobs/refresh"),
]


@pytest.mark.parametrize(("method", "path"), KINDS_OF_ANSWERS)
def test_d11_every_answer_carries_the_policies(client, method, path):
    got = client.request(method, path)

    assert got.header("Content-Security-Policy") == POLICY
    assert got.header("X-Content-Type-Options") == "nosniff"
    assert got.header("Referrer-Policy") == "same-origin"
    assert got.header("Cross-Origin-Opener-Policy") == "same-origin"
    assert got.header("Permissions-Policy")
    assert got.header("Cache-Control")
    assert not got.header("Strict-Transport-Security")


@pytest.mark.parametrize(("method", "path"), KINDS_OF_ANSWERS)
def test_no_answer_names_the_server_or_shows_a_traceback(client, method, path):
    got = client.request(method, path)

    told = (str(got.headers) + got.text).lower()
    assert "cherrypy" not in told
    assert "traceback" not in told


@pytest.mark.parametrize("path", ["/", "/nothing-here", "/static/wwt.css"])
def test_behind_https_browsers_are_told_to_stay_there(installation, path):
    got = installation(base_url="https://wwt.example.org").get(path)

    assert "max-age=" in got.header("Strict-Transport-Security")


def test_pages_have_no_inline_script_or_style(installation):
    client = installation()
    for path in ["/", "/login", "/plugins", "/jobs", "/freshness", "/help/keys", "/nothing"]:
        dom = client.get(path, user="adam").dom()
        assert all(script.get("src") for script in dom.iter("script")), path
        assert not list(dom.iter("style")), path
        assert not [e for e in dom.iter() if any(a == "style" or a.startswith("on") for a in e.attrib)], path


def test_nothing_comes_from_outside(client):
    dom = client.get("/").dom()

    addresses = [e.get("src") or e.get("href") for e in dom.iter() if e.tag in ("script", "link", "img")]
    assert addresses
    assert all(address.startswith("/") and not address.startswith("//") for address in addresses)


def test_head_is_get_without_a_body(client):
    got, head = client.get("/help/keys"), client.request("HEAD", "/help/keys")

    assert head.body == b""
    assert head.status == 200
    assert head.header("Content-Length") == str(len(got.body))


@pytest.mark.parametrize("path", ["/plugins/", "/plugins//", "/help/keys/"])
def test_a_slash_at_the_end_is_forgiven(client, path):
    assert client.get(path).status == 200


def test_p20_an_unknown_address_gets_a_page_that_helps(client):
    got = client.get("/seewerkflow?workflow=x")

    assert got.status == 404
    assert "/globalerror" in {a.get("href") for a in got.dom().iter("a")}


def test_p20_an_unknown_address_gives_programs_json(client):
    got = client.get("/seewerkflow", headers={"Accept": "*/*"})

    assert got.status == 404
    assert "no page at this address" in got.json["error"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/", "GET, HEAD"),
        ("GET", "/jobs/refresh", "POST"),
        ("PUT", "/login", "GET, POST, HEAD"),
        ("BREW", "/", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(client, method, path, allowed):
    got = client.request(method, path)

    assert got.status == 405
    assert got.header("Allow") == allowed


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/jump?q=%zz", "two hexadecimal digits"),
        ("/jump?q=100%", "%25"),
        ("/jump?q=%ff", "not UTF-8"),
        ("/jump?q=\xff", "not UTF-8"),
    ],
)
def test_a_query_that_can_not_be_read_is_said_in_words_on_a_page(client, path, words):
    got = client.get(path)

    assert got.status == 400
    got.dom()
    assert words in got.text


def test_a_path_that_is_not_utf8_is_said_in_words(client):
    got = client.get("/jump\udcff")

    assert got.status == 400
    assert "not UTF-8" in got.text


def test_more_fields_than_anybody_needs_are_refused(client):
    got = client.get("/jump?" + "&".join(["a=1"] * 5001))

    assert got.status == 400
    assert "5000 fields" in got.text


def test_unknown_parameters_are_ignored(client):
    assert client.get("/plugins?utm_source=mail&self=1&rest=2").status == 200


def test_of_a_repeated_single_parameter_the_last_counts(installation):
    client = installation()

    assert client.get("/jump?q=first&q=last").text.count("last") > 0
    assert "first" not in client.get("/jump?q=first&q=last").dom().find(".//h1").text


@pytest.mark.parametrize(
    "cookie", ["path=/; a", "a:b=c", "=;=;", "wwt_session_8080", 'x="' + "y" * 9000, "\xff\xfe=\x01"]
)
def test_other_peoples_cookies_do_no_harm(client, cookie):
    assert client.get("/", headers={"Cookie": cookie}).status == 200


def test_what_cherrypy_refuses_itself_has_no_page_of_its_own(client):
    environ = environ_of("GET", "/", {}, b"")
    del environ["HTTP_HOST"]

    got = call(client.wsgi, environ)

    assert got.status == 400
    assert got.text.startswith("400 Bad Request\n\nHTTP/1.1 requires a")
    assert got.header("Content-Security-Policy") == POLICY


# -- bodies --


def test_a_body_in_chunks_needs_a_length(client):
    got = client.post("/login", headers={"Transfer-Encoding": "chunked"}, body=b"x")

    assert got.status == 411


def test_a_body_beyond_a_megabyte_is_refused_unread(client):
    got = client.post("/login", headers={"Content-Length": "1000001", "Content-Type": "text/plain"}, body=b"x")

    assert got.status == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "ten", "٣"])
def test_a_length_that_is_no_number_is_refused(client, length):
    assert client.post("/login", headers={"Content-Length": length}, body=b"x").status == 400


def test_a_body_that_ends_early_is_refused(client):
    assert client.post("/login", headers={"Content-Length": "9"}, body=b"x").status == 400


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("application/json", b"{", "can not be read"),
        ("application/json", b"[" * 200_000, "can not be read"),
        ("application/json", b"\xff", "not UTF-8"),
        ("application/x-www-form-urlencoded", b"a=%zz", "hexadecimal"),
        ("application/x-www-form-urlencoded", b"a=\xff", "not UTF-8"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\nz\r\n--b--',
            "Files",
        ),
    ],
)
def test_a_body_that_can_not_be_read_is_said_in_words(client, kind, body, words):
    got = client.post("/login", headers={"Content-Type": kind}, body=body)

    assert got.status == 400
    assert words in got.text


def test_a_multipart_form_is_read_as_a_form(client):
    body = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in [("username", "vera"), ("password", "arev")]
    )
    got = client.post(
        "/login", headers={"Content-Type": "multipart/form-data; boundary=b"}, body=f"{body}--b--\r\n".encode()
    )

    assert got.status == 303


# -- fresh or not --


def test_the_same_page_is_not_sent_twice(client):
    first = client.get("/help/keys")
    again = client.get("/help/keys", headers={"If-None-Match": first.header("ETag")})

    assert (again.status, again.body) == (304, b"")
    assert again.header("ETag") == first.header("ETag")
    assert first.header("Cache-Control") == "private, no-cache"


def test_another_visitor_has_another_page(client):
    mine = client.get("/help/keys", user="olga")

    assert client.get("/help/keys", user="vera", headers={"If-None-Match": mine.header("ETag")}).status == 200


def test_a_page_that_tells_beforehand_is_not_even_made(client):
    made = []

    @page(fresh_by=lambda: "3 actions")
    def counted():
        made.append(1)
        return Response(b"x")

    pages = wsgi.Pages(client.app, {"test": {"/counted": counted}})
    client.wsgi = pages
    tag = client.get("/counted").header("ETag")
    answers = {client.get("/counted", headers={"If-None-Match": tag}).status for _ in range(2)}

    assert 304 in answers  # the minute may turn once
    assert len(made) <= 2


def test_large_answers_are_compressed_for_those_who_take_it(client):
    plain = client.get("/help/keys")
    packed = client.get("/help/keys", headers={"Accept-Encoding": "br, gzip;q=0.8"})

    assert packed.header("Content-Encoding") == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert not plain.header("Content-Encoding")
    assert "Accept-Encoding" in plain.header("Vary")


@pytest.mark.parametrize("accepts", ["", "br", "gzip;q=0", "gzip; q=0.000"])
def test_nobody_gets_gzip_who_does_not_take_it(client, accepts):
    assert not client.get("/help/keys", headers={"Accept-Encoding": accepts}).header("Content-Encoding")


def test_tiny_answers_are_not_compressed(client):
    got = client.get("/static/icon.svg", headers={"Accept-Encoding": "gzip"})

    assert not got.header("Content-Encoding")


# -- static files --


def test_files_are_kept_for_a_year_under_their_versioned_address(client):
    dom = client.get("/").dom()
    sheet = next(link.get("href") for link in dom.iter("link") if link.get("rel") == "stylesheet")
    got = client.get(sheet)

    assert "?v=" in sheet
    assert got.header("Content-Type") == "text/css; charset=utf-8"
    assert "immutable" in got.header("Cache-Control")


def test_files_without_their_version_are_asked_for_anew(client):
    got = client.get("/static/js/frame.js")

    assert got.header("Cache-Control") == "no-cache"
    assert client.get("/static/js/frame.js", headers={"If-None-Match": got.header("ETag")}).status == 304


@pytest.mark.parametrize(
    "path",
    [
        "/static/../wsgi.py",
        "/static/..%2Fwsgi.py",
        "/static//etc/passwd",
        "/static/",
        "/static",
        "/static/js",
        "/static/\0",
        "/static/plugins/auth.people/../../wwt.css",
        "/static/.hidden",
    ],
)
def test_only_static_files_are_served(client, path):
    assert client.get(path).status == 404


# -- what goes wrong inside --


def _with_page(client, handler):
    client.wsgi = wsgi.Pages(client.app, {"test": {"/test": handler}})
    return client.get("/test")


def test_a_mistake_of_ours_is_a_page_with_a_number_that_is_in_the_log(client, caplog):
    @page()
    def broken():
        raise RuntimeError("the secret of the house")

    got = _with_page(client, broken)

    got.dom()
    reference = got.text.partition("under reference ")[2][:8]
    assert got.status == 500
    assert "secret of the house" not in got.text
    assert reference in caplog.text
    assert "secret of the house" in caplog.text


def test_a_store_that_does_not_answer_is_said_with_503(client, caplog):
    @page()
    def unlucky():
        raise StoreError("sqlite:////srv/wwt.db: disk full")

    got = _with_page(client, unlucky)

    assert got.status == 503
    assert got.header("Retry-After")
    assert "/srv/wwt.db" not in got.text


def test_when_even_the_page_of_the_error_fails_there_are_plain_words(client, caplog, monkeypatch):
    client.get("/")
    room = client.wsgi.room(client.app.house)
    monkeypatch.setattr(room.templates, "get_template", lambda name: 1 / 0)

    got = client.get("/nothing")

    assert got.status == 404
    assert got.header("Content-Type").startswith("text/plain")


def test_a_handler_that_nobody_guards_can_not_be_mounted(client):
    with pytest.raises(TypeError, match="not marked with @page"):
        wsgi.Pages(client.app, {"test": {"/test": lambda: Response(b"")}})


def test_two_modules_can_not_have_the_same_address(client):
    @page()
    def one():
        return Response(b"")

    with pytest.raises(ValueError, match="/x is mounted by a and by b"):
        wsgi.Pages(client.app, {"a": {"/x": one}, "b": {"/x": one}})


def test_the_connection_of_a_request_ends_with_it(client):
    for path in ["/", "/jobs", "/nothing", "/?q=%zz"]:
        client.get(path)

    assert client.app.store.database.is_closed()


def test_two_installations_in_one_process_do_not_see_each_other(installation):
    one, other = installation(listen="127.0.0.1:1"), installation(listen="127.0.0.1:2")
    one.sign_in("olga")
    other.cookies.update(one.cookies)

    assert "Signed in as" in one.get("/").text
    assert "Signed in as" not in other.get("/").text


def test_many_visitors_at_once_each_get_their_own_page(client):
    def name_on_page(user):
        return user.title() in client.get("/help/keys", user=user).text

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(name_on_page, ["vera", "olga", "adam"] * 10))


def test_outside_of_a_request_there_is_nobody_to_ask():
    with pytest.raises(LookupError, match="no request"):
        current_exchange()


def test_after_a_body_in_chunks_the_next_request_is_heard(client):
    server = Server(("127.0.0.1", 0), client.wsgi, numthreads=1)
    server.prepare()
    thread = Thread(target=server.serve)
    thread.start()
    chunks = b"POST /login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n"
    try:
        with socket.create_connection(server.bind_addr) as connection:
            connection.sendall(chunks + b"GET /help/keys HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            said = b"".join(iter(lambda: connection.recv(65536), b""))
    finally:
        server.stop()
        thread.join()

    assert re.findall(rb"HTTP/1\.1 (\d+)", said) == [b"411", b"200"]
