"""Signing in and out at a real OpenID provider, as a person does it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.plugins.auth.fronts import free_port
from tests.plugins.auth.installations import Installation, serve
from tests.plugins.auth.openid import SECRET, OpenIdProvider

pytestmark = [
    pytest.mark.needs("oidc-provider"),
    # The provider's own pages ask for fonts from elsewhere, and mind that they are no application.
    pytest.mark.console(
        r"fonts\.|net::ERR|Content Security Policy|127\.0\.0\.1:\d+/(interaction|session)|status of 40"
    ),
]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Installation]:
    port = free_port()
    home = f"http://127.0.0.1:{port}"
    provider = OpenIdProvider(tmp_path, free_port(), home, [f"{home}/p/auth.oidc/callback"]).start()
    oidc = f"issuer: '{provider.issuer}', client_id: wwt, client_secret: '{SECRET}', label: CERN single sign-on"
    more = (
        "scopes: [openid, profile, email, groups], roles: {operator: [grid-operators]}, help: With your CERN account."
    )
    local = "  local: {time_cost: 1, memory_kib: 8, parallelism: 1}\n"
    it = serve(tmp_path / "house", f"  oidc: {{{oidc}, {more}}}\n{local}", port)
    yield it
    it.stop()
    provider.program.stop()


def test_one_signs_in_at_the_provider_comes_back_and_signs_out_of_both(
    house: Installation, page: Page, shots: Path
) -> None:
    def kept(name: str, **more: Any) -> None:
        page.screenshot(path=shots / f"single-sign-on-{name}.png", full_page=True, **more)

    page.goto(f"{house.address}/login?next=/freshness")
    kept("ways-in")
    page.get_by_role("link", name="CERN single sign-on").click()
    page.locator("[name=login]").fill("olga")
    page.locator("[name=password]").fill("x")
    kept("provider")
    page.locator("[type=submit]").first.click()
    page.locator("[type=submit]").first.click()  # consent
    page.wait_for_url(f"{house.address}/freshness")
    kept("signed-in")

    page.goto(f"{house.address}/logout")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    link = page.get_by_role("link", name="Sign out at CERN single sign-on, too")
    expect(link).to_be_visible()
    kept("signed-out-here")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 800})
    kept("signed-out-here-dark-narrow")
    link.click()
    page.get_by_role("button", name=re.compile("yes", re.IGNORECASE)).click()
    page.wait_for_url(f"{house.address}/")

    page.goto(f"{house.address}/login")
    kept("ways-in-dark-narrow")
    page.goto(f"{house.address}/p/auth.oidc/callback?state=x&code=y")
    expect(page.get_by_text("was not begun in this browser")).to_be_visible()
    kept("refused")
