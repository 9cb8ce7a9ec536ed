"""/newuser and /confirmuser: by whom, by which rules, and what nobody learns from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.plugins.auth.auth_house import GOOD, HOME, WEBMASTER, AuthHouse, code_of, link, post
from wwt_framework.options import HouseOptions
from wwt_framework.store import ledger

House = Callable[..., AuthHouse]
OLGA = {"email": "olga@cern.ch", "username": "olga", "password": GOOD, "password2": GOOD}


@pytest.fixture
def house(make_house: House) -> AuthHouse:
    made = make_house()
    made.add_local(domains=["cern.ch", "@fnal.gov"], whitelist=["guest@example.org"])
    return made


def register(house: AuthHouse, **form: str) -> Any:
    return post(house.visitor(), "/newuser", **(OLGA | form))


def test_p15_the_form_lists_the_allowed_domains_and_the_rules_and_works_without_script(house: AuthHouse) -> None:
    dom = house.visitor().get("/newuser").dom()

    form = next(form for form in dom.iter("form") if form.get("action") == "/newuser")
    assert form.get("method") == "post"
    assert {"email", "username", "password", "password2"} <= {field.get("name") for field in form.iter("input")}
    text = " ".join("".join(dom.itertext()).split())
    assert "Addresses at cern.ch, fnal.gov may register" in text
    assert "guest@example.org" not in text


def test_p15_p16_e1_who_confirms_by_mail_has_an_account_and_nobody_before(house: AuthHouse) -> None:
    got = register(house)
    assert (got.status, "Check your mail" in got.text) == (200, True)
    (mail,) = house.letters()
    assert ledger.accounts(house.app.store) == []

    browser = house.visitor()
    shown = browser.get(link(mail.text, "/confirmuser"))
    assert "Confirm the account" in shown.text
    assert ledger.accounts(house.app.store) == []
    done = post(browser, "/confirmuser", code=code_of(link(mail.text, "/confirmuser")))

    assert "The account <strong>olga</strong> can be used now" in done.text
    (account,) = ledger.accounts(house.app.store)
    assert (account.name, account.email, account.roles, account.active) == (
        "olga", "olga@cern.ch", {"viewer"}, True,
    )  # fmt: skip
    assert house.signed_in("olga").get("/").status == 200


def test_e1_the_mail_goes_to_the_user_with_the_webmaster_in_copy_as_text_and_html(house: AuthHouse) -> None:
    register(house)
    (mail,) = house.letters()

    assert (mail.recipients, mail.copies, mail.subject) == (("olga@cern.ch",), (WEBMASTER,), "Verify your account")
    assert mail.text.startswith(
        f"Hello olga,\n\nan account called olga was asked for with this mail address, at {HOME}/"
    )
    address = HOME + link(mail.text, "/confirmuser")
    assert f'<a href="{address}">' in mail.html


def test_e1_the_webmaster_is_told_of_a_new_account_and_its_roles(make_house: House) -> None:
    house = make_house()
    house.add_local(domains=["cern.ch"], new_roles=["operator"])
    register(house)
    (mail,) = house.letters()
    post(house.visitor(), "/confirmuser", code=code_of(link(mail.text, "/confirmuser")))

    told = house.mails()[-1]
    assert (told.recipients, told.subject) == ((WEBMASTER,), "New account: olga")
    assert "with these roles: operator" in told.text


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"email": ""}, "expected one like olga@example.org"),
        ({"email": "olga"}, "expected one like olga@example.org"),
        ({"email": "olga@evil.org"}, "not given to this mail address"),
        ({"email": "olga@sub.cern.ch"}, "not given to this mail address"),
        ({"email": "olga@cern.ch.evil.org"}, "not given to this mail address"),
        ({"email": "olga@cern.ch\nBcc: x@evil.org"}, "expected one like olga@example.org"),
        ({"email": "olga@cern.ch, x@evil.org"}, "expected one like olga@example.org"),
        ({"email": "x@evil.org <olga@cern.ch>"}, "expected one like"),
        ({"username": ""}, "letters from a to z and digits only"),
        ({"username": "ol ga"}, "letters from a to z and digits only"),
        ({"username": "ольга"}, "letters from a to z and digits only"),
        ({"username": "olga<script>"}, "letters from a to z and digits only"),
        ({"username": "o_l_g_a"}, "letters from a to z and digits only"),
        ({"username": "o" * 32}, "at most 31 characters, got 32"),
        ({"password": "", "password2": ""}, "8 to 1024 characters, got 0"),
        ({"password2": "another one here"}, "The two passwords are not the same"),
        ({"password": "password1", "password2": "password1"}, "tried first"),
    ],
)
def test_p15_what_breaks_a_rule_is_said_in_words_and_mails_nobody(
    house: AuthHouse, form: dict[str, str], says: str
) -> None:
    got = register(house, **form)

    assert got.status == 422
    assert says in got.text
    assert "<script>alert" not in got.text
    assert GOOD not in got.text
    assert house.letters() == []


@pytest.mark.parametrize("email", ["OLGA@CERN.CH", "guest@example.org", "Guest@Example.Org", "olga@fnal.gov"])
def test_p15_domains_and_single_addresses_are_allowed_whatever_their_case(house: AuthHouse, email: str) -> None:
    assert register(house, email=email).status == 200
    assert len(house.letters()) == 1


def test_p15_a_client_of_old_that_sends_three_fields_is_understood(house: AuthHouse) -> None:
    got = post(house.visitor(), "/newuser", email="olga@cern.ch", username="olga", password=GOOD)

    assert "Check your mail" in got.text


def test_p15_the_answer_does_not_say_which_names_and_addresses_are_taken(house: AuthHouse) -> None:
    house.app.house.hooks.plugins["auth.local"].add("olga", GOOD, ["operator"], email="olga@cern.ch")

    def told(**form: str) -> str:
        text: str = register(house, **form).text
        return text.replace(form["email"], "ADDRESS")

    taken_name = told(email="pavel@cern.ch", username="olga")
    taken_address = told(email="olga@cern.ch", username="somebody")
    free = told(email="nora@cern.ch", username="nora")

    assert taken_name == taken_address == free
    by_address = {mail.recipients[0]: mail for mail in house.letters()}
    assert by_address["olga@cern.ch"].subject == "You have an account already"
    assert by_address["pavel@cern.ch"].subject == "Please choose another user name"
    assert by_address["nora@cern.ch"].subject == "Verify your account"
    assert by_address["olga@cern.ch"].copies == by_address["pavel@cern.ch"].copies == ()
    account = ledger.find_account(house.app.store, "olga")
    assert account
    assert account.roles == {"operator"}


def test_p16_a_code_works_once(house: AuthHouse) -> None:
    register(house)
    code = code_of(link(house.letters()[0].text, "/confirmuser"))
    post(house.visitor(), "/confirmuser", code=code)

    again = post(house.visitor(), "/confirmuser", code=code)

    assert (again.status, again.header("Location")) == (303, "/")


def test_p16_of_two_registrations_of_one_name_the_first_that_confirms_gets_it(house: AuthHouse) -> None:
    register(house)
    register(house, email="pavel@cern.ch")
    codes = [code_of(link(mail.text, "/confirmuser")) for mail in house.letters()]
    first, second = (post(house.visitor(), "/confirmuser", code=code) for code in codes)

    assert "can be used now" in first.text
    assert second.status == 409
    assert "No account was made" in second.text
    assert len(ledger.accounts(house.app.store)) == 1


@pytest.mark.parametrize("code", ["", "x", "' OR 1=1 --", "%00", "é", "x" * 5000])
def test_p16_a_code_that_is_none_leads_home_and_changes_nothing(house: AuthHouse, code: str) -> None:
    register(house)
    house.letters()
    browser = house.visitor()

    assert browser.get("/confirmuser", headers={}).header("Location") == "/"
    assert post(browser, "/confirmuser", code=code).header("Location") == "/"
    assert ledger.accounts(house.app.store) == []


def test_p16_a_code_ends_after_its_hours(make_house: House) -> None:
    house = make_house()
    house.add_local(domains=["cern.ch"], confirm_hours=0.000001)
    register(house)
    code = code_of(link(house.letters()[0].text, "/confirmuser"))

    assert post(house.visitor(), "/confirmuser", code=code).header("Location") == "/"


def test_p16_codes_are_kept_as_hashes(house: AuthHouse) -> None:
    register(house)
    (mail,) = house.letters()
    code = code_of(link(mail.text, "/confirmuser"))

    with house.app.store.connection():
        rows = str(list(house.app.store.tables.credential.select().dicts()))
        deeds = str(list(house.app.store.tables.deed.select().dicts()))
        memory = str(list(house.app.store.tables.plugin_memory.select().dicts()))
    assert "confirm" in rows
    assert code not in rows + deeds + memory
    assert GOOD not in rows + deeds + memory


def test_a_link_that_a_mail_scanner_follows_changes_nothing(house: AuthHouse) -> None:
    register(house)
    address = link(house.letters()[0].text, "/confirmuser")
    for _ in range(3):
        assert house.visitor().get(address).status == 200

    assert ledger.accounts(house.app.store) == []


def test_p15_where_no_address_is_allowed_nobody_registers_and_is_told_whom_to_ask(make_house: House) -> None:
    house = make_house()
    house.add_local()

    assert WEBMASTER in house.visitor().get("/newuser").text
    assert register(house).status == 403
    assert "New account" not in house.visitor().get("/login").text


def test_p15_without_a_mail_server_nobody_registers_and_health_says_so(make_house: House) -> None:
    house = make_house(mail=None)
    local = house.add_local(domains=["cern.ch"])

    assert register(house).status == 403
    assert "no mail server is named" in local.report_health().text


def test_a_page_of_another_site_can_not_send_the_form(house: AuthHouse) -> None:
    got = house.visitor().post("/newuser", form=OLGA, headers={"Origin": "https://evil.example"})

    assert got.status == 403
    assert house.letters() == []


def test_what_can_not_be_mailed_is_tried_again_and_dropped_in_the_end(house: AuthHouse) -> None:
    register(house)
    post_office, house.app.post._house = house.app.post._house, HouseOptions
    for tries in range(5):
        assert house.app.clockwork.run_now("auth.local.letters").text.startswith("answered 0 wishes; 1 could not"), (
            tries
        )
    assert house.app.clockwork.run_now("auth.local.letters").text == "answered 0 wishes"
    house.app.post._house = post_office


def test_p1_the_sign_in_page_leads_to_a_new_account_and_a_new_password(house: AuthHouse) -> None:
    links = {a.get("href", "").partition("?")[0] for a in house.visitor().get("/login").dom().iter("a")}

    assert {"/newuser", "/resetpassword"} <= links


@pytest.mark.parametrize("name", ["auto", "Auto", "wwt", "unified"])
def test_nobody_registers_in_the_name_of_the_house(house: AuthHouse, name: str) -> None:
    got = register(house, username=name)

    assert got.status == 422
    assert "This name belongs to the installation itself; choose another one." in got.text
    assert house.letters() == []
