"""A real OpenID provider, a browser of few words that goes through its pages, and somebody between it and us."""

from __future__ import annotations

import base64
import html
import json
import re
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from .fronts import Program

HERE = Path(__file__).parent
NODE_MODULES = HERE.parents[2] / ".npm" / "node_modules"
SECRET = "a-test-secret-of-32-bytes-or-more!!"


class OpenIdProvider:
    """At ``issuer``; signs with ``key``."""

    def __init__(self, folder: Path, port: int, home: str, redirects: list[str], conform: bool = False) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})
        environ = {
            "PORT": str(port), "HOME_ADDRESS": home, "REDIRECTS": " ".join(redirects),
            "NODE_MODULES": str(NODE_MODULES), "CONFORM": str(conform).lower(), "NODE_NO_WARNINGS": "1",
        }  # fmt: skip
        node = str(Path(sys.executable).with_name("node"))
        self.program = Program([node, str(HERE / "provider" / "provider.mjs")], port, folder / "op.log", "", environ)

    def start(self) -> OpenIdProvider:
        self.program.environ["JWKS"] = json.dumps({"keys": [self.key.as_dict(private=True)]})
        self.program.start()
        return self

    def rotate(self, kid: str) -> None:
        """Come back with another key."""
        self.program.stop()
        self.key = RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})
        self.start()

    def token(self, **claims: Any) -> str:
        """An ID token as this provider would sign it, with other *claims*; None leaves one out."""
        now = int(time.time())
        said = {"iss": self.issuer, "aud": "wwt", "sub": "olga", "nonce": "n", "iat": now, "exp": now + 60, **claims}
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, said, self.key)


def unsigned(claims: dict[str, Any], algorithm: str = "none") -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": algorithm}, claims)]
    return b".".join([*parts, b""]).decode()


def go_through(session: requests.Session, url: str, name: str, until: str) -> requests.Response:
    """Follow links and fill in the provider's forms as *name*, until an address begins with *until*."""
    page = session.get(url, timeout=60)
    for _ in range(6):
        found = re.search(r'<form[^>]*action="([^"]+)"', page.text)
        if page.url.startswith(until) or not found:
            return page
        fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*?value="([^"]*)"', page.text))
        if 'name="login"' in page.text:
            fields |= {"login": name, "password": "x"}
        page = session.post(html.unescape(found[1]), data=fields, timeout=60)
    raise AssertionError(f"still at {page.url}")


class Meddler:
    """Stands between us and the provider's token endpoint, and changes what it answers."""

    def __init__(self, issuer: str) -> None:
        self.change: Callable[[dict[str, Any]], dict[str, Any]] = lambda tokens: tokens
        self.metadata: dict[str, Any] = {}
        meddler = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                metadata = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=60).json()
                self.tell(200, {**metadata, "token_endpoint": f"{meddler.address}/token", **meddler.metadata})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept = {name: self.headers[name] for name in ("Content-Type", "Authorization") if self.headers[name]}
                answer = requests.post(f"{issuer}/token", body, headers=kept, timeout=60)
                self.tell(answer.status_code, meddler.change(answer.json()) if answer.ok else answer.json())

            def tell(self, status: int, told: Any) -> None:
                data = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as in the base class
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
