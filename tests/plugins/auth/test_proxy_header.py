"""Behind a real Apache that signs people in, and in front of people who claim things."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pydantic
import pytest
import requests

from wwt_framework.model import User
from wwt_framework.plugin import Visit
from wwt_framework.testing.contracts import AuthContract
from wwt_framework.testing.running import Doors, Running, running

from .fronts import apache, free_port
from .installations import Installation, serve, who

PROXIES = {"proxies": ["10.1.0.0/16", "::1"]}
VISIT = Visit("GET", "/", {"x-remote-user": "olga", "x-groups": "grid-operators;visitors"}, peer="10.1.2.3")


class TestContract(AuthContract):
    plugin = "auth.proxy_header"
    options = PROXIES


class TestContractByWsgi(AuthContract):
    plugin = "auth.proxy_header"
    options: ClassVar = {"variables": True}


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[Running]:
    more = {"groups": "X-Groups", "roles": {"operator": ["Grid-Operators"]}, "everybody": ["viewer"]}
    it = running("auth.proxy_header", {**PROXIES, **more}, tmp_path)
    yield it
    it.stop()


@pytest.mark.parametrize("peer", ["10.1.2.3", "::ffff:10.1.0.1", "::1"])
def test_a_named_proxy_is_believed_with_groups(proxied: Running, peer: str) -> None:
    user = proxied.ask("identify", visit=replace(VISIT, peer=peer))

    assert user == User("olga", roles=frozenset({"operator", "viewer"}), backend="auth.proxy_header")


@pytest.mark.parametrize("peer", ["10.2.0.1", "127.0.0.1", "", "unix:", "10.1.2.3.4", "10.1.2.3, 6.6.6.6", "::"])
def test_somebody_else_is_ignored_and_the_plugin_says_so(proxied: Running, peer: str) -> None:
    assert proxied.ask("identify", visit=replace(VISIT, peer=peer)) is None
    text = proxied.ask("report_health").text
    assert "ignored it once from elsewhere, the log says from where" in text
    assert not peer or peer not in text


def test_an_address_that_was_told_by_a_header_does_not_count(proxied: Running) -> None:
    assert proxied.ask("identify", visit=replace(VISIT, remote="10.1.2.3", peer="6.6.6.6")) is None


@pytest.mark.parametrize("name", ["", "(null)", "  ", "-", "null"])
def test_what_apache_writes_for_nobody_is_nobody(proxied: Running, name: str) -> None:
    assert proxied.ask("identify", visit=replace(VISIT, headers={"x-remote-user": name})) is None


@pytest.mark.parametrize("name", ["a\0b", "x" * 257, "olga\u202egro", "two\nlines"])
def test_a_name_that_none_can_have_is_refused_in_words(proxied: Running, name: str) -> None:
    answer = proxied.answer("identify", visit=replace(VISIT, headers={"x-remote-user": name}))

    assert "The server in front of this one gives a name" in str(answer.error)


def test_a_name_in_utf_8_is_read(proxied: Running) -> None:
    headers = {"x-remote-user": "Jürgen".encode().decode("latin-1")}

    assert proxied.ask("identify", visit=replace(VISIT, headers=headers)).name == "Jürgen"


def test_ways_in_and_out_lie_at_the_server_in_front_even_where_our_pages_lie_below_a_path(tmp_path: Path) -> None:
    more = {"login": "/Shibboleth.sso/Login?target=/", "logout": "https://sso.example.org/bye"}
    doors = Doors(tmp_path, base_url="https://wwt.example.org/wwt")
    (option,) = running("auth.proxy_header", {**PROXIES, **more}, tmp_path, doors).ask("register_login_options")

    assert option.href == "https://wwt.example.org/Shibboleth.sso/Login?target=/"
    assert option.leave == "https://sso.example.org/bye"


def test_by_wsgi_variables_count_and_headers_do_not(tmp_path: Path) -> None:
    more = {"variables": True, "groups": "OIDC_CLAIM_groups", "separator": ",", "roles": {"admin": ["wwt-admins"]}}
    it = running("auth.proxy_header", more, tmp_path)
    visit = Visit("GET", "/", {"remote-user": "admin", "oidc-claim-groups": "wwt-admins"}, remote_user="olga")

    assert it.ask("identify", visit=visit).roles == frozenset()
    told = replace(visit, variables={"OIDC_CLAIM_groups": "a,wwt-admins"})
    assert it.ask("identify", visit=told).roles == frozenset({"admin"})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "name the proxies that may set the header"),
        ({"proxies": ["0.0.0.0/0"]}, "is everybody"),
        ({"proxies": ["proxy.example.org"]}, "expected an address or a network"),
        ({"proxies": ["10.0.0.1"], "variables": True}, "proxies concern headers"),
        ({"proxies": ["10.0.0.1"], "groups": "OIDC_CLAIM_groups"}, "drops headers with underscores"),
        ({"proxies": ["10.0.0.1"], "user": "X Remote"}, "expected the name of a header"),
        ({"proxies": ["10.0.0.1"], "login": "//evil.example"}, "expected an address like"),
        ({"proxies": ["10.0.0.1"], "logout": "javascript:alert(1)"}, "expected an address like"),
        ({"proxies": ["10.0.0.1"], "roles": {"root": ["wheel"]}}, "expected roles of viewer, operator"),
    ],
)
def test_options_that_can_not_be_meant_are_named(options: dict, said: str) -> None:
    from wwt_plugins.auth.proxy_header import ProxyHeader

    with pytest.raises(pydantic.ValidationError, match=said):
        ProxyHeader.Options.model_validate(options)


# -- a real Apache -------------------------------------------------------------

CONF = """
<Location />
    AuthType Basic
    AuthName wwt
    AuthUserFile {folder}/people
    Require valid-user
