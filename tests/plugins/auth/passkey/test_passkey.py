"""Passkeys as the server sees them: added, asked for, refused; the browser's part is in tests/browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.plugins.auth.auth_house import GOOD, AuthHouse, post
from tests.plugins.auth.passkey.device import Device
from tests.web.house import Client, Got, People
from wwt_framework.store import ledger
from wwt_framework.testing import AuthContract
from wwt_plugins.auth.passkey import Passkeys
from wwt_plugins.auth.passkey.ceremony import Place

House = Callable[..., AuthHouse]


@pytest.fixture
def house(make_house: House) -> AuthHouse:
    made = make_house(**{"auth.people": People()})
    made.add("auth.passkey", Passkeys)
    local = made.add_local()
    local.add("olga", GOOD, ["operator"], "Olga Example", "olga@cern.ch")
    local.add("pavel", GOOD, ["viewer"])
    return made


def say(client: Client, path: str, body: Any) -> Got:
    """As our script sends it."""
    headers = {"Origin": "http://wwt.example", "Accept": "application/json", "X-CSRF-Token": client.csrf_token()}
    return client.post(path, headers=headers, json_body=body)


def add(client: Client, device: Device, label: str = "my phone") -> Got:
    options = say(client, "/passkeys/options", {}).json
    return say(client, "/passkeys/add", {"credential": device.create(options), "label": label})


def enter(client: Client, device: Device) -> Got:
    return say(client, "/passkeys/enter", device.get(say(client, "/passkeys/challenge", {}).json))


def test_a_passkey_signs_its_owner_in_as_the_account_that_it_was_added_to(house: AuthHouse) -> None:
    device = Device()
    assert add(house.signed_in("olga"), device).json == {"added": "my phone"}
    browser = house.visitor()

    assert enter(browser, device).json == {"entered": True}
    assert "by auth.local" in browser.get("/passkeys").text
    assert browser.get("/submitaction").status != 403
    assert [deed.subject for deed in ledger.deeds(house.app.store, deed="signed in")][:1] == ["auth.local"]


def test_adding_one_is_told_to_the_owner_by_mail_and_written_down(house: AuthHouse) -> None:
    add(house.signed_in("olga"), Device())

    assert "A passkey was added to your account" in [mail.subject for mail in house.mails()]
    assert ledger.deeds(house.app.store, deed="passkey added")[0].user == "olga"


@pytest.mark.parametrize(
    "device",
    [Device(origin="https://evil.example"), Device(origin="http://wwt.example.org"), Device(verified=False)],
    ids=["another site", "without TLS", "without finger or PIN"],
)
def test_a_device_that_answers_wrongly_is_not_added(house: AuthHouse, device: Device) -> None:
    got = add(house.signed_in("olga"), device)

    assert (got.status, "is not right for this page" in got.json["error"]) == (400, True)


@pytest.mark.parametrize(
    "answer", [None, [], "x", {}, {"id": 5}, {"id": "x", "rawId": "x", "response": {}, "type": "public-key"}]
)
def test_nonsense_is_refused_in_words(house: AuthHouse, answer: Any) -> None:
    browser = house.signed_in("olga")
    say(browser, "/passkeys/options", {})
    assert say(browser, "/passkeys/add", {"credential": answer}).status == 400
    stranger = house.visitor()
    say(stranger, "/passkeys/challenge", {})

    assert say(stranger, "/passkeys/enter", answer).status == 401


def test_a_signature_works_once(house: AuthHouse) -> None:
    device, browser = Device(), house.visitor()
    add(house.signed_in("olga"), device)
    answer = device.get(say(browser, "/passkeys/challenge", {}).json)
    assert say(browser, "/passkeys/enter", answer).status == 200

    assert say(browser, "/passkeys/enter", answer).status == 401


def test_a_challenge_of_one_browser_is_no_good_in_another(house: AuthHouse) -> None:
    device, mine, other = Device(), house.visitor(), house.visitor()
    add(house.signed_in("olga"), device)
    answer = device.get(say(mine, "/passkeys/challenge", {}).json)
    say(other, "/passkeys/challenge", {})

    assert say(other, "/passkeys/enter", answer).status == 401


def test_a_copied_device_is_found_out_by_its_counter(house: AuthHouse) -> None:
    device = Device(count=10)
    add(house.signed_in("olga"), device)
    assert enter(house.visitor(), device).status == 200
    device.count = 5

    assert enter(house.visitor(), device).status == 401


def test_a_key_that_somebody_else_has_under_the_same_name_lets_nobody_in(house: AuthHouse) -> None:
    device = Device()
    add(house.signed_in("olga"), device)

    assert enter(house.visitor(), Device(id=device.id)).status == 401
    assert add(house.signed_in("pavel"), Device(id=device.id)).status == 400


def test_a_closed_account_is_not_opened_by_a_passkey(house: AuthHouse) -> None:
    device = Device()
    add(house.signed_in("olga"), device)
    ledger.change_account(house.app.store, "olga", active=False)
    browser = house.visitor()

    assert enter(browser, device).status == 403
    assert browser.get("/passkeys").status == 401


def test_nobody_removes_what_is_not_theirs(house: AuthHouse) -> None:
    device = Device()
    add(house.signed_in("olga"), device)

    assert post(house.signed_in("pavel"), "/passkeys/remove", id=device.name).status == 404
    assert post(house.signed_in("olga"), "/passkeys/remove", id=device.name).header("Location") == "/passkeys"
    assert enter(house.visitor(), device).status == 401


def test_nobody_adds_one_without_signing_in_to_an_account_here_or_without_the_token_of_the_form(
    house: AuthHouse,
) -> None:
    assert say(house.visitor(), "/passkeys/options", {}).status == 401
    assert say(house.signed_in("vera", "arev"), "/passkeys/options", {}).status == 403
    got = house.signed_in("olga").post("/passkeys/options", json_body={}, headers={"Origin": "http://wwt.example"})
    assert got.status == 403


def test_an_account_has_twenty_at_most(house: AuthHouse) -> None:
    browser = house.signed_in("olga")
    for number in range(20):
        assert add(browser, Device(), f"key {number}").status == 200

    assert "at most 20 passkeys" in say(browser, "/passkeys/options", {}).json["error"]


def test_hostile_labels_are_text(house: AuthHouse) -> None:
    browser = house.signed_in("olga")
    add(browser, Device(), "<script>alert(1)</script>\u202e\x00")

    assert "<script>alert" not in browser.get("/passkeys").text
    assert browser.get("/passkeys?format=json").json[0]["label"] == "<script>alert(1)</script>??"


@pytest.mark.parametrize(
    ("address", "works"),
    [
        ("https://wwt.example.org/", True),
        ("https://wwt.example.org:8443/wwt/", True),
        ("http://localhost:8080/", True),
        ("http://127.0.0.1:8080/", False),
        ("https://127.0.0.1/", False),
        ("https://[::1]/", False),
        ("http://wwt.example.org/", False),
    ],
)
def test_it_is_told_where_browsers_do_no_passkeys(address: str, works: bool) -> None:
    assert (Place.of(address).problem == "") is works


class TestContract(AuthContract):
    plugin = "auth.passkey"


@pytest.mark.parametrize(
    ("asked", "leads"),
    [("/actions?kind=acdc", "/actions?kind=acdc"), ("//evil.example", "/"), ("https://evil.example", "/"), ("", "/"),
     ("/\\evil.example", "/"), ("javascript:alert(1)", "/")],
)  # fmt: skip
def test_the_way_in_leads_back_to_where_one_was_and_never_elsewhere(house: AuthHouse, asked: str, leads: str) -> None:
    dom = house.visitor().get(f"/passkeys/sign-in?{urlencode({'next': asked})}").dom()

    (form,) = [form for form in dom.iter("form") if form.get("data-passkey-enter") is not None]
    assert form.get("data-next") == leads
