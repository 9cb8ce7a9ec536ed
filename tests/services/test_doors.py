from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from wwt_framework.errors import PluginError, WwtError
from wwt_framework.model import Action, ActionState
from wwt_framework.plugin import Account
from wwt_framework.services.doors import lend
from wwt_framework.store import Store, ledger


class Clockwork:
    asked: tuple[Any, ...] = ()

    def request(self, name: str, user: str = "", **arguments: Any) -> str:
        self.asked = (name, user, arguments)
        return "run-1"


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store.memory()
    yield opened
    opened.close()


def test_every_plugin_gets_the_five_doors_of_its_context(store: Store) -> None:
    assert set(lend(store, "errors", "errors.world", Clockwork())) == {"memory", "actions", "accounts", "mail", "jobs"}


@pytest.mark.parametrize(
    ("namespace", "door", "may"),
    [
        ("auth", "actions", "wwt.actions"),
        ("errors", "accounts", "wwt.auth"),
        ("actions", "accounts", "wwt.auth"),
        ("ml", "mail", "wwt.auth, wwt.actions, wwt.extras"),
    ],
)
def test_a_door_that_was_not_granted_says_who_may(store: Store, namespace: str, door: str, may: str) -> None:
    closed = lend(store, namespace, f"{namespace}.x", Clockwork())[door]

    with pytest.raises(PluginError) as caught:
        closed.find("olga")
    assert str(caught.value) == f"plugin '{namespace}.x': the door context.{door} is only lent to plugins of {may}"


def test_a_closed_door_can_be_looked_at(store: Store) -> None:
    assert "Closed" in repr(lend(store, "ml", "ml.x", Clockwork())["mail"])


def test_mail_says_that_there_is_no_server(store: Store) -> None:
    with pytest.raises(PluginError, match="this installation has no mail server"):
        lend(store, "auth", "auth.local", Clockwork())["mail"].send(["olga@example.org"], "s", "t")


def test_runs_are_asked_for_in_the_name_of_the_plugin(store: Store) -> None:
    clockwork = Clockwork()

    assert lend(store, "ml", "ml.forest", clockwork)["jobs"].request("train", days=3) == "run-1"
    assert clockwork.asked == ("train", "ml.forest", {"days": 3})


def test_memories_are_apart(store: Store) -> None:
    lend(store, "ml", "ml.one", Clockwork())["memory"]["x"] = 1

    assert dict(lend(store, "ml", "ml.other", Clockwork())["memory"]) == {}


def test_added_and_changed_accounts_are_written_down(store: Store) -> None:
    accounts = lend(store, "auth", "auth.local", Clockwork())["accounts"]
    accounts.add(Account("olga", "hash", frozenset({"operator"})))
    accounts.change("OLGA", active=False)

    assert not accounts.find("olga").active
    assert [(deed.user, deed.deed, deed.subject, deed.details) for deed in ledger.deeds(store)] == [
        ("auth.local", "changed account", "olga", {"fields": ["active"]}),
        ("auth.local", "added account", "olga", {"roles": ["operator"]}),
    ]


def test_an_account_that_is_refused_is_not_written_down(store: Store) -> None:
    accounts = lend(store, "auth", "auth.local", Clockwork())["accounts"]
    with pytest.raises(WwtError):
        accounts.add(Account("a:b", "hash"))

    assert ledger.deeds(store) == []


def test_an_executor_fetches_and_reports_through_its_door(store: Store) -> None:
    at = store.now()
    ledger.submit(store, [Action(uuid.uuid4().hex, "acdc", "wf1", {}, {}, (), "olga", ActionState.QUEUED, at, at)])
    actions = lend(store, "actions", "actions.executor", Clockwork())["actions"]

    assert [action.workflow for action in actions.open()] == ["wf1"]
    assert [action.state for action in actions.hand_out("unified")] == [ActionState.SENT]
    assert actions.report("unified", ["wf1", "wf2"]).does_not_exist == ("wf2",)
    assert [action.workflow for action in actions.done()] == ["wf1"]
