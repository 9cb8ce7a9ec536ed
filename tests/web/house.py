"""What the tests of pages build on: an installation in this process, its visitors, and worlds it may show."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

import html5lib

from wwt_framework import hookimpl
from wwt_framework.config import Config
from wwt_framework.cube import ErrorColumns
from wwt_framework.hooks.loader import Loaded
from wwt_framework.hooks.manager import Hooks
from wwt_framework.jobs import Chore, Clockwork
from wwt_framework.model import ErrorCount, ExitCode, Readiness, Rejected, SiteStatus, SourceReport, User, Workflow
from wwt_framework.options import HouseOptions
from wwt_framework.plugin import Job, LoginOption
from wwt_framework.services.access import Access
from wwt_framework.services.access.notices import Notices
from wwt_framework.services.alike.fitting import Fitting
from wwt_framework.services.alike.likeness import Likenesses
from wwt_framework.services.alike.models import Models
from wwt_framework.services.learning.forecasts import Forecasts
from wwt_framework.services.mailing import Post
from wwt_framework.snapshot import Snapshot, SnapshotParts, open_snapshot, write
from wwt_framework.snapshot_templates import Miner, nobody
from wwt_framework.store import Store
from wwt_framework.testing import contract_matrix


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


def environ_of(method: str, path: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
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
        as_it_is = name == "REMOTE_USER" or key in ("CONTENT_TYPE", "CONTENT_LENGTH")  # the former: a server in front
        environ[key if as_it_is else f"HTTP_{key}"] = value
    return environ


def ask(wsgi: Callable[..., Any], method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Got:
    return call(wsgi, environ_of(method, path, headers, body))


def call(wsgi: Callable[..., Any], environ: dict[str, Any]) -> Got:
    """One request to a WSGI callable, closed as a server closes it."""
    seen: list[Any] = []
    answer = wsgi(environ, lambda *given: seen.append(given))
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

    def sign_in(self, user: str) -> Got:
        """As a browser does: the cookie stays with this client."""
        form = {"username": user, "password": self.passwords[user], "csrf_token": self.csrf_token()}
        scheme = "https" if (self.app.house.config.house.base_url or "").startswith("https:") else "http"
        return self.post("/login", form=form, headers={"Origin": f"{scheme}://wwt.example"})

    def csrf_token(self) -> str:
        """The token in the forms that this visitor sees; "" when there is none."""
        dom = self.get("/logout").dom()
        return next((i.get("value") for i in dom.iter("input") if i.get("name") == "csrf_token"), "")

    def get(self, path: str, user: str = "", headers: dict[str, str] | None = None) -> Got:
        return self.request("GET", path, user, headers)

    def post(self, path: str, user: str = "", headers: dict[str, str] | None = None, **sent: Any) -> Got:
        return self.request("POST", path, user, headers, **sent)


# -- an installation -----------------------------------------------------------

PEOPLE = {"vera": "viewer", "olga": "operator", "adam": "admin", "max": "machine", "nora": ""}


class People:
    """A backend that knows five people; their passwords are their names backwards."""

    @hookimpl
    def register_login_options(self) -> list[LoginOption]:
        return [LoginOption("With your WWT account")]

    @hookimpl
    def authenticate(self, username: str, password: str) -> User | None:
        if username in PEOPLE and password == username[::-1]:
            return User(username, full_name=username.title(), roles=frozenset(filter(None, [PEOPLE[username]])))
        return None


@dataclass
class House:
    config: Any
    hooks: Hooks
    loaded: tuple[Loaded, ...] = ()


@dataclass
class Board:
    snapshot: Snapshot


class Installation:
    """What the pages ask of an App, with plugins that a test hands over instead of those of a plugins.yml."""

    def __init__(self, folder: Path, snapshot: Snapshot, plugins: dict[str, object], **options: Any) -> None:
        config = Config(folder / "plugins.yml", HouseOptions(**options), (), "0123456789ab")
        hooks = Hooks()
        for name, plugin in plugins.items():
            hooks.register(name, plugin, deadline_s=60)  # a busy machine is nobody's fault
        self.house = House(config, hooks)
        self.store = self.history = Store.memory()
        self.board = Board(snapshot)
        self.path = config.path
        self.alike = Likenesses(self.store, Models(folder / "models"), patience_s=60.0)
        fitting = Fitting(
            self.store, lambda: self.house, lambda: self.board.snapshot, self.alike.models, lambda: contract_matrix({})
        )
        self.clockwork = Clockwork(self, (Chore(Job("clusters", fitting.run), lambda: False),))
        self.post = Post(self.store, lambda: self.house.config.house)
        self.notices = Notices(self.post, lambda path, **_: f"https://wwt.example{path}")
        self.access = Access(
            lambda: self.house.hooks, self.store, lambda: self.house.config.house, self.notices.new_device
        )
        self.forecasts = Forecasts(lambda: self.house, folder / "data")
        self.problems: tuple[str, ...] = ()
        self.restart_needed: tuple[str, ...] = ()


# -- worlds --------------------------------------------------------------------

TAKEN = datetime(2026, 11, 23, 12, 3, tzinfo=timezone.utc)

#: Names as an attacker, or an accident, would choose them.
HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "{{ 7 * 191 }}{% raise %}",
    "one\nline\r\nmore",
    "left\u202eto right\u200b\u0000\u0007",
    "javascript:alert(1)",
    "long" * 2500,
    "&amp;&lt;#x27;%3Cb%3E%",
    "\u00e9\u4e16\U0001f600",
)


def make_snapshot(
    folder: Path,
    counts: Sequence[ErrorCount] = (),
    taken_at: datetime = TAKEN,
    mine: Miner = nobody,
    **parts: Any,
) -> Snapshot:
    """A world of one's own, in the empty *folder*; *parts* as of `SnapshotParts`."""
    folder.mkdir()
    write(folder, SnapshotParts(folder.name, taken_at, errors=ErrorColumns.of(counts), **parts), mine)
    return open_snapshot(folder)


def hostile_snapshot(folder: Path) -> Snapshot:
    """Every name in it means harm."""
    safe = [name.replace("/", "|") for name in HOSTILE]
    return make_snapshot(
        folder,
        [ErrorCount(f"/wf{i}{name}/{name}", 8028 + i, name, 5 + i) for i, name in enumerate(safe)],
        workflows=[
            Workflow(f"wf{i}{name}", prep_id=name, campaign=name, request_type=name, status=name)
            for i, name in enumerate(safe)
        ],
        errors_state={f"wf{i}{name}": i % 4 for i, name in enumerate(safe)},
        sites=[SiteStatus(name, Readiness.RED, name) for name in safe],
        exit_codes=[ExitCode(8028 + i, name, name) for i, name in enumerate(safe)],
        sources=[
            SourceReport(name, name, "failed", TAKEN, None, 0.1, name, (Rejected(name, name, name),), 1)
            for name in safe
        ],
    )
