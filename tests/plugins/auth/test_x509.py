"""Certificates shown to the built-in server, to nginx and to Apache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from wwt_framework.errors import Denied, PluginError
from wwt_framework.model import User
from wwt_framework.plugin import Visit
from wwt_framework.testing.contracts import AuthContract
from wwt_framework.testing.running import Running, running
from wwt_framework.web.encrypted import Keys

from .fronts import apache, free_port, nginx
from .grid_authority import HOUR, NOW, OLGA, GridAuthority
from .installations import Installation, serve, who

PEOPLE = """
people:
  - {dn: "/DC=org/DC=example/OU=Users/CN=olga/CN=Olga Ópera", user: olga, roles: [operator], email: olga@example.org}
  - {dn: "CN=vera,OU=Users,DC=example,DC=org", user: vera, roles: [viewer]}
"""
VERA = "CN=vera,OU=Users,DC=example,DC=org"


def pem(path: Path) -> str:
    text = path.read_text()
    begin, end = text.index("-----BEGIN CERTIFICATE"), text.index("-----END CERTIFICATE-----")
    return text[begin : end + 25]


def shown(path: Path, verified: str = "SUCCESS") -> Visit:
    return Visit("GET", "/", {}, client_certificate={"subject": "x", "verified": verified, "pem": pem(path)})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> GridAuthority:
    return GridAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def olga(authority: GridAuthority) -> Path:
    return authority.person()


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.yml"
    path.write_text(PEOPLE)
    return path


@pytest.fixture
def started(tmp_path: Path, people: Path) -> Iterator[Callable[..., Running]]:
    stops = []

    def start(**options: Any) -> Running:
        it = running("auth.x509", {"people": str(people), **options}, tmp_path)
        stops.append(it.stop)
        return it

    yield start
    for stop in stops:
        stop()


class TestContract(AuthContract):
    plugin = "auth.x509"

    def make_options(self, folder: Path) -> dict[str, Any]:
        (folder / "people.yml").write_text(PEOPLE)
        return {"people": str(folder / "people.yml"), "proxies": ["10.1.0.7"], "header": "ssl-client-s-dn"}


def test_the_person_of_a_certificate_is_found_however_its_name_is_written(started, authority, olga) -> None:
    it = started()

    who_olga = User("olga", "", "olga@example.org", frozenset({"operator"}), "auth.x509")
    assert it.ask("identify", visit=shown(olga)) == who_olga
    assert it.ask("identify", visit=shown(authority.person(VERA))).name == "vera"


def test_a_server_in_front_that_tells_the_name_only_is_believed_unless_lists_are_asked(started, authority) -> None:
    told = {"subject": OLGA, "verified": "SUCCESS"}
    visit = Visit("GET", "/", {}, client_certificate=told)

    assert started().ask("identify", visit=visit).name == "olga"
    with pytest.raises(Denied, match="was not taken: NONE"):
        started().ask("identify", visit=replace(visit, client_certificate={**told, "verified": "NONE"}))
    with pytest.raises(Denied, match="hands on its name only"):
        started(crl=str(authority.folder), ca=str(authority.path)).ask("identify", visit=visit)


@pytest.mark.parametrize(
    "name",
    [
        "CN=olga,OU=Users,DC=example,DC=org", "CN=Olga Ópera,CN=olga,OU=Users,DC=example,DC=org,C=CH",
        "CN=olga/CN\\=Olga Ópera,OU=Users,DC=example,DC=org", "CN=olga,CN=Olga Ópera,OU=Users,DC=example,DC=org",
        "OU=Users/CN\\=olga/CN\\=Olga Ópera,DC=example,DC=org",
    ],
)  # fmt: skip
def test_a_name_that_only_looks_like_another_is_nobody(started, authority, name) -> None:
    assert started().ask("identify", visit=shown(authority.person(name))) is None


@pytest.mark.parametrize(
    ("verified", "begin", "end", "said"),
    [
        (
            "FAILED:certificate has expired",
            NOW - HOUR,
            NOW + HOUR,
            "Your certificate was not taken: FAILED:certificate",
        ),
        ("", NOW - HOUR, NOW + HOUR, "Your certificate was not taken"),
        ("SUCCESS", NOW - 2 * HOUR, NOW - HOUR, "CN=Olga Ópera ended at"),
        ("SUCCESS", NOW + HOUR, NOW + 2 * HOUR, "CN=Olga Ópera begins at"),
    ],
)
def test_a_certificate_that_is_not_good_is_refused_in_words(started, authority, verified, begin, end, said) -> None:
    with pytest.raises(Denied, match=said):
        started().ask("identify", visit=shown(authority.person(OLGA, begin, end), verified))


@pytest.mark.parametrize(("last", "extended"), [("12345", True), ("proxy", False), ("limited proxy", False)])
def test_a_grid_proxy_is_told_what_to_show_instead(started, authority, olga, last, extended) -> None:
    with pytest.raises(Denied, match=r"is a grid proxy, which is not taken here: show the certificate itself"):
        started().ask("identify", visit=shown(authority.proxy(olga, last, extended)))


class TestRevoked:
    @pytest.fixture
    def own(self, tmp_path: Path) -> GridAuthority:
        return GridAuthority(tmp_path / "own")

    def test_one_that_was_revoked_is_refused_and_others_are_not(self, started, own) -> None:
        olga, vera = own.person(), own.person(VERA)
        own.revoke(olga)
        it = started(crl=str(own.folder), ca=str(own.folder))

        assert it.ask("identify", visit=shown(vera)).name == "vera"
        with pytest.raises(Denied, match=r"CN=Olga Ópera was revoked"):
            it.ask("identify", visit=shown(olga))

    def test_a_folder_that_is_not_there_is_named_at_the_start(self, started, own) -> None:
        with pytest.raises(PluginError, match="nowhere: expected a file or a folder"):
            started(crl=str(own.folder / "nowhere"), ca=str(own.path))

    def test_a_new_list_counts_as_soon_as_it_is_looked_at(self, started, own, monkeypatch) -> None:
        monkeypatch.setattr("wwt_plugins._auth.revoked.LOOK_S", 0)
        olga = own.person()
        own.revoke()
        it = started(crl=str(own.folder), ca=str(own.path))
        assert it.ask("identify", visit=shown(olga)).name == "olga"
        own.revoke(olga)

        with pytest.raises(Denied, match="was revoked"):
            it.ask("identify", visit=shown(olga))

    def test_a_list_that_is_too_old_lets_nobody_in(self, started, own) -> None:
        own.revoke(until=NOW - HOUR)
        it = started(crl=str(own.folder), ca=str(own.path))

        with pytest.raises(Denied, match="is too old here"):
            it.ask("identify", visit=shown(own.person()))
        assert not it.ask("report_health").ok

    def test_without_a_list_of_its_authority_a_certificate_is_not_taken(self, started, own, authority, olga) -> None:
        own.revoke()
        it = started(crl=str(own.folder), ca=str(own.path))

        with pytest.raises(Denied, match="There is no list of revoked certificates of /DC=org/DC=example/CN=Grid Auth"):
            it.ask("identify", visit=shown(GridAuthority(own.folder / "b", "CN=Grid Authority 2,DC=example,DC=org").person()))  # fmt: skip

    def test_a_list_that_somebody_else_signed_does_not_count(self, started, own, authority) -> None:
        own.revoke(signer=authority)
        it = started(crl=str(own.folder), ca=str(own.path))

        with pytest.raises(Denied, match="There is no list"):
            it.ask("identify", visit=shown(own.person()))
        assert "signed this list" in it.ask("report_health").text


class TestPeople:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("people:\n  - {dn: olga, user: olga}\n", "people.yml:2.*expected the name of a certificate"),
            ("people:\n  - {dn: /CN=a, user: olga, roles: [root]}\n", "people.yml:2.*expected roles of viewer"),
            ("people:\n  - {dn: /CN=a, user: ''}\n", "people.yml:2.*expected 1 to 256"),
            ("people:\n  - {dn: /CN=a, user: a}\n  - {dn: CN=a, user: b}\n", "people.yml:3: this dn stands at people.yml:2"),
            ("folk: []\n", "people"),
            ("- a\n", "expected a mapping"),
        ],
    )  # fmt: skip
    def test_a_file_with_a_mistake_is_named_with_its_line_at_the_start(self, started, people, text, said) -> None:
        people.write_text(text)
        with pytest.raises(PluginError, match=said):
            started()

    def test_a_change_counts_at_once_and_one_with_a_mistake_does_not(self, started, people, authority, olga) -> None:
        it = started()
        people.write_text(PEOPLE.replace("user: olga", "user: olga2"))
        assert it.ask("identify", visit=shown(olga)).name == "olga2"
        people.write_text("people: 3\n")
        assert it.ask("identify", visit=shown(olga)).name == "olga2"
        assert "people.yml" in it.ask("report_health").text

    def test_a_file_that_is_gone_is_named_and_what_was_read_counts(self, started, people, olga) -> None:
        it = started()
        people.unlink()

        assert it.ask("identify", visit=shown(olga)).name == "olga"
        assert "can not be read" in it.ask("report_health").text


class TestHandedOn:
    OPTIONS = {"proxies": ["10.1.0.7"]}  # noqa: RUF012  # not changed

    def visit(self, text: str, verified: str = "SUCCESS", peer: str = "10.1.0.7") -> Visit:
        return Visit("GET", "/", {"x-ssl-client-cert": text, "x-ssl-client-verify": verified}, peer=peer)

    @pytest.mark.parametrize(
        "wrap", [quote, lambda text: text.replace("\n", " "), lambda text: text.replace("\n", "\n\t")]
    )
    def test_as_nginx_and_apache_write_it(self, started, olga, wrap) -> None:
        assert started(**self.OPTIONS).ask("identify", visit=self.visit(wrap(pem(olga)))).name == "olga"

    def test_from_elsewhere_it_is_ignored(self, started, olga) -> None:
        it = started(**self.OPTIONS)
        assert it.ask("identify", visit=self.visit(quote(pem(olga)), peer="10.1.0.8")) is None
        assert it.ask("identify", visit=replace(self.visit(quote(pem(olga)), peer=""), remote="10.1.0.7")) is None
        assert "ignored it 2 times from elsewhere" in it.ask("report_health").text

    @pytest.mark.parametrize("verified", ["NONE", "FAILED:self signed certificate", "", "GENEROUS", "success"])
    def test_unless_the_proxy_took_it_it_is_refused(self, started, olga, verified) -> None:
        with pytest.raises(Denied, match="did not take your certificate"):
            started(**self.OPTIONS).ask("identify", visit=self.visit(quote(pem(olga)), verified))

    @pytest.mark.parametrize(
        "text", ["olga", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----x-----END CERTIFICATE-----", "%"]
    )
    def test_what_is_no_certificate_is_refused(self, started, text) -> None:
        with pytest.raises(Denied, match=r"no PEM|can not be read"):
            started(**self.OPTIONS).ask("identify", visit=self.visit(text))


# -- real servers --------------------------------------------------------------


def ask(address: str, authority: GridAuthority, person: Path | None = None, **headers: str) -> str:
    with requests.Session() as session:
        session.trust_env = False
        more = {"cert": str(person)} if person else {}
        return who(address, session, verify=str(authority.path), headers=headers, **more)


NGINX = """
    ssl_certificate {pem}; ssl_certificate_key {pem}; ssl_client_certificate {ca}; ssl_verify_client optional;
    location / {{
        proxy_pass http://127.0.0.1:{to};
        proxy_set_header Host $http_host;
        proxy_set_header X-SSL-Client-Verify $ssl_client_verify;
        proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;
    }}
