"""The porter: who is asking, by session, basic sign-in or what backends make of a visit; and may they."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from wwt_framework.errors import Denied, NotSignedIn
from wwt_framework.model import User
from wwt_framework.options import LimitsOptions
from wwt_framework.plugin import Visit
from wwt_framework.services.access.backends import Backends
from wwt_framework.services.access.credentials import KeyedHash, Recent, check_bounds, read_basic, scheme_of
from wwt_framework.services.access.limits import Limits
from wwt_framework.services.access.persons import Persons
from wwt_framework.services.access.sessions import ROLES_AGE, Browser, NewDevice, Sessions, tell_nobody
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import Session

if TYPE_CHECKING:
    from wwt_framework.hooks.manager import Hooks


class AccessOptions(Protocol):
    """What this room wants of the ``wwt:`` block."""

    open_reading: bool
    session_hours: float
    session_idle_hours: float
    limits: LimitsOptions


@dataclass(frozen=True)
class Visitor:
    """Who is behind one request, and how we know. ``csrf_token`` is "" for a visitor who has nothing to lose."""

    user: User
    session: Session | None = None
    csrf_token: str = ""
    via: Literal["session", "basic", "identify", "none"] = "none"


class Access:
    """The porter of one installation. Hooks and options are asked for each time: plugins.yml may change."""

    def __init__(
        self,
        hooks: Callable[[], Hooks],
        store: Store,
        options: Callable[[], AccessOptions],
        told: NewDevice = tell_nobody,
    ) -> None:
        self._store = store
        self._options = options
        self._backends = Backends(hooks)
        self.limits = Limits(store, options)
        self.persons = Persons(store)
        self.sessions = Sessions(hooks, store, options, told)
        self._keyed = KeyedHash()
        self._basic: Recent[bytes] = Recent(ROLES_AGE)
        self._recent: Recent[tuple[User, str]] = Recent(ROLES_AGE)

    # -- coming and going --

    def sign_in(self, username: str, password: str, browser: Browser | None = None) -> tuple[Session, str]:
        """Check the password and start a session; ``session.token`` goes into the cookie.

        Also the token by which the browser is known again, "" when it is known. Raises `Denied` in words.
        """
        browser = browser or Browser()
        user = self._authenticate(username, password, browser.remote, "form", browser.device)
        if user.scope is not None:
            raise Denied("A token is for programs. Sign in with your password; a program shows its token each time.")
        return self.sessions.begin(user, browser)

    # -- who is it --

    def visitor(self, cookie: str, authorization: str, visit: Visit) -> Visitor:
        """Who sends *visit*. Raises `Denied` when it shows something that is wrong, so that a script hears of it.

        What a request says in its Authorization header counts; then its session; then what the backends make of it.
        """
        scheme = scheme_of(authorization)
        username = password = ""
        if scheme == "basic":
            username, password = read_basic(authorization)
            if user := self._basic.find(self._key(username, password), self._store.now()):
                return self._known(self.persons.check(user), "basic")
        elif not scheme and cookie and (visitor := self._by_session(cookie, visit)):
            return visitor
        if user := self._identify(visit):
            return self._known(user, "identify")
        if scheme == "basic":
            return self._known(self._by_basic(username, password, visit.remote), "basic")
        if scheme == "bearer":
            raise NotSignedIn("The token in the Authorization header is not known here, or not any more.")
        return self._nobody(None)

    def require(self, user: User, role: str) -> None:
        """Raises `NotSignedIn` or `Denied`, which say who is asking and what is missing."""
        if user.may(role) or (role == "viewer" and self._options().open_reading):
            return
        if not user.name:
            raise NotSignedIn(f"This needs the role {role}; sign in first.")
        roles = ", ".join(sorted(user.roles)) or "none"
        raise Denied(f"You are signed in as {user.name} with roles {roles}; this needs {role}.")

    def csrf_ok(self, visitor: Visitor, given: str) -> bool:
        """Whether *given* is the token that we wrote into this visitor's forms."""
        expected = visitor.csrf_token.encode()
        return bool(expected) and hmac.compare_digest(expected, given.encode("utf-8", "replace"))

    def _by_session(self, cookie: str, visit: Visit) -> Visitor | None:
        session = self.sessions.alive(cookie)
        if session is None:
            return None
        if not session.user.name:
            # Somebody in the middle of signing in: what the server in front says of them still counts.
            user = self._identify(visit)
            return self._known(user, "identify") if user else self._nobody(session)
        session = self.sessions.still_valid(session, cookie, visit)
        if session is None:
            return None
        return Visitor(session.user, session, _form_token(session.csrf.encode(), "session"), "session")

    # -- backends --

    def _authenticate(self, username: str, password: str, remote: str, how: str, device: str = "") -> User:
        """The user whose password this is; a wrong one is counted and written down. Raises `Denied`."""
        username = username.strip()
        check_bounds(username, password)
        with self._backends.turn():
            known = device if ledger.knows_device(self._store, device, username) else ""
            turn = self.limits.take("sign_in", username, remote, known)
            try:
                user = self._backends.authenticate(username, password)
            except Denied as denied:
                ledger.write_down(self._store, username, "sign-in failed", how, remote=remote, why=str(denied))
                raise
            self.limits.give_back(turn)
        return user

    def vouched(self, user: User, plugin: str) -> User:
        """*user*, for whom a page of *plugin* vouches, with the backend that knows the account. Raises `NotSignedIn`."""
        return self._backends.vouched(user, plugin)

    def _by_basic(self, username: str, password: str, remote: str) -> User:
        user = self.persons.known(self._backends.with_roles(self._authenticate(username, password, remote, "basic")))
        if user.scope is None:  # a token that was revoked ends at once, and costs no hash to check
            self._basic.add(self._key(username, password), user, self._store.now())
        return user

    def _identify(self, visit: Visit) -> User | None:
        vouched = self._backends.identify(visit)
        if vouched is None:
            return None
        now = self._store.now()
        user = self._recent.find((vouched, ledger.standing(self._store, vouched.name)), now)
        if user is not None:
            return self.persons.check(user)
        user = self.persons.known(self._backends.with_roles(vouched))
        self._recent.add((vouched, ledger.standing(self._store, vouched.name)), user, now)
        return user

    def _key(self, username: str, password: str) -> bytes:
        """By what a sign-in is known for a while; by another one as soon as password or roles were changed here."""
        return self._keyed(username, password, ledger.standing(self._store, username.strip()))

    # -- visitors --

    def _nobody(self, session: Session | None) -> Visitor:
        """A visitor without a name, perhaps in the middle of signing in."""
        roles = frozenset({"viewer"}) if self._options().open_reading else frozenset()
        token = _form_token(session.csrf.encode(), "session") if session else ""
        return Visitor(User(roles=roles), session, token, "none")

    def _known(self, user: User, via: Literal["basic", "identify"]) -> Visitor:
        """A visitor without a session: the form token hangs on the name, and on a key of the installation."""
        key = ledger.secret(self._store, "forms")
        return Visitor(user, None, _form_token(key, via, user.backend, user.name), via)


def _form_token(key: bytes, *about: str) -> str:
    return hmac.new(key, "\0".join(about).encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
