"""Pages of plugins: at /p/<plugin>/<path>, or at a root path that nobody else has."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pydantic

from wwt_framework.errors import Denied, NotFound, PluginError, WwtError
from wwt_framework.model import ROLES
from wwt_framework.plugin import Page, Reply
from wwt_framework.web.exchange import Exchange, Refused, current_exchange
from wwt_framework.web.parameters import lacks, parameter_of
from wwt_framework.web.render import as_json, render
from wwt_framework.web.responses import Response
from wwt_framework.web.signing import begin, keep_scratch, scratch_of
from wwt_framework.web.tools import Rules

log = logging.getLogger(__name__)


class _Mistake(PluginError):
    """The plugin has not kept to what a page is; nothing that is away will come back."""


#: Headers that a plugin may not set: they belong to the house or to the server.
OURS = frozenset({
    "connection", "content-length", "content-security-policy", "content-type", "date", "location", "server",
    "set-cookie", "transfer-encoding",
})  # fmt: skip

_HEADER = re.compile(r"[A-Za-z0-9-]+")


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    """Nothing at start: which pages plugins have is known per house, see `collect`."""
    return {}


@dataclass(frozen=True)
class Contributed:
    """A plugin's page, where it stands, and how it is answered."""

    plugin: str
    page: Page
    path: str

    @property
    def rules(self) -> Rules:
        return Rules(self.page.role, tuple(self.page.methods))

    def __call__(self, **_parameters: Any) -> Response:
        """Ask the plugin. What it does wrong is counted, and costs this page only."""
        exchange = current_exchange()
        self._check_address(exchange)
        self._check_body(exchange)
        scratch = scratch_of(exchange) if self._may_sign_in else {}
        before = dict(scratch)
        visit = replace(exchange.visit, scratch=scratch)
        try:
            reply = self.page.handler(visit, exchange.user, exchange.snapshot)
            if not isinstance(reply, Reply):
                raise _Mistake(f"the page {self.path} answered with {type(reply).__name__}, expected a Reply")
            if reply.sign_in is not None and not self._may_sign_in:
                raise _Mistake(f"the page {self.path} wants to sign somebody in; only plugins of wwt.auth may")
            if reply.sign_in is not None:
                begin(exchange, reply.sign_in, self.plugin)
            elif scratch != before:
                keep_scratch(exchange, scratch)
            return self._response(reply)
        except (Refused, Denied, NotFound):
            if scratch != before:
                keep_scratch(exchange, scratch)  # what may be used once only is used up by a failure, too
            raise
        except (Exception, SystemExit) as error:  # a plugin may raise anything
            raise self._failure(exchange, error) from error

    @property
    def _may_sign_in(self) -> bool:
        return self.plugin.startswith("auth.")

    def _check_address(self, exchange: Exchange) -> None:
        """Compare the address with what the page reads of it. Raises `Refused` with 400."""
        query = exchange.visit.query
        for one in map(parameter_of, self.page.asks):
            if one.name in query:
                one.check(one.value(query[one.name]))
            elif one.required and one.name != "format":  # without it people get the page
                raise Refused(400, lacks(one.name))

    def _check_body(self, exchange: Exchange) -> None:
        """Compare the JSON body with what the page accepts. Raises `Refused` with 422."""
        model = self.page.accepts
        if model is None or exchange.visit.method in ("GET", "HEAD"):
            return
        try:
            model.model_validate(exchange.visit.json)
        except pydantic.ValidationError as error:
            lines = [
                f"{'.'.join(map(str, one['loc'])) or 'the body'}: {one['msg']}"
                for one in error.errors(include_url=False)
            ]
            raise Refused(422, "The body is not what this page accepts.\n" + "\n".join(lines[:20])) from None

    def _response(self, reply: Reply) -> Response:
        body: object = reply.body  # a plugin may put anything there
        status: object = reply.status
        if not isinstance(body, bytes | None) or not isinstance(status, int) or not 200 <= status < 600:
            got = f"{type(body).__name__} and {status!r}"[:100]
            raise _Mistake(f"the page {self.path} answered with {got}, expected bytes and a status from 200 to 599")
        headers = {
            name: value
            for name, value in reply.headers.items()
            if name.lower() not in OURS and _HEADER.fullmatch(name) and not re.search(r"[\r\n\0]", value)
        }
        if reply.redirect:
            return Response(
                b"", status=_redirect_status(reply.status), headers={**headers, "Location": _target(reply.redirect)}
            )
        if reply.template:
            return render(reply.template, reply.status, headers, **reply.values)
        if reply.body is not None:
            return Response(reply.body, reply.content_type or "application/octet-stream", reply.status, headers)
        response = as_json(reply.json, reply.status)
        return replace(response, content_type=reply.content_type or response.content_type, headers=headers)

    def _failure(self, exchange: Exchange, error: Exception | SystemExit) -> Refused:
        hooks = exchange.house.hooks
        if isinstance(error, SystemExit):
            error = _Mistake(f"wanted to end the program (SystemExit: {error.code})")
        if self.plugin in hooks.plugins:
            hooks.record(self.plugin).failed(f"page {self.path}", error)
        if isinstance(error, WwtError):
            # What it asks elsewhere is away: that may change, so who asks may ask again.
            status = 500 if isinstance(error, _Mistake) else 503
            return Refused(status, f"The plugin {self.plugin} could not answer: {error}")
        return Refused(
            500, f"The plugin {self.plugin}, to which this page belongs, failed. Its line on /plugins tells more."
        )


