"""Tokens: of people and of executors, shown once, kept as hashes, with an end; by Bearer and by basic."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.plugins.auth.auth_house import GOOD, AuthHouse, post
from tests.web.house import Got, People
from wwt_framework.model import User
from wwt_framework.store import ledger
from wwt_framework.testing import AuthContract
from wwt_framework.testing.running import Running
from wwt_plugins.actions.executor import Executor
from wwt_plugins.auth.token import TokenBackend

House = Callable[..., AuthHouse]


@pytest.fixture
def house(make_house: House) -> AuthHouse:
    made = make_house(**{"auth.people": People()})
    made.add("auth.token", TokenBackend)
    local = made.add_local()
    local.add("olga", GOOD, ["operator"], "Olga Example", "olga@cern.ch")
    local.add("adam", GOOD, ["admin"])
    return made


def text_of(got: Got) -> str:
    (found,) = set(re.findall(r"wwt_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", got.text))
    return str(found)


def made(house: AuthHouse, name: str = "olga", scope: str = "operator", **form: str) -> str:
    """A token that *name* makes on the page."""
    got = post(house.signed_in(name), "/tokens", **({"scope": scope, "label": "a script", "days": "30"} | form))
    assert got.status == 200, got.text
    return text_of(got)


def bearer(token: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Accept": "application/json", **more}


def basic(name: str, password: str) -> dict[str, str]:
    secret = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {secret}", "Accept": "application/json"}


def may(house: AuthHouse, headers: dict[str, str], role: str) -> bool:
    path = {"admin": "/mail", "operator": "/submitaction"}[role]
    return house.visitor().get(path, headers=headers).status not in (401, 403)


# -- made, shown once, kept as a hash ------------------------------------------


def test_a_token_is_shown_once_and_opens_what_it_gives(house: AuthHouse) -> None:
    browser = house.signed_in("olga")
    got = post(browser, "/tokens", scope="operator", label="a script", days="30")
    token = text_of(got)

    assert got.header("Cache-Control") == "no-store"
    assert token not in browser.get("/tokens").text
    assert f"wwt_{token[4:16]}_…" in browser.get("/tokens").text
    assert may(house, bearer(token), "operator")
    assert not may(house, bearer(token), "admin")


def test_a_token_is_kept_as_its_sha_256_with_a_prefix_and_stands_in_no_audit(house: AuthHouse) -> None:
    token = made(house)

    with house.app.store.connection():
        kept = str([list(table.select().dicts()) for table in house.app.store.tables.models])
    assert token[4:16] in kept
    assert token not in kept
    assert token[17:] not in kept


def test_a_token_that_reads_only_changes_nothing(house: AuthHouse) -> None:
    token = made(house, scope="viewer")

    assert house.visitor().get("/getprepids", headers=bearer(token)).status == 200
    assert not may(house, bearer(token), "operator")


def test_a_token_gives_never_more_than_its_owner_has_at_that_time(house: AuthHouse) -> None:
    token = made(house, "adam", "admin")
    assert may(house, bearer(token), "admin")
    ledger.change_account(house.app.store, "adam", roles=["viewer"])
    fresh = made(house, "olga")
    ledger.change_account(house.app.store, "olga", roles=["viewer"])

    assert not may(house, bearer(fresh), "operator")


def test_nobody_makes_a_token_that_gives_more_than_they_have(house: AuthHouse) -> None:
    for scope in ("admin", "machine", "root", ""):
        got = post(house.signed_in("olga"), "/tokens", scope=scope, label="", days="30")
        assert (got.status, "A token of yours can give viewer or operator" in got.text) == (422, True)


def test_a_token_of_a_closed_account_opens_nothing(house: AuthHouse) -> None:
    token = made(house)
    ledger.change_account(house.app.store, "olga", active=False)

    assert house.visitor().get("/getprepids", headers=bearer(token)).status in (401, 403)


def test_a_person_of_another_backend_has_tokens_too(house: AuthHouse) -> None:
    browser = house.signed_in("vera", "arev")
    token = text_of(post(browser, "/tokens", scope="viewer", label="", days="1"))

    assert house.visitor().get("/getprepids", headers=bearer(token)).status == 200
    assert not may(house, bearer(token), "operator")


def test_people_of_one_name_in_two_backends_do_not_see_each_other_s_tokens(house: AuthHouse) -> None:
    token = made(house)
    other = house.signed_in("olga", "aglo")

    assert token[4:16] not in other.get("/tokens").text
    assert post(other, "/tokens/revoke", id=token[4:16]).status == 404
    assert may(house, bearer(token), "operator")


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"days": "0"}, "1 to 366 days, got 0"),
        ({"days": "367"}, "1 to 366 days, got 367"),
        ({"days": "soon"}, "expected a number, got &#39;soon&#39;"),
        ({"days": ""}, "expected a number"),
        ({"label": "x" * 101}, "at most 100 characters"),
        ({"label": "a\u202eb"}, "at most 100 characters that can be printed"),
    ],
)
def test_what_can_not_be_a_token_is_said_in_words(house: AuthHouse, form: dict[str, str], says: str) -> None:
    got = post(house.signed_in("olga"), "/tokens", **({"scope": "viewer", "label": "", "days": "30"} | form))

    assert got.status == 422
    assert says in got.text


# -- its end -------------------------------------------------------------------


def test_a_token_ends_at_its_time(house: AuthHouse) -> None:
    token = made(house, days="1")
    clock = house.app.store.clock
    house.app.store.clock = lambda: clock() + timedelta(days=1, minutes=1)

    assert house.visitor().get("/getprepids", headers=bearer(token)).status == 401


def test_a_revoked_token_ends_at_once(house: AuthHouse) -> None:
    token = made(house)
    assert may(house, basic("olga", token), "operator")
    assert post(house.signed_in("olga"), "/tokens/revoke", id=token[4:16]).header("Location") == "/tokens"

    assert house.visitor().get("/getprepids", headers=bearer(token)).status == 401
    assert house.visitor().get("/getprepids", headers=basic("olga", token)).status == 401


def test_a_rotated_token_works_beside_the_new_one_until_the_overlap_ends(house: AuthHouse) -> None:
    old = made(house)
    new = text_of(post(house.signed_in("olga"), "/tokens/rotate", id=old[4:16]))
    assert [may(house, bearer(token), "operator") for token in (old, new)] == [True, True]
    clock = house.app.store.clock
    house.app.store.clock = lambda: clock() + timedelta(hours=24, minutes=1)

    assert [may(house, bearer(token), "operator") for token in (old, new)] == [False, True]


def test_nobody_revokes_or_rotates_somebody_else_s_token_but_an_admin(house: AuthHouse) -> None:
    token = made(house, "adam", "viewer")
    for path in ("/tokens/revoke", "/tokens/rotate"):
        assert post(house.signed_in("olga"), path, id=token[4:16]).status == 404
        assert post(house.signed_in("olga"), path, id="000000000000").status == 404
    assert (
        post(house.signed_in("adam"), "/tokens/revoke", id=token[4:16], back="all").header("Location") == "/tokens/all"
    )


def test_a_token_makes_no_tokens_and_starts_no_session(house: AuthHouse) -> None:
    token = made(house, "adam", "admin")
    program = house.visitor()

    assert program.get("/tokens", headers=bearer(token)).status == 403
    assert program.post("/tokens", headers=bearer(token), form={"scope": "admin", "days": "30"}).status == 403
    assert program.post("/tokens/all", headers=bearer(token), form={"name": "x", "days": "30"}).status == 403
    program.passwords["adam"] = token
    assert program.sign_in("adam").status == 401


def test_the_last_use_is_told(house: AuthHouse) -> None:
    token = made(house)
    browser = house.signed_in("olga")
    assert ">never<" in browser.get("/tokens").text
    house.visitor().get("/getprepids", headers=bearer(token))

    assert ">never<" not in browser.get("/tokens").text


@pytest.mark.parametrize("change", [lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"), lambda t: t + "A", str.upper])
def test_a_changed_token_opens_nothing(house: AuthHouse, change: Callable[[str], str]) -> None:
    token = made(house)

    assert house.visitor().get("/getprepids", headers=bearer(change(token))).status == 401


def test_a_token_of_one_name_is_no_password_of_another(house: AuthHouse) -> None:
    token = made(house)

    assert house.visitor().get("/getprepids", headers=basic("OLGA", token)).status == 200
    assert house.visitor().get("/getprepids", headers=basic("adam", token)).status == 401


# -- of executors --------------------------------------------------------------


def test_an_admin_makes_a_token_for_an_executor_which_fetches_and_reports(make_house: House) -> None:
    house = make_house()
    house.add("actions.executor", Executor)
    house.add("auth.token", TokenBackend)
    house.add_local().add("adam", GOOD, ["admin"])
    token = text_of(post(house.signed_in("adam"), "/tokens/all", name="unified", label="", days="30"))
    program = house.visitor()

    assert program.get("/getaction", headers=bearer(token)).json == {}
    report = program.post("/reportaction", headers=bearer(token), json_body={"workflows": []})
    assert report.json["valid_key"] is True
    alive = program.post("/api/v1/executor/heartbeat", headers=bearer(token), json_body={"doing": "nothing"})
    assert (alive.status, alive.json["executor"]) == (200, "unified")
    assert program.get("/mail", headers=bearer(token)).status == 403


@pytest.mark.parametrize("name", ["", "a b", "<b>", "x" * 101, "-x", "ü"])
def test_what_can_not_be_the_name_of_an_executor_is_refused(house: AuthHouse, name: str) -> None:
    got = post(house.signed_in("adam"), "/tokens/all", name=name, label="", days="30")

    assert (got.status, "An executor&#39;s name has letters" in got.text) == (422, True)


def test_only_admins_see_everybody_s_tokens(house: AuthHouse) -> None:
    token = made(house)

    assert house.signed_in("olga").get("/tokens/all").status == 403
    assert token[4:16] in house.signed_in("adam").get("/tokens/all").text


def test_tokens_are_told_as_csv_and_json_without_secrets(house: AuthHouse) -> None:
    token = made(house, label="=1+1")
    browser = house.signed_in("olga")

    (row,) = browser.get("/tokens?format=json").json
    assert (row["id"], row["owner"], row["scope"]) == (token[4:16], "olga", "operator")
    text = browser.get("/tokens?format=csv").text
    assert "'=1+1" in text
    assert token[17:] not in text
    assert browser.get("/tokens?format=xml").status == 400


# -- when it ends soon ---------------------------------------------------------


def test_owners_are_mailed_once_a_week_before_a_token_ends(house: AuthHouse) -> None:
    made(house, days="5")
    made(house, days="30")
    for _ in range(2):
        house.app.clockwork.run_now("auth.token.watch")

    (mail,) = [one for one in house.mails() if one.asked_by == "auth.token"]
    assert (mail.recipients, mail.subject) == (("olga@cern.ch",), "A token of olga ends soon")
    assert "https://wwt.example.org/tokens\n" in mail.text


def test_health_warns_of_an_executor_whose_token_ends_soon(house: AuthHouse) -> None:
    plugin = house.app.house.hooks.plugins["auth.token"]
    post(house.signed_in("adam"), "/tokens/all", name="unified", label="", days="3")
    assert "the one of the executor unified ends at" in plugin.report_health().text
    post(house.signed_in("adam"), "/tokens/all", name="unified", label="", days="90")

    assert plugin.report_health().ok


# -- wwt token -----------------------------------------------------------------


def run(house: AuthHouse, *arguments: str) -> Any:
    plugin = house.app.house.hooks.plugins["auth.token"]
    (command,) = plugin.register_commands()
    ran = CliRunner().invoke(command.command, list(arguments))
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    return ran


def test_the_command_makes_lists_rotates_and_revokes(house: AuthHouse) -> None:
    assert run(house, "list").output == "There are no tokens; make one with: wwt token add NAME\n"
    added = run(house, "add", "unified", "--role", "machine", "--label", "production")
    token = added.stdout.strip()
    assert "It is not shown again" in added.stderr
    assert house.visitor().get("/getprepids", headers=bearer(token)).status == 200
    assert f"{token[4:16]}  unified  machine  until" in run(house, "list").output
    rotated = run(house, "rotate", token[4:16], "--overlap-hours", "0").stdout.strip()
    assert house.visitor().get("/getprepids", headers=bearer(token)).status == 401
    assert run(house, "revoke", rotated[4:16]).output == f"The token {rotated[4:16]} of unified has ended.\n"

    assert house.visitor().get("/getprepids", headers=bearer(rotated)).status == 401


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("add", "nobody"), "There is no local account called 'nobody'"),
        (("add", "olga", "--role", "admin"), "olga has not the role admin"),
        (("add", "olga", "--days", "9999"), "1 to 366 days, got 9999"),
        (("add", "a b", "--role", "machine"), "An executor's name has letters"),
        (("revoke", "000000000000"), "There is no token '000000000000', or it has ended."),
        (("rotate", "x"), "There is no token 'x'"),
    ],
)
def test_the_command_refuses_in_words(house: AuthHouse, arguments: tuple[str, ...], says: str) -> None:
    ran = run(house, *arguments)

    assert ran.exit_code == 1
    assert says in ran.output


class TestContract(AuthContract):
    plugin = "auth.token"
    username = "olga"

    def prepare(self, it: Running) -> None:
        made = it.plugin._tokens.make(User("olga", backend="auth.local"), "viewer", "", 1)
        type(self).password = made.text

    def make_options(self, folder: Path) -> dict[str, Any]:
        return {}


def test_who_broke_the_glass_has_no_tokens_of_their_own(house: AuthHouse) -> None:
    """A token would stand for a backend that is none, and open nothing."""
    code, _ = ledger.make_break_glass(house.app.store, "root@host", timedelta(minutes=30))
    client = house.visitor()
    post(client, "/break-glass", code=code)
    got = client.get("/tokens")

    assert got.status == 403
    assert "vouches for nobody later" in got.text
    assert 'href="/tokens"' not in client.get("/sessions").text
    assert client.get("/tokens/all").status == 200


def test_the_example_beside_a_new_token_is_a_whole_command(house: AuthHouse) -> None:
    got = post(house.signed_in("olga"), "/tokens", label="x", scope="viewer", days="9")

    assert '$TOKEN" https://wwt.example.org/getprepids</pre>' in got.text
