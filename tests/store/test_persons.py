"""Who is who: persons and what backends call them, on every database."""

from __future__ import annotations

from typing import Any

import pytest

from wwt_framework.errors import NotFound, WwtError
from wwt_framework.model import User
from wwt_framework.plugin import Account
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import Person


def come(store: Store, name: str = "olga", backend: str = "auth.local", seen: bool = True, **more: Any) -> Person:
    return ledger.meet(store, User(name, backend=backend, **more), seen=seen)


def test_who_comes_again_is_the_same_person(store: Store, clock: Any) -> None:
    first = come(store, roles=frozenset({"viewer"}))
    clock.go_on(days=1)
    again = come(store, roles=frozenset({"operator"}), email="olga@example.org")

    assert (first.name, again.name, len(ledger.persons(store))) == ("olga", "olga", 1)
    assert again.seen_at == clock.now
    assert (again.email, again.all_roles) == ("olga@example.org", {"operator"})


def test_a_token_leaves_the_roles_that_the_backend_gave(store: Store, clock: Any) -> None:
    come(store, roles=frozenset({"operator"}))
    clock.go_on(days=1)
    by_token = come(store, seen=False, roles=frozenset(), scope=frozenset({"viewer"}))

    assert by_token.all_roles == {"operator"}
    assert by_token.seen_at == clock.now


def test_two_people_are_not_one_because_they_are_called_alike(store: Store) -> None:
    come(store)
    other = come(store, backend="auth.ldap")
    third = come(store, "OLGA", backend="auth.oidc")

    assert (other.name, third.name) == ("olga (ldap)", "OLGA (oidc)")
    assert come(store, backend="auth.ldap").name == "olga (ldap)"
    assert come(store, "olga (ldap)", backend="auth.local").name == "olga (ldap) (local)"


def test_linked_identities_are_one_person_with_all_its_names(store: Store) -> None:
    come(store)
    come(store, backend="auth.ldap")
    person = ledger.link(store, "auth.ldap", "olga", "olga", by="adam")

    assert person.names == ("olga", "olga (ldap)")
    assert come(store, backend="auth.ldap") == ledger.find_person(store, "olga")
    assert [one.name for one in ledger.persons(store)] == ["olga"]
    assert ledger.names_of(store, "olga (ldap)") == ("olga", "olga (ldap)")
    assert {one.backend: one.linked_by for one in person.identities} == {"auth.local": "", "auth.ldap": "adam"}


def test_an_unlinked_identity_is_who_it_was_before(store: Store) -> None:
    come(store)
    come(store, backend="auth.ldap")
    ledger.link(store, "auth.ldap", "olga", "olga", by="adam")
    ledger.unlink(store, "auth.ldap", "olga")

    assert [one.name for one in ledger.persons(store)] == ["olga", "olga (ldap)"]
    assert ledger.names_of(store, "olga") == ("olga",)


def test_the_first_identity_of_a_person_can_be_unlinked_too(store: Store) -> None:
    come(store)
    come(store, "oexample", backend="auth.ldap")
    ledger.link(store, "auth.ldap", "oexample", "olga", by="adam")
    other = ledger.unlink(store, "auth.local", "olga")

    assert other.name == "olga (local)"
    assert come(store).name == "olga (local)"
    assert come(store, "oexample", backend="auth.ldap").name == "olga"


def test_a_chain_of_links_leads_to_one_person(store: Store) -> None:
    for name in ("a", "b", "c"):
        come(store, name)
    ledger.link(store, "auth.local", "a", "b", by="adam")
    ledger.link(store, "auth.local", "b", "c", by="adam")
    ledger.link(store, "auth.local", "a", "c", by="adam")

    assert sorted(ledger.names_of(store, "a")) == ["a", "b", "c"]
    assert [one.name for one in ledger.persons(store)] == ["c"]


def test_what_is_not_there_is_said(store: Store) -> None:
    come(store)

    with pytest.raises(NotFound, match=r"Nobody called 'nora' has come by 'auth.ldap' yet"):
        ledger.link(store, "auth.ldap", "nora", "olga", by="adam")
    with pytest.raises(NotFound, match=r"no person called .nora."):
        ledger.link(store, "auth.local", "olga", "nora", by="adam")
    with pytest.raises(WwtError, match="the only way in"):
        ledger.unlink(store, "auth.local", "olga")
    with pytest.raises(WwtError, match="no role 'root'"):
        ledger.change_person(store, "olga", roles=["root"])


def test_a_disabled_person_is_so_under_all_names(store: Store, clock: Any) -> None:
    come(store)
    ledger.change_person(store, "OLGA", disabled_at=clock.now, disabled_by="adam")

    assert ledger.disabled_among(store, ["olga"])
    assert not ledger.disabled_among(store, ["nora"])
    ledger.change_person(store, "olga", disabled_at=None)
    assert not ledger.disabled_among(store, ["olga"])


def test_each_request_of_a_script_writes_nothing(store: Store, clock: Any) -> None:
    come(store, seen=False)
    first = clock.now
    clock.go_on(minutes=30)
    come(store, seen=False)

    (person,) = ledger.persons(store)
    assert person.seen_at == first


@pytest.mark.parametrize("name", ["auto", "WWT", "break-glass"])
def test_nobody_is_called_as_the_house_itself_is(store: Store, name: str) -> None:
    assert come(store, name, "auth.ldap").name == f"{name} (ldap)"
    with pytest.raises(WwtError, match="in which this installation itself acts"):
        ledger.add_account(store, Account(name, "!"))


def test_standing_differs_after_any_change_of_account_or_person_and_not_before(store: Store) -> None:
    ledger.add_account(store, Account("olga", "secret", frozenset({"viewer"})))
    come(store)
    seen = [ledger.standing(store, "OLGA")]
    come(store)
    assert ledger.standing(store, "olga") == seen[0]
    for change in (
        lambda: ledger.change_account(store, "olga", secret="another"),
        lambda: ledger.change_account(store, "olga", roles={"operator"}),
        lambda: ledger.change_account(store, "olga", active=False),
        lambda: ledger.change_person(store, "olga", roles={"admin"}),
        lambda: ledger.change_person(store, "olga", disabled_at=store.now()),
        lambda: (come(store, "adam"), ledger.link(store, "auth.local", "olga", "adam", "adam")),
    ):
        change()
        seen.append(ledger.standing(store, "olga"))

    assert len(set(seen)) == 7
