"""Codes that are mailed: random, kept as their SHA-256, good for a while and once."""

from __future__ import annotations

import hashlib
import secrets

CONFIRM, RESET = "confirm", "reset"


def fresh() -> str:
    """A new code: 32 random bytes as text for an address."""
    return secrets.token_urlsafe(32)


def digest(code: str) -> str:
    """What is kept of *code*, and by which it is found again."""
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()
