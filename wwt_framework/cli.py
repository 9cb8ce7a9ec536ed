"""``wwt``: the program. Subcommands of plugins are found when they are asked for."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from wwt_framework import __version__
from wwt_framework import config as configuration
from wwt_framework.cli_learning import COMMANDS
from wwt_framework.cli_options import Aside, aside_options, build, config_option, find
from wwt_framework.cli_people import Merged, build_of, groups
from wwt_framework.errors import ConfigError, WwtError
from wwt_framework.logs import on_terminal


class Commands(click.Group):
    """The core's commands, and those that plugins of the installation contribute."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        own = super().get_command(ctx, name)
        if isinstance(own, Merged):
            try:
                more = self._contributed().get(name)
            except WwtError:  # as `list_commands`; what the command itself needs of it is said then
                return own
            return own.take_in(more) if isinstance(more, click.Group) else own
        return own or self._contributed().get(name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        try:
            return sorted({*super().list_commands(ctx), *self._contributed()})
        except WwtError:
            return super().list_commands(ctx)  # `wwt --help` must work beside a broken plugins.yml

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except WwtError as err:
            raise click.ClickException(str(err)) from err

    def _contributed(self) -> dict[str, click.Command]:
        path = configuration.find(_config_argument(sys.argv), os.environ, Path.cwd())
        if path is None:
            return {}
        app = build(path)
        commands = {
            command.name: _with_config(command.command)
            for answer in app.house.hooks.each("register_commands")
            for command in answer.value or ()
        }
        click.get_current_context().call_on_close(app.close)
        return commands


def _config_argument(argv: Sequence[str]) -> str | None:
    """What ``--config`` says, wherever it stands: a contributed command must be found before it is parsed."""
    for i, word in enumerate(argv):
        if word == "--config" and i + 1 < len(argv):
            return argv[i + 1]
        if word.startswith("--config="):
            return word.partition("=")[2]
    return None


def _with_config(command: click.Command) -> click.Command:
    """Let *command* and its subcommands take ``--config``, which has been read by then."""
    if isinstance(command, click.Group):
        for sub in command.commands.values():
            _with_config(sub)
    if not any(parameter.name == "config_file" for parameter in command.params):
        option = click.Option(
            ["--config", "config_file"], metavar="FILE", expose_value=False, help="The plugins.yml to use."
        )
        command.params.append(option)
    return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="wwt")
@click.option("-v", "--verbose", is_flag=True, help="Say on the terminal what the log says.")
def cli(verbose: bool) -> None:
    """A console for the people who keep large scientific computing grids running."""
    on_terminal(logging.INFO if verbose else logging.WARNING)


@cli.command()
@config_option
@click.option("--port", type=click.IntRange(0, 65535), help="Listen here instead of where plugins.yml says; 0: any.")
@click.option("--no-jobs", is_flag=True, help="Serve pages only; `wwt work` runs the jobs.")
def serve(config_file: str | None, port: int | None, no_jobs: bool) -> None:
    """Serve the pages, and look at the sources every now and then."""
    path = configuration.find(config_file, os.environ, Path.cwd())
    if path is None or not path.exists():
        path = _write_default(path or Path.cwd() / "plugins.yml")
    from wwt_framework import running

    running.serve(path, port, jobs=not no_jobs)


