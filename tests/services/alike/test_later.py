from __future__ import annotations

import threading

from wwt_framework.services.alike.later import Later

PATIENT = 60.0


def test_a_value_is_made_once_for_a_key():
    made = []
    later: Later[int] = Later("x")

    assert [later.get("k", lambda: made.append(1) or 7, PATIENT).value for _ in range(3)] == [7, 7, 7]
    assert made == [1]


def test_another_key_is_made_anew():
    later: Later[str] = Later("x")
    assert later.get("a", lambda: "A", PATIENT).value == "A"

    assert not later.has("b")
    assert later.get("b", lambda: "B", PATIENT).value == "B"
    assert later.has("b")
    assert not later.has("a")


def test_nobody_waits_longer_than_they_want():
    go = threading.Event()
    now = [100.0]
    later: Later[str] = Later("x", lambda: now[0])
    first = later.get("a", lambda: go.wait(60) and "A", 0.0)
    now[0] = 107.5

    assert (first.value, first.error) == (None, "")
    assert later.get("b", lambda: "B", 0.0).seconds == 7.5  # of the work that is in the way
    go.set()
    assert later.get("a", lambda: "never", PATIENT).value == "A"


def test_what_goes_wrong_is_a_sentence():
    def broken():
        raise ValueError("no such thing")

    soon = Later("x").get("a", broken, PATIENT)

    assert (soon.value, soon.error) == (None, "ValueError: no such thing")
