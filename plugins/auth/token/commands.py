"""`wwt token add | list | rotate | revoke`."""

from __future__ import annotations

from typing import Any

import click

from wwt_framework.errors import WwtError
from wwt_framework.model import User
from wwt_framework.plugin import Command, PluginContext
from wwt_framework.shell import who_runs

from .kept import MACHINE, SCOPES, Made, Token, Tokens
from .pages import executor


def commands(context: PluginContext[Any], tokens: Tokens) -> list[Command]:
    """What `wwt` learns by this plugin."""
    group = click.Group("token", help="Make and look after tokens of programs.")
    for command in (_add(context, tokens), _list(tokens), _rotate(context, tokens), _revoke(context, tokens)):
        group.add_command(command)
    return [Command("token", "Make and look after tokens of programs.", group)]


def _add(context: PluginContext[Any], tokens: Tokens) -> click.Command:
    @click.command()
    @click.argument("name")
    @click.option("--role", "scope", type=click.Choice(list(SCOPES)), default="viewer", show_default=True,
                  help="What it gives at most; machine: NAME is an executor.")  # fmt: skip
    @click.option("--label", default="", help="What it is for.")
    @click.option("--days", type=float, help="For how many days it is good.")
    @click.option("--backend", default="auth.local", show_default=True, help="The plugin that knows the person NAME.")
    def add(name: str, scope: str, label: str, days: float | None, backend: str) -> None:
        """Make a token of NAME, a person or an executor, and print it: it is not shown again."""
        try:
            owner = executor(name) if scope == MACHINE else _person(context, name, scope, backend)
            made = tokens.make(owner, scope, label, days or context.options.days)
        except WwtError as err:
            raise click.ClickException(str(err)) from err
        context.audit.write("token made", who_runs(), name, token=made.token.id, scope=scope)
        _show(made)

    return add


def _person(context: PluginContext[Any], name: str, scope: str, backend: str) -> User:
    if backend != "auth.local":
        return User(name, roles=frozenset({scope}), backend=backend)
    account = context.accounts.find(name)
    if account is None:
        raise WwtError(f"There is no local account called {name!r}; say which plugin knows it by --backend.")
    user = User(account.name, account.full_name, account.email, account.roles, backend)
    if not user.may(scope):
        raise WwtError(f"{account.name} has not the role {scope}, so a token can not give it.")
    return user


def _list(tokens: Tokens) -> click.Command:
    @click.command("list")
    def list_() -> None:
        """Show every token that is good, without its secret."""
        kept = tokens.all()
        for token in kept:
            click.echo(_line(token))
        if not kept:
            click.echo("There are no tokens; make one with: wwt token add NAME")

    return list_


def _rotate(context: PluginContext[Any], tokens: Tokens) -> click.Command:
    @click.command()
    @click.argument("id_", metavar="ID")
    @click.option("--overlap-hours", type=click.FloatRange(min=0), help="For how long the old one still works.")
    def rotate(id_: str, overlap_hours: float | None) -> None:
        """Make a token in the place of ID, and print it."""
        options = context.options
        hours = options.overlap_hours if overlap_hours is None else overlap_hours
        try:
            made = tokens.rotate(id_, options.days, hours, None)
        except WwtError as err:
            raise click.ClickException(str(err)) from err
        context.audit.write("token rotated", who_runs(), made.token.owner, token=made.token.id, before=id_)
        _show(made)
        click.echo(f"The old one, {id_}, works for {hours:g} hours more.", err=True)

    return rotate


def _revoke(context: PluginContext[Any], tokens: Tokens) -> click.Command:
    @click.command()
    @click.argument("id_", metavar="ID")
    def revoke(id_: str) -> None:
        """End the token ID at once."""
        try:
            token = tokens.revoke(id_, None)
        except WwtError as err:
            raise click.ClickException(str(err)) from err
        context.audit.write("token revoked", who_runs(), token.owner, token=id_)
        click.echo(f"The token {token.id} of {token.owner} has ended.")

    return revoke


def _show(made: Made) -> None:
    """The token alone on standard output, so that a script can take it; the rest beside it."""
    token = made.token
    click.echo(made.text)
    click.echo(
        f"A token of {token.owner}, {SCOPES[token.scope]}, until {token.expires_at:%Y-%m-%d %H:%M} UTC.", err=True
    )
    click.echo("It is not shown again. Send it as: Authorization: Bearer TOKEN", err=True)


def _line(token: Token) -> str:
    used = f"used {token.used_at:%Y-%m-%d %H:%M}" if token.used_at else "never used"
    until = f"until {token.expires_at:%Y-%m-%d %H:%M}"
    return "  ".join(filter(None, [token.id, token.owner, token.scope, until, used, token.label, token.backend]))
