from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from wwt_framework.errors import NotFound, WwtError
from wwt_framework.plugin import Account, Credential
from wwt_framework.services.doors import lend
from wwt_framework.store import Store, ledger

SOON = timedelta(hours=1)


def door(store: Store, plugin: str = "auth.local") -> Any:
    nobody: Any = None
    return lend(store, "auth", plugin, nobody)["credentials"]


def test_d_i_a_credential_comes_back_as_it_was_added(store: Store) -> None:
    mine = door(store)
    kept = mine.add(Credential("reset", "abc", "Olga", {"n": 1}, store.now() + SOON))

    assert mine.find("reset", "abc") == kept
    assert (kept.owner, kept.details, kept.used_at) == ("olga", {"n": 1}, None)
    assert kept.created_at is not None


def test_a_plugin_does_not_see_what_another_one_keeps(store: Store) -> None:
    door(store).add(Credential("token", "abc", "olga"))

    other = door(store, "auth.token")
    assert (other.find("token", "abc"), other.all("token"), other.take("token", "abc")) == (None, [], None)
    assert other.forget(["token"], "olga") == 0


def test_a_second_one_of_the_same_name_is_refused(store: Store) -> None:
    door(store).add(Credential("token", "abc", "olga"))

    with pytest.raises(WwtError, match="There is a token of this name already"):
        door(store).add(Credential("token", "abc", "pavel"))


def test_what_has_expired_is_not_there_any_more(store: Store) -> None:
    mine = door(store)
    mine.add(Credential("reset", "old", "olga", {}, store.now()))
    mine.add(Credential("reset", "new", "olga", {}, store.now() + SOON))

    assert [one.name for one in mine.all("reset")] == ["new"]
    assert (mine.find("reset", "old"), mine.take("reset", "old")) == (None, None)
    with pytest.raises(NotFound):
        mine.change("reset", "old", details={})


def test_of_many_who_take_a_code_at_once_one_gets_it(store: Store) -> None:
    mine = door(store)
    mine.add(Credential("reset", "abc", "olga"))
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: mine.take("reset", "abc"), range(8)))

    assert [one.name for one in taken if one] == ["abc"]


def test_credentials_are_listed_by_owner_newest_first(store: Store) -> None:
    mine = door(store)
    for name, owner in (("a", "olga"), ("b", "OLGA"), ("c", "pavel")):
        mine.add(Credential("token", name, owner))

    assert [one.name for one in mine.all("token", "Olga")] == ["b", "a"]
    assert [one.name for one in mine.all("token")] == ["c", "b", "a"]


def test_a_changed_credential_keeps_the_rest(store: Store) -> None:
    mine = door(store)
    before = mine.add(Credential("token", "a", "olga", {"n": 1}))
    until = store.now() + SOON

    after = mine.change("token", "a", expires_at=until)

    assert (after.details, after.created_at) == ({"n": 1}, before.created_at)
    assert abs(after.expires_at - until) < timedelta(milliseconds=1)


def test_the_last_use_is_noted(store: Store) -> None:
    mine = door(store)
    mine.add(Credential("token", "a", "olga"))

    mine.use("token", "a")
    mine.use("token", "nobody")

    assert mine.find("token", "a").used_at is not None


def test_all_of_one_owner_and_all_that_expired_can_be_forgotten(store: Store) -> None:
    mine = door(store)
    mine.add(Credential("reset", "a", "olga"))
    mine.add(Credential("confirm", "b", "olga"))
    mine.add(Credential("reset", "c", "pavel", {}, store.now()))

    assert mine.forget(["reset", "confirm"]) == 1
    assert mine.forget(["reset", "confirm"], "OLGA") == 2


def test_d7_accounts_are_found_by_address_whatever_its_case_and_nothing_is_built_of_it(store: Store) -> None:
    ledger.add_account(store, Account("olga", "hash", email="Olga@example.org"))
    ledger.add_account(store, Account("nora", "hash"))

    assert [one.name for one in ledger.accounts_with_email(store, "OLGA@EXAMPLE.ORG")] == ["olga"]
    for typed in ("", "' OR '1'='1", "%", "olga@example.org' --", "\0"):
        assert ledger.accounts_with_email(store, typed) == []
