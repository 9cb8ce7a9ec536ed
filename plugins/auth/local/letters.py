"""What the mails say: the same in plain text and as HTML, links on lines of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape


@dataclass(frozen=True)
class Link:
    """A line that leads somewhere."""

    words: str
    address: str


@dataclass(frozen=True)
class Letter:
    """A mail, but for whom it is."""

    subject: str
    lines: Sequence[str | Link]

    @property
    def text(self) -> str:
        return "\n\n".join(line if isinstance(line, str) else f"{line.words}:\n{line.address}" for line in self.lines)

    @property
    def html(self) -> str:
        return "\n".join(f"<p>{_drawn(line)}</p>" for line in self.lines)


def _drawn(line: str | Link) -> str:
    if isinstance(line, str):
        return escape(line)
    return f'<a href="{escape(line.address)}">{escape(line.words)}</a><br>{escape(line.address)}'


def verify(name: str, home: str, link: str, until: datetime) -> Letter:
    """E1: somebody has asked for an account with this address."""
    return Letter(
        "Verify your account",
        (
            f"Hello {name},",
            f"an account called {name} was asked for with this mail address, at {home}",
            Link("If it was you, open this page and press its button", link),
            f"The link works once, until {_time(until)}. If it was not you, do nothing: there will be no account.",
        ),
    )


def has_one(name: str, home: str, link: str) -> Letter:
    """For who registers with an address that has an account: told by mail, and to nobody else."""
    return Letter(
        "You have an account already",
        (
            f"Hello {name},",
            f"somebody has asked for an account with this mail address, at {home}",
            f"There is one already; it is called {name}, and nothing about it has changed.",
            Link("If you do not remember its password, ask for a new one here", link),
        ),
    )


def name_taken(name: str, home: str, link: str) -> Letter:
    """For who asks for a name that is taken."""
    return Letter(
        "Please choose another user name",
        (
            "Hello,",
            f"an account called {name} was asked for with this mail address, at {home}",
            "That name is taken, so no account was made.",
            Link("If it was you, register again with another name", link),
        ),
    )


def reset(name: str, home: str, new: str, stop: str, until: datetime) -> Letter:
    """E2: the name of the account, a link to choose a password, a link to stop it."""
    return Letter(
        "Choose a new password",
        (
            f"Hello {name},",
            f"a new password was asked for, for the account {name} at {home}",
            Link("If it was you, choose it on this page", new),
            f"The link works once, until {_time(until)}. Until then your present password goes on working.",
            Link("If it was not you, make that link invalid on this page", stop),
            "and please tell whoever runs this installation: answer this mail.",
        ),
    )


def invited(name: str, home: str, link: str, until: datetime) -> Letter:
    """For who was given an account by an admin."""
    return Letter(
        "You have an account",
        (
            f"Hello {name},",
            f"an account called {name} was made for you at {home}",
            Link("Choose its password on this page", link),
            f"The link works once, until {_time(until)}; after that, ask for another one.",
            "If you do not expect this, do nothing, or answer this mail.",
        ),
    )


def changed(name: str, home: str, link: str) -> Letter:
    """For the owner of an account whose password was changed just now."""
    return Letter(
        "Your password was changed",
        (
            f"Hello {name},",
            f"the password of the account {name} at {home} was changed just now, and every browser was signed out.",
            Link("If it was not you, choose a new one at once, and answer this mail", link),
        ),
    )


def joined(name: str, email: str, roles: str, home: str) -> Letter:
    """For the webmaster: there is a new account."""
    return Letter(
        f"New account: {name}",
        (
            f"{name} <{email}> has registered at {home} and is an account now, with these roles: {roles}.",
            f"To give it other roles: wwt user roles {name} --role operator",
        ),
    )


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
