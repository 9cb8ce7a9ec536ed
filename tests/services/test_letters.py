"""Mails as they are composed: whatever comes from outside stays where it was put."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timezone
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wwt_framework.addresses import address
from wwt_framework.errors import WwtError
from wwt_framework.options import HouseOptions, MailOptions
from wwt_framework.services.letters import checked, compose
from wwt_framework.store.ledger import Mail

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
OPTIONS = MailOptions(server="localhost:25", sender="Grid <wwt@example.org>")
HOUSE = HouseOptions(base_url="https://wwt.example.org")
HEADERS = {"from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version", "content-type"}
ENCODED = {"content-transfer-encoding"}

hostile = st.text(max_size=200) | st.text(alphabet='\r\n :;,<>@"\\()=?utf-8qb.aé\u2028\0', max_size=200)


def sent(subject: str = "s", to: str = "olga@example.org", text: str = "t", html: str = "") -> EmailMessage:
    """What a reader of the bytes sees that we would send. Raises `WwtError` where nothing is sent."""
    recipients, copies, reply_to = checked([to], [], "", subject, [text, html])
    kept = [str(one) for one in recipients]
    mail = Mail(
        id="0" * 32, asked_by="a", recipients=tuple(kept), copies=tuple(map(str, copies)), reply_to=reply_to,
        subject=subject, text=text, html=html, state="sending", left=(), refused={}, reason="", attempts=1,
        created_at=NOON, fresh_at=NOON, next_at=NOON, tried_at=NOON, ended_at=None,
    )  # fmt: skip
    raw = compose(mail, OPTIONS, HOUSE)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    return cast(EmailMessage, message_from_bytes(raw, policy=default))


def words(text: str) -> str:
    """*text* as two people would compare it: blanks at its ends, and how many there are, do not count."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


@given(hostile)
def test_a_subject_stays_a_subject(subject: str) -> None:
    try:
        message = sent(subject=subject)
    except WwtError:
        return

    assert {name.lower() for name in message} - ENCODED == HEADERS
    assert words(str(message["Subject"])) == words(subject)
    assert [str(one) for one in message["To"].addresses] == ["olga@example.org"]


@given(hostile)
def test_a_name_stays_a_name_and_nobody_else_is_addressed(name: str) -> None:
    given = f"{name} <olga@example.org>"
    try:
        message = sent(to=given)
    except WwtError:
        return

    (found,) = message["To"].addresses
    assert found.addr_spec == "olga@example.org"
    # email.policy.default puts a blank between two encoded words of a name; decode_header reads them as RFC 2047 says.
    told, _ = parseaddr(message_from_bytes(message.as_bytes())["To"])
    assert words(str(make_header(decode_header(told)))) == words(address(given).display_name)
    assert {one.lower() for one in message} - ENCODED == HEADERS


@given(hostile)
def test_whatever_is_taken_for_an_address_is_one(text: str) -> None:
    try:
        found = address(text)
    except ValueError:
        return

    assert found.addr_spec.isascii()
    assert found.addr_spec.isprintable()
    assert found.addr_spec.count("@") == 1
    assert not set(found.addr_spec) & set(' <>,;:"\\()[]')


@given(st.text(alphabet="olga.-_'+@example.orgABC 019", max_size=60))
def test_an_address_that_was_taken_is_taken_again_as_itself(text: str) -> None:
    try:
        found = address(text)
    except ValueError:
        return

    assert str(address(str(found))) == str(found)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.just("\n"), max_size=3000))
def test_a_text_arrives_as_it_was(text: str) -> None:
    message = sent(text=text, html="<p>x")

    body = message.get_body(("plain",))
    assert body is not None
    told = str(cast(EmailMessage, body).get_content()).replace("\r\n", "\n")
    assert told == f"{text.rstrip(chr(10))}\n\n-- \nhttps://wwt.example.org\n"


@pytest.mark.parametrize(
    "text",
    ["olga@example.org", "Olga <olga@example.org>", "<olga@example.org>", '"Example, Olga" <olga@example.org>',
     "Olga Exämple <olga@example.org>", "o'neil+grid@mail.example.org"],
)  # fmt: skip
def test_usual_addresses_are_taken(text: str) -> None:
    assert address(text).domain.endswith("example.org")
