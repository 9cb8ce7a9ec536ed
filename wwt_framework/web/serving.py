"""How one request is answered: find the page, know the visitor, check, call, pack; whatever goes wrong is a page."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, replace
from http import HTTPStatus

from wwt_framework import __version__
from wwt_framework.errors import Denied, IllegalTransition, NotFound, StoreError, WwtError
from wwt_framework.web.exchange import Exchange, Refused, with_body
from wwt_framework.web.parameters import parameters_for
from wwt_framework.web.render import problem
from wwt_framework.web.responses import Response, as_text, compressed, matches, not_modified, tagged, weak_tag
from wwt_framework.web.tools import (
    READING,
    Handler,
    Rules,
    check_csrf,
    check_method,
    check_role,
    refusal,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """The handlers of an address; ``rest`` is what follows an address that ends in ``/*``."""

    handlers: tuple[Handler, ...]
    rest: str | None = None


def serve(exchange: Exchange, found: Found, environ: dict[str, object]) -> Response:
    """Answer, or raise: `Refused`, `Denied`, `NotFound`, or what a handler raises by mistake."""
    visit = exchange.visit
    handler = check_method(found.handlers, visit.method)
    rules = handler.rules
    exchange.for_programs = rules.json
    if not rules.identify:
        return handler(**parameters_for(handler, visit.query, found.rest))
    exchange.visit = with_body(visit, environ)
    identify(exchange)
    check_role(exchange, rules.role)
    check_csrf(exchange, rules)
    tag = early_tag(exchange, rules)
    if tag and matches(tag, visit.headers.get("if-none-match", "")):
        return Response(b"", status=304, headers={"ETag": tag})
    response = handler(**parameters_for(handler, {**visit.query, **exchange.visit.form}, found.rest))
    return tagged(response, tag) if visit.method in READING else response


def identify(exchange: Exchange) -> None:
    """Open the store for this request, and find out who is asking."""
    exchange.stack.enter_context(exchange.app.store.connection())
    headers = exchange.visit.headers
    exchange.visitor = exchange.app.access.visitor(exchange.cookie, headers.get("authorization", ""), exchange.visit)


def early_tag(exchange: Exchange, rules: Rules) -> str:
    """An ETag that is known before the page is made; "" when the page can not tell."""
    if rules.fresh_by is None or exchange.visit.method not in READING:
        return ""
    user = exchange.user
    return weak_tag(
        __version__,
        exchange.address,
        exchange.prefix,
        exchange.visit.headers.get("accept", ""),
        user.name,
        " ".join(sorted(user.roles)),
        exchange.csrf_token,
        str(exchange.house.config.checksum),
        exchange.snapshot.version,
        f"{exchange.now:%Y-%m-%d %H:%M}",  # ages on the page are told in minutes
        rules.fresh_by(),
    )


def failed(exchange: Exchange | None, error: BaseException) -> Response:
    """The page that tells of *error*. What nobody foresaw goes to the log, under the number the page names."""
    if isinstance(error, Denied) and exchange is not None:
        error = refusal(exchange, error)
    if isinstance(error, WwtError) and not isinstance(error, (Refused, StoreError)):
        statuses = {NotFound: 404, IllegalTransition: 409}
        error = Refused(statuses.get(type(error), 400), str(error))
    if not isinstance(error, Refused):
        error = _unforeseen(exchange, error)
    try:
        return problem(exchange, error)
    except Exception:
        log.exception("the page of an error could not be drawn", extra={"status": error.status})
        title = f"{error.status} {HTTPStatus(error.status).phrase}"
        return replace(as_text(f"{title}\n\n{error}\n", error.status), headers=dict(error.headers))


def _unforeseen(exchange: Exchange | None, error: BaseException) -> Refused:
    reference = secrets.token_hex(4)
    path = exchange.visit.path if exchange else ""
    log.error("page failed, reference %s", reference, extra={"path": path}, exc_info=error)
    more = f"The log of this installation tells more under reference {reference}."
    if isinstance(error, StoreError):
        return Refused(
            503, f"What is kept can not be read or written at this moment. Try again soon. {more}", Retry_After="10"
        )
    return Refused(500, f"Something here went wrong that nobody foresaw. Nothing you did is at fault. {more}")


def packed(exchange: Exchange | None, response: Response) -> Response:
    """*response* as it is sent to this client: nothing if it has it already, compressed if it takes that.

    It says which snapshot it shows, so that what a script fetches later is put beside numbers of the same one only.
    """
    headers = exchange.visit.headers if exchange else {}
    if (
        "ETag" in response.headers
        and response.status == 200
        and matches(response.headers["ETag"], headers.get("if-none-match", ""))
    ):
        response = not_modified(response)
    if "Cache-Control" not in response.headers:
        keep = "private, no-cache" if "ETag" in response.headers else "no-store"
        response = replace(response, headers={**response.headers, "Cache-Control": keep})
    if response.headers["Cache-Control"].startswith("private"):
        response = replace(response, headers={**response.headers, "Vary": "Accept, Authorization, Cookie"})
    if exchange and exchange.shown:
        response = replace(response, headers={**response.headers, "X-Snapshot": exchange.shown})
    return compressed(response, headers.get("accept-encoding", ""))