def _redirect_status(status: int) -> int:
    return status if status in (301, 302, 303, 307, 308) else 303


def _target(address: str) -> str:
    """Where a plugin sends the visitor: within the installation, or to an identity provider on the web."""
    if re.search(r"[\x00-\x20\\]", address):
        raise _Mistake(f"a redirect can not have blanks or control characters in it: {address!r}")
    if re.match(r"https?://", address):
        return address
    if address.startswith("/") and not address.startswith("//"):
        return current_exchange().prefix + address
    raise _Mistake(f"a redirect goes to /a/path or to http(s)://, got {address!r}")


def collect(hooks: Any, taken: frozenset[str]) -> tuple[dict[str, tuple[Contributed, ...]], list[str]]:
    """The pages that plugins register, by path, and sentences about those that were refused.

    *taken*: addresses of the core, which no plugin's page can have.
    """
    pages: dict[str, tuple[Contributed, ...]] = {}
    refused: list[str] = []
    for answer in hooks.each("register_pages"):
        for page in answer.value or ():
            path = page.path if page.path.startswith("/") else f"/p/{answer.plugin}/{page.path}"
            path = path.rstrip("/") or "/"
            why = _objection(answer.plugin, path, page, taken, pages)
            if why:
                refused.append(f"{answer.plugin}: {path}: {why}")
            else:
                pages[path] = (*pages.get(path, ()), Contributed(answer.plugin, page, path))
    return pages, refused


def _objection(
    plugin: str, path: str, page: Page, taken: frozenset[str], pages: Mapping[str, tuple[Contributed, ...]]
) -> str:
    """Why *page* can not stand at *path*; "" when it can."""
    if page.role not in (*ROLES, "anyone"):
        return f"its role must be one of {', '.join(ROLES)}, anyone; it is {page.role!r}"
    if any(path == own or path.startswith(own + "/") for own in taken if own != "/") or path == "/":
        return "this address belongs to the core; take another one"
    if path.startswith("/p/") and not path.startswith(f"/p/{plugin}/"):
        return f"this address belongs to another plugin; yours begin with /p/{plugin}/"
    for other in pages.get(path, ()):
        if set(other.page.methods) & set(page.methods):
            return f"this address was taken by {other.plugin}, which stands before it in plugins.yml"
    return ""