def _write_default(path: Path) -> Path:
    """The default plugins.yml where there is none, and say so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(configuration.default_text(), encoding="utf-8")
    click.echo(f"There was no configuration: wrote the default one to {path}. It shows a made-up grid; edit it.")
    click.echo("To sign in, make an account first:  wwt user add NAME --role operator")
    return path


@cli.command()
@config_option
def work(config_file: str | None) -> None:
    """Run the jobs for `wwt serve --no-jobs` or another WSGI server."""
    from wwt_framework import running

    running.work(find(config_file))


@cli.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: any free one.")
@click.option("--workflows", type=click.IntRange(1, 1_000_000), default=300, show_default=True, help="How big a grid.")
@click.option(
    "--time-lapse",
    type=click.FloatRange(1, 100_000),
    default=60,
    show_default=True,
    help="Seconds that pass in the grid in one of ours; 60: an hour a minute, 1: as here.",
)
@click.option("--live", is_flag=True, help="The grid is asked through its services, over HTTPS with a certificate.")
@click.option(
    "--faults",
    multiple=True,
    metavar="FAULT",
    help="With --live: 20% of all answers fail by chance; 503: all do so; 503@jobdetail: those with that in their address.",
)
def demo(port: int, workflows: int, time_lapse: float, live: bool, faults: tuple[str, ...]) -> None:
    """Show a made-up grid, with an executor: no configuration, no certificate, nothing is kept."""
    if faults and not live:
        raise click.UsageError("--faults spoils the services of the grid, which only --live asks; give both")
    from wwt_framework import demo as shown

    shown.demo(shown.Demo(port, workflows, time_lapse, live, faults))


@cli.command()
@config_option
@click.option("--workflow", "workflows", multiple=True, metavar="NAME", help="Look only at this workflow; repeatable.")
@click.option("--prepid", "prep_ids", multiple=True, metavar="ID", help="Look only at this PrepID; repeatable.")
@click.option("--anew", is_flag=True, help="Ask for everything, however young what is kept of it.")
@aside_options
def refresh(
    config_file: str | None,
    workflows: tuple[str, ...],
    prep_ids: tuple[str, ...],
    anew: bool,
    aside: Aside,
) -> None:
    """Look at the sources now, and publish the new snapshot."""
    from wwt_framework import running

    aside.end(running.refresh(find(config_file), workflows, prep_ids, aside.run_id, aside.text, anew))


@cli.command()
@config_option
def check(config_file: str | None) -> None:
    """Say what is wrong with plugins.yml and its plugins; exit code 1 if something is."""
    path = find(config_file)
    from wwt_framework import checking

    problems = checking.check(path, click.echo)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        sys.exit(1)
    click.echo(f"{path}: nothing is wrong")


@cli.command()
@config_option
@click.argument("name", required=False)
def plugins(config_file: str | None, name: str | None) -> None:
    """List the plugins of this installation; with NAME its options and what they mean."""
    from wwt_framework import checking

    path = configuration.find(config_file, os.environ, Path.cwd())
    click.echo(checking.describe(path, name))


@cli.command("import-config")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="Where to write; otherwise to the terminal.")
def import_config(files: tuple[Path, ...], output: Path | None) -> None:
    """Turn a config.yml of WorkflowWebTools into a plugins.yml, and say what could not be carried over.

    Name config.yml and credential.yml of its workflowmonit, too, where it ran.
    """
    from wwt_framework.import_config import Original, convert

    originals = []
    for file in files:
        try:
            originals.append(Original(file.read_text(encoding="utf-8"), file.name, file.parent.resolve()))
        except (OSError, UnicodeDecodeError) as err:
            raise click.ClickException(f"{file}: expected a text file in UTF-8: {err}") from err
    converted = convert(*originals)
    if output is None:
        click.echo(converted.text, nl=False)
    elif output.exists():
        raise click.ClickException(f"{output} is there already; name another file, or move it away")
    else:
        output.write_text(converted.text, encoding="utf-8")
        click.echo(f"wrote {output}")
    for sentence in converted.carried:
        click.echo(f"carried over: {sentence}", err=True)
    for sentence in converted.left:
        click.echo(f"not carried over: {sentence}", err=True)


@cli.command("import-actions")
@config_option
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_actions(config_file: str | None, files: tuple[Path, ...]) -> None:
    """Take over the original's actions (JSON, exports of MongoDB) and its reasons.db; exit code 1 if some were bad."""
    from wwt_framework import errands

    problems = errands.import_files(find(config_file), files, click.echo)
    for problem in problems:
        click.echo(f"not imported: {problem}", err=True)
    if problems:
        sys.exit(1)


