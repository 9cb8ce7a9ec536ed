"""Passwords: hashed, checked, and refused in words when they are easy to guess."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import pairwise
from pathlib import Path

import argon2

SHORTEST, LONGEST = 8, 1024  # characters of a password

#: What an account has in the place of a hash until its owner has chosen a password.
NONE_YET = "!"

_COMMON = Path(__file__).parent / "data" / "common-passwords.txt"
_LOOKALIKES = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"})
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop", "abcdefghijklmnopqrstuvwxyz", "01234567890")


class Passwords:
    """argon2id, with the costs that the options say."""

    def __init__(self, time_cost: int, memory_kib: int, parallelism: int) -> None:
        self._hasher = argon2.PasswordHasher(time_cost, memory_kib, parallelism)

    def hash(self, password: str) -> str:
        return self._hasher.hash(_prepared(password))

    def fits(self, secret: str | None, password: str) -> bool:
        """Whether *password* is the one of *secret*. Costs the same without a secret: nobody learns who has one."""
        if not secret or secret == NONE_YET:
            self.hash(password)
            return False
        try:
            return self._hasher.verify(secret, _prepared(password))
        except argon2.exceptions.VerifyMismatchError:
            return False

    def is_outdated(self, secret: str) -> bool:
        """Whether *secret* was made with other costs than those of now."""
        return self._hasher.check_needs_rehash(secret)


def length_problem(password: str) -> str:
    """Why *password* can not be one, whatever is in it; "" when it can."""
    if SHORTEST <= len(password) <= LONGEST:
        return ""
    return f"A password has {SHORTEST} to {LONGEST} characters, got {len(password)}."


def problem(password: str, name: str = "", email: str = "") -> str:
    """Why *password* is not taken, in words that do not quote it; "" when it is.

    No mixture of letters, digits and signs is asked for: length is what counts (NIST SP 800-63B, 3.1.1.2).
    """
    if told := length_problem(password):
        return told
    plain = _prepared(password).decode("utf-8", "replace").casefold()
    for what, word in (("your user name", name), ("your mail address", email.partition("@")[0])):
        if len(word) > 2 and word.casefold() in plain and len(plain) - len(word) < SHORTEST:
            return f"A password must be more than {what} and a few characters; take another one."
    if len(set(plain)) < 4:
        return "A password of so few different characters is guessed at once; take another one."
    if _runs_along(plain):
        return "A row of keys, or letters or digits in their order, are guessed at once; take another password."
    if _is_common(plain):
        return "This is among the passwords that are tried first; take another one, for example four unlikely words."
    return ""


def _is_common(plain: str) -> bool:
    """Whether *plain* is a common word or two, whatever digits and signs stand around and in the place of letters."""
    words = _common_words()
    inner = plain.strip("0123456789!?.,;:-_*#+@$%&/()[] ")
    for text in (inner, inner.translate(_LOOKALIKES)):
        bare = re.sub(r"[^a-z]+", "", text)
        if bare in words or any(bare[:cut] in words and bare[cut:] in words for cut in range(3, len(bare) - 2)):
            return True
    return False


def _runs_along(plain: str) -> bool:
    """Whether most of *plain* is a row of keys, forwards or backwards."""
    pairs = map("".join, pairwise(plain))
    steps = sum(any(pair in row or pair in row[::-1] for row in _ROWS) for pair in pairs)
    return steps >= 0.8 * (len(plain) - 1)


@cache
def _common_words() -> frozenset[str]:
    lines = _COMMON.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def _prepared(password: str) -> bytes:
    """However a keyboard composes its accents, it is the same password (RFC 8265, section 4.2)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
