"""Against a real slapd."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pydantic
import pytest

from wwt_framework.errors import Denied, PluginError
from wwt_framework.model import User
from wwt_framework.testing.contracts import AuthContract
from wwt_framework.testing.running import Running, running

from .fronts import free_port
from .grid_authority import GridAuthority
from .slapd import PEOPLE, SVC, Slapd

pytestmark = pytest.mark.needs("slapd", "python-ldap")
GROUPS = PEOPLE.replace("people", "groups")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> GridAuthority:
    return GridAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def slapd(front_folder: Path, authority: GridAuthority) -> Iterator[Slapd]:
    it = Slapd(front_folder, authority)
    it.start()
    yield it
    it.program.stop()


@pytest.fixture(scope="module")
def options(slapd: Slapd, authority: GridAuthority) -> dict[str, Any]:
    return {
        "servers": [slapd.tls],
        "ca_file": str(authority.path),
        "people": PEOPLE,
        "bind_dn": SVC,
        "bind_password": "svcpw",
        "timeout_s": 20,
        "roles": {"operator": ["Operators"], "admin": ["leads"], "viewer": ["experts", "batch"]},
    }


@pytest.fixture
def started(tmp_path: Path, options: dict[str, Any]) -> Iterator[Callable[..., Running]]:
    stops: list[Callable[[], None]] = []

    def start(**more: Any) -> Running:
        it = running("auth.ldap", {**options, **more}, tmp_path)
        stops.append(it.stop)
        return it

    yield start
    for stop in stops:
        stop()


class TestContract(AuthContract):
    plugin = "auth.ldap"
    username = "olga"
    password = "correct horse"

    @pytest.fixture(autouse=True)
    def _given(self, options: dict[str, Any]) -> None:
        self.given = options

    def make_options(self, folder: Path) -> dict[str, Any]:
        return self.given

    def break_backend(self, it: Running) -> None:
        it.plugin._people._directory._options = it.plugin._options.model_copy(
            update={"servers": (f"ldaps://127.0.0.1:{free_port()}",)}
        )


def sign_in(it: Running, name: str = "olga", password: str = "correct horse") -> Any:
    return it.ask("authenticate", username=name, password=password)


OLGA_SIGNED_IN = User("olga", "Olga (Ops*), Example", "olga@example.org", frozenset({"operator"}), "auth.ldap")


@pytest.mark.parametrize("how", ["tls", "plain"])
def test_the_right_password_gives_the_user_with_roles_by_ldaps_and_by_starttls(started, slapd, how) -> None:
    assert sign_in(started(servers=[getattr(slapd, how)])) == OLGA_SIGNED_IN


@pytest.mark.parametrize("how", ["tls", "plain"])
def test_a_server_that_nobody_vouches_for_is_not_told_any_password(started, slapd, tmp_path, how) -> None:
    strange = GridAuthority(tmp_path / "strange")
    it = started(servers=[getattr(slapd, how)], ca_file=str(strange.path))

    with pytest.raises(PluginError, match="no server of the directory could be asked"):
        sign_in(it)
    assert not it.ask("report_health").ok


@pytest.mark.parametrize("password", ["", "\0", "correct horse\0", "correct horse ", "correct", "*"])
def test_a_wrong_password_and_none_at_all_are_nobody(started, password) -> None:
    assert sign_in(started(), password=password) is None


@pytest.mark.parametrize(
    "name", ["*", "ol*", "olga)(uid=*", "*)(|(uid=olga", "olga\0", "\\6flga", "cn=olga", "(olga)", "twin", "", "svc,x"]
)
def test_a_name_is_never_taken_for_a_filter_and_two_of_one_name_are_nobody(started, name) -> None:
    it = started()
    for password in ("correct horse", "twinpw", "svcpw"):
        assert sign_in(it, name, password) is None


def test_a_name_with_a_star_in_it_is_itself(started) -> None:
    assert sign_in(started(), "star*", "starpw").name == "star*"


def test_the_name_is_written_as_the_directory_has_it(started) -> None:
    assert sign_in(started(), "OLGA").name == "olga"


@pytest.mark.parametrize(
    ("more", "name", "password", "roles"),
    [
        ({}, "vera", "verapw", {"viewer"}),
        ({"groups": GROUPS}, "olga", "correct horse", {"operator"}),
        ({"groups": GROUPS, "nested_depth": 1}, "olga", "correct horse", {"operator", "viewer"}),
        ({"groups": GROUPS, "nested_depth": 5}, "olga", "correct horse", {"operator", "viewer", "admin"}),
        ({"groups": GROUPS, "member_attribute": "memberUid"}, "vera", "verapw", {"viewer"}),
        ({"groups": GROUPS, "member_attribute": "memberUid"}, "olga", "correct horse", set()),
        ({"roles": {"admin": [f"cn=operators,{GROUPS}"]}}, "olga", "correct horse", {"admin"}),
        ({"roles": {"admin": ["ops (*) \\"]}}, "olga", "correct horse", {"admin"}),
        ({"roles": {"admin": ["ops (*) \\"]}, "groups": GROUPS, "nested_depth": 2}, "olga", "correct horse", {"admin"}),
        ({"roles": {"admin": ["ops*"]}, "groups": GROUPS}, "olga", "correct horse", set()),
        ({"roles": {}, "everybody": ["viewer"]}, "star*", "starpw", {"viewer"}),
    ],
)  # fmt: skip
def test_groups_become_roles(started, more, name, password, roles) -> None:
    assert sign_in(started(**more), name, password).roles == roles


def test_only_those_of_the_filter_enter(started) -> None:
    it = started(person_filter=f"(memberOf=cn=operators,{GROUPS})")

    assert sign_in(it).name == "olga"
    assert sign_in(it, "vera", "verapw") is None


def test_roles_are_those_of_this_moment_and_who_left_is_refused(started, slapd) -> None:
    it = started()
    dn = f"uid=vera,{PEOPLE}"
    vera = sign_in(it, "vera", "verapw")
    assert it.ask("grant_roles", user=vera) == ["viewer"]
    slapd.change(f"dn: cn=experts,{GROUPS}\nchangetype: modify\ndelete: member\nmember: {dn}\n")
    try:
        assert it.ask("grant_roles", user=vera) == []
    finally:
        slapd.change(f"dn: cn=experts,{GROUPS}\nchangetype: modify\nadd: member\nmember: {dn}\n")
    with pytest.raises(Denied, match="gone is not in the directory any more"):
        it.ask("grant_roles", user=User("gone", backend="auth.ldap"))


def test_the_next_server_is_asked_when_one_is_dead_and_the_dead_one_rests(started, slapd) -> None:
    dead = f"ldaps://127.0.0.1:{free_port()}"
    it = started(servers=[dead, slapd.tls])

    assert sign_in(it) == OLGA_SIGNED_IN
    assert it.plugin._people._directory._in_order() == [slapd.tls, dead]
    health = it.ask("report_health")
    assert not health.ok
    assert f"{slapd.tls} answers" in health.text


def test_dead_servers_are_no_wrong_password(started) -> None:
    dead = [f"ldaps://127.0.0.1:{free_port()}", f"ldap://127.0.0.1:{free_port()}"]
    with pytest.raises(PluginError, match=r"no server .* asked: ldaps://.*Can't contact LDAP server.*; ldap://"):
        sign_in(started(servers=dead))


def test_a_server_that_accepts_and_says_nothing_is_given_up(started) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        it = started(servers=[f"ldap://127.0.0.1:{mute.getsockname()[1]}"], timeout_s=0.2)
        begun = time.monotonic()

        with pytest.raises(PluginError, match="no server of the directory could be asked"):
            sign_in(it)
        assert time.monotonic() - begun < 60


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"bind_password": "wrong"}, "refuses bind_dn with bind_password"),
        ({"people": "ou=nowhere,dc=example,dc=org"}, "the directory has no ou=nowhere"),
        ({"person_filter": "(((uid=x)))"}, "no filter that the directory understands"),
    ],
)
def test_what_an_admin_got_wrong_is_said_in_words(started, more, said) -> None:
    with pytest.raises(PluginError, match=said):
        sign_in(started(**more))


def test_health_says_that_it_can_be_searched(started, slapd) -> None:
    assert started().ask("report_health").text == f"{slapd.tls}: can be searched"


def test_without_python_ldap_it_says_what_brings_it(started, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ldap", None)
    for module in ("people", "directory"):
        monkeypatch.delitem(sys.modules, f"wwt_plugins.auth.ldap.{module}", raising=False)

    with pytest.raises(
        PluginError, match=r"it needs python-ldap.*apt-get install.*pip install 'wwt-framework\[ldap\]'"
    ):
        started()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"servers": []}, "at least 1 item"),
        ({"servers": ["ldap.example.org"]}, "expected ldaps://host or ldap://host, got 'ldap.example.org'"),
        ({"servers": ["ldap://ldap.example.org"], "security": "none"}, "would show passwords to everybody"),
        ({"people": "people"}, "expected a DN like"),
        ({"user_attribute": "uid)(x="}, "expected the name of an attribute"),
        ({"person_filter": "uid=x"}, "expected a filter like"),
        ({"bind_password": ""}, "bind_dn and bind_password belong together"),
        ({"nested_depth": 2}, "nested_depth needs groups"),
        ({"ca_file": "/nowhere.pem"}, "expected an existing file"),
        ({"roles": {"boss": ["x"]}}, "expected roles of viewer"),
    ],
)
def test_options_that_can_not_be_meant_are_named(options, more, said) -> None:
    from wwt_plugins.auth.ldap.options import LdapOptions

    with pytest.raises(pydantic.ValidationError, match=said):
        LdapOptions.model_validate({**options, **more})
