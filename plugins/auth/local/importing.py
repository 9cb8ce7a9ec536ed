"""The users.db of WorkflowWebTools -> accounts here.

Its one table is ``users (username, email, password, validator, isvalid)``. All but the name are hashes, salted with
keys/salt.txt by a recipe that only the Python of then could follow, so nothing of them can be checked: an account
comes over without a password, and its owner chooses one by mail.
"""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wwt_framework.addresses import address
from wwt_framework.errors import WwtError
from wwt_framework.plugin import Account, PluginContext

from .passwords import NONE_YET
from .resetting import Resetting

_LONGEST_NAME = 100  # characters
_COLUMNS = ("username", "email", "isvalid")


@dataclass(frozen=True)
class OldUser:
    """One row of users.db."""

    name: str
    email: str  # "" when it is kept as a hash
    is_valid: bool


def read_users(path: Path) -> list[OldUser]:
    """Every row, by name. Raises `WwtError` when the file is no such database."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            database.text_factory = lambda raw: raw.decode("utf-8", "replace")
            columns = [row[1] for row in database.execute("PRAGMA table_info(users)")]
            if missing := [name for name in _COLUMNS if name not in columns]:
                raise WwtError(f"{path}: expected the table users with {', '.join(_COLUMNS)}; it lacks {missing[0]}.")
            rows = database.execute("SELECT username, email, isvalid FROM users ORDER BY username").fetchall()
    except sqlite3.Error as err:
        raise WwtError(f"{path}: can not be read as the users.db of WorkflowWebTools: {err}.") from err
    return [OldUser(str(name or ""), _plain(email), str(valid) == "1") for name, email, valid in rows]


def read_addresses(path: Path) -> dict[str, str]:
    """Name -> mail address. Raises `WwtError` that names the line."""
    found: dict[str, str] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for number, row in enumerate(csv.reader(file), 1):
                if not row or row[0].lstrip().startswith("#"):
                    continue
                if len(row) != 2 or not (mail := _plain(row[1])):
                    raise WwtError(f"{path}:{number}: expected name,address, got {','.join(row)[:80]!a}.")
                found[row[0].strip().casefold()] = mail
    except (OSError, UnicodeDecodeError, csv.Error) as err:
        raise WwtError(f"{path}: can not be read as CSV: {err}.") from err
    return found


class Import:
    """One run: row by row, each said in a line. A second run of the same file changes nothing."""

    def __init__(
        self,
        context: PluginContext[Any],
        resetting: Resetting,
        roles: Sequence[str],
        addresses: Mapping[str, str],
        unconfirmed: bool,
        with_mail: bool,
    ) -> None:
        self._context = context
        self._resetting = resetting
        self._roles = frozenset(roles)
        self._addresses = addresses
        self._unconfirmed = unconfirmed
        self._with_mail = with_mail and context.mail.has_server()
        self._counts = {"imported": 0, "here already": 0, "left out": 0}

    @property
    def summary(self) -> str:
        return ", ".join(f"{count} {what}" for what, count in self._counts.items()) + "."

    def take(self, old: OldUser) -> str:
        """Carry *old* over; what became of it, in one line."""
        shown = old.name if old.name.isprintable() and old.name else ascii(old.name[:_LONGEST_NAME])
        word, more = self._taken(old)
        self._counts[word] += 1
        return f"{shown}: {word}{more}"

    def _taken(self, old: OldUser) -> tuple[str, str]:
        accounts = self._context.accounts
        if accounts.find(old.name) is not None:
            return "here already", ""
        if not old.is_valid and not self._unconfirmed:
            return "left out", ": never confirmed, or waited for a reset; --unconfirmed takes those, too"
        email = self._addresses.get(old.name.casefold(), old.email)
        if email and (other := accounts.with_email(email)):
            return "left out", f": {other[0].name} has its mail address, {email}"
        account = Account(old.name, NONE_YET, self._roles, "", email)
        try:
            accounts.add(account)
        except WwtError as err:
            return "left out", f": {err}"
        roles = ", ".join(sorted(self._roles))
        return "imported", f" with roles: {roles}; {self._invite(account)}"

    def _invite(self, account: Account) -> str:
        if not account.email:
            return f"no address is known: wwt user email {account.name} ADDRESS, then wwt user reset {account.name}"
        if not self._with_mail:
            return f"no mail was sent: wwt user reset {account.name}"
        self._resetting.mail(account)
        return f"a link to choose a password goes to {account.email}"


def _plain(text: Any) -> str:
    """*text* when it is a mail address; "" for a hash, which is what the original kept."""
    try:
        return address(text).addr_spec if isinstance(text, str) else ""
    except ValueError:
        return ""