@cli.command("update-history")
@config_option
@click.argument("places", nargs=-1, metavar="[FILE|URL]...")
def update_history(config_file: str | None, places: tuple[str, ...]) -> None:
    """Take files of errors, or the original's history.db, into the history; without any, look at the sources now.

    Taking in the same twice changes nothing. Exit code 1 if something could not be read.
    """
    path = find(config_file)
    if not places:
        from wwt_framework import running

        click.echo(running.refresh(path, (), (), None))
        return
    from wwt_framework import errands

    problems = errands.update_history(path, places, click.echo)
    for problem in problems:
        click.echo(f"not taken in: {problem}", err=True)
    if problems:
        sys.exit(1)


@cli.command("report-action")
@click.argument("workflows", nargs=-1, required=True, metavar="WORKFLOW...")
@click.option("--key-file", default="key.json", show_default=True, type=click.Path(path_type=Path),
              help="JSON with url, port, path and key.")  # fmt: skip
@click.option("--insecure", is_flag=True, help="Do not check the certificate of who answers.")
def report_action(workflows: tuple[str, ...], key_file: Path, insecure: bool) -> None:
    """Report that WORKFLOWs are acted on, as an executor does; exit code 1 unless all were open."""
    from wwt_framework import errands

    if not errands.report_actions(key_file, workflows, insecure, click.echo):
        sys.exit(1)


@cli.command("setup-tls")
@click.option(
    "--folder", type=click.Path(path_type=Path), default="keys", show_default=True, help="Where the two files go."
)
@click.option("--host", "hosts", multiple=True, help="Name or address by which visitors come; repeatable.  [localhost]")
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="How long it is good for.")
@click.option(
    "--encrypt", type=click.Choice(["aes128", "aes192", "aes256"]), help="Encrypt the key, with a pass phrase."
)
@click.option("--passphrase-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Its first line is the pass phrase.")  # fmt: skip
@click.option("--passphrase-env", metavar="NAME", help="The variable that holds the pass phrase.")
@click.option("--link", nargs=2, type=click.Path(path_type=Path), metavar="CERTIFICATE KEY",
              help="Make nothing: link these two files.")  # fmt: skip
def setup_tls(
    folder: Path,
    hosts: tuple[str, ...],
    days: int,
    encrypt: str | None,
    passphrase_file: Path | None,
    passphrase_env: str | None,
    link: tuple[Path, Path] | None,
) -> None:
    """Make a key and a certificate signed with itself, or link those there are; say what plugins.yml needs."""
    from wwt_framework import setup_tls as keys

    if link:
        lines = keys.link(folder, *link)
    else:
        wanted = (hosts or ("localhost", "127.0.0.1"), days, encrypt or "", passphrase_file, passphrase_env or "")
        lines = keys.make(keys.Wanted(folder, *wanted))
    click.echo("Write this into plugins.yml, under wwt:, and start the server again:\n", err=True)
    click.echo(lines)


@cli.group()
def mail() -> None:
    """Look after the mail of an installation."""


@mail.command("test")
@config_option
@click.argument("address")
def mail_test(config_file: str | None, address: str) -> None:
    """Send a mail to ADDRESS, and say what the mail server says to it; exit code 1 if it does not take it."""
    from wwt_framework import checking

    if not checking.send_test(find(config_file), address, click.echo):
        sys.exit(1)


for _command in COMMANDS:
    cli.add_command(_command)
for _group in groups(config_option, build_of(find, build)):
    cli.add_command(_group)


def main() -> None:
    """Run the program: what we can say in a sentence is said, and the exit code is 1."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as err:
        err.show()
        sys.exit(err.exit_code)
    except (ConfigError, WwtError) as err:
        click.echo(f"wwt: {err}", err=True)
        sys.exit(1)
    except OSError as err:  # a full disk, a folder that is not ours: the system says which
        click.echo(f"wwt: {err}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
