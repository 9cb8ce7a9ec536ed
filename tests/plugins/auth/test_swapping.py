"""A site swaps its backend by editing four lines of plugins.yml, while the server runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from wwt_framework.plugin import Account
from wwt_framework.store import ledger
from wwt_plugins.auth.local.passwords import Passwords

from .fronts import free_port
from .grid_authority import GridAuthority
from .installations import Installation, serve, who
from .openid import SECRET, OpenIdProvider, go_through
from .slapd import PEOPLE, Slapd

pytestmark = pytest.mark.needs("slapd", "python-ldap", "oidc-provider")

LOCAL = """
  local:
    time_cost: 1
    memory_kib: 8
    parallelism: 1
"""
LDAP = """
  ldap:
    servers: [{server}]
    people: {people}
    ca_file: {ca}
    bind_dn: uid=svc,{people}
    bind_password: svcpw
    timeout_s: 4
    deadline_s: 60
    roles: {{operator: [operators]}}
"""
OIDC = """
  oidc:
    issuer: {issuer}
    client_id: wwt
    client_secret: {secret}
    scopes: [openid, profile, email, groups]
    roles: {{operator: [grid-operators]}}
"""


@pytest.fixture
def slapd(front_folder: Path) -> Iterator[Slapd]:
    it = Slapd(front_folder, GridAuthority(front_folder / "authority"))
    yield it.start()
    it.program.stop()


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[OpenIdProvider]:
    home = f"http://127.0.0.1:{free_port()}"
    it = OpenIdProvider(tmp_path, free_port(), home, [f"{home}/p/auth.oidc/callback"])
    it.home = home  # type: ignore[attr-defined]
    yield it.start()
    it.program.stop()


@pytest.fixture
def house(tmp_path: Path, provider: Any) -> Iterator[Installation]:
    it = serve(tmp_path / "house", LOCAL, int(provider.home.rpartition(":")[2]))
    hashed = Passwords(1, 8, 1).hash("local horse battery")
    ledger.add_account(it.app.store, Account("olga", hashed, frozenset({"viewer"}), email="olga@example.org"))
    yield it
    it.stop()


def test_local_accounts_then_a_directory_then_a_provider_without_a_restart(house, slapd, provider) -> None:
    def by_password(password: str) -> str:
        return who(house.address, auth=("olga", password))

    assert by_password("local horse battery") == "olga: viewer"

    authority = slapd.program.words[0].rpartition("/")[0] + "/authority/authority.pem"
    house.swap(LDAP.format(server=slapd.tls, people=PEOPLE, ca=authority))
    assert by_password("correct horse") == "olga (ldap): operator"
    assert by_password("local horse battery 2") == ""

    slapd.program.stop()
    told = requests.get(f"{house.address}/mail", auth=("olga", "correct horse 2"), timeout=60)
    assert (told.status_code, "auth.ldap could not be asked; try again later" in told.text) == (401, True)

    house.swap(OIDC.format(issuer=provider.issuer, secret=f"'{SECRET}'"))
    assert by_password("correct horse 3") == ""
    with requests.Session() as session:
        session.trust_env = False
        go_through(session, f"{house.address}/p/auth.oidc/login", "olga", house.address)
        assert who(house.address, session) == "olga (oidc): operator"

    house.swap(LOCAL)
    assert by_password("local horse battery") == "olga: viewer"
