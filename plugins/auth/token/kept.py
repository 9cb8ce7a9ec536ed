"""Tokens as they are made, shown once, and kept: a prefix that names one, and the SHA-256 of the whole."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from wwt_framework.errors import NotFound, WwtError
from wwt_framework.model import User
from wwt_framework.plugin import Credential, CredentialsDoor

KIND = "token"
LONGEST_LABEL = 100  # characters
MACHINE = "machine"
#: What a token may give its bearer; a machine's is made by admins only.
SCOPES: Mapping[str, str] = {
    "viewer": "read only",
    "operator": "read, ask for actions",
    "admin": "everything but what executors do",
    MACHINE: "what executors do",
}
_FORM = re.compile(r"wwt_([0-9a-f]{12})_[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True)
class Token:
    """One token, as everybody may see it who may see it at all: without its secret."""

    id: str  # the prefix by which a person recognizes it
    owner: str  # of whom it is, or the executor's name
    scope: str  # one of SCOPES
    label: str
    backend: str  # that knows the owner; "" for an executor
    email: str
    roles: frozenset[str]  # of the owner, when it was made
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    digest: str = field(repr=False)
    full_name: str = ""

    @property
    def is_machine(self) -> bool:
        return self.scope == MACHINE

    def user(self) -> User:
        """For whom it stands. An account of another backend is given to that one for its roles of now."""
        if self.is_machine:
            return User(self.owner, roles=frozenset({MACHINE}), scope=frozenset({MACHINE}))
        return User(
            self.owner, self.full_name, self.email, self.roles, scope=frozenset({self.scope}), account_of=self.backend
        )


@dataclass(frozen=True)
class Made:
    """A token just made, with the text that is shown this once."""

    token: Token
    text: str = field(repr=False)


class Tokens:
    """All tokens of this installation."""

    def __init__(self, credentials: CredentialsDoor, most_days: int) -> None:
        self._credentials = credentials
        self._most_days = most_days

    def make(self, owner: User, scope: str, label: str, days: float) -> Made:
        """A new token of *owner*. Raises `WwtError` in words for what can not be."""
        if scope not in SCOPES:
            raise WwtError(f"A token gives one of {', '.join(SCOPES)}, got {scope[:40]!r}.")
        if not 0 < days <= self._most_days:
            raise WwtError(f"A token is good for 1 to {self._most_days} days, got {days:g}.")
        label = " ".join(label.split())
        if len(label) > LONGEST_LABEL or not label.isprintable():
            raise WwtError(f"What a token is for takes at most {LONGEST_LABEL} characters that can be printed.")
        prefix = secrets.token_hex(6)
        text = f"wwt_{prefix}_{secrets.token_urlsafe(32)}"
        details = {
            "digest": digest(text), "owner": owner.at_backend, "scope": scope, "label": label, "backend": owner.backend,
            "email": owner.email, "full_name": owner.full_name, "roles": sorted(owner.roles),
        }  # fmt: skip
        until = datetime.now(timezone.utc) + timedelta(days=days)
        return Made(_token(self._credentials.add(Credential(KIND, prefix, owner.at_backend, details, until))), text)

    def find(self, text: str) -> Token | None:
        """The token that *text* is; None when it is none, or not any more. Notes its use."""
        form = _FORM.fullmatch(text)
        kept = self._credentials.find(KIND, form[1]) if form else None
        # Compared in any case, so that the time tells nothing of which prefixes there are.
        if not hmac.compare_digest(digest(text), kept.details["digest"] if kept else digest("")) or kept is None:
            return None
        self._credentials.use(KIND, kept.name)
        return _token(kept)

    def rotate(self, id_: str, days: float, overlap_hours: float, by: Collection[str] | None) -> Made:
        """A new token in the place of an old one, which ends after *overlap_hours*. Raises `NotFound`, `WwtError`."""
        old = self.get(id_, by)
        owner = User(old.owner, old.full_name, old.email, old.roles, old.backend)
        made = self.make(owner, old.scope, old.label, days)
        ends = datetime.now(timezone.utc) + timedelta(hours=max(0.0, overlap_hours))
        self._credentials.change(KIND, id_, expires_at=min(ends, old.expires_at))
        return made

    def revoke(self, id_: str, by: Collection[str] | None) -> Token:
        """End a token now. Raises `NotFound`."""
        token = self.get(id_, by)
        self._credentials.take(KIND, id_)
        return token

    def get(self, id_: str, by: Collection[str] | None) -> Token:
        """The token of this id. *by*: the names of whose it must be; None: anybody's. Raises `NotFound`."""
        kept = self._credentials.find(KIND, id_)
        if kept is None or (by is not None and kept.details["owner"] not in by):
            raise NotFound(f"There is no token {id_[:40]!r}, or it has ended.")
        return _token(kept)

    def of(self, user: User) -> list[Token]:
        """Those of *user*, newest first. Two backends may know different people by one name."""
        kept = self._credentials.all(KIND, user.at_backend)
        return [token for token in map(_token, kept) if token.backend == user.backend]

    def all(self) -> list[Token]:
        """Everybody's, newest first."""
        return [_token(kept) for kept in self._credentials.all(KIND)]


def is_token(text: str) -> bool:
    """Whether *text* has the form of our tokens."""
    return bool(_FORM.fullmatch(text))


def digest(text: str) -> str:
    """What is kept of a token. A fast hash is right: nobody guesses 256 random bits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _token(kept: Credential) -> Token:
    told: Mapping[str, Any] = kept.details
    assert kept.created_at is not None
    assert kept.expires_at is not None
    return Token(
        kept.name, told["owner"], told["scope"], told["label"], told["backend"], told["email"], frozenset(told["roles"]),
        kept.created_at, kept.expires_at, kept.used_at, told["digest"], told["full_name"],
    )  # fmt: skip
