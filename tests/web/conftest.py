"""A whole installation's pages, asked in process: ``client.get("/globalerror", user="olga")``."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

import html5lib
import pytest


@dataclass(frozen=True)
class Got:
    """One answer."""

    status: int
    headers: list[tuple[str, str]] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str:
        """The value of a header that is sent at most once; "" when it is not there."""
        values = self.all_headers(name)
        assert len(values) < 2, f"{name} was sent {len(values)} times"
        return values[0] if values else ""

    def all_headers(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def dom(self) -> Any:
        """The page as an ElementTree; fails when it is not valid HTML5."""
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
        return parser.parse(self.text)


def _environ(method: str, path: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    bare, _, query = path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": bare.encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": query,
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": io.BytesIO(body),
        "HTTP_HOST": "wwt.example",
    }
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
    setup_testing_defaults(environ)
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH", "REMOTE_USER") else f"HTTP_{key}"] = value
    return environ


def ask(wsgi: Callable[..., Any], method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Got:
    """One request to a WSGI callable, closed as a server closes it."""
    seen: list[Any] = []
    answer = wsgi(_environ(method, path, headers, body), lambda *given: seen.append(given))
    try:
        content = b"".join(answer)
    finally:
        getattr(answer, "close", lambda: None)()
    return Got(int(seen[-1][0].split()[0]), seen[-1][1], content)


class Client:
    """A visitor. ``user=`` asks with basic authentication, as scripts do; `sign_in` as a browser does."""

    def __init__(self, wsgi: Callable[..., Any], app: Any, passwords: dict[str, str]) -> None:
        self.wsgi = wsgi
        self.app = app
        self.passwords = passwords
        self.cookies: dict[str, str] = {}

    def request(
        self,
        method: str,
        path: str,
        user: str = "",
        headers: dict[str, str] | None = None,
        form: dict[str, Any] | None = None,
        json_body: Any = None,
        body: bytes = b"",
    ) -> Got:
        sent = {"Accept": "text/html,application/xhtml+xml", **(headers or {})}
        if user:
            secret = base64.b64encode(f"{user}:{self.passwords[user]}".encode()).decode()
            sent["Authorization"] = f"Basic {secret}"
        if self.cookies:
            sent.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if form is not None:
            body = urlencode(form, doseq=True).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        if json_body is not None:
            body = json.dumps(json_body).encode()
            sent["Content-Type"] = "application/json"
        got = ask(self.wsgi, method, path, sent, body)
        for line in got.all_headers("Set-Cookie"):
            name, _, rest = line.partition("=")
            value, _, attributes = rest.partition(";")
            if "max-age=0" in attributes.lower():
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return got

    def get(self, path: str, user: str = "", headers: dict[str, str] | None = None) -> Got:
        return self.request("GET", path, user, headers)

    def post(self, path: str, user: str = "", headers: dict[str, str] | None = None, **sent: Any) -> Got:
        return self.request("POST", path, user, headers, **sent)
