"""Sessions: begun at sign-in with a new token, ended by time, by their owner, by an admin, or by the backend."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from wwt_framework.errors import Denied, StoreError
from wwt_framework.model import User
from wwt_framework.plugin import Visit
from wwt_framework.services.access.backends import Backends
from wwt_framework.services.access.persons import Persons, as_backend
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import Session

if TYPE_CHECKING:
    from wwt_framework.hooks.manager import Hooks

log = logging.getLogger(__name__)

ROLES_AGE = timedelta(minutes=5)  # after which a user's roles are asked for again
SCRATCH_AGE = timedelta(minutes=15)  # that a sign-in flow may take
TOUCH_AGE = timedelta(minutes=1)  # how exactly a session's last use is known
GLASS = "break-glass"  # the name and the backend of who came by a break-glass code


class _Options(Protocol):
    session_hours: float
    session_idle_hours: float


@dataclass(frozen=True)
class Browser:
    """What signs in: where it is, what it calls itself, and the cookies that came with the form."""

    remote: str = ""
    agent: str = ""
    token: str = ""  # of its session; what it stood for ends at sign-in
    device: str = ""  # by which it is known again; "": it was never here


def tell_nobody(user: User, browser: Browser) -> None:
    """Where no mail is sent."""


#: Called after a sign-in by a browser that this person never used, though they have used others.
NewDevice = Callable[[User, Browser], None]


class Sessions:
    """The sessions of one installation."""

    def __init__(
        self, hooks: Callable[[], Hooks], store: Store, options: Callable[[], _Options], told: NewDevice
    ) -> None:
        self._hooks = hooks
        self._store = store
        self._options = options
        self._told = told
        self._backends = Backends(hooks)
        self._persons = Persons(store)

    # -- begin and end --

    def begin(self, user: User, browser: Browser) -> tuple[Session, str]:
        """A session for a user whom a backend vouches for, with a token that is always new.

        Also the token by which the browser is to be known again, "" when it is known. Raises `Denied`.
        """
        known = self._persons.known(self._backends.with_roles(user), seen=True)
        device = browser.device or secrets.token_urlsafe(32)
        with self._store.write():
            session = self._begun(known, user.roles, browser)
            strange = ledger.has_devices(self._store, known.name)
            if ledger.note_device(self._store, device, known.name, browser.agent) and strange:
                self._told(known, browser)
        return session, "" if device == browser.device else device

    def break_glass(self, code: str, browser: Browser) -> Session:
        """A session as admin for who has a break-glass code; it ends when the code does. Raises `Denied`."""
        with self._store.write():
            glass = ledger.take_break_glass(self._store, code.strip())
            if glass is None:
                ledger.write_down(self._store, GLASS, "sign-in failed", GLASS, remote=browser.remote)
        if glass is None:
            raise Denied("This code is not known, was used, or is over. Make another one: wwt auth break-glass")
        user = User(GLASS, f"break-glass of {glass.made_by}", roles=frozenset({"admin"}), backend=GLASS)
        with self._store.write():
            session = self._begun(user, user.roles, browser, glass)
            ledger.write_down(self._store, GLASS, "break-glass used", glass.made_by, remote=browser.remote)
        return session

    def _begun(
        self, user: User, vouched: frozenset[str], browser: Browser, glass: ledger.BreakGlass | None = None
    ) -> Session:
        now, options = self._store.now(), self._options()
        ledger.end_session(self._store, browser.token)
        ledger.forget_sessions(
            self._store,
            begun_before=now - timedelta(hours=options.session_hours),
            seen_before=now - timedelta(hours=options.session_idle_hours),
            scratch_before=now - SCRATCH_AGE,
        )
        ends_at = glass.ends_at if glass else None
        session = ledger.begin_session(self._store, user, vouched, browser.remote, agent=browser.agent, ends_at=ends_at)
        login = {"login": user.login} if user.login else {}
        ledger.write_down(self._store, user.name, "signed in", user.backend, remote=browser.remote, **login)
        return session

    def end(self, token: str) -> None:
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
        session = self.alive(token)
        if session is None:
            return ledger.begin_session(self._store, User(), remote=remote, scratch=scratch)
        ledger.keep_scratch(self._store, session, scratch)
        return replace(session, scratch=dict(scratch))

    # -- in use --

    def alive(self, token: str) -> Session | None:
        """The session of *token* unless it is too old; its last use is noted."""
        session = ledger.find_session(self._store, token) if token else None
        if session is None or self.is_over(session):
            return None
        if self._store.now() - session.last_seen >= TOUCH_AGE:
            try:
                ledger.touch_session(self._store, session)
            except StoreError as err:  # a full disk must not keep anybody from reading
                log.warning("last use of a session could not be noted: %s", err)
        return session

    def is_over(self, session: Session) -> bool:
        """Whether it is too old, or was not used for too long."""
        now, options = self._store.now(), self._options()
        longest = timedelta(hours=options.session_hours) if session.user.name else SCRATCH_AGE
        if session.ends_at is not None and now >= session.ends_at:
            return True
        idle = now - session.last_seen
        return now - session.created_at >= longest or idle >= timedelta(hours=options.session_idle_hours)

    def still_valid(self, session: Session, token: str, visit: Visit) -> Session | None:
        """*session* with the roles its user has now; None when it had to be ended."""
        if session.ends_at is not None:  # break-glass works when no backend does
            return session
        if self._is_somebody_else(session, visit):
            ledger.end_session(self._store, token)
            return None
        if self._store.now() - session.roles_at < ROLES_AGE:
            return session
        try:
            return self._ask_roles_again(session)
        except Denied as denied:
            log.info("session ended: %s", denied, extra={"user": session.user.name})
            ledger.end_session(self._store, token)
            return None

    def _is_somebody_else(self, session: Session, visit: Visit) -> bool:
        """Whether the backend of this session, a proxy's header for example, says that another user is asking."""
        hooks, backend = self._hooks(), session.user.backend
        if backend not in hooks.implementing("identify"):
            return False
        answer = hooks.only(backend, "identify", visit=visit)
        return bool(answer.ok and answer.value and answer.value.name != session.user.at_backend)

    def _ask_roles_again(self, session: Session) -> Session:
        """The session with the roles its user has now. Raises `Denied` when the user may not be here any more."""
        if not ledger.claim_roles(self._store, session):
            return session  # another request is asking
        if session.user.backend not in self._hooks().plugins:
            raise Denied(f"{session.user.backend} vouched for this session and is not there any more")
        before = session.user.roles
        user = self._persons.known(self._backends.with_roles(as_backend(session.user, session.vouched), before))
        ledger.change_user(self._store, session, user)
        return replace(session, user=user)
