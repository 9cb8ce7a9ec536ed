"""`wwt user ...` and `wwt import-users`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from wwt_framework.addresses import address
from wwt_framework.errors import WwtError
from wwt_framework.model import ROLES
from wwt_framework.plugin import Account, Command, PluginContext
from wwt_framework.shell import who_runs

from .importing import Import, read_addresses, read_users
from .passwords import LONGEST
from .resetting import Resetting


def commands(context: PluginContext[Any], add: Callable[..., Account], resetting: Resetting) -> list[Command]:
    """What `wwt` learns by this plugin."""
    users = click.Group("user", help="Make and look after local accounts.")
    users.add_command(_add(context, add))
    users.add_command(_email(context))
    users.add_command(_reset(context, resetting))
    return [
        Command("user", "Make and look after local accounts.", users),
        Command("import-users", "Take over the accounts of WorkflowWebTools.", _import(context, resetting)),
    ]


def _add(context: PluginContext[Any], make: Callable[..., Account]) -> click.Command:
    @click.command()
    @click.argument("name")
    @click.option("--role", "roles", multiple=True, type=click.Choice(ROLES), help="What it may do; repeatable.")
    @click.option("--full-name", default="", help="How pages call this person.")
    @click.option("--email", default="", help="Where mails go.")
    @click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")
    def add(name: str, roles: tuple[str, ...], full_name: str, email: str, password_stdin: bool) -> None:
        """Make an account called NAME."""
        password = _from_stdin() if password_stdin else _from_terminal()
        with_words(lambda: _say_made(make(name, password, roles, full_name, email)))
        context.audit.write("account made", who_runs(), name, roles=sorted(roles))

    return add


def _email(context: PluginContext[Any]) -> click.Command:
    @click.command()
    @click.argument("name")
    @click.argument("mail_address", metavar="ADDRESS")
    def email(name: str, mail_address: str) -> None:
        """Say where mails for the account NAME go."""
        try:
            found = address(mail_address).addr_spec
        except ValueError as err:
            raise click.ClickException(str(err)) from err
        with_words(lambda: context.accounts.change(name, email=found))
        context.audit.write("address changed", who_runs(), name)
        click.echo(f"Mails for {name} go to {found}.")

    return email


def _reset(context: PluginContext[Any], resetting: Resetting) -> click.Command:
    @click.command()
    @click.argument("name")
    @click.option("--show", is_flag=True, help="Show the link here, to hand it over, and mail nothing.")
    def reset(name: str, show: bool) -> None:
        """Have who owns the account NAME choose a new password, by a link that is mailed. The old one works until then."""
        account = context.accounts.find(name)
        if account is None:
            raise click.ClickException(f"There is no account called {name!r}; `wwt user list` shows all.")
        if not account.active:
            raise click.ClickException(f"The account {account.name} is closed; open it first.")
        context.audit.write("reset asked for", who_runs(), account.name, shown=show)
        if show:
            code, until = resetting.open(account)
            click.echo(f"Until {until:%Y-%m-%d %H:%M} UTC, once: {context.url('/resetpassword', code=code)}")
            return
        if not account.email:
            raise click.ClickException(
                f"No mail address of {account.name} is known. Name it: wwt user email {account.name} ADDRESS; "
                "or see the link here: --show"
            )
        with_words(lambda: resetting.mail(account))
        click.echo(f"A mail with a link goes to {account.email}.")

    return reset


def _import(context: PluginContext[Any], resetting: Resetting) -> click.Command:
    @click.command("import-users")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--role", "roles", multiple=True, type=click.Choice(ROLES),
                  help="What they may do; repeatable. Without: operator, as it was.")  # fmt: skip
    @click.option("--addresses", type=click.Path(exists=True, dir_okay=False, path_type=Path),
                  help="CSV of name,address: the old file keeps addresses as hashes only.")  # fmt: skip
    @click.option("--unconfirmed", is_flag=True, help="Take those, too, that were never confirmed or wait for a reset.")
    @click.option("--no-mail", is_flag=True, help="Mail nobody; `wwt user reset NAME` does it later.")
    def import_users(
        file: Path, roles: tuple[str, ...], addresses: Path | None, unconfirmed: bool, no_mail: bool
    ) -> None:
        """Take over the accounts in FILE, the users.db of WorkflowWebTools, and say what became of each.

        Its password hashes can not be checked: everybody chooses a new password by a link that is mailed.
        """
        try:
            known = read_addresses(addresses) if addresses else {}
            rows = read_users(file)
        except WwtError as err:
            raise click.ClickException(str(err)) from err
        run = Import(context, resetting, roles or ("operator",), known, unconfirmed, not no_mail)
        for row in rows:
            click.echo(run.take(row))
        context.audit.write("accounts imported", who_runs(), str(file), told=run.summary)
        click.echo(run.summary)

    return import_users


def with_words(do: Callable[[], object]) -> None:
    """Do it; what we can say in a sentence is said."""
    try:
        do()
    except WwtError as err:
        raise click.ClickException(str(err)) from err


def _say_made(account: Account) -> None:
    click.echo(f"Made the account {account.name} with roles: {', '.join(sorted(account.roles)) or 'none'}.")


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
