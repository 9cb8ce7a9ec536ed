"""Bodies that are none, at every address that takes one; names of hosts that are not ours; secrets in what is logged."""

from __future__ import annotations

import logging
import re

import pytest

from tests.attack.besieged import ADMIN, MACHINE, PASSWORD, client_of
from tests.attack.parameters import Address, Visitors, addresses
from tests.attack.test_injection import wrong_with
from tests.web.house import Client, call, environ_of
from wwt_framework.app import App
from wwt_framework.store import ledger
from wwt_framework.web import wsgi

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
#: content type, body, length that is declared ("": the true one)
BODIES = (
    (FORM, b"a=1", "104857600"), (FORM, b"a=1", "-5"), (FORM, b"a=1", "3; 4"), (FORM, b"a=1", "99"), (FORM, b"%zz=%", ""),
    (FORM, b"\xff\xfe=\xc3\x28", ""), (FORM, b"&".join(b"a%d=1" % i for i in range(6000)), ""),
    (FORM + "; charset=utf-7", b"a=+ADw-script+AD4-", ""), (JSON, b"[" * 100_000, ""), (JSON, b'{"a":' * 50_000, ""),
    (JSON, b"9" * 100_000, ""), (JSON, b'{"workflows": {"$gt": ""}, "key": [1]}', ""), (JSON, b'"\\ud800"', ""), (JSON, b"null", ""),
    (JSON, b'{"a": NaN, "b": 1e999}', ""), (JSON, b"\xef\xbb\xbf{}", ""), ("multipart/form-data", b"--x\r\n", ""),
    ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--x--', ""),
    ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="f"; filename="../x"\r\n\r\n1\r\n--x--', ""),
    ("multipart/mixed; boundary=" + "y" * 5000, b"--y", ""), ("text/xml", b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>", ""),
    ("application/x-gzip", b"\x1f\x8b" + b"\0" * 100, ""), ("\xff", b"x", ""),
)  # fmt: skip


@pytest.fixture(scope="module")
def every(app: App) -> list[Address]:
    return addresses(Visitors(app))


def test_no_body_at_any_address_is_more_than_refused(app: App, every: list[Address]) -> None:
    client, wrong, sent = client_of(app), [], 0
    posts = [address for address in every if address.method == "POST" and address.path != "/logout"]
    for i, address in enumerate(posts):
        for j, (kind, body, length) in enumerate(BODIES):
            if (i + j) % 2:
                continue
            sent += 1
            path = address.path.replace("/*", "/x")
            more = {"Content-Length": length} if length else {}
            got = client.post(path, user=address.visitor, headers={"Content-Type": kind, **more}, body=body)
            if told := wrong_with(got):
                wrong.append(f"{path} {kind} {body[:40]!r}: {told}")

    assert sent > 400
    assert wrong == []


@pytest.mark.parametrize(
    "host", ["evil.example", "wwt.example:1@evil.example", "evil.example/x", '"><script>', "a b", ""]
)
def test_the_host_that_a_visitor_names_is_in_no_mail_and_no_redirect(app: App, host: str) -> None:
    form = {
        "email": f"new{abs(hash(host))}@example.org",
        "username": "newcomer",
        "password": PASSWORD,
        "password2": PASSWORD,
    }
    got = Client(wsgi.build(app), app, {}).post("/newuser", headers={"Host": host, "X-Forwarded-Host": host}, form=form)
    app.house.hooks.plugins["auth.local"].write_letters(lambda *_: None)  # type: ignore[attr-defined]
    mails = [mail for mail in ledger.mails(app.store) if form["email"] in mail.recipients]

    assert got.status in (200, 400)
    assert all("evil" not in mail.text + mail.html for mail in mails)
    assert bool(mails) == (got.status == 200)
    for path in ("/markreset", "/seeworkflow2", "/login", "/listworkflows"):
        location = call(wsgi.build(app), environ_of("GET", path, {"Host": host}, b"")).header("Location")
        assert not location or re.match(r"/(?!/)", location)


def test_no_secret_gets_into_a_log_and_nobody_writes_a_line_of_it(
    app: App, every: list[Address], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)  # as the program logs
    secret = "s3cr3t-7191"
    local, tokens = (app.house.hooks.plugins[name] for name in ("auth.local", "auth.token"))
    made = tokens._tokens.make(local.authenticate(ADMIN, PASSWORD), "operator", "", 1)  # type: ignore[attr-defined]
    forged = "x\r\n2026-11-29 ERROR admin signed in"
    for address in every:
        if address.path == "/logout":
            continue
        path = address.path.replace("/*", "/x")
        client = client_of(app)
        form = (
            dict.fromkeys(("password", "password2", "key", "token", "code"), secret)
            if address.method == "POST"
            else None
        )
        client.request(
            address.method, path, headers={"Authorization": f"Bearer {made.text}", "User-Agent": forged}, form=form
        )
        client.request(address.method, path, user=MACHINE, headers={"Cookie": f"wwt_session_8080={secret}"}, form=form)
    lines = [record.getMessage() + str(record.__dict__) for record in caplog.records]

    assert not [line[:300] for line in lines if secret in line or made.text in line or PASSWORD in line]
