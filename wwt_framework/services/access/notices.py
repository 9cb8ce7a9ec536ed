"""Mails to people about their own account: a browser not seen before, other roles. None where no mail can go out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from wwt_framework.errors import WwtError
from wwt_framework.model import User
from wwt_framework.services.access.sessions import Browser
from wwt_framework.services.mailing import Post
from wwt_framework.store.ledger import Person

log = logging.getLogger(__name__)


class Notices:
    """Queues the mails of access. *url* gives addresses as others reach them."""

    def __init__(self, post: Post, url: Callable[..., str]) -> None:
        self._post = post
        self._url = url

    def new_device(self, user: User, browser: Browser) -> None:
        """Tell *user* of a sign-in by a browser that they never used."""
        self._send(
            user.email,
            "Sign-in by a browser that was not seen before",
            f"{user.name} signed in by {user.backend}, by a browser that was not seen before.\n\n"
            f"Address: {browser.remote or 'not known'}\n"
            f"Browser: {_one_line(browser.agent) or 'not known'}\n\n"
            "If this was you, there is nothing to do.\n"
            f"If not: end that session at {self._url('/sessions')}, choose another password, and tell the webmaster.",
        )

    def roles_changed(self, person: Person, before: Collection[str], after: Collection[str], by: str) -> None:
        """Tell *person* that they may do other things now."""
        self._send(
            person.email,
            "Your roles have changed",
            f"{by} changed the roles of {person.name}.\n\nBefore: {_roles(before)}\nNow: {_roles(after)}\n\n"
            f"{self._url('/')}",
        )

    def _send(self, to: str, subject: str, text: str) -> None:
        if not to or not self._post.has_server:
            return
        try:
            self._post.queue("access", [to], subject, text)
        except WwtError as err:  # what a backend says may be no address; that keeps nobody out
            log.warning("a mail about an account could not be queued: %s", err)


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:300].strip()


def _roles(roles: Collection[str]) -> str:
    return ", ".join(sorted(roles)) or "none"