</Location>
RequestHeader set X-Remote-User "expr=%{{REMOTE_USER}}"
RequestHeader set X-Remote-Groups "grid-operators;visitors" "expr=%{{REMOTE_USER}} == 'olga'"
RequestHeader unset X-Remote-Groups "expr=%{{REMOTE_USER}} != 'olga'"
ProxyPass / http://127.0.0.1:{to}/
ProxyPreserveHost On
"""
AUTH = "  proxy_header: {proxies: [127.0.0.1], groups: X-Remote-Groups, roles: {operator: [grid-operators]}}\n"
SPOOFS = [
    {"X-Remote-User": "admin"}, {"X_Remote_User": "admin"}, {"X-Remote_User": "admin"}, {"x-remote-user": "admin"},
    {"X-Remote-User ": "admin"}, {"X-Forwarded-For": "127.0.0.1", "X-Remote-User": "admin"},
]  # fmt: skip


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory, front_folder: Path) -> Iterator[tuple[str, Installation]]:
    """The address of an Apache, and the installation behind it."""
    installation = serve(tmp_path_factory.mktemp("house"), AUTH)
    folder, port = front_folder, free_port()
    (folder / "people").write_text("olga:{SHA}fEqNCco3Yq9h5ZUglD3CZJT4lBs=\nvera:{SHA}fEqNCco3Yq9h5ZUglD3CZJT4lBs=\n")
    front = apache(folder, port, CONF.format(folder=folder, to=installation.server.bind_addr[1]))
    try:
        yield f"http://127.0.0.1:{front.start().port}", installation
    finally:
        front.stop()
        installation.stop()


@pytest.mark.needs("apache2")
def test_whom_apache_signed_in_is_who_it_is(behind: tuple[str, Installation]) -> None:
    assert who(behind[0], auth=("olga", "123456")) == "olga: operator"
    assert who(behind[0], auth=("vera", "123456")) == "vera: none"


@pytest.mark.needs("apache2")
@pytest.mark.parametrize("spoof", SPOOFS, ids=str)
def test_a_header_that_a_visitor_sends_through_apache_changes_nothing(
    behind: tuple[str, Installation], spoof: dict[str, str]
) -> None:
    try:
        told = who(behind[0], auth=("vera", "123456"), headers={**spoof, "X-Remote-Groups": "grid-operators"})
    except requests.exceptions.InvalidHeader:
        return  # this client does not even send it
    assert told in ("vera: none", "400 ") or told.startswith("400")


def test_a_header_from_elsewhere_makes_nobody_of_a_visitor(tmp_path: Path) -> None:
    installation = serve(tmp_path, AUTH.replace("127.0.0.1", "10.1.0.7"))
    try:
        for spoof in SPOOFS[:4]:
            assert who(installation.address, headers=spoof) == ""
    finally:
        installation.stop()
