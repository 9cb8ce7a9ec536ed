from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from wwt_plugins.auth.local.passwords import NONE_YET, Passwords, problem


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("", "A password has 8 to 1024 characters, got 0."),
        ("x7#kQ2z", "A password has 8 to 1024 characters, got 7."),
        ("x" * 1025, "A password has 8 to 1024 characters, got 1025."),
        ("olgapetrova1", "more than your user name"),
        ("OlgaPetrova", "more than your user name"),
        ("op.mail1", "more than your mail address"),
        ("aaaaaaaaaa", "so few different characters"),
        ("abababababab", "so few different characters"),
        ("qwertyuiop", "A row of keys"),
        ("poiuytrewq", "A row of keys"),
        ("abcdefghij", "A row of keys"),
        ("1234567890", "A row of keys"),
        ("87654321", "A row of keys"),
        ("Password1", "tried first"),
        ("P@ssw0rd!", "tried first"),
        ("passwort2026", "tried first"),
        ("Summer2026!", "tried first"),
        ("iloveyou", "tried first"),
        ("gridworkflow", "tried first"),
        ("!!letmein!!", "tried first"),
    ],
)
def test_p15_a_password_that_is_easy_to_guess_is_refused_in_words(password: str, says: str) -> None:
    assert says in problem(password, "olgapetrova", "op.mail@example.org")


@pytest.mark.parametrize(
    "password",
    [
        "four unlikely words here",
        "x7#kQ2zP",
        "пароль пароль",
        "correct horse",
        "olgapetrova likes old trains",
        "🐟🐠🐡🐬🐳🐋🦈🐙",
    ],
)
def test_p15_any_other_password_is_taken_whatever_it_is_made_of(password: str) -> None:
    assert problem(password, "olgapetrova", "op.mail@example.org") == ""


@given(st.text(max_size=40), st.text(max_size=10))
def test_a_refusal_never_breaks_and_never_quotes_the_password(password: str, name: str) -> None:
    told = problem(password, name)

    assert len(password) < 8 or password not in told


def test_who_has_no_password_yet_can_not_sign_in_with_any() -> None:
    cheap = Passwords(1, 8, 1)

    assert not cheap.fits(NONE_YET, NONE_YET)
    assert not cheap.fits(None, "")
    assert not cheap.fits("", "")
