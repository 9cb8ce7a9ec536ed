"""How one gets an account: ask for it, and confirm by mail that the address is one's own.

Who asks hears the same whether name and address are taken or not, after the same work: what is different is
decided later, by a job, and is told by mail to who owns the address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from wwt_framework.addresses import address
from wwt_framework.errors import WwtError
from wwt_framework.model import HOUSE_NAMES
from wwt_framework.plugin import Account, Credential, PluginContext

from . import letters
from .codes import CONFIRM, digest, fresh
from .passwords import Passwords, problem

LONGEST_NAME = 31


class Registration:
    """The desk at which accounts are asked for."""

    def __init__(self, context: PluginContext[Any], passwords: Passwords) -> None:
        self._context = context
        self._passwords = passwords
        self._domains = frozenset(context.options.domains)
        self._whitelist = frozenset(address(one).addr_spec.lower() for one in context.options.whitelist)

    @property
    def is_open(self) -> bool:
        """Whether anybody may ask for an account: some addresses are allowed, and mails can be sent to them."""
        return bool(self._domains or self._whitelist) and self._context.mail.has_server()

    def problems(self, email: str, name: str, password: str, again: str | None) -> list[str]:
        """What is wrong with what was typed, in sentences. *again*: None when it was not asked for.

        Says nothing of which accounts there are.
        """
        found = [self._email_problem(email), name_problem(name)]
        if again is not None and again != password:
            found.append("The two passwords are not the same; type them again.")
        else:
            found.append(problem(password, name, email))
        return [told for told in found if told]

    def wish(self, email: str, name: str, password: str) -> dict[str, str]:
        """What is to be kept of a good form until its job comes. Costs one hash, whoever asks."""
        return {"email": address(email).addr_spec, "name": name, "secret": self._passwords.hash(password)}

    def answer(self, wish: Mapping[str, Any], mark: str) -> None:
        """Mail what became of *wish*: a link to confirm it, or why there is none."""
        context, name, email = self._context, wish["name"], wish["email"]
        home = context.url("/")
        if mine := context.accounts.with_email(email):
            letter = letters.has_one(mine[0].name, home, context.url("/resetpassword"))
        elif context.accounts.find(name) is not None:
            letter = letters.name_taken(name, home, context.url("/newuser"))
        else:
            code, until = fresh(), self._until()
            context.credentials.add(Credential(CONFIRM, digest(code), name, wish, until))
            letter = letters.verify(name, home, context.url("/confirmuser", code=code), until)
        webmaster = context.mail.webmaster()
        copies = [webmaster] if webmaster and letter.subject == "Verify your account" else []
        context.mail.send([email], letter.subject, letter.text, letter.html, cc=copies, once=mark)

    def waiting(self, code: str) -> str:
        """The name of the account that *code* would make valid; "" when it is no such code, or not any more."""
        kept = self._context.credentials.find(CONFIRM, digest(code))
        return str(kept.details["name"]) if kept else ""

    def confirm(self, code: str) -> Account | None:
        """Make the account. None when the code is none, or not any more. Raises `WwtError` when the name is taken by now."""
        context = self._context
        kept = context.credentials.take(CONFIRM, digest(code))
        if kept is None:
            return None
        wish = kept.details
        if context.accounts.with_email(wish["email"]):
            raise WwtError(f"There is an account with the address {wish['email']} by now; sign in with that one.")
        account = Account(wish["name"], wish["secret"], frozenset(context.options.new_roles), "", wish["email"])
        context.accounts.add(account)
        if webmaster := context.mail.webmaster():
            roles = ", ".join(sorted(account.roles)) or "none"
            letter = letters.joined(account.name, account.email, roles, context.url("/"))
            context.mail.send([webmaster], letter.subject, letter.text, letter.html, once=f"joined:{kept.name}")
        return account

    def allowed(self) -> Sequence[str]:
        """Domains whose addresses may register, sorted. Who is on the whitelist is nobody's business."""
        return sorted(self._domains)

    def _until(self) -> datetime:
        return datetime.now(timezone.utc) + timedelta(hours=self._context.options.confirm_hours)

    def _email_problem(self, email: str) -> str:
        try:
            found = address(email)
        except ValueError:
            return "Mail address: expected one like olga@example.org."
        if found.addr_spec.lower() in self._whitelist or found.domain.lower() in self._domains:
            return ""
        return "Accounts are not given to this mail address; see below which are allowed."


def name_problem(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]+", name, re.ASCII):
        return "A user name has letters from a to z and digits only."
    if name.casefold() in HOUSE_NAMES | {"unified"}:  # the latter: whom today's executor is called
        return "This name belongs to the installation itself; choose another one."
    return f"A user name has at most {LONGEST_NAME} characters, got {len(name)}." if len(name) > LONGEST_NAME else ""
