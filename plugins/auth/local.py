"""Accounts of this installation alone: names and password hashes in its own store."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence

import argon2
import click
from pydantic import Field, model_validator

from wwt_framework import hookimpl
from wwt_framework.errors import Denied, WwtError
from wwt_framework.model import ROLES, User
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import Account, Command, LoginOption, PluginContext

SHORTEST, LONGEST = 8, 1024  # characters of a password


class LocalAccounts:
    """Sign people in whose accounts were made with the command wwt user add."""

    class Options(PluginOptions):
        time_cost: int = Field(argon2.DEFAULT_TIME_COST, ge=1, description="passes that argon2id makes over its memory")
        memory_kib: int = Field(argon2.DEFAULT_MEMORY_COST, ge=8, description="KiB that one password check takes")
        parallelism: int = Field(argon2.DEFAULT_PARALLELISM, ge=1, description="threads that one password check takes")

        @model_validator(mode="after")
        def _enough_memory(self) -> LocalAccounts.Options:
            if self.memory_kib < 8 * self.parallelism:
                raise ValueError(f"memory_kib must be at least 8 for each thread, {8 * self.parallelism} in all")
            return self

    def __init__(self, context: PluginContext[Options]) -> None:
        self._name = context.name
        self._log = context.log
        self._accounts = context.accounts
        options = context.options
        self._hasher = argon2.PasswordHasher(options.time_cost, options.memory_kib, options.parallelism)

    @hookimpl
    def register_login_options(self) -> Sequence[LoginOption]:
        return [LoginOption("Name and password", help="An account of this installation.")]

    @hookimpl
    def authenticate(self, username: str, password: str) -> User | None:
        account = self._accounts.find(username)
        if account is None:
            self._hasher.hash(_prepared(password))  # takes as long as checking one: nobody learns who has an account
            return None
        try:
            self._hasher.verify(account.secret, _prepared(password))
        except argon2.exceptions.VerifyMismatchError:
            return None
        # Said only to who knows the password.
        if not account.active:
            raise Denied(f"The account {account.name} is closed. Ask an admin of this installation to open it again.")
        if self._hasher.check_needs_rehash(account.secret):
            self._accounts.change(account.name, secret=self._hasher.hash(_prepared(password)))
        return User(account.name, account.full_name, account.email, account.roles, self._name)

    @hookimpl
    def grant_roles(self, user: User) -> Sequence[str]:
        """The roles that an account of ours has now; a closed account ends its sessions."""
        if user.backend != self._name:
            return []
        account = self._accounts.find(user.name)
        if account is None or not account.active:
            raise Denied(f"The account {user.name} is closed.")
        return sorted(account.roles)

    @hookimpl
    def register_commands(self) -> Sequence[Command]:
        return [Command("user", "Make and list local accounts.", self._commands())]

    def add(self, name: str, password: str, roles: Sequence[str] = (), full_name: str = "", email: str = "") -> Account:
        """Make an account. Raises `WwtError` for a name that is taken and a password that is too short or long."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise WwtError(f"A password has {SHORTEST} to {LONGEST} characters, got {len(password)}.")
        secret = self._hasher.hash(_prepared(password))
        account = Account(name, secret, frozenset(roles), full_name, email)
        self._accounts.add(account)
        return account

    def _commands(self) -> click.Group:
        group = click.Group("user", help="Make and list local accounts.")

        @group.command()
        @click.argument("name")
        @click.option("--role", "roles", multiple=True, type=click.Choice(ROLES), help="What it may do; repeatable.")
        @click.option("--full-name", default="", help="How pages call this person.")
        @click.option("--email", default="", help="Where mails go.")
        @click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")
        def add(name: str, roles: tuple[str, ...], full_name: str, email: str, password_stdin: bool) -> None:
            """Make an account called NAME."""
            password = _from_stdin() if password_stdin else _from_terminal()
            try:
                account = self.add(name, password, roles, full_name, email)
            except WwtError as err:
                raise click.ClickException(str(err)) from err
            click.echo(f"Made the account {account.name} with roles: {', '.join(sorted(account.roles)) or 'none'}.")

        @group.command("list")
        def list_() -> None:
            """Show every account."""
            accounts = self._accounts.all()
            for account in accounts:
                click.echo(_line(account))
            if not accounts:
                click.echo("There are no accounts yet; make one with: wwt user add NAME --role operator")

        return group


def _prepared(password: str) -> bytes:
    """However a keyboard composes its accents, it is the same password (RFC 8265, section 4.2)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def _from_stdin() -> str:
    try:
        line = sys.stdin.readline(4 * LONGEST)
    except UnicodeDecodeError as err:
        raise click.ClickException(f"The password on standard input is no {err.encoding} text.") from err
    if not line:
        raise click.ClickException("Expected a password on standard input, found nothing.")
    return line.rstrip("\r\n")


def _from_terminal() -> str:
    if not sys.stdin.isatty():
        raise click.ClickException("There is no terminal to ask at; give the password with --password-stdin.")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _line(account: Account) -> str:
    roles = ", ".join(sorted(account.roles)) or "no role"
    who = " ".join(filter(None, [account.full_name, f"<{account.email}>" if account.email else ""]))
    return "  ".join(filter(None, [account.name, roles, who, "" if account.active else "(closed)"]))
