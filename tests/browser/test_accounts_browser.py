"""Getting an account, losing a password, tokens and passkeys, as people do it: Chromium, and a real mail server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cheroot.wsgi import Server
from playwright.sync_api import Browser, Page, expect

from tests.browser.visiting import violations
from tests.plugins.auth.auth_house import GOOD, WEBMASTER, AuthHouse
from tests.services.mail_server import MailServer, Received, running
from wwt_framework.options import MailOptions
from wwt_framework.web import wsgi
from wwt_plugins.auth.passkey import Passkeys
from wwt_plugins.auth.token import TokenBackend

NEW = "another four unlikely words"


class Place:
    """An installation on a port, its mail server, and what came there."""

    def __init__(self, house: AuthHouse, mails: MailServer) -> None:
        self.house = house
        self.mails = mails
        self.home = house.home

    def last_mail(self) -> Received:
        """Let the jobs do their work: wishes are answered, mails are sent."""
        self.house.letters()
        assert self.house.app.post.deliver(lambda *_: None)
        return self.mails.box[-1]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with running(MailServer()) as mails:
        options = MailOptions(server=f"127.0.0.1:{mails.port}", security="none", sender="wwt@example.org")
        house = AuthHouse(tmp_path_factory.mktemp("accounts"), options)
        server = Server(("localhost", 0), None)
        server.prepare()
        house.home = f"http://localhost:{server.bind_addr[1]}"
        house.add("auth.token", TokenBackend)
        house.add("auth.passkey", Passkeys)
        local = house.add_local(domains=["cern.ch"])
        local.add("adam", GOOD, ["admin"], "Adam Admin", "adam@cern.ch")
        local.add("petra", GOOD, ["operator"], "Petra Example", "petra@cern.ch")
        server.wsgi_app = wsgi.build(house.app)
        thread = Thread(target=server.serve)
        thread.start()
        yield Place(house, mails)
        server.stop()
        thread.join(60)
        house.close()


def sign_in(page: Page, place: Place, name: str, password: str = GOOD) -> None:
    page.goto(f"{place.home}/login")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{place.home}/")


def link(mail: Received, path: str) -> str:
    (found,) = re.findall(rf"^(http://localhost:[0-9]+{path}\?code=\S+)$", mail.text, re.MULTILINE)
    return str(found)


def test_p15_p16_p17_e1_e2_from_no_account_to_a_forgotten_password_and_back(
    page: Page, place: Place, shots: Path
) -> None:
    page.goto(f"{place.home}/login")
    page.get_by_role("link", name="New account").click()
    page.get_by_label("Mail address").fill("olga@cern.ch")
    page.get_by_label("User name").fill("olga")
    page.get_by_label("Password", exact=True).fill(GOOD)
    page.get_by_label("The same again").fill("something else")
    page.get_by_role("button", name="Ask for the account").click()
    assert page.get_by_label("The same again").evaluate("field => field.validationMessage") == (
        "The two passwords are not the same."
    )
    assert violations(page) == []
    page.screenshot(path=shots / "newuser.png", full_page=True)
    page.get_by_label("The same again").fill(GOOD)
    page.get_by_role("button", name="Ask for the account").click()
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()

    verify = place.last_mail()
    assert verify.to == ("olga@cern.ch", WEBMASTER)
    page.goto(link(verify, "/confirmuser"))
    assert violations(page) == []
    page.screenshot(path=shots / "confirmuser.png", full_page=True)
    page.get_by_role("button", name="Confirm the account").click()
    expect(page.get_by_role("heading", name="Your account is ready")).to_be_visible()
    sign_in(page, place, "olga")
    page.get_by_text("olga", exact=True).first.click()
    page.get_by_role("button", name="Sign out").click()

    page.goto(f"{place.home}/login")
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("Mail address of your account").fill("OLGA@cern.ch")
    page.get_by_role("button", name="Mail me a link").click()
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    mail = place.last_mail()
    assert mail.to == ("olga@cern.ch",)
    page.goto(link(mail, "/resetpassword"))
    assert violations(page) == []
    page.get_by_label("New password").fill(NEW)
    page.get_by_label("The same again").fill(NEW)
    page.screenshot(path=shots / "newpassword.png", full_page=True)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("The account olga has a new password now")).to_be_visible()
    sign_in(page, place, "olga", NEW)


def test_p16_the_second_link_of_a_reset_stops_it(page: Page, place: Place) -> None:
    page.goto(f"{place.home}/resetpassword")
    page.get_by_label("Mail address of your account").fill("petra@cern.ch")
    page.get_by_role("button", name="Mail me a link").click()
    mail = place.last_mail()
    page.goto(link(mail, "/confirmuser"))
    page.get_by_role("button", name="Make the link invalid").click()
    expect(page.get_by_role("heading", name="The reset is stopped")).to_be_visible()


def test_a_token_is_made_shown_once_rotated_and_revoked(page: Page, place: Place, shots: Path) -> None:
    sign_in(page, place, "petra")
    page.goto(f"{place.home}/tokens")
    page.get_by_label("What it is for").fill("nightly report")
    page.get_by_label("What it gives at most").select_option("operator")
    page.get_by_role("button", name="Make a token").click()
    token = page.get_by_label("The token of petra").input_value()
    assert re.fullmatch(r"wwt_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", token)
    assert violations(page) == []
    page.screenshot(path=shots / "token-made.png", full_page=True)
    page.get_by_role("link", name="Go back").click()
    expect(page.get_by_role("row", name=re.compile("nightly report"))).to_be_visible()
    assert token not in page.content()
    assert violations(page) == []
    page.screenshot(path=shots / "tokens.png", full_page=True)
    page.get_by_role("button", name=f"Rotate token {token[4:16]}").click()
    page.get_by_role("link", name="Go back").click()
    expect(page.get_by_role("row", name=re.compile("nightly report"))).to_have_count(2)
    page.get_by_role("button", name=f"Revoke token {token[4:16]}").click()
    expect(page.get_by_role("row", name=re.compile("nightly report"))).to_have_count(1)


def test_an_admin_makes_a_token_for_an_executor(page: Page, place: Place, shots: Path) -> None:
    sign_in(page, place, "adam")
    page.goto(f"{place.home}/tokens/all")
    page.get_by_label("Name of the executor").fill("unified")
    page.get_by_role("button", name="Make a token for it").click()
    expect(page.get_by_label("The token of unified")).to_be_visible()
    page.get_by_role("link", name="Go back").click()
    expect(page.get_by_role("row", name=re.compile("unified"))).to_be_visible()
    assert violations(page) == []
    page.screenshot(path=shots / "tokens-all.png", full_page=True)


def with_authenticator(page: Page) -> Any:
    """A device that keeps passkeys and always agrees."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return devtools, made["authenticatorId"]


