from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from wwt_framework.errors import NotFound, PluginError, WwtError
from wwt_framework.model import User
from wwt_framework.plugin import Account
from wwt_framework.store import Store, ledger

OLGA = Account("Olga", "hash", frozenset({"operator", "viewer"}), "Olga Ópera", "olga@example.org")


def test_an_account_comes_back_as_it_was_added(store: Store) -> None:
    ledger.add_account(store, OLGA)

    assert ledger.find_account(store, "Olga") == OLGA
    assert ledger.find_account(store, "nobody") is None


@pytest.mark.parametrize("name", ["olga", "OLGA", "oLGa"])
def test_names_are_found_and_taken_whatever_their_case(store: Store, name: str) -> None:
    ledger.add_account(store, OLGA)

    assert ledger.find_account(store, name) == OLGA
    with pytest.raises(WwtError, match=f"There is an account called '{name}' already"):
        ledger.add_account(store, Account(name, "other"))


def test_names_are_the_same_however_their_accents_are_typed(store: Store) -> None:
    ledger.add_account(store, Account("Jos\u00e9 Straße", "hash"))

    assert ledger.find_account(store, "JOSE\u0301 STRASSE") is not None


@pytest.mark.parametrize("name", ["олег", "奥尔加", "o'brien", "a b", "😀", "x" * 100, "'; drop table account; --"])
def test_names_of_any_language_are_names(store: Store, name: str) -> None:
    ledger.add_account(store, Account(name, "hash"))

    assert [account.name for account in ledger.accounts(store)] == [name]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "A name has 1 to 100 characters, got 0."),
        ("x" * 101, "A name has 1 to 100 characters, got 101."),
        ("a:b", "A name can not have the character ':' in it"),
        ("a\0b", r"A name can not have the character '\x00' in it"),
        ("a\nb", r"A name can not have the character '\n' in it"),
        ("a\u202eb", r"A name can not have the character '\u202e' in it"),
        ("\ud800", r"A name can not have the character '\ud800' in it"),
        (" a", "A name neither begins nor ends with a space"),
    ],
)
def test_what_can_not_be_a_name_is_refused_in_words(store: Store, name: str, says: str) -> None:
    with pytest.raises(WwtError) as caught:
        ledger.add_account(store, Account(name, "hash"))

    assert says in str(caught.value)


def test_an_unknown_role_is_refused_in_words(store: Store) -> None:
    with pytest.raises(WwtError, match="There is no role 'root'; there are viewer, operator, admin, machine"):
        ledger.add_account(store, Account("olga", "hash", frozenset({"root"})))
    ledger.add_account(store, OLGA)
    with pytest.raises(WwtError, match="There is no role 'root'"):
        ledger.change_account(store, "olga", roles=["root"])


def test_fields_of_an_account_can_be_changed(store: Store) -> None:
    ledger.add_account(store, OLGA)

    changed = ledger.change_account(store, "OLGA", roles=["admin"], active=False, secret="new")

    assert changed == Account("Olga", "new", frozenset({"admin"}), OLGA.full_name, OLGA.email, active=False)
    assert ledger.find_account(store, "olga") == changed


def test_a_name_can_not_be_changed(store: Store) -> None:
    ledger.add_account(store, OLGA)

    with pytest.raises(WwtError, match="An account has no 'name' to change; there are secret, roles"):
        ledger.change_account(store, "olga", name="pavel")


def test_changing_nobody_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="There is no account called 'nobody'"):
        ledger.change_account(store, "nobody", active=False)


def test_p19_who_did_what_can_be_asked_later(store: Store, clock: Any) -> None:
    ledger.write_down(store, "olga", "reset", "HIG-1", remote="127.0.0.1", workflows=3)
    ledger.write_down(store, "pavel", "reset", "HIG-2")
    ledger.write_down(store, "pavel", "signed in", "auth.local")

    assert [deed.user for deed in ledger.deeds(store)] == ["pavel", "pavel", "olga"]
    (deed,) = ledger.deeds(store, deed="reset", subject="HIG-1")
    assert (deed.user, deed.at, deed.remote, deed.details) == ("olga", clock.now, "127.0.0.1", {"workflows": 3})