"""
APACHE = """
SSLEngine on
SSLCertificateFile {pem}
SSLCACertificateFile {ca}
SSLVerifyClient optional
RequestHeader set X-SSL-Client-Verify "%{{SSL_CLIENT_VERIFY}}s"
RequestHeader set X-SSL-Client-Cert "%{{SSL_CLIENT_CERT}}s"
ProxyPass / http://127.0.0.1:{to}/
ProxyPreserveHost On
"""


@pytest.fixture(scope="module", params=["direct", pytest.param("nginx", marks=pytest.mark.needs("nginx")),
                                        pytest.param("apache", marks=pytest.mark.needs("apache2"))])  # fmt: skip
def https(request, authority: GridAuthority, front_folder: Path, tmp_path_factory) -> Iterator[str]:
    """The address of an installation that takes certificates: itself, behind nginx, behind Apache."""
    folder = tmp_path_factory.mktemp("house")
    (folder / "people.yml").write_text(PEOPLE)
    server, ends = authority.server(), []
    keys = Keys(server, server, client_ca=authority.path) if request.param == "direct" else None
    proxies = "" if keys else ", proxies: [127.0.0.1]"
    made: Installation = serve(folder, f"  x509: {{people: people.yml{proxies}}}\n", keys=keys)
    ends.append(made.stop)
    address = made.address
    if not keys:
        for name, path in (("server.pem", server), ("ca.pem", authority.path)):
            (front_folder / name).write_bytes(path.read_bytes())
        say = {"pem": front_folder / "server.pem", "ca": front_folder / "ca.pem", "to": made.server.bind_addr[1]}
        make, conf = (nginx, NGINX) if request.param == "nginx" else (apache, APACHE)
        front = make(front_folder, free_port(), conf.format(**say))
        ends.append(front.stop)
        address = f"https://127.0.0.1:{front.start().port}"
    yield address
    for end in reversed(ends):
        end()


def test_a_certificate_signs_in_and_its_absence_does_not(https, authority, olga) -> None:
    assert ask(https, authority, olga) == "olga: operator"
    assert ask(https, authority) == ""


def test_a_certificate_that_a_visitor_writes_into_headers_changes_nothing(https, authority, olga) -> None:
    headers = {"X-SSL-Client-Cert": quote(pem(olga)), "X-SSL-Client-Verify": "SUCCESS"}
    assert ask(https, authority, **headers) == ""
    assert ask(https, authority, **{name.replace("-", "_"): value for name, value in headers.items()}) == ""


def test_a_certificate_of_a_strange_authority_does_not_sign_in(https, authority, tmp_path) -> None:
    stranger = GridAuthority(tmp_path / "strange").person()
    try:
        told = ask(https, authority, stranger)
    except (requests.exceptions.SSLError, requests.exceptions.ConnectionError):
        return  # refused before a word was said
    assert told == "" or told.startswith("4")


def test_an_expired_certificate_does_not_sign_in(https, authority) -> None:
    try:
        told = ask(https, authority, authority.person(OLGA, NOW - 2 * HOUR, NOW - HOUR))
    except (requests.exceptions.SSLError, requests.exceptions.ConnectionError):
        return
    assert told.startswith("4")


def test_a_grid_proxy_does_not_sign_in_and_the_built_in_server_says_why(https, authority, olga, request) -> None:
    direct = request.node.callspec.params["https"] == "direct"
    try:
        told = ask(https, authority, authority.proxy(olga))
    except requests.exceptions.SSLError:
        told = "4, Apache ends the connection"
        assert not direct

    assert told.startswith("4")
    assert not direct or "is a grid proxy, which is not taken here" in told
