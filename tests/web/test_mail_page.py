"""The page about mail on its way, and what /health says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.services.mail_server import free_port
from tests.web.house import HOSTILE, Client
from wwt_framework.errors import WwtError
from wwt_framework.options import HouseOptions, MailOptions
from wwt_framework.store import ledger

Make = Callable[..., Client]


def with_server(client: Client, port: int = 25) -> Client:
    """The same installation, with a mail server."""
    mail = MailOptions(server=f"127.0.0.1:{port}", security="none", sender="wwt@example.org", timeout_s=5)
    config = client.app.house.config
    client.app.house.config = type(config)(
        config.path, HouseOptions(**{**config.house.model_dump(), "mail": mail}), (), "1"
    )
    return client


def queue(client: Client, subject: str = "a subject", to: str = "olga@example.org") -> str:
    return str(client.app.post.queue("auth.local", [to], subject, "the secret link"))


def rows(client: Client) -> list[dict[str, Any]]:
    return list(client.get("/mail?format=json", user="adam").json)


@pytest.mark.parametrize("user", ["", "vera", "olga", "max"])
def test_mail_is_for_admins(client: Client, user: str) -> None:
    assert client.get("/mail", user=user).status in (401, 403)
    assert client.get("/mail?format=json", user=user).status in (401, 403)
    assert client.post("/mail/retry", user=user).status in (401, 403)


def test_without_a_mail_server_the_page_says_so(client: Client) -> None:
    got = client.get("/mail", user="adam")

    assert got.status == 200
    assert "This installation has no mail server" in got.text
    got.dom()


def test_what_waits_is_listed_with_its_reason_and_without_its_text(client: Client) -> None:
    with_server(client)
    mail_id = queue(client)
    ledger.take_mail(client.app.store)
    ledger.put_back_mail(client.app.store, mail_id, client.app.store.now(), "olga@example.org: 451 greylisted")
    got = client.get("/mail", user="adam")

    got.dom()
    for words in ("a subject", "451 greylisted", "auth.local", "tried 1"):
        assert words in got.text
    assert "secret" not in got.text + client.get("/mail?format=json", user="adam").text
    (row,) = rows(client)
    assert (row["id"], row["state"], row["to"], row["reason"], row["attempts"]) == (
        mail_id, "waiting", ["olga@example.org"], "olga@example.org: 451 greylisted", 1,
    )  # fmt: skip


def told(client: Client) -> set[tuple[str, str, str]]:
    """Name, state and text of what /health tells everybody."""
    return {(check["name"], check["state"], check["text"]) for check in client.get("/health").json["checks"]}


def test_trouble_with_the_server_is_told_on_the_page_and_in_health(client: Client) -> None:
    with_server(client, free_port())
    queue(client)
    with pytest.raises(WwtError):
        client.app.post.deliver(lambda *_: None)

    assert "does not answer: the connection was refused" in client.get("/mail", user="adam").text
    assert ("mail", "degraded", "") in told(client)  # why is for admins, on the page


def test_health_knows_no_mail_where_there_is_no_server_unless_something_waits(client: Client) -> None:
    assert "mail" not in {name for name, _, _ in told(client)}
    queue(client)

    assert ("mail", "degraded", "") in told(client)


def test_an_admin_has_a_failed_mail_tried_again_and_that_is_written_down(client: Client) -> None:
    with_server(client)
    mail_id = queue(client)
    ledger.take_mail(client.app.store)
    ledger.end_mail(client.app.store, mail_id, "failed", "550 no such user")
    client.sign_in("adam")
    assert "Try again" in client.get("/mail").text

    got = client.post("/mail/retry", form={"id": mail_id, "csrf_token": client.csrf_token()})

    assert (got.status, got.header("Location")) == (303, "/mail")
    assert ledger.mail(client.app.store, mail_id).state == "waiting"
    deeds = ledger.deeds(client.app.store, deed="tried mail again")
    assert [(deed.user, deed.subject) for deed in deeds] == [("adam", mail_id)]


def test_a_retry_without_the_token_of_the_form_changes_nothing(client: Client) -> None:
    with_server(client)
    mail_id = queue(client)
    ledger.take_mail(client.app.store)
    ledger.end_mail(client.app.store, mail_id, "failed", "550")
    client.sign_in("adam")

    assert client.post("/mail/retry", form={"id": mail_id}).status == 403
    assert ledger.mail(client.app.store, mail_id).state == "failed"


def test_a_mail_that_is_not_there_can_not_be_tried(client: Client) -> None:
    client.sign_in("adam")

    assert client.post("/mail/retry", form={"id": "x", "csrf_token": client.csrf_token()}).status == 404


def test_what_servers_and_subjects_say_is_shown_and_not_obeyed(client: Client) -> None:
    with_server(client)
    for text in HOSTILE:
        mail_id = ledger.queue_mail(client.app.store, [text], ["a@b.c"], text, "t", asked_by=text)
        ledger.take_mail(client.app.store)
        ledger.end_mail(client.app.store, mail_id, "failed", text)
    got = client.get("/mail", user="adam")

    assert got.status == 200
    got.dom()
    assert "<script>alert" not in got.text
    assert "\u202e" not in got.text


def test_jobs_lead_admins_to_the_mails(client: Client) -> None:
    assert 'href="/mail"' in client.get("/jobs", user="adam").text
    assert 'href="/mail"' not in client.get("/jobs", user="olga").text
