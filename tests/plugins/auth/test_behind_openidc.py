"""Run by a real Apache with mod_wsgi, whose mod_auth_openidc signs people in at a real provider."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import lacking

from .fronts import MODULES, apache, free_port, unprivileged
from .installations import who
from .openid import SECRET, OpenIdProvider, go_through

pytestmark = pytest.mark.needs("apache2", "mod_wsgi", "mod_auth_openidc", "oidc-provider")

APPLICATION = """
from pathlib import Path
from wwt_framework.app import App
from wwt_framework.web import wsgi
application = wsgi.build(App.build(Path("{folder}/plugins.yml")))
"""
PLUGINS = """
wwt: {{base_url: 'http://127.0.0.1:{port}', data_dir: {folder}/data}}
auth:
  proxy_header:
    variables: true
    groups: OIDC_CLAIM_groups
    separator: ","
    roles: {{operator: [grid-operators]}}
"""
CONF = """
LoadModule wsgi_module {modules}/mod_wsgi.so
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
WSGISocketPrefix {folder}/wsgi
WSGIDaemonProcess wwt processes=1 threads=4 python-path={site}
WSGIProcessGroup wwt
WSGIApplicationGroup %{{GLOBAL}}
WSGIScriptAlias / {folder}/wwt_application.py
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID wwt
OIDCClientSecret {secret}
OIDCRedirectURI http://127.0.0.1:{port}/oidc_cb
OIDCCryptoPassphrase "a pass phrase of the cookies of Apache"
OIDCPKCEMethod S256
OIDCScope "openid profile email groups"
OIDCRemoteUserClaim preferred_username
OIDCPassClaimsAs environment
<Location />
    AuthType openid-connect
    Require valid-user
</Location>
"""


def packages(root: Path) -> Path:
    """Our packages, for the Python that Apache runs: those of these tests, or `tools/extras.sh` has made others."""
    found = re.search(rb"libpython(3\.\d+)", (MODULES / "mod_wsgi.so").read_bytes())
    assert found
    theirs = f"python{found[1].decode()}"
    own = Path(sysconfig.get_path("platlib"))
    folder = own if own.parent.name == theirs else root / "build" / "apache" / "lib" / theirs / "site-packages"
    if not folder.is_dir():
        lacking(f"Apache runs {theirs}, for which nothing is installed in build/apache (`make test` does it)")
    if user := unprivileged():
        readable = ["runuser", "-u", user, "--", "test", "-r", str(folder)]
        if subprocess.run(readable, check=False).returncode:
            lacking(f"Apache runs as {user}, who can not read {folder}")
    return folder


@pytest.fixture(scope="module")
def front(root: Path, front_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    site = packages(root)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    provider = OpenIdProvider(tmp_path_factory.mktemp("op"), free_port(), address, [f"{address}/oidc_cb"])
    provider.start()
    say = {"folder": front_folder, "port": port, "issuer": provider.issuer, "secret": SECRET, "modules": MODULES}
    (front_folder / "wwt_application.py").write_text(APPLICATION.format(**say))
    (front_folder / "plugins.yml").write_text(PLUGINS.format(**say))
    (front_folder / "data").mkdir()
    server = apache(front_folder, port, CONF.format(**say, site=site))
    if user := unprivileged():
        shutil.chown(front_folder / "data", user)
    try:
        server.start()
        yield address
    finally:
        server.stop()
        provider.program.stop()


@pytest.fixture
def enter(front: str) -> Callable[[str], requests.Session]:
    """``enter("olga")``: a browser in which she has signed in."""

    def go(name: str) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        page = go_through(session, f"{front}/health", name, front)
        assert page.url == f"{front}/health", (page.url, page.text[:500])
        return session

    return go


def test_whom_apache_signed_in_at_the_provider_is_who_it_is_with_roles_by_groups(front: str, enter) -> None:
    with enter("olga") as session:
        assert who(front, session) == "olga: operator"


def test_nothing_that_a_visitor_sends_changes_who_it_is(front: str, enter) -> None:
    spoofs = {
        "Remote-User": "olga", "REMOTE_USER": "olga", "X-Remote-User": "olga", "OIDC_CLAIM_groups": "grid-operators",
        "OIDC-CLAIM-groups": "grid-operators", "OIDC_CLAIM_preferred_username": "olga",
    }  # fmt: skip
    with enter("vera") as session:
        for name, value in spoofs.items():
            assert who(front, session, headers={name: value}) == "vera: none", name


def test_without_signing_in_apache_lets_nobody_through(front: str) -> None:
    page = requests.get(f"{front}/health", headers={"Remote-User": "olga"}, allow_redirects=False, timeout=60)

    assert page.status_code == 302
    assert "/auth?response_type=code&" in page.headers["Location"]
