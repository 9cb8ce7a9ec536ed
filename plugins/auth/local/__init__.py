"""Accounts of this installation alone: names and password hashes in its own store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from wwt_framework import hookimpl
from wwt_framework.errors import Denied, WwtError
from wwt_framework.model import User
from wwt_framework.plugin import Account, Command, Health, Job, Link, LoginOption, Page, PluginContext, Progress

from .codes import CONFIRM, RESET
from .commands import commands
from .inviting import Inviting
from .options import LocalOptions
from .pages import Pages
from .passwords import Passwords, length_problem
from .registering import Registration
from .resetting import Resetting
from .wishes import Wishes


class LocalAccounts:
    """Sign people in by accounts of this installation, which they register for by mail or an admin makes."""

    Options = LocalOptions

    def __init__(self, context: PluginContext[LocalOptions]) -> None:
        self._name = context.name
        self._context = context
        self._accounts = context.accounts
        options = context.options
        self._passwords = Passwords(options.time_cost, options.memory_kib, options.parallelism)
        self._registration = Registration(context, self._passwords)
        self._resetting = Resetting(context, self._passwords)
        self._inviting = Inviting(context, self._resetting)
        self._job = f"{context.name}.letters"
        self._wishes = Wishes(context, self._job)

    # -- who is it --

    @hookimpl
    def register_login_options(self) -> Sequence[LoginOption]:
        options = [LoginOption("Name and password", help="An account of this installation.")]
        if self._registration.is_open:
            options.append(LoginOption("New account", "/newuser", "You need a mail address that is allowed here."))
        if self._context.mail.has_server():
            options.append(LoginOption("Forgot your password?", "/resetpassword"))
        return options

    @hookimpl
    def authenticate(self, username: str, password: str) -> User | None:
        account = self._accounts.find(username)
        if not self._passwords.fits(account.secret if account else None, password) or account is None:
            return None
        # Said only to who knows the password.
        if not account.active:
            raise Denied(f"The account {account.name} is closed. Ask an admin of this installation to open it again.")
        if self._passwords.is_outdated(account.secret):
            self._accounts.change(account.name, secret=self._passwords.hash(password))
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

    # -- how one gets in --

    @hookimpl
    def register_pages(self) -> Sequence[Page]:
        own = Pages(self._context, self._passwords, self._registration, self._resetting, self._wishes)
        return [*own.pages(), *self._inviting.pages()]

    @hookimpl
    def show_account_links(self, account: User | None) -> Sequence[Link]:
        return self._inviting.links(account)

    @hookimpl
    def register_jobs(self) -> Sequence[Job]:
        return [Job(self._job, self.write_letters, timedelta(hours=1), help="mails what people asked for to get in")]

    def write_letters(self, progress: Progress) -> str:  # noqa: ARG002  # as every job
        """Answer who registered or asked for a new password, and forget codes that have expired."""
        self._context.credentials.forget([CONFIRM, RESET])
        return self._wishes.answer({"account": self._registration.answer, "reset": self._resetting.answer})

    @hookimpl
    def report_health(self) -> Health:
        """Whether who registers or forgets a password can be helped."""
        options, mail = self._context.options, self._context.mail
        if (options.domains or options.whitelist) and not mail.has_server():
            return Health(
                False, "domains or whitelist are set, and nobody can register: no mail server is named (wwt.mail)"
            )
        accounts = len(self._accounts.all())
        told = f"{accounts} account{'' if accounts == 1 else 's'}"
        return Health(True, told if mail.has_server() else f"{told}; without a mail server nobody can reset a password")

    @hookimpl
    def register_commands(self) -> Sequence[Command]:
        return commands(self._context, self.add, self._resetting)

    def add(self, name: str, password: str, roles: Sequence[str] = (), full_name: str = "", email: str = "") -> Account:
        """Make an account. Raises `WwtError` for a name that is taken and a password that is too short or long."""
        if told := length_problem(password):
            raise WwtError(told)
        account = Account(name, self._passwords.hash(password), frozenset(roles), full_name, email)
        self._accounts.add(account)
        return account
