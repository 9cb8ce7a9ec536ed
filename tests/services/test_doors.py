from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.services.mail_server import free_port
from wwt_framework.errors import PluginError, TooOften, WwtError
from wwt_framework.model import Action, ActionState
from wwt_framework.options import HouseOptions, MailOptions
from wwt_framework.plugin import Account
from wwt_framework.services.doors import lend
from wwt_framework.services.mailing import Post
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


def test_every_plugin_gets_all_doors_of_its_context(store: Store) -> None:
    doors = set(lend(store, "errors", "errors.world", Clockwork()))

    assert doors == {"memory", "actions", "accounts", "credentials", "limits", "audit", "mail", "jobs", "compute"}


@pytest.mark.parametrize(
    ("namespace", "door", "may"),
    [
        ("auth", "actions", "wwt.actions"),
        ("errors", "accounts", "wwt.auth"),
        ("actions", "accounts", "wwt.auth"),
        ("extras", "limits", "wwt.auth"),
        ("actions", "audit", "wwt.auth"),
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


# -- mail ---------------------------------------------------------------------


@pytest.fixture
def post(store: Store) -> Post:
    mail = MailOptions(server="127.0.0.1:25", security="none", sender="wwt@example.org")
    return Post(store, lambda: HouseOptions(mail=mail))


def mail_door(store: Store, post: Post, plugin: str = "auth.local") -> Any:
    return lend(store, plugin.partition(".")[0], plugin, Clockwork(), post=post)["mail"]


def test_a_mail_is_queued_in_the_name_of_the_plugin(store: Store, post: Post) -> None:
    mail_id = mail_door(store, post).send(["olga@example.org"], "s", "t", "<p>t", cc=["a@b.c"], reply_to="d@e.f")

    mail = ledger.mail(store, mail_id)
    assert (mail.asked_by, mail.recipients, mail.copies, mail.reply_to, mail.html) == (
        "auth.local", ("olga@example.org",), ("a@b.c",), "d@e.f", "<p>t",
    )  # fmt: skip


def test_plugins_do_not_share_the_names_of_what_they_tell(store: Store, post: Post) -> None:
    local, mails = mail_door(store, post), mail_door(store, post, "extras.mail")
    first = local.send(["olga@example.org"], "s", "t", once="1")

    assert local.send(["olga@example.org"], "s", "t", once="1") == first
    assert mails.send(["olga@example.org"], "s", "t", once="1") != first


def test_a_mail_that_can_not_be_meant_is_refused_in_the_name_of_the_plugin(store: Store, post: Post) -> None:
    with pytest.raises(PluginError, match=r"plugin 'auth\.local': a mail's subject: expected one line of text"):
        mail_door(store, post).send(["olga@example.org"], "a\nBcc: x@y.z", "t")


def test_the_door_to_mail_opens_and_closes_with_the_mail_server(store: Store) -> None:
    house = HouseOptions()
    door = mail_door(store, Post(store, lambda: house))
    assert door.trouble() == "mail can not be sent, this installation has no mail server"
    with pytest.raises(PluginError, match=r"plugin 'auth\.local': mail can not be sent, this installation has no mail"):
        door.send(["olga@example.org"], "s", "t")
    house = HouseOptions(mail=MailOptions(server="127.0.0.1:25", sender="wwt@example.org"))

    assert door.trouble() == ""
    assert door.send(["olga@example.org"], "s", "t")


def test_trouble_of_the_mail_server_is_told_to_plugins(store: Store) -> None:
    mail = MailOptions(server=f"127.0.0.1:{free_port()}", security="none", sender="wwt@example.org")
    post = Post(store, lambda: HouseOptions(mail=mail))
    door = mail_door(store, post)
    door.send(["olga@example.org"], "s", "t")
    with pytest.raises(WwtError):
        post.deliver(lambda *_: None)

    assert "does not answer: the connection was refused" in door.trouble()


def test_tries_that_plugins_count_are_the_same_for_all_of_them(store: Store) -> None:
    local, passkey = (lend(store, "auth", f"auth.{name}", Clockwork())["limits"] for name in ("local", "passkey"))
    for _ in range(3):
        local.take("reset", account="olga@example.org", remote="10.0.0.1")

    with pytest.raises(
        TooOften, match=r"^There were too many tries to reset a password\. Try again in 60 minutes, at "
    ):
        passkey.take("reset", account="OLGA@example.org", remote="10.0.0.2")


def test_what_a_plugin_writes_down_names_the_plugin(store: Store) -> None:
    audit = lend(store, "auth", "auth.token", Clockwork())["audit"]
    audit.write("token made", "olga", "ci", remote="10.0.0.1", by="somebody else", scopes=["viewer"])

    (deed,) = ledger.deeds(store)
    assert (deed.user, deed.deed, deed.subject, deed.remote) == ("olga", "token made", "ci", "10.0.0.1")
    assert deed.details == {"scopes": ["viewer"], "by": "auth.token"}
