"""One person behind several backends: roles, history, and a door that closes for all of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.services.mail_server import free_port
from tests.services.test_access import Clock, Gate, basic
from wwt_framework import hookimpl
from wwt_framework.errors import Denied
from wwt_framework.model import Action, ActionState, User
from wwt_framework.options import HouseOptions, MailOptions
from wwt_framework.services.access import Browser
from wwt_framework.services.access.notices import Notices
from wwt_framework.services.desk.listing import ActionQuery, action_history, action_lines
from wwt_framework.services.mailing import Post
from wwt_framework.store import Store, ledger


class Ldap:
    """Calls olga by another name."""

    @hookimpl
    def authenticate(self, username: str, password: str) -> User | None:
        return User("oexample", roles=frozenset({"viewer"})) if password == "ldap" else None

    @hookimpl
    def grant_roles(self, user: User) -> list[str]:
        if user.backend != "auth.ldap":
            return []
        assert user.name == "oexample", "a backend is asked by the name that it gave"
        return ["viewer"]


@pytest.fixture
def gate() -> Iterator[Gate]:
    store = Store.memory(Clock())
    gate = Gate(store, store.clock)
    gate.hooks.register("auth.ldap", Ldap(), deadline_s=60)
    yield gate
    store.close()


def by_ldap(gate: Gate) -> Any:
    return gate.access.sign_in("whatever", "ldap")[0]


def test_by_another_backend_one_is_another_person_until_an_admin_links_them(gate: Gate) -> None:
    gate.sign_in()
    before = by_ldap(gate).user
    ledger.link(gate.store, "auth.ldap", "oexample", "olga", by="adam")
    after = by_ldap(gate).user

    assert (before.name, before.at_backend) == ("oexample", "oexample")
    assert (after.name, after.at_backend, after.backend) == ("olga", "oexample", "auth.ldap")


def test_roles_that_were_granted_here_hold_for_all_backends(gate: Gate) -> None:
    gate.sign_in()
    by_ldap(gate)
    ledger.link(gate.store, "auth.ldap", "oexample", "olga", by="adam")
    ledger.change_person(gate.store, "olga", roles={"admin"})

    assert by_ldap(gate).user.roles == {"viewer", "admin"}
    assert gate.visit(authorization=basic("olga", "correct: horse")).user.roles == {"operator", "admin"}


def test_a_linked_session_goes_on_when_roles_are_asked_again(gate: Gate) -> None:
    gate.sign_in()
    by_ldap(gate)
    ledger.link(gate.store, "auth.ldap", "oexample", "olga", by="adam")
    token = by_ldap(gate).token
    gate.clock.go_on(minutes=6)

    assert gate.visit(token).user.name == "olga"


def test_a_disabled_person_gets_in_by_no_backend(gate: Gate) -> None:
    gate.sign_in()
    by_ldap(gate)
    ledger.link(gate.store, "auth.ldap", "oexample", "olga", by="adam")
    gate.visit(authorization=basic("olga", "correct: horse"))  # is remembered for some minutes
    ledger.change_person(gate.store, "olga", disabled_at=gate.store.now())

    for enter in (
        gate.sign_in,
        lambda: by_ldap(gate),
        lambda: gate.visit(authorization=basic("olga", "correct: horse")),
    ):
        with pytest.raises(Denied, match="olga may not sign in any more"):
            enter()


def test_a_disabled_person_is_refused_who_is_known_by_a_header(gate: Gate) -> None:
    gate.visit(remote_user="vera")
    ledger.change_person(gate.store, "vera", disabled_at=gate.store.now())

    with pytest.raises(Denied, match="vera may not sign in any more"):
        gate.visit(remote_user="vera")


def test_a_session_of_a_disabled_person_ends_when_roles_are_asked_again(gate: Gate) -> None:
    token = gate.sign_in()
    ledger.change_person(gate.store, "olga", disabled_at=gate.store.now())
    gate.clock.go_on(minutes=6)

    assert gate.visit(token).via == "none"


# -- a browser that was not seen before --


@dataclass
class Told:
    came: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, user: User, browser: Browser) -> None:
        self.came.append((user.name, browser.remote))


def test_a_new_browser_is_told_but_not_the_first_one(gate: Gate) -> None:
    told = Told()
    gate.access.sessions._told = told
    _, device = gate.access.sign_in("olga", "correct: horse", Browser("10.0.0.1"))
    again = gate.access.sign_in("olga", "correct: horse", Browser("10.0.0.1", device=device))[1]
    gate.access.sign_in("olga", "correct: horse", Browser("10.6.6.6"))

    assert device
    assert again == ""
    assert told.came == [("olga", "10.6.6.6")]


def test_a_browser_of_somebody_else_is_new_for_this_person(gate: Gate) -> None:
    told = Told()
    gate.access.sessions._told = told
    _, device = gate.access.sign_in("a b", "battery!", Browser("10.0.0.1"))
    gate.access.sign_in("olga", "correct: horse", Browser("10.0.0.2"))
    gate.access.sign_in("olga", "correct: horse", Browser("10.0.0.1", device=device))

    assert told.came == [("olga", "10.0.0.1")]


def test_nobody_is_locked_out_of_a_browser_they_use(gate: Gate) -> None:
    _, device = gate.access.sign_in("olga", "correct: horse", Browser("10.0.0.1"))
    for number in range(10):
        with pytest.raises(Denied):
            gate.access.sign_in("olga", "wrong", Browser(f"10.6.6.{number}"))

    with pytest.raises(Denied, match="too many tries"):
        gate.access.sign_in("olga", "correct: horse", Browser("10.0.0.1"))
    gate.access.sign_in("olga", "correct: horse", Browser("10.0.0.1", device=device))


def test_the_mail_says_what_came_and_what_to_do(gate: Gate) -> None:
    mail = MailOptions(server=f"127.0.0.1:{free_port()}", security="none", sender="wwt@example.org")
    post = Post(gate.store, lambda: HouseOptions(mail=mail))
    notices = Notices(post, lambda path: f"https://wwt.example{path}")
    notices.new_device(
        User("olga", email="olga@example.org", backend="auth.local"), Browser("10.6.6.6", "Evil\r\nX: 1")
    )
    notices.new_device(User("olga", email="not an address"), Browser("10.6.6.6"))
    notices.new_device(User("olga"), Browser("10.6.6.6"))

    (sent,) = ledger.mails(gate.store, 10, ("waiting",))
    assert sent.recipients == ("olga@example.org",)
    assert "Browser: Evil  X: 1" in sent.text
    assert "https://wwt.example/sessions" in sent.text


# -- history --


def test_actions_of_a_linked_person_are_found_and_shown_under_one_name(gate: Gate) -> None:
    for number, name in enumerate(("olga", "oexample")):
        now = gate.store.now()
        action = Action(f"a{number}", "acdc", f"wf{number}", {}, {}, (), name, ActionState.QUEUED, now, now)
        ledger.submit(gate.store, [action])
    gate.sign_in()
    by_ldap(gate)
    apart = action_lines(gate.store, ActionQuery(users=("olga",))).lines
    ledger.link(gate.store, "auth.ldap", "oexample", "olga", by="adam")
    together = action_lines(gate.store, ActionQuery(users=("olga",))).lines

    assert [line.action.workflow for line in apart] == ["wf0"]
    assert {(line.action.workflow, line.action.user) for line in together} == {("wf0", "olga"), ("wf1", "olga")}
    assert {event.user for event in action_history(gate.store, "a1").events} == {"olga"}
