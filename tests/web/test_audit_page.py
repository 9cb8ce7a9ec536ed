"""The page of the audit, for admins; and what happens to who tries too often."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.house import HOSTILE, Client, call, environ_of
from wwt_framework.options import Limit, LimitsOptions
from wwt_framework.store import ledger

ORIGIN = {"Origin": "http://wwt.example"}
TWO = LimitsOptions(sign_in=Limit(per_account=2, per_address=50, minutes=15))


def rows(client: Client, query: str = "") -> list[dict[str, Any]]:
    return list(client.get(f"/audit?format=json{query}", user="adam").json)


@pytest.mark.parametrize("user", ["", "vera", "olga", "max"])
def test_the_audit_is_for_admins(client: Client, user: str) -> None:
    assert client.get("/audit", user=user).status in (401, 403)
    assert client.get("/audit?format=csv", user=user).status in (401, 403)


def test_sign_ins_and_failures_are_listed(client: Client) -> None:
    client.sign_in("olga")
    client.cookies.clear()
    client.post("/login", form={"username": "olga", "password": "wrong"}, headers=ORIGIN)
    got = client.get("/audit", user="adam")

    got.dom()
    assert [row["deed"] for row in rows(client, "&user=olga")] == ["sign-in failed", "signed in"]
    assert "sign-in failed" in got.text
    assert "wrong" not in got.text


def test_csv_has_what_json_has(client: Client) -> None:
    client.sign_in("olga")
    got = client.get("/audit?format=csv", user="adam")

    assert got.header("Content-Type") == "text/csv; charset=utf-8"
    assert got.text.splitlines()[0] == "number,at,user,deed,subject,remote,details"
    assert len(got.text.splitlines()) == 1 + len(rows(client))


def test_filters_stay_when_one_goes_on_to_older_deeds(client: Client) -> None:
    for number in range(150):
        ledger.write_down(client.app.store, "olga", "reset", f"prep-{number}")
    dom = client.get("/audit?user=olga&deed=reset", user="adam").dom()
    older = next(a.get("href") for a in dom.iter("a") if a.get("rel") == "next")
    second = client.get(older, user="adam")

    assert "user=olga" in older
    assert "prep-49" in second.text
    assert "prep-50" not in second.text


@pytest.mark.parametrize(
    "query", ["since=yesterday", "until=2026-13-01", "before=x", "before=-1", "since=9999-12-31", "format=xml"]
)
def test_what_can_not_be_meant_is_said(client: Client, query: str) -> None:
    got = client.get(f"/audit?{query}", user="adam")

    assert got.status == 400


def test_a_last_day_counts_whole(client: Client) -> None:
    ledger.write_down(client.app.store, "olga", "reset", "prep")
    day = ledger.deeds(client.app.store)[0].at.date().isoformat()

    assert [row["subject"] for row in rows(client, f"&deed=reset&since={day}&until={day}")] == ["prep"]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_mean_harm_are_text(client: Client, name: str) -> None:
    ledger.write_down(client.app.store, name, name, name, remote=name, what=name, more=[name])
    got = client.get("/audit", user="adam")

    got.dom()
    assert "<script>alert" not in got.text
    assert "<img" not in got.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_of_the_audit_can_be_changed_here(client: Client, method: str) -> None:
    assert client.request(method, "/audit", user="adam").status == 405


# -- too often --


def test_who_tries_too_often_hears_when_to_try_again(installation: Any) -> None:
    client = installation(limits=TWO)
    for _ in range(2):
        client.post("/login", form={"username": "olga", "password": "wrong"}, headers=ORIGIN)
    got = client.post("/login", form={"username": "olga", "password": "aglo"}, headers=ORIGIN)

    got.dom()
    assert got.status == 429
    assert 0 < int(got.header("Retry-After")) <= 900
    assert "Try again in 15 minutes" in got.text
    assert not client.cookies


def test_who_guesses_break_glass_codes_too_often_hears_it_too(installation: Any) -> None:
    client = installation(limits=LimitsOptions(sign_in=Limit(per_account=2, per_address=2, minutes=15)))
    answers = [client.post("/break-glass", form={"code": "guessed"}, headers=ORIGIN) for _ in range(3)]

    assert [got.status for got in answers] == [401, 401, 429]
    assert 0 < int(answers[2].header("Retry-After")) <= 900


def test_a_script_that_tries_too_often_hears_it_too(installation: Any) -> None:
    client = installation(limits=TWO)
    client.passwords["olga"] = "wrong"
    answers = [client.get("/globalerror", user="olga", headers={"Accept": "*/*"}) for _ in range(3)]

    assert [got.status for got in answers] == [401, 401, 429]
    assert answers[2].json["status"] == 429
    assert int(answers[2].header("Retry-After")) > 0


# -- servers in front --


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"),  # what the visitor wrote stands left of it
        ("127.0.0.1", "6.6.6.6, 198.51.100.7, 10.1.2.3", "198.51.100.7"),
        ("127.0.0.1", "<script>", "127.0.0.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # nobody's proxy
    ],
)
def test_only_named_servers_in_front_say_who_asks(installation: Any, peer: str, forwarded: str, counted: str) -> None:
    client = installation(trusted_proxies=("127.0.0.1", "10.1.0.0/16"))
    body = b"username=olga&password=wrong"
    headers = {**ORIGIN, "X-Forwarded-For": forwarded, "Content-Type": "application/x-www-form-urlencoded"}
    call(client.wsgi, {**environ_of("POST", "/login", headers, body), "REMOTE_ADDR": peer})

    assert ledger.deeds(client.app.store)[0].remote == counted
