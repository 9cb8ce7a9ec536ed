"""How often one may try to sign in, and who is held back by whom."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

from tests.services.test_access import Clock, Gate, basic
from wwt_framework.errors import NotSignedIn, TooOften
from wwt_framework.options import HouseOptions, Limit, LimitsOptions
from wwt_framework.plugin import Visit
from wwt_framework.services.access import Browser, Limits
from wwt_framework.services.access.limits import network_of
from wwt_framework.store import Store, ledger

SIGN_IN = Limit(per_account=3, per_address=5, minutes=15)


@pytest.fixture
def gate() -> Iterator[Gate]:
    store = Store.memory(Clock())
    gate = Gate(store, store.clock)
    gate.options.limits = LimitsOptions(sign_in=SIGN_IN)
    yield gate
    store.close()


def guess(gate: Gate, name: str = "olga", remote: str = "10.0.0.1") -> None:
    with pytest.raises(NotSignedIn):
        gate.access.sign_in(name, "wrong", Browser(remote))


def test_after_too_many_guesses_not_even_the_right_password_is_tried(gate: Gate) -> None:
    for _ in range(3):
        guess(gate)
    asked = gate.backend.asked

    with pytest.raises(
        TooOften, match=r"^There were too many tries to sign in\. Try again in 15 minutes, at 12:15:00 UTC\.$"
    ):
        gate.access.sign_in("olga", "correct: horse", Browser("10.0.0.2"))
    assert gate.backend.asked == asked
    gate.clock.go_on(minutes=15)
    gate.access.sign_in("olga", "correct: horse", Browser("10.0.0.2"))


def test_who_does_not_exist_is_held_back_in_the_same_words(gate: Gate) -> None:
    said = []
    for name in ("olga", "nobody"):
        for number in range(3):
            guess(gate, name, f"10.0.{number}.1")
        with pytest.raises(TooOften) as caught:
            gate.access.sign_in(name, "wrong", Browser("10.9.9.9"))
        said.append((str(caught.value), caught.value.again_s))

    assert said[0] == said[1]


def test_names_are_counted_however_they_are_written(gate: Gate) -> None:
    for name in ("olga", "OLGA", " Olga "):
        guess(gate, name)

    with pytest.raises(TooOften):
        gate.access.sign_in("olga", "correct: horse")


def test_one_address_can_not_try_many_names(gate: Gate) -> None:
    for number in range(5):
        guess(gate, f"user{number}")

    with pytest.raises(TooOften):
        gate.access.sign_in("user9", "wrong", Browser("10.0.0.1"))
    gate.access.sign_in("olga", "correct: horse", Browser("10.0.0.2"))


def test_the_right_password_does_not_count(gate: Gate) -> None:
    for _ in range(20):
        gate.access.sign_in("olga", "correct: horse", Browser("10.0.0.1"))
        gate.another_process().visitor("", basic("olga", "correct: horse"), Visit("GET", "/", {}, remote="10.0.0.1"))


def test_all_processes_count_together(gate: Gate) -> None:
    for _ in range(3):
        with pytest.raises(NotSignedIn):
            gate.another_process().sign_in("olga", "wrong")

    with pytest.raises(TooOften):
        gate.another_process().sign_in("olga", "correct: horse")


def test_basic_is_counted_with_the_form(gate: Gate) -> None:
    for _ in range(3):
        with pytest.raises(NotSignedIn):
            gate.visit(authorization=basic("olga", "wrong"))

    with pytest.raises(TooOften):
        gate.visit(authorization=basic("olga", "correct: horse"))
    with pytest.raises(TooOften):
        gate.access.sign_in("olga", "correct: horse")


def test_who_is_known_by_basic_already_is_not_locked_out_by_others(gate: Gate) -> None:
    gate.visit(authorization=basic("olga", "correct: horse"))
    for number in range(3):
        guess(gate, "olga", f"10.0.0.{number}")

    assert gate.visit(authorization=basic("olga", "correct: horse")).user.name == "olga"


def test_failures_and_the_last_try_are_written_down(gate: Gate) -> None:
    for _ in range(3):
        guess(gate)
    with pytest.raises(TooOften):
        gate.access.sign_in("olga", "wrong", Browser("10.0.0.1"))

    deeds = [(deed.deed, deed.user, deed.remote) for deed in ledger.deeds(gate.store)]
    failed = ("sign-in failed", "olga", "10.0.0.1")
    assert deeds == [failed, ("last try: sign in", "olga", "10.0.0.1"), failed, failed]


def test_the_table_of_tries_tells_nobody_who_tried(gate: Gate) -> None:
    guess(gate)

    with gate.store.connection():
        keys = [row.key for row in gate.store.tables.attempt.select()]
    assert len(keys) == 2
    assert not any("olga" in key or "10.0" in key for key in keys)


def test_a_changed_plugins_yml_counts_at_once(gate: Gate) -> None:
    for _ in range(3):
        guess(gate)
    gate.options.limits = LimitsOptions(sign_in=SIGN_IN.model_copy(update={"per_account": 4}))

    gate.access.sign_in("olga", "correct: horse", Browser("10.0.0.1"))


def test_registrations_and_resets_have_limits_of_their_own(gate: Gate) -> None:
    limits = Limits(gate.store, HouseOptions)
    for what in ("registration", "reset"):
        for _ in range(3):
            limits.take(what, "olga@example.org")
        with pytest.raises(TooOften):
            limits.take(what, "olga@example.org")

    limits.take("sign_in", "olga@example.org")


def test_a_short_wait_is_told_in_seconds() -> None:
    clock = Clock()
    store = Store.memory(clock)
    limits = Limits(store, lambda: HouseOptions(limits=LimitsOptions(reset=Limit(per_account=1, minutes=0.5))))
    limits.take("reset", "olga@example.org")

    with pytest.raises(TooOften, match=r"Try again in 30 seconds, at 12:00:30 UTC") as caught:
        limits.take("reset", "olga@example.org")
    assert caught.value.again_s == 30
    assert clock.now + timedelta(seconds=30) == datetime(2026, 11, 23, 12, 0, 30, tzinfo=timezone.utc)
    store.close()


@pytest.mark.parametrize(
    ("remote", "counted"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("no address", "no address"),
    ],
)
def test_an_address_of_ipv6_is_counted_with_its_network(remote: str, counted: str) -> None:
    assert network_of(remote) == counted
