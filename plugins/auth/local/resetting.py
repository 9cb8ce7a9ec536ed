"""How one gets a new password: by a link that is mailed. The present one works until then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from wwt_framework.plugin import Account, Credential, PluginContext

from . import letters
from .codes import RESET, digest, fresh
from .passwords import Passwords

MOST_OPEN = 3  # links of one account that work at the same time; more mails are not sent


class Resetting:
    """The desk at which new passwords are asked for."""

    def __init__(self, context: PluginContext[Any], passwords: Passwords) -> None:
        self._context = context
        self._passwords = passwords

    def answer(self, wish: Mapping[str, Any], mark: str) -> None:
        """Mail a link to the accounts with this address, if there are any. None of them changes."""
        for account in self._context.accounts.with_email(wish["email"]):
            if account.active and len(self._context.credentials.all(RESET, account.name)) < MOST_OPEN:
                self.mail(account, f"{mark}:{account.name}")

    def mail(self, account: Account, mark: str = "") -> None:
        """Mail a link for *account*."""
        code, until = self.open(account)
        url = self._context.url
        letter = letters.reset(
            account.name, url("/"), url("/resetpassword", code=code), url("/confirmuser", code=code), until
        )
        self._context.mail.send([account.email], letter.subject, letter.text, letter.html, once=mark)

    def invite(self, account: Account) -> None:
        """Mail a link to who has a new *account* that somebody else made."""
        code, until = self.open(account, new=True)
        url = self._context.url
        letter = letters.invited(account.name, url("/"), url("/resetpassword", code=code), until)
        self._context.mail.send([account.email], letter.subject, letter.text, letter.html)

    def open(self, account: Account, new: bool = False) -> tuple[str, datetime]:
        """A code with which the password of *account* can be chosen, and until when: longer where there was none yet."""
        code, options = fresh(), self._context.options
        hours = options.confirm_hours if new else options.reset_hours
        until = datetime.now(timezone.utc) + timedelta(hours=hours)
        self._context.credentials.add(Credential(RESET, digest(code), account.name, {}, until))
        return code, until

    def of(self, code: str) -> Account | None:
        """The account whose password *code* lets one choose; None when it is no such code, or not any more."""
        kept = self._context.credentials.find(RESET, digest(code))
        account = self._context.accounts.find(kept.owner) if kept else None
        return account if account is not None and account.active else None

    def stop(self, code: str) -> str:
        """Make *code* invalid; whose it was, "" when it was no good anyway."""
        kept = self._context.credentials.take(RESET, digest(code))
        return kept.owner if kept else ""

    def finish(self, code: str, password: str) -> Account | None:
        """Set the password. None when the code is none, or not any more."""
        account = self.of(code)
        if account is None or self._context.credentials.take(RESET, digest(code)) is None:
            return None
        self.set(account, password)
        return account

    def set(self, account: Account, password: str) -> None:
        """Give *account* a new password, sign it out everywhere, end its resets, and tell its owner."""
        context = self._context
        context.accounts.change(account.name, secret=self._passwords.hash(password))
        context.credentials.forget([RESET], account.name)
        context.accounts.end_sessions(account.name)
        if account.email and context.mail.has_server():
            letter = letters.changed(account.name, context.url("/"), context.url("/resetpassword"))
            context.mail.send([account.email], letter.subject, letter.text, letter.html)
