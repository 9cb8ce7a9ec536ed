"""``wwt user`` and ``wwt auth``: people of all backends, from the shell."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wwt_framework.errors import WwtError
from wwt_framework.model import ROLES
from wwt_framework.shell import who_runs

if TYPE_CHECKING:
    from wwt_framework.app import App
    from wwt_framework.services.access.keeping import Keeper
    from wwt_framework.services.access.trying import Trial
    from wwt_framework.store.ledger import Person

_UNITS = {"m": 1, "h": 60}
_LONGEST = timedelta(hours=24)

Option = Callable[[Any], Any]
Build = Callable[[str | None], "App"]


class Merged(click.Group):
    """A group of the core, which plugins may add subcommands to; what the core has, it keeps."""

    def take_in(self, group: click.Group) -> click.Group:
        """This group with what *group* has more."""
        commands = {**group.commands, **self.commands}
        return click.Group(self.name, commands=commands, help=self.help)


def groups(option: Option, build: Build) -> tuple[Merged, click.Group]:
    """The two groups; *option* adds ``--config``, *build* makes the house of it."""
    user = Merged("user", help="Look after people: who they are, what they may do.")
    for command in (_list, _roles):
        user.add_command(command(option, build))
    for act in _ACTS:
        user.add_command(_act(act, option, build))
    auth = click.Group("auth", help="See who somebody would be; come in when no other way works.")
    auth.add_command(_try(option, build))
    auth.add_command(_break_glass(option, build))
    return user, auth


@contextmanager
def _keeper(build: Build, config_file: str | None) -> Iterator[Keeper]:
    from wwt_framework.services.access.keeping import Keeper

    app = build(config_file)
    try:
        yield Keeper(app.store, app.notices, who_runs())
    except WwtError as err:
        raise click.ClickException(str(err)) from err
    finally:
        app.close()


def _list(option: Option, build: Build) -> click.Command:
    @click.command("list")
    @option
    def list_(config_file: str | None) -> None:
        """Show everybody who has an account or ever came, by whatever backend."""
        from wwt_framework.store import ledger

        app = build(config_file)
        try:
            people = ledger.persons(app.store)
        finally:
            app.close()
        for person in people:
            click.echo(_line(person))
        if not people:
            click.echo("Nobody yet. Make an account: wwt user add NAME --role operator")

    return list_


def _line(person: Person) -> str:
    roles = ", ".join(sorted(person.all_roles)) or "no role"
    ways = ", ".join(f"{one.backend}:{one.login}" for one in person.identities)
    who = " ".join(filter(None, [person.full_name, f"<{person.email}>" if person.email else ""]))
    seen = f"last {person.seen_at:%Y-%m-%d %H:%M} UTC" if person.seen_at else "not signed in yet"
    return "  ".join(filter(None, [person.name, roles, who, ways, seen, "(disabled)" if person.disabled_at else ""]))


def _roles(option: Option, build: Build) -> click.Command:
    @click.command("roles")
    @option
    @click.argument("name")
    @click.argument("roles", nargs=-1, type=click.Choice(ROLES))
    @click.option("--none", "nothing", is_flag=True, help="Take all roles away that are granted here.")
    def roles(config_file: str | None, name: str, roles: tuple[str, ...], nothing: bool) -> None:
        """Give NAME these ROLES and no others; without any, say which there are."""
        with _keeper(build, config_file) as keeper:
            person = keeper.set_roles(name, roles) if roles or nothing else keeper.find(name)
        click.echo(f"{person.name}: {', '.join(sorted(person.all_roles)) or 'no role'}")

    return roles


@dataclass(frozen=True)
class Act:
    """A command that does one thing to one person: `Keeper` has a verb of its name, with arguments of these names."""

    name: str
    arguments: tuple[str, ...]
    help: str
    told: str  # what it says then, of the person and the arguments


_ACTS = (
    Act(
        "disable", ("name",), "Let NAME in no more, by whatever backend, and end their sessions.",
        "{person} is disabled; no backend lets them in.",
    ),
    Act("enable", ("name",), "Let NAME in again.", "{person} may sign in."),
    Act(
        "link", ("name", "backend", "login"), "Say that LOGIN of BACKEND (auth.ldap) is the person NAME.",
        "{login} of {backend} is {person}.",
    ),
    Act(
        "unlink", ("backend", "login"), "Let LOGIN of BACKEND be somebody of their own again.",
        "{login} of {backend} is {person} now.",
    ),
)  # fmt: skip


def _act(act: Act, option: Option, build: Build) -> click.Command:
    def command(config_file: str | None, **given: str) -> None:
        with _keeper(build, config_file) as keeper:
            person = getattr(keeper, act.name)(**given)
        click.echo(act.told.format(person=person.name, **given))

    for argument in reversed(act.arguments):
        command = click.argument(argument)(command)
    return click.command(act.name, help=act.help)(option(command))


def _try(option: Option, build: Build) -> click.Command:
    @click.command("try")
    @option
    @click.argument("login", required=False, default="")
    @click.option(
        "--password-stdin", is_flag=True, help="Read the password from standard input; without it, none is tried."
    )
    @click.option("--header", default="", help="A header of a request: 'X-Remote-User: olga', 'REMOTE_USER: olga'.")
    @click.option("--dn", default="", help="The subject of a client certificate.")
    @click.option("--token-stdin", is_flag=True, help="Read a token from standard input.")
    @click.option("--from", "peer", default="127.0.0.1", show_default=True, help="Address that the request comes from.")
    def try_(
        config_file: str | None, login: str, password_stdin: bool, header: str, dn: str, token_stdin: bool, peer: str
    ) -> None:
        """Say who LOGIN, a header, a certificate or a token would be, and why; nobody signs in."""
        from wwt_framework.services.access.trying import try_out, wanted_of

        secret = sys.stdin.readline(8192).rstrip("\r\n") if password_stdin or token_stdin else ""
        app = build(config_file)
        try:
            wanted = wanted_of(login, secret if password_stdin else "", header, dn, secret if token_stdin else "", peer)
            trial = try_out(app.house.hooks, app.store, wanted, who_runs())
        except WwtError as err:
            raise click.ClickException(str(err)) from err
        finally:
            app.close()
        for line in said(trial):
            click.echo(line)
        if trial.user is None or trial.refusal:
            sys.exit(1)

    return try_


def said(trial: Trial) -> list[str]:
    """What a trial came to, line by line."""
    lines = ["Backends, in the order of asking:"]
    lines += [f"  {line.plugin}: {line.said}" for line in trial.asked] or ["  none lets anybody in so"]
    if trial.granted:
        lines += ["Roles:", *(f"  {line.plugin}: {line.said}" for line in trial.granted)]
    if trial.user is not None:
        roles = ", ".join(sorted(trial.user.roles)) or "none"
        new = ", who would be somebody new" if trial.is_new else ""
        lines.append(f"Would be {trial.user.name}{new}, by {trial.user.backend}, with roles: {roles}.")
    return [*lines, f"Would not come in: {trial.refusal}"] if trial.refusal else lines


def _break_glass(option: Option, build: Build) -> click.Command:
    @click.command("break-glass")
    @option
    @click.option("--for", "for_", default="30m", show_default=True, help="How long: 10m, 2h; 24h at most.")
    def break_glass(config_file: str | None, for_: str) -> None:
        """Make a code that lets somebody in as admin, once, for a while; all of it is written down."""
        from wwt_framework.store import ledger

        span = span_of(for_)
        app = build(config_file)
        try:
            by = who_runs()
            with app.store.write():
                code, glass = ledger.make_break_glass(app.store, by, span)
                ledger.write_down(app.store, by, "break-glass made", until=glass.ends_at.isoformat())
            where = app.url("/break-glass")
        finally:
            app.close()
        click.echo(f"Until {glass.ends_at:%Y-%m-%d %H:%M} UTC, once, at {where}\nCode: {code}")

    return break_glass


def span_of(text: str) -> timedelta:
    """``30m`` or ``2h`` as a span. Raises `click.ClickException`."""
    found = re.fullmatch(r"([1-9][0-9]{0,3})([mh])", text.strip())
    span = timedelta(minutes=int(found[1]) * _UNITS[found[2]]) if found else timedelta()
    if not timedelta() < span <= _LONGEST:
        raise click.ClickException(f"--for: expected minutes or hours like 30m or 2h, 24h at most, got {text!r}")
    return span


def build_of(found: Callable[[str | None], Path], make: Callable[[Path], App]) -> Build:
    """A house of what ``--config`` says."""
    return lambda config_file: make(found(config_file))
