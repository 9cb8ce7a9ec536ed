"""Every address of the core and of all shipped plugins, asked in every role, and compared with the table in the docs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.test_docs import tool
from tests.web.house import Client
from wwt_framework.app import App
from wwt_framework.model import ROLES, User
from wwt_framework.web import wsgi

#: visitor -> their roles
VISITORS = {"": frozenset[str](), **{f"the {role}": frozenset({role}) for role in ROLES}}
_ROW = re.compile(r"^\| `(/[^`]*)` \| ([A-Z]+) \| (\w+) \| (\S+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def table() -> Any:
    return tool("roles")


@pytest.fixture(scope="module")
def rows(root: Path) -> list[tuple[str, str, str]]:
    """The table as it is written: address, method, role."""
    return [found[:3] for found in _ROW.findall((root / "docs" / "roles.md").read_text(encoding="utf-8"))]


@pytest.fixture(scope="module", params=[True, False], ids=["open reading", "closed reading"])
def client(request: pytest.FixtureRequest, table: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    app: App = table.everything(tmp_path_factory.mktemp("everything"))
    config = app.house.config
    house = config.house.model_copy(update={"open_reading": request.param})
    app.house = type(app.house)(
        type(config)(config.path, house, config.plugins, config.checksum), app.house.hooks, app.house.loaded
    )
    local: Any = app.house.hooks.plugins["auth.local"]
    for name, roles in VISITORS.items():
        if name:
            local.add(name, "correct horse battery", sorted(roles))
    yield Client(wsgi.build(app), app, dict.fromkeys(VISITORS, "correct horse battery"))
    app.close()


def test_d6_d12_page_of_roles_is_up_to_date(table: Any) -> None:
    assert table.PAGE.read_text(encoding="utf-8") == table.text(), "run `python docs/tools/roles.py`"


@pytest.mark.parametrize("visitor", VISITORS, ids=[name or "nobody" for name in VISITORS])
def test_d6_d12_every_address_lets_in_whom_the_table_says_and_nobody_else(
    client: Client, rows: list[tuple[str, str, str]], visitor: str
) -> None:
    open_reading = client.app.house.config.house.open_reading
    user = User(visitor, roles=VISITORS[visitor])
    wrong = []
    for path, method, role in rows:
        client.cookies.clear()  # a page for signing in leaves one, and a script with cookies is taken for a browser
        got = client.request(method, path.replace("/*", "/x"), user=visitor, headers={"Accept": "*/*"})
        may = user.may(role) or (role == "viewer" and open_reading)
        refused = got.status == (403 if visitor else 401)
        broken = got.status >= 500 and got.status != 503  # a provider that is not there
        if broken or got.status == 405 or (refused if may and role != "anyone" else not may and not refused):
            wrong.append(f"{method} {path} ({role}): {got.status} {got.text[:100]}")

    assert len(rows) > 80
    assert wrong == []


def test_a_method_that_is_not_in_the_table_is_refused(client: Client, rows: list[tuple[str, str, str]]) -> None:
    known = {(path, method) for path, method, _ in rows}
    strange = [
        (path, method)
        for path, _, _ in rows
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH")
        if (path, method) not in known
    ]

    assert {client.request(method, path.replace("/*", "/x"), user="the admin").status for path, method in strange} == {
        405
    }


def test_p20_who_is_refused_is_told_who_they_are_and_what_is_missing(client: Client) -> None:
    nobody, vera = client.get("/people"), client.get("/people", user="the viewer")

    assert nobody.status == 401
    assert "Request Access" in nobody.text
    assert vera.status == 403
    assert "You are signed in as the viewer with roles viewer; this needs admin." in vera.text
    assert "Request Access" in vera.text


def test_d12_no_address_that_changes_something_is_open(rows: list[tuple[str, str, str]]) -> None:
    opened = {path for path, method, role in rows if method != "GET" and role == "anyone"}

    # These look for a password, a code, a key or a sign-in by themselves.
    assert {path for path in opened if not path.startswith(("/tokens", "/passkeys"))} <= {
        "/login", "/logout", "/break-glass", "/sessions/end", "/reportaction", "/check_auto_acdc",
        "/newuser", "/confirmuser", "/resetpassword", "/password",
    }  # fmt: skip
