"""Pages about people: everybody for admins, one's own sessions, who somebody would be, and break-glass."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.web.house import HOSTILE, Client
from wwt_framework import __version__, hookimpl
from wwt_framework.model import User
from wwt_framework.options import MailOptions
from wwt_framework.plugin import Link, Page, Reply, Snapshot, Visit
from wwt_framework.store import ledger

ORIGIN = {"Origin": "http://wwt.example"}


@pytest.fixture
def admin(client: Client) -> Client:
    """A browser in which adam is signed in, where olga and vera have been."""
    for name in ("olga", "vera"):
        client.sign_in(name)
        client.cookies.clear()
    client.sign_in("adam")
    return client


def do(client: Client, path: str, **form: Any) -> Any:
    return client.post(path, form={"csrf_token": client.csrf_token(), **form}, headers=ORIGIN)


def deeds(client: Client, deed: str) -> list[tuple[str, str]]:
    return [(one.user, one.subject) for one in ledger.deeds(client.app.store, 100, deed)]


# -- everybody --


@pytest.mark.parametrize("user", ["", "vera", "olga", "max"])
@pytest.mark.parametrize("path", ["/people", "/people/person?name=olga", "/people?format=json", "/auth/try"])
def test_people_are_for_admins(client: Client, user: str, path: str) -> None:
    assert client.get(path, user=user).status in (401, 403)


def test_everybody_who_came_is_listed_with_roles_and_last_sign_in(admin: Client) -> None:
    got = admin.get("/people")
    rows = {row["person"]: row for row in admin.get("/people?format=json").json}

    got.dom()
    assert list(rows) == ["adam", "olga", "vera"]
    assert rows["olga"]["roles"] == ["operator"]
    assert rows["olga"]["identities"] == ["auth.people:olga"]
    assert rows["olga"]["seen_at"]
    assert admin.get("/people?format=csv").text.count("\r\n") == 4


def test_roles_are_granted_to_whoever_comes_and_taken_away(admin: Client) -> None:
    assert do(admin, "/people/roles", name="vera", role=["admin", "viewer"]).status == 303
    assert admin.get("/audit", user="vera").status == 200
    assert do(admin, "/people/roles", name="vera").status == 303

    assert deeds(admin, "changed roles") == [("adam", "vera"), ("adam", "vera")]
    assert ledger.find_person(admin.app.store, "vera").all_roles == {"viewer"}


def test_granted_roles_hold_at_once_in_open_sessions(installation: Any) -> None:
    vera = installation()
    vera.sign_in("vera")
    vera_cookies, vera.cookies = vera.cookies, {}
    vera.sign_in("adam")
    do(vera, "/people/roles", name="vera", role="admin")
    vera.cookies = vera_cookies

    assert vera.get("/audit").status == 200


def test_a_role_that_does_not_exist_is_refused(admin: Client) -> None:
    got = do(admin, "/people/roles", name="vera", role="root")

    assert got.status == 400
    assert "There is no role &#39;root&#39;" in got.text


def test_a_disabled_person_is_out_at_once_and_stays_out(admin: Client) -> None:
    kept, admin.cookies = admin.cookies, {}
    admin.sign_in("olga")
    olga, admin.cookies = admin.cookies, kept
    do(admin, "/people/disable", name="olga")
    admin.cookies = olga
    page, again = admin.get("/"), admin.sign_in("olga")

    assert "Signed in as" not in page.text
    assert again.status == 401
    assert "olga may not sign in any more" in again.text
    admin.cookies = kept
    do(admin, "/people/enable", name="olga")
    admin.cookies = {}
    assert admin.sign_in("olga").status == 303


def test_an_admin_does_not_lock_themselves_out(admin: Client) -> None:
    got = do(admin, "/people/disable", name="adam")

    assert got.status == 400
    assert "You can not disable yourself" in got.text


def test_linking_makes_one_person_of_two_and_unlinking_two_of_one(admin: Client) -> None:
    do(admin, "/people/link", name="olga", identity="auth.people:vera")
    admin.get("/people/person?name=olga").dom()

    assert [row["person"] for row in admin.get("/people?format=json").json] == ["adam", "olga"]
    do(admin, "/people/unlink", backend="auth.people", login="vera")
    assert [row["person"] for row in admin.get("/people?format=json").json] == ["adam", "olga", "vera"]
    assert deeds(admin, "linked") == [("adam", "olga")]
    assert deeds(admin, "unlinked") == [("adam", "olga")]


def test_the_audit_of_a_linked_person_has_what_they_did_under_both_names(admin: Client) -> None:
    do(admin, "/people/link", name="olga", identity="auth.people:vera")
    did = {row["user"] for row in admin.get("/audit?user=olga&deed=signed+in&format=json").json}

    assert did == {"olga", "vera"}


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/people/roles", {"name": "nobody"}, 404),
        ("/people/disable", {"name": "nobody"}, 404),
        ("/people/link", {"name": "olga", "identity": "vera"}, 400),
        ("/people/link", {"name": "olga", "identity": "auth.people:nobody"}, 404),
        ("/people/unlink", {"backend": "auth.people", "login": "olga"}, 400),
        ("/people/sign-out", {"name": "nobody"}, 404),
    ],
)
def test_what_can_not_be_done_is_said(admin: Client, path: str, form: dict[str, str], status: int) -> None:
    assert do(admin, path, **form).status == status


@pytest.mark.parametrize("path", ["roles", "disable", "enable", "link", "unlink", "sign-out"])
def test_none_of_it_works_without_the_token_of_the_form(admin: Client, path: str) -> None:
    form = {"name": "olga", "identity": "auth.people:vera", "backend": "auth.people", "login": "olga"}

    assert admin.post(f"/people/{path}", form=form, headers=ORIGIN).status == 403


def test_names_that_mean_harm_are_text(admin: Client) -> None:
    for name in HOSTILE:
        user = User(name, name, name, backend="auth.people")
        ledger.meet(admin.app.store, user, seen=True)
    pages = [admin.get("/people")]
    pages += [admin.get("/people/person?name=olga"), admin.get("/people/person?name=%3Cscript%3Ealert(1)%3C/script%3E")]

    for got in pages:
        got.dom()
        assert got.status == 200
        assert "<script>alert" not in got.text
        assert "<img" not in got.text


def test_who_gets_other_roles_is_told_by_mail_and_who_keeps_them_is_not(installation: Any) -> None:
    mail = MailOptions(server="127.0.0.1:25", security="none", sender="wwt@example.org")
    client = installation(mail=mail)
    ledger.meet(client.app.store, User("vera", email="vera@example.org", backend="auth.people"), seen=True)
    client.sign_in("adam")
    do(client, "/people/roles", name="vera", role="operator")
    do(client, "/people/roles", name="vera", role="operator")

    (sent,) = ledger.mails(client.app.store, 10, ("waiting",))
    assert (sent.recipients, sent.subject) == (("vera@example.org",), "Your roles have changed")
    assert "adam changed the roles of vera.\n\nBefore: none\nNow: operator" in sent.text


# -- one's own sessions --


def test_one_sees_where_one_is_signed_in_and_ends_it(client: Client) -> None:
    client.sign_in("olga")
    other, client.cookies = client.cookies, {}
    client.post("/login", form={"username": "olga", "password": "aglo"}, headers={**ORIGIN, "User-Agent": "Lynx/2"})
    got = client.get("/sessions")
    strange = next(row for row in _forms(got) if row != _here(client))

    got.dom()
    assert "Lynx/2" in got.text
    assert got.text.count("this one") >= 1
    do(client, "/sessions/end", session=strange)
    client.cookies, mine = other, client.cookies
    assert "Signed in as" not in client.get("/").text
    client.cookies = mine
    assert "Signed in as" in client.get("/").text


def _forms(got: Any) -> list[str]:
    return [i.get("value") for i in got.dom().iter("input") if i.get("name") == "session"]


def _here(client: Client) -> str:
    return ledger.find_session(client.app.store, client.cookies["wwt_session_8080"]).digest


def test_all_other_sessions_end_by_one_press(client: Client) -> None:
    for _ in range(3):
        client.cookies.clear()
        client.sign_in("olga")
    do(client, "/sessions/end", others="yes")

    assert [row["this_one"] for row in client.get("/sessions?format=json").json] == [True]


def test_sessions_of_others_are_out_of_reach(client: Client) -> None:
    client.sign_in("adam")
    theirs = _here(client)
    client.cookies.clear()
    client.sign_in("olga")
    do(client, "/sessions/end", session=theirs)

    assert len(ledger.sessions_of(client.app.store, "adam")) == 1
    assert client.get("/sessions", headers={"Cookie": ""}).status == 401


def test_an_admin_ends_the_sessions_of_somebody(admin: Client) -> None:
    assert len(ledger.sessions_of(admin.app.store, "olga")) == 1
    do(admin, "/people/sign-out", name="olga")

    assert ledger.sessions_of(admin.app.store, "olga") == []
    assert deeds(admin, "ended sessions") == [("adam", "olga")]


# -- who would it be --


class Header:
    """Believes a header of a server in front."""

    @hookimpl
    def identify(self, visit: Visit) -> User | None:
        name = visit.headers.get("x-remote-user") or visit.remote_user or visit.client_certificate.get("subject", "")
        return User(name, roles=frozenset({"viewer"})) if name and visit.peer == "10.0.0.1" else None

    @hookimpl
    def grant_roles(self, user: User) -> list[str]:
        return ["operator"] if user.backend == "auth.header" else []


@pytest.fixture
def trying(installation: Any) -> Client:
    client: Client = installation(plugins={"auth.header": Header()})
    client.sign_in("adam")
    return client


def test_the_right_password_would_come_in_and_nothing_is_left_behind(trying: Client) -> None:
    got = do(trying, "/auth/try", login="olga", password="aglo")

    got.dom()
    assert "olga would come in" in got.text
    assert "would be somebody new" in got.text
    assert "aglo" not in got.text
    assert ledger.sessions_of(trying.app.store, "olga") == []
    assert ledger.find_person(trying.app.store, "olga") is None
    assert deeds(trying, "tried who it would be") == [("adam", "olga")]


def test_trying_uses_up_no_tries(trying: Client) -> None:
    for _ in range(12):
        got = do(trying, "/auth/try", login="olga", password="wrong")
    trying.cookies.clear()

    assert "Nobody would come in" in got.text
    assert trying.sign_in("olga").status == 303


@pytest.mark.parametrize(
    ("given", "who"),
    [
        ({"header": "X-Remote-User: vera"}, "vera"),
        ({"header": "REMOTE_USER: vera"}, "vera"),
        ({"dn": "CN=Vera Example,O=Grid"}, "CN=Vera Example,O=Grid"),
    ],
)
def test_what_a_server_in_front_says_is_tried_as_if_from_its_address(
    trying: Client, given: dict[str, str], who: str
) -> None:
    believed = do(trying, "/auth/try", peer="10.0.0.1", **given)
    spoofed = do(trying, "/auth/try", peer="10.6.6.6", **given)

    assert f"{who} would come in" in believed.text.replace("&#39;", "'")
    assert "grants roles itself" in believed.text
    assert "<strong>operator</strong>" in believed.text
    assert "Nobody would come in" in spoofed.text


def test_a_disabled_person_would_not_come_in_and_it_is_said_why(trying: Client) -> None:
    trying.get("/", user="olga")
    do(trying, "/people/disable", name="olga")
    got = do(trying, "/auth/try", login="olga")

    assert "olga would not come in" in got.text
    assert "was disabled by adam" in got.text


@pytest.mark.parametrize("form", [{}, {"header": "no colon"}, {"header": ": x"}, {"login": "a\x07b"}])
def test_what_is_nothing_to_try_is_said_beside_the_form(trying: Client, form: dict[str, str]) -> None:
    got = do(trying, "/auth/try", **form)

    got.dom()
    assert got.status == 422


# -- break-glass --


def test_a_code_from_the_shell_lets_in_once_as_admin_with_a_banner(client: Client) -> None:
    code, _ = ledger.make_break_glass(client.app.store, "root@host", timedelta(minutes=30))
    got = client.post("/break-glass", form={"code": f" {code} "}, headers=ORIGIN)
    page = client.get("/audit")
    client.cookies.clear()
    second = client.post("/break-glass", form={"code": code}, headers=ORIGIN)

    page.dom()
    assert got.status == 303
    assert re.search(r"<strong>Break-glass\.</strong> You are in as admin until \d\d:\d\d UTC", page.text)
    assert second.status == 401
    assert deeds(client, "break-glass used") == [("break-glass", "root@host")]
    assert 1700 < int(re.search(r"Max-Age=(\d+)", got.header("Set-Cookie"))[1]) <= 1800  # type: ignore[index]


def test_other_admins_see_that_there_is_a_code(client: Client) -> None:
    ledger.make_break_glass(client.app.store, "root@host", timedelta(minutes=30))

    assert "root@host made a code that lets somebody in as admin" in client.get("/", user="adam").text
    assert "root@host" not in client.get("/", user="olga").text


def test_break_glass_ends_when_its_time_is_over(client: Client) -> None:
    store = client.app.store
    code, glass = ledger.make_break_glass(store, "root@host", timedelta(minutes=30))
    client.post("/break-glass", form={"code": code}, headers=ORIGIN)
    late, _ = ledger.make_break_glass(store, "root@host", timedelta(minutes=30))
    assert client.get("/audit").status == 200
    store.clock = lambda: glass.ends_at + timedelta(seconds=1)

    assert client.get("/audit").status == 401
    assert client.post("/break-glass", form={"code": late}, headers=ORIGIN).status == 401


@pytest.mark.parametrize("code", ["", "x", "' or 1=1 --", "\0", "x" * 10_000])
def test_a_guessed_code_lets_nobody_in(client: Client, code: str) -> None:
    got = client.post("/break-glass", form={"code": code}, headers=ORIGIN)

    got.dom()
    assert got.status == 401
    assert deeds(client, "sign-in failed") == [("break-glass", "break-glass")]


def test_a_page_elsewhere_can_not_send_a_code(client: Client) -> None:
    code, _ = ledger.make_break_glass(client.app.store, "root@host", timedelta(minutes=30))

    assert client.post("/break-glass", form={"code": code}, headers={"Origin": "https://evil.example"}).status == 403


# -- what is told to whom --


def test_the_version_is_told_to_who_is_signed_in_only(client: Client) -> None:
    for path in ("/", "/login", "/nowhere", "/globalerror"):
        got = client.get(path)
        assert __version__ not in got.text, path
        assert not got.header("Server")
    assert __version__ in client.get("/", user="olga").text


def test_plugins_says_that_no_admin_can_sign_in(client: Client) -> None:
    before = client.get("/plugins", user="olga").text
    client.get("/", user="adam")
    after = client.get("/plugins", user="olga").text

    assert "No admin can sign in, as far as is known" in before
    assert "No admin can sign in" not in after
    assert "No admin can sign in" not in client.get("/plugins").text


# -- what plugins add --


class Cards:
    """Has a page about the person, which is in the menu of operators, and does something about accounts."""

    @hookimpl
    def register_pages(self) -> list[Page]:
        def card(visit: Visit, user: User, snapshot: Snapshot) -> Reply:
            return Reply(json=user.name)

        mine = {"in_menu": False, "in_user_menu": lambda user: user.may("operator")}
        return [
            Page("/card", "Your <card>", card, **mine),
            Page("/cards", "All cards", card, "admin", **mine),
            Page("/broken", "Broken", card, in_menu=False, in_user_menu=lambda _user: 1 / 0),
        ]

    @hookimpl
    def show_account_links(self, account: User | None) -> list[Link]:
        if account is None:
            return [Link("Print <cards>", "/cards"), Link("elsewhere", "//evil.example/")]
        return [Link(f"Card of {account.name} by {account.backend}", "/cards?name=olga", "On paper.")]


def test_pages_of_plugins_are_in_the_menu_of_whom_they_are_about(installation: Any) -> None:
    client = installation({"extras.cards": Cards()})
    menus = {}
    for name in ("vera", "olga", "adam"):
        client.cookies.clear()
        client.sign_in(name)
        menus[name] = client.get("/sessions").text

    assert "/card" not in menus["vera"]
    assert '<a href="/card">Your &lt;card&gt;</a>' in menus["olga"]
    assert '<a href="/cards">' not in menus["olga"]
    assert '<a href="/cards">' in menus["adam"]
    assert "Broken" not in menus["adam"]
    (failed,) = client.app.house.hooks.record("extras.cards").failures
    assert (failed.hook, failed.message, failed.count) == (
        "menu entry /broken",
        "ZeroDivisionError: division by zero",
        3,
    )


def test_plugins_offer_what_can_be_done_about_an_account(installation: Any) -> None:
    client = installation({"extras.cards": Cards()})
    client.sign_in("adam")
    everybody, adam = client.get("/people").text, client.get("/people/person?name=adam").text

    assert 'href="/cards">Print &lt;cards&gt;</a>' in everybody
    assert "evil.example" not in everybody
    assert 'href="/cards?name=olga">Card of adam by auth.people</a> <span class="muted">On paper.</span>' in adam


def test_a_plugin_that_can_not_say_what_it_offers_costs_its_own_links(installation: Any) -> None:
    class Broken:
        @hookimpl
        def show_account_links(self, account: User | None) -> list[Link]:
            raise RuntimeError("no cards today")

    client = installation({"extras.broken": Broken()})
    client.sign_in("adam")

    assert "extras.broken" in client.get("/people").text
    assert client.get("/people/person?name=adam").status == 200


def test_who_would_be_somebody_new_is_told_by_the_name_they_would_have(trying: Client) -> None:
    trying.cookies.clear()
    trying.sign_in("olga")
    trying.cookies.clear()
    trying.sign_in("adam")
    got = do(trying, "/auth/try", header="X-Remote-User: olga", peer="10.0.0.1")

    assert "olga (header)" in got.text
