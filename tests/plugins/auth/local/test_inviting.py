"""Admins invite people and have them choose new passwords, from /people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.plugins.auth.auth_house import GOOD, AuthHouse, code_of, link, post
from wwt_framework.store import ledger

House = Callable[..., AuthHouse]
INVITE, RESET = "/p/auth.local/invite", "/p/auth.local/reset"


@pytest.fixture
def house(make_house: House) -> AuthHouse:
    made = make_house()
    local = made.add_local()
    local.add("adam", GOOD, ["admin"], email="adam@cern.ch")
    local.add("olga", GOOD, ["operator"], email="olga@cern.ch")
    local.add("mailless", GOOD, ["viewer"])
    return made


@pytest.fixture
def admin(house: AuthHouse) -> Any:
    return house.signed_in("adam")


def choose(house: AuthHouse, address: str, password: str) -> None:
    post(house.visitor(), "/resetpassword", code=code_of(address), password=password, password2=password)


def test_e2_who_is_invited_chooses_a_password_by_a_link_that_is_mailed(house: AuthHouse, admin: Any) -> None:
    got = post(admin, INVITE, username="vera", full_name="Vera", email="vera@cern.ch", role=["viewer", "operator"])
    (mail,) = house.mails()
    choose(house, link(mail.text, "/resetpassword"), "a brand new phrase")

    assert "vera@cern.ch" in got.text
    assert (mail.recipients, mail.subject) == (("vera@cern.ch",), "You have an account")
    assert ledger.find_person(house.app.store, "vera").all_roles == {"viewer", "operator"}
    assert house.signed_in("vera", "a brand new phrase").get("/actions").status == 200


def test_nobody_signs_in_before_a_password_was_chosen(house: AuthHouse, admin: Any) -> None:
    post(admin, INVITE, username="vera", email="vera@cern.ch", role="viewer")
    client = house.visitor()
    client.passwords["vera"] = "!"

    assert client.sign_in("vera").status == 401


def test_without_an_address_the_link_is_shown_once(house: AuthHouse, admin: Any) -> None:
    got = post(admin, INVITE, username="vera", role="viewer")
    (shown,) = [one.text for one in got.dom().iter("pre") if one.get("id") == "link"]
    choose(house, shown, "a brand new phrase")

    assert house.mails() == []
    assert house.signed_in("vera", "a brand new phrase")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"username": "OLGA"}, "There is an account called &#39;OLGA&#39; already"),
        ({"username": ""}, "user name"),
        ({"username": "../x y"}, "user name"),
        ({"username": "vera", "email": "no address"}, "address"),
        ({"username": "vera", "role": "emperor"}, "emperor"),
    ],
)
def test_what_can_not_be_an_account_is_said_and_what_was_typed_stays(
    house: AuthHouse, admin: Any, form: dict[str, str], said: str
) -> None:
    got = post(admin, INVITE, **form)

    assert got.status == 422
    assert said in got.text
    assert len(ledger.accounts(house.app.store)) == 3


def test_a_reset_from_the_page_of_a_person_mails_the_owner_and_is_written_down(house: AuthHouse, admin: Any) -> None:
    asked = admin.get(f"{RESET}?name=olga")
    post(admin, RESET, name="olga")
    (mail,) = house.mails()

    assert "olga@cern.ch" in asked.text
    assert (mail.recipients, mail.subject) == (("olga@cern.ch",), "Choose a new password")
    assert [(d.user, d.subject) for d in ledger.deeds(house.app.store, 9, "reset asked for")] == [("adam", "olga")]
    assert house.signed_in("olga")


def test_a_reset_can_be_handed_over(house: AuthHouse, admin: Any) -> None:
    got = post(admin, RESET, name="mailless")
    (shown,) = [one.text for one in got.dom().iter("pre") if one.get("id") == "link"]
    choose(house, shown, "a brand new phrase")

    assert house.signed_in("mailless", "a brand new phrase")


def test_a_closed_account_is_enabled_first(house: AuthHouse, admin: Any) -> None:
    ledger.change_account(house.app.store, "olga", active=False)
    got = post(admin, RESET, name="olga")

    assert got.status == 409
    assert "enable it first" in got.text
    assert house.mails() == []


def test_nobody_is_reset_whom_nobody_knows(admin: Any) -> None:
    assert admin.get(f"{RESET}?name=nobody").status == 404
    assert admin.get(RESET).status == 404


@pytest.mark.parametrize("path", [INVITE, f"{RESET}?name=adam"])
def test_p16_inviting_and_resetting_others_is_for_admins(house: AuthHouse, path: str) -> None:
    assert house.signed_in("olga").get(path).status == 403
    assert house.visitor().get(path).status == 401


def test_people_lead_there(admin: Any) -> None:
    assert f'href="{INVITE}"' in admin.get("/people").text
    assert f'href="{RESET}?name=olga"' in admin.get("/people/person?name=olga").text


def test_the_menu_of_who_is_signed_in_leads_to_their_password(house: AuthHouse, admin: Any) -> None:
    assert 'href="/password"' in admin.get("/sessions").text
    assert 'href="/password"' not in house.visitor().get("/login").text