# -- sessions -----------------------------------------------------------------


def test_the_store_knows_a_session_only_by_the_digest_of_its_token(store: Store) -> None:
    session = ledger.begin_session(store, User("olga"))

    with store.connection():
        (row,) = store.tables.session.select().dicts()
    assert row["digest"] == hashlib.sha256(session.token.encode()).hexdigest()
    assert session.token not in str(row)
    assert len(session.token) == 43  # 32 bytes in base64 without padding


def test_a_session_comes_back_by_its_token_without_it(store: Store) -> None:
    user = User("olga", "Olga", "olga@example.org", frozenset({"operator", "viewer"}), "auth.local")
    session = ledger.begin_session(store, user, frozenset({"operator"}), "127.0.0.1", {"state": "x"})

    found = ledger.find_session(store, session.token)
    assert found
    assert found.token == ""
    assert (found.user, found.vouched, found.remote, found.scratch, found.csrf) == (
        user, {"operator"}, "127.0.0.1", {"state": "x"}, session.csrf,
    )  # fmt: skip


@pytest.mark.parametrize("token", ["", "x", "\0", "\ud800", "é" * 100_000])
def test_a_token_that_is_none_finds_nothing(store: Store, token: str) -> None:
    ledger.begin_session(store, User("olga"))

    assert ledger.find_session(store, token) is None


def test_of_several_requests_one_is_to_ask_for_roles(store: Store, clock: Any) -> None:
    session = ledger.begin_session(store, User("olga"))
    clock.go_on(minutes=5)

    with ThreadPoolExecutor(4) as pool:
        claims = list(pool.map(lambda _: ledger.claim_roles(store, session), range(4)))

    assert sorted(claims) == [False, False, False, True]


def test_somebody_can_be_signed_out_everywhere(store: Store) -> None:
    sessions = [ledger.begin_session(store, User(name)) for name in ("olga", "olga", "pavel")]

    assert ledger.end_sessions_of(store, "olga") == 2
    assert [ledger.find_session(store, session.token) is None for session in sessions] == [True, True, False]


def test_sessions_that_are_old_idle_or_led_nowhere_are_forgotten(store: Store, clock: Any) -> None:
    old = ledger.begin_session(store, User("old"))
    began_before = clock.go_on(hours=1)
    idle, nowhere = ledger.begin_session(store, User("idle")), ledger.begin_session(store, User())
    seen_before = clock.go_on(hours=1)
    fresh = ledger.begin_session(store, User("fresh"))
    ledger.touch_session(store, old)

    assert ledger.forget_sessions(store, began_before, seen_before, seen_before) == 3
    assert [s.user.name for s in (old, idle, nowhere, fresh) if ledger.find_session(store, s.token)] == ["fresh"]


# -- memory -------------------------------------------------------------------


def test_a_plugin_s_memory_is_a_mapping_of_its_own(store: Store) -> None:
    mine, other = ledger.Memory(store, "auth.mine"), ledger.Memory(store, "auth.other")
    mine["last"] = {"id": [1, 2, None]}
    mine["last"] = {"id": [3]}
    mine["a\0b"] = "ü"
    other["last"] = 1
    del other["last"]

    assert dict(mine) == {"a\ufffdb": "ü", "last": {"id": [3]}}
    assert (len(mine), len(other), mine.get("nothing"), "last" in other) == (2, 0, None, False)


def test_what_a_plugin_does_not_remember_is_a_key_error(store: Store) -> None:
    memory = ledger.Memory(store, "auth.mine")

    with pytest.raises(KeyError):
        memory["nothing"]
    with pytest.raises(KeyError):
        del memory["nothing"]


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}, b"bytes"])
def test_only_json_can_be_remembered(store: Store, value: object) -> None:
    with pytest.raises(PluginError, match=r"plugin 'auth.mine': memory\['x'\] can not be kept as JSON"):
        ledger.Memory(store, "auth.mine")["x"] = value


def test_the_random_keys_of_an_installation_stay_the_same(store: Store) -> None:
    first = ledger.secret(store, "forms")

    assert ledger.secret(store, "forms") == first
    assert ledger.secret(store, "other") != first
    assert len(first) == 32
