"""What a visitor shows to be let in: reading it, and remembering for a while whose it was."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from wwt_framework.errors import NotSignedIn
from wwt_framework.model import User

KeyT = TypeVar("KeyT")

LONGEST_NAME = 256  # characters
LONGEST_PASSWORD = 1024  # characters; a hash of a megabyte would keep a processor busy for whoever sends it


def scheme_of(authorization: str) -> str:
    """``basic``, ``bearer``, ...; empty without the header."""
    return authorization.strip().partition(" ")[0].lower()


def read_basic(authorization: str) -> tuple[str, str]:
    """Name and password of an ``Authorization: Basic`` header. Raises `NotSignedIn`. A password may have colons."""
    text = authorization.strip().partition(" ")[2].strip()
    try:
        plain = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NotSignedIn("The Authorization header says Basic, but what follows is not base64.") from None
    try:
        decoded = plain.decode("utf-8")
    except UnicodeDecodeError:
        decoded = plain.decode("latin-1")  # older clients, RFC 7617 appendix B.3
    name, colon, password = decoded.partition(":")
    if not colon:
        raise NotSignedIn("The Authorization header says Basic; expected a name, a colon and a password in base64.")
    return name, password


def check_bounds(username: str, password: str) -> None:
    """Refuse in words what nobody's name and password can be. Raises `NotSignedIn`."""
    if not username or not password:
        raise NotSignedIn("Give both a name and a password.")
    if len(username) > LONGEST_NAME:
        raise NotSignedIn(f"A name has at most {LONGEST_NAME} characters, got {len(username):,}.")
    if len(password) > LONGEST_PASSWORD:
        raise NotSignedIn(f"A password has at most {LONGEST_PASSWORD} characters, got {len(password):,}.")
    if bad := next((char for char in username if not char.isprintable()), None):
        raise NotSignedIn(f"A name can not have the character {bad!r} in it.")


class Recent(Generic[KeyT]):
    """Users that were found out a short while ago; bounded, for many threads."""

    def __init__(self, for_: timedelta, most: int = 1000) -> None:
        self._for = for_
        self._most = most
        self._known: OrderedDict[KeyT, tuple[datetime, User]] = OrderedDict()  # the one added first is first
        self._lock = threading.Lock()

    def find(self, key: KeyT, now: datetime) -> User | None:
        """None when it is not known, or not any more."""
        with self._lock:
            until, user = self._known.get(key, (now, None))
            return user if until > now else None

    def add(self, key: KeyT, user: User, now: datetime) -> None:
        with self._lock:
            self._known.pop(key, None)
            self._known[key] = (now + self._for, user)
            while len(self._known) > self._most or next(iter(self._known.values()))[0] <= now:
                self._known.popitem(last=False)


class KeyedHash:
    """A name with its password as 32 bytes that mean nothing outside of this process: its random key is kept nowhere.

    *standing*: what the store knew of whoever is called so, see `ledger.standing`; after a change the bytes are others.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def __call__(self, username: str, password: str, standing: str) -> bytes:
        name = username.encode("utf-8", "surrogatepass")
        word = password.encode("utf-8", "surrogatepass")
        now = standing.encode("utf-8", "surrogatepass")
        lengths = b"".join(len(part).to_bytes(8, "big") for part in (name, word))
        return hmac.digest(self._key, lengths + name + word + now, hashlib.sha256)
