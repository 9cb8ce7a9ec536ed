"""/resetpassword by its stages, the mail with its two links, and the change of one's own password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.plugins.auth.auth_house import GOOD, AuthHouse, code_of, link, post
from wwt_framework.store import ledger

House = Callable[..., AuthHouse]
NEW = "another four unlikely words"


@pytest.fixture
def house(make_house: House) -> AuthHouse:
    made = make_house()
    made.add_local().add("olga", GOOD, ["operator"], "Olga Example", "olga@cern.ch")
    return made


def code(house: AuthHouse, email: str = "olga@cern.ch") -> str:
    """Of a reset that was just asked for."""
    post(house.visitor(), "/resetpassword", email=email)
    return code_of(link(house.letters()[-1].text, "/resetpassword"))


def signs_in(house: AuthHouse, password: str) -> bool:
    client = house.visitor()
    client.passwords["olga"] = password
    return client.sign_in("olga").status == 303


def names(got: Any) -> set[str]:
    return {field.get("name") for field in got.dom().iter("input") if field.get("name")}


def test_p17_without_anything_the_mail_address_is_asked_for(house: AuthHouse) -> None:
    assert "email" in names(house.visitor().get("/resetpassword"))


def test_p17_an_address_by_get_fills_the_form_and_mails_nobody(house: AuthHouse) -> None:
    got = house.visitor().get("/resetpassword?email=olga%40cern.ch")

    assert 'value="olga@cern.ch"' in got.text
    assert house.letters() == []


def test_p17_d7_an_address_finds_its_account_and_a_mail_goes_there(house: AuthHouse) -> None:
    got = post(house.visitor(), "/resetpassword", email="Olga@CERN.ch")

    assert "If there is an account with the address" in got.text
    (mail,) = house.letters()
    assert (mail.recipients, mail.copies, mail.subject) == (("olga@cern.ch",), (), "Choose a new password")


def test_p17_a_code_asks_for_a_new_password(house: AuthHouse) -> None:
    got = house.visitor().get(f"/resetpassword?code={code(house)}")

    assert {"code", "password", "password2"} <= names(got)
    assert "For the account <strong>olga</strong>" in got.text


def test_p17_code_and_password_set_it_and_show_the_user(house: AuthHouse) -> None:
    got = post(house.visitor(), "/resetpassword", code=code(house), password=NEW, password2=NEW)

    assert (got.status, "The account <strong>olga</strong> has a new password" in got.text) == (200, True)
    assert (signs_in(house, NEW), signs_in(house, GOOD)) == (True, False)


def test_p17_address_and_code_together_are_no_page(house: AuthHouse) -> None:
    browser = house.visitor()

    assert browser.get("/resetpassword?email=olga%40cern.ch&code=x").status == 404
    assert post(browser, "/resetpassword", email="olga@cern.ch", code="x").status == 404


def test_p17_a_password_in_an_address_is_not_taken(house: AuthHouse) -> None:
    house.visitor().get(f"/resetpassword?code={code(house)}&password=another+four+unlikely+words")

    assert (signs_in(house, NEW), signs_in(house, GOOD)) == (False, True)


def test_e2_the_mail_has_the_user_name_and_links_to_reset_and_to_stop_as_text_and_html(house: AuthHouse) -> None:
    post(house.visitor(), "/resetpassword", email="olga@cern.ch")
    (mail,) = house.letters()

    assert "the account olga at https://wwt.example.org/" in mail.text
    assert code_of(link(mail.text, "/resetpassword")) == code_of(link(mail.text, "/confirmuser"))
    for path in ("/resetpassword", "/confirmuser"):
        assert f'<a href="https://wwt.example.org{link(mail.text, path)}">' in mail.html


def test_d8_asking_for_a_reset_closes_nobody_and_changes_nothing(house: AuthHouse) -> None:
    browser = house.signed_in("olga")
    before = ledger.find_account(house.app.store, "olga")
    code(house)

    assert ledger.find_account(house.app.store, "olga") == before
    assert signs_in(house, GOOD)
    assert "Your password" in browser.get("/password").text


def test_p16_e2_the_second_link_stops_a_reset(house: AuthHouse) -> None:
    mailed = code(house)
    browser = house.visitor()
    assert "Stop the reset" in browser.get(f"/confirmuser?code={mailed}").text
    got = post(browser, "/confirmuser", code=mailed)

    assert "The reset is stopped" in got.text
    assert post(browser, "/resetpassword", code=mailed, password=NEW, password2=NEW).status == 410
    assert (signs_in(house, NEW), signs_in(house, GOOD)) == (False, True)


def test_p17_a_code_works_once_and_ends_all_others_of_the_account(house: AuthHouse) -> None:
    first, second = code(house), code(house)
    post(house.visitor(), "/resetpassword", code=second, password=NEW, password2=NEW)

    for used in (first, second):
        got = post(house.visitor(), "/resetpassword", code=used, password=GOOD, password2=GOOD)
        assert (got.status, "This link is not valid any more" in got.text) == (410, True)
    assert signs_in(house, NEW)


def test_p17_a_code_ends_after_its_hours(make_house: House) -> None:
    house = make_house()
    house.add_local(reset_hours=0.000001).add("olga", GOOD, [], "", "olga@cern.ch")

    assert house.visitor().get(f"/resetpassword?code={code(house)}").status == 410


@pytest.mark.parametrize(
    ("password", "again", "says"),
    [
        (NEW, "something else here", "The two passwords are not the same"),
        ("short", "short", "8 to 1024 characters, got 5"),
        ("password1", "password1", "tried first"),
        ("olga1234", "olga1234", "more than your user name"),
    ],
)
def test_p17_a_password_that_is_not_taken_is_told_and_the_code_stays_good(
    house: AuthHouse, password: str, again: str, says: str
) -> None:
    mailed = code(house)
    got = post(house.visitor(), "/resetpassword", code=mailed, password=password, password2=again)
    assert (got.status, says in got.text) == (422, True)

    assert post(house.visitor(), "/resetpassword", code=mailed, password=NEW, password2=NEW).status == 200


@pytest.mark.parametrize(
    "typed", ["nobody@cern.ch", "' OR '1'='1", "olga", "olga@cern.ch' --", "%", "a\nb", "😀@cern.ch", "x" * 4000]
)
def test_d7_what_is_typed_finds_nobody_else_and_hears_the_same(house: AuthHouse, typed: str) -> None:
    known = post(house.visitor(), "/resetpassword", email="olga@cern.ch")
    mailed = len(house.letters())
    unknown = post(house.visitor(), "/resetpassword", email=typed)

    assert unknown.status == known.status == 200
    assert unknown.text.count("If there is an account with the address") == 1
    assert len(house.letters()) == mailed


def test_the_store_sees_the_same_work_for_an_address_that_is_known_and_one_that_is_not(house: AuthHouse) -> None:
    def statements(email: str) -> list[str]:
        browser, seen = house.visitor(), []
        token = browser.csrf_token()
        execute = house.app.store.database.execute_sql
        house.app.store.database.execute_sql = lambda sql, *rest: (seen.append(sql), execute(sql, *rest))[1]
        try:
            post(browser, "/resetpassword", email=email, csrf_token=token)
        finally:
            del house.app.store.database.execute_sql
        house.letters()
        return seen

    statements("first@cern.ch")  # whatever is only done the first time
    known, unknown = statements("olga@cern.ch"), statements("nobody@cern.ch")
    assert known == unknown
    assert known


def test_nobody_can_have_more_than_three_mails_sent_to_an_account_at_once(house: AuthHouse) -> None:
    for _ in range(5):
        post(house.visitor(), "/resetpassword", email="olga@cern.ch")

    assert len(house.letters()) == 3


def test_a_closed_account_can_not_be_opened_by_a_reset(house: AuthHouse) -> None:
    mailed = code(house)
    ledger.change_account(house.app.store, "olga", active=False)

    assert post(house.visitor(), "/resetpassword", code=mailed, password=NEW, password2=NEW).status == 410
    before = len(house.letters())
    post(house.visitor(), "/resetpassword", email="olga@cern.ch")
    assert len(house.letters()) == before


def test_a_reset_signs_out_every_browser_and_is_told_to_the_owner(house: AuthHouse) -> None:
    browser = house.signed_in("olga")
    post(house.visitor(), "/resetpassword", code=code(house), password=NEW, password2=NEW)

    assert browser.get("/password").status == 401
    assert (house.mails()[-1].recipients, house.mails()[-1].subject) == (
        ("olga@cern.ch",), "Your password was changed",
    )  # fmt: skip


def test_where_no_mail_is_sent_the_page_says_whom_to_ask(make_house: House) -> None:
    house = make_house(mail=None)
    house.add_local()

    assert "This installation sends no mail" in house.visitor().get("/resetpassword").text
    assert post(house.visitor(), "/resetpassword", email="olga@cern.ch").status == 503


# -- one's own password ------------------------------------------------------


def test_who_is_signed_in_changes_the_password_and_stays_signed_in_here_only(house: AuthHouse) -> None:
    here, elsewhere = house.signed_in("olga"), house.signed_in("olga")
    got = post(here, "/password", current=GOOD, password=NEW, password2=NEW)

    assert (got.status, got.header("Location")) == (303, "/password?done=1")
    assert "Your password was changed" in here.get("/password?done=1").text
    assert elsewhere.get("/password").status == 401
    assert (signs_in(house, NEW), signs_in(house, GOOD)) == (True, False)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"current": "wrong"}, "Your present password is another one"),
        ({"current": ""}, "Your present password is another one"),
        ({"password2": "x"}, "The two passwords are not the same"),
        ({"password": "password1", "password2": "password1"}, "tried first"),
    ],
)
def test_a_change_that_is_not_taken_is_told_and_changes_nothing(
    house: AuthHouse, form: dict[str, str], says: str
) -> None:
    browser = house.signed_in("olga")
    got = post(browser, "/password", **({"current": GOOD, "password": NEW, "password2": NEW} | form))

    assert (got.status, says in got.text) == (422, True)
    assert signs_in(house, GOOD)


def test_nobody_changes_a_password_without_signing_in_or_without_the_token_of_the_form(house: AuthHouse) -> None:
    form = {"current": GOOD, "password": NEW, "password2": NEW}

    assert post(house.visitor(), "/password", **form).status == 401
    assert post(house.signed_in("olga"), "/password", csrf_token="made up", **form).status == 403
    assert signs_in(house, GOOD)


def test_who_signs_in_by_another_backend_is_told_that_no_password_is_kept(make_house: House) -> None:
    from tests.web.house import People

    house = make_house(**{"auth.people": People()})
    house.add_local()
    browser = house.signed_in("olga", "aglo")

    assert "signs in by auth.people, which keeps no password here" in browser.get("/password").text
    assert post(browser, "/password", current="aglo", password=NEW, password2=NEW).status == 200
    assert ledger.accounts(house.app.store) == []
