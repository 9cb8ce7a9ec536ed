"""Every parameter of every address is fed with what breaks out of SQL, headers, paths, templates, numbers and dates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.attack.besieged import HARM, ROLES
from tests.attack.parameters import PLAUSIBLE, Address, Visitors, addresses
from tests.web.house import Got
from wwt_framework.app import App
from wwt_framework.store import ledger

PASSWD = "root:x:0:0"
SQL = (
    "' OR '1'='1",
    "'; DROP TABLE account; --",
    '" UNION SELECT secret FROM account --',
    "1) OR (1=1",
    "%' ESCAPE '",
    "\\",
    '*"NEAR(',  # what full text search would take for its own language
    "' || (SELECT secret FROM account) || '",
)
HEADERS = ("x\r\nSet-Cookie: stolen=1", "x\nX-Injected: 1\n\n<html>", "\u560d\u560aX-Injected: 1", "x\x00y")
PATHS = (
    "../../../../../../etc/passwd", "/etc/passwd", "..\\..\\..\\etc\\passwd", "file:///etc/passwd", "....//....//etc/passwd",
    "/etc/passwd\x00.html", "%2e%2e%2f%2e%2e%2fetc/passwd",
)  # fmt: skip
ELSEWHERE = (
    "//evil.example/", "https://evil.example/", "/\\evil.example", "\\/\\/evil.example", "/\t/evil.example",
    "javascript:alert(1)", "http:evil.example", "/%2f/evil.example", "///evil.example", "/.//evil.example",
)  # fmt: skip
NUMBERS = (
    "-1", "0", "9" * 30, "1e309", "NaN", "inf", "0x10", "\u0661\u0662", "1_000", "1.5", " 7 ", "+3", "2147483648",
    "9223372036854775808",
)  # fmt: skip
TIMES = ("9999-12-31", "0001-01-01", "2026-13-45T99:99", "9999-12-31T23:59:59+14:00", "0000-00-00", "now")
SEARCH = ("(" * 5000, "(a+)+$" * 50, ".*" * 1000, "[", "a{1,1000}{1,1000}", "(?P<x>", "\\p{Greek}" * 100)
WORDS = (
    "",
    " ",
    "a" * 100_000,
    "\u202e\u200b\ufeff",
    "\U0001f600" * 500,
    "null",
    "[]",
    "{}",
    "__class__",
    "self",
    "json",
    "csv",
)
#: Ends the session that the walk has; tried on its own elsewhere.
_ENDS = ("/logout",)


@pytest.fixture(scope="module")
def visitors(app: App) -> Visitors:
    return Visitors(app)


@pytest.fixture(scope="module")
def every(visitors: Visitors) -> list[Address]:
    found = addresses(visitors)
    visitors.stay()
    return [address for address in found if address.path not in _ENDS]


def wrong_with(got: Got) -> str:
    """What an answer must never be; "" when it is none of that."""
    if got.status >= 500 and not (got.status == 503 and "auth.oidc" in got.text):  # no provider is there
        return f"{got.status} {got.text[:200]}"
    if any(secret in got.body for secret in (b"Traceback (most recent", PASSWD.encode(), b"$argon2id$")):
        return "tells what nobody may know"
    return wrong_headers(got)


def wrong_headers(got: Got) -> str:
    for name, value in got.headers:
        if re.search(r"[\r\n\0]", name + value) or name.lower() == "x-injected" or value.startswith("stolen"):
            return f"header {name}: {value!r}"
    location = got.header("Location")
    if location and not re.match(r"/(?![/\\])", location):
        return f"leads to {location}"
    if "form-action 'self'" not in got.header("Content-Security-Policy") or not got.header("X-Content-Type-Options"):
        return "lacks the headers that every answer carries"
    return ""


def tries(address: Address, payload: str, everything: list[str]) -> Iterator[dict[str, Any]]:
    """*payload* in one field after the other while the others make sense, in all of them, and as a name."""
    fields = sorted(address.names)
    for one in fields:
        yield {**{name: PLAUSIBLE.get(name, payload) for name in fields}, one: payload}
    yield dict.fromkeys(everything if address.method == "POST" else fields, payload)
    yield {payload: payload}


def told(visitors: Visitors, every: list[Address], payloads: tuple[str, ...], part: int) -> tuple[int, list[str]]:
    """How many requests were sent, and what was wrong with the answers. *part*: of so many tries one is made."""
    wrong, sent = [], 0
    everything = sorted({name for address in every for name in address.names})
    turn = count()
    for address in every:
        for payload in payloads:
            for values in tries(address, payload, everything):
                if next(turn) % part:
                    continue
                sent += 1
                got = address.ask(visitors, values, payload.replace("?", ""))
                if address.path == "/plugins" and got.status == 200:
                    continue  # tells admins where a plugin failed, with the trace: that is what it is for
                if complaint := wrong_with(got):
                    wrong.append(f"{address} {str(values)[:150]}: {complaint}")
    return sent, wrong


KINDS = {
    "sql": SQL, "headers": HEADERS, "paths": PATHS, "elsewhere": ELSEWHERE, "numbers": NUMBERS, "times": TIMES,
    "search": SEARCH, "words": WORDS, "markup": tuple(text for text in HARM if len(text) < 5000),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_no_parameter_of_any_address_breaks_out(visitors: Visitors, every: list[Address], kind: str) -> None:
    """One of nineteen tries; the drill makes all of them."""
    sent, wrong = told(visitors, every, KINDS[kind], 19)

    assert sent > 90
    assert wrong == []


@pytest.mark.drill
@pytest.mark.parametrize("kind", KINDS)
def test_no_parameter_of_any_address_breaks_out_at_all(visitors: Visitors, every: list[Address], kind: str) -> None:
    sent, wrong = told(visitors, every, KINDS[kind], 1)

    assert sent > 1000
    assert wrong == []


def test_what_is_kept_is_still_there_after_all_that(app: App) -> None:
    names = {account.name for account in ledger.accounts(app.store)}

    assert set(ROLES) <= names
    assert not {name for plugin in app.house.hooks.plugins for name in unforeseen(app, plugin)}


def unforeseen(app: App, plugin: str) -> list[str]:
    """Failures of a plugin at its pages that it has no words for."""
    failures = app.house.hooks.record(plugin).failures
    return [f"{plugin}: {one.hook}: {one.message}" for one in failures if plugin != "auth.oidc"]