def add_passkey(page: Page, place: Place, label: str) -> None:
    page.goto(f"{place.home}/passkeys")
    page.get_by_label("What you call it").fill(label)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("row", name=re.compile(label))).to_be_visible()


def test_a_passkey_is_added_signs_in_and_is_removed(page: Page, place: Place, shots: Path) -> None:
    with_authenticator(page)
    sign_in(page, place, "petra")
    add_passkey(page, place, "my phone")
    assert place.last_mail().message["Subject"] == "A passkey was added to your account"
    assert violations(page) == []
    page.screenshot(path=shots / "passkeys.png", full_page=True)
    page.context.clear_cookies()

    page.goto(f"{place.home}/login")
    page.get_by_role("link", name="With a passkey").click()
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{place.home}/")
    page.goto(f"{place.home}/passkeys")
    expect(page.get_by_text("Signed in as petra")).to_be_attached()
    expect(page.get_by_text("by auth.local")).to_be_attached()
    page.get_by_role("button", name="Remove my phone").click()
    expect(page.get_by_text("You have no passkey yet.")).to_be_visible()


@pytest.mark.console(r"status of 401")
def test_a_passkey_that_was_removed_or_is_of_a_closed_account_lets_nobody_in(page: Page, place: Place) -> None:
    with_authenticator(page)
    sign_in(page, place, "petra")
    add_passkey(page, place, "old key")
    page.get_by_role("button", name="Remove old key").click()
    expect(page.get_by_text("You have no passkey yet.")).to_be_visible()
    page.context.clear_cookies()

    page.goto(f"{place.home}/passkeys/sign-in")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("This passkey is not known here")).to_be_visible()


def test_a_browser_without_a_passkey_says_so_in_words(page: Page, place: Place) -> None:
    with_authenticator(page)
    page.goto(f"{place.home}/passkeys/sign-in")
    assert violations(page) == []
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("there is no passkey on this device")).to_be_visible()


@pytest.mark.parametrize("path", ["/newuser", "/resetpassword", "/tokens", "/password", "/passkeys"])
def test_the_pages_fit_a_phone_in_the_dark(browser: Browser, place: Place, shots: Path, path: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme="dark")
    page = context.new_page()
    sign_in(page, place, "adam")
    page.goto(f"{place.home}{path}")

    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert violations(page) == []
    page.screenshot(path=shots / f"phone-dark{path.replace('/', '-')}.png", full_page=True)
    context.close()
