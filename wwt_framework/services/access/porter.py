"""The porter: who is asking, by session, basic sign-in or what backends make of a visit; and may they."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, Protocol

from wwt_framework.errors import Denied, NotSignedIn, StoreError
from wwt_framework.model import User
from wwt_framework.options import LimitsOptions
from wwt_framework.plugin import Visit
from wwt_framework.services.access.backends import Backends
from wwt_framework.services.access.credentials import KeyedHash, Recent, check_bounds, read_basic, scheme_of
from wwt_framework.services.access.limits import Limits
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import Session

if TYPE_CHECKING:
    from wwt_framework.hooks.manager import Hooks

log = logging.getLogger(__name__)

ROLES_AGE = timedelta(minutes=5)  # after which a user's roles are asked for again
SCRATCH_AGE = timedelta(minutes=15)  # that a sign-in flow may take
TOUCH_AGE = timedelta(minutes=1)  # how exactly a session's last use is known


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

    def __init__(self, hooks: Callable[[], Hooks], store: Store, options: Callable[[], AccessOptions]) -> None:
        self._hooks = hooks
        self._store = store
        self._options = options
        self._backends = Backends(hooks)
        self.limits = Limits(store, options)
        self._keyed = KeyedHash()
        self._basic: Recent[bytes] = Recent(ROLES_AGE)
        self._recent: Recent[User] = Recent(ROLES_AGE)

    # -- coming and going --

    def sign_in(self, username: str, password: str, remote: str = "", token: str = "") -> tuple[Session, User]:
        """Check the password and start a session; ``session.token`` goes into the cookie.

        *token*: of the cookie that came with the form; what it stood for ends here. Raises `Denied` in words.
        """
        session = self.start_session(self._authenticate(username, password, remote, "form"), remote, token)
        return session, session.user

    def start_session(self, user: User, remote: str = "", token: str = "") -> Session:
        """Start a session for a user whom a backend vouches for; its token is always new. Raises `Denied`."""
        granted = self._backends.with_roles(user)
        now, options = self._store.now(), self._options()
        with self._store.write():
            ledger.end_session(self._store, token)
            ledger.forget_sessions(
                self._store,
                begun_before=now - timedelta(hours=options.session_hours),
                seen_before=now - timedelta(hours=options.session_idle_hours),
                scratch_before=now - SCRATCH_AGE,
            )
            session = ledger.begin_session(self._store, granted, user.roles, remote)
            ledger.write_down(self._store, user.name, "signed in", user.backend, remote=remote)
        return session

    def sign_out(self, token: str) -> None:
        """End the session of *token*; nothing happens when there is none."""
        session = ledger.find_session(self._store, token)
        if session is None:
            return
        with self._store.write():
            ledger.end_session(self._store, token)
            if session.user.name:
                ledger.write_down(self._store, session.user.name, "signed out", session.user.backend)

    def keep_scratch(self, token: str, scratch: Mapping[str, Any], remote: str = "") -> Session:
        """Remember JSON values for the browser with this cookie, before it signs in or after.

        When it has no session, it gets one without a user, for a quarter of an hour; then ``session.token`` is set.
        """
        session = self._alive(token)
        if session is None:
            return ledger.begin_session(self._store, User(), remote=remote, scratch=scratch)
        ledger.keep_scratch(self._store, session, scratch)
        return replace(session, scratch=dict(scratch))

    # -- who is it --

    def visitor(self, cookie: str, authorization: str, visit: Visit) -> Visitor:
        """Who sends *visit*. Raises `Denied` when it shows something that is wrong, so that a script hears of it.

        What a request says in its Authorization header counts; then its session; then what the backends make of it.
        """
        scheme = scheme_of(authorization)
        username = password = ""
        if scheme == "basic":
            username, password = read_basic(authorization)
            if user := self._basic.find(self._keyed(username, password), self._store.now()):
                return self._known(user, "basic")
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

    # -- sessions --

    def _by_session(self, cookie: str, visit: Visit) -> Visitor | None:
        session = self._alive(cookie)
        if session is None:
            return None
        if not session.user.name:
            # Somebody in the middle of signing in: what the server in front says of them still counts.
            user = self._identify(visit)
            return self._known(user, "identify") if user else self._nobody(session)
        if self._is_somebody_else(session, visit):
            ledger.end_session(self._store, cookie)
            return None
        if self._store.now() - session.roles_at >= ROLES_AGE:
            try:
                session = self._ask_roles_again(session)
            except Denied as denied:
                log.info("session ended: %s", denied, extra={"user": session.user.name})
                ledger.end_session(self._store, cookie)
                return None
        return Visitor(session.user, session, _form_token(session.csrf.encode(), "session"), "session")

    def _alive(self, token: str) -> Session | None:
        """The session of *token* unless it is too old; its last use is noted."""
        session = ledger.find_session(self._store, token) if token else None
        if session is None:
            return None
        now, options = self._store.now(), self._options()
        age, idle = now - session.created_at, now - session.last_seen
        longest = timedelta(hours=options.session_hours) if session.user.name else SCRATCH_AGE
        if age >= longest or idle >= timedelta(hours=options.session_idle_hours):
            return None
        if idle >= TOUCH_AGE:
            try:
                ledger.touch_session(self._store, session)
            except StoreError as err:  # a full disk must not keep anybody from reading
                log.warning("last use of a session could not be noted: %s", err)
        return session

    def _is_somebody_else(self, session: Session, visit: Visit) -> bool:
        """Whether the backend of this session, a proxy's header for example, says that another user is asking."""
        hooks, backend = self._hooks(), session.user.backend
        if backend not in hooks.implementing("identify"):
            return False
        answer = hooks.only(backend, "identify", visit=visit)
        return bool(answer.ok and answer.value and answer.value.name != session.user.name)

    def _ask_roles_again(self, session: Session) -> Session:
        """The session with the roles its user has now. Raises `Denied` when the user may not be here any more."""
        if not ledger.claim_roles(self._store, session):
            return session  # another request is asking
        if session.user.backend not in self._hooks().plugins:
            raise Denied(f"{session.user.backend} vouched for this session and is not there any more")
        user = self._backends.with_roles(replace(session.user, roles=session.vouched), before=session.user.roles)
        ledger.change_user(self._store, session, user)
        return replace(session, user=user)

    # -- backends --

    def _authenticate(self, username: str, password: str, remote: str, how: str) -> User:
        """The user whose password this is; a wrong one is counted and written down. Raises `Denied`."""
        username = username.strip()
        check_bounds(username, password)
        with self._backends.turn():
            turn = self.limits.take("sign_in", username, remote)
            try:
                user = self._backends.authenticate(username, password)
            except Denied as denied:
                ledger.write_down(self._store, username, "sign-in failed", how, remote=remote, why=str(denied))
                raise
            self.limits.give_back(turn)
        return user

    def _by_basic(self, username: str, password: str, remote: str) -> User:
        user = self._backends.with_roles(self._authenticate(username, password, remote, "basic"))
        self._basic.add(self._keyed(username, password), user, self._store.now())
        return user

    def _identify(self, visit: Visit) -> User | None:
        vouched = self._backends.identify(visit)
        if vouched is None:
            return None
        now = self._store.now()
        user = self._recent.find(vouched, now)
        if user is None:
            user = self._backends.with_roles(vouched)
            self._recent.add(vouched, user, now)
        return user

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
