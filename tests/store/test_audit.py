"""Who did what, on every database: found again, and never changed."""

from __future__ import annotations

from typing import Any

import pytest

from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import DeedQuery


def write_some(store: Store, clock: Any) -> None:
    ledger.write_down(store, "olga", "signed in", "auth.local")
    clock.go_on(hours=1)
    ledger.write_down(store, "adam", "changed account", "olga", fields=["roles"])
    clock.go_on(hours=1)
    ledger.write_down(store, "", "sign-in failed", remote="10.0.0.9")


def found(store: Store, limit: int = 10, **query: Any) -> list[str]:
    return [one.deed for one in ledger.find_deeds(store, DeedQuery(**query), limit)]


def test_the_database_itself_refuses_to_change_what_was_done(store: Store) -> None:
    ledger.write_down(store, "olga", "signed in")
    statements = [
        "update deed set user_name = 'somebody else'",
        "delete from deed",
        "delete from deed where number = 1",
    ]
    for statement in [*statements, *([] if store.is_sqlite else ["truncate deed"])]:
        with store.connection(), pytest.raises(Exception, match="only added to"):
            store.database.execute_sql(statement)

    assert [(one.user, one.deed) for one in ledger.deeds(store)] == [("olga", "signed in")]


def test_deeds_of_a_person_are_those_by_them_and_to_them(store: Store, clock: Any) -> None:
    write_some(store, clock)

    assert found(store, people=("olga",)) == ["changed account", "signed in"]


def test_deeds_are_found_by_kind_and_by_time(store: Store, clock: Any) -> None:
    began = clock.now
    write_some(store, clock)
    later = ledger.deeds(store)[1].at

    assert found(store, deed="sign-in failed") == ["sign-in failed"]
    assert found(store, since=later) == ["sign-in failed", "changed account"]
    assert found(store, until=later) == ["signed in"]
    assert found(store, since=began, until=clock.now) == ["changed account", "signed in"]


def test_older_deeds_are_reached_by_number(store: Store, clock: Any) -> None:
    write_some(store, clock)
    first = ledger.find_deeds(store, DeedQuery(), 2)

    assert found(store, before=first[-1].number) == ["signed in"]


def test_every_kind_of_deed_is_named_once(store: Store, clock: Any) -> None:
    write_some(store, clock)
    write_some(store, clock)

    assert ledger.deed_names(store) == ["changed account", "sign-in failed", "signed in"]


def test_a_name_as_long_as_a_book_is_cut(store: Store) -> None:
    ledger.write_down(store, "x" * 100_000, "sign-in failed", "y" * 100_000)

    (one,) = ledger.deeds(store)
    assert (len(one.user), len(one.subject)) == (500, 500)
