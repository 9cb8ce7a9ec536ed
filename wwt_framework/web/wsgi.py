"""The pages as one WSGI callable: CherryPy, a dispatcher by exact path, and what every answer carries."""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, ClassVar, cast
from urllib.parse import urlsplit

import cherrypy

from wwt_framework.errors import NotFound
from wwt_framework.web import pages
from wwt_framework.web.exchange import Exchange, drain, visit_of, with_address
from wwt_framework.web.responses import Response
from wwt_framework.web.room import Room, build_room
from wwt_framework.web.serving import Found, failed, packed, serve
from wwt_framework.web.tools import Handler

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
ALWAYS = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
HSTS = ("Strict-Transport-Security", "max-age=31536000")

Mounted = Mapping[str, "Handler | Sequence[Handler]"]


def build(app: Any) -> Pages:
    """The pages of *app*, to be served by any WSGI server."""
    names = sorted(module.name for module in pkgutil.iter_modules(pages.__path__))
    modules = [importlib.import_module(f"{pages.__name__}.{name}") for name in names]
    built = Pages(app, {module.__name__: module.mount(app) for module in modules})
    built.room(app.house)  # so that the first visitor does not wait for it
    return built


class Pages:
    """A WSGI callable. Several in one process do not know of each other."""

    def __init__(self, app: Any, mounted: Mapping[str, Mounted]) -> None:
        self.app = app
        self.exact, self.below = collected(mounted)
        self._room: tuple[Any, Room] | None = None
        self.cherrypy = _application(self._answer)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request, with the headers that every answer carries, whoever makes it."""
        # CherryPy refuses requests whose cookies (of anybody on this host) it can not parse; we only want our own.
        environ["wwt.cookie"] = environ.pop("HTTP_COOKIE", "")
        environ["wwt.set_cookies"] = []
        drain(environ)
        always = [*ALWAYS, HSTS] if self.is_secure(environ) else ALWAYS

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            given = {name.lower() for name, _ in headers}
            kept = [pair for pair in headers if pair[0].lower() != "server"]
            kept += [pair for pair in always if pair[0].lower() not in given]
            kept += [("Set-Cookie", line) for line in environ["wwt.set_cookies"]]
            return start_response(status, kept, exc_info)

        return cast(Iterable[bytes], self.cherrypy(environ, start))

    @property
    def own(self) -> dict[str, tuple[Handler, ...]]:
        """The handlers of the core by address; those of all that is below one under ``/*``."""
        return {**self.exact, **{f"{path}/*": handlers for path, handlers in self.below.items()}}

    def room(self, house: Any) -> Room:
        """The pages' share of *house*. When two threads meet a new house, both furnish it, alike; one stays."""
        known = self._room
        if known is None or known[0] is not house:
            known = (house, build_room(house, self.own))
            self._room = known
        return known[1]

    def is_secure(self, environ: Mapping[str, Any]) -> bool:
        """Whether visitors come by https, be it that a server in front speaks it."""
        options = self.app.house.config.house
        by_proxy = (options.base_url or "").startswith("https:")
        return bool(environ.get("wsgi.url_scheme") == "https" or options.tls or by_proxy)

    def find(self, exchange: Exchange) -> Found:
        """The handlers of the address asked for. Raises `NotFound`."""
        path = exchange.visit.path.rstrip("/") or "/"
        if path in self.exact:
            return Found(self.exact[path])
        for beginning, handlers in self.below.items():
            if path.startswith(beginning + "/"):
                return Found(handlers, path[len(beginning) + 1 :])
        if path in exchange.room.pages:
            return Found(exchange.room.pages[path])
        raise NotFound("There is no page at this address. Check how the link was written, or start from the overview.")

    def _answer(self) -> Iterable[bytes]:
        request = cherrypy.serving.request
        exchange: Exchange | None = None
        try:
            exchange = self._exchange(request)
            request.exchange = exchange
            exchange.visit = with_address(exchange.visit, request.wsgi_environ)
            response = serve(exchange, self.find(exchange), request.wsgi_environ)
        except BaseException as error:  # noqa: BLE001  # signals reach the main thread only: a page raised it
            response = failed(exchange, error)
        return _send(packed(exchange, response), exchange)

    def _exchange(self, request: Any) -> Exchange:
        house = self.app.house
        environ = request.wsgi_environ
        base = urlsplit(house.config.house.base_url or "")
        proxies = house.config.house.trusted_proxies
        visit = visit_of(request, f"{base.scheme}://{base.netloc}" if base.netloc else "", proxies)
        prefix = environ.get("SCRIPT_NAME", "").rstrip("/") or base.path.rstrip("/")
        now = datetime.now(timezone.utc)
        exchange = Exchange(self.app, house, self.room(house), now, visit, prefix, self.is_secure(environ))
        request.hooks.attach("on_end_request", exchange.stack.close, failsafe=True)
        return exchange


def collected(mounted: Mapping[str, Mounted]) -> tuple[dict[str, tuple[Handler, ...]], dict[str, tuple[Handler, ...]]]:
    """Handlers by exact path, and by the beginning of those that end in ``/*``.

    Raises ValueError when two modules mount the same path, TypeError for a handler that is not a `page`.
    """
    exact: dict[str, tuple[Handler, ...]] = {}
    below: dict[str, tuple[Handler, ...]] = {}
    owners: dict[str, str] = {}
    for module, paths in mounted.items():
        for path, several in paths.items():
            handlers = tuple(several) if isinstance(several, (tuple, list)) else (cast(Handler, several),)
            if path in owners:
                raise ValueError(f"{path} is mounted by {owners[path]} and by {module}")
            for handler in handlers:
                if not hasattr(handler, "rules"):
                    raise TypeError(f"{module}: {path}: {handler} is not marked with @page, so nobody guards it")
            owners[path] = module
            target, key = (below, path[:-2]) if path.endswith("/*") else (exact, path.rstrip("/") or "/")
            target[key] = handlers
    return exact, below


def _send(response: Response, exchange: Exchange | None) -> Iterable[bytes]:
    """Hand *response* to CherryPy."""
    out = cherrypy.serving.response
    out.status = response.status
    out.headers.pop("Server", None)
    out.headers["Content-Type"] = response.content_type
    for name, value in response.headers.items():
        out.headers[name] = value
    out.stream = response.stream is not None
    if response.status not in (204, 304) and response.stream is None:
        out.headers["Content-Length"] = str(len(response.body))
    if exchange:
        cherrypy.serving.request.wsgi_environ["wwt.set_cookies"].extend(exchange.cookies)
    return [response.body] if response.stream is None else response.stream


def plain_error(status: str, message: str, **_more: str) -> str:
    """What CherryPy refuses before we hear of it (a request without a host, say), without its own page."""
    cherrypy.serving.response.headers["Content-Type"] = "text/plain; charset=utf-8"
    return f"{status}\n\n{message}\n"


class _Request(cherrypy._cprequest.Request):  # noqa: SLF001  # the documented place to put one's own
    """CherryPy's request without its reading of query and body, which `exchange` does with words for every failure."""

    process_request_body = False
    show_tracebacks = False
    error_page: ClassVar[dict[str, Any]] = {"default": plain_error}

    def process_query_string(self) -> None:
        """Nothing: see `exchange.visit_of`."""


def _application(answer: Callable[[], Iterable[bytes]]) -> Any:
    """A CherryPy application of one handler, which does not touch CherryPy's own tree or engine."""

    def dispatch(_path: str) -> None:
        request = cherrypy.serving.request
        request.config = {}
        request.handler = answer

    application = cherrypy.Application(None, "", {"/": {"request.dispatch": dispatch}})
    application.request_class = _Request
    application.log.error_log = logging.getLogger("wwt_framework.web.cherrypy")
    application.log.access_log = logging.getLogger("wwt_framework.access")
    return application
