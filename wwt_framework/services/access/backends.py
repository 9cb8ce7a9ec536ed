"""What the backends say of a login or a visit: who it is, with which roles."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from wwt_framework.errors import Denied, NotSignedIn
from wwt_framework.model import ROLES, User
from wwt_framework.plugin import Visit

if TYPE_CHECKING:
    from wwt_framework.hooks.manager import Answer, Hooks

log = logging.getLogger(__name__)

HASHES = 2  # passwords that are checked at the same time; argon2 takes 64 MiB for each
PATIENCE_S = 10.0  # that one waits for one's turn


def added_up(user: User, answers: Sequence[Answer], before: frozenset[str] = frozenset()) -> frozenset[str]:
    """The roles of *user* by these *answers* to ``grant_roles``, *before* in the place of those that failed.

    When the user's own backend grants roles, its answer takes the place of what it said at sign-in.
    """
    own = any(answer.ok and answer.plugin == user.backend for answer in answers)
    roles = frozenset() if own else user.roles
    return roles.union(*(answer.value if answer.ok else before for answer in answers))


class Backends:
    """The auth plugins of this installation, asked as sign-in wants it."""

    def __init__(self, hooks: Callable[[], Hooks]) -> None:
        self._hooks = hooks
        self._turns = threading.BoundedSemaphore(HASHES)

    def authenticate(self, username: str, password: str) -> User:
        """The user whose password this is. Raises `NotSignedIn`, and `Denied` where a backend refuses."""
        answer = self._hooks().first("authenticate", username=username, password=password)
        if answer is None:
            raise NotSignedIn("Name or password is not right.")
        if answer.error is not None:
            if isinstance(answer.error, Denied):
                raise answer.error
            raise NotSignedIn(
                f"Nobody knows this name with this password, but {answer.plugin} could not be asked; try again later."
            )
        return self.vouched(answer.value, answer.plugin)

    def identify(self, visit: Visit) -> User | None:
        """The user behind *visit*, without the roles that other plugins grant. Raises `Denied`."""
        answer = self._hooks().first("identify", visit=visit)
        if answer is None:
            return None
        if isinstance(answer.error, Denied):
            raise answer.error
        if answer.error is not None:
            log.warning("a visitor could not be identified: %s", answer.complaint)
            return None
        return self.vouched(answer.value, answer.plugin)

    def with_roles(self, user: User, before: frozenset[str] = frozenset()) -> User:
        """*user* with the roles that came from its backend and those that are granted to it. Raises `Denied`.

        *before*: the roles known so far; they stay as long as a plugin can not be asked.
        """
        answers = self._hooks().each("grant_roles", user=user)
        for answer in answers:
            if isinstance(answer.error, Denied):
                raise answer.error
        roles = added_up(user, answers, before)
        if strange := sorted(roles - set(ROLES)):
            log.warning("unknown roles were left out", extra={"user": user.name, "roles": strange})
        return replace(user, roles=frozenset(roles & set(ROLES)))

    def vouched(self, user: User, plugin: str) -> User:
        """*user* with the backend that vouches: *plugin*, whatever it says of itself.

        A plugin of wwt.auth may say by ``account_of`` that another backend knows this account and its roles.
        Raises `NotSignedIn` for a user without a name, and when that other backend is not there any more.
        """
        if not user.name:
            raise NotSignedIn(f"{plugin} let somebody in without a name; that is a mistake in the plugin.")
        other = user.account_of if plugin.startswith("auth.") else ""
        if other and other not in self._hooks().plugins:
            raise NotSignedIn(f"This stands for an account of {other}, which is not there any more.")
        return replace(user, backend=other or plugin, account_of="")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until a password may be checked: few are at the same time. Raises `NotSignedIn`."""
        if not self._turns.acquire(timeout=PATIENCE_S):
            raise NotSignedIn("Too many people are signing in at this moment; try again in a few seconds.")
        try:
            yield
        finally:
            self._turns.release()
