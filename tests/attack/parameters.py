"""Which parameters each address takes: of the core by its signatures, of plugins by watching what they ask for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.attack.besieged import ADMIN, MACHINE, client_of, workflows
from tests.test_docs import tool
from tests.web.house import Got
from wwt_framework.app import App
from wwt_framework.web import exchange, wsgi

#: What opens the way to the code behind the first check.
PLAUSIBLE = {
    "workflow": workflows()[0], "workflows": workflows()[0], "wf": workflows()[0], "days": "30", "code": "8028", "errorcode": "8028",
    "action": "acdc", "kind": "acdc", "method": "auto", "short": "reason", "long": "reason", "name": "olga", "person": "olga",
    "username": "olga", "password": "correct horse battery", "email": "x@example.org", "pievar": "sitename", "scope": "viewer",
    "login": "olga", "backend": "auth.local", "plugin": "auth.local", "prepid": "P", "prep_id": "P", "of": workflows()[1],
}  # fmt: skip


class Address:
    """One address with a method, and the names of what it reads."""

    def __init__(self, path: str, method: str, role: str, names: set[str]) -> None:
        self.path = path
        self.method = method
        self.visitor = MACHINE if role == "machine" else ADMIN
        self.names = names

    def __repr__(self) -> str:
        return f"{self.method} {self.path}"

    def ask(self, visitors: Visitors, values: dict[str, Any], rest: str = "x") -> Got:
        """Send *values* as a browser does: in the address of a GET, in the form of a POST."""
        path = self.path.replace("/*", f"/{rest}")
        client = visitors.clients[self.visitor]
        if self.method == "POST":
            form = {**values, "csrf_token": visitors.tokens[self.visitor]}
            return client.post(path, form=form, headers={"Origin": "http://wwt.example"})
        return client.get(f"{path}?{urlencode(values, doseq=True)}")


class Visitors:
    """An admin and a machine, signed in by a browser."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.clients = {name: client_of(app) for name in (ADMIN, MACHINE)}
        self.tokens: dict[str, str] = {}
        for name in self.clients:
            self.sign_in(name)

    def sign_in(self, name: str) -> None:
        client = self.clients[name]
        assert client.sign_in(name).status == 303
        self.tokens[name] = client.csrf_token()

    def stay(self) -> None:
        """Sign in again whom the last request has signed out."""
        for name, client in self.clients.items():
            if not client.csrf_token():
                self.sign_in(name)


class _Watched(dict[str, Any]):
    asked: set[str] = set()  # noqa: RUF012  # of all of them

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)


@contextmanager
def _watching() -> Iterator[set[str]]:
    _Watched.asked = set()
    gathered: Callable[..., Any] = exchange.gathered
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exchange, "gathered", lambda pairs: _Watched(gathered(pairs)))
        yield _Watched.asked


def addresses(visitors: Visitors) -> list[Address]:
    """Every address of the installation, with what it reads."""
    pages: Any = wsgi.build(visitors.app)
    found = []
    for row in tool("roles").addresses(visitors.app):
        handlers = pages.exact.get(row.path, pages.below.get(row.path.removesuffix("/*"), ()))
        names = {name for one in handlers if row.method in one.rules.methods for name in _signed(one)}
        address = Address(row.path, row.method, row.role, names)
        if row.of != "core":
            for given in ({"x": "1"}, PLAUSIBLE):
                with _watching() as asked:
                    address.ask(visitors, given)
                address.names |= {name for name in asked if name not in ("csrf_token", "x")}
        found.append(address)
    return found


def _signed(handler: Any) -> Iterator[str]:
    for name, parameter in inspect.signature(getattr(handler, "__func__", handler)).parameters.items():
        if name in ("self", "rest"):
            continue
        if parameter.kind is parameter.VAR_KEYWORD:
            yield from ("task", "sites", "memory", "comment", "reason", "draft")
        else:
            yield name
