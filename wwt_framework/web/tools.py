"""What stands before every page: who is asking, may they, did they mean it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol, TypeVar, cast

from wwt_framework.errors import Denied, NotSignedIn, TooOften
from wwt_framework.model import ROLES, User
from wwt_framework.plugin import Visit
from wwt_framework.web.exchange import Exchange, Refused, current_exchange, same_origin
from wwt_framework.web.parameters import Parameter
from wwt_framework.web.responses import Response

READING = ("GET", "HEAD")

HandlerT = TypeVar("HandlerT", bound=Callable[..., Response])


@dataclass(frozen=True)
class Rules:
    """Under which conditions a handler is called."""

    role: str = "viewer"
    methods: tuple[str, ...] = ("GET",)
    json: bool = False  # an endpoint for programs: its errors are JSON, too
    csrf: bool = True  # changes need the token of the session
    identify: bool = True  # False: the same for everybody, whoever asks; the store is not opened
    fresh_by: Callable[[], str] | None = None
    """Answers early with 304. Gives a text that differs whenever the page would differ for another reason than
    address, user, snapshot version, configuration, program version and minute of the day.
    None: the ETag is made from the finished body."""
    answers: Any = None  # the shape of its JSON, see `shapes`; None: it answers none
    accepts: Any = None  # the shape of the JSON body that it takes
    asks: Mapping[str, Parameter] = field(default_factory=dict)  # what it reads beside the parameters that it names


class Handler(Protocol):
    """A function or method marked with `page`."""

    @property
    def rules(self) -> Rules: ...

    def __call__(self, **parameters: Any) -> Response: ...


def page(
    role: str = "viewer",
    methods: tuple[str, ...] = ("GET",),
    *,
    json: bool = False,
    csrf: bool = True,
    identify: bool = True,
    fresh_by: Callable[[], str] | None = None,
    answers: Any = None,
    accepts: Any = None,
    asks: Mapping[str, Parameter] = MappingProxyType({}),
) -> Callable[[HandlerT], HandlerT]:
    """Mark a handler as a page, and say who may ask for it and how. Unmarked handlers can not be mounted.

    A handler of JSON says in *answers* of what shape that is (`shapes`): /api/v1/openapi.json tells it.

    The handler is called with those parameters of query and form that it names. A parameter whose default is
    ``()`` gets every value as a tuple; any other gets one text, the last if there are several. One without a
    default has to be given: else the answer is 400. ``**others`` takes all the rest.
    """
    if role not in (*ROLES, "anyone"):
        raise ValueError(f"role is one of {', '.join(ROLES)}, anyone; got {role!r}")

    def mark(handler: HandlerT) -> HandlerT:
        if answers is None and (json or "format" in inspect.signature(handler).parameters):
            raise ValueError(f"{handler.__qualname__} answers JSON: say with answers= of what shape that is")
        rules = Rules(role, tuple(methods), json, csrf, identify, fresh_by, answers, accepts, asks)
        cast(Any, handler).rules = rules
        return handler

    return mark


# -- what a handler may ask ----------------------------------------------------


def current_app() -> Any:
    return current_exchange().app


def current_house() -> Any:
    """Configuration and hooks, as they were when the request came in."""
    return current_exchange().house


def current_user() -> User:
    """Who is asking; the nameless user for a visitor who did not sign in."""
    return current_exchange().user


def current_snapshot() -> Any:
    """The world, the same one during the whole request."""
    return current_exchange().snapshot


def current_visit() -> Visit:
    return current_exchange().visit


def seen_by_script() -> bool:
    """Whether a program asks, on its own account: by token or basic, and with no trace of a browser.

    Such a program may change things by a GET, as the original's addresses have it.
    """
    exchange = current_exchange()
    headers = exchange.visit.headers
    if any(name in headers for name in ("sec-fetch-site", "origin", "referer", "cookie")):
        return False
    scheme = headers.get("authorization", "").partition(" ")[0].lower()
    return scheme in ("basic", "bearer") and bool(exchange.user.name)


# -- the checks, in order ------------------------------------------------------


def check_method(handlers: tuple[Handler, ...], method: str) -> Handler:
    """The handler that takes *method*. Raises `Refused` with 405 and the methods there are."""
    asked = "GET" if method == "HEAD" else method
    for handler in handlers:
        if asked in handler.rules.methods:
            return handler
    allowed = sorted({m for h in handlers for m in h.rules.methods})
    if "GET" in allowed:
        allowed.append("HEAD")
    sentence = f"This address can be asked with {', '.join(allowed)}, not with {method}."
    raise Refused(405, sentence, Allow=", ".join(allowed))


def check_csrf(exchange: Exchange, rules: Rules) -> None:
    """Make sure that a change was meant by who is signed in. Raises `Refused` with 403.

    Asked of everything a browser sends by itself: session, basic, certificate, proxy header. A bearer token,
    a key in the body or nothing at all is never sent by a browser on another page's behalf.
    """
    if exchange.visit.method in READING or not rules.csrf:
        return
    if not same_origin(exchange):
        raise Refused(403, "Another web page tried to send this in your name. Nothing was changed.")
    scheme = exchange.visit.headers.get("authorization", "").partition(" ")[0].lower()
    if exchange.visitor is None or exchange.visitor.via == "none" or scheme == "bearer" or seen_by_script():
        return
    check_token(exchange)


def check_token(exchange: Exchange) -> None:
    """Compare the form's token with the visitor's. Raises `Refused` with 403."""
    given = exchange.visit.form.get("csrf_token") or exchange.visit.headers.get("x-csrf-token", "")
    if not isinstance(given, str) or not exchange.app.access.csrf_ok(exchange.visitor, given):
        sentence = (
            "This form is too old, or was drawn for another sign-in. Go back, load the page again, and send it again."
        )
        raise Refused(403, sentence + " Nothing was changed.")


def check_role(exchange: Exchange, role: str) -> None:
    """Raises `Denied`, which says who is asking and what is missing."""
    exchange.app.access.require(exchange.user, role)


def refusal(exchange: Exchange, denied: Denied) -> Refused:
    """401 for a visitor who may sign in, 403 for a user who lacks a role, 429 for who tried too often."""
    if isinstance(denied, TooOften):
        return Refused(429, str(denied), Retry_After=str(denied.again_s))
    if not isinstance(denied, NotSignedIn):
        return Refused(403, str(denied))
    headers = {} if exchange.wants_html() else {"WWW_Authenticate": 'Basic realm="wwt", charset="UTF-8"'}
    return Refused(401, str(denied), **headers)
